"""Scratch space for large columns outside of anonymous memory: the cache folder, and unnamed files next to it."""

import math
import mmap
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from glasswork.execution import require_memory


def folder() -> Path:
    """Where the cache lies: `$GLASSWORK_CACHE`, or `~/.cache/glasswork/data`."""
    chosen = os.environ.get("GLASSWORK_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "glasswork" / "data"


def scratch(shape: tuple[int, ...]) -> Tensor:
    """Room for a large uint8 column outside of anonymous memory: a tensor mapped to a nameless file.

    The file lies beside the cache (else in the folder for temporary files) and is gone with the tensor, even when the
    process is killed. Its space is reserved at once, since a disk that fills up later would kill the process (SIGBUS).
    """
    size = math.prod(shape)
    if size == 0:
        return torch.empty(shape, dtype=torch.uint8)
    for parent in (folder, lambda: Path(tempfile.gettempdir())):
        try:
            place = parent()
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place) as file:
                _reserve(file, size)
                mapped = mmap.mmap(file.fileno(), size)
            return torch.frombuffer(mapped, dtype=torch.uint8).reshape(shape)
        except (OSError, RuntimeError):
            continue
    require_memory(size, "the examples", "choose a smaller --size, or fewer examples")
    return torch.empty(shape, dtype=torch.uint8)


def _reserve(file: IO[bytes], size: int) -> None:
    if sys.platform == "linux":
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
