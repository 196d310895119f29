"""Layer normalization."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.standardize import standard_numbers, standardized, through_standardized


def forward(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
) -> Tensor:
    """y = gamma (x - mu) / sqrt(var + eps) + beta, mu and var (with 1/n) of each example's own numbers.

    Args:
        x: (..., *normalized_shape).
        weight: gamma, normalized_shape.
        bias: beta, normalized_shape.
        normalized_shape: the last dimensions, over which mu and var are taken.
        eps: keeps the root from zero.

    Returns:
        As x.
    """
    y, _ = standardized(x, _axes(normalized_shape), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def backward(
    upstream: Tensor,
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """With x^ = (x - mu) / sqrt(var + eps), the error delta at y and d = gamma delta at x^.

    dE/dgamma = delta x^ and dE/dbeta = delta, summed over the examples;
    dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps).
    """
    axes = _axes(normalized_shape)
    normal, deviation = standardized(x, axes, eps)
    error = upstream if weight is None else upstream * weight
    return (
        through_standardized(error, normal, deviation, axes),
        None if weight is None else (upstream * normal).reshape(-1, *weight.shape).sum(0),
        None if bias is None else upstream.reshape(-1, *bias.shape).sum(0),
    )


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    normalized_shape: Sequence[int],
    eps: float = 1e-5,
) -> str:
    """One output in numbers."""
    lead = x.dim() - len(normalized_shape)
    own, place = x[tuple(cell[:lead])], tuple(cell[lead:])
    gamma, beta = (None if each is None else each[place] for each in (weight, bias))
    return standard_numbers(write, own[place], own.mean(), own.var(correction=0), eps, gamma, beta)


def _axes(normalized_shape: Sequence[int]) -> list[int]:
    return [*range(-len(normalized_shape), 0)]


OPERATION = Operation(
    name="layer_normalization",
    formula="y = gamma (x - mu) / sqrt(var + eps) + beta",
    latex=r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
    source="Ba et al. 2016, 'Layer normalization'",
    inputs=("x", "gamma", "beta"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
