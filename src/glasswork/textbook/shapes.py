"""Shapes: numbers moved, copied, chosen, looked up and put together; none of them changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.textbook.operation import Rearrangement, sum_to
from glasswork.textbook.windows import pad


@dataclass(frozen=True)
class Reshape(Rearrangement):
    """The same numbers, row by row, in another shape: reshape, view, flatten, squeeze, unsqueeze.

    Attributes:
        shape: one of its sizes may be -1 for what is left.
    """

    name = "reshape"
    formula = "y = x, row by row in another shape"
    latex = r"y = \operatorname{vec}^{-1}(\operatorname{vec}(x))"
    source = "Kovashka, 'Convolutional Neural Networks (CNN)': feature maps become the classifier's vector"

    shape: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(tuple(self.shape))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error in the shape of x."""
        return (upstream.reshape(x.shape),)


@dataclass(frozen=True)
class Permute(Rearrangement):
    """The dimensions in another order: permute, transpose, movedim.

    Attributes:
        dims: dimension i of y is dimension dims[i] of x; negative ones count from the end.
    """

    name = "permute"
    formula = "y = x with its dimensions in another order; for a matrix y_ij = x_ji"
    latex = r"y_{i_{d(1)} i_{d(2)} \ldots} = x_{i_1 i_2 \ldots}"
    source = "Kolter, 'Convolutions as matrix multiplication, cont' (the transpose)"

    dims: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(tuple(self.dims))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error with its dimensions put back."""
        places = [dim % x.dim() for dim in self.dims]
        return (upstream.permute([places.index(dim) for dim in range(x.dim())]),)


@dataclass(frozen=True)
class Select(Rearrangement):
    """Some of the numbers: every kind of index, slice and mask.

    Attributes:
        index: as PyTorch takes it: an integer, slice, Ellipsis, None, integer or bool tensor, or a tuple of these.
    """

    name = "select"
    formula = "y = x[index]"
    latex = r"y_i = x_{\text{index}_i}"
    source = "Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all"

    index: Any

    def forward(self, x: Tensor) -> Tensor:
        chosen = x[self.index]
        assert isinstance(chosen, Tensor)
        return chosen

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error goes where the number came from, summed where it was taken several times; zero elsewhere."""
        error = upstream.new_zeros(x.shape)
        parts = self.index if isinstance(self.index, tuple) else (self.index,)
        if any(isinstance(part, (Tensor, list)) for part in parts):
            places = torch.arange(x.numel(), device=x.device).reshape(x.shape)[self.index]
            error.view(-1).index_add_(0, places.reshape(-1), upstream.reshape(-1))
        else:
            error[self.index] = upstream
        return (error,)


