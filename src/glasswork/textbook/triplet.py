"""The triplet loss."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers
from glasswork.textbook.terms import sum_of


def forward(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, alpha: float = 0.2, reduction: str = "sum"
) -> Tensor:
    """L = sum_i max(0, |f(x_i^a) - f(x_i^p)|^2 - |f(x_i^a) - f(x_i^n)|^2 + alpha).

    Args:
        anchor: f(x^a), (N, D): what the network makes of some examples.
        positive: f(x^p), (N, D): of others of the same identity.
        negative: f(x^n), (N, D): of others of another identity.
        alpha: the margin; 0.2 in FaceNet.
        reduction: `sum` or `mean` over the triplets, or `none`.

    Returns:
        A scalar, or (N,) for `none`.
    """
    return reduced(_margins(anchor, positive, negative, alpha).clamp(min=0), reduction)


def backward(
    upstream: Tensor,
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    alpha: float = 0.2,
    reduction: str = "sum",
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the margin is violated dL/da = 2 (n - p), dL/dp = 2 (p - a), dL/dn = 2 (a - n), else 0."""
    margins = _margins(anchor, positive, negative, alpha)
    delta = (each(upstream, margins.shape, reduction) * (margins > 0)).unsqueeze(-1)
    return 2 * delta * (negative - positive), 2 * delta * (positive - anchor), 2 * delta * (anchor - negative)


def put_in(
    write: Write,
    cell: Sequence[int],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    alpha: float = 0.2,
    reduction: str = "sum",
) -> str:
    """The loss in numbers."""

    def distance(example: tuple[int, ...], other: Tensor) -> str:
        a, o = anchor[example], other[example]
        return sum_of(len(a), lambda i: f"({write(a[i])} - {write(o[i])}) ** 2")

    def loss(example: tuple[int, ...]) -> str:
        return f"max(0, {distance(example, positive)} - ({distance(example, negative)}) + {write(alpha)})"

    return reduced_in_numbers(write, cell, anchor.shape[:-1], reduction, loss)


def _margins(anchor: Tensor, positive: Tensor, negative: Tensor, alpha: float) -> Tensor:
    """|a - p|^2 - |a - n|^2 + alpha of each triplet: (N,)."""
    return ((anchor - positive) ** 2).sum(-1) - ((anchor - negative) ** 2).sum(-1) + alpha


OPERATION = Operation(
    name="triplet",
    formula="L = sum_i max(0, |f(x_i^a) - f(x_i^p)|^2 - |f(x_i^a) - f(x_i^n)|^2 + alpha)",
    latex=r"\sum_{i=1}^{N} \left[\|f(x_i^a) - f(x_i^p)\|_2^2 - \|f(x_i^a) - f(x_i^n)\|_2^2 + \alpha\right]_+",
    source="Kovashka, 'Other losses': Triplet loss (Schroff, FaceNet, CVPR 2015)",
    inputs=("f(x^a)", "f(x^p)", "f(x^n)"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
