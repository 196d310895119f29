"""How far rounding can move an operation's numbers: the textbook once more, every step of it rounded at random.

This is Monte Carlo arithmetic (Parker 1997, 'Monte Carlo arithmetic'). It tells a wrong number from one that is small
because large ones cancel, such as y - 1 where y is almost 1, which no share of the number itself can.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from glasswork.glassbox.trace.calls import Known

SAMPLES = 2
_EXACT = """abs amax amin argmax argmin cat clamp clamp_max clamp_min clone constant_pad_nd copy embedding eq expand
    flip full full_like gather ge gt index index_select le lt masked_fill max maximum min minimum ne neg ones ones_like
    relu repeat roll scatter sign sort stack topk tril triu where zeros zeros_like _to_copy"""
EXACT = frozenset(_EXACT.split())
"""Operations of torch that choose or move numbers, or change their sign, and round nothing."""
_SUMS = "addmm baddbmm bmm convolution cumsum dot mean mm mv scatter_add sum var std"
SUMS = frozenset(_SUMS.split())
"""Operations whose terms are rounded one by one, so that large terms that cancel leave their rounding behind."""


@dataclass(frozen=True)
class Call:
    """A recorded call as one operation of the textbook, with its numbers in float64.

    Attributes:
        known: the operation and what stands for each of its inputs.
        operands: the numbers of each input; whole numbers and truth values as they are.
        upstream: dE/d(output), a tuple if there are several outputs; None if no error flowed back.
    """

    known: Known
    operands: Sequence[Tensor | None]
    upstream: Tensor | tuple[Tensor, ...] | None

    def forward(self) -> tuple[Tensor, ...]:
        """The textbook's outputs."""
        made = self.known.operation.forward(*self.operands)
        return made if isinstance(made, tuple) else (made,)

    def backward(self) -> tuple[Tensor | None, ...]:
        """The textbook's gradient of each operand; empty if no error flowed back."""
        if self.upstream is None:
            return ()
        return self.known.operation.backward(self.upstream, *self.operands)


class Rounding:
    """How far the numbers of a call move if every step of the textbook is rounded.

    Args:
        call: with operands and errors as the network had them.
        precision: in which the network carried the call out.
    """

    def __init__(self, call: Call, precision: torch.dtype) -> None:
        self.call = call
        self.precision = precision

    def of_output(self, place: int) -> float:
        """The largest change of a number in an output."""
        return self._of_outputs[place]

    def of_gradient(self, operand: object) -> float:
        """The largest change of a number in the gradient of an operand, wherever it stands; 0 without an error."""
        places = zip(self.call.known.operands, self._of_gradients, strict=False)
        return sum(change for one, change in places if one is operand)

    @cached_property
    def _of_outputs(self) -> list[float]:
        return self._changes(self.call.forward)

    @cached_property
    def _of_gradients(self) -> list[float]:
        return self._changes(self.call.backward)

    def _changes(self, work_out: Callable[[], Sequence[Tensor | None]]) -> list[float]:
        exact, changes = work_out(), list[list[float]]()
        for seed in range(SAMPLES):
            with _Rounded(self.precision, seed):
                rounded = work_out()
            changes.append([_change(a, b) for a, b in zip(exact, rounded, strict=True)])
        return [max(column) for column in zip(*changes, strict=True)]


class _Rounded(TorchDispatchMode):
    """Arithmetic in float64 in which every result is off by up to the spacing of numbers of another precision."""

    def __init__(self, precision: torch.dtype, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eps = torch.finfo(precision).eps
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in SUMS:
            args = tree_map(self._round, args)
        result = func(*args, **(kwargs or {}))
        is_view = any(returned.alias_info is not None for returned in func._schema.returns)
        return result if name in EXACT or is_view else tree_map(self._round, result)

    def _round(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        noise = torch.rand(value.shape, generator=self.generator, dtype=torch.float64).mul_(2).sub_(1)
        return value * noise.mul_(self.eps).add_(1)


def _change(exact: Tensor | None, rounded: Tensor | None) -> float:
    if exact is None or rounded is None or not exact.numel():
        return 0.0
    return float((rounded.double() - exact.double()).abs().nan_to_num(0.0, 0.0, 0.0).max())
