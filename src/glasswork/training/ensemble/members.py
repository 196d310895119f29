"""The members of a stack that still run, side by side, and what is kept of all of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.data.batches import Batches
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import Objective
from glasswork.objectives.penalties import MAX_NORM, is_added
from glasswork.training.ensemble.batches import StackedBatches, drawn_masks, losses_on
from glasswork.training.ensemble.losses import mean_loss
from glasswork.training.ensemble.network import StackedNetwork, layers_of
from glasswork.training.ensemble.optimizer import StackedOptimizer
from glasswork.training.stage import Stage, Tree


@dataclass(frozen=True)
class StackedBest:
    """The best judgement of each member so far.

    Attributes:
        errors: mean loss on the examples held out, float64 (members,).
        epochs: after which epoch, from 1, int64 (members,).
        stale: judgements since then that were no better, counted after the learning rate's peak, int64 (members,).
        weights: the networks' states at that time, each tensor (members, ...).
    """

    errors: Tensor
    epochs: Tensor
    stale: Tensor
    weights: Mapping[str, Tensor]


class Stack:
    """What `fit_stacked` changes from step to step; the networks of the stages lie in it.

    Args:
        stages, losses, held_out, start: as in `fit_stacked`.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        losses: Sequence[Objective],
        held_out: Sequence[Batches] | None,
        start: Tree | None,
    ) -> None:
        layers = layers_of(stages[0].network)
        assert layers is not None
        self.stages, self.losses, self.held_out, self.layers = stages, losses, held_out, layers
        self.running = tuple(range(len(stages))) if start is None else tuple(start["running"])
        self.diverged: tuple[int, ...] = () if start is None else tuple(start["diverged"])
        if start is not None:
            for place, stage in enumerate(stages):
                stage.network.load_state_dict({name: tensor[place] for name, tensor in start["networks"].items()})
        self.best = None if start is None or start["best"] is None else StackedBest(**start["best"])
        self.network = StackedNetwork(layers, self._stack(self.running))
        self._share()
        self.dtype = self.network.weights[0].dtype
        self.dropout = any(layer.dropout for layer in layers)
        self.batches = StackedBatches([stage.batches for stage in stages], losses, self.dtype, self.dropout)
        self.optimizer = StackedOptimizer(stages[0].optimizer, self.network, stages[0].momentum)
        if start is not None:
            self.optimizer.restore(start["optimizer"])
        self._arrange()

    def _stack(self, places: Sequence[int]) -> dict[str, Tensor]:
        """The weights of some members' networks in fresh memory."""
        if not places:
            return {name: tensor[None][:0].clone() for name, tensor in self.stages[0].network.state_dict().items()}
        states = [self.stages[place].network.state_dict() for place in places]
        return {name: torch.stack([state[name] for state in states]) for name in states[0]}

    @torch.no_grad()
    def _share(self) -> None:
        """Lets the parameters of the members' networks lie in the stack, so that they are always as it is."""
        named = self.network.tensors()
        for row, place in enumerate(self.running):
            for name, parameter in self.stages[place].network.named_parameters():
                parameter.data = named[name][row]

    def _arrange(self) -> None:
        """What the running members' settings are, as the arithmetic takes them."""
        chosen = [self.stages[place] for place in self.running]
        self.strengths: Tensor | None = None
        if any(stage.strength for stage in chosen):
            self.strengths = self.network.weights[0].new_tensor([stage.strength for stage in chosen])
        self.rates = [stage.learning_rate for stage in chosen]
        self.decays = [stage.weight_decay for stage in chosen]

    @torch.no_grad()
    def update(self, epoch: int, index: int, factor: float) -> dict[str, Any] | None:
        """Forward, loss, backward, step; the fields of the step, or None where every member left has diverged."""
        while True:
            batch = self.batches.batch(epoch, index, self.running)
            masks = self._masks(batch.lengths, epoch, index, batch.inputs)
            scores = self.network.forward(batch.inputs, masks)
            loss, error = mean_loss(self.losses[0].name, scores, batch.wanted, batch.weights)
            penalty = self._penalty()
            finite = torch.isfinite(loss if penalty is None else loss + penalty)
            if finite.all():
                break
            lost = tuple(place for place, fine in zip(self.running, finite.tolist(), strict=True) if not fine)
            self.diverged = tuple(sorted((*self.diverged, *lost)))
            self.keep([place for place in self.running if place not in lost])
            if not self.running:
                if len(self.diverged) == len(self.stages):
                    raise _explain_not_finite(self.stages, epoch, index)
                return None
        self.network.backward(error)
        self._add_penalty()
        norm = self._clip()
        rates = tuple([rate * factor for rate in self.rates])
        self.optimizer.step(rates, self.decays)
        self._constrain()
        return {
            "examples": sum(batch.lengths),
            "members": self.running,
            "loss": self._spread(loss),
            "penalty": None if penalty is None else self._spread(penalty),
            "learning_rates": rates,
            "gradient_norm": None if norm is None else self._spread(norm),
        }

    def _masks(self, lengths: Sequence[int], epoch: int, index: int, like: Tensor) -> list[Tensor | None]:
        if not self.dropout:
            return [None] * len(self.layers)
        seeds = [self.stages[place].seed for place in self.running]
        return drawn_masks(self.layers, lengths, seeds, epoch, index, like)

    def _penalty(self) -> Tensor | None:
        """strength x R(W) of each member; None if there is no penalty."""
        kind = self.stages[0].penalty
        if self.strengths is None or not is_added(kind):
            return None
        sums = torch.zeros_like(self.strengths)
        for weight in self.network.weights if kind != "none" else ():
            sums += (weight.abs() if kind == "l1" else weight.square()).sum((1, 2))
        return self.strengths * sums

    def _add_penalty(self) -> None:
        """Adds the penalty's gradient: lambda sign(w), or 2 lambda w."""
        kind = self.stages[0].penalty
        if self.strengths is None or kind not in {"l1", "l2"}:
            return
        factor = (self.strengths if kind == "l1" else 2 * self.strengths).view(-1, 1, 1)
        for weight, gradient in zip(self.network.weights, self.network.weight_gradients, strict=True):
            gradient.addcmul_(weight.sign() if kind == "l1" else weight, factor)

    def _constrain(self) -> None:
        """Max-norm, as `objectives.penalties.shorten` has it."""
        if self.strengths is None or self.stages[0].penalty != MAX_NORM:
            return
        for weight in self.network.weights:
            lengths = torch.linalg.vector_norm(weight, dim=2, keepdim=True).clamp_min(torch.finfo(self.dtype).tiny)
            weight.mul_((self.strengths.view(-1, 1, 1) / lengths).clamp_max(1))

    def _clip(self) -> Tensor | None:
        """Scales each member's gradient to the longest length allowed; their lengths before."""
        longest = self.stages[0].gradient_clip
        if longest is None:
            return None
        gradients = [*self.network.weight_gradients, *self.network.bias_gradients]
        lengths = torch.stack([torch.linalg.vector_norm(gradient, dim=(1, 2)) for gradient in gradients])
        norm: Tensor = torch.linalg.vector_norm(lengths, dim=0)
        factors = (longest / (norm + 1e-6)).clamp_max(1).view(-1, 1, 1)
        for gradient in gradients:
            gradient.mul_(factors)
        return norm

    def _spread(self, values: Tensor) -> Tensor:
        """Values of the running members as values of all; nan for the others."""
        if len(self.running) == len(self.stages):
            return values
        whole = values.new_full((len(self.stages),), math.nan)
        whole[list(self.running)] = values
        return whole

    @torch.no_grad()
    def judge(self, epoch: int, counts: bool) -> Tensor | None:
        """Looks at the networks on the examples held out and keeps the weights of those that are best so far."""
        if self.stages[0].judge is None and self.held_out is None:
            return None
        errors = self._errors()
        best, count = self.best, len(self.stages)
        runs = torch.zeros(count, dtype=torch.bool)
        runs[list(self.running)] = True
        if best is None:
            none = torch.zeros(count, dtype=torch.int64)
            best = StackedBest(torch.full((count,), math.nan, dtype=torch.float64), none, none, self._all_weights())
        better = runs & ((errors < best.errors) | best.errors.isnan())
        self.best = StackedBest(
            torch.where(better, errors, best.errors),
            torch.where(better, epoch, best.epochs),
            torch.where(better, 0, best.stale + (runs & counts)),
            self._with_better(best.weights, better) if better.any() else best.weights,
        )
        return errors

    def _errors(self) -> Tensor:
        """Each running member's mean loss on the examples held out."""
        if self.held_out is not None:
            chosen, losses = zip(*((self.held_out[place], self.losses[place]) for place in self.running), strict=True)
            found = losses_on(self.network, chosen, losses).cpu()
        else:
            found = torch.tensor([_judge(self.stages[place]) for place in self.running], dtype=torch.float64)
        return self._spread(found)

    def _with_better(self, weights: Mapping[str, Tensor], better: Tensor) -> dict[str, Tensor]:
        places = better.nonzero()[:, 0]
        rows = torch.tensor([self.running.index(place) for place in places.tolist()])
        named = self.network.tensors()
        return {
            name: tensor.index_copy(0, places.to(tensor.device), named[name][rows.to(tensor.device)])
            for name, tensor in weights.items()
        }

    def _all_weights(self) -> dict[str, Tensor]:
        return self._stack(range(len(self.stages)))

    def stop_stale(self, patience: int) -> None:
        """Stops the members whose patience has ended."""
        assert self.best is not None
        stale = self.best.stale.tolist()
        if any(stale[place] >= patience for place in self.running):
            self.keep([place for place in self.running if stale[place] < patience])

    @torch.no_grad()
    def keep(self, places: Sequence[int]) -> None:
        """Goes on with some of the running members alone; the networks of the others keep their weights."""
        for place in set(self.running).difference(places):
            for parameter in self.stages[place].network.parameters():
                parameter.data = parameter.data.clone()
        rows = torch.tensor([self.running.index(place) for place in places], dtype=torch.int64)
        rows = rows.to(self.network.weights[0].device)
        tensors = {name: tensor.index_select(0, rows) for name, tensor in self.network.tensors().items()}
        self.running = tuple(places)
        self.network = StackedNetwork(self.layers, tensors)
        self.optimizer.keep(self.network, rows)
        self._share()
        self._arrange()

    def state(self, number: int) -> Tree:
        """Everything needed to go on after step `number`."""
        return {
            "stage": self.stages[0].name,
            "number": number,
            "elapsed": self.stages[0].clock.elapsed(),
            "running": list(self.running),
            "diverged": list(self.diverged),
            "networks": self._all_weights(),
            "optimizer": self.optimizer.state(),
            "best": None if self.best is None else dict(vars(self.best)),
        }


def _judge(stage: Stage) -> float:
    """What the stage's own judge says of its network."""
    assert stage.judge is not None
    stage.network.eval()
    judgement = stage.judge(stage.network)
    stage.network.train()
    return judgement.error


def _explain_not_finite(stages: Sequence[Stage], epoch: int, index: int) -> GlassworkError:
    return GlassworkError(
        f"The loss of every one of the {len(stages)} networks has stopped being a finite number, the last at batch "
        f"{index + 1} of epoch {epoch + 1} (stage {stages[0].name}); the last checkpoint is kept; try a lower learning "
        f"rate than {max(stage.learning_rate for stage in stages):g} or --gradient-clip 1"
    )
