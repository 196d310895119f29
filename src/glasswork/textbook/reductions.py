"""Reductions: few numbers made of many, over all axes or some; and sums that run along an axis."""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Rearrangement, Write, alone, largest, sum_of, total, write_terms

Axes = int | Sequence[int] | None
"""The axes that a sum runs over; None for all."""


def axes_of(dim: Axes, dimensions: int) -> tuple[int, ...]:
    """The axes counted from 0, in order; torch reads no axes at all as all of them."""
    chosen = (dim,) if isinstance(dim, int) else tuple(dim or ())
    return tuple(sorted(axis % dimensions for axis in chosen)) if chosen and dimensions else tuple(range(dimensions))


@dataclass(frozen=True)
class Reduction(Operation):
    """An operation that makes one number of many.

    Attributes:
        dim: the axis or axes to run over; None for all.
        keepdim: leaves them in the shape, with size 1.
    """

    dim: Axes = None
    keepdim: bool = False

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        """One output in numbers."""
        axes = self.axes(x)
        rest = [place for axis, place in enumerate(cell) if axis not in axes] if self.keepdim else list(cell)
        kept = [axis for axis in range(x.dim()) if axis not in axes]
        return self.words(write, x.permute((*kept, *axes))[tuple(rest)].reshape(-1))

    @abc.abstractmethod
    def words(self, write: Write, numbers: Tensor) -> str:
        """One output in numbers, of those that it is made of, (n,)."""

    def axes(self, x: Tensor) -> tuple[int, ...]:
        """The axes of x to run over, counted from 0, in order."""
        return axes_of(self.dim, x.dim())

    def count(self, x: Tensor) -> int:
        """How many numbers of x make one output."""
        return math.prod(x.shape[axis] for axis in self.axes(x))

    def spread(self, upstream: Tensor, x: Tensor) -> Tensor:
        """The error of each output, given to every number of x that it is made of."""
        if not self.keepdim:
            for axis in self.axes(x):
                upstream = upstream.unsqueeze(axis)
        return upstream.expand(x.shape)

    def keeping(self) -> Self:
        """The same, with the axes left in the shape."""
        return replace(self, keepdim=True)


class Sum(Reduction):
    """The sum over all numbers, or along some axes."""

    name = "sum"
    formula = "y = sum_i x_i"
    latex = r"y = \sum_i x_i"
    source = "Kovashka, 'Neural network definition': the sums over i and j"

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(self.axes(x), keepdim=self.keepdim)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dy/dx_i = 1: every number that was added gets the error."""
        return (self.spread(upstream, x),)

    def words(self, write: Write, numbers: Tensor) -> str:
        return total(write, numbers)


class Mean(Reduction):
    """The mean over all numbers, or along some axes."""

    name = "mean"
    formula = "y = 1/N sum_i x_i"
    latex = r"y = \frac{1}{N} \sum_i x_i"
    source = "Kovashka, 'Hinge loss': L = 1/N sum_i L_i"

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(self.axes(x), keepdim=self.keepdim) / self.count(x)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dy/dx_i = 1/N."""
        return (self.spread(upstream / self.count(x), x),)

    def words(self, write: Write, numbers: Tensor) -> str:
        return f"({total(write, numbers)}) / {len(numbers)}"


