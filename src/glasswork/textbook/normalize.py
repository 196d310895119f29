"""A vector divided by its length."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook import norm
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.reductions import Axes, axes_of, spread


def forward(x: Tensor, *, dim: Axes = 1, eps: float = 1e-12) -> Tensor:
    """y = x / max(|x|, eps) with |x| = sqrt(sum_i x_i^2).

    Args:
        x: any shape.
        dim: the axis or axes of the vectors.
        eps: the least that is divided by.

    Returns:
        As x.
    """
    return x / _length(x, dim).clamp(min=eps)


def backward(upstream: Tensor, x: Tensor, *, dim: Axes = 1, eps: float = 1e-12) -> tuple[Tensor]:
    """dE/dx = (u - y sum_i u_i y_i) / |x| with u = dE/dy: what is left of u across y; u / eps where |x| < eps."""
    length, y = _length(x, dim), forward(x, dim=dim, eps=eps)
    along = spread((upstream * y).sum(axes_of(dim, x.dim()), keepdim=True), x.shape, dim, True)
    return (torch.where(length < eps, upstream, upstream - y * along) / length.clamp(min=eps),)


def put_in(write: Write, cell: Sequence[int], x: Tensor, *, dim: Axes = 1, eps: float = 1e-12) -> str:
    """One output in numbers."""
    place = tuple(cell)
    length = norm.forward(x, dim=dim, keepdim=True).expand(x.shape)[place]
    if length < eps:
        return f"{write(x[place])} / {write(eps)}"
    short = [
        at if size > 1 else 0 for at, size in zip(place, norm.forward(x, dim=dim, keepdim=True).shape, strict=True)
    ]
    return f"{write(x[place])} / {norm.put_in(write, short, x, dim=dim, keepdim=True)}"


def _length(x: Tensor, dim: Axes) -> Tensor:
    """|x| for every number of its vector."""
    return spread(norm.forward(x, dim=dim, keepdim=True), x.shape, dim, True)


OPERATION = Operation(
    name="normalize",
    formula="y = x / max(|x|, eps)",
    latex=r"y = \frac{x}{\max(\|x\|_2, \varepsilon)}",
    source="Schroff et al. 2015, 'FaceNet', section 3.1: |f(x)| = 1, for the distances of Kovashka's triplet loss",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
