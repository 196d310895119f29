"""A recipe carried out in memory: no folder, nothing measured beforehand, the process left as it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.run.prepare import prepare
from glasswork.run.request import Request
from glasswork.systems.system import System
from glasswork.training.fit import minimise


@dataclass(frozen=True)
class Fitted:
    """What a recipe carried out in memory leaves.

    Attributes:
        network: with the weights that are kept: the best on the validation examples, else the last; in evaluation mode.
        dataset: the given ones, under the task that was fitted on the training rows.
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


def fit_in_memory(request: Request, dataset: Dataset, splits: Splits, execution: Execution | None = None) -> Fitted:
    """Trains a recipe's network on examples in memory.

    The process's random generators are put back afterwards; the recipe's own draws start from its seed. The number of
    threads is left as it is.

    Args:
        request: what is minimised; what the recipe leaves open is derived from the examples.
        dataset: all examples; means and deviations are fitted on the training rows if the task has none.
        splits: which of them train and which decide when to stop.
        execution: how the arithmetic is carried out; None: float32 on the processor.

    Raises:
        GlassworkError: if recipe, network and examples do not fit, or the loss stops being finite.
    """
    execution = execution or Execution()
    with torch.random.fork_rng(devices=_devices(execution)), torch.inference_mode(False), torch.enable_grad():
        learning = prepare(request, dataset, splits, execution=execution)
        sums: list[tuple[float, int]] = []
        judgements: list[Mapping[str, float]] = []
        best = None
        for step in minimise(learning.stages, None, learning.recipe.patience):
            if step.epoch > len(sums):
                sums.append((0.0, 0))
            total, count = sums[-1]
            sums[-1] = (total + float(step.loss) * step.examples, count + step.examples)
            if step.judgement is not None:
                judgements.append(step.judgement.metrics)
            best = step.best
    learning.keep(best)
    losses = tuple(total / count for total, count in sums)
    network, system = learning.network.eval(), learning.system
    return Fitted(network, learning.dataset, system, losses, tuple(judgements), best.epoch if best else None)


def choose_fastest(request: Request, dataset: Dataset, splits: Splits) -> Execution:
    """The arithmetic that a few steps each way show to be the fastest for a recipe, as a run chooses it at its start.

    The process's random generators are put back afterwards.

    Args:
        request: a recipe and a machine.
        dataset: all examples.
        splits: which of them train.
    """
    with torch.random.fork_rng():
        return prepare(request, dataset, splits).execution


def _devices(execution: Execution) -> list[str]:
    return [execution.device] if torch.device(execution.device).type == "cuda" else []
