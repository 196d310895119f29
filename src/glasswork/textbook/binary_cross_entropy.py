"""The cross-entropy of yes or no, from scores."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import sigmoid
from glasswork.textbook.operation import Operation, Write, source_cell
from glasswork.textbook.reductions import each, reduced, reduced_in_numbers
from glasswork.textbook.terms import alone


def forward(s: Tensor, t: Tensor, weight: Tensor | None = None, *, reduction: str = "mean") -> Tensor:
    """L_k = -(t_k log y_k + (1 - t_k) log(1 - y_k)), y_k = sigma(s_k).

    Args:
        s: scores before the sigmoid, any shape.
        t: what y should be, 0 to 1, in the same shape.
        weight: how much each term counts, in a shape that broadcasts to that of s; None for 1.
        reduction: `mean` or `sum` over all terms; `examples`: their sum over the number of examples, the first axis; or
            `none`.

    Returns:
        A scalar, or the shape of s for `none`.
    """
    # log y = s - log(1 + e^s) and log(1 - y) = -log(1 + e^s), with the exponential that cannot overflow.
    losses = s.clamp(min=0) - s * t + (-s.abs()).exp().log1p()
    return reduced(losses if weight is None else losses * weight, reduction)


def backward(
    upstream: Tensor, s: Tensor, t: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> tuple[Tensor, Tensor, None]:
    """dL_k/ds_k = y_k - t_k, dL_k/dt_k = -s_k, times the weight."""
    delta = each(upstream, s.shape, reduction) * (1 if weight is None else weight)
    return delta * (sigmoid.forward(s) - t), -delta * s, None


def put_in(
    write: Write, cell: Sequence[int], s: Tensor, t: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> str:
    """The loss in numbers; 1 - y_k is written as sigma(-s_k), which stays exact where y_k is nearly 1."""

    def loss(place: tuple[int, ...]) -> str:
        wanted = t[place]
        yes, no = f"log(1 / (1 + exp(-{write(s[place])})))", f"log(1 / (1 + exp({alone(write, s[place])})))"
        if wanted == 1 or wanted == 0:
            value = f"-{yes if wanted == 1 else no}"
        else:
            value = f"-({write(wanted)} * {yes} + (1 - {write(wanted)}) * {no})"
        return value if weight is None else f"{write(weight[source_cell(place, weight.shape)])} * ({value})"

    return reduced_in_numbers(write, cell, s.shape, reduction, loss)


OPERATION = Operation(
    name="binary_cross_entropy",
    formula="L_k = -(t_k log y_k + (1 - t_k) log(1 - y_k)), y_k = sigma(s_k)",
    latex=r"L_k = -\left(t_k \log y_k + (1 - t_k) \log(1 - y_k)\right), \quad y_k = \sigma(s_k)",
    source="Bishop 2006, section 5.2, for the binary outputs of Kovashka, 'Neural network definition'",
    inputs=("s", "t", "weight"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
