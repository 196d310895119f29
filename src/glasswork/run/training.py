"""A recipe carried out: from an order to a run folder, step by step."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from glasswork.catalogue import RECIPES, Request, make_system
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits, split
from glasswork.data.summary import Summary, summarise
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, environment, seed_everything, usable_cores
from glasswork.glassbox.regions import Plane, plane_of
from glasswork.recipe.base import Recipe
from glasswork.run.folder import RunFolder
from glasswork.run.region_snapshots import framed
from glasswork.systems.evaluation import measured_rows
from glasswork.systems.findings import Remarks
from glasswork.systems.own_network import check_outputs
from glasswork.systems.system import Context, System
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from glasswork.training.clock import Clock
from glasswork.training.fit import best_of
from glasswork.training.memory import estimate_memory, short_of_memory
from glasswork.training.stage import Stage
from glasswork.training.staged import fit_in_turn
from glasswork.training.step import Best, Step, Tree
from glasswork.training.watchers import Interruption, interruptible, logged, saved, stopped_early

MEASURING = Clock(total=10**9)
FINISHING_SECONDS = 0.6
NOTHING_HELD_OUT = (
    "no example is held out: what the run is measured on at its end are the examples that it was trained on, so the "
    "figures say how well these were learnt, and nothing about new ones"
)


@dataclass
class Training:
    """A run made ready: data read, network made, arithmetic chosen; `steps` carries it out.

    Attributes:
        folder: where it is written.
        order: what was asked for.
        recipe: what is used.
        system: the system, with the resolved recipe.
        dataset: all examples, with the fitted schema.
        splits: which of them train.
        summary: what the data is, in words and numbers.
        network: changed in place by the steps.
        execution: how the arithmetic is carried out.
        clock: how far the run has come.
        remarks: sentences about the weights that it began with.
        state: of the last step of an earlier sitting; None for a new run.
        interrupted: whether somebody stopped it before its end.
        last: the last step made in this sitting.
    """

    folder: RunFolder
    order: Request
    recipe: Recipe
    system: System
    dataset: Dataset
    splits: Splits
    summary: Summary
    network: nn.Module
    execution: Execution
    clock: Clock
    remarks: Remarks
    state: Tree | None = None
    interrupted: bool = False
    last: Step | None = None

    def steps(self) -> Iterator[Step]:
        """Carries the recipe out from where it stands; every step is logged and the run saved as it goes."""
        stages = self.system.stages(self.network, self.dataset, self.splits, self.clock, self.execution)
        if self.state is not None and self._stopped(best_of(self.state)):
            return
        before = self.state["number"] if self.state else 0
        self.folder.truncate_steps(before)
        made = carried_out(self.system, stages, self.state)
        logs = logged(made, self.folder.path)
        frames = framed(logs, self.folder.path, self.network, self.plane(), before)
        with (
            self.folder.kept(),
            Interruption() as interruption,
            closing(saved(frames, self.folder.checkpoints)) as saves,
        ):
            steps: Iterator[Step] = saves
            if self.order.machine.tensorboard:
                from glasswork.run.tensorboard import recorded

                steps = recorded(steps, self.folder.path, before)
            for step in stopped_early(interruptible(steps, lambda: interruption.wished), self.recipe.patience):
                self.last = step
                yield step
        done = self.last is None or self.last.last or self._stopped(self.last.best)
        self.interrupted = interruption.wished and not done
        if self.interrupted:
            self.folder.unlock()

    def plane(self) -> Plane | None:
        """What can be looked at as a picture: the plane that the training examples lie on, where they lie on one."""
        return plane_of(
            self.dataset, self.splits.training, self.system.objective(self.dataset.schema).name, self.execution
        )

    def _stopped(self, best: Best | None) -> bool:
        return self.recipe.patience is not None and best is not None and best.stale >= self.recipe.patience

    @property
    def best(self) -> Best | None:
        """The best judgement so far, in all sittings."""
        if self.last is not None:
            return self.last.best
        return best_of(self.state) if self.state else None

    @property
    def seconds(self) -> float:
        """Seconds from the first step to the last, in all sittings."""
        if self.last is not None:
            return self.last.elapsed
        return float(self.state["elapsed"]) if self.state else 0.0


def carried_out(system: System, stages: Sequence[Stage], start: Tree | None) -> Iterator[Step]:
    """The steps of a system's stages, one stage after the other where there are several."""
    if len(stages) == 1:
        return system.steps(stages[0], start)
    return fit_in_turn(stages, start, system.recipe.patience, system.steps)


