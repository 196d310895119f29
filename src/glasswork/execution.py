"""The hardware and the process: device, threads, precision, memory, seeds."""

import contextlib
import ctypes
import datetime
import hashlib
import math
import os
import platform
import re
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from glasswork.errors import GlassworkError

Precision = Literal["float32", "bfloat16"]
Layout = Literal["contiguous", "channels-last"]
Allocator = Literal["default", "keep"]

_IMPORTED = time.monotonic()
WORTH_LOOKING = 64 * 2**20
"""Bytes of new tensors after which the memory that is free is looked up again."""
SCALED_PIXEL = 36
"""Bytes of one pixel of a picture in three colours, read, scaled, and kept for the backward pass."""
_keeping = False


@dataclass(frozen=True)
class Execution:
    """How the arithmetic of a run is carried out; written to the run and reused on resume.

    Attributes:
        device: where the tensors live.
        threads: processor threads of one operation.
        precision: arithmetic of forward and backward passes; weights stay float32.
        memory_format: layout of image tensors.
        allocator: `keep`: the C library keeps freed memory for the next step instead of returning it.
        measured: milliseconds per training step of each way that was tried, for the report.
    """

    device: str = "cpu"
    threads: int = 1
    precision: Precision = "float32"
    memory_format: Layout = "contiguous"
    allocator: Allocator = "default"
    measured: tuple[tuple[str, float], ...] = ()

    def place(self, network: nn.Module) -> nn.Module:
        """Moves `network` to the device and layout, in place, and returns it."""
        layout = torch.channels_last if self.memory_format == "channels-last" else torch.contiguous_format
        return network.to(device=self.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]

    def arrange(self, inputs: Tensor) -> Tensor:
        """`inputs` in the layout, where it has one (batches of images)."""
        if self.memory_format == "channels-last" and inputs.dim() == 4:
            return inputs.contiguous(memory_format=torch.channels_last)
        return inputs

    def arithmetic(self) -> AbstractContextManager[object]:
        """The context in which a forward pass and its loss are computed."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def apply(self) -> None:
        """Sets threads and allocator for this process."""
        torch.set_num_threads(self.threads)
        keep_memory(self.allocator == "keep")


def choose_device(asked: str) -> str:
    """The device that `asked` names; `auto` is the fastest there is.

    Raises:
        GlassworkError: for a device that this machine has not.
    """
    if asked == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = asked.split(":")[0]
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(kind, False):
        there = ", ".join(name for name, present in available.items() if present)
        raise GlassworkError(f"There is no device '{asked}' on this machine: it has {there}")
    return asked


def usable_cores() -> int:
    """Processor cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def fast_bfloat16(device: str) -> bool:
    """Whether the hardware multiplies bfloat16 faster than float32, so that measuring it is worth the time."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    flags = processor_flags()
    return kind == "cpu" and ("amx_bf16" in flags or "avx512_bf16" in flags)


def processor_flags() -> frozenset[str]:
    """Instruction sets of the processor, as Linux names them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split())


def keep_memory(keep: bool) -> None:
    """Tells glibc to keep freed memory (fewer page faults per step), or goes back to about its defaults.

    The three settings belong together: one alone can make a step slower. Once set, glibc no longer adapts its
    thresholds to the program, so going back means what it would have adapted to: with its initial 128 KB a step of
    LeNet took 20 ms instead of 13. A process that never kept memory is left alone.
    """
    global _keeping
    if sys.platform != "linux" or keep == _keeping:
        return
    threshold, trim, pad = (1 << 30, 2**31 - 1, 64 << 20) if keep else (32 << 20, 64 << 20, 128 << 10)
    try:
        library = ctypes.CDLL(None)
        for parameter, value in ((-3, threshold), (-1, trim), (-2, pad)):
            library.mallopt(parameter, value)
    except (OSError, AttributeError):
        return
    _keeping = keep


def mixed(*numbers: int) -> int:
    """One 63-bit seed out of several numbers, such as (seed, epoch, batch): equal for equal numbers only."""
    data = b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little") >> 1


def seed_everything(*numbers: int) -> None:
    """Seeds torch's default generators, from which random layers and initial weights are drawn."""
    seed = mixed(*numbers)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


def process_seconds() -> float:
    """Seconds since this process started; where the system does not say, since this package was imported."""
    try:
        started = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
        return uptime - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.monotonic() - _IMPORTED


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


