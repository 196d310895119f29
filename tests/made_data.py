"""The command line in process, and the made data sets of `made_files` for the tests that import both from here."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import glasswork as gw
from glasswork.cli import main
from glasswork.training.checkpoints import checkpoints, flatten, load_checkpoint
from made_files import SIDE as SIDE
from made_files import moving_spot as moving_spot
from made_files import pictures as pictures
from made_files import write_clips as write_clips
from made_files import write_folder as write_folder
from made_files import write_idx as write_idx
from made_files import write_network as write_network
from made_files import write_npz as write_npz
from made_files import write_sentences as write_sentences
from made_files import write_series as write_series
from made_files import write_table as write_table
from made_files import write_text as write_text
from made_files import write_texts as write_texts
from made_files import write_video as write_video

PLAIN = {"threads": 1, "precision": "float32", "memory_format": "contiguous", "allocator": "default"}


def flags(options: Mapping[str, object]) -> list[str]:
    """Keywords of the public face as the command line spells them."""
    words = []
    for key, value in options.items():
        name = key.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", ",".join(value) if isinstance(value, tuple) else str(value)]
    return words


def train(*words: object, out: str = "run", json: bool = True, **options: object) -> Path:
    """Trains through the command line; the run's folder."""
    assert main(["train", *map(str, words), *flags({**PLAIN, **options}), "--out", out, *["--json"] * json]) == 0
    assert not (Path(out) / "left_out.txt").exists()
    return Path(out)


def broken_off(preset: str, after: int, out: str = "stopped", **options: object) -> Path:
    """Trains through the public face and stops asking after some steps; the folder of the unfinished run."""
    steps = gw.steps(preset, out=out, **{**PLAIN, **options})
    for step in steps:
        if step.number == after:
            break
    steps.close()  # type: ignore[attr-defined]
    assert not (Path(out) / "result.json").exists()
    assert load_checkpoint(checkpoints(Path(out) / "checkpoints")[-1])["number"] == after
    return Path(out)


def resume(run: Path) -> Path:
    """Goes on with a run through the command line, to its end."""
    assert main(["resume", str(run), "--json"]) == 0
    return run


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON object on standard output since the last look."""
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1, lines
    found = json.loads(lines[0])
    assert isinstance(found, dict)
    return found


def mistake(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Carries out a command line that holds a mistake; the one sentence about it."""
    capsys.readouterr()
    code = main([*map(str, words)])
    printed = capsys.readouterr()
    assert code == 2, printed
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 1, printed.err
    assert lines[0].startswith("glasswork: ")
    return lines[0].removeprefix("glasswork: ")


def remains(run: Path) -> dict[str, object]:
    """What two runs of the same recipe have in common, byte for byte: model, log of steps, and the last state."""
    tree = load_checkpoint(checkpoints(run / "checkpoints")[-1])
    tensors: dict[str, Tensor] = {}
    return {
        "model": (run / "model" / "model.safetensors").read_bytes(),
        "steps": (run / "steps.jsonl").read_text(encoding="utf-8"),
        "state": flatten(_without_clock(tree), "state", tensors),
        "tensors": {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
    }


def _without_clock(tree: Any) -> Any:
    """The same without seconds, at any depth."""
    if isinstance(tree, list):
        return [_without_clock(value) for value in tree]
    if not isinstance(tree, dict):
        return tree
    return {key: _without_clock(value) for key, value in tree.items() if key not in {"elapsed", "seconds"}}


def require_same(first: Path, second: Path) -> None:
    one, other = remains(first), remains(second)
    assert one["steps"] == other["steps"]
    assert [key for key in one if one[key] != other[key]] == []
    described = [json.loads((run / "model" / "model.json").read_text(encoding="utf-8")) for run in (first, second)]
    for one in described:
        del one["digest"]
        if str(one["recipe"].get("network")).startswith("module:"):
            del one["recipe"]["network"]  # the class of a module that was handed over
    assert described[0] == described[1]
