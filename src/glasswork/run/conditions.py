"""The conditions under which a run makes its steps, and what is no longer the same when it goes on.

What differs is named. What can change results (`DECIDING`) is refused unless it is accepted by name; what changes the
last bits of a sum at most is a note. Data that has changed is always refused: see `systems.own_data`.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from glasswork.errors import GlassworkError
from glasswork.execution import Execution, processor
from glasswork.files import read_regular
from glasswork.own_code import is_own
from glasswork.recipe.base import ProcessRecipe
from glasswork.run.folder import CONDITIONS, RunFolder
from glasswork.run.request import Request
from glasswork.run.start import FREE

DECIDING = {
    "recipe": "its recipe",
    "arithmetic": "its arithmetic",
    "code": "the code of glasswork",
    "own": "your own code",
}
"""What can change results: the words that accept it, and how it is called."""
BITS = {
    "torch": "torch",
    "numpy": "numpy",
    "python": "Python",
    "processor": "the processor",
    "instructions": "its instruction set",
    "accelerators": "the number of accelerators",
}
"""What changes rounding at most."""


def conditions(recipe: ProcessRecipe, execution: Execution, system: str) -> dict[str, Any]:
    """What the steps of a run depend on, beside its data, as plain JSON types.

    Args:
        recipe: with nothing left open.
        execution: how the arithmetic is carried out.
        system: its name, which may be a file of the user's own.
    """
    chosen = ("device", "threads", "precision", "memory_format")
    found = {
        "recipe": _recipe_of(recipe),
        "arithmetic": {name: getattr(execution, name) for name in chosen},
        "own": _own_code(system, getattr(recipe, "loss", None)),
        "code": {"version": metadata.version("glasswork"), "digest": _digest_of_code()},
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "processor": processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "accelerators": torch.cuda.device_count(),
    }
    return _plain(found)


def _recipe_of(recipe: ProcessRecipe) -> dict[str, Any]:
    return _plain({key: value for key, value in recipe.model_dump().items() if value is not None and key != "data"})


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """As it is read back."""
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def check_conditions(
    folder: RunFolder, request: Request, recipe: ProcessRecipe, execution: Execution, accepted: Collection[str]
) -> tuple[ProcessRecipe, tuple[str, ...]]:
    """The recipe to go on with, and sentences about what is not as it was when the run made its last steps.

    Args:
        folder: the run's.
        request: what `recipe.toml` asks for now.
        recipe: what `resolved.toml` says now.
        execution: likewise.
        accepted: which of `DECIDING` may differ.

    Raises:
        GlassworkError: if something that can change results differs and is not accepted.
    """
    unknown = sorted(set(accepted) - set(DECIDING))
    if unknown:
        raise GlassworkError(f"--accept takes {', '.join(DECIDING)}, and not '{unknown[0]}'")
    if (folder.path / "result.json").is_file():
        return recipe, ()  # a finished run makes no step
    if not (folder.path / CONDITIONS).exists():
        said = f"{folder.name} has no {CONDITIONS}: whether anything has changed since it was stopped is not known."
        return recipe, (said,)
    before = folder.read(CONDITIONS, "delete it, and the run goes on unchecked")
    known = before.get("recipe") if isinstance(before, dict) else None
    if not isinstance(known, dict):
        raise GlassworkError(f"{folder.path / CONDITIONS} is damaged: delete it, and the run goes on unchecked")
    asked = _recipe_of(request.recipe)
    edited = [name for name in request.asked if name != "data" and asked.get(name) != known.get(name)]
    recipe = recipe.model_copy(update={name: getattr(request.recipe, name) for name in edited})
    now = conditions(recipe, execution, request.system)
    for name in {**known, **now["recipe"]}:
        if name not in FREE and known.get(name) != now["recipe"].get(name):
            raise GlassworkError(
                f"{name} was {known.get(name)} when {folder.name} was stopped and is {now['recipe'].get(name)} now, "
                "and belongs to its network or to how it reads data: put it back as it was, or train again"
            )
    return recipe, compare(folder.name, before, now, accepted)


def compare(run: str, before: Mapping[str, Any], now: Mapping[str, Any], accepted: Collection[str]) -> tuple[str, ...]:
    """Sentences about what is not as it was when a run made its last steps.

    Args:
        run: its name.
        before: the conditions of its last sitting.
        now: those of today.
        accepted: which of `DECIDING` may differ.

    Raises:
        GlassworkError: if something that can change results differs and is not accepted.
    """
    known = {"own": now["own"], **before}  # earlier versions did not note it
    different = [name for name in DECIDING if known.get(name) != now[name]]
    refused = [name for name in different if name not in accepted]
    if refused:
        told = "; ".join(f"{DECIDING[name]} ({_change(before.get(name), now[name])})" for name in refused)
        raise GlassworkError(
            f"Since {run} was stopped, something has changed that can change its results: {told}; put it back as it "
            f"was, or go on all the same with --accept {','.join(refused)}"
        )
    taken = [f"{DECIDING[name]} ({_change(before.get(name), now[name])})" for name in different]
    sentences = [f"Since the run was stopped, this has changed and was accepted: {'; '.join(taken)}."] if taken else []
    bits = [
        f"{word} ({_change(before.get(name), now[name])})"
        for name, word in BITS.items()
        if before.get(name) != now[name]
    ]
    if bits:
        sentences.append(
            f"Since the run was stopped, this has changed: {'; '.join(bits)}. Its weights can differ in the last bits "
            "from those of a run that was not stopped."
        )
    return tuple(sentences)


def _change(before: Any, now: Any) -> str:
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return f"{before} before, {now} now"
    parts = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if parts == ["digest"]:
        return "files of it were edited"
    if all(_is_digest(now.get(name, before.get(name))) for name in parts):
        return f"{', '.join(parts)} changed"
    return ", ".join(f"{name} {before.get(name)} before, {now.get(name)} now" for name in parts if name != "digest")


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == hashlib.sha256().digest_size * 2


def _own_code(*words: str | None) -> dict[str, str]:
    """SHA-256 of the files of the user's own system and loss; networks are kept with the run."""
    found = {}
    for word in words:
        if is_own(word):
            source = str(word).rpartition(":")[0]
            path = source if source.endswith(".py") else getattr(sys.modules.get(source), "__file__", None)
            found[source] = hashlib.sha256(read_regular(path)).hexdigest() if path else ""
    return found


def _digest_of_code() -> str:
    """SHA-256 of the package's source files."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
