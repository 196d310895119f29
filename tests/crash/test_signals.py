"""Signals stop a process at any moment and it says how to go on; what is drawn for people stops nothing."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glasswork.training.checkpoints import checkpoints, load_checkpoint
from made_data import PLAIN, flags, write_npz

DEADLINE = 120.0
GLASSWORK = [sys.executable, "-m", "glasswork"]


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_npz(tmp_path / "data.npz", "class"))


def endless(data: str) -> subprocess.Popen[str]:
    """A training that runs until it is stopped, at one of its steps."""
    words = ["train", "mlp", *flags({**PLAIN, "data": data, "batch_size": 8, "epochs": 10**6, "out": "run"})]
    process = subprocess.Popen([*GLASSWORK, *words], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + DEADLINE
    while not (Path("run/steps.jsonl").is_file() and Path("run/steps.jsonl").stat().st_size):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_says_how_to_go_on(number: signal.Signals, code: int, data: str) -> None:
    process = endless(data)
    process.send_signal(number)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == code, errors
    saved = load_checkpoint(checkpoints(Path("run/checkpoints"))[-1])["number"]
    assert (
        errors.splitlines()[-1]
        == f"glasswork: stopped after step {saved} and saved: continue with glasswork resume run"
    )


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path, data: str) -> None:
    network = tmp_path / "slow.py"
    network.write_text(
        "import pathlib, time, torch\n"
        "class Slow(torch.nn.Module):\n"
        "    def __init__(self, *a):\n        super().__init__(); self.layer = torch.nn.Linear(144, 3)\n"
        "    def forward(self, x):\n"
        "        if pathlib.Path('run/steps.jsonl').exists(): pathlib.Path('now').touch(); time.sleep(60)\n"
        "        return self.layer(x.flatten(1))\n",
        encoding="utf-8",
    )
    words = ["train", *flags({**PLAIN, "data": data, "network": f"{network}:Slow", "epochs": 1, "out": "run"})]
    process = subprocess.Popen([*GLASSWORK, *words], stderr=subprocess.DEVNULL)
    while not Path("now").exists():
        assert process.poll() is None
        time.sleep(0.05)
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    assert process.wait(5) == -signal.SIGTERM


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ctrl_c_at_any_moment_ends_in_one_sentence(data: str) -> None:
    random.seed(0)
    for number in range(12):
        out = f"run-{number}"
        words = ["train", "mlp", *flags({**PLAIN, "data": data, "batch_size": 8, "epochs": 3, "out": out})]
        if number % 3 == 0:
            words = ["vary", "mlp", "hidden", "4", "8", *flags({**PLAIN, "data": data, "epochs": 3})]
        process = subprocess.Popen([*GLASSWORK, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(random.uniform(0.2, 6))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
        assert "Traceback" not in errors and "Exception" not in errors, errors
        assert process.returncode in {0, 130}, errors
        if process.returncode == 130:
            assert errors.splitlines()[-1].startswith("glasswork: stopped"), errors
            assert ("resume" in errors.splitlines()[-1]) == (Path(out) / "recipe.toml").exists(), errors


@pytest.mark.parametrize("redirected", [">&- 2>&-", "> /dev/full 2> /dev/full", "2>&1 | true"])
def test_what_is_drawn_for_people_stops_nothing(redirected: str, data: str) -> None:
    words = " ".join(["train", "mlp", *flags({**PLAIN, "data": data, "epochs": 2, "out": "run"})])
    done = subprocess.run(f"{sys.executable} -m glasswork {words} {redirected}", shell=True, timeout=DEADLINE)
    assert done.returncode == (2 if "full" in redirected else 0)
    until = time.monotonic() + DEADLINE
    while not Path("run/result.json").exists():  # a shell does not wait for the first part of a pipe
        assert time.monotonic() < until
        time.sleep(0.1)
    first = Path("run/steps.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith('{"step": 1,')


def test_a_full_standard_output_is_told() -> None:
    done = subprocess.run(
        f"{sys.executable} -m glasswork systems > /dev/full", shell=True, stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "glasswork: standard output cannot be written: No space left on device"


def test_long_work_is_not_silent(tmp_path: Path, data: str) -> None:
    network = tmp_path / "slow.py"
    network.write_text(
        "import time, torch\n"
        "class Slow(torch.nn.Linear):\n"
        "    def __init__(self, *a): super().__init__(12, 3); time.sleep(4); raise ValueError('enough')\n",
        encoding="utf-8",
    )
    words = ["train", *flags({**PLAIN, "data": data, "network": f"{network}:Slow", "epochs": 1, "out": "run"})]
    done = subprocess.run([*GLASSWORK, *words], stderr=subprocess.PIPE, text=True)
    assert any(line.startswith("working on train: ") and line.endswith(" s") for line in done.stderr.splitlines())
    quiet = subprocess.run([*GLASSWORK, *words, "--json"], stderr=subprocess.PIPE, text=True)
    assert "working on" not in quiet.stderr
