"""Keeps which arithmetic was measured to be the fastest, so that a clock decides once and not in every run.

One JSON file per machine, version and shape of the network, in the folder of the cache. It is written under a name of
its own and then linked to its place: of processes that measure at the same time, the first one decides for all.
"""

import datetime
import errno
import hashlib
import json
import os
import platform
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

import torch

from glasswork.data.scratch import folder
from glasswork.execution import Allocator, Execution, Layout, Precision, processor, processor_flags
from glasswork.training.stage import Stage

FORMAT = 1
CHOSEN: Mapping[str, Sequence[str]] = {
    "precision": get_args(Precision),
    "memory_format": get_args(Layout),
    "allocator": get_args(Allocator),
}
"""What is measured: fields of an `Execution`, and the values that they can have."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class KeptChoice:
    """The file that one choice is kept in.

    Args:
        ways: those that are measured, the plain one first.
        stage: what is trained: the shapes of its network and of its batches.
        allocator: what was asked for.

    Raises:
        OSError: if there is no folder for it.
    """

    def __init__(self, ways: Sequence[Execution], stage: Stage, allocator: str) -> None:
        tried = {"ways": [_chosen(way) for way in ways], "allocator": allocator}
        self.facts = {**_machine(ways[0]), **tried, **_shape(stage)}
        self.folder = _place()
        self.path = self.folder / f"{_digest(self.facts)}.json"

    def read(self, execution: Execution) -> Execution | None:
        """`execution` as it was chosen; None if nothing is kept, or what is kept is damaged."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            known = found.pop("digest") == _digest(found) and found["format"] == FORMAT
            if not known or any(found["chosen"][name] not in values for name, values in CHOSEN.items()):
                return None
            measured = tuple((str(way), float(milliseconds)) for way, milliseconds in found["measured"])
            return replace(execution, **{name: found["chosen"][name] for name in CHOSEN}, measured=measured)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def make_room(self) -> None:
        """Makes sure that a choice can be kept, before anything is measured.

        Raises:
            OSError: if it cannot.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass

    def write(self, chosen: Execution, again: bool) -> Execution:
        """Keeps a choice and returns the one that counts: another process may have been faster.

        Args:
            chosen: what was measured.
            again: whether it takes the place of an earlier choice.

        Raises:
            OSError: if it cannot be written.
        """
        found: dict[str, Any] = {
            "format": FORMAT,
            "chosen": _chosen(chosen),
            "measured": list(chosen.measured),
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **self.facts,
        }
        text = json.dumps({**found, "digest": _digest(found)}, indent=1) + "\n"
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if not again:
                with suppress(FileExistsError):
                    os.link(temporary, self.path)
                first = self.read(chosen)
                if first is not None:
                    return first
            temporary.replace(self.path)  # asked for, or what is there is damaged
        finally:
            temporary.unlink(missing_ok=True)
        return chosen


def _place() -> Path:
    try:
        return folder() / "execution"
    except RuntimeError as error:
        raise FileNotFoundError(errno.ENOENT, "there is no home folder") from error


def _chosen(way: Execution) -> dict[str, str]:
    return {name: getattr(way, name) for name in CHOSEN}


def _machine(way: Execution) -> dict[str, Any]:
    """What else the speed of a way depends on: versions and hardware."""
    graphics = torch.device(way.device).type == "cuda"
    return {
        "glasswork": metadata.version("glasswork"),
        "torch": torch.__version__,
        "processor": [platform.machine(), processor(), torch.backends.cpu.get_cpu_capability()],
        "instructions": _digest(sorted(processor_flags())),
        "device": torch.cuda.get_device_name(way.device) if graphics else way.device,
        "threads": way.threads,
    }


def _shape(stage: Stage) -> dict[str, Any]:
    """The shapes of network and batch. What is drawn or learned, such as weights and seeds, is no part of them."""
    network = stage.network
    trained = {id(parameter) for parameter in stage.parameters}
    tensors = [
        [name, str(tensor.dtype), list(tensor.shape), id(tensor) in trained]
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    ]
    return {
        "network": _digest([_ADDRESS.sub("", str(network)), tensors]),
        "example": list(stage.batches.sample(1).inputs.shape[1:]),
        "batch_size": stage.batches.size,
    }


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
