"""The loss landscape around a network's weights, along two random directions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.inspect import undisturbed
from glasswork.record import Record


@dataclass(frozen=True)
class Landscape(Record):
    """The loss on a square of weights with the network's own in the middle.

    Attributes:
        coordinates: how far each row and column lies along its direction, from -span to span; 1 is a step as long as
            the filters themselves.
        losses: `losses[i][j]` at the i-th coordinate of the first and the j-th of the second direction.
        centre: the loss of the network itself.
        lowest, highest: of all finite losses on the square.
        lowest_at: the coordinates of the lowest.
        not_finite: how many losses are inf or nan.
        seed: what the directions were drawn from.
        moved: names of the weights that the directions change; biases and the weights of normalisation stay.
    """

    coordinates: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    centre: float
    lowest: float
    highest: float
    lowest_at: tuple[float, float]
    not_finite: int
    seed: int
    moved: tuple[str, ...]


def landscape(
    network: nn.Module,
    loss: Callable[[nn.Module], Tensor],
    span: float = 1.0,
    points: int = 11,
    seed: int = 0,
) -> Landscape:
    """The loss at w + a d + b e for two random directions d and e (Li et al. 2018, section 4, equation 1).

    Each direction is drawn from N(0, 1) and normalised filter by filter, d_i := d_i / |d_i| |w_i|, so that networks
    with weights of different sizes can be compared. Biases and other vectors do not move, as in the paper. The network
    runs in evaluation mode; afterwards its weights and buffers are bit for bit what they were.

    Args:
        network: any module with weights.
        loss: gives the loss of the network it is called with, a scalar; always on the same examples.
        span: how far to go in each direction, in lengths of the filters.
        points: of the square in each direction; an odd number, so that the network itself is one of them.
        seed: of the directions.

    Raises:
        GlassworkError: for a span or a number of points that make no square, a network without weights, or a loss that
            is not a scalar.
    """
    if points < 3 or points % 2 == 0:
        raise GlassworkError(
            f"points has to be an odd number, at least 3, so that the network is in the middle; it is {points}."
        )
    if not (math.isfinite(span) and span > 0):
        raise GlassworkError(f"Span must be a number above 0; it is {span}.")
    weights = {
        name: weight for name, weight in network.named_parameters() if weight.dim() >= 2 and weight.is_floating_point()
    }
    if not weights:
        raise GlassworkError("This network has no weights, so its loss has no landscape.")
    generator = torch.Generator().manual_seed(seed)
    first, second = ([_direction(weight, generator) for weight in weights.values()] for _ in range(2))
    middle = points // 2
    coordinates = tuple(span * (index - middle) / middle for index in range(points))
    origins = [weight.data for weight in weights.values()]
    rows = []
    with undisturbed(network, evaluate=True), torch.no_grad():
        try:
            centre = _scalar(loss(network))
            for a in coordinates:
                row = []
                for b in coordinates:
                    for weight, origin, d, e in zip(weights.values(), origins, first, second, strict=True):
                        weight.data = origin + a * d + b * e
                    row.append(_scalar(loss(network)))
                rows.append(tuple(row))
        finally:
            # The very tensors that were there before, so that not even a rounding can differ.
            for weight, origin in zip(weights.values(), origins, strict=True):
                weight.data = origin
    return _described(coordinates, tuple(rows), centre, seed, tuple(weights))


def _described(
    coordinates: tuple[float, ...],
    rows: tuple[tuple[float, ...], ...],
    centre: float,
    seed: int,
    moved: tuple[str, ...],
) -> Landscape:
    at = {
        (a, b): loss for a, row in zip(coordinates, rows, strict=True) for b, loss in zip(coordinates, row, strict=True)
    }
    finite = {place: loss for place, loss in at.items() if math.isfinite(loss)}
    if not finite:
        return Landscape(coordinates, rows, centre, math.nan, math.nan, (0.0, 0.0), len(at), seed, moved)
    lowest_at = min(finite, key=lambda place: (finite[place], math.hypot(*place)))
    lowest, highest = finite[lowest_at], max(finite.values())
    return Landscape(coordinates, rows, centre, lowest, highest, lowest_at, len(at) - len(finite), seed, moved)


def _direction(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A random direction in which each filter is as long as the network's own."""
    drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    own = weight.detach().double().cpu().flatten(1).norm(dim=1)  # of each filter
    scale = own / drawn.flatten(1).norm(dim=1).clamp(min=1e-30)
    direction: Tensor = drawn * scale.reshape(-1, *[1] * (weight.dim() - 1))
    return direction.to(weight.device, weight.dtype)


def _scalar(loss: Any) -> float:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise GlassworkError(f"The loss must be one number in a tensor; it is {what}.")
    return float(loss.detach())
