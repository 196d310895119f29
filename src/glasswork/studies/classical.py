"""Classical classifiers on features: a linear support vector machine and logistic regression (Kovashka)."""

import enum
import warnings
from typing import Any

import numpy as np
from torch import Tensor

from glasswork.data.splits import Splits

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)  # C, what the errors are multiplied by beside |w|^2 / 2


class Classical(enum.Enum):
    """Which one."""

    SVM = "svm"
    LOGISTIC = "logistic"


def fit_classical(kind: Classical, features: Tensor, targets: Tensor, splits: Splits) -> float:
    """Learns from the training rows, with the strength that is best on the validation rows, then from both.

    Features are standardised by the rows that are learnt from.

    Args:
        kind: which classifier.
        features: float32 (rows, units).
        targets: int64 (rows,).
        splits: which rows train, choose and judge.

    Returns:
        The share of right answers on the test rows.
    """
    inputs, labels = features.numpy(), targets.numpy()
    training, held, judged = (rows.numpy() for rows in (splits.training, splits.validation, splits.test))
    figures = [
        _fitted(kind, c, inputs[training], labels[training]).score(inputs[held], labels[held]) if len(held) else 0.0
        for c in STRENGTHS
    ]
    chosen = STRENGTHS[int(np.argmax(figures))] if len(held) else STRENGTHS[1]
    both = np.concatenate([training, held])
    return float(_fitted(kind, chosen, inputs[both], labels[both]).score(inputs[judged], labels[judged]))


def _fitted(kind: Classical, strength: float, inputs: Any, labels: Any) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    made = SVC(kernel="linear", C=strength) if kind is Classical.SVM else LogisticRegression(C=strength, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # at a thousand steps the answers do not change any more
        return make_pipeline(StandardScaler(), made).fit(inputs, labels)
