"""What a supervised run's report says: the figure with its interval, the mistakes, the calibration."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from glasswork.data.augmentation import centre
from glasswork.data.dataset import Dataset, Schema
from glasswork.data.png import encode_png
from glasswork.objectives.losses import probabilities
from glasswork.objectives.metrics import calibration, confusion_matrix, expected_calibration_error
from glasswork.report.blocks import Bin
from glasswork.report.sections import LabelFigures, Mistake

MISTAKES = 24
POINTS = 1000
MOST_CLASSES = 200


def findings(dataset: Dataset, training: Tensor, rows: Tensor, where: str, scores: Tensor, loss: str) -> dict[str, Any]:
    """Fields of the report about the network's outputs on some rows.

    Args:
        dataset: all examples.
        training: rows that were trained on, for the baseline.
        rows: rows that were answered.
        where: which split they are, in words.
        scores: the network's outputs on them, (rows, outputs).
        loss: the name of the loss it was trained with.
    """
    kind = dataset.schema.target
    if kind == "class":
        return _one_class(dataset, training, rows, where, scores, loss)
    if kind == "classes":
        return _several_classes(dataset, rows, probabilities(scores, loss, kind) > 0.5)
    return _numbers(dataset, training, rows, scores)


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share, right of count (Wilson 1927)."""
    z, share = 1.959964, right / count
    centre_of = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, centre_of - half), min(1.0, centre_of + half)


def _one_class(
    dataset: Dataset, training: Tensor, rows: Tensor, where: str, scores: Tensor, loss: str
) -> dict[str, Any]:
    schema, targets = dataset.schema, dataset.columns["targets"][rows]
    chances = probabilities(scores, loss, "class")
    confidence, answers = chances.max(1)
    right = int((answers == targets).sum())
    low, high = interval(right, len(rows))
    usual = int(torch.bincount(dataset.columns["targets"][training]).argmax())
    found: dict[str, Any] = {
        "headline_metric": "accuracy",
        "headline_value": right / len(rows),
        "headline_count": f"{right:,} of {len(rows):,} {where} {'images' if schema.inputs == 'image' else 'examples'}",
        "headline_low": low,
        "headline_high": high,
        "baseline_name": "always answering the most frequent class",
        "baseline_value": float((targets == usual).float().mean()),
        "mistakes": _mistakes(dataset, rows, answers, confidence),
    }
    if len(schema.classes) <= MOST_CLASSES:
        found["confusion"] = (schema.classes, confusion_matrix(answers, targets, len(schema.classes)).tolist())
    if loss != "hinge":
        bins = calibration(chances, targets)
        found["calibration"] = [Bin(b.low, b.high, b.count, b.confidence, b.accuracy) for b in bins]
        found["expected_calibration_error"] = expected_calibration_error(bins)
    return found


def _mistakes(dataset: Dataset, rows: Tensor, answers: Tensor, confidence: Tensor) -> list[Mistake]:
    """The wrong answers that the network was surest of."""
    targets, classes = dataset.columns["targets"][rows], dataset.schema.classes
    wrong = (answers != targets).nonzero()[:, 0]
    surest = wrong[confidence[wrong].argsort(descending=True)][:MISTAKES]
    return [
        Mistake(
            picture(dataset, int(rows[i])),
            dataset.name(int(rows[i])),
            classes[int(targets[i])],
            classes[int(answers[i])],
            float(confidence[i]),
        )
        for i in surest.tolist()
    ]


def picture(dataset: Dataset, row: int) -> bytes:
    """One input as PNG; empty where inputs are no images."""
    if dataset.schema.inputs != "image":
        return b""
    return as_png(centre(dataset.columns["inputs"][row : row + 1], dataset.margin)[0])


def as_png(image: Tensor) -> bytes:
    """A picture, values 0 to 255 of shape (1 or 3, height, width), as PNG."""
    from PIL import Image

    image = image.to(torch.uint8)
    pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
    return encode_png(Image.fromarray(pixels.contiguous().numpy()))


def _several_classes(dataset: Dataset, rows: Tensor, answers: Tensor) -> dict[str, Any]:
    targets = dataset.columns["targets"][rows].bool()
    both = (answers & targets).sum(0)
    f1 = float(2 * both.sum() / max(1, int(answers.sum() + targets.sum())))
    return {
        "headline_metric": "f1",
        "headline_value": f1,
        "per_label": _label_rows(dataset.schema, answers, targets, both),
        "baseline_name": "",
    }


def _label_rows(schema: Schema, answers: Tensor, targets: Tensor, both: Tensor) -> list[LabelFigures]:
    result = []
    for k, label in enumerate(schema.classes):
        said, true, hit = int(answers[:, k].sum()), int(targets[:, k].sum()), int(both[k])
        f1 = 2 * hit / (said + true) if said + true else 0.0
        result.append(LabelFigures(label, true, hit / said if said else 0.0, hit / true if true else 0.0, f1))
    return result


def _numbers(dataset: Dataset, training: Tensor, rows: Tensor, answers: Tensor) -> dict[str, Any]:
    targets = dataset.columns["targets"][rows]
    mean = dataset.columns["targets"][training].mean(0)
    pairs: Sequence[tuple[float, float]] = list(zip(targets[:, 0].tolist(), answers[:, 0].tolist(), strict=True))
    return {
        "headline_metric": "mean absolute error",
        "headline_value": float((answers - targets).abs().mean()),
        "headline_in_percent": False,
        "headline_higher_is_better": False,
        "baseline_name": "always answering the mean of the training examples",
        "baseline_value": float((targets - mean).abs().mean()),
        "predictions": pairs[:: len(pairs) // POINTS + 1],
    }
