"""A trained network's layer as a transformer with scikit-learn's conventions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from typing_extensions import override

from glasswork.run.load import load_model
from glasswork.sklearn.estimator import Array, as_value_errors
from glasswork.systems.model import Model


@final
class NetworkFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """What a layer of a trained network makes of inputs, for a classical classifier behind it in a `Pipeline`.

    `fit` learns nothing. Pickles hold the run's path, not the network: the run has to be there where they are
    read.

    Args:
        model: a finished run, by its folder or its name under runs/; or a `Model`.
        layer: as `named_modules` calls it, such as `dense_2`; None: what goes into the last layer with weights.
        device: where a run's network shall work.
    """

    def __init__(self, model: str | Path | Model, *, layer: str | None = None, device: str = "cpu") -> None:
        self.model = model
        self.layer = layer
        self.device = device

    def fit(self, X: Any = None, y: Any = None) -> Self:  # noqa: N803
        """Loads the run.

        Raises:
            ValueError: if there is no such run, or it is not finished.
        """
        with as_value_errors():
            self.model_ = self.model if isinstance(self.model, Model) else load_model(self.model, device=self.device)
        return self

    def transform(self, X: Any) -> Array:  # noqa: N803
        """The activations, float32 (examples, units).

        Args:
            X: paths of image files; images, uint8 or from 0 to 1; or rows of a table's features in the run's order.

        Raises:
            ValueError: where the inputs do not fit the network, or there is no such layer.
        """
        check_is_fitted(self)
        with as_value_errors():
            found = self.model_.features(_given(X), self.layer)
        self._n_features_out = found.shape[1]
        return found

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the units: the layer's name and a number."""
        check_is_fitted(
            self, "_n_features_out", msg="the number of features is known after the first transform: call it first"
        )
        return np.array([f"{self.layer or 'feature'}_{unit}" for unit in range(self._n_features_out)], dtype=object)

    @override
    def __getstate__(self) -> dict[str, Any]:
        """The parameters, a `Model` as its run's path; whether it was fitted."""
        state = dict(super().__getstate__())
        state["fitted"] = state.pop("model_", None) is not None
        if isinstance(self.model, Model):
            state["model"] = self.model.run
        return state

    @override
    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        fitted = state.pop("fitted")
        super().__setstate__(state)
        if fitted:
            self.fit()

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = True
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def _given(X: Any) -> Any:  # noqa: N803
    """Paths as a list of them, whatever scikit-learn made of the user's list; numbers as they are."""
    array = np.asarray(X)
    if array.ndim == 1 and array.dtype.kind in "OU":
        return [source if isinstance(source, Path) else str(source) for source in array.tolist()]
    return array
