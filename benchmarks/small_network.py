"""Time per step of a small network in our loop against the shortest hand-written PyTorch loops.

    python benchmarks/small_network.py

A 2-16-16-2 network on 1,000 made points, cross-entropy, Adam at its default rate, batches of 32 and all points at once;
all loops take turns in one process on the same number of threads. Asked: at most 1.1 times the fastest of the
hand-written ones. These do without what ours has besides: a loss that is checked before each update, a place to go on
from, a log. Nothing is held out, in ours as in theirs.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine, describe_versions
from rich.console import Console
from torch import Tensor, nn

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.show.progress import shown
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.system import Supervised
from glasswork.systems.system import Context
from glasswork.training.fit import minimise
from glasswork.training.stage import Stage, Step
from glasswork.training.watchers import interruptible, logged, saved, stopped_early

POINTS, UNITS, RATE = 1000, 16, 1e-3
FOREVER = 10**9  # steps
WARM_UP = 2  # turns
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}

Epochs = Generator[int, None, None]
"""Trains an epoch when asked for the next item, which is the number of its steps."""


def made_points() -> tuple[Tensor, Tensor]:
    """Points of the plane (1,000 x 2) and whether their two coordinates have the same sign."""
    points = torch.randn(POINTS, 2, generator=torch.Generator().manual_seed(0))
    return points, (points.prod(1) > 0).long()


def by_hand_in_batches(batch: int, activation: str, **options: bool) -> Epochs:
    """What one writes without thinking twice: a batch is a piece of a random permutation."""
    (x, y), (net, optimizer) = made_points(), network_by_hand(activation, **options)
    while True:
        pieces = torch.randperm(POINTS).split(batch)
        for rows in pieces:
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
        yield len(pieces)


def by_hand_shuffled_once(batch: int, activation: str, **options: bool) -> Epochs:
    """The same with all points brought into the epoch's order at once: a batch is a view."""
    (x, y), (net, optimizer) = made_points(), network_by_hand(activation, **options)
    while True:
        order = torch.randperm(POINTS)
        pieces = list(zip(x[order].split(batch), y[order].split(batch), strict=True))
        for inputs, targets in pieces:
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), targets).backward()
            optimizer.step()
        yield len(pieces)


def by_hand_all_points(batch: int, activation: str, **options: bool) -> Epochs:
    """Gradient descent over all points: there is nothing to shuffle."""
    (x, y), (net, optimizer) = made_points(), network_by_hand(activation, **options)
    while True:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        yield 1


def network_by_hand(activation: str, **options: bool) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network and Adam over its weights."""
    between = ACTIVATIONS[activation]
    net = nn.Sequential(nn.Linear(2, UNITS), between(), nn.Linear(UNITS, UNITS), between(), nn.Linear(UNITS, 2))
    return net, torch.optim.Adam(net.parameters(), RATE, **options)


def our_stage(batch: int, activation: str) -> Stage:
    """The same network and data as a stage of our own."""
    recipe: dict[str, object] = {
        "network": "dense",
        "hidden": (UNITS, UNITS),
        "activation": activation,
        "optimizer": "adam",
    }
    recipe |= {"batch_size": batch, "learning_rate": RATE, "schedule": "constant", "loss": "cross-entropy"}
    system = Supervised(SupervisedRecipe.parse(recipe))
    x, y = made_points()
    task = Task(Table((2,), features=("x", "y")), OneClass(("different", "same")))
    dataset = Dataset({"inputs": x, "targets": y, "fingerprints": fingerprints(x)}, task, "made")
    all_rows, none = torch.arange(POINTS), torch.empty(0, dtype=torch.int64)
    dataset = dataset.with_task(dataset.task.fit(dataset, all_rows))
    execution = Execution(threads=torch.get_num_threads())
    splits = Splits(all_rows, none, none)
    return system.stages(system.network(dataset.task), Context(dataset, splits, execution))[0]


def our_fit(batch: int, activation: str) -> Epochs:
    """`fit` and nothing around it."""
    stage = our_stage(batch, activation)
    return in_epochs(minimise([stage]), stage)


def our_run(batch: int, activation: str) -> Epochs:
    """The whole pipe of a run: every step logged, the run saved as it goes, a bar drawn on a terminal that is none."""
    stage = our_stage(batch, activation)
    with tempfile.TemporaryDirectory() as name, Path(os.devnull).open("w") as nowhere:
        folder = Path(name)
        with closing(saved(logged(minimise([stage]), folder), lambda: folder / "checkpoints")) as saves:
            steps = stopped_early(interruptible(saves, lambda: False), patience=None)
            yield from in_epochs(shown(steps, Console(file=nowhere, force_terminal=True)), stage)


def in_epochs(steps: Iterator[Step], stage: Stage) -> Epochs:
    """The steps, an epoch's at a time."""
    length = len(stage.batches)
    while True:
        for _ in range(length):
            next(steps)
        yield length


MINI_BATCHES: dict[str, Callable[[int, str], Epochs]] = {
    "by hand, default Adam": by_hand_in_batches,
    "by hand, fused Adam": lambda batch, activation: by_hand_in_batches(batch, activation, fused=True),
    "by hand, fused Adam, shuffled once per epoch": lambda *given: by_hand_shuffled_once(*given, fused=True),
    "our fit": our_fit,
    "our whole run": our_run,
}
ALL_POINTS: dict[str, Callable[[int, str], Epochs]] = {
    "by hand, default Adam": by_hand_all_points,
    "by hand, fused Adam": lambda batch, activation: by_hand_all_points(batch, activation, fused=True),
    "our fit": our_fit,
    "our whole run": our_run,
}


def take_turns(loops: dict[str, Epochs], rounds: int, steps: int) -> dict[str, list[float]]:
    """Microseconds per step of each loop in each round; a turn has at least so many steps, and some warm up before."""
    times: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + WARM_UP):
        for name, loop in loops.items():
            made, began = 0, time.perf_counter()
            while made < steps:
                made += next(loop)
            if number >= WARM_UP:
                times[name].append(1e6 * (time.perf_counter() - began) / made)
    for loop in loops.values():
        loop.close()
    return times


def as_markdown(title: str, times: dict[str, list[float]]) -> str:
    """Medians, and how many times as long a step takes as in the fastest and in the default loop written by hand."""
    middle = {name: statistics.median(values) for name, values in times.items()}
    fastest = min(value for name, value in middle.items() if name.startswith("by hand"))
    default = middle["by hand, default Adam"]
    lines = [f"| {title} | microseconds per step | / fastest by hand | / default by hand |", "|---|---|---|---|"]
    for name, value in middle.items():
        lines.append(f"| {name} | {value:.1f} | {value / fastest:.2f} | {value / default:.2f} |")
    return "\n".join(lines)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="turns of each loop")
    parser.add_argument("--steps", type=int, default=320, help="steps of a turn")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--activation", choices=sorted(ACTIVATIONS), default="tanh")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the tables here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    tables = []
    for title, kinds, batch in (
        (f"batches of {arguments.batch}", MINI_BATCHES, arguments.batch),
        (f"all {POINTS:,} points", ALL_POINTS, POINTS),
    ):
        loops = {name: make(batch, arguments.activation) for name, make in kinds.items()}
        tables.append(as_markdown(title, take_turns(loops, arguments.rounds, arguments.steps)))
    said = f"2-{UNITS}-{UNITS}-2, {arguments.activation}, {arguments.threads} threads; medians of {arguments.rounds} "
    said += f"alternating turns of {arguments.steps} steps."
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    text = "\n\n".join([*tables, "\n".join([said, describe_machine(), versions, ""])])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
