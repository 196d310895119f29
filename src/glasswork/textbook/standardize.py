"""Bringing numbers to mean 0 and variance 1, as the normalization operations share it."""

from torch import Tensor

from glasswork.textbook.operation import Write


def standardized(x: Tensor, axes: list[int], eps: float) -> tuple[Tensor, Tensor]:
    """x^ = (x - mu) / sqrt(var + eps), mean and (biased) variance over `axes`; and that root."""
    centred = x - x.mean(axes, keepdim=True)
    deviation = (centred.square().mean(axes, keepdim=True) + eps).sqrt()
    return centred / deviation, deviation


def through_standardized(error: Tensor, normal: Tensor, deviation: Tensor, axes: list[int]) -> Tensor:
    """dE/dx out of the error at x^, through mean and variance too (Ioffe and Szegedy 2015).

    dE/dx = (delta - mean(delta) - x^ mean(delta x^)) / sqrt(var + eps).
    """
    along = (error * normal).mean(axes, keepdim=True)
    centred = error - error.mean(axes, keepdim=True) - normal * along
    return centred / deviation


def standard_numbers(
    write: Write, value: Tensor, mean: Tensor, var: Tensor, eps: float, weight: Tensor | None, bias: Tensor | None
) -> str:
    """(x - mu) / sqrt(var + eps) * gamma + beta in numbers."""
    words = f"({write(value)} - {write(mean)}) / sqrt({write(var)} + {write(eps)})"
    words = words if weight is None else f"{words} * {write(weight)}"
    return words if bias is None else f"{words} + {write(bias)}"
