"""A classifier with scikit-learn's conventions."""

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d
from typing_extensions import override

from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.one_class import OneClass
from glasswork.sklearn.estimator import Array, Network


@final
@dataclass(kw_only=True, eq=False, repr=False)
class NetworkClassifier(ClassifierMixin, Network):  # type: ignore[misc]
    """A network that answers one class of several, or any number of labels, over the recipe of supervised learning.

    Every parameter but `preset`, `random_state` and `device` is a field of the recipe, as `glasswork systems show mlp`
    prints them. None is derived: from the preset, or without one from the number of rows (`estimator.tabular`).

    Args:
        preset: `linear`, `mlp` or `lenet` (for images); None: a dense network with settings that suit tables.
        hidden: units of each hidden layer, such as (100, 50); () for a linear classifier.
        activation: of the hidden units: relu, tanh, sigmoid, leaky-relu, elu, maxout.
        dropout: share of the hidden units turned off at random in training.
        loss: cross-entropy, hinge, binary-cross-entropy, squared-error.
        label_smoothing: share of the target spread evenly over all classes.
        class_weights: `balanced`: rare classes count as much as frequent ones; `none`.
        epochs: the most passes over the training rows.
        batch_size: rows per step.
        optimizer: sgd, momentum, adam, adamw.
        learning_rate: size of a step; with a schedule, the highest one.
        momentum: share of the last update kept, for momentum and Adam.
        weight_decay: AdamW's decoupled shrinking of the weights per step.
        schedule: of the learning rate: one-cycle, cosine, step, constant.
        penalty: R(W) added to the loss: l1, l2, none.
        strength: lambda, what the penalty is multiplied by.
        gradient_clip: the longest gradient; longer ones are scaled to it.
        validation: share of the rows held out to keep the best epoch's weights and to stop early.
        patience: epochs without a lower validation loss before stopping early.
        random_state: an int is the recipe's seed: equal seeds give equal networks; None: another one at every fit.
        device: where to train: cpu, cuda, mps, auto. Small networks are fastest on the processor.

    Attributes:
        classes_: (classes,), sorted; for several labels per row their column numbers.
        network_: the fitted `torch.nn.Module`, on scaled inputs, float64 for rows; `glasswork.open_network` opens it.
        task_: shapes, means and deviations.
        recipe_: the recipe that was used, fields to values.
        loss_curve_: mean training loss of each epoch.
        validation_curve_: validation loss after each epoch; empty where nothing was held out.
        best_epoch_: whose weights were kept; None where nothing was held out.
        n_iter_: epochs made.
        n_features_in_: columns of `X`.
        feature_names_in_: their names, where `X` had names.
    """

    loss: str | None = None
    label_smoothing: float | None = None
    class_weights: str | None = None

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Fits the network.

        Args:
            X: (examples, features), or images where the preset takes them: uint8, or numbers from 0 to 1.
            y: (examples,) classes, or (examples, labels) of zeros and ones.

        Raises:
            ValueError: where parameters and data do not fit, in one sentence.
        """
        given, y = self._validate(X, y=y, multi_output=True)
        check_classification_targets(y)
        self._several = type_of_target(y).startswith("multilabel")
        if self._several:
            marks = np.asarray(y.toarray() if issparse(y) else y, dtype=np.uint8)
            self.classes_ = np.arange(marks.shape[1])
            self._fit(given, marks, Labels(tuple(map(str, self.classes_))))
            return self
        self.classes_, numbers = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y contains only one class, {self.classes_[0]}: give at least two")
        self._fit(given, numbers.astype(np.int64), OneClass(tuple(map(str, self.classes_))))
        return self

    def decision_function(self, X: Any) -> Array:  # noqa: N803
        """Scores: (examples, classes); of two classes the score of the second less that of the first, (examples,)."""
        scores = self._outputs(X)
        two = not self._several and len(self.classes_) == 2
        return scores[:, 1] - scores[:, 0] if two else scores

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Probabilities, (examples, classes); under the hinge loss an order, not frequencies."""
        scores = torch.from_numpy(self._outputs(X))
        chances: Array = self.task_.target.probabilities(scores, self.recipe_["loss"]).numpy()
        return chances

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The most probable class of each row, (examples,); several labels per row as zeros and ones."""
        check_is_fitted(self)
        if self._several:
            return (self.predict_proba(X) > 0.5).astype(np.int64)
        best: Array = self.classes_[self._outputs(X).argmax(1)]
        return best

    @override
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
