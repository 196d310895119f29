"""How well sentences are labelled, and what needs no learning to compare with."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.formats.conll import words_in
from glasswork.data.padded_batches import IGNORED
from glasswork.execution import Execution
from glasswork.report.sections import LabelFigures
from glasswork.systems.padded import in_parts, padded_batch
from glasswork.systems.sequence_metrics import by_label, measured, targets_of
from glasswork.systems.supervised_findings import interval

BASELINE = "the most frequent label of each word"


def labelled(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> tuple[list[Tensor], float]:
    """The answered labels of each sentence, int64 (words,), in the order of `rows`; and the mean loss of a word."""
    network.eval()
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    order = lengths.argsort(stable=True)
    found: list[Tensor] = [torch.zeros(0)] * len(rows)
    total, count = 0.0, 0
    with torch.inference_mode():
        for part in in_parts(lengths[order]):
            places = order[part]
            batch = padded_batch(dataset, rows[places], execution)
            with execution.arithmetic():
                scores = network(batch.inputs).float()  # (batch, classes, times)
            if "targets" in dataset.offsets:
                total += float(functional.cross_entropy(scores, batch.targets, ignore_index=IGNORED, reduction="sum"))
                count += int(lengths[places].sum())
            answers = scores.argmax(1).cpu()
            for place, row in zip(places.tolist(), answers, strict=True):
                found[place] = row[: int(lengths[place])]
    return found, total / max(1, count)


def most_frequent(dataset: Dataset, training: Tensor, rows: Tensor) -> float:
    """The share of words in `rows` that have the most frequent label of the word in `training`.

    A word that is not there gets the most frequent label of all.
    """
    counts: dict[str, Counter[int]] = {}
    whole = Counter[int]()
    for row, labels in zip(training.tolist(), targets_of(dataset, training), strict=True):
        for word, label in zip(words_in(dataset, row), labels.tolist(), strict=True):
            counts.setdefault(word, Counter())[label] += 1
            whole[label] += 1
    usual = {word: labels.most_common(1)[0][0] for word, labels in counts.items()}
    other, right, count = whole.most_common(1)[0][0], 0, 0
    for row, labels in zip(rows.tolist(), targets_of(dataset, rows), strict=True):
        for word, label in zip(words_in(dataset, row), labels.tolist(), strict=True):
            right += usual.get(word, other) == label
            count += 1
    return right / max(1, count)


def findings(
    dataset: Dataset, training: Tensor, rows: Tensor, where: str, answers: Sequence[Tensor], loss: float
) -> dict[str, Any]:
    """Fields of the report.

    Args:
        dataset: all sentences.
        training: rows that were trained on, for the baseline.
        rows: rows that were answered.
        where: which part they are, in words.
        answers: the labels that the network gave their words.
        loss: mean over the words.
    """
    metrics, figures = measured(dataset, rows, answers, loss), by_label(dataset, rows, answers)
    count = sum(map(len, answers))
    right = round(metrics["accuracy"] * count)
    low, high = interval(right, count)
    baseline = most_frequent(dataset, training, rows)
    return {
        "headline_metric": "accuracy",
        "headline_value": metrics["accuracy"],
        "headline_count": f"{right:,} of {count:,} {where} words",
        "headline_low": low,
        "headline_high": high,
        "baseline_name": f"{BASELINE} in training",
        "baseline_value": baseline,
        "per_label": [LabelFigures(one.label, one.count, one.precision, one.recall, one.f1) for one in figures],
        "test_metrics": metrics,
        "result": {"most_frequent_label_accuracy": baseline},
    }
