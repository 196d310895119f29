"""Windows that slide over the last dimensions of a tensor, as convolution and pooling share them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from torch import Tensor

Size = int | Sequence[int]
"""One number for every dimension, or one for each."""
Index = tuple[Any, ...]


@dataclass(frozen=True)
class Frame:
    """How windows lie over an input; each field has one entry for each of the input's last dimensions.

    Attributes:
        kernel: cells of a window.
        stride: cells of the input from one window to the next.
        dilation: cells of the input from one cell of a window to the next.
        sides: cells of padding before and after the input; negative ones cut it.
        size: how many windows there are: the size of the output.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    sides: tuple[tuple[int, int], ...]
    size: tuple[int, ...]

    def taps(self) -> Iterator[Index]:
        """For each cell of the kernel, row by row: which cells of the padded input stand there, over all windows."""
        for cell in product(*map(range, self.kernel)):
            starts = [place * apart for place, apart in zip(cell, self.dilation, strict=True)]
            steps = zip(starts, self.stride, self.size, strict=True)
            yield last(slice(start, start + step * (count - 1) + 1, step) for start, step, count in steps)

    def seen(self, place: Sequence[int], sizes: Sequence[int]) -> tuple[Index, Index]:
        """What the window of one output cell sees of an input of `sizes`: its cells, and their cells of the kernel."""
        here, there = [], []
        for i, size in enumerate(sizes):
            start, apart = place[i] * self.stride[i] - self.sides[i][0], self.dilation[i]
            inside = [k for k in range(self.kernel[i]) if 0 <= start + k * apart < size]
            first, count = (inside[0], len(inside)) if inside else (0, 0)
            begin = max(0, start + first * apart)
            here.append(slice(begin, begin + max(0, (count - 1) * apart + 1) if count else begin, apart))
            there.append(slice(first, first + count))
        return tuple(here), tuple(there)


def last(cells: Iterable[Any]) -> Index:
    """These cells of the last dimensions, everything of those before."""
    return (..., *cells)


def per_dimension(value: Size, count: int) -> tuple[int, ...]:
    """A setting as `count` numbers.

    Raises:
        ValueError: it is several numbers, but not `count`.
    """
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) not in (1, count):
        raise ValueError(f"{values} has {len(values)} numbers for {count} dimensions")
    return values * count if len(values) == 1 else values


def frame(
    sizes: Sequence[int],
    kernel: Size,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    ceil: bool = False,
) -> Frame:
    """The windows over an input of `sizes`: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 of them.

    Args:
        sizes: of the input's last dimensions, without padding.
        kernel: cells of a window.
        stride: from one window to the next.
        padding: on both sides, or 'valid' for none, or 'same' for as many windows as cells (at stride 1).
        dilation: from one cell of a window to the next.
        ceil: whether a last window may reach over the end, as long as it begins in the input or its padding.

    Raises:
        ValueError: a window is larger than the padded input.
    """
    count = len(sizes)
    kernels, strides, apart = per_dimension(kernel, count), per_dimension(stride, count), per_dimension(dilation, count)
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, apart, strict=True)]
    if padding == "same":
        sides = [((span - 1) // 2, span // 2) for span in spans]
    else:
        sides = [(p, p) for p in per_dimension(0 if isinstance(padding, str) else padding, count)]
    counts = []
    for i, size in enumerate(sizes):
        (before, after), step = sides[i], strides[i]
        free = size + before + after - spans[i]
        if free < 0 and not (ceil and free > -step):
            raise ValueError(f"a window of {spans[i]} cells is larger than the padded input of {free + spans[i]}")
        windows = -(-free // step) + 1 if ceil else free // step + 1
        if ceil and (windows - 1) * step >= size + before:
            windows -= 1
        sides[i] = (before, max(after, (windows - 1) * step + spans[i] - size - before))
        counts.append(windows)
    return Frame(kernels, strides, apart, tuple(sides), tuple(counts))


def padded(x: Tensor, sides: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """`x` with cells of `value` before and after each of its last dimensions; negative numbers cut cells off."""
    if not any(before or after for before, after in sides):
        return x
    kept, place, sizes = [], [], []
    for size, (before, after) in zip(x.shape[-len(sides) :], sides, strict=True):
        length = max(0, size + min(0, before) + min(0, after))
        kept.append(slice(max(0, -before), max(0, -before) + length))
        place.append(slice(max(0, before), max(0, before) + length))
        sizes.append(size + before + after)
    if all(before <= 0 and after <= 0 for before, after in sides):
        return x[last(kept)]
    result = x.new_full((*x.shape[: -len(sides)], *sizes), value)
    result[last(place)] = x[last(kept)]
    return result


def windows(x: Tensor, over: Frame) -> Tensor:
    """Every window of an input that is padded already, as a view: (..., *size, *kernel)."""
    count = len(over.size)
    lead, steps = x.stride()[:-count], x.stride()[-count:]
    between = [step * stride for step, stride in zip(steps, over.stride, strict=True)]
    within = [step * apart for step, apart in zip(steps, over.dilation, strict=True)]
    shape = (*x.shape[:-count], *over.size, *over.kernel)
    return x.as_strided(shape, (*lead, *between, *within), x.storage_offset())


def spread(parts: Iterator[Tensor], like: Tensor, over: Frame) -> Tensor:
    """What every window says of its cells (a tensor for each tap), added up where windows overlap, without padding."""
    sizes = like.shape[-len(over.size) :]
    whole = [size + before + after for size, (before, after) in zip(sizes, over.sides, strict=True)]
    grid = like.new_zeros((*like.shape[: -len(over.size)], *whole))
    for tap, part in zip(over.taps(), parts, strict=True):
        grid[tap].add_(part)
    return padded(grid, [(-before, -after) for before, after in over.sides])
