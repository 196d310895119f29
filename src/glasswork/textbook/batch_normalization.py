"""Batch normalization."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.standardize import standard_numbers, standardized, through_standardized


def forward(
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """y = gamma (x - mu) / sqrt(var + eps) + beta, for each channel.

    Args:
        x: (N, C, ...).
        running_mean: (C,), mu unless training.
        running_var: (C,), var unless training.
        weight: gamma, (C,).
        bias: beta, (C,).
        training: mu and var are those of the batch, over all dimensions but the second; var with 1/n.
        momentum: changes the running figures only, so not the output; they are left as they are.
        eps: keeps the root from zero.

    Returns:
        As x.

    Raises:
        ValueError: no running figures, and not training.
    """
    normal, _ = _normal(x, running_mean, running_var, training, eps)
    y = normal if weight is None else normal * _along(x, weight)
    return y if bias is None else y + _along(x, bias)


def backward(
    upstream: Tensor,
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, None, None, Tensor | None, Tensor | None]:
    """With x^ = (x - mu) / sqrt(var + eps) and the error delta at y; sums and means over the channel's n numbers.

    dE/dgamma = sum delta x^; dE/dbeta = sum delta; with the error d = gamma delta at x^, dE/dx = d / sqrt(var + eps),
    or through the batch's own mu and var dE/dx = (d - mean(d) - x^ mean(d x^)) / sqrt(var + eps).
    """
    axes = _axes(x)
    normal, deviation = _normal(x, running_mean, running_var, training, eps)
    error = upstream if weight is None else upstream * _along(x, weight)
    return (
        through_standardized(error, normal, deviation, axes) if training else error / deviation,
        None,
        None,
        None if weight is None else (upstream * normal).sum(axes),
        None if bias is None else upstream.sum(axes),
    )


def put_in(
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> str:
    """One output in numbers."""
    c = cell[1]
    if training:
        mean, var = x[:, c].mean(), x[:, c].var(correction=0)
    else:
        means, variances = _running(running_mean, running_var)
        mean, var = means[c], variances[c]
    gamma, beta = (None if each is None else each[c] for each in (weight, bias))
    return standard_numbers(write, x[tuple(cell)], mean, var, eps, gamma, beta)


def _normal(
    x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, training: bool, eps: float
) -> tuple[Tensor, Tensor]:
    """x^ and the root that it was divided by."""
    if training:
        return standardized(x, _axes(x), eps)
    mean, var = _running(running_mean, running_var)
    deviation = _along(x, (var + eps).sqrt())
    return (x - _along(x, mean)) / deviation, deviation


def _running(mean: Tensor | None, var: Tensor | None) -> tuple[Tensor, Tensor]:
    if mean is None or var is None:
        raise ValueError("batch normalization without training needs a running mean and variance")
    return mean, var


def _axes(x: Tensor) -> list[int]:
    """All dimensions but the channels'."""
    return [0, *range(2, x.dim())]


def _along(x: Tensor, channels: Tensor) -> Tensor:
    """A number for each channel, as it broadcasts to x."""
    return channels.reshape(-1, *[1] * (x.dim() - 2))


OPERATION = Operation(
    name="batch_normalization",
    formula="y = gamma (x - mu) / sqrt(var + eps) + beta",
    latex=r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta",
    source="Ioffe and Szegedy 2015, 'Batch normalization', algorithm 1",
    inputs=("x", "mu", "var", "gamma", "beta"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
