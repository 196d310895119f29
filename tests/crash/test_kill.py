"""Runs that are killed, interrupted, crowded out or out of disk: what they leave goes on as if nothing had been."""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import glasswork as gw
from glasswork.cli import main
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from made_data import PLAIN, broken_off, flags, mistake, require_same, resume, said, train, write_npz

DEADLINE = 120.0
SMALL = {"batch_size": 8, **PLAIN}
SHORT = {"epochs": 3, **SMALL}


def start(*words: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "glasswork", *map(str, words), *flags(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_file(process: subprocess.Popen[str], folder: str, pattern: str) -> None:
    """Waits for a file that is not empty, or for the end of the process."""
    deadline = time.monotonic() + DEADLINE
    while process.poll() is None and not any(path.stat().st_size for path in Path(folder).glob(pattern)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def epochs_within(seconds: float, **options: object) -> int:
    """How many epochs this machine makes in a time, at present."""
    run = train("lenet", out="measured", epochs=20, **options)
    return math.ceil(20 * seconds / json.loads((run / "result.json").read_text(encoding="utf-8"))["seconds"])


def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    options = {"data": data, "dropout": 0.3, "augment": ("crop:1",), **SMALL}
    epochs = epochs_within(7, **options)
    for attempt in range(4):  # a machine that has become faster since may finish before it is killed
        options["epochs"] = epochs << attempt
        whole, killed = (start("train", "lenet", out=f"{name}-{attempt}", **options) for name in ("whole", "killed"))
        await_file(killed, f"killed-{attempt}", "checkpoints/*.safetensors")
        time.sleep(random.random())
        killed.kill()
        killed.communicate()
        if killed.returncode == -signal.SIGKILL:
            break
        whole.communicate()
    assert killed.returncode == -signal.SIGKILL
    run = Path(f"killed-{attempt}")
    number = load_checkpoint(checkpoints(run / "checkpoints")[-1])["number"]
    assert (run / "steps.jsonl").read_text(encoding="utf-8").count("\n") >= number
    resume(run)
    _, errors = whole.communicate(timeout=DEADLINE)
    assert whole.returncode == 0, errors
    require_same(Path(f"whole-{attempt}"), run)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **SMALL}
    options["epochs"] = epochs_within(2, **options)
    process = start("train", "lenet", out="stopped", **options)
    await_file(process, "stopped", "steps.jsonl")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, errors
    assert output == ""
    assert "Traceback" not in errors
    sentence = errors.splitlines()[-1]
    assert "continue with glasswork resume stopped" in sentence
    number = load_checkpoint(checkpoints(Path("stopped/checkpoints"))[-1])["number"]
    assert f"after step {number} " in sentence
    assert not Path("stopped/result.json").exists()
    require_same(train("lenet", out="whole", **options), resume(Path("stopped")))


FORWARD_PASSES_BEFORE_THE_FIRST_STEP = 2  # the estimate of memory looks at two small batches


class Interrupting(nn.Module):
    """A network during whose tenth training step the user presses Ctrl-C."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.layer = nn.Linear(144, 3)
        self.at = at
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += self.training
        if self.training and self.calls == self.at:
            signal.raise_signal(signal.SIGINT)
        scores: Tensor = self.layer(images.flatten(1))
        return scores


def made(at: int) -> Interrupting:
    torch.manual_seed(0)
    return Interrupting(at)


def test_ctrl_c_in_python_lets_the_same_session_go_on(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **SHORT}
    before = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background of a shell
    with pytest.raises(KeyboardInterrupt, match=r"continue with gw\.resume") as kept:
        gw.train(network=made(10), out="stopped", **options)  # type: ignore[arg-type]
    assert kept.traceback  # as a notebook keeps it: what it refers to must not keep the folder locked
    at = load_checkpoint(checkpoints(Path("stopped/checkpoints"))[-1])["number"]
    assert at == 10 - FORWARD_PASSES_BEFORE_THE_FIRST_STEP
    model = gw.resume("stopped", network=made(0))
    assert model.run == "stopped"
    gw.train(network=made(0), out="whole", **options)  # type: ignore[arg-type]
    require_same(Path("whole"), Path("stopped"))
    assert signal.getsignal(signal.SIGINT) is before


class Failing(Interrupting):
    """A network with a mistake that shows at its tenth training step."""

    def forward(self, images: Tensor) -> Tensor:
        if self.calls == 9:
            raise ZeroDivisionError
        return super().forward(images)


def test_a_mistake_in_the_middle_does_not_keep_the_folder(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **SHORT}
    torch.manual_seed(0)
    with pytest.raises(ZeroDivisionError) as kept:
        gw.train(network=Failing(0), out="stopped", **options)  # type: ignore[arg-type]
    assert kept.traceback
    with pytest.warns(UserWarning, match="it begins again with the first step"):
        gw.resume("stopped", network=made(0))
    gw.train(network=made(0), out="whole", **options)  # type: ignore[arg-type]
    require_same(Path("whole"), Path("stopped"))


def test_a_run_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **SHORT}
    steps = gw.steps("lenet", out="run", **options)  # type: ignore[arg-type]
    next(steps)
    assert "in use" in mistake(capsys, "resume", "run")
    assert "already holds a run" in mistake(capsys, "train", "lenet", *flags(options), "--out", "run")
    assert next(steps).number == 2
    steps.close()  # type: ignore[attr-defined]
    require_same(train("lenet", out="whole", **options), resume(Path("run")))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fills the disk but for some bytes; the file that takes the room."""
    room = shutil.disk_usage(disk).free - leave
    filler = disk / "filler"
    filler.write_bytes(bytes(room))
    return filler


@pytest.mark.parametrize("leave", [0, 4096, 65536])
def test_a_full_disk_keeps_what_was_saved(
    leave: int, small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **SHORT, "epochs": 8}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 8, out=str(small_disk / "run"), **options)
    filler = fill(small_disk, leave)
    sentence = mistake(capsys, "resume", run, "--json")
    assert "cannot be written (No space left on device)" in sentence
    assert load_checkpoint(checkpoints(run / "checkpoints")[-1])["number"] == 8
    filler.unlink()
    require_same(whole, resume(run))


@pytest.mark.parametrize("leave", [0, 4096, 8192, 12288, 16384])
def test_a_disk_that_is_full_from_the_start(
    leave: int, small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = flags({"data": str(write_npz(tmp_path / "data.npz", "class")), **SHORT})
    filler = fill(small_disk, leave)
    run = small_disk / "run"
    assert "No space left on device" in mistake(capsys, "train", "lenet", *options, "--out", run, "--json")
    filler.unlink()
    if (run / "recipe.toml").exists():
        resume(run)
    else:
        assert "There is no run" in mistake(capsys, "resume", run)


def test_a_budget_counts_in_all_sittings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "budget": 2.5, "dropout": 0.3, **SMALL}
    run = broken_off("mlp", 30, **options)
    seconds = json.loads((run / "environment.json").read_text(encoding="utf-8"))["training_seconds"]
    spent = load_checkpoint(checkpoints(run / "checkpoints")[-1])["elapsed"]
    assert 0 < spent < seconds < 2.5
    capsys.readouterr()
    resume(run)
    result = said(capsys)
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    progress = [line["progress"] for line in lines]
    assert len(progress) == result["steps"] > 30
    assert progress == sorted(progress)
    assert progress[30] >= spent / seconds
    assert progress[-1] < 1
    assert result["seconds"] >= round(seconds, 3)


def test_a_budget_s_run_is_repeated_exactly(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "budget": 2.5, "dropout": 0.3, "seed": 4}
    gw.train("lenet", out="first", **options, **SMALL)  # type: ignore[arg-type]
    first = Path("first")
    assert main(["train", "--replay", "first", "--threads", "1", "--out", "second", "--json"]) == 0
    require_same(first, Path("second"))
    gw.train(replay="first", out="third")
    require_same(first, Path("third"))


def test_a_run_to_repeat_under_another_preset_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("mlp", out="first", data=str(write_npz(tmp_path / "data.npz", "class")), epochs=1)
    assert "is a run of mlp, not of lenet" in mistake(capsys, "train", "lenet", "--replay", "first")


SAVING_OFTEN = """
import sys
from glasswork.cli import main
from glasswork.training import watchers

watchers.saved.__defaults__ = (0.01,)
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_run_of_a_system_with_its_own_loop_ends_as_one_that_was_not(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('preset = "xor"\ntolerance = 1e-9\norder = "shuffled"\n', encoding="utf-8")
    train(recipe, out="measured", epochs=5000)
    speed = 5000 / json.loads(Path("measured/result.json").read_text(encoding="utf-8"))["seconds"]
    words = ["train", str(recipe), *flags({**PLAIN, "epochs": math.ceil(2 * speed), "out": "killed"})]
    for _ in range(4):  # a machine that has become faster since may finish before it is killed
        shutil.rmtree("killed", ignore_errors=True)
        process = subprocess.Popen([sys.executable, "-c", SAVING_OFTEN, *words], stderr=subprocess.PIPE, text=True)
        await_file(process, "killed", "checkpoints/*.safetensors")
        process.kill()
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            break
    assert process.returncode == -signal.SIGKILL
    number = load_checkpoint(checkpoints(Path("killed/checkpoints"))[-1])["number"]
    assert 0 < number < math.ceil(2 * speed) / 100
    resume(Path("killed"))
    require_same(train(recipe, out="whole", epochs=math.ceil(2 * speed)), Path("killed"))
