"""Tensors in sealed safetensors files, written piece by piece, so that no second copy of them is made in memory."""

import json
import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import safetensors
import torch
from safetensors.torch import load
from torch import Tensor

from glasswork.files import (
    DIGEST,
    MARK,
    UNSEALED,
    Digest,
    check_format,
    check_seal,
    damaged,
    open_regular,
    read_bytes,
    written_atomically,
)

_TYPES = {
    torch.bool: "BOOL",
    **{torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64"},
    **{torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64"},
    **{torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32", torch.float64: "F64"},
    **{torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.complex64: "C64"},
}
_ROWS = 2**24  # bytes that are copied at a time, of a tensor that is not contiguous
_MOST_HEADER = 100_000_000  # bytes; as in safetensors itself


@dataclass(frozen=True)
class Sealed:
    """What a sealed file of tensors holds.

    Attributes:
        tensors: by their names.
        facts: words beside them.
        digest: of the file.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, str]
    digest: str


def write_tensors(path: Path, format: int, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> str:
    """Writes tensors and words beside them, whole or not at all.

    Equal tensors and words make equal files.

    Returns:
        The digest of the file.

    Raises:
        GlassworkError: where the file cannot be written.
    """
    with written_atomically(path) as file:
        return write_sealed(file, format, tensors, facts)


def write_sealed(file: IO[bytes], format: int, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> str:
    """Writes the same into an open file that can be written at any place."""
    # Wide types first, so that each tensor starts at a multiple of its own width.
    ordered = sorted(tensors.items(), key=lambda item: -item[1].element_size())
    header = _header(ordered, {DIGEST: UNSEALED, "format": str(format), **facts})
    digest = Digest()
    for piece in (memoryview(header), *(piece for _, tensor in ordered for piece in _pieces(tensor))):
        file.write(piece)
        digest.update(piece)
    found = digest.hexdigest()
    file.seek(header.find(MARK) + len(MARK))
    file.write(found.encode())
    return found


def _header(tensors: list[tuple[str, Tensor]], facts: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(facts)}
    position = 0
    for name, tensor in tensors:
        end = position + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _pieces(tensor: Tensor) -> Iterator[memoryview]:
    """The bytes of a tensor in order."""
    if not tensor.numel():
        return
    if tensor.is_contiguous() or not tensor.dim():
        yield _bytes(tensor)
        return
    rows = max(1, _ROWS // max(1, tensor[0].numel() * tensor.element_size()))
    for start in range(0, len(tensor), rows):
        yield _bytes(tensor[start : start + rows])


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data


def read_tensors(path: Path, format: int, remedy: str = "") -> Sealed:
    """Reads what `write_tensors` wrote, into fresh memory.

    Args:
        path: the file.
        format: the number of the format that is read here.
        remedy: what to do if the file is damaged.

    Raises:
        DamagedError: if it is missing or was changed.
        GlassworkError: if it cannot be read, or has another format.
    """
    data = read_bytes(path, remedy)
    facts, digest = _check(path, data, format, remedy)
    try:
        return Sealed(load(data), facts, digest)
    except (ValueError, KeyError, safetensors.SafetensorError) as error:
        raise damaged(path, str(error), remedy) from None


def map_tensors(path: Path, format: int) -> Sealed:
    """The same, but the tensors lie in the file until they are written to.

    Raises:
        DamagedError: if it was changed.
        FileNotFoundError: if it is missing.
        OSError: if it cannot be read.
    """
    with open_regular(path) as file:
        if not os.fstat(file.fileno()).st_size:
            raise damaged(path, "it is empty")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    facts, digest = _check(path, memoryview(data), format, "")
    try:
        with safetensors.safe_open(os.fspath(path), framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (ValueError, KeyError, safetensors.SafetensorError) as error:
        raise damaged(path, str(error)) from None
    return Sealed(tensors, facts, digest)


def read_facts(path: Path, format: int, remedy: str = "") -> dict[str, str]:
    """The words in a file whose tensors are not needed; errors are those of `read_tensors`."""
    return _check(path, read_bytes(path, remedy), format, remedy)[0]


def _check(path: Path, data: bytes | memoryview, format: int, remedy: str) -> tuple[dict[str, str], str]:
    """The words and the digest of a file, which has to be as it was written."""
    metadata: object = None
    header = b""
    with suppress(struct.error, ValueError, RecursionError, AttributeError):
        (length,) = struct.unpack("<Q", data[:8])
        if length <= min(len(data), _MOST_HEADER):
            header = bytes(data[: 8 + length])
            metadata = json.loads(header[8:]).get("__metadata__")
    facts = metadata if isinstance(metadata, dict) else {}
    found = str(facts.pop("format", None))
    if DIGEST not in facts and found.isdecimal():  # of a version that wrote no digests
        check_format(path, int(found), format)
    facts.pop(DIGEST, None)
    digest = check_seal(path, data, header.find(MARK) + len(MARK) if MARK in header else 0, remedy)
    check_format(path, int(found) if found.isdecimal() else found, format)
    return facts, digest


def require_digest(path: Path, found: str, wanted: object, remedy: str) -> None:
    """Refuses a file that another one does not name by its digest, such as the weights of another run.

    Raises:
        DamagedError: if the digests differ.
    """
    if found != wanted:
        raise damaged(path, "it belongs to another run", remedy)
