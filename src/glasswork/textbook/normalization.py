"""Normalization: numbers brought to mean 0 and variance 1, or scaled by the size of their neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, write_terms
from glasswork.textbook.reductions import Axes, Norm
from glasswork.textbook.windows import pad


@dataclass(frozen=True)
class BatchNormalization(Operation):
    """Batch normalization, for each channel of (N, C, ...).

    Attributes:
        training: mu and var are those of the batch, over all dimensions but the second, var with 1/n; else the running
            figures.
        eps: keeps the root from zero.
    """

    name = "batch_normalization"
    formula = "y = gamma (x - mu) / sqrt(var + eps) + beta"
    latex = r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta"
    source = "Ioffe and Szegedy 2015, 'Batch normalization', algorithm 1"
    inputs = ("x", "mu", "var", "gamma", "beta")

    training: bool
    eps: float = 1e-5

    def forward(
        self,
        x: Tensor,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """The normalized x, of the same shape; the running figures, gamma and beta are (C,) each.

        Raises:
            ValueError: no running figures, and not training.
        """
        normal, _ = self._normal(x, running_mean, running_var)
        y = normal if weight is None else normal * _along(x, weight)
        return y if bias is None else y + _along(x, bias)

    def backward(
        self,
        upstream: Tensor,
        x: Tensor,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> tuple[Tensor, None, None, Tensor | None, Tensor | None]:
        """With x^ = (x - mu) / sqrt(var + eps) and the error delta at y; sums and means over the channel's n numbers.

        dE/dgamma = sum delta x^; dE/dbeta = sum delta; with the error d = gamma delta at x^, dE/dx =
        d / sqrt(var + eps), or through the batch's own mu and var
        dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps).
        """
        axes = _axes(x)
        normal, deviation = self._normal(x, running_mean, running_var)
        error = upstream if weight is None else upstream * _along(x, weight)
        return (
            _through(error, normal, deviation, axes) if self.training else error / deviation,
            None,
            None,
            None if weight is None else (upstream * normal).sum(axes),
            None if bias is None else upstream.sum(axes),
        )

    def worked(
        self,
        write: Write,
        cell: Sequence[int],
        x: Tensor,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> str:
        c = cell[1]
        if self.training:
            mean, var = x[:, c].mean(), x[:, c].var(correction=0)
        else:
            means, variances = _running(running_mean, running_var)
            mean, var = means[c], variances[c]
        return _words(write, x[tuple(cell)], mean, var, self.eps, _at(weight, c), _at(bias, c))

    def _normal(self, x: Tensor, running_mean: Tensor | None, running_var: Tensor | None) -> tuple[Tensor, Tensor]:
        """x^ and the root that it was divided by."""
        if self.training:
            return _standardize(x, _axes(x), self.eps)
        mean, var = _running(running_mean, running_var)
        deviation = _along(x, (var + self.eps).sqrt())
        return (x - _along(x, mean)) / deviation, deviation


def _running(mean: Tensor | None, var: Tensor | None) -> tuple[Tensor, Tensor]:
    if mean is None or var is None:
        raise ValueError("batch normalization without training needs a running mean and variance")
    return mean, var


@dataclass(frozen=True)
class LayerNormalization(Operation):
    """Layer normalization: mu and var (with 1/n) are those of each example's own numbers.

    Attributes:
        normalized_shape: the last dimensions, over which mu and var are taken; gamma and beta have this shape.
        eps: keeps the root from zero.
    """

    name = "layer_normalization"
    formula = "y = gamma (x - mu) / sqrt(var + eps) + beta"
    latex = r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta"
    source = "Ba et al. 2016, 'Layer normalization'"
    inputs = ("x", "gamma", "beta")

    normalized_shape: Sequence[int]
    eps: float = 1e-5

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        y, _ = _standardize(x, self._axes(), self.eps)
        y = y if weight is None else y * weight
        return y if bias is None else y + bias

    def backward(
        self, upstream: Tensor, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """With x^ = (x - mu) / sqrt(var + eps), the error delta at y and d = gamma delta at x^.

        dE/dgamma = delta x^ and dE/dbeta = delta, summed over the examples;
        dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps).
        """
        normal, deviation = _standardize(x, self._axes(), self.eps)
        error = upstream if weight is None else upstream * weight
        return (
            _through(error, normal, deviation, self._axes()),
            None if weight is None else (upstream * normal).reshape(-1, *weight.shape).sum(0),
            None if bias is None else upstream.reshape(-1, *bias.shape).sum(0),
        )

    def worked(
        self, write: Write, cell: Sequence[int], x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> str:
        lead = x.dim() - len(self.normalized_shape)
        own, place = x[tuple(cell[:lead])], tuple(cell[lead:])
        mean, var = own.mean(), own.var(correction=0)
        return _words(write, own[place], mean, var, self.eps, _at(weight, place), _at(bias, place))

    def _axes(self) -> list[int]:
        return [*range(-len(self.normalized_shape), 0)]


@dataclass(frozen=True)
class GroupNormalization(Operation):
    """Group normalization of (N, C, ...): mu and var (with 1/n) are those of each example's group of channels.

    Attributes:
        groups: how many; a divisor of C. C of them: instance normalization; one: layer normalization of the image.
        eps: keeps the root from zero.
    """

    name = "group_normalization"
    formula = "y = gamma (x - mu) / sqrt(var + eps) + beta"
    latex = r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta"
    source = "Wu and He 2018, 'Group normalization'; one group for each channel: Ulyanov et al. 2016"
    inputs = ("x", "gamma", "beta")

    groups: int
    eps: float = 1e-5

    def forward(self, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """The normalized x, of the same shape; gamma and beta are (C,) each."""
        y = _standardize(self._grouped(x), [2], self.eps)[0].reshape(x.shape)
        y = y if weight is None else y * _along(x, weight)
        return y if bias is None else y + _along(x, bias)

    def backward(
        self, upstream: Tensor, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """With x^ = (x - mu) / sqrt(var + eps), the error delta at y and d = gamma delta at x^.

        dE/dgamma = sum delta x^ and dE/dbeta = sum delta over the channel;
        dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps), means over the group.
        """
        normal, deviation = _standardize(self._grouped(x), [2], self.eps)
        error = upstream if weight is None else upstream * _along(x, weight)
        return (
            _through(self._grouped(error), normal, deviation, [2]).reshape(x.shape),
            None if weight is None else (upstream * normal.reshape(x.shape)).sum(_axes(x)),
            None if bias is None else upstream.sum(_axes(x)),
        )

    def worked(
        self, write: Write, cell: Sequence[int], x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> str:
        example, c = cell[:2]
        share = x.shape[1] // self.groups
        own = x[example, c // share * share : (c // share + 1) * share]
        mean, var = own.mean(), own.var(correction=0)
        return _words(write, x[tuple(cell)], mean, var, self.eps, _at(weight, c), _at(bias, c))

    def _grouped(self, x: Tensor) -> Tensor:
        """(N, groups, numbers of a group)."""
        return x.reshape(x.shape[0], self.groups, -1)


def _axes(x: Tensor) -> list[int]:
    """All dimensions but the channels'."""
    return [0, *range(2, x.dim())]


