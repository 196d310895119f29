"""The run folder: what is written when, whole or not at all; readable without us."""

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from glasswork.catalogue import row_of
from glasswork.errors import GlassworkError
from glasswork.files import (
    RUN_FORMAT,
    STEPS,
    DamagedError,
    HeldFolder,
    check_code,
    damaged,
    is_temporary,
    open_regular,
    parsing,
    read_json,
    read_regular,
    read_sealed_toml,
    sweep,
    write_code,
    write_json,
    write_toml,
)
from glasswork.own_code import SEAL
from glasswork.recipe.base import ProcessRecipe
from glasswork.record import read_fields
from glasswork.run.request import RUN_KEY, Request, request_of

if TYPE_CHECKING:  # torch takes a second to begin, and runs are also listed and compared
    from torch import nn

    from glasswork.data.fingerprint import Fingerprint
    from glasswork.execution import Execution
    from glasswork.training.stage import Tree

FORMAT = RUN_FORMAT
RUNS = Path("runs")
OWN_NETWORK = "network.py"
CONDITIONS = "conditions.json"
BEFORE_THE_RECIPE = {CONDITIONS, ".lock", OWN_NETWORK, "start", "resolved.toml", "environment.json", "data.json"}
"""What a run writes before `recipe.toml`, by which a folder is known as a run."""
OF_ONE_TIME = ("out", "measure")
"""What is asked of the machine for one training, and not again if its recipe is trained a second time."""
RESULT = "result.json"
RESTORE = "restore it from a copy, or train again"


