"""From a network's outputs to answers in words: what systems with a known target have in common."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, Schema
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.files import write_new
from glasswork.objectives.losses import probabilities
from glasswork.systems.system import Prediction

EVALUATION_ROWS = 500


def outputs_on(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
    """The network's outputs on some rows, float32 on the CPU; numbers in the target's own units."""
    network.eval()
    collate = Rows(dataset, execution)
    parts = []
    with torch.inference_mode(), execution.arithmetic():
        for start in range(0, len(rows), EVALUATION_ROWS):
            batch = collate(rows[start : start + EVALUATION_ROWS])
            parts.append(collate.scaling.answers(network(batch.inputs).float()).cpu())
    return torch.cat(parts) if parts else torch.zeros(0, len(dataset.schema.classes))


def whole_batch(dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
    """The examples at `rows` as one batch, as they are."""
    return Rows(dataset, execution)(rows)


def worded(scores: Tensor, schema: Schema, names: Sequence[str], loss: str) -> list[Prediction]:
    """Answers in words from a network's outputs, one per row.

    Args:
        scores: the outputs, (rows, outputs).
        schema: what they mean.
        names: where each row came from.
        loss: what the network was trained with, which says how its outputs read as probabilities.
    """
    if schema.target == "number":
        rows = [tuple(row) for row in scores.tolist()]
        return [
            Prediction(name, row[0] if len(row) == 1 else row, None, {}) for name, row in zip(names, rows, strict=True)
        ]
    answers = []
    chances = probabilities(scores, loss, schema.target)
    # All rows at once: asking for a thousand classes one by one takes longer than the network.
    values, order = (found.tolist() for found in chances.sort(1, descending=True))
    for name, row, places in zip(names, values, order, strict=True):
        ranked = {schema.classes[k]: value for k, value in zip(places, row, strict=True)}
        if schema.target == "class":
            answers.append(Prediction(name, schema.classes[places[0]], row[0], ranked))
        else:
            answers.append(Prediction(name, tuple(c for c, p in ranked.items() if p > 0.5), None, ranked))
    return answers


def measured_rows(splits: Splits) -> tuple[str, Tensor]:
    """What a run is measured on at its end, in words and rows: test, else validation, else training examples."""
    named = {"test": splits.test, "validation": splits.validation, "training": splits.training}
    return next((where, rows) for where, rows in named.items() if len(rows))


def write_answers(path: Path, answers: Sequence[Prediction]) -> None:
    """Writes answers as CSV: input, answer, probability, and a column with the probability of each class.

    Of clips there is a line for each frame: input, frame, answer.

    Raises:
        GlassworkError: where the file exists already or cannot be written.
    """
    classes = sorted(answers[0].probabilities) if answers else []
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if any(answer.frames for answer in answers):
        writer.writerow(["input", "frame", "answer"])
        for answer in answers:
            if isinstance(answer.answer, tuple):
                writer.writerows((answer.input, frame, said) for frame, said in enumerate(answer.answer))
        write_new(path, text.getvalue())
        return
    writer.writerow(["input", "answer", "probability", *classes])
    for answer in answers:
        words = answer.answer
        said = ";".join(map(str, words)) if isinstance(words, tuple) else words
        chance = "" if answer.probability is None else answer.probability
        writer.writerow([answer.input, said, chance, *(answer.probabilities[name] for name in classes)])
    write_new(path, text.getvalue())