def _along(x: Tensor, channels: Tensor) -> Tensor:
    """A number for each channel, as it broadcasts to x."""
    return channels.reshape(-1, *[1] * (x.dim() - 2))


def _standardize(x: Tensor, axes: list[int], eps: float) -> tuple[Tensor, Tensor]:
    """x^ = (x - mu) / sqrt(var + eps), mean and (biased) variance over `axes`; and that root."""
    centred = x - x.mean(axes, keepdim=True)
    deviation = (centred.square().mean(axes, keepdim=True) + eps).sqrt()
    return centred / deviation, deviation


def _through(error: Tensor, normal: Tensor, deviation: Tensor, axes: list[int]) -> Tensor:
    """dE/dx out of the error at x^, through mean and variance too (Ioffe and Szegedy 2015).

    dE/dx = (delta - mean(delta) - x^ mean(delta x^)) / sqrt(var + eps).
    """
    along = (error * normal).mean(axes, keepdim=True)
    centred = error - error.mean(axes, keepdim=True) - normal * along
    return centred / deviation


def _words(
    write: Write, value: Tensor, mean: Tensor, var: Tensor, eps: float, weight: Tensor | None, bias: Tensor | None
) -> str:
    """(x - mu) / sqrt(var + eps) * gamma + beta in numbers."""
    words = f"({write(value)} - {write(mean)}) / sqrt({write(var)} + {write(eps)})"
    words = words if weight is None else f"{words} * {write(weight)}"
    return words if bias is None else f"{words} + {write(bias)}"