class RunFolder:
    """The files of one run.

    `recipe.toml`: what was asked; `resolved.toml`: what was used; `environment.json`: the machine;
    `conditions.json`: what the steps depend on; `data.json`: what
    the data is; `steps.jsonl`: a line per step, without a clock; `timing.jsonl`: seconds; `checkpoints/`; `model/`;
    `start/`: the model that the training began with, if it was another run's; `seen.safetensors`: fingerprints of the
    training examples; `network.py`: the user's own network; `result.json`: the figures; `report.html`: the figures for
    people.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: IO[str] | None = None
        self._held: HeldFolder | None = None
        self._key = ""

    @property
    def path(self) -> Path:
        """Where the run is; if it is claimed and was renamed since, where it is now.

        Raises:
            GlassworkError: if it is claimed and was deleted.
        """
        if self._held is not None:
            self._path = self._held.path
        return self._path

    @property
    def name(self) -> str:
        """The folder as the user would type it."""
        return str(self.path)

    @property
    def key(self) -> str:
        """What all files of the run name, so that none is taken for another run's.

        Raises:
            GlassworkError: if `resolved.toml`, which it stands in, cannot be read.
        """
        if not self._key:
            self._read_resolved()
        return self._key

    @key.setter
    def key(self, key: str) -> None:
        self._key = key

    def required(self, table: Mapping[str, Any], file: Path, remedy: str = RESTORE) -> dict[str, Any]:
        """The table without the run's key.

        Raises:
            DamagedError: if the key is another run's.
        """
        if table.get(RUN_KEY) != self.key:
            raise damaged(file, "it belongs to another run", remedy)
        return {name: value for name, value in table.items() if name != RUN_KEY}

    @property
    def checkpoints(self) -> Path:
        """Where the states of steps are kept."""
        return self.path / "checkpoints"

    @property
    def start(self) -> Path:
        """Where the model is kept that the training began with, if it was another run's."""
        return self.path / "start"

    @property
    def model(self) -> Path:
        """Where the trained model is kept."""
        return self.path / "model"

    @classmethod
    def create(cls, asked: str | None, preset: str) -> "RunFolder":
        """A new folder, locked for this process: the asked one, or the next `runs/<preset>-<number>`.

        Raises:
            GlassworkError: where the folder holds something already or cannot be made.
        """
        if asked is None:
            return cls._next(preset)
        path = Path(asked)
        if path.exists() and not path.is_dir():
            raise GlassworkError(f"{path} is a file: choose another folder with --out")
        folder = cls(path)
        _refuse_filled(path)
        folder.lock()
        with folder.kept():
            _refuse_filled(path)  # again, as another process may have been faster
            _clear(path)
        return folder

    @classmethod
    def _next(cls, preset: str) -> "RunFolder":
        try:
            RUNS.mkdir(parents=True, exist_ok=True)
            given = re.compile(re.escape(preset) + "-([1-9][0-9]{0,5})")  # other names are the user's: mlp-20261130
            numbers = [int(found[1]) for path in RUNS.iterdir() if (found := given.fullmatch(path.name))]
            for number in itertools.count(max(numbers, default=0) + 1):
                path = RUNS / f"{preset}-{number}"
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                folder = cls(path)
                folder.lock()
                return folder
        except OSError as error:
            raise GlassworkError(
                f"{RUNS.absolute()} cannot be written ({error.strerror}): choose a folder with --out"
            ) from None
        raise AssertionError("there is always a next number")

    @classmethod
    def find(cls, word: str | Path) -> "RunFolder":
        """The run at a path, or by its name under runs/.

        Raises:
            GlassworkError: if there is none.
        """
        for path in (Path(word), RUNS / word):
            if (path / "recipe.toml").is_file():
                return cls(path)
        there = ", ".join(folder.path.name for folder in list_runs()[-5:])
        hint = f"the latest under runs/ are {there}" if there else "glasswork train makes one"
        raise GlassworkError(f"There is no run at {word}: {hint}")

    def lock(self) -> None:
        """Claims the folder for this process until it ends.

        Raises:
            GlassworkError: where another process has claimed it, it has links in it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            _refuse_links(self.path)
            file = (self.path / ".lock").open("a", encoding="ascii")
        except OSError as error:
            raise GlassworkError(
                f"{self.path} cannot be written ({error.strerror}): choose another with --out"
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise GlassworkError(
                f"{self.path} is in use by another process: wait for it, or choose another --out"
            ) from None
        self._lock, self._held = file, HeldFolder(self.path)
        for folder in (self.path, self.checkpoints, self.model, self.start):
            sweep(folder)

    def unlock(self) -> None:
        """Gives the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._held is not None:
            with contextlib.suppress(GlassworkError):
                self._path = self._held.path
            self._held.close()
            self._held = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Gives the folder back where what is done with it breaks off: a kept traceback would keep the lock."""
        try:
            yield
        except BaseException:
            self.unlock()
            raise

    def discard_unbegun(self) -> bool:
        """Deletes the folder if its recipe has not been written yet; whether it is a run.

        A folder that was there before is left empty.
        """
        if (self.path / "recipe.toml").is_file():
            return True
        _clear(self.path)
        (self.path / ".lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return False

    def write_request(self, request: Request) -> None:
        """Writes `recipe.toml`, which `glasswork train` reads back."""
        table: dict[str, Any] = {RUN_KEY: self.key, "preset": request.preset}
        if row_of(request.system).own is not None:
            table["system"] = request.system
        if request.start is not None:
            table["from"] = request.start
        table |= _plain(request.asked)
        machine = _plain({key: value for key, value in request.machine.asked().items() if key not in OF_ONE_TIME})
        if machine:
            table["machine"] = machine
        write_toml(self.path / "recipe.toml", FORMAT, table)

    def read_request(self, network: "nn.Module | None" = None) -> Request:
        """What was asked for; with the user's own network, if it was given as a module."""
        path = self.path / "recipe.toml"
        with parsing(path, RESTORE):
            asked = self.required(read_sealed_toml(path, FORMAT, RESTORE), path)
            return replace(request_of(asked, path, {}), network=network)

    def write_resolved(self, recipe: ProcessRecipe, execution: "Execution") -> None:
        """Writes `resolved.toml`: the recipe with every derived value, and how the arithmetic is carried out."""
        values = _plain({key: value for key, value in recipe.model_dump().items() if value is not None})
        chosen = {key: value for key, value in asdict(execution).items() if key != "measured"}
        table = {RUN_KEY: self.key, **values, "numerics": {**chosen, "measured": dict(execution.measured)}}
        write_toml(self.path / "resolved.toml", FORMAT, table)

    def read_resolved(self, recipe_class: type[ProcessRecipe]) -> "tuple[ProcessRecipe, Execution]":
        """What was used."""
        table, execution = self.read_used()
        with parsing(self.path / "resolved.toml", RESTORE):
            return recipe_class.parse(table), execution

    def read_used(self) -> "tuple[dict[str, Any], Execution]":
        """The fields of the recipe that was used, and how it was carried out."""
        from glasswork.execution import Execution

        path = self.path / "resolved.toml"
        table, chosen = self._read_resolved()
        with parsing(path, RESTORE):
            return table, read_fields(Execution, {**chosen, "measured": list(chosen["measured"].items())})

    def read_used_recipe(self) -> dict[str, Any]:
        """The fields of the recipe that was used."""
        return self._read_resolved()[0]

    def _read_resolved(self) -> tuple[dict[str, Any], dict[str, Any]]:
        path = self.path / "resolved.toml"
        table = read_sealed_toml(path, FORMAT, RESTORE)
        with parsing(path, RESTORE):
            self._key = table.pop(RUN_KEY)
            return table, table.pop("numerics")

    def keep_network(self, recipe: ProcessRecipe) -> None:
        """Copies the user's own network, given as `file.py:Class`, so that the run does not depend on that file."""
        file, colon, _ = str(recipe.model_dump().get("network", "")).rpartition(":")
        if colon and file.endswith(".py"):
            write_code(self.path / OWN_NETWORK, SEAL.sub(b"", read_regular(file)), self.key)

    def with_kept_network(self, recipe: ProcessRecipe) -> ProcessRecipe:
        """The recipe with the copy that `keep_network` made in place of the user's file."""
        return recipe.model_copy(update=self.kept_network(recipe))

    def kept_network(self, recipe: ProcessRecipe) -> dict[str, str]:
        """The field `network` with that copy, by its absolute path; empty if the network is not the user's own file.

        Raises:
            DamagedError: if the copy is missing or was changed.
        """
        path = (self.path / OWN_NETWORK).absolute()
        file, colon, name = str(recipe.model_dump().get("network", "")).rpartition(":")
        if not (colon and file.endswith(".py")):
            return {}
        check_code(path, self.key, RESTORE)
        return {"network": f"{path}:{name}"}

    def write_data(self, summary: Mapping[str, Any], fingerprint: "Fingerprint", path: Path | None) -> None:
        """Writes `data.json`: what the data is, where it is, and what tells whether it is still the same."""
        where = None if path is None else str(path)
        self.write("data.json", {**summary, "path": where, "fingerprint": fingerprint.to_json()})

    def move_data(self, path: Path | None) -> None:
        """Notes where the data is now."""
        self.write("data.json", {**self.read("data.json"), "path": None if path is None else str(path)})

    def read_data(self) -> "tuple[Fingerprint, Path | None]":
        """What tells whether the data is still the same, and where it was; None if it has a name.

        Raises:
            GlassworkError: if the run has not noted it.
        """
        from glasswork.data.fingerprint import Fingerprint

        found, path = self.read("data.json"), self.path / "data.json"
        with parsing(path, RESTORE):
            place, fingerprint = found["path"], Fingerprint.from_json(found["fingerprint"])
            return fingerprint, None if place is None else Path(place)

    def write(self, file: str, table: Mapping[str, Any]) -> None:
        """Writes a JSON file of the run."""
        write_json(self.path / file, FORMAT, {RUN_KEY: self.key, **table})

    def read(self, file: str, remedy: str = RESTORE) -> dict[str, Any]:
        """A JSON file of the run.

        Raises:
            DamagedError: if it is missing, was changed, or is another run's.
        """
        path = self.path / file
        return self.required(read_json(path, FORMAT, remedy), path, remedy)

    def read_result(self) -> dict[str, Any] | None:
        """The figures; None if the run is not finished.

        Raises:
            GlassworkError: if they cannot be read.
        """
        path, remedy = self.path / RESULT, f"glasswork resume {self.name} writes it again"
        if not path.exists():
            return None
        found = self.read(RESULT, remedy)
        with parsing(path, remedy):
            read_fields(Figures, found)
        return {"format": FORMAT, **found}

    def steps(self) -> Iterator[dict[str, Any]]:
        """The lines of `steps.jsonl`; a last line cut off by a kill is left out."""
        path = self.path / STEPS
        if path.is_file():
            with open_regular(path) as file:
                for line in file:
                    if line.endswith(b"\n"):
                        with parsing(path, "delete it, and resume the run"):
                            yield json.loads(line)

    def progress(self) -> list[float]:
        """How far the run had come before each of its steps, in `steps.jsonl` as it was written.

        Raises:
            DamagedError: if the lines are not those that were written.
        """
        from glasswork.training.checkpoints import load_newest

        state, _ = load_newest(self.checkpoints, self.key)
        if state is None:
            raise DamagedError(f"{self.name} has no checkpoint that its steps could be checked with: train again")
        made, _ = self._made(state)
        return [json.loads(line)["progress"] for line in made]

    def cut_steps(self, state: "Tree | None") -> list[str]:
        """Drops the lines of later steps from `steps.jsonl` and `timing.jsonl`, before a run goes on.

        Args:
            state: from which it goes on; None: from the beginning.

        Returns:
            Sentences about what is missing.

        Raises:
            DamagedError: if the lines up to there are not those that were written.
        """
        path, number = self.path / STEPS, state["number"] if state else 0
        if not path.is_file():
            return [f"{path} is missing: the curves begin after step {number:,}"] if number else []
        said = []
        if state is None:
            if path.stat().st_size:
                said = [f"{self.name} has no checkpoint: it begins again with the first step"]
            os.truncate(path, 0)
        else:
            os.truncate(path, self._made(state)[1])
        times = self.path / "timing.jsonl"
        if times.is_file():
            os.truncate(times, _bytes_up_to(times, number))
        return said

    def _made(self, state: "Tree") -> tuple[list[bytes], int]:
        """The lines of the steps up to a state, and their bytes."""
        path, number = self.path / STEPS, state["number"]
        end = _bytes_up_to(path, number)
        with open_regular(path) as file:
            made = file.read(end)
        if hashlib.sha256(made).hexdigest() != state["log"]["lines"]:
            lines = made.count(b"\n")
            whole = (
                f"only {lines:,} of its first {number:,} lines are whole" if lines < number else "a line was changed"
            )
            raise damaged(path, whole, "delete it to go on, and the curves leave out the steps so far")
        return made.splitlines(), end


