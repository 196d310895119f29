"""Group normalization; with a group for each channel it is instance normalization."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.standardize import standard_numbers, standardized, through_standardized


def forward(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, groups: int, eps: float = 1e-5
) -> Tensor:
    """y = gamma (x - mu) / sqrt(var + eps) + beta, mu and var (with 1/n) of each example's group of channels.

    Args:
        x: (N, C, ...).
        weight: gamma, (C,).
        bias: beta, (C,).
        groups: how many; a divisor of C. C of them: instance normalization; one: layer normalization of the image.
        eps: keeps the root from zero.

    Returns:
        As x.
    """
    y = standardized(_grouped(x, groups), [2], eps)[0].reshape(x.shape)
    y = y if weight is None else y * _along(x, weight)
    return y if bias is None else y + _along(x, bias)


def backward(
    upstream: Tensor,
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """With x^ = (x - mu) / sqrt(var + eps), the error delta at y and d = gamma delta at x^.

    dE/dgamma = sum delta x^ and dE/dbeta = sum delta over the channel;
    dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps), means over the group.
    """
    normal, deviation = standardized(_grouped(x, groups), [2], eps)
    error = upstream if weight is None else upstream * _along(x, weight)
    axes = [0, *range(2, x.dim())]
    return (
        through_standardized(_grouped(error, groups), normal, deviation, [2]).reshape(x.shape),
        None if weight is None else (upstream * normal.reshape(x.shape)).sum(axes),
        None if bias is None else upstream.sum(axes),
    )


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> str:
    """One output in numbers."""
    example, c = cell[:2]
    share = x.shape[1] // groups
    own = x[example, c // share * share : (c // share + 1) * share]
    gamma, beta = (None if each is None else each[c] for each in (weight, bias))
    return standard_numbers(write, x[tuple(cell)], own.mean(), own.var(correction=0), eps, gamma, beta)


def _grouped(x: Tensor, groups: int) -> Tensor:
    """(N, groups, numbers of a group)."""
    return x.reshape(x.shape[0], groups, -1)


def _along(x: Tensor, channels: Tensor) -> Tensor:
    """A number for each channel, as it broadcasts to x."""
    return channels.reshape(-1, *[1] * (x.dim() - 2))


OPERATION = Operation(
    name="group_normalization",
    formula="y = gamma (x - mu) / sqrt(var + eps) + beta",
    latex=r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
    source="Wu and He 2018, 'Group normalization'; one group for each channel: Ulyanov et al. 2016",
    inputs=("x", "gamma", "beta"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
