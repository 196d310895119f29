"""Learning from a data set: the process of every system that has examples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.data.summary import Summary, summarise
from glasswork.execution import Execution
from glasswork.glassbox.regions import TERMINAL_CELLS, Plane, answers_over, as_region, plane_of, region, units_over
from glasswork.recipe.base import Recipe
from glasswork.systems.evaluation import measured_rows
from glasswork.systems.findings import Remarks
from glasswork.systems.process import OnPlane, Outcome, Trained
from glasswork.systems.region_snapshots import CELLS, FILE, framed
from glasswork.systems.region_snapshots import read as read_frames
from glasswork.systems.system import Context, System
from glasswork.training.fit import best_of
from glasswork.training.memory import Memory
from glasswork.training.stage import Stage
from glasswork.training.staged import minimise
from glasswork.training.step import Best, Step, Tree
from glasswork.training.watchers import stale

NOTHING_HELD_OUT = (
    "no example is held out: what the run is measured on at its end are the examples that it was trained on, so the "
    "figures say how well these were learnt, and nothing about new ones"
)


@dataclass
class Learning:
    """A system that learns from a data set, made ready: data read, network made, arithmetic chosen.

    Attributes:
        system: with nothing left open in its recipe.
        network: changed in place by the steps.
        context: all examples with the fitted task, which of them train, and how the arithmetic is carried out.
        stages: the minimisations, by the run's clock.
        seconds: how long the steps may take; None: the recipe bounds their number.
        memory: what they need; None if it was not estimated.
        warnings: sentences about the machine.
        remarks: sentences about the weights that the network began with.
    """

    system: System
    network: nn.Module
    context: Context
    stages: Sequence[Stage]
    seconds: float | None = None
    memory: Memory | None = None
    warnings: tuple[str, ...] = ()
    remarks: Remarks = ()

    @property
    def recipe(self) -> Recipe:
        """The recipe with nothing left open."""
        return self.system.recipe

    @property
    def dataset(self) -> Dataset:
        """All examples."""
        return self.context.dataset

    @property
    def splits(self) -> Splits:
        """Which of the examples train, validate and test."""
        return self.context.splits

    @property
    def execution(self) -> Execution:
        """How the arithmetic is carried out."""
        return self.context.execution

    @property
    def plane(self) -> Plane | None:
        """The plane that the training examples lie on, which can be looked at as a picture; None if they do not."""
        loss = self.system.objective(self.dataset.task).name
        return plane_of(self.dataset, self.splits.training, loss, self.execution)

    @cached_property
    def summary(self) -> Summary:
        """What the data is, in words and numbers, with warnings."""
        found, splits = summarise(self.dataset, self.splits), self.splits
        held_out = () if len(splits.validation) + len(splits.test) else (NOTHING_HELD_OUT,)
        return replace(found, warnings=(*found.warnings, *held_out, *self.warnings))

    @property
    def fingerprint(self) -> str:
        """One number for all inputs and targets, in order."""
        return fingerprint(self.dataset)

    def next_commands(self, run: str) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""
        return self.system.next_commands(run, self.dataset.task)

    def steps(self, start: Tree | None, folder: Path) -> Iterator[Step]:
        """Makes the steps until the clock runs out or, with patience, the validation examples say so."""
        patience = self.recipe.patience
        if start is not None and stale(best_of(start), patience):
            return
        made = minimise(self.stages, start, patience)
        for step in framed(made, folder, self.network, self.plane, start["number"] if start else 0):
            yield step._replace(last=True) if stale(step.best, patience) else step

    def keep(self, best: Best | None, execution: Execution | None = None) -> None:
        """Completes the network with the weights of the best judgement; without one, with those that it has.

        Args:
            best: the best judgement; None if nothing was judged.
            execution: how the arithmetic of completing is carried out; None: as that of the steps.
        """
        if best is not None:
            self.network.load_state_dict(dict(best.weights))
        self.system.complete(self.network, replace(self.context, execution=execution or self.execution))

    def finish(self, last: Tree | None, folder: Path) -> Outcome:
        """Measures the network with its best weights, else its last, on the test examples."""
        best = best_of(last) if last is not None else None
        if best is None and last is not None:
            self.network.load_state_dict(last["network"])
        # As `evaluate` will measure it, also if training took bfloat16.
        context = replace(self.context, execution=replace(self.execution, precision="float32"))
        self.keep(best, context.execution)
        where, rows = measured_rows(self.splits)
        evaluation = self.system.evaluate(self.network, self.dataset, rows, context.execution)
        found = self.system.report(self.network, evaluation, context, last)
        remarks = [*self.remarks, *found.remarks]
        result = {
            "best_epoch": best.epoch if best else None,
            "validation": dict(best.judgement.metrics) if best else {},
            "test": dict(evaluation.metrics.values),
            "measured_on": where,
            "examples": dict(self.summary.counts),
            "warnings": [*self.summary.warnings, *found.warnings],
            **found.results,
            **({"remarks": remarks} if remarks else {}),
        }
        return Outcome(Trained(self.network, self.dataset.task), found, result, self._over_plane(best, folder))

    def _over_plane(self, best: Best | None, folder: Path) -> OnPlane | None:
        """What the network answers over the plane of its inputs, now and during training."""
        plane = self.plane
        if plane is None:
            return None
        moving = [(as_region(frame.answers, plane), f"epoch {frame.epoch:,}") for frame in read_frames(folder / FILE)]
        if best is not None:  # an earlier network than the last one may have been kept
            kept = as_region(answers_over(self.network, plane, CELLS), plane)
            moving = [*moving, (kept, f"kept: epoch {best.epoch:,}")] if len(moving) > 1 else moving
        coarse = region(self.network, plane, TERMINAL_CELLS)
        return OnPlane(region(self.network, plane), coarse, units_over(self.network, plane), moving)


def fingerprint(dataset: Dataset) -> str:
    """One number for all inputs and targets, in order."""
    prints = dataset.columns["fingerprints"]
    targets = dataset.columns.get("targets", torch.zeros(0))
    places = torch.arange(1, len(prints) + 1)
    return f"{int((prints * (2 * places + 1)).sum()) & (2**64 - 1):016x}-{float(targets.double().sum()):.6g}"
