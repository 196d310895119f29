"""A recipe carried out in memory: no folder, nothing measured beforehand, the process left as it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.catalogue import make_system
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, seed_everything
from glasswork.recipe.base import Machine, Recipe
from glasswork.run.training import MEASURING, carried_out
from glasswork.systems.own_network import check_outputs
from glasswork.systems.system import Context, System
from glasswork.training.clock import Clock
from glasswork.training.stage import Stage
from glasswork.training.watchers import stopped_early


@dataclass(frozen=True)
class Fitted:
    """What a recipe carried out in memory leaves.

    Attributes:
        network: with the weights that are kept: the best on the validation examples, else the last; in evaluation mode.
        dataset: the given ones, under the schema that was fitted on the training rows.
        system: the system, with the recipe that was used.
        losses: mean loss of each epoch's steps, without the penalty.
        judgements: named figures on the validation examples after each epoch; empty where none were held out.
        best_epoch: after which epoch the kept weights stood, from 1; None without validation examples.
    """

    network: nn.Module
    dataset: Dataset
    system: System
    losses: tuple[float, ...]
    judgements: tuple[Mapping[str, float], ...]
    best_epoch: int | None


def fit_in_memory(
    system: str,
    recipe: Recipe,
    dataset: Dataset,
    splits: Splits,
    execution: Execution | None = None,
    own: nn.Module | None = None,
) -> Fitted:
    """Carries a recipe out on examples that have been read and split; torch's random generators stay as they were.

    The result is that of a run with the same recipe, rows and numerics. `execution` says where the network lives; the
    number of threads is left as it is.

    Args:
        system: key of `catalogue.RECIPES`.
        recipe: what is minimised; what it leaves open is derived from the examples.
        dataset: all examples; means and deviations are fitted on the training rows where the schema has none.
        splits: which of them train and which decide when to stop.
        execution: how the arithmetic is carried out; absent: float32 on the processor.
        own: the user's network, trained in place.

    Raises:
        GlassworkError: where recipe, network and examples do not fit, or the loss stops being finite.
    """
    execution = execution or Execution()
    draft = make_system(system, recipe, own)
    if not dataset.schema.mean:
        dataset = dataset.with_schema(draft.fit(dataset, splits.training))
    chosen = make_system(system, draft.resolve(dataset, splits), own)
    recipe = chosen.recipe
    with torch.random.fork_rng(devices=_devices(execution)), torch.inference_mode(False), torch.enable_grad():
        seed_everything(recipe.seed)
        network = chosen.network(dataset.schema)
        check_outputs(network, dataset.schema)
        if not any(parameter.requires_grad for parameter in network.parameters()):
            raise GlassworkError("The network has no weights to train")
        chosen.begin(network, Context(dataset, splits, Execution()))
        execution.place(network)
        clock = Clock(seconds=recipe.budget)
        stages = chosen.stages(network, dataset, splits, clock, execution)
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
    chosen.complete(network, Context(dataset, splits, execution))
    losses = tuple(total / count for total, count in sums)
    return Fitted(network.eval(), dataset, chosen, losses, tuple(judgements), best.epoch if best else None)


def fastest(system: str, recipe: Recipe, dataset: Dataset, splits: Splits, execution: Execution) -> Execution:
    """The arithmetic that a few steps each way show to be the fastest for a recipe, as a run chooses it at its start.

    Args:
        system: as for `fit_in_memory`.
        recipe: the same.
        dataset: the same.
        splits: the same.
        execution: device and threads.
    """
    draft = make_system(system, recipe)
    dataset = dataset.with_schema(draft.fit(dataset, splits.training))
    chosen = make_system(system, draft.resolve(dataset, splits))

    def make_stage(network: nn.Module, execution: Execution) -> Stage:
        return chosen.stages(network, dataset, splits, MEASURING, execution)[-1]

    with torch.random.fork_rng(devices=_devices(execution)):
        seed_everything(chosen.recipe.seed)
        return chosen.execution(Machine.parse({}), execution, chosen.network(dataset.schema), make_stage)


def _devices(execution: Execution) -> list[str]:
    return [execution.device] if torch.device(execution.device).type == "cuda" else []
