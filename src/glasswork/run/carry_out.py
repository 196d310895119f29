"""A process carried out in a folder: logged, saved, interrupted and resumed."""

import shlex
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.catalogue import preset as preset_of
from glasswork.catalogue import row_of
from glasswork.errors import GlassworkError
from glasswork.execution import choose_device, environment
from glasswork.files import parsing
from glasswork.own_code import is_own
from glasswork.record import read_fields
from glasswork.run.conditions import check_conditions, conditions
from glasswork.run.folder import CONDITIONS, RESTORE, RunFolder
from glasswork.run.own_data import own_data
from glasswork.run.prepare import Former, Resumed, prepare_process
from glasswork.run.request import Request
from glasswork.run.start import keep_start, load_start
from glasswork.systems.own_data import place_of
from glasswork.systems.process import Outcome, Process, run_key
from glasswork.training.checkpoints import load_newest
from glasswork.training.fit import best_of
from glasswork.training.stage import Best, Step, Tree
from glasswork.training.watchers import Interruption, interruptible, logged, saved

AGAIN = "give the same command again"


@dataclass
class Run:
    """A process and the folder that it is carried out in; `steps` carries it out.

    Attributes:
        folder: where it is written.
        request: what was asked for.
        process: what is carried out.
        state: of the last step of an earlier sitting; None for a new run.
        notes: sentences about files of an earlier sitting that were damaged, and what went wrong beside the steps.
        interrupted: whether it was stopped before its end.
        last: the last step made in this sitting.
        outcome: what it came to; None before it is finished.
    """

    folder: RunFolder
    request: Request
    process: Process
    state: Tree | None = None
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    last: Step | None = None
    outcome: Outcome | None = None

    def steps(self) -> Iterator[Step]:
        """Carries the process out from where it stands; every step is logged and the run saved as it goes."""
        before, name = self.state["number"] if self.state else 0, self.folder.name
        made = logged(self.process.steps(self.state, lambda: self.folder.path), self.folder.path, self.folder.key)
        with (
            self.folder.kept(),
            Interruption() as interruption,
            closing(saved(made, lambda: self.folder.checkpoints)) as saves,
        ):
            steps: Iterator[Step] = saves
            said: list[str] = []
            if self.request.machine.tensorboard:
                from glasswork.run.tensorboard import record_events

                steps = record_events(steps, self.folder.path, before, said)
            for step in interruptible(steps, lambda: interruption.wished):
                self.last = step
                yield step
        if self.folder.name != name:
            said.append(f"{name} was renamed while it trained: it is {self.folder.name} now")
        self.notes += tuple(said)
        self.interrupted = interruption.wished
        if self.interrupted:
            self.folder.unlock()

    @property
    def naming(self) -> str:
        """What else a command about the run has to name: ` --system file.py:Class`, a network or loss likewise."""
        return _naming(self.request)

    @property
    def stopped(self) -> str:
        """What is said about a run that was stopped: what is saved, and how it goes on."""
        number = self.last.number if self.last else self.state["number"] if self.state else 0
        at = f"after step {number}" if number else "before the first step"
        return f"stopped {at} and saved: continue with glasswork resume {self.folder.name}{self.naming}"

    def next_commands(self) -> list[tuple[str, str]]:
        """What to try after the run: commands, and what each does."""
        found = self.process.next_commands(self.folder.name)
        return [(command + self.naming, sentence) for command, sentence in found]

    def last_state(self) -> Tree | None:
        """The state of the last step, in all sittings; None if not one was made."""
        return self.last.state() if self.last is not None else self.state

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


