"""Learning from a data set: the process of every system that has examples, and its frames over the plane."""

import copy
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from glasswork.data.dataset import Dataset
from glasswork.data.fingerprint import Fingerprint
from glasswork.data.splits import Splits
from glasswork.data.summary import Summary, summarise
from glasswork.execution import Execution
from glasswork.files import damaged, parsing
from glasswork.glassbox.regions import TERMINAL_CELLS, Plane, answers_over, as_region, plane_of, region, units_over
from glasswork.recipe.base import Recipe
from glasswork.report.figures import figure, main_metric
from glasswork.report.report import Score
from glasswork.systems.attempts import Attempts
from glasswork.systems.evaluation import measured_rows
from glasswork.systems.process import OnPlane, Outcome, Trained, run_key
from glasswork.systems.start import Start
from glasswork.systems.system import Context, Findings, Remarks, System
from glasswork.tensor_files import read_tensors, write_tensors
from glasswork.training.fit import best_of, minimise
from glasswork.training.memory import Memory
from glasswork.training.stage import Best, Stage, Step, Tree
from glasswork.training.watchers import stale

NOTHING_HELD_OUT = (
    "no examples were held out, so these results are for the training examples only and "
    "do not tell how well it predicts new ones"
)
FRAMES_FORMAT = 2
FRAMES_FILE = "frames.safetensors"
CELLS = 40
MOST_FRAMES = 24
FRAMES_APART = 400
"""Examples between two frames, so that the frames of a short run do not take longer than its steps."""


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
        start: the run that the training goes on from, if it does.
    """

    system: System
    network: nn.Module
    context: Context
    stages: Sequence[Stage]
    seconds: float | None = None
    memory: Memory | None = None
    warnings: tuple[str, ...] = ()
    remarks: Remarks = ()
    start: Start | None = None

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
    def fingerprint(self) -> Fingerprint:
        """Tells whether the data is that of an earlier sitting."""
        return Fingerprint.of(self.dataset, self.splits)

    @cached_property
    def key(self) -> str:
        """What tells the run apart from others."""
        return run_key(self.recipe, self.fingerprint)

    @property
    def trained_on(self) -> Tensor:
        """Fingerprints of the training examples, each once, int64; with those of the run that this one went on from."""
        prints = self.dataset.columns["fingerprints"][self.splits.training]
        seen = prints if self.start is None else torch.cat([prints, self.start.seen])
        found: Tensor = torch.unique(seen)
        return found

    def next_commands(self, run: str) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""
        return self.system.next_commands(run, self.dataset.task)

    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        """Makes the steps until the clock runs out or, with patience, the validation examples say so."""
        patience = self.recipe.patience
        if start is not None and stale(best_of(start), patience):
            return
        made = minimise(self.stages, start, patience)
        for step in record_frames(
            made, folder, self.network, self.plane, start["number"] if start else 0, self.key if self.plane else ""
        ):
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

    @property
    def _measuring(self) -> Execution:
        """As `evaluate` will measure it, also if training took bfloat16."""
        return replace(self.execution, precision="float32")

    def complete(self, last: Tree | None) -> Trained:
        """Completes the network with its best weights, else its last."""
        best = best_of(last) if last is not None else None
        if best is None and last is not None:
            self.network.load_state_dict(last["network"])
        self.keep(best, self._measuring)
        return Trained(self.network, self.dataset.task)

    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        """Measures the completed network on the test examples."""
        best = best_of(last) if last is not None else None
        context = replace(self.context, execution=self._measuring)
        where, rows = measured_rows(self.splits)
        evaluation = attempts.make(
            f"the figures on the {where} examples are",
            lambda: self.system.evaluate(self.network, self.dataset, rows, context.execution),
            None,
        )
        measured = {} if evaluation is None else evaluation.metrics.values
        found = plain_findings(measured)
        if evaluation is not None:
            found = attempts.make(
                "what only this system says in its report is",
                lambda: self.system.report(self.network, evaluation, context, last),
                found,
            )
        remarks = [*self.remarks, *found.remarks]
        result = {
            "best_epoch": best.epoch if best else None,
            "validation": dict(best.judgement.metrics) if best else {},
            "test": dict(measured),
            "measured_on": where,
            "examples": dict(self.summary.counts),
            "warnings": [*self.summary.warnings, *found.warnings],
            **found.results,
            **({"remarks": remarks} if remarks else {}),
        }
        plane = attempts.make("the picture of the plane is", lambda: self._over_plane(best, folder), None)
        return Outcome(found, result, plane)

    def _over_plane(self, best: Best | None, folder: Path) -> OnPlane | None:
        """What the network answers over the plane of its inputs, now and during training."""
        plane = self.plane
        if plane is None:
            return None
        moving = [
            (as_region(frame.answers, plane), f"epoch {frame.epoch:,}")
            for frame in read_frames(folder / FRAMES_FILE, self.key)
        ]
        if best is not None:  # an earlier network than the last one may have been kept
            kept = as_region(answers_over(self.network, plane, CELLS), plane)
            moving = [*moving, (kept, f"kept: epoch {best.epoch:,}")] if len(moving) > 1 else moving
        coarse = region(self.network, plane, TERMINAL_CELLS)
        return OnPlane(region(self.network, plane), coarse, units_over(self.network, plane), moving)


def plain_findings(metrics: Mapping[str, float]) -> Findings:
    """The main figure alone, if nothing else can be said."""
    name = main_metric(metrics)
    known = figure(name)
    value = metrics.get(name, math.nan)
    return Findings(Score(name, value, in_percent=known.share, higher_is_better=known.higher_is_better))


@dataclass(frozen=True)
class Frame:
    """The answers after a step.

    Attributes:
        number: of the step.
        epoch: of the step.
        progress: of the step.
        answers: as `glassbox.regions.answers_over` gives them, (CELLS, CELLS, outputs).
    """

    number: int
    epoch: int
    progress: float
    answers: Tensor


def record_frames(
    steps: Iterator[Step], folder: Callable[[], Path], network: nn.Module, plane: Plane | None, before: int, run: str
) -> Iterator[Step]:
    """Looks at the network at up to `MOST_FRAMES` moments, more of them early, as learning is fast there.

    The network, the random generators and the steps are left as they are. Frames are written before the state of a
    step is given out, so that they never lag behind a checkpoint.

    Args:
        steps: the steps of the run.
        folder: says where the run is now; its frames up to the step `before` are kept, later ones are dropped.
        network: of the kind that the steps change.
        plane: what is looked at; None: nothing, and the steps are given on as they are.
        before: number of the step after which this sitting goes on.
        run: the run's key.
    """
    return steps if plane is None else _record(steps, folder, network, plane, before, run)


def read_frames(file: Path, run: str) -> list[Frame]:
    """The frames in a file, oldest first; none if there is no file.

    Args:
        file: the file.
        run: the key of the run that it belongs to.

    Raises:
        GlassworkError: for a damaged file, one of another run, or one of another format.
    """
    if not file.is_file():
        return []
    remedy = "delete it, and the animation starts again"
    found = read_tensors(file, FRAMES_FORMAT, remedy)
    if found.facts.get("run") != run:
        raise damaged(file, "it belongs to another run", remedy)
    with parsing(file, remedy):
        steps, answers = json.loads(found.facts["steps"]), found.tensors["answers"]
        return [
            Frame(number, epoch, progress, one) for (number, epoch, progress), one in zip(steps, answers, strict=True)
        ]


def _record(
    steps: Iterator[Step], folder: Callable[[], Path], network: nn.Module, plane: Plane, before: int, run: str
) -> Iterator[Step]:
    frames, waiting = [frame for frame in read_frames(folder() / FRAMES_FILE, run) if frame.number <= before], False
    viewed = copy.deepcopy(network)  # with the weights of a step's state: of several networks those that lead

    def flush() -> None:
        nonlocal waiting
        if waiting:
            waiting = False  # first, so that a failure is not repeated while it is handed up
            _write_frames(folder() / FRAMES_FILE, frames, run)

    try:
        for step in steps:
            if step.last or not frames or _due(step, frames[-1]):
                viewed.load_state_dict(step.state()["network"])
                frames.append(Frame(step.number, step.epoch, step.progress, answers_over(viewed, plane, CELLS)))
                waiting = True

            def state(step: Step = step) -> Tree:
                flush()
                return step.state()

            yield step._replace(state=state)
    finally:
        flush()


def _due(step: Step, last: Frame) -> bool:
    """Whether the next moment has come; a function of step and last frame alone, so that resuming changes nothing."""
    later = _moment(step.progress) > _moment(last.progress)
    return later and (step.number - last.number) * step.examples >= FRAMES_APART


def _moment(progress: float) -> int:
    """Which of the moments of a run came last: moment k is at progress (k / (MOST_FRAMES - 1))^2."""
    return int((MOST_FRAMES - 1) * progress**0.5)


def _write_frames(file: Path, frames: list[Frame], run: str) -> None:
    steps = [(frame.number, frame.epoch, frame.progress) for frame in frames]
    answers = torch.stack([frame.answers for frame in frames])
    write_tensors(file, FRAMES_FORMAT, {"answers": answers}, {"run": run, "steps": json.dumps(steps)})
