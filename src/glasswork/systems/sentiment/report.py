"""What a text classifier's report says: each judge of a text alone, and which words moved an answer."""

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.formats.labelled_texts import text_of
from glasswork.data.kinds.text import Texts
from glasswork.data.tokenize import cutter
from glasswork.data.vocabulary import Vocabulary
from glasswork.execution import Execution
from glasswork.glassbox.occlusion import evidence, leave_words_out
from glasswork.networks.bidirectional import UNKNOWN
from glasswork.objectives.losses import Objective
from glasswork.report.blocks import Table, Text
from glasswork.report.report import Section
from glasswork.report.words import percent
from glasswork.systems.sentiment.naive_bayes import CountedWords
from glasswork.systems.sentiment.network import TextClassifier

CLASSES, STRONGEST = 20, 10
"""Classes that are shown, and words and pairs of each, at most."""
_AT_ONCE = 500
EXPLAINED = 20
"""Texts whose words are looked at, in one question: each word takes another look at the whole text."""

Moved = tuple[tuple[str, float], ...]


def report_counts(network: TextClassifier, dataset: Dataset, training: Tensor, judges: Mapping[str, float]) -> Section:
    """A section of the report about counted words.

    Args:
        network: after training.
        dataset: of the run.
        training: rows whose texts were counted.
        judges: the accuracy of each judge, by its name.
    """
    vocabulary, counted = Texts.of(dataset.task).vocabulary, network.counted
    assert vocabulary is not None and counted is not None
    strongest = counted.weights.topk(STRONGEST, 0)  # (STRONGEST, classes) of each
    names = _names(counted, dataset, training, vocabulary, set(strongest.indices.flatten().tolist()))
    rows = []
    for place, name in enumerate(dataset.task.target.names[:CLASSES]):
        found = zip(strongest.indices[:, place].tolist(), strongest.values[:, place].tolist(), strict=True)
        rows.append((name, ", ".join(names[number] for number, ratio in found if ratio > 0)))
    said = ", ".join(f"{name} {percent(value)}" for name, value in judges.items())
    return Section(
        "Learnt and counted",
        f"Of the network's scores {percent(float(network.share))} come from the recurrent layers; the rest comes from "
        "counts: how much more often a class has a token, or several in a row, than the other classes.",
        [
            Table(("class", "most telling words"), rows, noun="classes", look="words"),
            Text(f"Right answers: {said}."),
        ],
    )


def _names(
    counted: CountedWords, dataset: Dataset, rows: Tensor, vocabulary: Vocabulary, wanted: set[int]
) -> dict[int, str]:
    """How what was counted is written, by its number; of neighbours that share a number, the most frequent ones."""
    tokens, between = vocabulary.tokens, " " if vocabulary.pieces == "word" else ""
    names = {number: tokens[number] for number in wanted if number < len(tokens)}
    others: dict[int, Counter[tuple[int, ...]]] = {number: Counter() for number in wanted - set(names)}
    numbers_of_others = torch.tensor(sorted(others))
    for part in torch.split(rows, _AT_ONCE):
        values, offsets = ragged.take(dataset.columns["inputs"], dataset.offsets["inputs"], part)
        text = torch.repeat_interleave(torch.arange(len(part)), ragged.lengths(offsets))
        for count in range(2, counted.neighbours + 1):
            last = max(0, len(values) - count + 1)
            each = [values[place : last + place].long() for place in range(count)]
            numbers = counted.of_neighbours(*each)
            known = torch.stack(each).amin(0) > UNKNOWN
            inside = torch.isin(numbers, numbers_of_others) & known & (text[:last] == text[count - 1 :])
            for place in inside.nonzero()[:, 0].tolist():
                others[int(numbers[place])][tuple(int(one[place]) for one in each)] += 1
    for number, found in others.items():
        names[number] = between.join(tokens[token] for token in found.most_common(1)[0][0]) if found else ""
    return names


def moved_words(network: nn.Module, dataset: Dataset, row: int, objective: Objective, execution: Execution) -> Moved:
    """Every piece of a text with what stands between it and the next one, and how far it moved the answer.

    That is bits of evidence for the most probable class, or the number itself (in deviations of the training targets)
    where the answer is a number; see `leave_words_out`. What is beyond the longest text that is read moved nothing.

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
    found = leave_words_out(lambda texts: figures(texts)[:, answered], tokens)
    text, vocabulary = text_of(dataset, row), Texts.of(dataset.task).vocabulary
    assert vocabulary is not None
    starts = [piece.start for piece in cutter(vocabulary)(text)]
    ends = [*starts[1:], len(text)]
    values = [*found.values, *[0.0] * (len(starts) - len(found.values))]
    before = ((text[: starts[0]], 0.0),) if starts[0] else ()
    return before + tuple(
        (text[start:stop], value) for start, stop, value in zip(starts, ends, values, strict=True) if stop > start
    )
