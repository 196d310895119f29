"""The vanishing gradient: how much of a loss at the last time arrives at the states of earlier times.

    d loss(t) / d h(t-k) = W_hh^T diag(f'(a_(t-k+1))) ... W_hh^T diag(f'(a_t)) d loss(t) / d h(t)

for a vanilla network: k slopes and k times the same matrix, so that it shrinks or grows as a power of k (Kovashka,
"Extensions: vanishing gradient"; Bengio et al. 1994; Pascanu et al. 2013, equation 5). Gates give errors another way.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.unrolled import passes
from glasswork.networks.recurrent import Recurrent
from glasswork.record import Record


@dataclass(frozen=True)
class GradientByLag(Record):
    """Norms of the gradient of the loss at the last time, mean over sequences.

    Attributes:
        cell: the kind of unit.
        layer: whose states, from 0.
        hidden: |d loss(t) / d h(t-k)| for k = 0, 1, 2 .. up to the first time.
        memory: |d loss(t) / d c(t-k)| of the LSTM; None for the others.
    """

    cell: str
    layer: int
    hidden: tuple[float, ...]
    memory: tuple[float, ...] | None


def gradient_by_lag(
    recurrent: Recurrent, inputs: Tensor, loss: Callable[[Tensor], Tensor], layer: int = -1
) -> GradientByLag:
    """How the loss at the last time changes with the states before it, exactly, in float64.

    The network is unrolled by the textbook's cells and differentiated by autograd; h(t-k) and c(t-k) are each taken as
    if that one number were moved and all that follows from it worked out anew.

    Args:
        recurrent: the network, reading in one direction; it is not changed.
        inputs: (batch, time, features).
        loss: of each sequence, (batch,), out of the top layer's last state, (batch, units), both in float64.
        layer: whose states; -1 is the top one.

    Raises:
        GlassworkError: for a network that reads from both ends, a layer that it does not have, or a loss that is not
            one number per sequence.
    """
    kernel = recurrent.kernel
    if kernel.bidirectional:
        raise GlassworkError("A network that reads from both ends has no last time that errors could come back from.")
    if not -kernel.num_layers <= layer < kernel.num_layers:
        raise GlassworkError(f"The network has {kernel.num_layers} layers, and none with the number {layer}.")
    with torch.inference_mode(False), torch.enable_grad():
        network = copy.deepcopy(recurrent).double().requires_grad_(False)
        # Some leaf must ask for gradients, so that autograd keeps the way back.
        read = passes(network, inputs.detach().clone().double().requires_grad_())
        losses = loss(read[-1].states[-1][0])
        if losses.shape != inputs.shape[:1]:
            raise GlassworkError(
                f"The loss must be one number for each of the {len(inputs)} sequences; its shape is "
                f"{tuple(losses.shape)}."
            )
        parts = list(zip(*read[layer].states[:0:-1], strict=True))  # h, and c where there is one; last time first
        nodes = [node for part in parts for node in part]
        gradients = torch.autograd.grad(losses.sum(), nodes, materialize_grads=True)
    norms = [float(gradient.norm(dim=1).mean()) for gradient in gradients]
    times = inputs.shape[1]
    memory = tuple(norms[times:]) if len(parts) > 1 else None
    return GradientByLag(recurrent.cell, layer % kernel.num_layers, tuple(norms[:times]), memory)
