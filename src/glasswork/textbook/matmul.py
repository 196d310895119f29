"""The matrix product, of stacks of matrices and of vectors too."""

from collections.abc import Sequence

from torch import Tensor

from glasswork.textbook.operation import Operation, Write, source_cell, summed_to
from glasswork.textbook.terms import sum_of


def forward(x: Tensor, y: Tensor) -> Tensor:
    """c_ij = sum_k x_ik y_kj.

    Args:
        x: (..., I, K), or (K,) for one row.
        y: (..., K, J), or (K,) for one column; the leading axes broadcast.

    Returns:
        (..., I, J), without I or J where x or y is a vector.
    """
    return x @ y


def backward(upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """With the error u = dE/dc: dE/dx_ik = sum_j u_ij y_kj, dE/dy_kj = sum_i x_ik u_ij."""
    rows = x.unsqueeze(0) if x.dim() == 1 else x
    columns = y.unsqueeze(1) if y.dim() == 1 else y
    error = upstream.unsqueeze(-1) if y.dim() == 1 else upstream
    error = error.unsqueeze(-2) if x.dim() == 1 else error
    to_x, to_y = summed_to(error @ columns.mT, rows.shape), summed_to(rows.mT @ error, columns.shape)
    return to_x.reshape(x.shape), to_y.reshape(y.shape)


def put_in(write: Write, cell: Sequence[int], x: Tensor, y: Tensor) -> str:
    """One number of the product in numbers."""
    places = list(cell)
    if y.dim() == 1:
        right = y
    else:
        column = places.pop()
        right = y[source_cell(places if x.dim() == 1 else places[:-1], y.shape[:-2])][:, column]  # (K,)
    left = x if x.dim() == 1 else x[(*source_cell(places[:-1], x.shape[:-2]), places[-1])]  # (K,)
    return sum_of(len(left), lambda k: f"{write(left[k])} * {write(right[k])}")


OPERATION = Operation(
    name="matmul",
    formula="c_ij = sum_k x_ik y_kj",
    latex=r"c_{ij} = \sum_k x_{ik} y_{kj}",
    source="Kovashka, 'Linear classifier': f(x, W) = Wx",
    inputs=("x", "y"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
