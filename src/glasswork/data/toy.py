"""Generated points in the plane, two classes each: circle, xor, gauss, spiral, moons.

The first four are those of the TensorFlow playground, the spiral with the turns of ConvNetJS's classify2d (the demo of
Kovashka, "Effect of regularization"); moons are scikit-learn's `make_moons`.
"""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Generator, Tensor

from glasswork.data.dataset import Dataset, ReadingOptions, fingerprints
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError

EACH = 200
SEED = 20
CLASSES = ("0", "1")
FEATURES = ("x1", "x2")
TURNS, START = 1.25, 0.1
GAP = 0.08

Make = Callable[[int, Generator], tuple[Tensor, Tensor]]


def points(shape: str, each: int = EACH, seed: int = SEED) -> Dataset:
    """The made set of a name, equal in every call: `each` points of each class, with some noise.

    Args:
        shape: a name in `SHAPES`.
        each: points of each class.
        seed: what the draws depend on.

    Returns:
        Inputs (2 each, 2), within about -1.5 to 1.5, and targets (2 each,), the two classes in turn.

    Raises:
        GlassworkError: for an unknown name.
    """
    if shape not in SHAPES:
        raise GlassworkError(f"There is no generated set of points '{shape}': there are {', '.join(SHAPES)}")
    classes = SHAPES[shape](each, torch.Generator().manual_seed(seed))
    inputs = torch.stack(classes, 1).reshape(-1, 2).to(torch.float32)
    columns = {
        "inputs": inputs,
        "targets": torch.arange(len(inputs)) % 2,
        "fingerprints": fingerprints(inputs),
    }
    return Dataset(columns, Task(Table((2,), features=FEATURES), OneClass(CLASSES)), shape)


def reading(shape: str) -> Callable[[Path, ReadingOptions], Dataset]:
    """A reader, as `names.Named` takes it, that makes the points of a shape rather than read a file."""

    def read(path: Path, options: ReadingOptions) -> Dataset:
        if options.target is not None:
            raise GlassworkError(
                f"The points of {shape} have one target, their class, and no column '{options.target}': leave out "
                "target"
            )
        return points(shape)

    return read


def _around(radius: Tensor, angle: Tensor) -> Tensor:
    return torch.stack([radius * angle.sin(), radius * angle.cos()], 1)


def _even(each: int, generator: Generator, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(each, generator=generator, dtype=torch.float64)


def _normal(each: int, generator: Generator, deviation: float) -> Tensor:
    return deviation * torch.randn(each, 2, generator=generator, dtype=torch.float64)


def _circle(each: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """A disc in a ring."""
    outer, inner = (
        _around(radius, _even(each, generator, 0, 2 * math.pi)) + _normal(each, generator, 0.09)
        for radius in (_even(each, generator, 0.7, 1.0), 0.5 * _even(each, generator, 0, 1).sqrt())
    )
    return outer, inner


def _xor(each: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Class 1 where one of x1 and x2 is above 0 and the other below."""
    size = torch.stack([_even(each, generator, GAP, 1), _even(each, generator, GAP, 1)], 1)
    other = torch.stack([_even(each, generator, GAP, 1), _even(each, generator, GAP, 1)], 1)
    side = (torch.arange(each, dtype=torch.float64) % 2 * 2 - 1)[:, None]
    unlike = torch.tensor([1.0, -1.0], dtype=torch.float64)
    return side * size + _normal(each, generator, 0.07), side * unlike * other + _normal(each, generator, 0.07)


def _gauss(each: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two normal distributions that overlap."""
    return _normal(each, generator, 0.38) - 0.45, _normal(each, generator, 0.38) + 0.45


def _spiral(each: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two arms of 1.25 turns."""
    along = START + (1 - START) * torch.arange(each, dtype=torch.float64) / each
    first, second = (
        _around(along, 2 * math.pi * (TURNS * along + half)) + _normal(each, generator, 0.025) for half in (0.0, 0.5)
    )
    return first, second


def _moons(each: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two half circles that reach into each other."""
    angle = math.pi * torch.arange(each, dtype=torch.float64) / max(1, each - 1)
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    middle = torch.tensor([0.5, 0.25], dtype=torch.float64)
    return upper - middle + _normal(each, generator, 0.2), lower - middle + _normal(each, generator, 0.2)


SHAPES: dict[str, Make] = {
    "circle": _circle,
    "xor": _xor,
    "gauss": _gauss,
    "spiral": _spiral,
    "spirals": _spiral,
    "moons": _moons,
}