@dataclass(frozen=True)
class Variance(Reduction):
    """The mean squared distance from the mean mu.

    Attributes:
        correction: 1 for the estimate from a sample, 0 for the numbers themselves.
    """

    name = "variance"
    formula = "var = sum_i (x_i - mu)^2 / (n - correction)"
    latex = r"\sigma^2 = \frac{1}{n - c} \sum_i (x_i - \mu)^2"
    source = "Ioffe and Szegedy 2015, algorithm 1: mini-batch variance"

    correction: float = 1

    def forward(self, x: Tensor) -> Tensor:
        squares = self._from_mean(x).square()
        return squares.sum(self.axes(x), keepdim=self.keepdim) / (self.count(x) - self.correction)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dvar/dx_i = 2 (x_i - mu) / (n - correction); what flows through mu adds up to nothing."""
        slope = 2 * self._from_mean(x) / (self.count(x) - self.correction)
        return (self.spread(upstream, x) * slope,)

    def words(self, write: Write, numbers: Tensor) -> str:
        mean = write(numbers.mean())
        squares = sum_of(len(numbers), lambda i: f"({write(numbers[i])} - {mean}) ** 2")
        return f"({squares}) / {write(len(numbers) - self.correction)}"

    def _from_mean(self, x: Tensor) -> Tensor:
        return x - x.mean(self.axes(x), keepdim=True)


@dataclass(frozen=True)
class StandardDeviation(Reduction):
    """The root of the variance.

    Attributes:
        correction: 1 for the estimate from a sample, 0 for the numbers themselves.
    """

    name = "standard_deviation"
    formula = "sigma = sqrt(sum_i (x_i - mu)^2 / (n - correction))"
    latex = r"\sigma = \sqrt{\frac{1}{n - c} \sum_i (x_i - \mu)^2}"
    source = "Ioffe and Szegedy 2015, algorithm 1: the root of the mini-batch variance"

    correction: float = 1

    def forward(self, x: Tensor) -> Tensor:
        return self._variance().forward(x).sqrt()

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dsigma/dx_i = (x_i - mu) / ((n - correction) sigma); 0 if all numbers are equal: there is no slope then."""
        sigma = self.forward(x)
        return self._variance().backward((upstream / (2 * sigma)).where(sigma != 0, 0.0), x)

    def words(self, write: Write, numbers: Tensor) -> str:
        return f"sqrt({self._variance().words(write, numbers)})"

    def _variance(self) -> Variance:
        return Variance(self.dim, self.keepdim, self.correction)


class Norm(Reduction):
    """The Euclidean length."""

    name = "norm"
    formula = "|x| = sqrt(sum_i x_i^2)"
    latex = r"\|x\|_2 = \sqrt{\sum_i x_i^2}"
    source = "Kovashka, 'Other losses': the distances in the triplet loss"

    def forward(self, x: Tensor) -> Tensor:
        return (x**2).sum(self.axes(x), keepdim=self.keepdim).sqrt()

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """d|x|/dx_i = x_i / |x|; 0 at the origin, where it has no slope."""
        length = self.keeping().forward(x)
        return ((self.spread(upstream, x) * x / length).where(length > 0, 0.0),)

    def words(self, write: Write, numbers: Tensor) -> str:
        return f"sqrt({sum_of(len(numbers), lambda i: f'{write(numbers[i])} ** 2')})"


class LogSumExp(Reduction):
    """The logarithm of a sum of exponentials: a maximum without kinks."""

    name = "logsumexp"
    formula = "y = log sum_i e^(s_i)"
    latex = r"y = \log \sum_i e^{s_i}"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': the logarithm of the sum of the e^(s_j)"
    inputs = ("s",)

    def forward(self, s: Tensor) -> Tensor:
        axes = self.axes(s)
        most = s.amax(axes, keepdim=True)  # taken out of the sum, so that nothing overflows
        most = most.where(most.isfinite(), 0.0)
        y = (s - most).exp().sum(axes, keepdim=True).log() + most
        return y if self.keepdim else y.amax(axes)

    def backward(self, upstream: Tensor, s: Tensor) -> tuple[Tensor]:
        """dy/ds_k = e^(s_k) / sum_i e^(s_i): the softmax."""
        y = self.keeping().forward(s)
        share = (s - torch.where(y == -torch.inf, 0.0, y)).exp()
        return (self.spread(upstream, s) * share,)

    def words(self, write: Write, numbers: Tensor) -> str:
        return f"log({sum_of(len(numbers), lambda i: f'exp({alone(write, numbers[i])})')})"


