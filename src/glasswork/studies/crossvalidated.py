"""What a cross-validation found: errors with their standard errors, and the choice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ERRORS = {"accuracy": "share of wrong answers (1 - accuracy)", "r2": "share of the variance not explained (1 - R2)"}
"""The metric that the error is one minus of, and the error in words; the first that a system measures counts."""


@dataclass(frozen=True)
class FoldResult:
    """One network of one setting, trained without one fold and judged on it.

    Attributes:
        repeat, fold: which one, from 1.
        training_examples, validation_examples: how many it was fitted to, and how many judged it.
        error, training_error: on the fold, and on the examples that it was fitted to.
        metrics, training_metrics: all figures of both; `loss` among them.
        epochs: epochs made.
        best_epoch: after which of them the weights stood; None: the last.
    """

    repeat: int
    fold: int
    training_examples: int
    validation_examples: int
    error: float
    training_error: float
    metrics: Mapping[str, float]
    training_metrics: Mapping[str, float]
    epochs: int
    best_epoch: int | None


@dataclass(frozen=True)
class SettingResult:
    """What the folds say about one setting.

    Attributes:
        name: the setting in words.
        values: its fields that were given values to try.
        parameters: how many numbers are trained.
        error, standard_error: mean over the folds of the error on the fold, and the standard error of that mean.
        training_error, training_standard_error: the same of the errors on the examples trained on.
        folds: one by one.
        command: trains this setting.
    """

    name: str
    values: Mapping[str, Any]
    parameters: int
    error: float
    standard_error: float
    training_error: float
    training_standard_error: float
    folds: tuple[FoldResult, ...]
    command: str


@dataclass(frozen=True)
class CrossValidated:
    """What a cross-validation found.

    Attributes:
        preset, data, seed: what was trained, on what, from what draw.
        varied: the fields that have several values.
        settings: what the folds say, in the order of the grid.
        failed: settings that could not be trained to the end, and why.
        best: place in `settings` of the least mean error.
        threshold: that error plus its standard error.
        chosen: place in `settings` of the choice by the rule of one standard error.
        reason: what makes it the simplest near the least error, in words; empty where none is simpler than another.
        error_name: what the error is, in words.
        folds, repeats, order, groups: how the examples were divided.
        examples: how many the folds divide.
        kept_for_test: how many nothing has seen.
        stacks: how many networks each stack had that was trained at the same time; 1: one was trained alone.
        alone_because: why one was trained alone, in a clause; None where none was.
        remarks: sentences about how it was done.
    """

    preset: str
    data: str | None
    seed: int
    varied: tuple[str, ...]
    settings: tuple[SettingResult, ...]
    failed: Mapping[str, str]
    best: int
    threshold: float
    chosen: int
    reason: str
    error_name: str
    folds: int
    repeats: int
    order: str
    groups: str | None
    examples: int
    kept_for_test: int
    stacks: tuple[int, ...]
    alone_because: str | None
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)


def error_of(metrics: Mapping[str, float]) -> float:
    """One minus the main metric: 1 - accuracy for classes and labels, 1 - R2 for numbers."""
    return 1 - metrics[_main(metrics)]


def error_name(metrics: Mapping[str, float]) -> str:
    """What `error_of` such metrics is, in words."""
    return ERRORS[_main(metrics)]


def mean_and_standard_error(errors: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The mean of the folds' errors, and its standard error s / sqrt(n), s^2 = sum (e_i - mean e)^2 / (n - 1).

    Of several repeats: the mean, and the root mean square of the standard errors. More repeats do not make it smaller,
    for they judge the same examples again.

    Args:
        errors: of the n folds of each repeat.
    """
    means = [sum(folds) / len(folds) for folds in errors]
    squares = [
        sum((error - mean) ** 2 for error in folds) / (len(folds) - 1) / len(folds)
        for folds, mean in zip(errors, means, strict=True)
    ]
    return sum(means) / len(means), math.sqrt(sum(squares) / len(squares))


def one_standard_error(
    errors: Sequence[float], standard_errors: Sequence[float], simplicity: Sequence[tuple[float, ...]]
) -> tuple[int, float, int]:
    """The simplest setting whose error is within one standard error of the least: the 1 SE rule.

    Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 3.4.3: errors near the least
    cannot be told apart, so the simplest of these settings is taken.

    Args:
        errors: mean error of each setting.
        standard_errors: of these means.
        simplicity: what settings are ordered by, the simplest first; among equals the lesser error counts.

    Returns:
        (place of the least error, that error plus its standard error, place of the choice).
    """
    best = min(range(len(errors)), key=lambda place: (errors[place], simplicity[place]))
    threshold = errors[best] + standard_errors[best]
    near = [place for place in range(len(errors)) if errors[place] <= threshold]
    return best, threshold, min(near, key=lambda place: (simplicity[place], errors[place]))


def _main(metrics: Mapping[str, float]) -> str:
    return next(name for name in ERRORS if name in metrics)
