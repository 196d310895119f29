"""Deep Q-learning: updates of a network from replayed steps (Mnih et al. 2015), with what was added to it since."""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.systems.play.network import draw_noise
from glasswork.systems.play.policy import scaled
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.systems.play.replay import Sample
from glasswork.training.optimizers import Optimizer
from glasswork.training.stage import Tree

BETA = 0.9
"""Adam's first decay."""


class Learner:
    """The network, the target network, and the updates.

    Attributes:
        network: changed in place.
        target: an older copy of it, which says what the next state is worth.
        count: how many updates were made.
    """

    def __init__(self, network: nn.Module, recipe: PlayRecipe, execution: Execution) -> None:
        self.network, self.recipe, self.execution, self.count = network, recipe, execution, 0
        self.target = copy.deepcopy(network)
        for parameter in self.target.parameters():
            parameter.requires_grad_(False)
        self._parameters = list(network.parameters())
        self._optimizer = Optimizer("adam", self._parameters, BETA, 0.0)

    def update(self, sample: Sample, noise: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Makes one update, by the error r + discount * Q(s', a') - Q(s, a): its Huber loss, or without clipped rewards
        its square.

        Args:
            sample: steps to learn from.
            noise: draws the noise of noisy layers; None: they have none.

        Returns:
            The mean loss, detached, shape (), and how wrong each prediction was, (batch).

        Raises:
            GlassworkError: if the loss is no longer a finite number.
        """
        recipe, execution = self.recipe, self.execution
        states, following = (scaled(each, execution) for each in (sample.states, sample.next_states))
        with execution.arithmetic():
            with torch.no_grad():
                if noise is not None:
                    draw_noise(self.target, noise)
                values = self.target(following).float()
                if recipe.double:
                    best = self.network(following).float().argmax(1, keepdim=True)
                    value = values.gather(1, best).squeeze(1)
                else:
                    value = values.max(1).values
                wanted = sample.rewards.to(value.device) + sample.discounts.to(value.device) * value
            if noise is not None:
                draw_noise(self.network, noise)
            outputs = self.network(states).float()
            said = outputs.gather(1, sample.actions.to(outputs.device)[:, None]).squeeze(1)
            # The Huber loss is nearly blind to rare large errors such as the end of a game that goes on for long.
            error = functional.smooth_l1_loss if recipe.clip_rewards else functional.mse_loss
            losses = error(said, wanted, reduction="none")
            loss = (losses * sample.weights.to(losses.device)).mean() if recipe.prioritised else losses.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self._parameters, recipe.gradient_clip)
        self._optimizer.step(recipe.learning_rate)
        self.count += 1
        return loss.detach(), (said - wanted).detach()

    def copy_to_target(self) -> None:
        """The target network becomes what the network is now."""
        self.target.load_state_dict(self.network.state_dict())

    def state(self) -> Tree:
        """Everything needed to go on."""
        target = {name: tensor.clone() for name, tensor in self.target.state_dict().items()}
        return {"target": target, "optimizer": self._optimizer.state(), "updates": self.count}

    def restore(self, network: Tree, state: Tree) -> None:
        """Goes on from the network's weights and `state`."""
        self.network.load_state_dict(network)
        self.target.load_state_dict(state["target"])
        self._optimizer.restore(state["optimizer"])
        self.count = state["updates"]


def require_finite(loss: float, played: int) -> None:
    """Refuses to go on with a network that has diverged.

    Raises:
        GlassworkError: if the loss is no finite number.
    """
    if not math.isfinite(loss):
        raise GlassworkError(
            f"The loss is not a finite number after {played:,} steps: the last checkpoint is kept; try a lower "
            "--learning-rate"
        )
