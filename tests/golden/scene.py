"""A scene and its lines."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# What would otherwise be measured, and so differ.
PLAIN = "--threads 1 --precision float32 --memory-format contiguous --allocator default --device cpu"


@dataclass(frozen=True)
class Scene:
    """Command lines in a folder of their own.

    Attributes:
        name: of the files that it is recorded in.
        prepare: writes what the lines need into the folder one is in.
        lines: the words after `glasswork`, or something to call that returns figures and hashes.
    """

    name: str
    prepare: Callable[[], object]
    lines: tuple[Any, ...]


@dataclass(frozen=True)
class Stopped:
    """A training through the public face that nobody asks for another step after some steps.

    Attributes:
        words: preset and flags.
        after: how many steps are made.
        out: the run's folder.
    """

    words: str
    after: int
    out: str = "stopped"
    label: str = "stop"

    def __call__(self) -> tuple[Any, Any]:
        import glasswork as gw

        preset, *words = shlex.split(self.words)
        values: dict[str, Any] = {}
        while words:
            flag = words.pop(0)
            if flag.startswith("--no-"):
                values[flag.removeprefix("--no-").replace("-", "_")] = False
            else:
                values[flag.removeprefix("--").replace("-", "_")] = words.pop(0)
        steps = gw.steps(preset, out=self.out, **values)
        made = 0
        for step in steps:
            made = step.number
            if made == self.after:
                break
        steps.close()  # type: ignore[attr-defined]
        return {"steps": made}, None


@dataclass(frozen=True)
class Called:
    """Something of the public face that is no command line."""

    label: str
    call: Callable[[], tuple[Any, Any]]

    def __call__(self) -> tuple[Any, Any]:
        return self.call()
