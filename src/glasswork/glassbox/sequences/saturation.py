"""How often gates stand open or shut (Karpathy, Johnson and Li 2015, figure 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.glassbox.sequences.unrolled import UnrolledLayer
from glasswork.record import Record

SHUT, OPEN = 0.1, 0.9


@dataclass(frozen=True)
class GateSaturation(Record):
    """One gate of one layer.

    Attributes:
        layer: from 0.
        from_end: whether it reads the sequence from its end.
        gate: such as `forget gate`.
        shut: share of all its values below 0.1, over times and units.
        open: share of all its values above 0.9.
        units: the same two shares for each unit over all times.
    """

    layer: int
    from_end: bool
    gate: str
    shut: float
    open: float
    units: tuple[tuple[float, float], ...]


def gate_saturation(layers: Sequence[UnrolledLayer]) -> tuple[GateSaturation, ...]:
    """Every gate of every layer; none for a vanilla network, which has no gates.

    A forget gate that is always open is a unit that remembers; one that is never saturated forgets a little at every
    time.
    """
    return tuple(_of_gate(layer, gate) for layer in layers for gate in layer.gates)


def _of_gate(layer: UnrolledLayer, gate: str) -> GateSaturation:
    values = layer.gates[gate].flatten(0, 1)  # (batch x time, units)
    shut, opened = (values < SHUT).double().mean(0), (values > OPEN).double().mean(0)
    units = tuple(zip(shut.tolist(), opened.tolist(), strict=True))
    return GateSaturation(layer.layer, layer.from_end, gate, float(shut.mean()), float(opened.mean()), units)
