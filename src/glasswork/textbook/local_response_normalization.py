"""Local response normalization, of AlexNet."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import shown
from glasswork.textbook.windows import padded


def forward(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """y_c = x_c / (k + alpha / n sum_j x_j^2)^beta, over the n channels j from c - n // 2 on.

    As PyTorch: alpha is divided by n, which the paper does not do.

    Args:
        x: (N, C, ...).
        size: n, how many neighbouring channels.
        alpha: how strongly they damp.
        beta: with what power.
        k: keeps the divisor from zero.

    Returns:
        As x.
    """
    return x / _divisor(x, size, alpha, k) ** beta


def backward(
    upstream: Tensor, x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Tensor]:
    """With D_c = k + alpha / n sum_j x_j^2 and the error delta at y, over the channels c that see channel j.

    dE/dx_j = delta_j / D_j^beta - 2 alpha beta / n x_j sum_c delta_c x_c / D_c^(beta + 1).
    """
    divisor = _divisor(x, size, alpha, k)
    seen = _neighbours(upstream * x / divisor ** (beta + 1), (size - 1) // 2, size)
    return (upstream / divisor**beta - 2 * alpha * beta / size * x * seen,)


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> str:
    """One output in numbers."""
    example, c, *place = cell
    first = max(0, c - size // 2)
    own = x.movedim(1, -1)[(example, *place)][first : c - size // 2 + size]
    squares = " + ".join(shown(len(own), lambda i: f"{write(own[i])} ** 2"))
    return f"{write(x[tuple(cell)])} / ({write(k)} + {write(alpha)} / {size} * ({squares})) ** {write(beta)}"


def _divisor(x: Tensor, size: int, alpha: float, k: float) -> Tensor:
    return k + alpha / size * _neighbours(x.square(), size // 2, size)


def _neighbours(x: Tensor, before: int, size: int) -> Tensor:
    """The sum, for each channel, over `size` of them, beginning `before` channels earlier."""
    sides = [(before, size - 1 - before), *[(0, 0)] * (x.dim() - 2)]
    return padded(x, sides).unfold(1, size, 1).sum(-1)


OPERATION = Operation(
    name="local_response_normalization",
    formula="y_c = x_c / (k + alpha / n sum_j x_j^2)^beta",
    latex=r"y_c = x_c \Big/ \Big(k + \frac{\alpha}{n} \sum_j x_j^2\Big)^{\beta}",
    source="Krizhevsky et al. 2012, 'ImageNet classification with deep convolutional neural networks', section 3.3",
    inputs=("x",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
