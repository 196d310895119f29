"""Code of the user's own: a class or function that `file.py:Name` or `module:Name` names."""

import contextlib
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glasswork.errors import GlassworkError
from glasswork.files import read_regular


def import_named(word: str, what: str) -> Any:
    """Imports a module or runs a file, and returns what is named in it.

    Args:
        word: `file.py:Name`, or `module:Name` of an installed module.
        what: what it is, for messages, such as `system`.

    Raises:
        GlassworkError: if there is no such file, module or name, or it cannot be imported.
    """
    source, colon, name = word.rpartition(":")
    if not colon or not source or not name:
        raise GlassworkError(f"'{word}' names no {what}: write it as file.py:Name")
    module = _run_file(Path(source), word, what) if source.endswith(".py") else _import(source)
    if name not in module.__dict__:
        raise GlassworkError(f"{source} has no {'function' if what == 'loss' else 'class'} '{name}'")
    return module.__dict__[name]


LOSSES: dict[str, Callable[..., Any]] = {}
"""Losses of the user's own that were named in this process."""


NETWORKS: set[tuple[str, str]] = set()
"""Networks of the user's own that were named in this process: the digest of the file, and the name of the class.

The content counts, not the place: the copy in a run's folder is what the user named only as long as nobody changed it.
"""


SEAL = re.compile(rb"\n# Kept by glasswork, [^\n\r]*\n\Z")
"""The comment that a run writes below the code that it keeps."""


MODULES: set[str] = set()
"""Names of the modules of the user's own that ran in this process."""


def explain(error: BaseException) -> str | None:
    """An error that the user's own code caused, in one sentence: where, and its own text; None: it was not that code.

    Torch's own layers inside a module of the user's count as that module.
    """
    place, trace = None, error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__") in MODULES:
            place = f"{frame.f_code.co_filename}, line {trace.tb_lineno}, in {frame.f_code.co_name}"
        elif place is None and type(owner := frame.f_locals.get("self")).__module__ in MODULES:
            place = type(owner).__name__
        trace = trace.tb_next
    text = " ".join(str(error).split())
    return None if place is None else f"Your own code failed ({place}): {type(error).__name__}: {text}"


def is_own(word: str | None) -> bool:
    """Whether a word names code, as `file.py:Name` does."""
    return word is not None and ":" in word


def name_loss(word: str) -> None:
    """Lets this process use a loss of the user's own, `file.py:function`; its code runs now.

    Raises:
        GlassworkError: if it cannot be imported or cannot be called.
    """
    function = import_named(word, "loss")
    if not callable(function):
        raise GlassworkError(f"{word} is no loss: it has to be a function of the network's outputs and the targets")
    LOSSES[word] = function


def name_network(word: str) -> None:
    """Lets this process use a network of the user's own, `file.py:Class`; its code runs when the network is made.

    A file that cannot be read is told of when the network is made.
    """
    with contextlib.suppress(OSError):
        NETWORKS.add(_content_of(word))


def require_named_network(word: str) -> None:
    """Refuses to run code that a recipe or a run's folder names and the user did not.

    Raises:
        GlassworkError: if this network was not named in this process, or its file is another than the named one.
    """
    file = word.rpartition(":")[0]
    try:
        named = _content_of(word) in NETWORKS
    except OSError:
        raise GlassworkError(f"There is no file {file} for the network {word}") from None
    if not named:
        raise GlassworkError(
            f"This needs a network of its own, {word}, and its code only runs if you name it: look at {file}, then "
            f"add --network {word}"
        )


def _content_of(word: str) -> tuple[str, str]:
    file, _, name = word.rpartition(":")
    return hashlib.sha256(SEAL.sub(b"", read_regular(file))).hexdigest(), name


def _run_file(path: Path, word: str, what: str) -> Any:
    if not path.is_file():
        raise GlassworkError(f"There is no file {path} for the {what} {word}")
    # A name of its own: a file called json.py must not take the place of that module.
    spec = importlib.util.spec_from_file_location(f"glasswork_own_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise GlassworkError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    MODULES.add(spec.name)
    return module


def _import(name: str) -> Any:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise GlassworkError(f"The module {name} cannot be imported: {type(error).__name__}: {error}") from error
    MODULES.add(name)
    return module