def environment() -> dict[str, Any]:
    """What `environment.json` holds: machine, versions, time."""
    packages = ("glasswork", "torch", "numpy", "safetensors")
    accelerators = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": usable_cores(),
        "memory_gigabytes": round(memory_bytes("cpu")[0] / 2**30, 1),
        "accelerators": accelerators,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
    }


def memory_bytes(device: str) -> tuple[int, int]:
    """Memory of a device in bytes: all of it, and what is free now; 0 where the system does not say.

    Of the processor's memory a container may have been given a part. Pages of files that the system can drop at any
    time are free.
    """
    if torch.device(device).type == "cuda":
        free, everything = torch.cuda.mem_get_info(device)
        return everything, free
    try:
        everything = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0, 0
    free = _number_in(Path("/proc/meminfo"), "MemAvailable:") * 1024 or everything
    limit = _number_in(Path("/sys/fs/cgroup/memory.max"))
    if limit:
        used = _number_in(Path("/sys/fs/cgroup/memory.current"))
        dropped = _number_in(Path("/sys/fs/cgroup/memory.stat"), "inactive_file")
        everything, free = min(everything, limit), min(free, max(0, limit - used + dropped))
    return everything, free


def require_memory(count: int, what: str, advice: str) -> None:
    """Refuses what would need more than the processor's memory that is free now, before it is allocated.

    Args:
        count: bytes.
        what: that need them, such as `the weights of the network`.
        advice: what to do, such as `choose a smaller --hidden`.

    Raises:
        GlassworkError: with the estimate.
    """
    everything, free = memory_bytes("cpu")
    if free and count > free:
        raise GlassworkError(
            f"There is not enough memory for {what}: {_gigabytes(count)} are needed, and of {_gigabytes(everything)} "
            f"{_gigabytes(free)} are free: {advice}"
        )


def require_size(side: int) -> None:
    """Refuses square pictures if one alone, in three colours and while it is scaled, needs more memory than is free.

    Raises:
        GlassworkError: with the estimate.
    """
    require_memory(SCALED_PIXEL * side**2, f"a picture of {side:,} by {side:,} pixels", "choose a smaller --size")


def explain_memory(error: BaseException) -> str | None:
    """An error of an allocation in one sentence; None for any other error."""
    text = " ".join(str(error).split())
    refused = any(words in text for words in ("DefaultCPUAllocator", "not enough memory", "out of memory"))
    if not (isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and refused)):
        return None
    asked = re.search("tried to allocate ([0-9]+) bytes|[Uu]nable to allocate ([0-9.]+ .?i?B)", text)
    amount = ""
    if asked is not None:
        amount = f": {_gigabytes(int(asked[1])) if asked[1] else asked[2]} were asked for at once"
    everything, free = memory_bytes("cpu")
    there = f", and of {_gigabytes(everything)} {_gigabytes(free)} are free" if everything and amount else ""
    return f"There is not enough memory{amount}{there}: try a smaller --batch-size, network or --size, or less data"


class EnoughMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Looks at each tensor that is made inside before it is, and refuses what does not fit into the memory.

    For the making of a network: the system grants more than it has, and ends the process when it is used.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._what, self._advice, self._unseen = what, advice, 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        keywords = keywords or {}
        sizes = arguments[0] if arguments else ()
        if "device" in keywords and isinstance(sizes, (list, tuple)) and all(isinstance(one, int) for one in sizes):
            kind = keywords.get("dtype") or torch.get_default_dtype()
            self._unseen += math.prod(sizes) * kind.itemsize
            if self._unseen > WORTH_LOOKING:
                require_memory(self._unseen, self._what, self._advice)
                self._unseen = 0
        return function(*arguments, **keywords)


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GB"


def _number_in(path: Path, key: str = "") -> int:
    """The whole number after `key` in a file of the system; 0 if there is none."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    words = next((line.removeprefix(key).split() for line in lines if line.startswith(key)), [])
    return int(words[0]) if words and words[0].isdigit() else 0


def explain_arithmetic(error: Exception) -> str | None:
    """The sentence for arithmetic that this processor does not have; None if the error says something else."""
    if not isinstance(error, RuntimeError) or "could not create a primitive" not in str(error):
        return None
    return (
        "This processor cannot compute a layer of this network in the precision that was asked for (recurrent layers "
        "in bfloat16 take AMX): use --precision float32, or leave it out"
    )
