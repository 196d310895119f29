"""Training on from a finished run: its recipe as defaults, its model as the beginning."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor

from glasswork.catalogue import make_system, row_of
from glasswork.data.fingerprint import Fingerprint
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Recipe
from glasswork.run.folder import RunFolder
from glasswork.run.request import Request, make_request
from glasswork.systems.own_data import absolute
from glasswork.systems.start import Start
from glasswork.systems.system import System
from glasswork.training.checkpoints import write_atomically

if TYPE_CHECKING:
    from torch import nn

SEEN = "seen.safetensors"
"""Fingerprints of the examples that a run was trained on."""
FREE = (
    *(name for name in Recipe.model_fields),
    *("augment", "class_weights", "classes_per_batch", "dropout", "examples_per_class", "finetune_rate"),
    *("bptt_length", "encoding", "label_smoothing", "loss", "margin", "mining", "order", "prompt", "samples"),
    *("splits", "strict", "stride", "target", "text"),
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
    files = [folder.model / "model.json", folder.model / "model.safetensors", folder.path / SEEN]
    return _read(folder.name, files, folder.read_data()[0], system)


def keep_start(folder: Path, start: Start) -> None:
    """Copies what the training begins with, so that the run does not depend on the other one."""
    folder.mkdir(exist_ok=True)
    description = {"task": start.task.to_json(), "fingerprint": start.fingerprint.to_json()}
    write_atomically(folder / "model.json", (json.dumps(description, indent=1) + "\n").encode())
    write_atomically(folder / "model.safetensors", save(dict(start.weights)))
    write_seen(folder, start.seen)


def read_start(folder: Path, run: str, system: System) -> Start:
    """Reads what `keep_start` wrote.

    Raises:
        GlassworkError: if it cannot be read.
    """
    return _read(run, [folder / "model.json", folder / "model.safetensors", folder / SEEN], None, system)


def write_seen(folder: Path, seen: Tensor) -> None:
    """Writes the fingerprints of the examples that a run was trained on."""
    write_atomically(folder / SEEN, save({"fingerprints": seen.contiguous()}))


def read_seen(folder: Path) -> Tensor:
    """Reads what `write_seen` wrote; empty if nothing was."""
    path = folder / SEEN
    return load(path.read_bytes())["fingerprints"] if path.is_file() else torch.zeros(0, dtype=torch.int64)


def _read(run: str, files: list[Path], fingerprint: Fingerprint | None, system: System) -> Start:
    try:
        description = json.loads(files[0].read_text(encoding="utf-8"))
        weights = load(files[1].read_bytes())
        seen = read_seen(files[2].parent)
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise GlassworkError(f"The model of {run} cannot be read: {error}") from None
    task = Task.from_json(description["task"], system.takes, system.answers)
    return Start(run, task, weights, fingerprint or Fingerprint.from_json(description["fingerprint"]), seen)
