"""The stage that a resolved recipe describes, and how the network is judged while it is carried out."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from glasswork.data.batches import Batches
from glasswork.systems.system import Context, System
from glasswork.training.clock import Clock
from glasswork.training.stage import Judgement, Stage


def judge_of(system: System[Any, Any], context: Context) -> Callable[[nn.Module], Judgement] | None:
    """How a system judges a network; None if nothing is held out to judge it on."""

    def judge(network: nn.Module) -> Judgement:
        metrics = system.judge(network, context)
        return Judgement(metrics.error, metrics.values)

    return judge if len(context.splits.validation) else None


def stage_of(system: System[Any, Any], network: nn.Module, batches: Batches, context: Context) -> Stage:
    """The one minimisation of a resolved recipe, over every parameter of the network that is not frozen."""
    recipe = system.recipe
    assert recipe.learning_rate is not None
    return Stage(
        name="train",
        network=network,
        parameters=[parameter for parameter in network.parameters() if parameter.requires_grad],
        batches=batches,
        loss=partial(system.loss, objective=system.training_objective(context)),
        judge=judge_of(system, context),
        clock=Clock(),
        execution=context.execution,
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
    )
