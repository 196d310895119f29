"""What a recorded call is in the textbook: the words in which the readers answer, and what they share."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor

from glasswork.glassbox.trace.recorder import Input, Kept, Recorded
from glasswork.textbook.operation import Operation


class WrittenOver(Exception):  # noqa: N818
    """A recorded tensor cannot be read any more, because somebody wrote over it unseen."""


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


def shape_of(operand: Any) -> tuple[int, ...]:
    """The shape of a recorded tensor.

    Raises:
        WrittenOver: where somebody wrote over it unseen.
    """
    tensor = operand.kept.tensor
    if tensor is None:
        raise WrittenOver
    return tuple(tensor.shape)


def tensor_of(operand: Any) -> Tensor:
    """The numbers of a recorded tensor.

    Raises:
        WrittenOver: where somebody wrote over it unseen.
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
