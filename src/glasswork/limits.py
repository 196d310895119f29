"""How large what a file declares may be: compared before anything is unpacked, for a file of some bytes may declare
more than any machine holds."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from glasswork.errors import GlassworkError

FREE_BYTES = 2**28
"""Up to so many bytes a packed file may become whatever its own size is."""
_DEEPEST = 5000  # levels that the stack of a thread holds
_FRAMES = 20  # of Python's own, above those that parse


@dataclass(frozen=True)
class Limit:
    """A limit.

    Attributes:
        default: unless the environment says otherwise.
        noun: what is counted.
    """

    default: int
    noun: str


LIMITS = {
    "PIXELS": Limit(89_478_485, "pixels of a picture or frame"),
    "BYTES": Limit(2**36, "bytes unpacked"),
    "EXPANSION": Limit(250, "times its own size"),
    "COLUMNS": Limit(100_000, "columns"),
    "CELLS": Limit(2**32, "cells"),
    "DEPTH": Limit(500, "elements inside of each other"),
    "DIGITS": Limit(4300, "digits of a whole number"),
    "FRAMES": Limit(2_000_000, "frames"),
    "SAMPLES": Limit(2**30, "samples of sound"),
    "RATE": Limit(2_000_000, "samples of sound a second"),
}
"""By their names; the environment variable `GLASSWORK_LIMIT_PIXELS` sets the first one, and so on."""


def limit(name: str) -> int:
    """A limit, as the environment sets it, or its default.

    Raises:
        GlassworkError: if the variable holds no whole number.
    """
    variable = f"GLASSWORK_LIMIT_{name}"
    said = os.environ.get(variable)
    if said is None:
        return LIMITS[name].default
    if not (said.isascii() and said.isdecimal() and len(said) < 20):
        raise GlassworkError(f"The environment variable {variable} has to be a whole number, not '{said}'")
    return int(said)


def within(source: object, name: str, declared: int) -> None:
    """Refuses a file that declares more than a limit.

    Raises:
        GlassworkError: with the variable that sets the limit.
    """
    most = limit(name)
    if declared > most:
        raise GlassworkError(
            f"{source} declares {declared:,} {LIMITS[name].noun}, and the limit is {most:,}: set "
            f"GLASSWORK_LIMIT_{name} if you trust the file."
        )


def within_unpacked(source: object, packed: int, unpacked: int) -> None:
    """Refuses a packed file that becomes too large, or far larger than itself.

    Args:
        source: the file.
        packed: its size in bytes.
        unpacked: what it becomes, as far as is known.

    Raises:
        GlassworkError: with the variable that sets the limit.
    """
    within(source, "BYTES", unpacked)
    if unpacked > FREE_BYTES:
        within(source, "EXPANSION", unpacked // max(1, packed))


def parse_json(text: str, source: object) -> Any:
    """What a text in JSON holds.

    Python counts digits before it converts them, and levels while it goes down; so it is told these limits.

    Raises:
        GlassworkError: if it is nested more deeply or holds a longer number than the limits allow.
        ValueError: if it is no JSON.
    """
    try:
        with _interpreter_limits(limit("DEPTH"), limit("DIGITS")):
            return json.loads(text)
    except RecursionError:
        raise _beyond(source, "DEPTH") from None
    except ValueError as error:
        if "set_int_max_str_digits" in str(error):
            raise _beyond(source, "DIGITS") from None
        raise


def _beyond(source: object, name: str) -> GlassworkError:
    return GlassworkError(
        f"{source} holds more than {limit(name):,} {LIMITS[name].noun}: set GLASSWORK_LIMIT_{name} if you trust "
        "the file."
    )


@contextmanager
def _interpreter_limits(depth: int, digits: int) -> Iterator[None]:
    depth_before, digits_before = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    frame, frames = sys._getframe(), 0
    while frame := frame.f_back:  # type: ignore[assignment]
        frames += 1
    sys.setrecursionlimit(frames + _FRAMES + min(depth, _DEEPEST))
    sys.set_int_max_str_digits(max(digits, sys.int_info.str_digits_check_threshold))
    try:
        yield
    finally:
        sys.setrecursionlimit(depth_before)
        sys.set_int_max_str_digits(digits_before)