def _at(numbers: Tensor | None, place: int | tuple[int, ...]) -> Tensor | None:
    return None if numbers is None else numbers[place]


@dataclass(frozen=True)
class LocalResponseNormalization(Operation):
    """Local response normalization, of AlexNet, of (N, C, ...): over the n channels j from c - n // 2 on.

    As in PyTorch, alpha is divided by n, which the paper does not do.

    Attributes:
        size: n, how many neighbouring channels.
        alpha: how strongly they damp.
        beta: with what power.
        k: keeps the divisor from zero.
    """

    name = "local_response_normalization"
    formula = "y_c = x_c / (k + alpha / n sum_j x_j^2)^beta"
    latex = r"y_c = x_c \Big/ \Big(k + \frac{\alpha}{n} \sum_j x_j^2\Big)^{\beta}"
    source = "Krizhevsky et al. 2012, 'ImageNet classification with deep convolutional neural networks', section 3.3"

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return x / self._divisor(x) ** self.beta

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """With D_c = k + alpha / n sum_j x_j^2 and the error delta at y, over the channels c that see channel j.

        dE/dx_j = delta_j / D_j^beta - 2 alpha beta / n x_j sum_c delta_c x_c / D_c^(beta + 1).
        """
        divisor = self._divisor(x)
        seen = self._neighbours(upstream * x / divisor ** (self.beta + 1), (self.size - 1) // 2)
        return (upstream / divisor**self.beta - 2 * self.alpha * self.beta / self.size * x * seen,)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        example, c, *place = cell
        first = max(0, c - self.size // 2)
        own = x.movedim(1, -1)[(example, *place)][first : c - self.size // 2 + self.size]
        squares = " + ".join(write_terms(len(own), lambda i: f"{write(own[i])} ** 2"))
        divisor = f"({write(self.k)} + {write(self.alpha)} / {self.size} * ({squares}))"
        return f"{write(x[tuple(cell)])} / {divisor} ** {write(self.beta)}"

    def _divisor(self, x: Tensor) -> Tensor:
        return self.k + self.alpha / self.size * self._neighbours(x.square(), self.size // 2)

    def _neighbours(self, x: Tensor, before: int) -> Tensor:
        """The sum, for each channel, over `size` of them, beginning `before` channels earlier."""
        sides = [(before, self.size - 1 - before), *[(0, 0)] * (x.dim() - 2)]
        return pad(x, sides).unfold(1, self.size, 1).sum(-1)


@dataclass(frozen=True)
class Normalize(Operation):
    """A vector divided by its length, |x| = sqrt(sum_i x_i^2).

    Attributes:
        dim: the axis or axes of the vectors.
        eps: the least that is divided by.
    """

    name = "normalize"
    formula = "y = x / max(|x|, eps)"
    latex = r"y = \frac{x}{\max(\|x\|_2, \varepsilon)}"
    source = "Schroff et al. 2015, 'FaceNet', section 3.1: |f(x)| = 1, for the distances of Kovashka's triplet loss"

    dim: Axes = 1
    eps: float = 1e-12

    def forward(self, x: Tensor) -> Tensor:
        return x / self._norm().forward(x).clamp(min=self.eps)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dE/dx = (u - y sum_i u_i y_i) / |x| with u = dE/dy: what is left of u across y; u / eps where |x| < eps."""
        length, y = self._norm().forward(x), self.forward(x)
        along = (upstream * y).sum(self._norm().axes(x), keepdim=True)
        return (torch.where(length < self.eps, upstream, upstream - y * along) / length.clamp(min=self.eps),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        length = self._norm().forward(x)
        place = tuple(0 if size == 1 else at for at, size in zip(cell, length.shape, strict=True))
        if length[place] < self.eps:
            return f"{write(x[tuple(cell)])} / {write(self.eps)}"
        return f"{write(x[tuple(cell)])} / {self._norm().worked(write, place, x)}"

    def _norm(self) -> Norm:
        return Norm(self.dim, keepdim=True)
