"""Networks with scikit-learn's conventions: two estimators over the recipes, and a trained layer as a transformer."""

from glasswork.sklearn.classifier import NetworkClassifier
from glasswork.sklearn.features import NetworkFeatures
from glasswork.sklearn.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkFeatures", "NetworkRegressor"]