@dataclass(frozen=True)
class Figures:
    """The entries of `result.json` that those use who look at several runs."""

    data: str | None
    seconds: float
    steps: int
    epochs: int
    test: Mapping[str, float | None]
    validation: Mapping[str, float | None]
    best_epoch: int | None


def _bytes_up_to(path: Path, number: int) -> int:
    """How many bytes the whole lines of a log take, from the first on, until that of a step after `number`."""
    end = 0
    with open_regular(path) as lines:
        for line in lines:
            try:
                step = json.loads(line)["step"]
            except (ValueError, LookupError, TypeError, RecursionError):
                break
            if type(step) is not int or step > number or not line.endswith(b"\n"):
                break
            end += len(line)
    return end


def _refuse_links(path: Path) -> None:
    """Refuses to write into a folder that has links in it: they may lead to any file of the user's."""
    for place, folders, files in os.walk(path):
        for name in (*folders, *files):
            if (entry := Path(place, name)).is_symlink():
                raise GlassworkError(
                    f"{entry} is a link, and links in a run's folder are not followed when it is written to: put what "
                    "it leads to in its place"
                )


def _refuse_filled(path: Path) -> None:
    if path.is_dir() and not _is_unbegun(path):
        what = f"a run: continue it with glasswork resume {path}" if (path / "recipe.toml").exists() else "files"
        raise GlassworkError(f"{path} already holds {what}, or choose another folder with --out")


def _is_unbegun(path: Path) -> bool:
    """Whether a folder is empty, or holds only what a run writes before its recipe: its process was killed then."""
    entries = [*path.iterdir()]
    ours = any(entry.name == ".lock" for entry in entries)
    return not entries or (ours and all(each.name in BEFORE_THE_RECIPE or is_temporary(each) for each in entries))


def _clear(path: Path) -> None:
    """Deletes what a run left that was killed before its recipe was written."""
    for name in BEFORE_THE_RECIPE - {".lock"}:
        if (path / name).is_dir():
            shutil.rmtree(path / name)
        else:
            (path / name).unlink(missing_ok=True)


def list_runs() -> list[RunFolder]:
    """The runs under runs/, oldest first."""
    found = [path.parent for path in RUNS.glob("*/recipe.toml")]
    return [RunFolder(path) for path in sorted(found, key=lambda path: (path / "recipe.toml").stat().st_mtime)]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as TOML has them: lists for tuples, nothing for None."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value is not None
    }
