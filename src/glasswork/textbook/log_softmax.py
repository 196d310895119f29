"""The logarithm of the softmax: log probabilities."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook import softmax
from glasswork.textbook.operation import Operation, Write


def forward(s: Tensor, *, dim: int = -1) -> Tensor:
    """The log probability log P_k = s_k - log sum_j e^(s_j), along the axis `dim`; any shape."""
    shifted = s - s.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def backward(upstream: Tensor, s: Tensor, *, dim: int = -1) -> tuple[Tensor]:
    """With d(log P_j)/ds_k = [j = k] - P_k: dE/ds_k = u_k - P_k sum_j u_j, u = dE/d(log P)."""
    return (upstream - softmax.forward(s, dim=dim) * upstream.sum(dim, keepdim=True),)


def put_in(write: Write, cell: Sequence[int], s: Tensor, *, dim: int = -1) -> str:
    """One log probability in numbers."""
    return f"log({softmax.put_in(write, cell, s, dim=dim)})"


OPERATION = Operation(
    name="log_softmax",
    formula="log P_k = log(e^(s_k) / sum_j e^(s_j))",
    latex=r"\log P(Y = k \mid X = x_i) = \log \frac{e^{s_k}}{\sum_j e^{s_j}}",
    source="Kovashka, 'Another loss: Softmax (cross-entropy)': maximize the log likelihood",
    inputs=("s",),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
