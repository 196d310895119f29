"""What knows more of glasswork than its command line does: batches as torch sees them, and the files of a run.

This is the one file of the harness to adapt when the house moves; it imports nothing of glasswork.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves

# Of a run's folder: clocks, locks, databases and logs of other tools; they differ from one recording to the next.
UNRECORDED = (".lock", "timing.jsonl", "*.db", "*.db-journal", "*.tfevents.*", "*.pyc", ".*")

# Of `environment.json` only what the network needs: the rest is the machine.
OF_THE_NETWORK = ("data", "weights", "gradients", "moments", "activations", "per_example", "examples")


def digest(data: bytes) -> str:
    """The first half of a sha256: enough to tell two records apart, and shorter to read."""
    return hashlib.sha256(data).hexdigest()[:32]


def described(tensor: Tensor) -> str:
    """Type, shape, layout and hash of a tensor; without the hash where it holds no numbers, as while tracing."""
    kind = f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
    if type(tensor) not in (Tensor, nn.Parameter, nn.Buffer) or tensor.device.type != "cpu":
        return f"{kind} {type(tensor).__name__}"
    if not tensor.is_contiguous():
        last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        kind += " channels-last" if last else " strided"
    numbers = tensor.detach().contiguous()
    return f"{kind} {digest(np.ascontiguousarray(numbers.view(-1).view(torch.uint8).numpy()).tobytes())}"


@contextmanager
def batches() -> Iterator[list[list[str]]]:
    """The tensors that every outermost module in training mode is called with while the context is open."""
    found: list[list[str]] = []
    called: list[nn.Module] = []

    def enter(module: nn.Module, inputs: Any) -> None:
        if not called and module.training:
            # Whoever records the operations of a network shall not see those of the hashing.
            with _disable_current_modes(), torch._C.DisableTorchFunction():
                found.append([described(leaf) for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)])
        called.append(module)

    def leave(module: nn.Module, inputs: Any, outputs: Any) -> None:
        called.pop()

    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave, always_call=True),
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def tensors_in(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Name to type, shape and hash of every tensor in a safetensors file, and its metadata."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        metadata = header.pop("__metadata__", {})
        found = {}
        for name in sorted(header):
            first, last = header[name]["data_offsets"]
            file.seek(start + first)
            found[name] = f"{header[name]['dtype']}{header[name]['shape']} {digest(file.read(last - first))}"
    return found, metadata


def checkpoint(path: Path) -> tuple[dict[str, str], Any]:
    """The tensors of a checkpoint, and all else that it holds."""
    tensors, metadata = tensors_in(path)
    return tensors, unwrapped(json.loads(metadata["tree"])) if "tree" in metadata else metadata


def unwrapped(node: Any) -> Any:
    """The tree in a checkpoint's header without its marks of kind; tensors by their name."""
    if not isinstance(node, dict):
        return node
    if "map" in node:
        return {key: unwrapped(value) for key, value in node["map"].items()}
    if "list" in node:
        return [unwrapped(value) for value in node["list"]]
    return node["value"] if "value" in node else {"tensor": node["tensor"]}


def is_checkpoint(path: Path) -> bool:
    return path.parent.name == "checkpoints" and path.suffix == ".safetensors"


def newest_checkpoints(paths: list[Path]) -> list[Path]:
    """The paths without all checkpoints but the last of each run."""
    last: dict[Path, Path] = {path.parent: path for path in sorted(paths) if is_checkpoint(path)}
    return [path for path in paths if not is_checkpoint(path) or last[path.parent] == path]