def begin_run(request: Request, spent: float = 0.0) -> Run:
    """Makes a new run ready.

    Args:
        request: what is asked for.
        spent: seconds of a budget that are gone already, such as the start of the process.

    Raises:
        GlassworkError: for data, a network or a machine that does not fit; nothing is left behind then.
    """
    replay = _find_replayed(request)
    former = None
    if replay is not None:
        _, execution = replay.read_resolved(row_of(request.system).recipe)
        former = Former(execution, replay.progress())
    origin = None if request.start is None else RunFolder.find(request.start)
    start = None if origin is None else load_start(origin, request)
    process = prepare_process(request, former=former, spent=spent, start=start)
    summary = process.summary  # before the folder is made, in case that the data is refused
    folder = RunFolder.create(request.machine.out, request.preset)
    folder.key = run_key(process.recipe, process.fingerprint)
    with _begun(folder, request):
        folder.keep_network(process.recipe)
        if start is not None:
            keep_start(folder, start)
        folder.write_resolved(process.recipe, process.execution)
        began_with = {
            "training_seconds": process.seconds,
            "memory": process.memory.to_json() if process.memory is not None else None,
            "remarks": process.remarks,
        }
        folder.write("environment.json", {**environment(), **began_with})
        folder.write(CONDITIONS, conditions(process.recipe, process.execution, request.system))
        folder.write_data(summary.to_json(), process.fingerprint, place_of(process.recipe.data, _usual_data(request)))
        folder.write_request(request)  # last, as it is what a folder is known by
    return Run(folder, request, process)


@contextmanager
def _begun(folder: RunFolder, request: Request) -> Iterator[None]:
    """Where writing breaks off before the folder is a run, none of it is left; Ctrl-C says how to go on."""
    with folder.kept():
        try:
            yield
            return
        except BaseException as error:
            begun = folder.discard_unbegun()
            if not isinstance(error, KeyboardInterrupt):
                raise
        advice = f"continue with glasswork resume {folder.name}{_naming(request)}" if begun else AGAIN
        raise KeyboardInterrupt(f"stopped before the first step: {advice}") from None


def reopen(
    folder: RunFolder, network: nn.Module | None = None, data: str | None = None, accept: Collection[str] = ()
) -> Run:
    """Makes a run ready to go on where it was stopped.

    Args:
        folder: the run's.
        network: the user's own, if the run began with a module.
        data: where its data is now; None: where it was.
        accept: what may differ from the sitting before, of `conditions.DECIDING`.

    Raises:
        GlassworkError: if the run is in use, its data has moved or changed, its files are of another version, or
            something has changed that can change results and is not accepted.
    """
    folder.lock()
    with folder.kept():
        request = folder.read_request(network)
        recipe, execution = folder.read_resolved(row_of(request.system).recipe)
        choose_device(execution.device)  # it has to be there
        recipe, changes = check_conditions(folder, request, recipe, execution, accept)
        state, notes = load_newest(folder.checkpoints, folder.key)
        own = None
        if row_of(request.system).data:
            own = own_data(folder, request, torch.zeros(0, dtype=torch.int64))
        elif data is not None:
            raise GlassworkError(f"{folder.name} learns from no data set: leave out --data")
        environment = folder.read("environment.json")
        with parsing(folder.path / "environment.json", RESTORE):
            began_with = read_fields(_BeganWith, environment)
        resumed = Resumed(
            recipe=folder.with_kept_network(recipe),
            own=own,
            seconds=began_with.training_seconds,
            remarks=began_with.remarks,
            fresh=state is None,
            place=data,
            changes=changes,
        )
        replay = _find_replayed(request)
        former = Former(execution, None if replay is None else replay.progress(), resumed)
        process = prepare_process(request, former=former, start=None if own is None else own.start)
        if data is not None:
            folder.move_data(place_of(data, _usual_data(request)))
        if changes:
            folder.write_resolved(recipe, execution)
            folder.write(CONDITIONS, conditions(recipe, execution, request.system))
        notes += folder.cut_steps(state)  # last, as a run that is refused stays as it is
        return Run(folder, request, process, state, tuple(notes))


@dataclass(frozen=True)
class _BeganWith:
    training_seconds: float | None
    remarks: tuple[str, ...]


def _naming(request: Request) -> str:
    system, recipe = request.system, request.recipe.model_dump()
    own = {"system": None if row_of(system).own is None else system}
    own |= {name: word for name in ("network", "loss") if is_own(word := recipe.get(name))}
    if request.network is not None:
        own.pop("network", None)
    return "".join(f" --{name} {shlex.quote(word)}" for name, word in own.items() if word)


def _usual_data(request: Request) -> str | None:
    return preset_of(request.preset).data


def _find_replayed(request: Request) -> RunFolder | None:
    return None if request.machine.replay is None else RunFolder.find(request.machine.replay)
