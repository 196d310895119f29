"""What the estimators do on a table when nobody says: derived from the number of rows."""

import math
from typing import Any

from glasswork.systems.supervised.recipe import SupervisedRecipe

LARGE = 2000
"""From so many rows on there is a second hidden layer, and a tenth of the rows is spared to choose the best epoch."""

STEPS = 200
"""At least as many updates are made."""


def tabular(rows: int, numbers: bool, asked: SupervisedRecipe) -> dict[str, Any]:
    """Fields of a recipe for a table, where the user does not say.

    Weights shrink the more (AdamW) the fewer rows there are: with a few hundred it is that, and not stopping early on a
    handful of held-out rows, that keeps a wide layer from over-training. Numbers are noisier than classes and get more.
    Classes are smoothed a little, which keeps the largest weights from growing on rows that are right already.

    Args:
        rows: of the table.
        numbers: whether numbers are predicted, not classes.
        asked: a recipe of nothing but what the user says.
    """
    batch = asked.batch_size or (128 if rows > 8000 else 64 if rows > 1000 else 32)
    steps = math.ceil(rows / batch)
    epochs = max(50, math.ceil(STEPS / steps)) if rows < LARGE else max(10, min(40, round(4000 / math.sqrt(rows))))
    adamw = asked.optimizer == "adamw"
    smoothed = not numbers and asked.loss not in {"hinge", "squared-error"}
    return {
        "network": "dense",
        "hidden": (256, 128) if rows >= LARGE else (256,),
        "epochs": epochs,
        "validation": 0.1 if rows >= LARGE else 0.0,
        "weight_decay": min(3.0, (6000 if numbers else 1000) / rows) if adamw else 0.0,
        "label_smoothing": 0.05 if smoothed else 0.0,
    }
