"""Which words of a text moved the answer, as it was written."""

import torch
from torch import Tensor, nn

from glasswork.data.dataset import Dataset
from glasswork.data.formats.labelled_texts import text_of
from glasswork.data.kinds.text import Texts
from glasswork.data.tokenize import cutter
from glasswork.execution import Execution
from glasswork.glassbox.occlusion import evidence, leaving_out
from glasswork.objectives.objective import Objective

EXPLAINED = 20
"""Texts whose words are looked at, in one question: each word takes another look at the whole text."""

Moved = tuple[tuple[str, float], ...]


def moved_words(network: nn.Module, dataset: Dataset, row: int, objective: Objective, execution: Execution) -> Moved:
    """Every piece of a text with what stands between it and the next one, and how far it moved the answer.

    That is bits of evidence for the most probable class, or the number itself (in deviations of the training targets)
    where the answer is a number; see `leaving_out`. What is beyond the longest text that is read moved nothing.

    Args:
        network: gives scores (texts, classes).
        dataset: with the column `texts`; without it there is nothing to say.
        row: which text.
        objective: what the network was trained with, by which its scores read as probabilities.
        execution: where the arithmetic is carried out.
    """
    if "texts" not in dataset.columns:
        return ()
    begin, end = dataset.offsets["inputs"][row : row + 2].tolist()
    tokens = dataset.columns["inputs"][begin:end].to(execution.device, torch.int64)
    kind, network = dataset.task.target, network.eval()

    def figures(texts: Tensor) -> Tensor:
        outputs = network(texts).float()
        return evidence(kind.probabilities(outputs, objective.name)) if kind.classes else outputs

    with torch.no_grad():
        answered = int(figures(tokens[None])[0].argmax()) if kind.classes else 0
    found = leaving_out(lambda texts: figures(texts)[:, answered], tokens)
    text, vocabulary = text_of(dataset, row), Texts.of(dataset.task).vocabulary
    assert vocabulary is not None
    starts = [piece.start for piece in cutter(vocabulary)(text)]
    ends = [*starts[1:], len(text)]
    values = [*found.values, *[0.0] * (len(starts) - len(found.values))]
    before = ((text[: starts[0]], 0.0),) if starts[0] else ()
    return before + tuple(
        (text[start:stop], value) for start, stop, value in zip(starts, ends, values, strict=True) if stop > start
    )
