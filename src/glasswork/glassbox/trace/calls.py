"""What a recorded call is in the textbook: what a reader answers, and the reader made from a function's signature."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from glasswork.glassbox.trace.recorder import Input, Kept, Recorded
from glasswork.textbook.operation import Operation


class WrittenOver(Exception):  # noqa: N818
    """A recorded tensor cannot be read any more, because it was overwritten unseen."""


Operand = Input | float | None


@dataclass(frozen=True)
class Known:
    """A call as an operation of the textbook.

    Attributes:
        operation: with its settings.
        operands: what stands for each of its inputs: a recorded tensor, a number, or nothing.
        without: the settings that the call in torch does not have; they are not shown.
    """

    operation: Operation
    operands: tuple[Operand, ...]
    without: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings to show, by name."""
        shown = [each.name for each in fields(self.operation) if each.repr and each.name not in self.without]
        return {name: getattr(self.operation, name) for name in shown}


Reading = Known | Sequence[Known] | None
"""One operation, or one for each output of the call, or none."""

Reader = Callable[..., Reading]
"""Takes the recorded call and its arguments as torch's function does."""

SETTINGS = {
    "kernel_size": "kernel",
    "output_size": "size",
    "num_groups": "groups",
    "negative_slope": "slope",
    "min": "minimum",
    "max": "maximum",
    "min_val": "minimum",
    "max_val": "maximum",
}
"""torch's name of a parameter -> the textbook's name of the setting, if they differ."""

WITHOUT_EFFECT = {"inplace", "out", "_stacklevel", "norm_type", "sparse"}
"""Parameters that change nothing in what is computed from tensors as they were when the call was made."""

NOT_TAKEN = {"return_indices", "dropout_p", "pos_weight", "rounding_mode", "scale_grad_by_freq"}
"""Parameters that the textbook knows only at zero, False or None."""

NONE_ONLY = {"size_average", "reduce", "max_norm"}
"""Parameters that the textbook knows only at None."""


def call(
    operation: Operation | type[Operation],
    parameters: str = "input inplace out",
    order: str = "",
    without: Sequence[str] = (),
) -> Reader:
    """The reader of a function of torch that is one operation of the textbook.

    Args:
        operation: with its settings, or the class, whose settings are those among the parameters.
        parameters: their names in torch's order; what is neither a setting nor in `WITHOUT_EFFECT` or `NOT_TAKEN` is
            an operand. `weight?` may be left out, `dim!` must be given and not None, `dim=()` has a default that
            differs from the textbook's.
        order: the names of the operands in the textbook's order, if that is not torch's.
        without: settings that are not shown unless they are given.
    """
    words = parameters.split()
    names = [word.partition("=")[0].rstrip("?!") for word in words]
    defaults = {
        name: ast.literal_eval(word.partition("=")[2]) for name, word in zip(names, words, strict=True) if "=" in word
    }
    required = {name for name, word in zip(names, words, strict=True) if word.endswith("!")}
    has = set() if isinstance(operation, Operation) else {each.name for each in fields(operation)}
    settings = {name: SETTINGS.get(name, name) for name in names if SETTINGS.get(name, name) in has}
    others = WITHOUT_EFFECT | NOT_TAKEN | NONE_ONLY | {"dtype"}
    inputs = [name for name in names if name not in settings and name not in others]
    required |= {name for name in inputs if f"{name}?" not in words}

    def read(entry: Recorded, *arguments: Any, **options: Any) -> Reading:
        given = dict(zip(names, arguments, strict=False))
        if len(arguments) > len(names) or given.keys() & options.keys() or not options.keys() <= set(names):
            return None
        given |= options
        if not required <= given.keys() or any(given[name] is None for name in required & settings.keys()):
            return None
        if any(given.get(name) for name in NOT_TAKEN) or any(given.get(name) is not None for name in NONE_ONLY):
            return None
        if any(isinstance(given.get(name), Input) for name in settings) or not _is_real(given.get("dtype")):
            return None
        operands = tuple(given.get(name) for name in order.split() or inputs)
        if isinstance(operation, Operation):
            return Known(operation, operands, tuple(without))
        # torch fills in an empty list where a size or an axis is not given.
        chosen = {name: plain(given[name]) for name in settings if name in given and given[name] not in ((), [])}
        chosen = {settings[name]: value for name, value in (defaults | chosen).items()}
        return Known(operation(**chosen), operands, tuple(name for name in without if name not in given))

    return read


def _is_real(dtype: torch.dtype | None) -> bool:
    """Whether numbers keep their value in a type, but for rounding."""
    return dtype is None or dtype.is_floating_point


def shape_of(operand: Any) -> tuple[int, ...]:
    """The shape of a recorded tensor.

    Raises:
        WrittenOver: it was overwritten unseen.
    """
    return tuple(tensor_of(operand).shape)


def tensor_of(operand: Any) -> Tensor:
    """The numbers of a recorded tensor.

    Raises:
        WrittenOver: it was overwritten unseen.
    """
    tensor = operand.kept.tensor
    if tensor is None:
        raise WrittenOver
    assert isinstance(tensor, Tensor)
    return tensor


def output_shape(entry: Recorded, place: int = 0) -> tuple[int, ...]:
    """The shape of one of the outputs of a call."""
    return shape_of(entry.outputs[place])


def sizes(words: Sequence[Any]) -> tuple[int, ...]:
    """`view(2, 3)` and `view((2, 3))` alike."""
    return tuple(words[0]) if len(words) == 1 and not isinstance(words[0], int) else tuple(words)


def plain(value: Any) -> Any:
    """A list as a tuple; anything else unchanged."""
    return tuple(value) if isinstance(value, (list, tuple)) else value


def constant(tensor: Tensor) -> Input:
    """A tensor that was made up afterwards, as an operand."""
    return Input(Kept(tensor), None, "", None)
