"""A regressor with scikit-learn's conventions."""

from typing import Any, Self, final

import numpy as np
from sklearn.base import RegressorMixin
from typing_extensions import override

from glasswork.data.kinds.numbers import Numbers
from glasswork.sklearn.estimator import Array, Network


@final
class NetworkRegressor(RegressorMixin, Network):  # type: ignore[misc]
    """A network that answers one number or several, over the recipe of supervised learning.

    Parameters, attributes and what None means are those of `NetworkClassifier`, without `classes_`, `loss`,
    `label_smoothing` and `class_weights`. The loss is half the squared error of standardised targets.
    """

    def __init__(
        self,
        *,
        preset: str | None = None,
        hidden: tuple[int, ...] | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        momentum: float | None = None,
        weight_decay: float | None = None,
        schedule: str | None = None,
        penalty: str | None = None,
        strength: float | None = None,
        gradient_clip: float | None = None,
        validation: float | None = None,
        patience: int | None = None,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.preset = preset
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.penalty = penalty
        self.strength = strength
        self.gradient_clip = gradient_clip
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Fits the network.

        Args:
            X: (examples, features), or images where the preset takes them: uint8, or numbers from 0 to 1.
            y: (examples,) or (examples, numbers).

        Raises:
            ValueError: where parameters and data do not fit, in one sentence.
        """
        given, y = self._validated(X, y=y, multi_output=True, y_numeric=True)
        numbers = np.asarray(y, dtype=np.float64)
        self._single = numbers.ndim == 1
        columns = numbers.reshape(len(numbers), -1)
        self._fit(given, columns, Numbers(tuple(f"y{k}" for k in range(1, columns.shape[1] + 1))))
        return self

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The numbers, in the units of `y` and in its shape."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._single else outputs

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
