"""A prediction: what a model says about one input."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from glasswork.data.dataset import Schema
from glasswork.files import write_new
from glasswork.objectives.objective import Objective


@dataclass(frozen=True)
class Prediction:
    """What a model says about one input.

    Attributes:
        input: where the input came from.
        answer: the class, the classes, the number or the numbers.
        probability: of the answered class; None where the answer is not one class.
        probabilities: of every class, most probable first; empty for numbers.
        problem: why there is no answer, in one sentence; None where there is one.
        figures: what else was measured on the input, by name.
        words: of a sentence that is answered word by word, its words.
        frames: of a clip that is answered frame by frame, how many it has.
        moved: of a text its pieces in their order, and how far each moved the answer; empty where nobody looked.
    """

    input: str
    answer: str | tuple[str, ...] | float | tuple[float, ...]
    probability: float | None
    probabilities: Mapping[str, float]
    problem: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    words: Sequence[str] = ()
    moved: Sequence[tuple[str, float]] = ()
    frames: int = 0

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        return {
            "input": self.input,
            "answer": answer,
            "probability": self.probability,
            "probabilities": dict(self.probabilities),
            **({"problem": self.problem} if self.problem else {}),
            **self.figures,
            **({"words": list(self.words)} if self.words else {}),
            **({"frames": self.frames} if self.frames else {}),
            **({"moved": [list(pair) for pair in self.moved]} if self.moved else {}),
        }


def predictions_of(outputs: Tensor, schema: Schema, names: Sequence[str], objective: Objective) -> list[Prediction]:
    """What a network's outputs say about each example.

    Args:
        outputs: (rows, outputs).
        schema: what they mean.
        names: where each row came from.
        objective: what the network was trained with, which says how its outputs read as probabilities.
    """
    if schema.target == "number":
        rows = [tuple(row) for row in outputs.tolist()]
        return [
            Prediction(name, row[0] if len(row) == 1 else row, None, {}) for name, row in zip(names, rows, strict=True)
        ]
    found = []
    chances = objective.probabilities(outputs, schema.target)
    # All rows at once: asking for a thousand classes one by one takes longer than the network.
    values, order = (part.tolist() for part in chances.sort(1, descending=True))
    for name, row, places in zip(names, values, order, strict=True):
        ranked = {schema.classes[k]: value for k, value in zip(places, row, strict=True)}
        if schema.target == "class":
            found.append(Prediction(name, schema.classes[places[0]], row[0], ranked))
        else:
            found.append(Prediction(name, tuple(c for c, p in ranked.items() if p > 0.5), None, ranked))
    return found


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Writes predictions as CSV: input, answer, probability, and a column with the probability of each class.

    Of clips there is a line for each frame: input, frame, answer.

    Raises:
        GlassworkError: where the file exists already or cannot be written.
    """
    classes = sorted(predictions[0].probabilities) if predictions else []
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if any(answer.frames for answer in predictions):
        writer.writerow(["input", "frame", "answer"])
        for answer in predictions:
            if isinstance(answer.answer, tuple):
                writer.writerows((answer.input, frame, said) for frame, said in enumerate(answer.answer))
        write_new(path, text.getvalue())
        return
    writer.writerow(["input", "answer", "probability", *classes])
    for answer in predictions:
        words = answer.answer
        said = ";".join(map(str, words)) if isinstance(words, tuple) else words
        chance = "" if answer.probability is None else answer.probability
        writer.writerow([answer.input, said, chance, *(answer.probabilities[name] for name in classes)])
    write_new(path, text.getvalue())
