"""What a clock decided about arithmetic is kept: the same command computes the same."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glasswork.cli import main
from glasswork.execution import Execution
from glasswork.run.prepare import prepare
from glasswork.run.request import make_request
from glasswork.training.kept_choice import KeptChoice
from made_data import flags, said, write_npz

PLAIN = Execution()
LAST = replace(PLAIN, memory_format="channels-last", measured=(("float32, channels-last", 1.5),))


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GLASSWORK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "execution"


def numerics(out: str, *words: str, **options: object) -> dict[str, Any]:
    given = {"epochs": 1, "batch_size": 8, "device": "cpu", "threads": 1, "out": out, **options}
    assert main(["train", "lenet", *flags(given), *words, "--json"]) == 0
    found: dict[str, Any] = tomllib.loads(Path(out, "resolved.toml").read_text(encoding="utf-8"))["numerics"]
    return found


def test_what_was_measured_is_kept_until_it_is_measured_again(
    tmp_path: Path, fresh_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    first = numerics("first", data=data)
    [kept] = fresh_cache.iterdir()
    assert first["measured"].keys() >= {"float32, contiguous", "float32, channels-last"}
    written = kept.stat()
    assert numerics("second", data=data, seed=7, learning_rate=0.5) == first  # seeds and rates change no speed
    assert kept.stat().st_ino == written.st_ino
    numerics("third", "--measure", data=data)
    assert [path.name for path in fresh_cache.iterdir()] == [kept.name] and kept.stat().st_ino != written.st_ino
    assert "measure =" not in Path("third/recipe.toml").read_text(encoding="utf-8")
    numerics("larger", data=data, batch_size=16)
    assert len(list(fresh_cache.iterdir())) == 2


def test_what_is_kept_decides_and_damage_does_not(tmp_path: Path, fresh_cache: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    numerics("first", data=data)
    [kept] = fresh_cache.iterdir()
    whole = kept.read_bytes()
    other = whole.replace(b'"chosen": {\n  "precision": "float32"', b'"chosen": {\n  "precision": "bfloat16"')
    assert other != whole
    for damage in (other, whole[:-20], b"[]", b"[" * 100_000, b"\xff"):
        kept.write_bytes(damage)
        found = numerics(f"after-{len(damage)}", data=data)
        assert found["precision"] == "float32"
        chosen = json.loads(kept.read_bytes())["chosen"]
        assert chosen == {key: found[key] for key in chosen} and len(chosen) == 3


def test_nothing_is_measured_if_it_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    (tmp_path / "file").touch()
    monkeypatch.setenv("GLASSWORK_CACHE", str(tmp_path / "file" / "cache"))
    found = numerics("run", data=data)
    assert (found["memory_format"], found["precision"], found["measured"]) == ("contiguous", "float32", {})
    assert any("could not be kept for the next run" in warning for warning in said(capsys)["warnings"])


class Described(nn.Module):
    """A network whose description has an address in it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(3))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layers(images)
        return scores

    def extra_repr(self) -> str:
        return repr(object())


def test_the_first_of_several_processes_decides_for_all(tmp_path: Path, fresh_cache: Path) -> None:
    network = Described()
    network(torch.zeros(1, 1, 12, 12))
    values = {"data": str(write_npz(tmp_path / "data.npz", "class"))}
    stage = prepare(make_request("own", values, network), execution=PLAIN).stages[0]
    one, other = (KeptChoice([PLAIN, LAST], stage, "auto") for _ in range(2))
    assert one.path == other.path
    assert one.read(PLAIN) is None and other.read(PLAIN) is None
    one.make_room()
    assert one.write(LAST, again=False) == LAST
    assert other.write(PLAIN, again=False) == LAST == other.read(PLAIN)
    assert other.write(PLAIN, again=True) == PLAIN == one.read(PLAIN)
    assert [path.suffix for path in fresh_cache.iterdir()] == [".json"]
