"""The stage that a resolved recipe describes, and how the network is judged while it is carried out."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from glasswork.data.batches import BatchSource
from glasswork.execution import Execution
from glasswork.recipe.base import Recipe
from glasswork.training.clock import Clock
from glasswork.training.stage import Judgement, Loss, Minimise, Stage


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
    batches: BatchSource,
    loss: Loss,
    judge: Callable[[nn.Module], Judgement] | None,
    execution: Execution,
    minimise: Minimise | None = None,
    parameters: Sequence[nn.Parameter] | None = None,
) -> Stage:
    """The one minimisation of a resolved recipe.

    Args:
        recipe: with nothing left open.
        network: what is trained.
        batches: what it is trained on.
        loss: what is minimised.
        judge: looks at the network after each epoch.
        execution: how the arithmetic is carried out.
        minimise: makes the steps; None: `fit`.
        parameters: what of the network is trained; None: all that is not frozen.
    """
    assert recipe.learning_rate is not None
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return Stage(
        name="train",
        network=network,
        parameters=trained if parameters is None else parameters,
        batches=batches,
        loss=loss,
        judge=judge,
        clock=Clock(),
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
        total=recipe.epochs * len(batches) if recipe.epochs else None,
        minimise=minimise,
    )
