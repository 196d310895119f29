"""A recipe carried out in memory: no folder, nothing measured beforehand, the process left as it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.catalogue import make_system
from glasswork.data.dataset import Examples
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Numerics, seed_everything
from glasswork.recipe.base import Machine, Recipe
from glasswork.run.training import MEASURING, carried_out
from glasswork.systems.own_network import check_outputs
from glasswork.systems.system import System
from glasswork.training.clock import Clock
from glasswork.training.stage import Stage
from glasswork.training.watchers import stopped_early


@dataclass(frozen=True)
class Fitted:
    """What a recipe carried out in memory leaves.

    Attributes:
        network: with the weights that are kept: the best on the validation examples, else the last; in evaluation mode.
        examples: the given ones, under the schema that was fitted on the training rows.
        system: the system, with the recipe that was used.
        losses: mean loss of each epoch's steps, without the penalty.
        judgements: named figures on the validation examples after each epoch; empty where none were held out.
        best_epoch: after which epoch the kept weights stood, from 1; None without validation examples.
    """

    network: nn.Module
    examples: Examples
    system: System
    losses: tuple[float, ...]
    judgements: tuple[Mapping[str, float], ...]
    best_epoch: int | None


def fit_in_memory(
    system: str,
    recipe: Recipe,
    examples: Examples,
    splits: Splits,
    numerics: Numerics | None = None,
    own: nn.Module | None = None,
) -> Fitted:
    """Carries a recipe out on examples that have been read and split; torch's random generators stay as they were.

    The result is that of a run with the same recipe, rows and numerics. `numerics` says where the network lives; the
    number of threads is left as it is.

    Args:
        system: key of `catalogue.RECIPES`.
        recipe: what is minimised; what it leaves open is derived from the examples.
        examples: all examples; means and deviations are fitted on the training rows where the schema has none.
        splits: which of them train and which decide when to stop.
        numerics: how the arithmetic is carried out; absent: float32 on the processor.
        own: the user's network, trained in place.

    Raises:
        GlassworkError: where recipe, network and examples do not fit, or the loss stops being finite.
    """
    numerics = numerics or Numerics()
    draft = make_system(system, recipe, own)
    if not examples.schema.mean:
        examples = examples.with_schema(draft.scaled(examples, splits.training))
    chosen = make_system(system, draft.resolve(examples, splits), own)
    recipe = chosen.recipe
    with torch.random.fork_rng(devices=_devices(numerics)), torch.inference_mode(False), torch.enable_grad():
        seed_everything(recipe.seed)
        network = chosen.network(examples.schema)
        check_outputs(network, examples.schema)
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise GlassworkError("The network has no weights to train")
        numerics.place(network)
        clock = Clock(seconds=recipe.budget)
        stages = chosen.stages(network, examples, splits, clock, numerics)
        clock.total = chosen.length(stages[-1], recipe.epochs) if recipe.epochs else None
        sums: list[tuple[float, int]] = []
        judgements: list[Mapping[str, float]] = []
        best = None
        for step in stopped_early(carried_out(chosen, stages, None), recipe.patience):
            if step.epoch > len(sums):
                sums.append((0.0, 0))
            total, count = sums[-1]
            sums[-1] = (total + float(step.loss) * step.examples, count + step.examples)
            if step.judgement is not None:
                judgements.append(step.judgement.metrics)
            best = step.best
    if best is not None:
        network.load_state_dict(dict(best.weights))
    losses = tuple(total / count for total, count in sums)
    return Fitted(network.eval(), examples, chosen, losses, tuple(judgements), best.epoch if best else None)


def fastest(system: str, recipe: Recipe, examples: Examples, splits: Splits, numerics: Numerics) -> Numerics:
    """The arithmetic that a few steps each way show to be the fastest for a recipe, as a run chooses it at its start.

    Args:
        system: as for `fit_in_memory`.
        recipe: the same.
        examples: the same.
        splits: the same.
        numerics: device and threads.
    """
    draft = make_system(system, recipe)
    examples = examples.with_schema(draft.scaled(examples, splits.training))
    chosen = make_system(system, draft.resolve(examples, splits))

    def make_stage(network: nn.Module, numerics: Numerics) -> Stage:
        return chosen.stages(network, examples, splits, MEASURING, numerics)[-1]

    with torch.random.fork_rng(devices=_devices(numerics)):
        seed_everything(chosen.recipe.seed)
        return chosen.numerics(Machine.parse({}), numerics, chosen.network(examples.schema), make_stage)


def _devices(numerics: Numerics) -> list[str]:
    return [numerics.device] if torch.device(numerics.device).type == "cuda" else []
