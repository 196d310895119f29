"""What is measured: named numbers for each kind of target, the confusion matrix, and calibration.

PyTorch only, as importing scikit-learn takes seconds; the tests compare with it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Metrics:
    """What was measured on some examples.

    Attributes:
        values: figures by name.
        main: which of them people ask for first.
        error: what selection compares; smaller is better.
        higher_is_better: whether the main one is better if it is higher.
    """

    values: Mapping[str, float]
    main: str
    error: float
    higher_is_better: bool = True


def measure_class(scores: Tensor, targets: Tensor) -> dict[str, float]:
    """`accuracy`, `top_5_accuracy` and `macro_f1` of scores (examples, classes), targets int64 (examples,).

    The accuracy; the share whose right class is among the five highest scores (only with more than five
    classes); and the mean of the classes' F1, over those that occur among targets or answers.
    """
    classes = scores.shape[1]
    answers = scores.argmax(1)
    result = {"accuracy": float((answers == targets).double().mean())}
    if classes > 5:
        best = scores.topk(5, dim=1).indices  # (examples, 5)
        result["top_5_accuracy"] = float((best == targets[:, None]).any(1).double().mean())
    confusion = confusion_matrix(answers, targets, classes)
    occurrences = confusion.sum(0) + confusion.sum(1)  # TP + FN and TP + FP of each class: 2 TP + FP + FN
    f1 = 2 * confusion.diagonal().double() / occurrences  # NaN where a class does not occur
    result["macro_f1"] = float(f1[occurrences > 0].mean())
    return result


def measure_classes(answers: Tensor, targets: Tensor) -> dict[str, float]:
    """`accuracy`, `exact_match` and `f1` of answers and targets, both bool (examples, labels).

    The share of right yes or no answers over all labels; the share of examples with every label right; and F1 over all
    labels of all examples together (micro), 0 if none is set or answered.
    """
    right = answers == targets
    occurrences = int(answers.sum() + targets.sum())  # 2 TP + FP + FN
    return {
        "accuracy": float(right.double().mean()),
        "exact_match": float(right.all(1).double().mean()),
        "f1": 2 * int((answers & targets).sum()) / occurrences if occurrences else 0.0,
    }


def measure_numbers(scores: Tensor, targets: Tensor) -> dict[str, float]:
    """`mean_absolute_error`, `root_mean_squared_error` and `r2`, both arguments float (examples, numbers).

    The first two are in the unit of what is passed; r2 is the share of the variance explained,
    1 - sum (y - t)^2 / sum (t - mean t)^2, and if the targets are constant 1 if they are met and else 0. All three are
    means over the numbers predicted.
    """
    errors = scores.double() - targets.double()
    squares = errors.square().sum(0)  # (numbers,)
    spread = (targets.double() - targets.double().mean(0)).square().sum(0)
    constant = spread == 0
    explained = 1 - squares / torch.where(constant, 1.0, spread)
    r2 = torch.where(constant, (squares == 0).double(), explained)
    return {
        "mean_absolute_error": float(errors.abs().mean()),
        "root_mean_squared_error": float(errors.square().mean(0).sqrt().mean()),
        "r2": float(r2.mean()),
    }


def confusion_matrix(answers: Tensor, targets: Tensor, classes: int) -> Tensor:
    """How often each true class got each answer.

    Args:
        answers: int64 (examples,).
        targets: int64 (examples,).
        classes: how many classes there are.

    Returns:
        int64 (classes, classes): a row per true class, a column per answer.
    """
    return torch.bincount(targets * classes + answers, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class CalibrationBin:
    """The answers whose confidence is above `low` and at most `high`.

    Attributes:
        low: lower end, left out.
        high: upper end, included.
        count: answers in the bin.
        confidence: the mean probability of the answer; 0 in an empty bin.
        accuracy: 0 in an empty bin.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibration(probabilities: Tensor, targets: Tensor, bins: int = 10) -> list[CalibrationBin]:
    """How often answers are right, by how sure the network is of them (reliability diagram, Guo et al. 2017).

    Args:
        probabilities: (examples, classes); the answer is the most probable class, its probability the confidence.
        targets: int64 (examples,).
        bins: how many bins of equal width divide 0 to 1.

    Returns:
        All bins, empty ones too, from low to high.
    """
    confidences, answers = probabilities.double().max(1)
    right = (answers == targets).double()
    edges = torch.arange(1, bins, dtype=torch.float64, device=confidences.device) / bins
    places = torch.bucketize(confidences, edges)  # the number of edges below; a bin includes its upper edge
    counts = torch.bincount(places, minlength=bins)
    divisors = counts.clamp(min=1)
    means = torch.bincount(places, confidences, minlength=bins) / divisors
    shares = torch.bincount(places, right, minlength=bins) / divisors
    return [
        CalibrationBin(place / bins, (place + 1) / bins, count, confidence, accuracy)
        for place, (count, confidence, accuracy) in enumerate(
            zip(counts.tolist(), means.tolist(), shares.tolist(), strict=True)
        )
    ]


def expected_calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """The mean gap between confidence and accuracy: sum_b count_b / N |accuracy_b - confidence_b| (Guo et al. 2017).

    Args:
        bins: what `calibration` returns.

    Returns:
        0 (calibrated) to 1; 0 if there are no answers.
    """
    total = sum(part.count for part in bins)
    if not total:
        return 0.0
    return sum(part.count * abs(part.accuracy - part.confidence) for part in bins) / total


def share_interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, right of count independent examples (Wilson 1927)."""
    z, share = 1.959964, right / count
    centre_of = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, centre_of - half), min(1.0, centre_of + half)


def grouped_share_interval(shares: Sequence[float], mean: float) -> tuple[float, float] | None:
    """The 95 % interval of a share whose examples come in groups, from how much the groups differ (Student's t).

    Examples of one group, such as the frames of a clip, are not independent.

    Args:
        shares: of each group.
        mean: of all examples together.

    Returns:
        None for fewer than two groups.
    """
    if len(shares) < 2:
        return None
    from scipy import stats

    half = float(stats.t.ppf(0.975, len(shares) - 1)) * statistics.stdev(shares) / math.sqrt(len(shares))
    return max(0.0, mean - half), min(1.0, mean + half)
