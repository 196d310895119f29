"""What a training needs, estimated before it begins, against what it took."""

import ctypes
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.data.dataset import Dataset
from glasswork.data.splits import split
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, memory_bytes, seed_everything
from glasswork.run.request import make_request
from glasswork.systems.system import Context
from glasswork.training.fit import fit
from glasswork.training.memory import Memory, batch_speeds, estimate_memory, short_of_memory
from glasswork.training.stage import Clock, Stage
from made_data import PLAIN, flags, write_npz

MEGABYTE = 2**20


def made(preset: str, steps: int = 3, **values: object) -> tuple[Dataset, Stage]:
    asked = make_request(preset, values)
    system = make_system(asked.system, asked.recipe)
    dataset = system.read(str(asked.recipe.data))
    splits = split(dataset, 0.1, 0.2, 0)
    dataset = dataset.with_task(system.fit(dataset, splits.training))
    system = make_system(asked.system, system.resolve(dataset, splits))
    seed_everything(0)
    network = system.network(dataset.task)
    [stage] = system.stages(network, Context(dataset, splits, Execution()))
    return dataset, replace(stage, clock=Clock(steps))


def resident(key: str) -> int:
    """Bytes of this process that are in memory: now (VmRSS) or at the most (VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    ("preset", "values"),
    [("lenet", {"batch_size": 2000}), ("mlp", {"batch_size": 1000, "hidden": "2048,2048", "activation": "tanh"})],
)
def test_the_estimate_is_near_the_measured_peak(preset: str, values: dict[str, object]) -> None:
    """In a process of its own: what other tests left to the allocator would be taken again unmeasured."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    tests = {**os.environ, "PYTHONPATH": path}
    words = [sys.executable, __file__, preset, json.dumps(values)]
    done = subprocess.run(words, capture_output=True, text=True, env=tests)
    assert done.returncode == 0, done.stderr
    expected, measured = map(float, done.stdout.split())
    assert 0.65 < expected / measured < 1.3, done.stdout


def print_estimate_and_peak(preset: str, values: dict[str, object]) -> None:
    torch.set_num_threads(1)
    for _ in fit(replace(made(preset, **{**values, "batch_size": 64}, data="mnist-5k")[1], judge=None)):
        pass  # what the libraries load at their first call is no part of it
    dataset, stage = made(preset, **values, data="mnist-5k")
    stage = replace(stage, judge=None)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = resident("VmRSS")
    for _ in fit(stage):
        pass
    measured = resident("VmHWM") - before
    # Afterwards: what it gave back to the allocator would be taken again unmeasured.
    memory = estimate_memory(stage, dataset)
    expected = memory.gradients + memory.moments + memory.activations
    print(expected / MEGABYTE, measured / MEGABYTE)


def test_the_parts_are_those_of_the_network(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    dataset, stage = made("mlp", data=data, hidden="10", batch_size=8)
    memory = estimate_memory(stage, dataset)
    numbers = 144 * 10 + 10 + 10 * 3 + 3
    assert (memory.gradients, memory.moments, memory.weights) == (4 * numbers, 8 * numbers, 8 * numbers)
    assert memory.data == sum(column.nbytes for column in dataset.columns.values())
    assert memory.examples == 8
    assert memory.to_json()["total"] == memory.total
    assert estimate_memory(replace(stage, judge=None, optimizer="sgd"), dataset).moments == 0
    assert estimate_memory(replace(stage, judge=None), dataset).weights == 4 * numbers


def test_looking_changes_nothing(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    dataset, stage = made("mlp", data=data, hidden="10", dropout=0.5)
    examples_too, untouched = made("mlp", data=data, hidden="10", dropout=0.5)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    estimate_memory(stage, dataset)
    assert torch.equal(torch.rand(1), expected)
    speeds = list(batch_speeds(stage, dataset))
    assert [speed.batch_size for speed in speeds] == [16, 32]
    assert all(speed.examples_per_second > 0 and speed.memory > 0 for speed in speeds)
    assert speeds[1].memory > speeds[0].memory
    assert [float(step.loss) for step in fit(stage)] == [float(step.loss) for step in fit(untouched)]
    assert len(examples_too) == len(dataset)


def test_memory_of_this_machine() -> None:
    machine, free = memory_bytes("cpu")
    assert 0 < free <= machine


def test_too_little_memory_is_said() -> None:
    memory = Memory(10**6, 0, 0, 0, 10**9, 10**6, 1000, "cpu", machine=8 * 10**9, free=4 * 10**9)
    assert short_of_memory(memory) == ""
    warning = short_of_memory(replace(memory, free=5 * 10**8))
    assert "a batch of 1,000 examples needs about 954 MB, and cpu has 477 MB free now: try --batch-size" in warning
    fitting = replace(memory, free=5 * 10**8).largest_batch
    assert fitting is not None and 380 < fitting < 400
    with pytest.raises(GlassworkError, match=r"needs about 954 MB, and cpu has 477 MB in all: try --batch-size 400"):
        short_of_memory(replace(memory, free=5 * 10**8, machine=5 * 10**8, data=0))
    assert short_of_memory(replace(memory, machine=0, free=0)) == ""
    assert replace(memory, free=0).largest_batch is None


def test_a_run_notes_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_npz(tmp_path / "data.npz", "class")
    words = ["train", "mlp", "--data", "data.npz", *flags({**PLAIN, "epochs": 1})]
    assert main([*words, "--hidden", "8", "--out", "small"]) == 0
    assert "needs about" not in capsys.readouterr().err
    assert json.loads(Path("small/environment.json").read_text(encoding="utf-8"))["memory"]["gradients"] == 4748
    assert main([*words, "--hidden", "2500,2500", "--out", "large"]) == 0
    printed = capsys.readouterr().err
    assert "needs about 127 MB of " in printed and "network and optimizer 126 MB, a batch of 22" in printed


if __name__ == "__main__":
    print_estimate_and_peak(sys.argv[1], json.loads(sys.argv[2]))
