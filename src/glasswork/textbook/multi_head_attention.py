"""Multi-head attention: several attentions side by side, each in its own projection of queries, keys and values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook import attention, linear
from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import products, shown


@dataclass(frozen=True)
class _Heads:
    """What the heads work with and find.

    q is (N, heads, L, E / heads), k and v are (N, heads, S, E / heads), the weights a are (N, heads, L, S). The mask is
    the one for `attention`; `mixed` is what the heads put out, side by side, (L, N, E).
    """

    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None
    a: Tensor
    mixed: Tensor


def forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_proj_weight: Tensor,
    in_proj_bias: Tensor | None,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    mask: Tensor | None = None,
    *,
    heads: int,
    need_weights: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The heads put together, y = W_O concat(head_1, .., head_h) + b_O.

    head_j = attention(W_Q,j query, W_K,j key, W_V,j value).

    Args:
        query: (L, N, E).
        key: (S, N, E).
        value: (S, N, E).
        in_proj_weight: W_Q, W_K and W_V below one another, (3 E, E).
        in_proj_bias: (3 E,).
        out_proj_weight: W_O, (E, E).
        out_proj_bias: b_O, (E,).
        mask: (L, S), or (N * heads, L, S); of type bool, True where a query may not look; else added to the scores.
        heads: how many; head j takes the j-th part of the E features, so E must be divisible by it.
        need_weights: whether the weights are wanted too. As in torch, a query that may look nowhere then gives NaN.

    Returns:
        (L, N, E); with need_weights also the weights, the mean over the heads, (N, L, S).
    """
    found = _attended(query, key, value, in_proj_weight, in_proj_bias, mask, heads, need_weights)
    output = linear.forward(found.mixed, out_proj_weight, out_proj_bias)
    return (output, found.a.mean(1)) if need_weights else output


def backward(
    upstream: Tensor | tuple[Tensor, Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_proj_weight: Tensor,
    in_proj_bias: Tensor | None,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    mask: Tensor | None = None,
    *,
    heads: int,
    need_weights: bool = False,
) -> tuple[Tensor | None, ...]:
    """Back through W_O, through each head's attention, and through W_Q, W_K and W_V.

    Where query, key and value are one tensor, its gradient is the sum of the three.
    """
    found = _attended(query, key, value, in_proj_weight, in_proj_bias, mask, heads, need_weights)
    of_output, of_mean = upstream if isinstance(upstream, tuple) else (upstream, None)
    d_mixed, d_w_out, d_b_out = linear.backward(of_output, found.mixed, out_proj_weight, out_proj_bias)
    delta = _split(d_mixed, heads)  # (N, heads, L, E / heads)
    d_a = delta @ found.v.mT  # (N, heads, L, S)
    if of_mean is not None:
        d_a = d_a + of_mean[:, None] / heads
    d_q, d_k, d_mask = attention.weights_backward(d_a, found.a, found.q, found.k, found.mask)
    d_v = found.a.mT @ delta
    errors = [_joined(error) for error in (d_q, d_k, d_v)]
    backs = [
        linear.backward(error, given, w, b)
        for error, given, (w, b) in zip(errors, (query, key, value), _thirds(in_proj_weight, in_proj_bias), strict=True)
    ]
    d_w_in = torch.cat([w for _, w, _ in backs])
    d_b_in = torch.cat([b for _, _, b in backs if b is not None]) if in_proj_bias is not None else None
    if mask is not None and d_mask is not None:
        d_mask = d_mask.reshape(mask.shape)
    return *(back[0] for back in backs), d_w_in, d_b_in, d_w_out, d_b_out, d_mask


def put_in(
    write: Write,
    cell: Sequence[int],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_proj_weight: Tensor,
    in_proj_bias: Tensor | None,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    mask: Tensor | None = None,
    *,
    heads: int,
    need_weights: bool = False,
) -> str:
    """One cell of the output in numbers: W_O times each head's mean of the values, weighted by attention."""
    place, example, row = cell
    if mask is not None:
        mask = (mask if mask.dim() == 2 else mask[example * heads : (example + 1) * heads])[..., place : place + 1, :]
    query, key, value = (given[:, example : example + 1] for given in (query[place : place + 1], key, value))
    found = _attended(query, key, value, in_proj_weight, in_proj_bias, mask, heads, need_weights)
    size = found.q.shape[-1]

    def weighted(feature: int) -> str:
        head = feature // size
        mean = products(write, found.a[0, head, 0], found.v[0, head, :, feature % size])  # over the keys
        return f"{write(out_proj_weight[row, feature])} * ({mean})"

    terms = shown(len(out_proj_weight), weighted)
    return " + ".join(terms if out_proj_bias is None else [*terms, write(out_proj_bias[row])])


def _attended(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_proj_weight: Tensor,
    in_proj_bias: Tensor | None,
    mask: Tensor | None,
    heads: int,
    need_weights: bool,
) -> _Heads:
    projections = _thirds(in_proj_weight, in_proj_bias)
    q, k, v = (
        _split(linear.forward(given, w, b), heads)
        for given, (w, b) in zip((query, key, value), projections, strict=True)
    )
    if mask is not None and mask.dtype == torch.bool:
        mask = ~mask
    if mask is not None and mask.dim() == 3:
        mask = mask.reshape(query.shape[1], heads, *mask.shape[1:])
    a = attention.weights(q, k, mask, nowhere=math.nan if need_weights else 0.0)
    return _Heads(q, k, v, mask, a, _joined(a @ v))


def _thirds(w: Tensor, b: Tensor | None) -> list[tuple[Tensor, Tensor | None]]:
    """The weights and biases of queries, keys and values."""
    biases = (None, None, None) if b is None else b.chunk(3)
    return list(zip(w.chunk(3), biases, strict=True))


def _split(x: Tensor, heads: int) -> Tensor:
    """(L, N, E) -> (N, heads, L, E / heads)."""
    return x.reshape(*x.shape[:2], heads, -1).permute(1, 2, 0, 3)


def _joined(x: Tensor) -> Tensor:
    """(N, heads, L, E / heads) -> (L, N, E)."""
    return x.permute(2, 0, 1, 3).flatten(2)


OPERATION = Operation(
    name="multi_head_attention",
    formula="y = W_O concat(head_1, .., head_h) + b_O, head_j = attention(W_Q,j query, W_K,j key, W_V,j value)",
    latex=r"y = W_O\,[\mathrm{head}_1; \dots; \mathrm{head}_h] + b_O, \quad "
    r"\mathrm{head}_j = \mathrm{attention}(W_{Q,j}\,\mathrm{query}, W_{K,j}\,\mathrm{key}, W_{V,j}\,\mathrm{value})",
    source="Vaswani et al. 2017, section 3.2.2",
    inputs=(
        "query",
        "key",
        "value",
        "in_proj_weight",
        "in_proj_bias",
        "out_proj_weight",
        "out_proj_bias",
        "mask",
    ),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
