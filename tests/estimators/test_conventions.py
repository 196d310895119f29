"""scikit-learn's own checks, in full; the list of expected failures is empty."""

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from glasswork.sklearn import NetworkClassifier, NetworkRegressor

QUICK: dict[str, Any] = {"hidden": (32,), "epochs": 8, "learning_rate": 0.03, "batch_size": 50}


@parametrize_with_checks([NetworkClassifier(**QUICK), NetworkRegressor(**QUICK)])
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)
