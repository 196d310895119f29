"""How well sentences are labelled, and what needs no learning to compare with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.data import ragged
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset
from glasswork.data.formats.conll import words_in
from glasswork.execution import Execution
from glasswork.objectives.metrics import share_interval
from glasswork.objectives.spans import marks_spans, measure_labels, span_f1
from glasswork.report.report import Score
from glasswork.report.sections import LabelFigures, mistakes
from glasswork.systems.evaluation import Evaluation, collate, measured_rows, parts_by_length
from glasswork.systems.system import Context, Findings

BASELINE = "the most frequent label of each word"


@dataclass(frozen=True)
class Labelled:
    """The answered labels of some sentences.

    Attributes:
        labels: of each sentence, int64 (words,).
        loss: mean over the words.
    """

    labels: Sequence[Tensor]
    loss: float

    def words(self, names: Sequence[str]) -> list[list[str]]:
        """The labels by their names."""
        return [[names[number] for number in row.tolist()] for row in self.labels]

    def measure(self, dataset: Dataset, rows: Tensor) -> dict[str, float]:
        """Named figures beside the true labels of the rows."""
        names = dataset.task.target.names
        return measure_labels(true_labels(dataset, rows), self.words(names), names, self.loss)


def label(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Labelled:
    """The labels that a network gives the words of each sentence, in the order of `rows`."""
    network.eval()
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    found: list[Tensor] = [torch.zeros(0)] * len(rows)
    total, count = 0.0, 0
    with torch.inference_mode():
        for places in parts_by_length(dataset, rows):
            batch = collate(dataset, rows[places], execution)
            with execution.arithmetic():
                scores = network(batch.inputs).float()  # (batch, classes, times)
            if "targets" in dataset.offsets:
                total += float(functional.cross_entropy(scores, batch.targets, ignore_index=IGNORED, reduction="sum"))
                count += int(lengths[places].sum())
            answers = scores.argmax(1).cpu()
            for place, row in zip(places.tolist(), answers, strict=True):
                found[place] = row[: int(lengths[place])]
    return Labelled(found, total / max(1, count))


def true_labels(dataset: Dataset, rows: Tensor) -> list[list[str]]:
    """The true labels of each sentence, by their names."""
    names, targets = dataset.task.target.names, dataset.columns["targets"]
    parts = ragged.split(targets, dataset.offsets["targets"], rows)
    return [[names[number] for number in part.tolist()] for part in parts]


def most_frequent(dataset: Dataset, training: Tensor, rows: Tensor) -> float:
    """The share of words in `rows` that have the most frequent label of the word in `training`.

    A word that is not there gets the most frequent label of all.
    """
    counts: dict[str, Counter[str]] = {}
    whole = Counter[str]()
    for row, labels in zip(training.tolist(), true_labels(dataset, training), strict=True):
        for word, label in zip(words_in(dataset, row), labels, strict=True):
            counts.setdefault(word, Counter())[label] += 1
            whole[label] += 1
    usual = {word: labels.most_common(1)[0][0] for word, labels in counts.items()}
    other, right, count = whole.most_common(1)[0][0], 0, 0
    for row, labels in zip(rows.tolist(), true_labels(dataset, rows), strict=True):
        for word, label in zip(words_in(dataset, row), labels, strict=True):
            right += usual.get(word, other) == label
            count += 1
    return right / max(1, count)


def report_labels(context: Context, evaluation: Evaluation[Labelled]) -> Findings:
    """What is said about labelled sentences.

    Args:
        context: what was trained on, for the baseline.
        evaluation: the labels that the network gave the words of the rows that are measured on.
    """
    dataset, rows, where = context.dataset, evaluation.rows, measured_rows(context.splits)[0]
    labelled, accuracy, names = evaluation.outputs, evaluation.metrics.values["accuracy"], dataset.task.target.names
    figures = span_f1(true_labels(dataset, rows), labelled.words(names), marks_spans(names))
    count = sum(map(len, labelled.labels))
    right = round(accuracy * count)
    baseline = most_frequent(dataset, context.splits.training, rows)
    score = Score(
        "accuracy",
        accuracy,
        f"{right:,} of {count:,} {where} words",
        share_interval(right, count),
        baseline=f"{BASELINE} in training",
        baseline_value=baseline,
    )
    return Findings(
        score,
        sections=[
            mistakes(labels=[LabelFigures(one.label, one.count, one.precision, one.recall, one.f1) for one in figures])
        ],
        results={"most_frequent_label_accuracy": baseline},
    )
