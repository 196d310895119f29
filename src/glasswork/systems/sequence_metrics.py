"""How well rows are labelled that have a target at every time: sentences word by word, clips frame by frame."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.objectives.spans import LabelF1, marks_spans, span_f1


def measured(dataset: Dataset, rows: Tensor, answers: Sequence[Tensor], loss: float) -> dict[str, float]:
    """`loss`; `accuracy` over all times; `f1` of all spans by CoNLL's rule, and `macro_f1`, the mean over kinds."""
    figures = by_label(dataset, rows, answers)
    truths = targets_of(dataset, rows)
    right = sum(int((truth == answer).sum()) for truth, answer in zip(truths, answers, strict=True))
    return {
        "loss": loss,
        "accuracy": right / max(1, sum(map(len, truths))),
        "f1": figures[0].f1,
        "macro_f1": sum(one.f1 for one in figures[1:]) / max(1, len(figures) - 1),
    }


def by_label(dataset: Dataset, rows: Tensor, answers: Sequence[Tensor]) -> list[LabelF1]:
    """Precision, recall and F1 of all spans, then of each kind."""
    names = dataset.schema.classes
    truth, said = (
        [[names[number] for number in row.tolist()] for row in part] for part in (targets_of(dataset, rows), answers)
    )
    return span_f1(truth, said, marks_spans(names))


def targets_of(dataset: Dataset, rows: Tensor) -> list[Tensor]:
    """The true labels of each row, int64 (times,)."""
    offsets, targets = dataset.offsets["targets"], dataset.columns["targets"]
    return [targets[begin:end] for begin, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True)]
