"""A stranger's run folder runs no code: what it names is imported only if the user names it again."""

import subprocess
import sys
from pathlib import Path

import pytest

import glasswork as gw
from glasswork import own_code
from glasswork.cli import main
from glasswork.studies.tune import WORK
from made_data import PLAIN, broken_off, flags, mistake, write_npz

NETWORK = """
from pathlib import Path
from torch import nn

Path({trace!r}).touch()


class Net(nn.Sequential):
    def __init__(self, features, outputs):
        super().__init__(nn.Flatten(), nn.Linear(features, outputs))
"""
VERBS = (
    "predict run data.npz",
    "evaluate run",
    "open run data.npz",
    "diagnose run",
    "count run",
    "export run --to safetensors --out weights.safetensors",
    "nearest run data.npz",
    "heatmap run data.npz",
    "write run",
    "forecast run",
    "units run data.npz",
    "resume run",
    "train --from run --out more",
    "train --replay run --out again",
    "train run/recipe.toml --out again",
    "tune run/recipe.toml --trials 1 --epochs 1",
    "crossvalidate run/recipe.toml --folds 2",
)


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a network whose code leaves a trace; this process has named nothing."""
    monkeypatch.setattr(own_code, "NETWORKS", set())
    trace = tmp_path / "trace"
    Path("net.py").write_text(NETWORK.format(trace=str(trace)), encoding="utf-8")
    write_npz(tmp_path / "data.npz", "class")
    values = {**PLAIN, "data": "data.npz", "network": "net.py:Net", "epochs": 1, "out": "run"}
    assert main(["train", *flags(values), "--json"]) == 0
    trace.unlink()
    own_code.NETWORKS.clear()
    return trace


def test_no_verb_runs_it_unless_it_is_named(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for verb in VERBS:
        sentence = mistake(capsys, *verb.split())
        assert "its code only runs if you name it" in sentence, verb
        assert not stranger.exists(), verb
    assert main(["runs"]) == main(["compare", "run", "run"]) == 0
    with pytest.raises(gw.GlassworkError, match="only runs if you name it"):
        gw.load("run")
    assert not stranger.exists()
    for named in ("net.py:Net", "run/network.py:Net"):
        own_code.NETWORKS.clear()
        assert main(["evaluate", "run", "--network", named]) == 0
    for verb in ("resume run", "train --from run --out more", "train --replay run --out again"):
        assert main([*verb.split(), "--network", "net.py:Net", "--json"]) == 0, verb
    assert gw.load("run", network="net.py:Net").network is not None
    assert stranger.exists()


def test_a_changed_copy_is_not_what_was_named(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path("run/network.py")
    copy.write_text(copy.read_text(encoding="utf-8") + "\nprint('more')\n", encoding="utf-8")
    assert f"{copy.absolute()} is damaged" in mistake(capsys, "evaluate", "run", "--network", "net.py:Net")
    assert not stranger.exists()


@pytest.mark.parametrize("words", [["-m", "glasswork", "systems"], ["-P", "-c", WORK]], ids=["command", "worker"])
def test_a_folder_of_files_called_as_modules_is_not_imported_from(words: list[str], tmp_path: Path) -> None:
    for name in ("json", "rich", "pydantic", "torch", "csv"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported out of the current folder')", encoding="utf-8")
    found = subprocess.run([sys.executable, *words], input="{}", capture_output=True, text=True, check=False)
    assert "imported out of the current folder" not in found.stderr


@pytest.mark.parametrize("name", ["steps.jsonl", "timing.jsonl", ".lock", "checkpoints", "model", "report.html"])
def test_links_in_a_run_are_not_followed_when_it_is_written_to(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = broken_off("mlp", 1, out="run", data=write_npz(tmp_path / "data.npz", "class"), epochs=2, batch_size=8)
    precious = tmp_path / "precious"
    if (run / name).exists():
        (run / name).rename(precious)
    else:
        precious.write_text("precious", encoding="utf-8")
    before = {path: path.read_bytes() for path in (precious, *precious.glob("*")) if path.is_file()}
    (run / name).symlink_to(precious)
    assert f"{name} is a link" in mistake(capsys, "resume", run)
    assert {path: path.read_bytes() for path in (precious, *precious.glob("*")) if path.is_file()} == before
