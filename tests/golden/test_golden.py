"""Every preset still learns what it learnt: losses and figures against those that are committed.

What is compared bit for bit, between two working trees on one machine, is `python -m tests.golden.record` and
`tests.golden.compare`; see README.md beside this file.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alone import carry_out
from golden.figures import KEPT, PARTS
from required import WITH_DATA

ROOT = Path(__file__).parents[2]
DEEP = ("alexnet", "vgg", "resnet", "efficientnet")
COMMITTED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))

# Of the figure and of the largest loss: with the plainest kernels fifty steps of most presets are the same to 1e-6.
SHARP = 1e-4
# How often the difference between the plainest and one processor's own kernels is allowed: see figures.py.
ROOM = 10
# Of the largest loss, and of a figure: where a rounding grows beyond it, nothing is left to compare.
LOOSE = 0.1

# Networks of millions of weights; fifty steps take each of them many seconds.
TWO_STEPS = {"preset-resnet18", "preset-efficientnet-lite0"}
LARGE = [name for name in COMMITTED if name.partition("-")[2].startswith(DEEP) and name not in TWO_STEPS]
SMALL = [name for name in COMMITTED if name not in LARGE]


def recorded(names: list[str], folder: Path) -> dict[str, Any]:
    """The records of some scenes' trainings, carried out apart: they set torch's threads and hooks."""
    carry_out("tests.golden.record", folder, "--training-only", "--only", *names)
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    yield recorded(SMALL, tmp_path_factory.mktemp("golden"))


def require_figures(name: str, record: dict[str, Any]) -> None:
    training = record["train"]
    assert training.get("code") == 0, training.get("said") or training.get("crash")
    files, wanted = training["files"], COMMITTED[name]
    result = files["run/result.json"]
    losses = [step["loss"] for step in files["run/steps.jsonl"]]
    assert len(losses) >= len(wanted["losses"])
    largest, compared = max(wanted["losses"]), 0
    for step, (loss, right, apart) in enumerate(zip(losses, wanted["losses"], wanted["apart"]["losses"], strict=False)):
        if ROOM * apart < LOOSE * largest:
            assert loss == pytest.approx(right, abs=SHARP * largest + ROOM * apart), f"step {step + 1}"
            compared += 1
    assert compared
    for part in PARTS:
        found, right = result[part], wanted.get(part, {})
        assert found.keys() == right.keys(), part
        if ROOM * wanted["apart"]["figures"] < LOOSE:
            assert found == pytest.approx(right, rel=SHARP, abs=SHARP + ROOM * wanted["apart"]["figures"]), part


@pytest.mark.parametrize("name", SMALL)
def test_figures_are_those_committed(name: str, small: dict[str, Any]) -> None:
    require_figures(name, small[name])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", LARGE)
def test_figures_of_large_networks(name: str, tmp_path: Path) -> None:
    require_figures(name, recorded([name], tmp_path)[name])


def test_every_preset_has_figures() -> None:
    assert all({f"losses-{name}", f"preset-{name}"} & COMMITTED.keys() for name in WITH_DATA)
    assert all(len(each["losses"]) == KEPT for name, each in COMMITTED.items() if name.startswith("losses-"))


def compared(before: Path, after: Path) -> tuple[int, list[str]]:
    words = [sys.executable, "-m", "tests.golden.compare", str(before), str(after)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_every_difference_is_a_line_with_its_path(tmp_path: Path) -> None:
    record = {"train": {"line": "train a", "code": 0, "losses": [0.5, 0.25], "batches": ["a", "b", "c"]}}
    other = {"train": {"line": "train b", "code": 0, "losses": [0.5, 0.2500000001], "batches": ["x", "a", "b", "c"]}}
    for folder, value in (("one", record), ("same", record), ("other", other), ("less", {"train": {}})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scene.json").write_text(json.dumps(value), encoding="utf-8")
    assert compared(tmp_path / "one", tmp_path / "same") == (0, [])
    lines = ["scene:train.losses.1: 0.25 != 0.2500000001", 'scene:train.batches.0: [] != ["x"]']
    assert compared(tmp_path / "one", tmp_path / "other") == (1, lines)
    code, found = compared(tmp_path / "one", tmp_path / "less")
    assert code == 1 and found[0] == "scene:train.code: only before: 0"
    (tmp_path / "less" / "scene.json").unlink()
    assert compared(tmp_path / "one", tmp_path / "less")[1][0].startswith("scene: not recorded in")
