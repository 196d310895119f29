"""A regressor with scikit-learn's conventions."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin
from torch import Tensor
from typing_extensions import override

from glasswork.data.kinds.kind import Target
from glasswork.data.kinds.numbers import Numbers
from glasswork.sklearn.estimator import Array, Network, moments


@final
@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(RegressorMixin, Network):  # type: ignore[misc]
    """A network that answers one number or several, over the recipe of supervised learning.

    Parameters, attributes and what None means are those of `NetworkClassifier`, without `classes_`, `loss`,
    `label_smoothing` and `class_weights`. The loss is half the squared error of standardised targets.
    """

    _numbers = True

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Fits the network.

        Args:
            X: (examples, features), or images where the preset takes them: uint8, or numbers from 0 to 1.
            y: (examples,) or (examples, numbers).

        Raises:
            ValueError: where parameters and data do not fit, in one sentence.
        """
        given, y = self._validate(X, y=y, multi_output=True, y_numeric=True)
        numbers = np.asarray(y, dtype=np.float64)
        self._single = numbers.ndim == 1
        columns = numbers.reshape(len(numbers), -1)
        self._fit(given, columns, Numbers(tuple(f"y{k}" for k in range(1, columns.shape[1] + 1))))
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The numbers, in the units of `y` and in its shape."""
        scaled, numbers = self._outputs(X), Numbers.of(self.task_)
        outputs: Array = scaled * np.array(numbers.deviation) + np.array(numbers.mean)
        return outputs[:, 0] if self._single else outputs

    @override
    def _standardise(self, targets: Tensor, training: Tensor, target: Target) -> tuple[Tensor, Target]:
        mean, deviation = moments(targets[training])
        kind = Numbers(target.names, tuple(mean.tolist()), tuple(deviation.tolist()))
        return ((targets - mean) / deviation).float(), kind

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
