"""The study of a search: an optuna study in a file or under an address, which processes and machines may share."""

import contextlib
import hashlib
import importlib
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.recipe.base import Recipe
from glasswork.recipe.search import Choices, Layers, Search
from glasswork.studies.settings import name_of

if TYPE_CHECKING:
    import optuna

NAME = "glasswork"
STARTUP_TRIALS = 5
WAITING_SECONDS = 60
SILENT_SECONDS = 600
FINISHED, PRUNED, FAILED, STOPPED = "finished", "pruned", "failed", "stopped"
WAITING, RUNNING = "waiting", "running"


def import_optuna() -> Any:
    """The package optuna, which says only what matters.

    Raises:
        GlassworkError: where it is not installed.
    """
    try:
        package = importlib.import_module("optuna")
    except ImportError:
        raise GlassworkError("Searching needs optuna: pip install 'glasswork[tune]'") from None
    package.logging.set_verbosity(package.logging.ERROR)
    return package


@dataclass(frozen=True)
class TrialResult:
    """One trial.

    Attributes:
        number: from 1, in the order in which they began.
        state: `finished`; `pruned`, as its figure stayed behind that of others; `failed`, as its loss overflowed, say;
            `stopped`, as the time was up or the search was stopped: it is no answer, and made again.
        figure: on the validation examples, of the weights that a run would keep; None if there is none.
        values: of the fields that were searched.
        epochs: epochs made.
        steps: updates made.
        seconds: how long it took.
        reason: why it failed or was stopped; empty else.
    """

    number: int
    state: str
    figure: float | None
    values: Mapping[str, Any]
    epochs: int
    steps: int
    seconds: float
    reason: str

    @property
    def words(self) -> str:
        """The values in words."""
        return name_of(self.values)


@dataclass(frozen=True)
class Identity:
    """What makes a study one and the same; figures of anything else cannot be compared with its own.

    Attributes:
        preset: its name.
        asked: the fields that the user fixed.
        judge: what trials are compared by.
        data: a number for the examples.
    """

    preset: str
    asked: Mapping[str, Any]
    judge: str
    data: str

    def key(self) -> str:
        """A short name for a file."""
        words = json.dumps([self.preset, dict(self.asked), self.judge], sort_keys=True, default=str)
        return f"{mixed(*words.encode('utf-8', 'surrogateescape')) & 0xFFFFFFFF:08x}"


def open_study(address: str, identity: Identity, smaller_is_better: bool, warm_up: int) -> "optuna.Study":
    """The study in a file or under an address; a new one if there is none.

    Args:
        address: the path of an SQLite file, or a URL as optuna takes it.
        identity: of the search.
        smaller_is_better: of two figures.
        warm_up: epochs in which no trial is pruned.

    Raises:
        GlassworkError: where it cannot be opened, or is that of another search.
    """
    package = import_optuna()
    if "://" not in address:
        Path(address).parent.mkdir(parents=True, exist_ok=True)
    url = address if "://" in address else f"sqlite:///{address}"
    arguments = {"connect_args": {"timeout": WAITING_SECONDS}} if url.startswith("sqlite") else {}
    try:
        study: optuna.Study = package.create_study(
            storage=package.storages.RDBStorage(url, engine_kwargs=arguments),
            study_name=NAME,
            load_if_exists=True,
            direction="minimize" if smaller_is_better else "maximize",
            pruner=package.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=warm_up),
        )
        mine = json.loads(json.dumps(asdict(identity), default=str))
        theirs = study.user_attrs.get(NAME)
        if theirs is None:
            study.set_user_attr(NAME, mine)
    except GlassworkError:
        raise
    except Exception as error:  # sqlalchemy's many, some of which need their own driver to be named
        reason = " ".join(str(error).split())[:200]
        raise GlassworkError(f"{address} cannot be opened as a study: {reason}") from None
    if theirs is not None and theirs != mine:
        parts = ", ".join(f"{key} {theirs.get(key)}, not {mine[key]}" for key in mine if theirs.get(key) != mine[key])
        raise GlassworkError(f"{address} is the study of another search ({parts}): choose another file with --study")
    return study


def begin_trial(study: "optuna.Study", seed: int) -> "optuna.trial.Trial":
    """The next trial; what is drawn for it depends on the seed, its number and the trials before it alone.

    So a search that was stopped goes on as if it had not been.
    """
    with _alone(study):
        trial = study.ask()
    study.sampler = import_optuna().samplers.TPESampler(seed=mixed(seed, trial.number) & 0x7FFFFFFF)
    trial.set_user_attr("process", process())
    return trial


def give_back(study: "optuna.Study", number: int) -> None:
    """Ends a trial that was begun in vain; one that waited with values of its own waits again."""
    values = study.get_trials(deepcopy=False)[number].system_attrs.get("fixed_params")
    study.tell(number, state=import_optuna().trial.TrialState.FAIL)
    if values:
        study.enqueue_trial(values)


