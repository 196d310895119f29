"""Attention: each query takes a mean of the values, weighted by how well the keys fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, products, sum_to, write_terms
from glasswork.textbook.scores import Linear

_LINEAR = Linear()


@dataclass(frozen=True)
class Attention(Operation):
    """Scaled dot-product attention, y = a v with the weights a = softmax(q k^T / sqrt(E) + mask).

    Attributes:
        is_causal: query l may look at the keys up to l only.
        scale: instead of 1 / sqrt(E).
    """

    name = "attention"
    formula = "y = softmax(q k^T / sqrt(E) + mask) v"
    latex = r"y = \mathrm{softmax}\left(\frac{q k^\top}{\sqrt{E}} + \mathrm{mask}\right) v"
    source = "Vaswani et al. 2017, equation 1"
    inputs = ("q", "k", "v", "mask")

    is_causal: bool = False
    scale: float | None = None

    def forward(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        """The mean of the values for each query.

        Args:
            q: the queries, (..., L, E).
            k: the keys, (..., S, E).
            v: the values, (..., S, F).
            mask: broadcast to (..., L, S); of type bool, True where a query may look; else added to the scores.

        Returns:
            (..., L, F); 0 for a query that may look nowhere.
        """
        return self.weights(q, k, mask) @ v

    def backward(
        self, upstream: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor | None, ...]:
        """dE/dv = a^T dE/dy and dE/da = dE/dy v^T, which goes on through the weights."""
        a = self.weights(q, k, mask)
        d_q, d_k, d_mask = self.weights_backward(upstream @ v.mT, a, q, k, mask)
        return d_q, d_k, a.mT @ upstream, d_mask

    def worked(
        self, write: Write, cell: Sequence[int], q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None
    ) -> str:
        """One cell in numbers: the values weighted with exp(score), over the sum of the weights.

        Keys that the query may not see are left out. The query's largest score is taken off each, which cancels.
        """
        *batch, query, feature = cell
        every = self._scores(q, k, mask)
        scores = every[(*batch, query)]  # (S,)
        seen = [key for key, score in enumerate(scores.tolist()) if score != -math.inf]
        if not seen:
            return "0"
        is_added = mask is not None and mask.is_floating_point()
        bias = mask.expand(every.shape)[(*batch, query)] if mask is not None and is_added else None  # (S,)
        factor, largest = write(self._factor(q)), write(scores.amax())

        def raised(place: int) -> str:
            key = seen[place]
            more = "" if bias is None else f" + {write(bias[key])}"
            return f"exp(({products(write, q[(*batch, query)], k[(*batch, key)])}) * {factor}{more} - {largest})"

        def weighted(place: int) -> str:
            return f"{raised(place)} * {write(v[(*batch, seen[place], feature)])}"

        return f"({' + '.join(write_terms(len(seen), weighted))}) / ({' + '.join(write_terms(len(seen), raised))})"

    def weights(self, q: Tensor, k: Tensor, mask: Tensor | None = None, nowhere: float = 0.0) -> Tensor:
        """The weights a over the keys, (..., L, S); `nowhere` for a query that may look nowhere."""
        scores = self._scores(q, k, mask)
        largest = scores.amax(-1, keepdim=True)
        raised = (scores - largest).exp()  # the largest cancels; without it exp could overflow
        return (raised / raised.sum(-1, keepdim=True)).masked_fill(largest == -math.inf, nowhere)

    def weights_backward(
        self, upstream: Tensor, a: Tensor, q: Tensor, k: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """dE/dq, dE/dk and dE/d(mask), which is None for a mask that is not added.

        The scores' error is that of a softmax, delta_ls = a_ls (dE/da_ls - sum_s' a_ls' dE/da_ls'); it goes to the mask
        as it is, to the queries as delta k / sqrt(E) and to the keys as delta^T q / sqrt(E).

        Args:
            upstream: dE/da, (..., L, S).
            a: what `weights` gave for the same q, k and mask.
            q: (..., L, E).
            k: (..., S, E).
            mask: as for `weights`.
        """
        delta = a * (upstream - (a * upstream).sum(-1, keepdim=True))  # (..., L, S)
        factor = self._factor(q)
        d_mask = sum_to(delta, mask.shape) if mask is not None and mask.is_floating_point() else None
        return factor * (delta @ k), factor * (delta.mT @ q), d_mask

    def _scores(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """The scores q k^T / sqrt(E) + mask, (..., L, S); minus infinity where a query may not look."""
        scores = self._factor(q) * (q @ k.mT)
        if self.is_causal:
            past = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~past, -math.inf)
        if mask is None:
            return scores
        return scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask

    def _factor(self, q: Tensor) -> float:
        return 1 / math.sqrt(q.shape[-1]) if self.scale is None else self.scale


_ATTENTION = Attention()


@dataclass(frozen=True)
class _Heads:
    """What the heads work with and find.

    q is (N, heads, L, E / heads), k and v are (N, heads, S, E / heads), the weights a are (N, heads, L, S). The mask is
    the one for `Attention`; `mixed` is what the heads put out, side by side, (L, N, E).
    """

    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None
    a: Tensor
    mixed: Tensor


class _Given(NamedTuple):
    """What multi-head attention takes.

    Attributes:
        query: (L, N, E).
        key, value: (S, N, E).
        in_proj_weight: W_Q, W_K and W_V below one another, (3 E, E).
        in_proj_bias: (3 E,).
        out_proj_weight: W_O, (E, E).
        out_proj_bias: b_O, (E,).
        mask: (L, S), or (N * heads, L, S); of type bool, True where a query may not look; else added to the scores.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    in_proj_weight: Tensor
    in_proj_bias: Tensor | None
    out_proj_weight: Tensor
    out_proj_bias: Tensor | None
    mask: Tensor | None = None

    def projections(self) -> list[tuple[Tensor, Any]]:
        """The weights and biases of queries, keys and values."""
        biases = (None, None, None) if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        return list(zip(self.in_proj_weight.chunk(3), biases, strict=True))


