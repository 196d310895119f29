"""Cross-entropies: the negative log likelihood of the right classes, from probabilities or from scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.activations import Sigmoid
from glasswork.textbook.losses import Loss
from glasswork.textbook.operation import Write, alone, source_cell, sum_of
from glasswork.textbook.scores import LogSoftmax, Softmax, write_share

IGNORED = -100
"""The class that torch leaves out of the loss unless it is told another."""


@dataclass(frozen=True)
class NegativeLogLikelihood(Loss):
    """The negative log likelihood of the right classes, L_i = -w_(y_i) log P(Y = y_i), and as mean over sum_i w_(y_i).

    Attributes:
        ignore_index: the class of examples that do not count.
    """

    name = "negative_log_likelihood"
    formula = "L_i = -log P(Y = y_i | X = x_i)"
    latex = r"L_i = -\log P(Y = y_i \mid X = x_i)"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)'"
    inputs = ("log P", "y", "w")

    ignore_index: int = IGNORED

    def forward(self, log_p: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of log probabilities.

        Args:
            log_p: (N, K), (N, K, d1, ...) or (K,).
            y: the right classes, int64, in the same shape without K.
            weights: w (K,), how much each class counts; None for 1.
        """
        losses = _expected(_shares(log_p, y, weights, self.ignore_index), log_p)
        return self.reduce(losses, _counted(y, weights, self.ignore_index))

    def backward(
        self, upstream: Tensor, log_p: Tensor, y: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, None, None]:
        """dL_i/d(log P_k) = -w_k for k = y_i, else 0."""
        delta = self.spread(upstream, y.shape, _counted(y, weights, self.ignore_index))
        shares = _shares(log_p, y, weights, self.ignore_index)
        return -delta.unsqueeze(_class_axis(log_p)) * shares, None, None

    def worked(self, write: Write, cell: Sequence[int], log_p: Tensor, y: Tensor, weights: Tensor | None = None) -> str:
        values = log_p.movedim(_class_axis(log_p), -1)

        def loss(example: tuple[int, ...]) -> str:
            right = int(y[example])
            if right == self.ignore_index:
                return "0"
            value = write(values[example][right])
            return f"-{value}" if weights is None else f"-{write(weights[right])} * {value}"

        return self.words(write, cell, y.shape, loss, _counted(y, weights, self.ignore_index))


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """The softmax loss, or cross-entropy; in general L_i = -sum_k t_k log P(Y = k), P(Y = k) = e^(s_k) / sum_j e^(s_j).

    t is 1 for the right class and 0 for the others. Class weights multiply it, t_k = w_k [k = y_i], and smoothing moves
    a share epsilon of it to all classes alike, t_k = w_k ((1 - epsilon) [k = y_i] + epsilon / K). The mean is
    sum_i L_i / sum_i w_(y_i), or 1/N sum_i L_i if probabilities are given in place of right classes.

    Attributes:
        label_smoothing: epsilon (Szegedy et al. 2016).
        ignore_index: the class of examples that do not count.
    """

    name = "cross_entropy"
    formula = "L_i = -log(e^(s_(y_i)) / sum_j e^(s_j))"
    latex = r"L_i = -\log \frac{e^{s_{y_i}}}{\sum_j e^{s_j}}"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)'"
    inputs = ("s", "y", "w")

    label_smoothing: float = 0.0
    ignore_index: int = IGNORED

    def forward(self, s: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of scores.

        Args:
            s: (N, K), (N, K, d1, ...) or (K,).
            y: the right classes, int64, in the same shape without K; or their probabilities, in the shape of s.
            weights: w (K,), how much each class counts; None for 1.
        """
        losses = _expected(self._targets(s, y, weights), LogSoftmax(_class_axis(s)).forward(s))
        return self.reduce(losses, self._count(losses, y, weights))

    def backward(
        self, upstream: Tensor, s: Tensor, y: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, None]:
        """dL_i/ds_k = P_k - t_k, where the t_k sum to 1; in general P_k sum_j t_j - t_k. dL_i/dt_k = -log P_k."""
        axis = _class_axis(s)
        t = self._targets(s, y, weights)
        losses = t.select(axis, 0)
        delta = self.spread(upstream, losses.shape, self._count(losses, y, weights)).unsqueeze(axis)
        to_scores = delta * (Softmax(axis).forward(s) * t.sum(axis, keepdim=True) - t)
        if not y.is_floating_point():
            return to_scores, None, None
        slope = -(1 - self.label_smoothing) * LogSoftmax(axis).forward(s)
        return to_scores, delta * slope * (1 if weights is None else _along(weights, s)), None

    def worked(self, write: Write, cell: Sequence[int], s: Tensor, y: Tensor, weights: Tensor | None = None) -> str:
        t = self._targets(s, y, weights).movedim(_class_axis(s), -1)
        scores = s.movedim(_class_axis(s), -1)

        def loss(example: tuple[int, ...]) -> str:
            row, wanted = scores[example], t[example]
            classes = wanted.nonzero()[:, 0].tolist()

            def term(place: int) -> str:
                k = classes[place]
                factor = "" if wanted[k] == 1 else f"{write(wanted[k])} * "
                return f"{factor}log({write_share(write, row, k)})"

            if len(classes) < 2:
                return f"-{term(0)}" if classes else "0"
            return f"-({sum_of(len(classes), term)})"

        losses = t[..., 0]
        return self.words(write, cell, losses.shape, loss, self._count(losses, y, weights))

    def _targets(self, s: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
        """What multiplies -log P of each class, in the shape of s."""
        axis = _class_axis(s)
        weight = 1 if weights is None else _along(weights, s)
        even = self.label_smoothing / s.shape[axis]
        if y.is_floating_point():
            return weight * (y * (1 - self.label_smoothing) + even)
        counts = (y != self.ignore_index).to(s.dtype).unsqueeze(axis)
        return _shares(s, y, weights, self.ignore_index) * (1 - self.label_smoothing) + weight * even * counts

    def _count(self, losses: Tensor, y: Tensor, weights: Tensor | None) -> Tensor | int:
        """What the mean divides by."""
        return losses.numel() if y.is_floating_point() else _counted(y, weights, self.ignore_index)


class BinaryCrossEntropy(Loss):
    """The cross-entropy of yes or no, from scores."""

    name = "binary_cross_entropy"
    formula = "L_k = -(t_k log y_k + (1 - t_k) log(1 - y_k)), y_k = sigma(s_k)"
    latex = r"L_k = -\left(t_k \log y_k + (1 - t_k) \log(1 - y_k)\right), \quad y_k = \sigma(s_k)"
    source = "Bishop 2006, section 5.2, for the binary outputs of Kovashka, 'Neural network definition'"
    inputs = ("s", "t", "weight")

    def forward(self, s: Tensor, t: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of scores.

        Args:
            s: scores before the sigmoid, any shape.
            t: what y should be, 0 to 1, in the same shape.
            weight: how much each term counts, in a shape that broadcasts to that of s; None for 1.
        """
        # log y = s - log(1 + e^s) and log(1 - y) = -log(1 + e^s), with the exponential that cannot overflow.
        losses = s.clamp(min=0) - s * t + (-s.abs()).exp().log1p()
        return self.reduce(losses if weight is None else losses * weight)

    def backward(
        self, upstream: Tensor, s: Tensor, t: Tensor, weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor, None]:
        """dL_k/ds_k = y_k - t_k, dL_k/dt_k = -s_k, times the weight."""
        delta = self.spread(upstream, s.shape) * (1 if weight is None else weight)
        return delta * (Sigmoid().forward(s) - t), -delta * s, None

    def worked(self, write: Write, cell: Sequence[int], s: Tensor, t: Tensor, weight: Tensor | None = None) -> str:
        """The loss in numbers; 1 - y_k is written as sigma(-s_k), which stays exact where y_k is nearly 1."""

        def loss(place: tuple[int, ...]) -> str:
            wanted = t[place]
            yes, no = f"log(1 / (1 + exp(-{write(s[place])})))", f"log(1 / (1 + exp({alone(write, s[place])})))"
            if wanted == 1 or wanted == 0:
                value = f"-{yes if wanted == 1 else no}"
            else:
                value = f"-({write(wanted)} * {yes} + (1 - {write(wanted)}) * {no})"
            return value if weight is None else f"{write(weight[source_cell(place, weight.shape)])} * ({value})"

        return self.words(write, cell, s.shape, loss)


def _class_axis(s: Tensor) -> int:
    """The axis of the classes: the second, or the only one."""
    return 1 if s.dim() > 1 else 0


def _along(weights: Tensor, s: Tensor) -> Tensor:
    """The weights along the axis of the classes, to be multiplied with s."""
    return weights.reshape(-1, *(1 for _ in s.shape[_class_axis(s) + 1 :]))


def _shares(s: Tensor, y: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor:
    """t_k = w_k for the right class k = y_i, else 0, in the shape of s; all 0 where y_i is ignored."""
    axis = _class_axis(s)
    counts = y != ignore_index
    weight = torch.ones(s.shape[axis], dtype=s.dtype, device=s.device) if weights is None else weights
    right = y.where(counts, 0)
    return torch.zeros_like(s).scatter(axis, right.unsqueeze(axis), (weight[right] * counts).unsqueeze(axis))


def _expected(t: Tensor, log_p: Tensor) -> Tensor:
    """-sum_k t_k log P_k; a class of no share has none, though its log P were minus infinity."""
    return -(t * log_p).where(t != 0, 0).sum(_class_axis(log_p))


def _counted(y: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor:
    """What the mean divides by: sum_i w_(y_i) over the examples that are not ignored."""
    right = y[y != ignore_index]
    return torch.tensor(right.numel(), device=y.device) if weights is None else weights[right].sum()