def prepare(order: Request, own: nn.Module | None = None, spent: float = 0.0) -> Training:
    """Makes a new run ready.

    Args:
        order: what is asked for.
        own: the user's network, where it was given as a module.
        spent: seconds of a budget that are gone already, such as the start of the process.

    Raises:
        GlassworkError: for data, a network or a machine that does not fit; nothing is left behind then.
    """
    began = time.monotonic() - spent
    replay = _replayed(order)
    device = choose_device(order.machine.device)
    draft = make_system(order.system, order.recipe, own)
    dataset, splits, summary = _read(draft, order.recipe)
    recipe = draft.resolve(dataset, splits)
    chosen = make_system(order.system, recipe, own)
    seed_everything(recipe.seed)
    network = chosen.network(dataset.schema)
    check_outputs(network, dataset.schema)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise GlassworkError("The network has no weights to train")
    remarks = chosen.begin(network, Context(dataset, splits, Execution()))
    execution = Execution(device, order.machine.threads or usable_cores())
    torch.set_num_threads(execution.threads)
    plain = chosen.stages(network, dataset, splits, MEASURING, Execution())[-1]
    memory = estimate_memory(plain, dataset, device)
    if short := short_of_memory(memory):
        summary = replace(summary, warnings=(*summary.warnings, short))
    if replay is not None:
        _, execution = replay.read_resolved(RECIPES[order.system])
        execution.apply()
    else:

        def make_stage(network: nn.Module, execution: Execution) -> Any:
            return chosen.stages(network, dataset, splits, MEASURING, execution)[-1]

        execution = chosen.execution(order.machine, execution, network, make_stage)
    execution.place(network)
    stage = chosen.stages(network, dataset, splits, MEASURING, execution)[-1]
    clock = _clock(recipe, _length(chosen, stage), began, replay)
    folder = RunFolder.create(order.machine.out, order.preset)
    with folder.kept():
        folder.keep_network(recipe)
        folder.write_resolved(recipe, execution)
        began_with = {"training_seconds": clock.seconds, "memory": memory.to_json(), "remarks": remarks}
        folder.write("environment.json", {**environment(), **began_with})
        folder.write("data.json", {**summary.to_json(), "fingerprint": _fingerprint(dataset)})
        folder.write_request(order)  # last, as it is what a folder is known by
    return Training(folder, order, recipe, chosen, dataset, splits, summary, network, execution, clock, remarks)


def reopen(folder: RunFolder, own: nn.Module | None = None) -> Training:
    """Makes a run ready to go on where it was stopped.

    Raises:
        GlassworkError: where the run is in use, its data has changed, or its files are of another version.
    """
    folder.lock()
    with folder.kept():
        return _reopened(folder, own)


def _reopened(folder: RunFolder, own: nn.Module | None) -> Training:
    order = folder.read_request()
    recipe, execution = folder.read_resolved(RECIPES[order.system])
    system = make_system(order.system, folder.with_kept_network(recipe), own)
    dataset, splits, summary = _read(make_system(order.system, order.recipe, own), recipe)
    if folder.read("data.json")["fingerprint"] != _fingerprint(dataset):
        raise GlassworkError(f"The data at {recipe.data} has changed since {folder.name} began: train anew")
    seed_everything(recipe.seed)
    network = system.network(dataset.schema)
    saved_states = checkpoints(folder.checkpoints)
    state = load_checkpoint(saved_states[-1]) if saved_states else None
    if state is None:
        system.begin(network, Context(dataset, splits, Execution()))
    execution.apply()
    execution.place(network)
    stage = system.stages(network, dataset, splits, MEASURING, execution)[-1]
    began_with = folder.read("environment.json")
    clock = _clock(recipe, _length(system, stage), None, _replayed(order), began_with["training_seconds"])
    if state is not None:
        network.load_state_dict(state["network"])
    remarks = tuple(began_with["remarks"])
    return Training(folder, order, recipe, system, dataset, splits, summary, network, execution, clock, remarks, state)


def read_split(system: System, recipe: Recipe) -> tuple[Dataset, Splits]:
    """The recipe's data, and which of it trains and validates; `test` are the rows that the run's figures are about.

    These are also validation or training rows where no others were held out.
    """
    dataset, splits = _read_split(system, recipe)
    return dataset, replace(splits, test=measured_rows(splits)[1])


def _read_split(system: System, recipe: Recipe) -> tuple[Dataset, Splits]:
    if recipe.data is None:
        raise GlassworkError("There is no data: name a path or a data set with --data")
    dataset = system.read(recipe.data)
    return dataset, split(dataset, recipe.validation, recipe.test, recipe.seed)


def _read(system: System, recipe: Recipe) -> tuple[Dataset, Splits, Summary]:
    dataset, splits = _read_split(system, recipe)
    dataset = dataset.with_schema(system.fit(dataset, splits.training))
    summary = summarise(dataset, splits)
    if len(splits.validation) + len(splits.test) == 0:
        summary = replace(summary, warnings=(*summary.warnings, NOTHING_HELD_OUT))
    return dataset, splits, summary


def _length(system: System, stage: Stage) -> int | None:
    return system.length(stage, system.recipe.epochs) if system.recipe.epochs else None


def _replayed(order: Request) -> RunFolder | None:
    return None if order.machine.replay is None else RunFolder.find(order.machine.replay)


def _clock(
    recipe: Recipe, total: int | None, began: float | None, replay: RunFolder | None, seconds: float | None = None
) -> Clock:
    """The run's clock; under a budget over `seconds`, or over what is left of it since `began`."""
    if replay is not None:
        return Clock(recorded=[line["progress"] for line in replay.steps()])
    if recipe.budget is None:
        assert total is not None
        return Clock(total)
    if seconds is None:
        assert began is not None
        seconds = recipe.budget - (time.monotonic() - began) - FINISHING_SECONDS
    if seconds <= 0:
        raise GlassworkError(
            f"A budget of {recipe.budget:g} s is over before the first step: starting, reading and finishing "
            f"take {recipe.budget - seconds:.1f} s"
        )
    return Clock(total, seconds)


def _fingerprint(dataset: Dataset) -> str:
    """One number for all inputs and targets, in order."""
    prints = dataset.columns["fingerprints"]
    targets = dataset.columns.get("targets", torch.zeros(0))
    places = torch.arange(1, len(prints) + 1)
    return f"{int((prints * (2 * places + 1)).sum()) & (2**64 - 1):016x}-{float(targets.double().sum()):.6g}"
