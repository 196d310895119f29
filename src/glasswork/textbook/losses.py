"""Losses over a batch, and the penalties on weights."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, alone, cell_at, source_cell, sum_of, sum_to


@dataclass(frozen=True)
class Loss(Operation):
    """A loss of each example (or number), put together to one.

    Attributes:
        reduction: what is done with the losses: `mean` or `sum`; `examples`: their sum over the number of examples (and
            of places, if each has several), which is that of all axes but the second; or `none`.
    """

    reduction: str = "mean"

    def divisor(self, shape: Sequence[int], count: Tensor | float | None = None) -> Tensor | float:
        """What the sum over losses of `shape` is divided by; `mean`: by `count`, None for the number of losses.

        Raises:
            KeyError: for another reduction.
        """
        mean = math.prod(shape) if count is None else count
        return {"sum": 1, "examples": math.prod([*shape[:1], *shape[2:]]), "mean": mean}[self.reduction]

    def reduce(self, losses: Tensor, count: Tensor | float | None = None) -> Tensor:
        """The losses themselves (`none`), or their sum over the divisor."""
        return losses if self.reduction == "none" else losses.sum() / self.divisor(losses.shape, count)

    def spread(self, upstream: Tensor, shape: Sequence[int], count: Tensor | float | None = None) -> Tensor:
        """The error of each loss of `shape`, by the error of what they were reduced to."""
        share = upstream if self.reduction == "none" else upstream / self.divisor(shape, count)
        return share.expand(tuple(shape))

    def words(
        self,
        write: Write,
        cell: Sequence[int],
        shape: Sequence[int],
        loss: Callable[[tuple[int, ...]], str],
        count: Tensor | float | None = None,
        apart: bool = True,
    ) -> str:
        """One cell of the output in numbers; `loss` writes the one of a cell, `apart`: in parentheses in a sum."""
        if self.reduction == "none":
            return loss(tuple(cell))
        losses, parts = math.prod(shape), float(self.divisor(shape, count))
        if losses == 1 and parts == 1:
            return loss((0,) * len(shape))
        pattern = "({})" if apart else "{}"
        together = sum_of(losses, lambda place: pattern.format(loss(cell_at(place, shape))))
        return together if parts == 1 else f"({together}) / {write(parts)}"


class Hinge(Loss):
    """The multi-class hinge loss, of scores s (N, K) and the right classes y (N,), int64."""

    name = "hinge"
    formula = "L_i = sum_(j != y_i) max(0, s_j - s_(y_i) + 1)"
    latex = r"L_i = \sum_{j \neq y_i} \max(0, s_j - s_{y_i} + 1)"
    source = "Kovashka, 'Hinge loss'"
    inputs = ("s", "y")

    def forward(self, s: Tensor, y: Tensor) -> Tensor:
        return self.reduce(self._violations(s, y).sum(1))

    def backward(self, upstream: Tensor, s: Tensor, y: Tensor) -> tuple[Tensor, None]:
        """dL_i/ds_j = 1 for each j != y_i that violates the margin, else 0; dL_i/ds_(y_i) = -(how many do)."""
        violated = (self._violations(s, y) > 0).to(s.dtype)  # (N, K)
        slope = violated.scatter(1, y[:, None], -violated.sum(1, keepdim=True))
        return self.spread(upstream, y.shape)[:, None] * slope, None

    def worked(self, write: Write, cell: Sequence[int], s: Tensor, y: Tensor) -> str:
        def loss(example: tuple[int, ...]) -> str:
            scores, right = s[example], int(y[example])
            wrong = [j for j in range(len(scores)) if j != right]
            return sum_of(len(wrong), lambda j: f"max(0, {write(scores[wrong[j]])} - {write(scores[right])} + 1)")

        return self.words(write, cell, y.shape, loss)

    def _violations(self, s: Tensor, y: Tensor) -> Tensor:
        """max(0, s_j - s_(y_i) + 1), and 0 for j = y_i: (N, K)."""
        margins = (s - s.gather(1, y[:, None]) + 1).clamp(min=0)
        return margins.scatter(1, y[:, None], torch.zeros_like(margins))


@dataclass(frozen=True)
class SquaredError(Loss):
    """The squared error of outputs y and what they should be, t; the shapes broadcast together.

    Attributes:
        reduction: `half-sum` as on the slide, or `examples`: that over the number of examples and places; or the
            `sum`, `mean` or `none` of (y_k - t_k)^2, as in libraries.
    """

    name = "squared_error"
    formula = "E = 1/2 sum_k (y_k - t_k)^2"
    latex = r"E_n = \frac{1}{2} \sum_{k=1}^{K} (y_k - t_k)^2"
    source = "Kovashka, 'Example' (two-layer network): Minimize E_n"
    inputs = ("y", "t")

    reduction: str = "half-sum"

    @property
    def is_halved(self) -> bool:
        """Whether the reduction has the half of the slide."""
        return self.reduction in {"half-sum", "examples"}

    def divisor(self, shape: Sequence[int], count: Tensor | float | None = None) -> Tensor | float:
        return 1 if self.reduction == "half-sum" else super().divisor(shape, count)

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        squares = (y - t) ** 2
        return self.reduce(squares / 2 if self.is_halved else squares)

    def backward(self, upstream: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """dE/dy_k = y_k - t_k, dE/dt_k = -(y_k - t_k), divided as E is; twice that without the half."""
        error = y - t
        delta = self.spread(upstream, error.shape) * error * (1 if self.is_halved else 2)
        return sum_to(delta, y.shape), sum_to(-delta, t.shape)

    def worked(self, write: Write, cell: Sequence[int], y: Tensor, t: Tensor) -> str:
        def square(place: tuple[int, ...]) -> str:
            return f"({write(y[source_cell(place, y.shape)])} - {write(t[source_cell(place, t.shape)])}) ** 2"

        numbers = self.words(write, cell, (y - t).shape, square, apart=False)
        return f"1 / 2 * ({numbers})" if self.is_halved else numbers


class AbsoluteError(Loss):
    """The absolute error of outputs y and what they should be, t; the shapes broadcast together."""

    name = "absolute_error"
    formula = "L_k = |y_k - t_k|"
    latex = r"L_k = |y_k - t_k|"
    source = "Laplace 1774: least absolute deviations"
    inputs = ("y", "t")

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        return self.reduce((y - t).abs())

    def backward(self, upstream: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """dL_k/dy_k = sign(y_k - t_k), dL_k/dt_k = -sign(y_k - t_k)."""
        error = y - t
        delta = self.spread(upstream, error.shape) * error.sign()
        return sum_to(delta, y.shape), sum_to(-delta, t.shape)

    def worked(self, write: Write, cell: Sequence[int], y: Tensor, t: Tensor) -> str:
        def loss(place: tuple[int, ...]) -> str:
            return f"abs({write(y[source_cell(place, y.shape)])} - {write(t[source_cell(place, t.shape)])})"

        return self.words(write, cell, (y - t).shape, loss, apart=False)


@dataclass(frozen=True)
class Huber(Loss):
    """The Huber loss: the squared error of small errors, the absolute one of large errors.

    Attributes:
        delta: the size of the error from which on it is large.
        divided: whether the loss is divided by delta, which makes it the smooth L1 loss of R-CNN.
    """

    name = "huber"
    formula = "L_k = 1/2 (y_k - t_k)^2 if |y_k - t_k| <= delta else delta (|y_k - t_k| - delta / 2)"
    latex = (
        r"L_k = \begin{cases} \frac{1}{2} e^2 & |e| \le \delta \\ "
        r"\delta (|e| - \frac{\delta}{2}) & |e| > \delta \end{cases}, \quad e = y_k - t_k"
    )
    source = "Huber 1964; divided by delta: Girshick 2015, 'Fast R-CNN', equation 3"
    inputs = ("y", "t")

    delta: float = 1.0
    divided: bool = False

    def forward(self, y: Tensor, t: Tensor) -> Tensor:
        error = (y - t).abs()
        losses = (error.square() / 2).where(error <= self.delta, self.delta * (error - self.delta / 2))
        return self.reduce(losses / self._scale)

    def backward(self, upstream: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """dL_k/dy_k = y_k - t_k, but no larger than delta."""
        error = y - t
        delta = self.spread(upstream, error.shape) * error.clamp(-self.delta, self.delta) / self._scale
        return sum_to(delta, y.shape), sum_to(-delta, t.shape)

    def worked(self, write: Write, cell: Sequence[int], y: Tensor, t: Tensor) -> str:
        errors = y - t

        def loss(place: tuple[int, ...]) -> str:
            error = f"({write(y[source_cell(place, y.shape)])} - {write(t[source_cell(place, t.shape)])})"
            small = abs(float(errors[place])) <= self.delta
            words = f"{error} ** 2 / 2" if small else f"{write(self.delta)} * (abs{error} - {write(self.delta / 2)})"
            return f"{words} / {write(self._scale)}" if self.divided else words

        return self.words(write, cell, errors.shape, loss)

    @property
    def _scale(self) -> float:
        return self.delta if self.divided else 1.0


class Pinball(Operation):
    """The pinball loss of quantiles: its mean over examples, numbers and quantiles."""

    name = "pinball"
    formula = "L = mean_k max(tau_k (t - q_k), (tau_k - 1) (t - q_k)), tau_k = k / (K + 1)"
    latex = r"L = \frac{1}{K} \sum_k \max(\tau_k (t - q_k), (\tau_k - 1)(t - q_k)), \quad \tau_k = \frac{k}{K + 1}"
    source = "Koenker and Bassett 1978, 'Regression quantiles'"
    inputs = ("q", "t")

    def forward(self, q: Tensor, t: Tensor) -> Tensor:
        """Of quantiles q (N, H, K), the k-th at tau_k, and what came, t (N, H)."""
        over, tau = t[..., None] - q, self._levels(q)
        return torch.maximum(tau * over, (tau - 1) * over).mean()

    def backward(self, upstream: Tensor, q: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """dL/dq_k = 1/(N H K) times -tau_k where t > q_k, 1 - tau_k where t < q_k; midway between at t = q_k."""
        over, tau = t[..., None] - q, self._levels(q)
        slope = torch.where(over > 0, -tau, torch.where(over < 0, 1 - tau, 0.5 - tau))  # (N, H, K)
        into = upstream * slope / q.numel()
        return into, -into.sum(-1)

    def worked(self, write: Write, cell: Sequence[int], q: Tensor, t: Tensor) -> str:
        quantiles, came, count = q.reshape(-1), t[..., None].expand_as(q).reshape(-1), q.shape[-1]

        def loss(place: int) -> str:
            # As fractions, which are exact.
            level = place % count + 1 if float(came[place]) >= float(quantiles[place]) else place % count - count
            return f"{level}/{count + 1} * ({write(came[place])} - {write(quantiles[place])})"

        return f"1/{q.numel()} * ({sum_of(q.numel(), loss)})"

    def _levels(self, q: Tensor) -> Tensor:
        """tau_k = k / (K + 1), (K,), in the type of q."""
        count = q.shape[-1]
        return (torch.arange(1, count + 1, dtype=torch.float64) / (count + 1)).to(q)


@dataclass(frozen=True)
class Triplet(Loss):
    """The triplet loss of what the network makes of anchors, positives and negatives, each (N, D).

    A positive has the same identity as the anchor, a negative another one.

    Attributes:
        alpha: the margin; 0.2 in FaceNet.
    """

    name = "triplet"
    formula = "L = sum_i max(0, |f(x_i^a) - f(x_i^p)|^2 - |f(x_i^a) - f(x_i^n)|^2 + alpha)"
    latex = r"\sum_{i=1}^{N} \left[\|f(x_i^a) - f(x_i^p)\|_2^2 - \|f(x_i^a) - f(x_i^n)\|_2^2 + \alpha\right]_+"
    source = "Kovashka, 'Other losses': Triplet loss (Schroff, FaceNet, CVPR 2015)"
    inputs = ("f(x^a)", "f(x^p)", "f(x^n)")

    reduction: str = "sum"
    alpha: float = 0.2

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return self.reduce(self._margins(anchor, positive, negative).clamp(min=0))

    def backward(
        self, upstream: Tensor, anchor: Tensor, positive: Tensor, negative: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where the margin is violated dL/da = 2 (n - p), dL/dp = 2 (p - a), dL/dn = 2 (a - n), else 0."""
        margins = self._margins(anchor, positive, negative)
        delta = (self.spread(upstream, margins.shape) * (margins > 0)).unsqueeze(-1)
        return 2 * delta * (negative - positive), 2 * delta * (positive - anchor), 2 * delta * (anchor - negative)

    def worked(self, write: Write, cell: Sequence[int], anchor: Tensor, positive: Tensor, negative: Tensor) -> str:
        def distance(example: tuple[int, ...], other: Tensor) -> str:
            a, o = anchor[example], other[example]
            return sum_of(len(a), lambda i: f"({write(a[i])} - {write(o[i])}) ** 2")

        def loss(example: tuple[int, ...]) -> str:
            return f"max(0, {distance(example, positive)} - ({distance(example, negative)}) + {write(self.alpha)})"

        return self.words(write, cell, anchor.shape[:-1], loss)

    def _margins(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """|a - p|^2 - |a - n|^2 + alpha of each triplet: (N,)."""
        return ((anchor - positive) ** 2).sum(-1) - ((anchor - negative) ** 2).sum(-1) + self.alpha


@dataclass(frozen=True)
class L1(Operation):
    """The L1 penalty on weights.

    Attributes:
        strength: lambda.
    """

    name = "l1"
    formula = "lambda R(W) = lambda sum_k sum_l |w_kl|"
    latex = r"\lambda R(W) = \lambda \sum_k \sum_l |W_{k,l}|"
    source = "Kovashka, 'Weight Regularization'"
    inputs = ("w",)

    strength: float = 1.0

    def forward(self, w: Tensor) -> Tensor:
        return self.strength * w.abs().sum()

    def backward(self, upstream: Tensor, w: Tensor) -> tuple[Tensor]:
        """d(lambda R)/dw = lambda sign(w), 0 at 0."""
        return (upstream * self.strength * w.sign(),)

    def worked(self, write: Write, cell: Sequence[int], w: Tensor) -> str:
        values = w.reshape(-1)
        return f"{write(self.strength)} * ({sum_of(len(values), lambda i: f'abs({alone(write, values[i])})')})"


@dataclass(frozen=True)
class L2(Operation):
    """The L2 penalty on weights.

    Attributes:
        strength: lambda.
    """

    name = "l2"
    formula = "lambda R(W) = lambda sum_k sum_l w_kl^2"
    latex = r"\lambda R(W) = \lambda \sum_k \sum_l W_{k,l}^2"
    source = "Kovashka, 'Weight Regularization'"
    inputs = ("w",)

    strength: float = 1.0

    def forward(self, w: Tensor) -> Tensor:
        return self.strength * (w**2).sum()

    def backward(self, upstream: Tensor, w: Tensor) -> tuple[Tensor]:
        """d(lambda R)/dw = 2 lambda w."""
        return (upstream * 2 * self.strength * w,)

    def worked(self, write: Write, cell: Sequence[int], w: Tensor) -> str:
        values = w.reshape(-1)
        return f"{write(self.strength)} * ({sum_of(len(values), lambda i: f'{write(values[i])} ** 2')})"