@dataclass(frozen=True)
class Assign(Rearrangement):
    """A tensor with some of its numbers written over.

    Attributes:
        index: as PyTorch takes it: an integer, slice, Ellipsis, None, integer or bool tensor, or a tuple of these.
    """

    name = "assign"
    formula = "y = x with y[index] = value"
    latex = r"y_{\text{index}_i} = \text{value}_i, \; y_j = x_j \text{ elsewhere}"
    source = "PyTorch's documentation, 'Tensor.index_put_'; the error flows to where each number came from"
    inputs = ("x", "value")

    index: Any

    def forward(self, x: Tensor, value: Tensor) -> Tensor:
        """A copy of x with x[index] = value; the value broadcasts, the last one stays if a number is chosen twice."""
        y = x.clone()
        y[self.index] = value.to(x.dtype)
        return y

    def backward(self, upstream: Tensor, x: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """The error of what was written over goes to the value, summed over its copies; all other error goes to x."""
        to_x = upstream.clone()
        to_x[self.index] = 0.0
        written = upstream[self.index]
        shape = value.shape[max(0, value.dim() - written.dim()) :]  # torch takes more axes of size 1 in front
        return to_x, sum_to(written, shape).reshape(value.shape)


@dataclass(frozen=True)
class Expand(Rearrangement):
    """Copies along new dimensions, or along those of one cell: expand, and what broadcasting does by itself.

    Attributes:
        shape: what x is broadcast to; -1 keeps a size.
    """

    name = "expand"
    formula = "y_ij = x_j for every i"
    latex = r"y_{ij} = x_j \;\; \forall i"
    source = "Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all"

    shape: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(tuple(self.shape))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error summed over all copies."""
        return (sum_to(upstream, x.shape),)


@dataclass(frozen=True)
class Repeat(Rearrangement):
    """Copies side by side.

    Attributes:
        times: how often along each axis; more of them than axes make new ones in front.
    """

    name = "repeat"
    formula = "y_i = x_(i mod n)"
    latex = r"y_i = x_{i \bmod n}"
    source = "Kovashka, 'Computation graph': a value that is used in several places gathers the errors of all"

    times: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(tuple(self.times))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error summed over all copies."""
        sizes = [1] * (len(self.times) - x.dim()) + list(x.shape)
        copies = upstream.reshape([part for pair in zip(self.times, sizes, strict=True) for part in pair])
        axes = list(range(0, 2 * len(sizes), 2))
        return ((copies.sum(axes) if axes else copies).reshape(x.shape),)


@dataclass(frozen=True)
class Flip(Rearrangement):
    """The numbers in reverse order along the axes `dims`."""

    name = "flip"
    formula = "y_i = x_(n - 1 - i)"
    latex = r"y_i = x_{n - 1 - i}"
    source = "Kolter, 'Convolutions as matrix multiplication, cont' (the flipped filter)"

    dims: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.flip(tuple(self.dims))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error in reverse order."""
        return (upstream.flip(tuple(self.dims)),)


@dataclass(frozen=True)
class Roll(Rearrangement):
    """The numbers moved along some axes; what falls off the end comes in at the beginning.

    Attributes:
        shifts: s along each of `dims`.
        dims: the axes; none: x is read row by row, moved by the one shift, and put back in its shape.
    """

    name = "roll"
    formula = "y_i = x_((i - s) mod n)"
    latex = r"y_i = x_{(i - s) \bmod n}"
    source = "Liu et al. 2021, 'Swin transformer', section 3.2: the cyclic shift"

    shifts: Sequence[int]
    dims: Sequence[int]

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(tuple(self.shifts), tuple(self.dims))

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error moved back."""
        return (upstream.roll(tuple(-shift for shift in self.shifts), tuple(self.dims)),)


@dataclass(frozen=True)
class Pad(Rearrangement):
    """Padding: zeros (or other numbers) around an image.

    Attributes:
        padding: (before, after) of the last dimension, then of the one before it, and so on; negative ones cut.
        mode: `constant`: every new cell is `value`; `reflect`: x mirrored at its first and last cell; `replicate`: its
            first and last cell repeated; `circular`: x repeated.
        value: of the new cells; None for 0.
    """

    name = "pad"
    formula = "y = x with new cells around it"
    latex = r"y_i = x_{i - p}, \text{ or the padding's value outside}"
    source = "Kolter, 'Additional on convolutions' (zero padding)"

    padding: Sequence[int]
    mode: str = "constant"
    value: float | None = None

    def forward(self, x: Tensor) -> Tensor:
        """X with cells before and after its last dimensions.

        Raises:
            ValueError: another mode.
        """
        if self.mode == "constant":
            return pad(x, self._sides(), 0.0 if self.value is None else self.value)
        for dimension, cells in self._sources(x):
            x = x.index_select(dimension, cells)
        return x

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """The error of each cell goes to the cell that it is a copy of; that of new numbers is cut off."""
        if self.mode == "constant":
            return (pad(upstream, [(-before, -after) for before, after in self._sides()]),)
        for dimension, cells in self._sources(x):
            shape = [*upstream.shape]
            shape[dimension] = x.shape[dimension]
            upstream = upstream.new_zeros(shape).index_add_(dimension, cells, upstream)
        return (upstream,)

    def _sides(self) -> list[tuple[int, int]]:
        """(before, after) of each padded dimension, in the order of the dimensions."""
        return list(zip(self.padding[-2::-2], self.padding[::-2], strict=True))

    def _sources(self, x: Tensor) -> list[tuple[int, Tensor]]:
        """For each padded dimension, which cell of x each cell of y is a copy of."""
        sources = []
        for dimension, (before, after) in enumerate(self._sides(), x.dim() - len(self.padding) // 2):
            last = x.shape[dimension] - 1
            cells = torch.arange(-before, last + 1 + after, device=x.device)
            if self.mode == "reflect":
                cells = last - (last - cells.abs()).abs()
            elif self.mode == "replicate":
                cells = cells.clamp(0, last)
            elif self.mode == "circular":
                cells = cells % (last + 1)
            else:
                raise ValueError(
                    f"'{self.mode}' is not a padding mode; choose from constant, reflect, replicate and circular"
                )
            sources.append((dimension, cells))
        return sources


@dataclass(frozen=True)
class Concatenate(Rearrangement):
    """Several tensors one after another along `dim`, in which alone their sizes may differ."""

    name = "concatenate"
    formula = "y = [x1, x2, ...]"
    latex = r"y = [x_1, x_2, \ldots]"
    source = "Szegedy et al. 2015, 'Going deeper with convolutions' (filter concatenation)"
    inputs = ("x1", "x2", "...")

    dim: int = 0

    def forward(self, *xs: Tensor) -> Tensor:
        return torch.cat(xs, self.dim)

    def backward(self, upstream: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
        """Each input gets its own part of the error."""
        return torch.split(upstream, [x.shape[self.dim] for x in xs], self.dim)


@dataclass(frozen=True)
class Stack(Rearrangement):
    """Several tensors of one shape along a new dimension: as a convolution's activation maps make a new image.

    Attributes:
        dim: the new dimension, along which i is counted.
    """

    name = "stack"
    formula = "y_i = x_i"
    latex = r"y_i = x_i"
    source = "Kovashka, 'Convolution Layer': we stack these up to get a new image of size 28x28x6"
    inputs = ("x1", "x2", "...")

    dim: int = 0

    def forward(self, *xs: Tensor) -> Tensor:
        return torch.stack(xs, self.dim)

    def backward(self, upstream: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
        """Each input gets its own slice of the error."""
        return upstream.unbind(self.dim)


@dataclass(frozen=True)
class OneHot(Rearrangement):
    """A word as a vector of zeros with a one in its place, int64.

    Attributes:
        num_classes: V, how many words there are.
    """

    name = "one_hot"
    formula = "x_k = 1 where k is the word's number, else 0"
    latex = r"x_k = [k = \mathrm{word}]"
    source = "Kovashka, 'Character-level language model example': h = (1, 0, 0, 0), e = (0, 1, 0, 0)"
    inputs = ("indices",)

    num_classes: int

    def forward(self, indices: Tensor) -> Tensor:
        """Of the words' numbers (...): (..., V)."""
        return (indices[..., None] == torch.arange(self.num_classes, device=indices.device)).long()

    def backward(self, upstream: Tensor, indices: Tensor) -> tuple[None]:
        """No error flows back: a number of a word cannot move a little."""
        return (None,)


@dataclass(frozen=True)
class Embedding(Rearrangement):
    """The embedding: a row of numbers that is learned for each word.

    It is W^T x for an x that is 0 but for a 1 in place k, without the multiplications by 0.

    Attributes:
        padding_idx: the word that only fills up shorter sequences; its row is looked up, but not learned. A negative
            one counts from the end.
    """

    name = "embedding"
    formula = "y_i = w_(k_i)"
    latex = r"y_i = w_{k_i}"
    source = (
        "Kovashka, 'Character-level language model example': W_xh x_t with x_t = (0, .., 1, .., 0); Bengio et al. 2003"
    )
    inputs = ("indices", "w")

    padding_idx: int | None = None

    def forward(self, indices: Tensor, w: Tensor) -> Tensor:
        """Of the words' numbers k (...) and w (V, D), a row for each word: (..., D)."""
        return w[indices]

    def backward(self, upstream: Tensor, indices: Tensor, w: Tensor) -> tuple[None, Tensor]:
        """dE/dw_k = sum over the places i with k_i = k of delta_i: a word's row collects the error of all its uses."""
        delta = upstream.reshape(-1, w.shape[1])  # (places, D)
        gradient = torch.zeros_like(w).index_add(0, indices.reshape(-1), delta)
        if self.padding_idx is not None:
            gradient[self.padding_idx] = 0
        return None, gradient
