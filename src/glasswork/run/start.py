"""Training on from a finished run: its recipe as defaults, its model as the beginning."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from glasswork.catalogue import make_system, row_of
from glasswork.data.fingerprint import Fingerprint
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.files import parsing
from glasswork.recipe.base import Recipe
from glasswork.run.folder import FORMAT, RESTORE, RunFolder
from glasswork.run.request import Request, make_request
from glasswork.systems.own_data import absolute
from glasswork.systems.start import Start
from glasswork.systems.system import System
from glasswork.tensor_files import read_tensors, require_digest, write_tensors

if TYPE_CHECKING:
    from torch import nn

SEEN = "seen.safetensors"
"""Fingerprints of the examples that a run was trained on."""
FREE = (
    *(name for name in Recipe.model_fields),
    *("augment", "class_weights", "classes_per_batch", "dropout", "examples_per_class", "finetune_rate"),
    *("bptt_length", "encoding", "label_smoothing", "loss", "margin", "mining", "order", "prompt", "samples"),
    *("splits", "strict", "stride", "target", "text", "unfreeze"),
)
"""Fields that may be others than those of the run; the rest belongs to its network, or to how it reads data."""


def continue_request(
    run: str | Path, preset: str | None, values: Mapping[str, Any], network: "nn.Module | None" = None
) -> Request:
    """The request for training on from a run: what it used is the default of every field.

    Args:
        run: its folder, or its name under runs/.
        preset: as the user named it; None: that of the run.
        values: fields of recipe and machine that are asked for.
        network: the user's own, if it is given as a module.

    Raises:
        GlassworkError: if the run is of another preset, or a field would make another network.
    """
    folder = RunFolder.find(run)
    former = folder.read_request(network)
    if preset not in {None, former.preset}:
        raise GlassworkError(f"{run} is a run of {former.preset}, not of {preset}: leave the preset out")
    used, _ = folder.read_resolved(row_of(former.system).recipe)
    defaults = {key: value for key, value in used.model_dump().items() if value is not None}
    _, place = folder.read_data()
    if place is not None and "data" not in values and absolute(str(used.data)) != place:
        defaults["data"] = str(place)
    if kept := folder.kept_network(used):
        values = {key: value for key, value in values.items() if key != "network"}  # named, so that the copy may run
        defaults |= kept
    for key, without in _OUTDATED.items():
        if key in values:
            defaults = {name: value for name, value in defaults.items() if name not in without}
    for name in ("restarts", "select_by"):  # restarts begin with random weights
        defaults.pop(name, None)
    asked = make_request(former.preset, {**defaults, **values}, network)
    for name in asked.asked:
        if name in values and name not in FREE and getattr(asked.recipe, name) != getattr(used, name):
            flag = name.replace("_", "-")
            raise GlassworkError(
                f"--{flag} belongs to the network of {run} or to how it reads data, and stays as it is: leave it out, "
                "or train a new network without --from"
            )
    return replace(asked, start=str(run))


_OUTDATED = {
    "budget": ("epochs", "patience"),
    "epochs": ("budget",),
    "optimizer": ("learning_rate", "weight_decay"),
    "penalty": ("strength",),
}
"""Values of the run that do not go with another value of a field."""


def load_start(folder: RunFolder, request: Request) -> Start:
    """The model of a finished run, to be trained on.

    Raises:
        GlassworkError: if the run is not finished, or its files cannot be read.
    """
    if not (folder.model / "model.json").is_file():
        raise GlassworkError(f"{folder.name} has no model yet: finish it with glasswork resume {folder.name}")
    system = make_system(request.system, request.recipe, request.network)
    remedy = f"glasswork resume {folder.name} makes it again"
    found = read_model(folder, folder.model, folder.path, remedy)
    with parsing(folder.model / "model.json", remedy):
        task = Task.from_json(found.description["task"], system.takes, system.answers)
    return Start(folder.name, task, found.weights, folder.read_data()[0], found.seen)


@dataclass(frozen=True)
class KeptModel:
    """A model as it lies in a folder.

    Attributes:
        description: what its inputs and outputs mean, as plain JSON types.
        weights: of its network.
        seen: fingerprints of the examples that it was trained on.
    """

    description: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    seen: Tensor


def read_model(run: RunFolder, folder: Path, seen: Path, remedy: str) -> KeptModel:
    """Reads a model whose parts belong together.

    Args:
        run: whose it is.
        folder: where `model.json` and `model.safetensors` lie.
        seen: the folder with the fingerprints of the examples.
        remedy: what to do if a file is damaged.

    Raises:
        DamagedError: if a file was changed or is another run's.
    """
    description = run.read(str((folder / "model.json").relative_to(run.path)), remedy)
    weights = read_tensors(folder / "model.safetensors", FORMAT, remedy)
    require_digest(folder / "model.safetensors", weights.digest, description.get("weights"), remedy)
    return KeptModel(description, weights.tensors, read_seen(seen, description.get("seen"), remedy))


def keep_start(run: RunFolder, start: Start) -> None:
    """Copies what the training begins with, so that the run does not depend on the other one."""
    run.start.mkdir(exist_ok=True)
    description = {
        "weights": write_tensors(run.start / "model.safetensors", FORMAT, start.weights, {}),
        "seen": write_seen(run.start, start.seen),
        "task": start.task.to_json(),
        "fingerprint": start.fingerprint.to_json(),
    }
    run.write("start/model.json", description)


def read_start(run: RunFolder, origin: str, system: System) -> Start:
    """Reads what `keep_start` wrote.

    Raises:
        DamagedError: if a file was changed.
    """
    found = read_model(run, run.start, run.start, RESTORE)
    with parsing(run.start / "model.json", RESTORE):
        task = Task.from_json(found.description["task"], system.takes, system.answers)
        fingerprint = Fingerprint.from_json(found.description["fingerprint"])
    return Start(origin, task, found.weights, fingerprint, found.seen)


def write_seen(folder: Path, seen: Tensor) -> str:
    """Writes the fingerprints of the examples that a run was trained on; the digest of the file."""
    return write_tensors(folder / SEEN, FORMAT, {"fingerprints": seen}, {})


def read_seen(folder: Path, digest: object, remedy: str) -> Tensor:
    """Reads what `write_seen` wrote.

    Raises:
        DamagedError: if it was changed, or has another digest.
    """
    found = read_tensors(folder / SEEN, FORMAT, remedy)
    require_digest(folder / SEEN, found.digest, digest, remedy)
    with parsing(folder / SEEN, remedy):
        return found.tensors["fingerprints"]
