"""Readers of changes of shape."""

from collections.abc import Callable, Sequence
from typing import Any

from glasswork.glassbox.trace.recorder import Input, Recorded
from glasswork.glassbox.trace.torch_calls.known import Known, Reading, output_shape, shape_of, sizes, tensor_of
from glasswork.textbook.shapes import Concatenate, Expand, Flip, Pad, Permute, Repeat, Reshape, Roll, Select, Stack


def reshape(entry: Recorded, input: Input, *words: Any, **options: Any) -> Reading:
    """Calls that keep the order of the numbers: `flatten`, `view`, `squeeze`."""
    return Known(Reshape(output_shape(entry)), (input,))


def transpose(entry: Recorded, input: Input, dim0: int, dim1: int) -> Reading:
    """`torch.transpose`."""
    order = list(range(len(shape_of(input))))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return Known(Permute(tuple(order)), (input,))


def permute(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.permute`."""
    return Known(Permute(sizes(words or (dims,))), (input,))


def turned(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.T`: all axes in reverse."""
    count = len(shape_of(input))
    return Known(Permute(tuple(reversed(range(count)))), (input,))


def last_two(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.mT`."""
    return transpose(entry, input, -2, -1)


def getitem(entry: Recorded, input: Input, index: Any) -> Reading:
    """Indexing with whole numbers, slices and tensors."""
    return Known(Select(index_of(index)), (input,))


def index_of(index: Any) -> tuple[Any, ...]:
    """An index as the textbook takes it: a tuple, in which tensors stand for what was recorded of them."""
    places = index if isinstance(index, tuple) else (index,)
    return tuple(tensor_of(place) if isinstance(place, Input) else place for place in places)


def selected(input: Input, dim: int, place: Any) -> Known:
    """One place or slice along one axis, and everything along the others."""
    count = len(shape_of(input))
    return Known(Select((*[slice(None)] * (dim % count), place)), (input,))


def select(entry: Recorded, input: Input, dim: int, index: int) -> Reading:
    """`torch.select`."""
    return selected(input, dim, index)


def narrow(entry: Recorded, input: Input, dim: int, start: int, length: int) -> Reading:
    """`torch.narrow`."""
    return selected(input, dim, slice(start, start + length))


def pieces(entry: Recorded, input: Input, split: Any = None, dim: int = 0, **options: Any) -> Reading:
    """`chunk` and `split`: pieces that follow each other, as long as the outputs are."""
    found, start = [], 0
    for place in range(len(entry.outputs)):
        length = output_shape(entry, place)[dim]
        found.append(selected(input, dim, slice(start, start + length)))
        start += length
    return found


def unbind(entry: Recorded, input: Input, dim: int = 0) -> Reading:
    """`torch.unbind`."""
    return [selected(input, dim, place) for place in range(len(entry.outputs))]


def expand(entry: Recorded, input: Input, *words: Any) -> Reading:
    """`Tensor.expand`."""
    return Known(Expand(output_shape(entry)), (input,))


def pad(
    entry: Recorded, input: Input, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Reading:
    """`F.pad`."""
    known = mode in {"constant", "reflect", "replicate"}
    return Known(Pad(tuple(pad), mode, value or 0.0), (input,)) if known else None


def joined(operation: type[Concatenate | Stack]) -> Callable[..., Reading]:
    """`torch.cat` and `torch.stack`."""

    def read(entry: Recorded, tensors: Sequence[Input], dim: int = 0) -> Reading:
        return Known(operation(dim), tuple(tensors))

    return read


def repeat(entry: Recorded, input: Input, *repeats: Any) -> Reading:
    """`Tensor.repeat`."""
    return Known(Repeat(sizes(repeats)), (input,))


def tile(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.tile`, which repeats along the last axes where it is told less than there are."""
    times = sizes(words or (dims,))
    return Known(Repeat((1,) * (len(shape_of(input)) - len(times)) + times), (input,))


def flip(entry: Recorded, input: Input, *words: Any, dims: Any = ()) -> Reading:
    """`torch.flip`."""
    return Known(Flip(sizes(words or (dims,))), (input,))


def roll(entry: Recorded, input: Input, shifts: Any, dims: Any = ()) -> Reading:
    """`torch.roll`."""
    axes = () if dims is None else sizes((dims,))
    return Known(Roll(sizes((shifts,)), axes), (input,))