@contextlib.contextmanager
def _alone(study: "optuna.Study") -> Iterator[None]:
    """One process of this machine at a time: SQLite hands a waiting trial to both of two that ask at once."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    key = hashlib.blake2b(json.dumps(study.user_attrs.get(NAME)).encode(), digest_size=8).hexdigest()
    with (Path(tempfile.gettempdir()) / f"glasswork-{os.getuid()}-{key}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def process() -> list[Any]:
    """What tells others whether this process still works on its trial: machine, number, and when that was said."""
    return [platform.node(), os.getpid(), time.time()]


def count_trials(study: "optuna.Study", number: int | None = None) -> int:
    """How many trials are answers or may become ones; with `number`, of those before that one."""
    return sum(
        state_of(trial) not in {STOPPED, WAITING} and (number is None or trial.number < number)
        for trial in study.get_trials(deepcopy=False)
    )


def state_of(trial: "optuna.trial.FrozenTrial") -> str:
    """How a trial ended; or `waiting`; or `running`, but `stopped` where its process is no more."""
    if trial.state.name == "RUNNING":
        return STOPPED if _is_gone(trial) else RUNNING
    if trial.state.name == "FAIL":
        return STOPPED if trial.user_attrs.get("told", {}).get("stopped", True) else FAILED
    return {"COMPLETE": FINISHED, "PRUNED": PRUNED, "WAITING": WAITING}[trial.state.name]


def _is_gone(trial: "optuna.trial.FrozenTrial") -> bool:
    """Whether the process that made it has ended, here, or has been silent for long, elsewhere."""
    machine, number, seen = trial.user_attrs.get("process", ["", 0, time.time()])
    if machine == platform.node():
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return bool(time.time() - seen > SILENT_SECONDS)


def results(study: "optuna.Study") -> list[TrialResult]:
    """All trials that have ended."""
    known = [(trial, state_of(trial)) for trial in study.get_trials(deepcopy=False)]
    return [result_of(trial, state) for trial, state in known if state not in {RUNNING, WAITING}]


def result_of(trial: "optuna.trial.FrozenTrial", state: str) -> TrialResult:
    """A trial that has ended, in our words."""
    told = trial.user_attrs.get("told", {})
    last = trial.intermediate_values[max(trial.intermediate_values)] if trial.intermediate_values else None
    figure = trial.value if state == FINISHED else last
    return TrialResult(
        number=trial.number + 1,
        state=state,
        figure=figure if figure is not None and math.isfinite(figure) else None,
        values={
            key: tuple(value) if isinstance(value, list) else value for key, value in told.get("values", {}).items()
        },
        epochs=told.get("epochs", 0),
        steps=told.get("steps", 0),
        seconds=told.get("seconds", 0.0),
        reason=told.get("reason", ""),
    )


def importance(study: "optuna.Study") -> dict[str, float]:
    """How much each searched number matters, the most first; empty where too few trials have finished."""
    finished = [trial for trial in study.get_trials(deepcopy=False) if state_of(trial) == FINISHED]
    if len(finished) < 2 * STARTUP_TRIALS or len({trial.value for trial in finished}) < 2:
        return {}
    found = import_optuna().importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items() if math.isfinite(share)}


def suggest(trial: "optuna.trial.Trial", searches: Mapping[str, Search]) -> dict[str, Any]:
    """Values of the searched fields for a trial; numbers with three digits, so that people can type them."""
    return {name: _suggest_one(trial, name, search) for name, search in searches.items()}


def _suggest_one(trial: "optuna.trial.Trial", name: str, search: Search) -> Any:
    if isinstance(search, Choices):
        return trial.suggest_categorical(name, list(search.values))
    if isinstance(search, Layers):
        count = trial.suggest_int(f"{name} layers", 1, search.most)
        return tuple(trial.suggest_int(f"{name} {k + 1}", search.low, search.high, log=True) for k in range(count))
    if search.whole:
        return trial.suggest_int(name, int(search.low), int(search.high), log=search.log)
    return float(f"{trial.suggest_float(name, search.low, search.high, log=search.log):.3g}")


def as_it_stands(recipe: Recipe, searches: Mapping[str, Search]) -> dict[str, Any]:
    """What the first trial is told to draw: the recipe's own values, brought into the ranges."""
    found: dict[str, Any] = {}
    for name, search in searches.items():
        value = getattr(recipe, name)
        if isinstance(search, Choices):
            numbers = [one for one in search.values if isinstance(one, int | float)]
            near = min(numbers, key=lambda one: abs(one - value)) if numbers and value is not None else None
            found[name] = value if value in search.values else near
        elif isinstance(search, Layers):
            layers = value[: search.most]
            found |= {f"{name} layers": len(layers)} if layers else {}
            found |= {f"{name} {k + 1}": min(max(units, search.low), search.high) for k, units in enumerate(layers)}
        elif value is not None:
            found[name] = min(max(value, search.low), search.high)
    return {name: value for name, value in found.items() if value is not None}


def range_in_words(search: Search) -> str:
    """What is searched, for people."""
    if isinstance(search, Choices):
        return ", ".join(map(str, search.values))
    if isinstance(search, Layers):
        return f"1 to {search.most} layers of {search.low} to {search.high} units"
    return f"{search.low:g} to {search.high:g}" + (", by orders of magnitude" if search.log else "")
