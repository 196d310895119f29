"""Scaled dot-product attention: each query takes a weighted mean of the values, weighted by how well the keys fit."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write, summed_to
from glasswork.textbook.terms import products, shown


def forward(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, is_causal: bool = False, scale: float | None = None
) -> Tensor:
    """The mean of the values y = softmax(q k^T / sqrt(E) + mask) v.

    Args:
        q: the queries, (..., L, E).
        k: the keys, (..., S, E).
        v: the values, (..., S, F).
        mask: broadcast to (..., L, S); of type bool, True where a query may look; else added to the scores.
        is_causal: query l may look at the keys up to l only.
        scale: instead of 1 / sqrt(E).

    Returns:
        (..., L, F); 0 for a query that may look nowhere.
    """
    return weights(q, k, mask, is_causal, scale) @ v


def weights(
    q: Tensor,
    k: Tensor,
    mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    nowhere: float = 0.0,
) -> Tensor:
    """The weights a = softmax(q k^T / sqrt(E) + mask), over the keys; (..., L, S).

    A query that may look nowhere has the weight `nowhere` everywhere.
    """
    scores = _scores(q, k, mask, is_causal, scale)
    largest = scores.amax(-1, keepdim=True)
    raised = (scores - largest).exp()  # the largest cancels; without it exp could overflow
    return (raised / raised.sum(-1, keepdim=True)).masked_fill(largest == -math.inf, nowhere)


def backward(
    upstream: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> tuple[Tensor | None, ...]:
    """dE/dv = a^T dE/dy and dE/da = dE/dy v^T, which goes on through the weights."""
    a = weights(q, k, mask, is_causal, scale)
    d_q, d_k, d_mask = weights_backward(upstream @ v.mT, a, q, k, mask, scale)
    return d_q, d_k, a.mT @ upstream, d_mask


def weights_backward(
    upstream: Tensor, a: Tensor, q: Tensor, k: Tensor, mask: Tensor | None = None, scale: float | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """dE/dq, dE/dk and dE/d(mask), which is None for a mask that is not added.

    The scores' error is that of a softmax, delta_ls = a_ls (dE/da_ls - sum_s' a_ls' dE/da_ls'); it goes to the mask as
    it is, to the queries as delta k / sqrt(E) and to the keys as delta^T q / sqrt(E).

    Args:
        upstream: dE/da, (..., L, S).
        a: what `weights` gave for the same q, k, mask and scale.
        q: (..., L, E).
        k: (..., S, E).
        mask: as for `weights`.
        scale: as for `weights`.
    """
    delta = a * (upstream - (a * upstream).sum(-1, keepdim=True))  # (..., L, S)
    factor = _factor(q, scale)
    d_mask = summed_to(delta, mask.shape) if mask is not None and mask.is_floating_point() else None
    return factor * (delta @ k), factor * (delta.mT @ q), d_mask


def put_in(
    write: Write,
    cell: Sequence[int],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> str:
    """One cell in numbers: the values weighted with exp(score), over the sum of the weights.

    Keys that the query may not see are left out. The query's largest score is taken off each, which cancels.
    """
    *batch, query, feature = cell
    every = _scores(q, k, mask, is_causal, scale)
    scores = every[(*batch, query)]  # (S,)
    seen = [key for key, score in enumerate(scores.tolist()) if score != -math.inf]
    if not seen:
        return "0"
    is_added = mask is not None and mask.is_floating_point()
    bias = mask.expand(every.shape)[(*batch, query)] if mask is not None and is_added else None  # (S,)
    factor, largest = write(_factor(q, scale)), write(scores.amax())

    def raised(place: int) -> str:
        key = seen[place]
        more = "" if bias is None else f" + {write(bias[key])}"
        return f"exp(({products(write, q[(*batch, query)], k[(*batch, key)])}) * {factor}{more} - {largest})"

    def weighted(place: int) -> str:
        return f"{raised(place)} * {write(v[(*batch, seen[place], feature)])}"

    return f"({' + '.join(shown(len(seen), weighted))}) / ({' + '.join(shown(len(seen), raised))})"


def _scores(q: Tensor, k: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None) -> Tensor:
    """The scores q k^T / sqrt(E) + mask, (..., L, S); minus infinity where a query may not look."""
    scores = _factor(q, scale) * (q @ k.mT)
    if is_causal:
        past = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~past, -math.inf)
    if mask is None:
        return scores
    return scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask


def _factor(q: Tensor, scale: float | None) -> float:
    return 1 / math.sqrt(q.shape[-1]) if scale is None else scale


OPERATION = Operation(
    name="attention",
    formula="y = softmax(q k^T / sqrt(E) + mask) v",
    latex=r"y = \mathrm{softmax}\left(\frac{q k^\top}{\sqrt{E}} + \mathrm{mask}\right) v",
    source="Vaswani et al. 2017, equation 1",
    inputs=("q", "k", "v", "mask"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