@dataclass(frozen=True)
class Largest(Reduction):
    """The largest number, of all or along some axes.

    Attributes:
        ties: which of several largest gets the error: `shared`, each an equal part (`torch.amax`); `first`, the first
            alone, along one axis (`torch.max` with an axis).
    """

    name = "largest"
    formula = "y = max_i x_i"
    latex = r"y = \max_i x_i"
    source = "Kovashka, 'Spatial Pooling' (max)"

    ties: str = "shared"

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(self.axes(x), keepdim=self.keepdim)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dy/dx_i = 1 for the largest, else 0; of several that are equal each gets the same part, or the first all.

        Raises:
            ValueError: for `first` along more than one axis.
        """
        error = self.spread(upstream, x)
        if self.ties == "first":
            if not isinstance(self.dim, int):
                raise ValueError("the first of the largest is looked for along one axis")
            if not x.dim():
                return (error,)
            place = Argmax(self.dim, keepdim=True).forward(x)
            return (error * x.new_zeros(x.shape).scatter_(self.dim, place, 1.0),)
        best = (x == self.keeping().forward(x)).to(upstream.dtype)
        return (error * best / best.sum(self.axes(x), keepdim=True),)

    def words(self, write: Write, numbers: Tensor) -> str:
        return largest(write, numbers)


@dataclass(frozen=True)
class Smallest(Reduction):
    """The smallest number, of all or along some axes.

    Attributes:
        ties: which of several smallest gets the error: `shared` or `first`, as for `Largest`.
    """

    name = "smallest"
    formula = "y = min_i x_i"
    latex = r"y = \min_i x_i"
    source = "Kovashka, 'Spatial Pooling', turned round: min x = -max(-x)"

    ties: str = "shared"

    def forward(self, x: Tensor) -> Tensor:
        return x.amin(self.axes(x), keepdim=self.keepdim)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dy/dx_i = 1 for the smallest, else 0: min x = -max(-x), whose two signs cancel in the slope."""
        return Largest(self.dim, self.keepdim, self.ties).backward(upstream, -x)

    def words(self, write: Write, numbers: Tensor) -> str:
        return f"min({', '.join(write_terms(len(numbers), lambda i: alone(write, numbers[i])))})"


@dataclass(frozen=True)
class Argmax(Rearrangement):
    """Where the largest number stands, counted from 0; of several that are equal the first.

    Attributes:
        dim: the axis to run along; None: all numbers, read row by row.
        keepdim: leaves that axis in the shape, with size 1.
    """

    name = "argmax"
    formula = "k = argmax_i x_i"
    latex = r"k = \arg\max_i x_i"
    source = "Kovashka, 'Classification scores': the answer is the class of the highest"

    dim: int | None = None
    keepdim: bool = False

    def forward(self, x: Tensor) -> Tensor:
        if self.dim is None or not x.dim():
            place = Argmax(0).forward(x.reshape(-1))
            return place.reshape((1,) * x.dim()) if self.keepdim else place
        size = x.shape[self.dim]
        places = torch.arange(size, device=x.device).reshape(-1, *[1] * (x.dim() - 1 - self.dim % x.dim()))
        best = x.amax(self.dim, keepdim=True)
        return torch.where((x == best) | x.isnan(), places, size).amin(self.dim, keepdim=self.keepdim)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[None]:
        """No error flows back: a place does not move when x moves a little."""
        return (None,)


@dataclass(frozen=True)
class Argmin(Rearrangement):
    """Where the smallest number stands, counted from 0; of several that are equal the first.

    Attributes:
        dim: the axis to run along; None: all numbers, read row by row.
        keepdim: leaves that axis in the shape, with size 1.
    """

    name = "argmin"
    formula = "k = argmin_i x_i"
    latex = r"k = \arg\min_i x_i"
    source = "Kovashka, 'Classification scores', turned round: the lowest of the scores"

    dim: int | None = None
    keepdim: bool = False

    def forward(self, x: Tensor) -> Tensor:
        return Argmax(self.dim, self.keepdim).forward(-x)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[None]:
        """No error flows back: a place does not move when x moves a little."""
        return (None,)


@dataclass(frozen=True)
class CumulativeSum(Operation):
    """The sum of a number and all before it, along the axis `dim`."""

    name = "cumulative_sum"
    formula = "y_i = sum_(j <= i) x_j"
    latex = r"y_i = \sum_{j \le i} x_j"
    source = "Kovashka, 'Neural network definition': the sums over i and j"

    dim: int = 0

    def forward(self, x: Tensor) -> Tensor:
        return x.cumsum(self.dim)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dE/dx_j = sum_(i >= j) u_i with u = dE/dy: x_j is in every sum from the j-th on."""
        return (upstream.flip(self.dim).cumsum(self.dim).flip(self.dim) if x.dim() else upstream,)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        if not x.dim():
            return write(x)
        row = x.movedim(self.dim, -1)[tuple(place for axis, place in enumerate(cell) if axis != self.dim % x.dim())]
        return total(write, row[: cell[self.dim] + 1])
