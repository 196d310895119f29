"""The stage that a resolved recipe describes, and how the network is judged while it is carried out."""

from collections.abc import Callable

from torch import Tensor, nn

from glasswork.data.batches import Batches
from glasswork.execution import Execution
from glasswork.recipe.base import Recipe
from glasswork.training.clock import Clock
from glasswork.training.stage import Judgement, Loss, Stage


def judged(score: Callable[[nn.Module], dict[str, float]], rows: Tensor) -> Callable[[nn.Module], Judgement] | None:
    """What judges a network by the `loss` among its scores; None where there are no rows to hold out.

    Not by the share of errors: on a few hundred examples a lucky epoch early in the run would win by one of them.

    Args:
        score: named metrics of a network on the rows.
        rows: those held out.
    """

    def judge(network: nn.Module) -> Judgement:
        metrics = score(network)
        return Judgement(metrics["loss"], metrics)

    return judge if len(rows) else None


def stage_of(
    recipe: Recipe,
    network: nn.Module,
    batches: Batches,
    loss: Loss,
    judge: Callable[[nn.Module], Judgement] | None,
    clock: Clock,
    execution: Execution,
) -> Stage:
    """The one minimisation of a resolved recipe, over every parameter of the network that is not frozen."""
    assert recipe.learning_rate is not None
    return Stage(
        name="train",
        network=network,
        parameters=[parameter for parameter in network.parameters() if parameter.requires_grad],
        batches=batches,
        loss=loss,
        judge=judge,
        clock=clock,
        execution=execution,
        seed=recipe.seed,
        learning_rate=recipe.learning_rate,
        optimizer=recipe.optimizer,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        schedule=recipe.schedule,
        penalty=recipe.penalty,
        strength=recipe.strength or 0.0,
        gradient_clip=recipe.gradient_clip,
    )
