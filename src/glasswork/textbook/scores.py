"""Scores: sums of products of inputs and weights, and the probabilities that the softmax makes of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, alone, cell_at, products, source_cell, sum_of, sum_to


class Linear(Operation):
    """The linear classifier's scores, and every fully connected layer."""

    name = "linear"
    formula = "a_j = sum_i w_ji x_i + b_j"
    latex = r"a_j = \sum_i w_{ji} x_i + b_j"
    source = "Kovashka, 'Classification scores' f(x, W) = Wx; 'How to compute gradient in neural net?'"
    inputs = ("x", "w", "b")

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        """Of x (..., D), w (K, D), a row of weights for each output, and b (K,): (..., K)."""
        scores = x @ w.T
        return scores if b is None else scores + b

    def backward(
        self, upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """With the error delta_j = dE/da_j: dE/dx_i = sum_j w_ji delta_j, dE/dw_ji = delta_j x_i, dE/db_j = delta_j."""
        delta, z = upstream.reshape(-1, w.shape[0]), x.reshape(-1, w.shape[1])  # (N, K), (N, D)
        return upstream @ w, delta.T @ z, None if b is None else delta.sum(0)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
        *example, k = cell
        scores = products(write, w[k], x[tuple(example)])
        return scores if b is None else f"{scores} + {write(b[k])}"


class Matmul(Operation):
    """The matrix product, of stacks of matrices and of vectors too."""

    name = "matmul"
    formula = "c_ij = sum_k x_ik y_kj"
    latex = r"c_{ij} = \sum_k x_{ik} y_{kj}"
    source = "Kovashka, 'Linear classifier': f(x, W) = Wx"
    inputs = ("x", "y")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The matrices x @ y.

        Args:
            x: (..., I, K), or (K,) for one row.
            y: (..., K, J), or (K,) for one column; the leading axes broadcast.

        Returns:
            (..., I, J), without I or J where x or y is a vector.
        """
        return x @ y

    def backward(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """With the error u = dE/dc: dE/dx_ik = sum_j u_ij y_kj, dE/dy_kj = sum_i x_ik u_ij."""
        rows = x.unsqueeze(0) if x.dim() == 1 else x
        columns = y.unsqueeze(1) if y.dim() == 1 else y
        error = upstream.unsqueeze(-1) if y.dim() == 1 else upstream
        error = error.unsqueeze(-2) if x.dim() == 1 else error
        to_x, to_y = sum_to(error @ columns.mT, rows.shape), sum_to(rows.mT @ error, columns.shape)
        return to_x.reshape(x.shape), to_y.reshape(y.shape)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, y: Tensor) -> str:
        places = list(cell)
        if y.dim() == 1:
            right = y
        else:
            column = places.pop()
            right = y[source_cell(places if x.dim() == 1 else places[:-1], y.shape[:-2])][:, column]  # (K,)
        left = x if x.dim() == 1 else x[(*source_cell(places[:-1], x.shape[:-2]), places[-1])]  # (K,)
        return sum_of(len(left), lambda k: f"{write(left[k])} * {write(right[k])}")


@dataclass(frozen=True)
class Einsum(Operation):
    """Products summed over shared axes, as the letters of an equation say (Einstein's summation).

    Attributes:
        equation: such as `bqd,bkd->bqk`; without `->` the output has the letters that occur once, in the order of the
            alphabet. No letter twice in one operand, no `...`.
    """

    name = "einsum"
    formula = "y_ij = sum_k x1_ik x2_kj, by the letters of the equation"
    latex = r"y_{ij} = \sum_k x^{(1)}_{ik} x^{(2)}_{kj}"
    source = "Einstein 1916; Kovashka, 'Linear classifier': f(x, W) = Wx"
    inputs = ("x1", "x2", "...")

    equation: str

    def forward(self, *xs: Tensor) -> Tensor:
        """The product of the operands, summed over every letter that is not in the output; axes of size 1 broadcast."""
        return torch.einsum(self.equation, *xs)

    def backward(self, upstream: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
        """The gradient of an operand is an einsum too: the error takes its place among the operands.

        It is the same along a letter that no other operand and no output has.
        """
        return tuple(self._to_operand(upstream, xs, place) for place in range(len(xs)))

    def worked(self, write: Write, cell: Sequence[int], *xs: Tensor) -> str:
        letters, output = self._parts()
        sizes = _sizes(xs, letters)
        summed = [letter for letter in sizes if letter not in output]
        lengths = [sizes[letter] for letter in summed]

        def product(place: int) -> str:
            at = dict(zip(output, cell, strict=True)) | dict(zip(summed, cell_at(place, lengths), strict=True))
            own = (x[source_cell([at[c] for c in own], x.shape)] for x, own in zip(xs, letters, strict=True))
            return " * ".join(write(number) for number in own)

        return sum_of(math.prod(lengths), product)

    def _parts(self) -> tuple[list[str], str]:
        """The letters of each operand and of the output."""
        left, arrow, output = self.equation.replace(" ", "").partition("->")
        if not arrow:
            output = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
        return left.split(","), output

    def _to_operand(self, upstream: Tensor, xs: Sequence[Tensor], place: int) -> Tensor:
        letters, output = self._parts()
        others = [x for other, x in enumerate(xs) if other != place]
        theirs = [own for other, own in enumerate(letters) if other != place]
        mine = letters[place]
        known = "".join(letter for letter in mine if letter in output or any(letter in own for own in theirs))
        error = torch.einsum(f"{','.join([output, *theirs])}->{known}", upstream, *others)
        for axis, letter in enumerate(mine):
            if letter not in known:
                error = error.unsqueeze(axis)
        sizes = [min(size, own) for size, own in zip(error.shape, xs[place].shape, strict=True)]
        return sum_to(error, sizes).expand(xs[place].shape)


def _sizes(xs: Sequence[Tensor], letters: Sequence[str]) -> Mapping[str, int]:
    """How long the axis of each letter is."""
    sizes: dict[str, int] = {}
    for x, own in zip(xs, letters, strict=True):
        for letter, size in zip(own, x.shape, strict=True):
            sizes[letter] = size if sizes.get(letter, 1) == 1 else sizes[letter]
    return sizes


class Maxout(Operation):
    """Maxout: the greatest of several affine maps, z_j = max_p (sum_i w_pji x_i + b_pj)."""

    name = "maxout"
    formula = "h(x) = max(w1' x + b1, w2' x + b2)"
    latex = r"h(x) = \max(w_1^T x + b_1, w_2^T x + b_2)"
    source = "Kovashka, 'Activation functions'; Goodfellow et al. 2013"
    inputs = ("x", "w", "b")

    def forward(self, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        """Of x (..., D), w (pieces, K, D) and b (pieces, K): (..., K). There are two pieces on the slide."""
        return self._maps(x, w, b).amax(-2)

    def backward(self, upstream: Tensor, x: Tensor, w: Tensor, b: Tensor | None = None) -> tuple[Tensor | None, ...]:
        """The error goes to the piece that won, as to a linear map; pieces that draw share it."""
        maps = self._maps(x, w, b)
        won = (maps == maps.amax(-2, keepdim=True)).to(maps.dtype)
        delta = upstream.unsqueeze(-2) * won / won.sum(-2, keepdim=True)  # (..., pieces, K)
        rows, z = delta.reshape(-1, w.shape[0] * w.shape[1]), x.reshape(-1, x.shape[-1])  # (N, pieces K), (N, D)
        to_x = (rows @ w.flatten(0, 1)).reshape(x.shape)
        return to_x, (rows.T @ z).reshape(w.shape), None if b is None else rows.sum(0).reshape(b.shape)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, w: Tensor, b: Tensor | None = None) -> str:
        *example, k = cell
        pieces = []
        for p, weights in enumerate(w[:, k]):
            scores = products(write, weights, x[tuple(example)])
            pieces.append(scores if b is None else f"{scores} + {write(b[p, k])}")
        return reduce(lambda greatest, piece: f"max({greatest}, {piece})", pieces)

    def _maps(self, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        """What the pieces say: (..., pieces, K)."""
        maps = (x @ w.flatten(0, 1).T).reshape(*x.shape[:-1], *w.shape[:2])
        return maps if b is None else maps + b


@dataclass(frozen=True)
class Softmax(Operation):
    """Softmax: scores become probabilities, which sum to 1 along an axis.

    Attributes:
        dim: the axis of the classes.
    """

    name = "softmax"
    formula = "P_k = e^(s_k) / sum_j e^(s_j)"
    latex = r"P(Y = k \mid X = x_i) = \frac{e^{s_k}}{\sum_j e^{s_j}}"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)'; 'Neural network definition' (multiclass)"
    inputs = ("s",)

    dim: int = -1

    def forward(self, s: Tensor) -> Tensor:
        # e^(max s) taken out of both: the same fraction, but no term overflows.
        exponentials = (s - s.amax(self.dim, keepdim=True)).exp()
        return exponentials / exponentials.sum(self.dim, keepdim=True)

    def backward(self, upstream: Tensor, s: Tensor) -> tuple[Tensor]:
        """With dP_j/ds_k = P_j ([j = k] - P_k): dE/ds_k = P_k (u_k - sum_j u_j P_j), u = dE/dP."""
        p = self.forward(s)
        return (p * (upstream - (upstream * p).sum(self.dim, keepdim=True)),)

    def worked(self, write: Write, cell: Sequence[int], s: Tensor) -> str:
        if not s.dim():
            return write_share(write, s.reshape(1), 0)
        others = list(cell)
        k = others.pop(self.dim)
        return write_share(write, s.movedim(self.dim, -1)[tuple(others)], k)


def write_share(write: Write, scores: Tensor, k: int) -> str:
    """e^(s_k) / sum_j e^(s_j) of scores (K,), in numbers."""
    return f"exp({alone(write, scores[k])}) / ({sum_of(len(scores), lambda j: f'exp({alone(write, scores[j])})')})"


@dataclass(frozen=True)
class LogSoftmax(Operation):
    """The logarithm of the softmax: log probabilities, log P_k = s_k - log sum_j e^(s_j).

    Attributes:
        dim: the axis of the classes.
    """

    name = "log_softmax"
    formula = "log P_k = log(e^(s_k) / sum_j e^(s_j))"
    latex = r"\log P(Y = k \mid X = x_i) = \log \frac{e^{s_k}}{\sum_j e^{s_j}}"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': maximize the log likelihood"
    inputs = ("s",)

    dim: int = -1

    def forward(self, s: Tensor) -> Tensor:
        shifted = s - s.amax(self.dim, keepdim=True)
        return shifted - shifted.exp().sum(self.dim, keepdim=True).log()

    def backward(self, upstream: Tensor, s: Tensor) -> tuple[Tensor]:
        """With d(log P_j)/ds_k = [j = k] - P_k: dE/ds_k = u_k - P_k sum_j u_j, u = dE/d(log P)."""
        return (upstream - Softmax(self.dim).forward(s) * upstream.sum(self.dim, keepdim=True),)

    def worked(self, write: Write, cell: Sequence[int], s: Tensor) -> str:
        return f"log({Softmax(self.dim).worked(write, cell, s)})"
