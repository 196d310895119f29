"""Checkpoints: the state of a step as one safetensors file, written whole or not at all."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from glasswork.files import DamagedError, damaged
from glasswork.tensor_files import read_tensors, write_tensors
from glasswork.training.stage import Tree

FORMAT = 2
KEPT = 2


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
    path = folder / f"{tree['number']:09d}.safetensors"
    write_tensors(path, FORMAT, tensors, {"tree": json.dumps(skeleton)})
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
        DamagedError: for a file that is not as it was written.
        GlassworkError: for one of another format.
    """
    found = read_tensors(path, FORMAT)
    try:
        tree: Tree = unflatten(json.loads(found.facts["tree"]), found.tensors)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, str(error)) from None
    return tree


def load_newest(folder: Path, run: str) -> tuple[Tree | None, list[str]]:
    """The newest state that can be read, and a sentence about each newer one that cannot.

    Args:
        folder: where the checkpoints are.
        run: the key of the run that they have to belong to.

    Raises:
        DamagedError: if there are checkpoints and not one of them can be read.
        GlassworkError: for one of another format.
    """
    problems: list[str] = []
    for path in reversed(checkpoints(folder)):
        try:
            tree = load_checkpoint(path)
            if tree.get("log", {}).get("run") != run:
                raise damaged(path, "it belongs to another run")
            return tree, [f"{problem}; the one before is used, after step {tree['number']:,}" for problem in problems]
        except DamagedError as error:
            problems.append(str(error))
    if problems:
        raise DamagedError(
            f"{'; '.join(problems)}; no other checkpoint is left: to begin again with the first step, delete {folder}"
        )
    return None, []