@dataclass(frozen=True)
class MultiHeadAttention(Operation):
    """Multi-head attention: several attentions side by side, each in its own projection of query, key and value.

    Attributes:
        heads: how many; head j takes the j-th part of the E features, so E must be divisible by it.
        need_weights: whether the weights are wanted too. As in torch, a query that may look nowhere then gives NaN.
    """

    name = "multi_head_attention"
    formula = "y = W_O concat(head_1, .., head_h) + b_O, head_j = attention(W_Q,j query, W_K,j key, W_V,j value)"
    latex = (
        r"y = W_O\,[\mathrm{head}_1; \dots; \mathrm{head}_h] + b_O, \quad "
        r"\mathrm{head}_j = \mathrm{attention}(W_{Q,j}\,\mathrm{query}, W_{K,j}\,\mathrm{key}, W_{V,j}\,\mathrm{value})"
    )
    source = "Vaswani et al. 2017, section 3.2.2"
    inputs = _Given._fields

    heads: int
    need_weights: bool = False

    def forward(self, *tensors: Any) -> Tensor | tuple[Tensor, Tensor]:
        """The heads put together: (L, N, E); with need_weights also the weights, the mean over the heads, (N, L, S)."""
        given = _Given(*tensors)
        found = self._attend(given)
        output = _LINEAR.forward(found.mixed, given.out_proj_weight, given.out_proj_bias)
        return (output, found.a.mean(1)) if self.need_weights else output

    def backward(self, upstream: Tensor | tuple[Tensor, Tensor], *tensors: Any) -> tuple[Tensor | None, ...]:
        """Back through W_O, through each head's attention, and through W_Q, W_K and W_V.

        If query, key and value are one tensor, its gradient is the sum of the three.
        """
        given = _Given(*tensors)
        found = self._attend(given)
        of_output, of_mean = upstream if isinstance(upstream, tuple) else (upstream, None)
        d_mixed, d_w_out, d_b_out = _LINEAR.backward(of_output, found.mixed, given.out_proj_weight, given.out_proj_bias)
        delta = self._split(d_mixed)  # (N, heads, L, E / heads)
        d_a = delta @ found.v.mT  # (N, heads, L, S)
        if of_mean is not None:
            d_a = d_a + of_mean[:, None] / self.heads
        d_q, d_k, d_mask = _ATTENTION.weights_backward(d_a, found.a, found.q, found.k, found.mask)
        errors = [_joined(error) for error in (d_q, d_k, found.a.mT @ delta)]
        projections = zip(errors, given[:3], given.projections(), strict=True)
        backs = [_LINEAR.backward(error, x, w, b) for error, x, (w, b) in projections]
        d_w_in = torch.cat([w for _, w, _ in backs])
        d_b_in = torch.cat([b for _, _, b in backs if b is not None]) if given.in_proj_bias is not None else None
        if given.mask is not None and d_mask is not None:
            d_mask = d_mask.reshape(given.mask.shape)
        return *(back[0] for back in backs), d_w_in, d_b_in, d_w_out, d_b_out, d_mask

    def worked(self, write: Write, cell: Sequence[int], *tensors: Any) -> str:
        """One cell of the output in numbers: W_O times each head's mean of the values, weighted by attention."""
        given = _Given(*tensors)
        place, example, row = cell
        mask = given.mask
        if mask is not None:
            mask = mask if mask.dim() == 2 else mask[example * self.heads : (example + 1) * self.heads]
            mask = mask[..., place : place + 1, :]
        query, key, value = (
            x[:, example : example + 1] for x in (given.query[place : place + 1], given.key, given.value)
        )
        found = self._attend(given._replace(query=query, key=key, value=value, mask=mask))
        size = found.q.shape[-1]
        weights, bias = given.out_proj_weight[row], given.out_proj_bias

        def weighted(feature: int) -> str:
            head = feature // size
            mean = products(write, found.a[0, head, 0], found.v[0, head, :, feature % size])  # over the keys
            return f"{write(weights[feature])} * ({mean})"

        terms = write_terms(len(weights), weighted)
        return " + ".join(terms if bias is None else [*terms, write(bias[row])])

    def _attend(self, given: _Given) -> _Heads:
        """The heads at work on query, key and value."""
        projections = zip(given[:3], given.projections(), strict=True)
        q, k, v = (self._split(_LINEAR.forward(x, w, b)) for x, (w, b) in projections)
        mask = given.mask
        if mask is not None and mask.dtype == torch.bool:
            mask = ~mask
        if mask is not None and mask.dim() == 3:
            mask = mask.reshape(given.query.shape[1], self.heads, *mask.shape[1:])
        a = _ATTENTION.weights(q, k, mask, nowhere=math.nan if self.need_weights else 0.0)
        return _Heads(q, k, v, mask, a, _joined(a @ v))

    def _split(self, x: Tensor) -> Tensor:
        """(L, N, E) -> (N, heads, L, E / heads)."""
        return x.reshape(*x.shape[:2], self.heads, -1).permute(1, 2, 0, 3)


def _joined(x: Tensor) -> Tensor:
    """(N, heads, L, E / heads) -> (L, N, E)."""
    return x.permute(2, 0, 1, 3).flatten(2)
