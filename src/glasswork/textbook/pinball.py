"""The pinball loss of quantiles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.terms import sum_of


def forward(q: Tensor, t: Tensor) -> Tensor:
    """L = mean of max(tau_k (t - q_k), (tau_k - 1) (t - q_k)) over examples, numbers and quantiles.

    Args:
        q: quantiles (N, H, K), the k-th at tau_k = k / (K + 1).
        t: what came (N, H).

    Returns:
        A scalar.
    """
    over, tau = t[..., None] - q, levels(q)
    return torch.maximum(tau * over, (tau - 1) * over).mean()


def backward(upstream: Tensor, q: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """dL/dq_k = 1/(N H K) times -tau_k where t > q_k, 1 - tau_k where t < q_k; midway between at t = q_k."""
    over, tau = t[..., None] - q, levels(q)
    slope = torch.where(over > 0, -tau, torch.where(over < 0, 1 - tau, 0.5 - tau))  # (N, H, K)
    into = upstream * slope / q.numel()
    return into, -into.sum(-1)


def put_in(write: Write, cell: Sequence[int], q: Tensor, t: Tensor) -> str:
    """The loss in numbers."""
    quantiles, came, count = q.reshape(-1), t[..., None].expand_as(q).reshape(-1), q.shape[-1]

    def loss(place: int) -> str:
        # As fractions, which are exact.
        level = place % count + 1 if float(came[place]) >= float(quantiles[place]) else place % count - count
        return f"{level}/{count + 1} * ({write(came[place])} - {write(quantiles[place])})"

    return f"1/{q.numel()} * ({sum_of(q.numel(), loss)})"


def levels(q: Tensor) -> Tensor:
    """tau_k = k / (K + 1), (K,), in the type of q."""
    count = q.shape[-1]
    return (torch.arange(1, count + 1, dtype=torch.float64) / (count + 1)).to(q)


OPERATION = Operation(
    name="pinball",
    formula="L = mean_k max(tau_k (t - q_k), (tau_k - 1) (t - q_k)), tau_k = k / (K + 1)",
    latex=r"L = \frac{1}{K} \sum_k \max(\tau_k (t - q_k), (\tau_k - 1)(t - q_k)), \quad \tau_k = \frac{k}{K + 1}",
    source="Koenker and Bassett 1978, 'Regression quantiles'",
    inputs=("q", "t"),
    forward=forward,
    backward=backward,
    put_in=put_in,
)
