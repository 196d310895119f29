"""What somebody says a network should have answered, as its loss takes it."""

import torch
from torch import Tensor

from glasswork.data.batches import Scaling
from glasswork.data.dataset import Schema
from glasswork.errors import GlassworkError
from glasswork.execution import Execution


def target_of(word: str | float, schema: Schema) -> Tensor:
    """An answer as the loss takes it, for one example.

    Args:
        word: the name of a class, several with commas between, or a number (or several) in the target's own units.
        schema: what the network's outputs mean.

    Raises:
        GlassworkError: for a class that the model does not have, what is no number, or too few of them.
    """
    if schema.target == "next":
        raise GlassworkError("What this model should have answered is the text itself: leave the target away")
    if schema.target == "ahead":
        raise GlassworkError("What this model should have answered are the values that came: leave the target away")
    if schema.each:
        raise GlassworkError("This model answers word by word: leave the target away, and open it on its own answer")
    if schema.target == "class":
        return torch.tensor([class_of(str(word), schema)])
    if schema.target == "classes":
        wanted = torch.zeros(1, len(schema.classes))
        wanted[0, [class_of(name.strip(), schema) for name in str(word).split(",")]] = 1
        return wanted
    try:
        numbers = [float(each) for each in str(word).split(",")]
    except ValueError:
        raise GlassworkError(f"This model answers numbers, and '{word}' is none") from None
    if len(numbers) != len(schema.classes):
        raise GlassworkError(f"This model answers {len(schema.classes)} numbers, and {len(numbers)} were given")
    return Scaling(schema, Execution()).targets(torch.tensor([numbers]))


def class_of(name: str, schema: Schema) -> int:
    """The number of a class.

    Raises:
        GlassworkError: where the model does not have it.
    """
    if name not in schema.classes:
        raise GlassworkError(f"'{name}' is no class of this model; its classes are {', '.join(schema.classes)}")
    return schema.classes.index(name)
