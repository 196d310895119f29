"""The softmax loss, or cross-entropy."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import log_softmax, softmax
from glasswork.textbook.negative_log_likelihood import IGNORED, class_axis, counted, expected, shares
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers
from glasswork.textbook.terms import sum_of


def forward(
    s: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORED,
) -> Tensor:
    """L_i = -log P(Y = y_i), P(Y = k) = e^(s_k) / sum_j e^(s_j); in general L_i = -sum_k t_k log P(Y = k).

    t is 1 for the right class and 0 for the others. Class weights multiply it, t_k = w_k [k = y_i], and smoothing moves
    a share epsilon of it to all classes alike, t_k = w_k ((1 - epsilon) [k = y_i] + epsilon / K).

    Args:
        s: scores (N, K), (N, K, d1, ...) or (K,).
        y: the right classes, int64, in the same shape without K; or their probabilities, in the shape of s.
        weights: w (K,), how much each class counts; None for 1.
        reduction: `mean`: sum_i L_i / sum_i w_(y_i), for probabilities 1/N sum_i L_i; `sum`; or `none`.
        label_smoothing: epsilon (Szegedy et al. 2016).
        ignore_index: the class of examples that do not count.

    Returns:
        A scalar, or the shape of s without K for `none`.
    """
    t = _targets(s, y, weights, label_smoothing, ignore_index)
    losses = expected(t, log_softmax.forward(s, dim=class_axis(s)))
    return reduced(losses, reduction, _total(losses, y, weights, ignore_index))


def backward(
    upstream: Tensor,
    s: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORED,
) -> tuple[Tensor, Tensor | None, None]:
    """dL_i/ds_k = P_k - t_k, where the t_k sum to 1; in general P_k sum_j t_j - t_k. dL_i/dt_k = -log P_k."""
    axis = class_axis(s)
    t = _targets(s, y, weights, label_smoothing, ignore_index)
    delta = each(upstream, t.select(axis, 0).shape, reduction, _total(t.select(axis, 0), y, weights, ignore_index))
    delta = delta.unsqueeze(axis)
    to_scores = delta * (softmax.forward(s, dim=axis) * t.sum(axis, keepdim=True) - t)
    if not y.is_floating_point():
        return to_scores, None, None
    slope = -(1 - label_smoothing) * log_softmax.forward(s, dim=axis)
    return to_scores, delta * slope * (1 if weights is None else _along(weights, s)), None


def put_in(
    write: Write,
    cell: Sequence[int],
    s: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORED,
) -> str:
    """The loss in numbers."""
    t = _targets(s, y, weights, label_smoothing, ignore_index).movedim(class_axis(s), -1)
    scores = s.movedim(class_axis(s), -1)

    def loss(example: tuple[int, ...]) -> str:
        row, wanted = scores[example], t[example]
        classes = wanted.nonzero()[:, 0].tolist()

        def term(place: int) -> str:
            k = classes[place]
            factor = "" if wanted[k] == 1 else f"{write(wanted[k])} * "
            return f"{factor}log({softmax.share_in_numbers(write, row, k)})"

        if len(classes) < 2:
            return f"-{term(0)}" if classes else "0"
        return f"-({sum_of(len(classes), term)})"

    losses = t[..., 0]
    total = _total(losses, y, weights, ignore_index)
    return reduced_in_numbers(write, cell, losses.shape, reduction, loss, total)


def _targets(s: Tensor, y: Tensor, weights: Tensor | None, label_smoothing: float, ignore_index: int) -> Tensor:
    """What multiplies -log P of each class, in the shape of s."""
    axis = class_axis(s)
    weight = 1 if weights is None else _along(weights, s)
    even = label_smoothing / s.shape[axis]
    if y.is_floating_point():
        return weight * (y * (1 - label_smoothing) + even)
    counts = (y != ignore_index).to(s.dtype).unsqueeze(axis)
    return shares(s, y, weights, ignore_index) * (1 - label_smoothing) + weight * even * counts


def _total(losses: Tensor, y: Tensor, weights: Tensor | None, ignore_index: int) -> Tensor | int:
    """What the mean divides by."""
    return losses.numel() if y.is_floating_point() else counted(y, weights, ignore_index)


def _along(weights: Tensor, s: Tensor) -> Tensor:
    """The weights along the axis of the classes, to be multiplied with s."""
    return weights.reshape(-1, *(1 for _ in s.shape[class_axis(s) + 1 :]))


OPERATION = Operation(
    name="cross_entropy",
    formula="L_i = -log(e^(s_(y_i)) / sum_j e^(s_j))",
    latex=r"L_i = -\log \frac{e^{s_{y_i}}}{\sum_j e^{s_j}}",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)'",
    inputs=("s", "y", "w"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
