"""Checkpoints: the state of a step as one safetensors file, written whole or not at all."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load, save
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.training.stage import Tree

FORMAT = 1
KEPT = 2


def write_atomically(path: Path, data: bytes) -> None:
    """Writes `data` under a temporary name, flushes it to the disk and renames it to `path`.

    Raises:
        GlassworkError: where the disk is full or the folder cannot be written to; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise GlassworkError(
            f"{path} cannot be written ({error.strerror}): free some space or choose another folder with --out; "
            "what was saved before is still there"
        ) from error


def is_temporary(path: Path) -> bool:
    """Whether a file is what `write_atomically` was writing when its process was killed, or is writing now."""
    return re.fullmatch(r"\..+\.[0-9]+", path.name) is not None


def sweep(folder: Path) -> None:
    """Deletes what killed processes left half written; only for the process that has claimed the folder."""
    for path in [*folder.iterdir()] if folder.is_dir() else ():
        if is_temporary(path) and path.is_file():
            path.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented JSON, whole or not at all."""
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def flatten(tree: Any, prefix: str, tensors: dict[str, Tensor]) -> Any:
    """The tree with each tensor moved to `tensors` and replaced by a reference to its key there."""
    if isinstance(tree, Tensor):
        while prefix in tensors:
            prefix += "'"
        tensors[prefix] = tree.detach().contiguous()
        return {"tensor": prefix}
    if isinstance(tree, Mapping):
        return {"map": {str(key): flatten(value, f"{prefix}/{key}", tensors) for key, value in tree.items()}}
    if isinstance(tree, (list, tuple)):
        return {"list": [flatten(value, f"{prefix}/{i}", tensors) for i, value in enumerate(tree)]}
    return {"value": tree}


def unflatten(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `flatten` took apart."""
    if "tensor" in node:
        return tensors[node["tensor"]]
    if "map" in node:
        return {key: unflatten(value, tensors) for key, value in node["map"].items()}
    if "list" in node:
        return [unflatten(value, tensors) for value in node["list"]]
    return node["value"]


def save_checkpoint(folder: Path, tree: Tree) -> Path:
    """Writes the state of a step and deletes all but the newest two checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    skeleton = flatten(tree, "state", tensors)
    shared: dict[int, str] = {}
    for key, tensor in tensors.items():
        if tensor.data_ptr() in shared:
            tensors[key] = tensor.clone()
        shared[tensor.data_ptr()] = key
    path = folder / f"{tree['number']:09d}.safetensors"
    write_atomically(path, save(tensors, {"format": str(FORMAT), "tree": json.dumps(skeleton)}))
    for old in checkpoints(folder)[:-KEPT]:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    found = [
        path for path in folder.glob("*.safetensors") if re.fullmatch("[0-9]{9,}", path.stem)
    ]  # others: the user's
    return sorted(found, key=lambda path: int(path.stem))


def load_checkpoint(path: Path) -> Tree:
    """The state of a step, in fresh memory.

    Raises:
        GlassworkError: for a damaged file or one of another format.
    """
    try:
        with safetensors.safe_open(str(path), "pt") as file:
            header = file.metadata() or {}
        if header.get("format") != str(FORMAT):
            raise GlassworkError(
                f"{path} has checkpoint format {header.get('format')}, this version of glasswork reads {FORMAT}: "
                "resume it with the version that wrote it"
            )
        tree: Tree = unflatten(json.loads(header["tree"]), load(path.read_bytes()))
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise GlassworkError(f"{path} cannot be read ({error}): delete it to resume from the one before") from None
    return tree
