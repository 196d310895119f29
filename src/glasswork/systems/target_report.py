"""What a report says about known targets: the figure with its interval, the mistakes, the calibration."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.task import Task
from glasswork.data.pictures import picture
from glasswork.objectives.intervals import share_interval
from glasswork.objectives.metrics import calibration, confusion_matrix, expected_calibration_error
from glasswork.objectives.objective import Objective
from glasswork.report import sections
from glasswork.report.blocks import Bin
from glasswork.report.report import Score
from glasswork.report.sections import LabelFigures, Mistake
from glasswork.systems.findings import Findings

MISTAKES = 24
POINTS = 1000
MOST_CLASSES = 200


def report_targets(
    dataset: Dataset, training: Tensor, rows: Tensor, where: str, outputs: Tensor, objective: Objective
) -> Findings:
    """What a network's outputs say beside the known targets of some rows.

    Args:
        dataset: all examples.
        training: rows that were trained on, for the baseline.
        rows: rows that were answered.
        where: which split they are, in words.
        outputs: the network's, (rows, outputs), numbers in the target's own units.
        objective: what it was trained with.
    """
    target = dataset.task.target
    if target.one_class:
        return _one_class(dataset, training, rows, where, outputs, objective)
    if target.numeric:
        return _numbers(dataset, training, rows, outputs)
    return _several_classes(dataset, rows, target.probabilities(outputs, objective.name) > 0.5)


def _one_class(
    dataset: Dataset, training: Tensor, rows: Tensor, where: str, outputs: Tensor, objective: Objective
) -> Findings:
    task, targets = dataset.task, dataset.columns["targets"][rows]
    chances = task.target.probabilities(outputs, objective.name)
    confidence, answers = chances.max(1)
    right = int((answers == targets).sum())
    usual = int(torch.bincount(dataset.columns["targets"][training]).argmax())
    score = Score(
        "accuracy",
        right / len(rows),
        f"{right:,} of {len(rows):,} {where} {task.inputs.noun}",
        share_interval(right, len(rows)),
        baseline="always answering the most frequent class",
        baseline_value=float((targets == usual).float().mean()),
    )
    confusion = None
    if len(task.target.names) <= MOST_CLASSES:
        confusion = task.target.names, confusion_matrix(answers, targets, len(task.target.names)).tolist()
    found = [sections.mistakes(confusion, examples=_mistakes(dataset, rows, answers, confidence))]
    if objective.name != "hinge":
        bins = calibration(chances, targets)
        drawn = [Bin(b.low, b.high, b.count, b.confidence, b.accuracy) for b in bins]
        found.append(sections.calibration(drawn, expected_calibration_error(bins)))
    return Findings(score, found)


def _mistakes(dataset: Dataset, rows: Tensor, answers: Tensor, confidence: Tensor) -> list[Mistake]:
    """The wrong answers that the network was surest of."""
    targets, classes = dataset.columns["targets"][rows], dataset.task.target.names
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


def _several_classes(dataset: Dataset, rows: Tensor, answers: Tensor) -> Findings:
    targets = dataset.columns["targets"][rows].bool()
    both = (answers & targets).sum(0)
    f1 = float(2 * both.sum() / max(1, int(answers.sum() + targets.sum())))
    figures = _label_figures(dataset.task, answers, targets, both)
    return Findings(Score("f1", f1), [sections.mistakes(labels=figures)])


def _label_figures(task: Task, answers: Tensor, targets: Tensor, both: Tensor) -> list[LabelFigures]:
    result = []
    for k, label in enumerate(task.target.names):
        said, true, hit = int(answers[:, k].sum()), int(targets[:, k].sum()), int(both[k])
        f1 = 2 * hit / (said + true) if said + true else 0.0
        result.append(LabelFigures(label, true, hit / said if said else 0.0, hit / true if true else 0.0, f1))
    return result


def _numbers(dataset: Dataset, training: Tensor, rows: Tensor, answers: Tensor) -> Findings:
    targets = dataset.columns["targets"][rows]
    mean = dataset.columns["targets"][training].mean(0)
    pairs: Sequence[tuple[float, float]] = list(zip(targets[:, 0].tolist(), answers[:, 0].tolist(), strict=True))
    score = Score(
        "mean absolute error",
        float((answers - targets).abs().mean()),
        in_percent=False,
        higher_is_better=False,
        baseline="always answering the mean of the training examples",
        baseline_value=float((targets - mean).abs().mean()),
    )
    return Findings(score, [sections.mistakes(numbers=pairs[:: len(pairs) // POINTS + 1])])
