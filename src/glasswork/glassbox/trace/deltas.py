"""The errors of units as the slides name them: delta_j = dE/da_j."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.glassbox.tensor_summary import in_formula, largest_cell
from glasswork.glassbox.trace.torch_calls.known import Known
from glasswork.glassbox.trace.trace import Delta
from glasswork.textbook.losses import SquaredError

HIDDEN = {
    "tanh": ("delta_j = (1 - z_j^2) sum_k w_kj delta_k", "(1 - {z} ** 2) * {error}"),
    "sigmoid": ("delta_j = z_j (1 - z_j) sum_k w_kj delta_k", "{z} * (1 - {z}) * {error}"),
    "relu": ("delta_j = h'(a_j) sum_k w_kj delta_k, h'(a_j) = 1 where a_j > 0", "{slope} * {error}"),
    "identity": ("delta_j = sum_k w_kj delta_k", "{error}"),
}
"""Activation -> the slide's rule and the same with places for numbers; the error of z_j is sum_k w_kj delta_k."""


def delta_of(call: Known, operands: Sequence[Tensor | None], error: Tensor | None) -> Delta | None:
    """The slide's delta of an activation or of the loss's inputs, with the numbers of its largest one put in.

    Args:
        call: the operation.
        operands: its tensors, float64.
        error: dE/d(output).
    """
    if error is None or not operands or operands[0] is None or operands[0].numel() == 0:
        return None
    a = operands[0]
    if call.operation.name in HIDDEN:
        formula, pattern = HIDDEN[call.operation.name]
        z = call.operation.forward(a)
        deltas = call.operation.backward(error.double(), a)[0]
        assert deltas is not None
        cell = largest_cell(deltas)
        slope = 1 if float(a[cell]) > 0 else 0
        numbers = pattern.format(z=in_formula(z[cell]), error=in_formula(error[cell]), slope=slope)
        return Delta(formula, numbers, float(deltas[cell]), cell)
    t = operands[1] if isinstance(call.operation, SquaredError) and call.operation.is_halved else None
    return None if t is None or a.shape != t.shape else _output_delta(a, t, error, "delta_k = y_k - t_k")


def _output_delta(y: Tensor, t: Tensor, error: Tensor, formula: str) -> Delta | None:
    if y.dim() > 1 and len(y) > 1:
        return None
    cell = largest_cell(y - t)
    value = float(error.double()) * float((y - t)[cell])
    return Delta(formula, f"{in_formula(y[cell])} - {in_formula(t[cell])}", value, cell)
