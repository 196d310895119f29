import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from safetensors.torch import save
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.files import DamagedError, write_atomically
from glasswork.training.checkpoints import (
    KEPT,
    checkpoints,
    flatten,
    load_checkpoint,
    load_newest,
    save_checkpoint,
    unflatten,
)


def tensors() -> some.SearchStrategy[Tensor]:
    kinds = some.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.bfloat16])
    shapes = some.lists(some.integers(0, 3), max_size=3)
    return some.builds(lambda kind, shape, seed: _tensor(kind, shape, seed), kinds, shapes, some.integers(0, 99))


def _tensor(kind: torch.dtype, shape: list[int], seed: int) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 9 - 3).abs().to(kind)


leaves = some.one_of(
    some.none(), some.booleans(), some.integers(-(2**53), 2**53), some.floats(allow_nan=False), some.text(), tensors()
)
keys = some.one_of(some.text(max_size=8), some.text("a/", min_size=1, max_size=3))
trees = some.dictionaries(
    keys,
    some.recursive(
        leaves, lambda part: some.one_of(some.lists(part, max_size=3), some.dictionaries(keys, part, max_size=3))
    ),
    max_size=4,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@given(tree=trees)
def test_a_tree_is_taken_apart_and_put_together(tree: dict[str, Any]) -> None:
    found: dict[str, Tensor] = {}
    skeleton = flatten(tree, "state", found)
    assert same(tree, unflatten(json.loads(json.dumps(skeleton)), found))


def test_a_state_comes_back_from_disk_in_memory_of_its_own(tmp_path: Path) -> None:
    weight = torch.randn(3, 4)
    tree = {"number": 7, "a": weight, "same": weight, "turned": weight.t(), "none": None, "empty": torch.zeros(0, 2)}
    path = save_checkpoint(tmp_path / "checkpoints", tree)
    assert path.name == "000000007.safetensors"
    loaded = load_checkpoint(path)
    assert same({**tree, "turned": weight.t().contiguous()}, loaded)
    weight.zero_()
    assert loaded["a"].abs().sum() > 0
    path.unlink()
    assert loaded["a"].abs().sum() > 0


def test_the_newest_few_are_kept(tmp_path: Path) -> None:
    for number in (5, 30, 4000, 20_000):
        save_checkpoint(tmp_path, {"number": number})
    assert [load_checkpoint(path)["number"] for path in checkpoints(tmp_path)] == [4000, 20_000][-KEPT:]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "no bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(GlassworkError, match="cannot be written"):
        write_atomically(tmp_path / "missing" / "file", b"new")


def test_a_half_written_file_of_a_killed_process_is_no_checkpoint(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, {"number": 3})
    (tmp_path / f".000000004.safetensors.{os.getpid()}").write_bytes(path.read_bytes()[:40])
    assert checkpoints(tmp_path) == [path]


def test_a_damaged_one_is_said_wherever_a_bit_is_flipped(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, {"number": 3, "weights": torch.ones(10)})
    whole = path.read_bytes()
    damages = [whole[:20], b"", whole[:-3], whole + b"0", *(flipped(whole, bit) for bit in range(8 * len(whole)))]
    for damage in damages:
        path.write_bytes(damage)
        with pytest.raises(DamagedError, match=f"{path} is damaged"):
            load_checkpoint(path)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_one_before_a_damaged_one_is_used_and_said(tmp_path: Path) -> None:
    first, second = (save_checkpoint(tmp_path, {"number": k, "log": {"run": "mine"}}) for k in (3, 4))
    state, said = load_newest(tmp_path, "mine")
    assert state is not None and state["number"] == 4 and not said
    second.write_bytes(first.read_bytes()[:-1])
    state, said = load_newest(tmp_path, "mine")
    assert state is not None and state["number"] == 3
    assert said == [f"{second} is damaged (its digest does not fit); the one before is used, after step 3"]
    with pytest.raises(DamagedError, match=r"it belongs to another run.*no other checkpoint is left"):
        load_newest(tmp_path, "another")


def test_another_version_s_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "000000003.safetensors"
    path.write_bytes(save({"weights": torch.ones(3)}, {"format": "1", "tree": "{}"}))
    with pytest.raises(GlassworkError, match="has format 1, this version of glasswork reads 2"):
        load_checkpoint(path)
