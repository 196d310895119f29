"""Predictions as CSV."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from glasswork.data.prediction import Prediction
from glasswork.files import write_new


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
