"""Seconds for many random restarts of a small network: a loop over them in plain PyTorch, against our stack.

    python benchmarks/restarts.py --rounds 5

64 networks 2-16-16-2 (ReLU, cross-entropy, Adam) of other first weights, 1,000 points, 500 steps, once with all points
in every step and once with 32. Asked: the stack at least 8 times as fast as the plain loop with default
`torch.optim.Adam`; the ratios to the loop with fused Adam, and to our own single run times 64, are to be stated. The
four alternate in one process, after a short run of each that is not timed. Everything is timed that a restart needs:
making networks and optimizers, shuffling, steps; for ours also choosing the one with the least training loss.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine, describe_versions
from torch import Tensor, nn

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.execution import Execution, seed_everything
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.system import Supervised
from glasswork.systems.system import Context
from glasswork.training.fit import minimise
from glasswork.training.stage import Clock

RATE = 0.01
PLAIN, FUSED = "plain PyTorch loop, default Adam", "plain PyTorch loop, fused Adam"
SINGLE, STACK = "glasswork, single runs", "glasswork, one stack"


def make_points(count: int) -> tuple[Tensor, Tensor]:
    """Points of the plane, of the class that says whether their coordinates have one sign."""
    inputs = torch.randn(count, 2, generator=torch.Generator().manual_seed(0))
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).long()


def batches(count: int, size: int, steps: int) -> Iterator[Tensor]:
    """Rows of as many batches as there are steps, shuffled anew in every epoch."""
    made = 0
    while True:
        for rows in torch.randperm(count).split(size):
            if made == steps:
                return
            made += 1
            yield rows


def plain_loop(points: tuple[Tensor, Tensor], size: int, steps: int, restarts: int, fused: bool) -> float:
    """What one writes down; the least of the losses at the end."""
    inputs, targets = points
    ends = []
    for seed in range(restarts):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))
        options = {"fused": True} if fused else {}
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE, **options)
        if size == len(inputs):
            for _ in range(steps):
                optimizer.zero_grad()
                loss = F.cross_entropy(network(inputs), targets)
                loss.backward()
                optimizer.step()
        else:
            for rows in batches(len(inputs), size, steps):
                optimizer.zero_grad()
                loss = F.cross_entropy(network(inputs[rows]), targets[rows])
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            ends.append(F.cross_entropy(network(inputs), targets).item())
    return min(ends)


def ours(points: tuple[Tensor, Tensor], size: int, steps: int, restarts: int) -> float:
    """The same as a run of Glasswork does it, without the run's folder; the loss of the network that is kept."""
    inputs, targets = points
    task = Task(Table((2,), features=("x", "y"), mean=(0.0, 0.0), deviation=(1.0, 1.0)), OneClass(("other", "same")))
    dataset, none = Dataset({"inputs": inputs, "targets": targets}, task, "made"), torch.zeros(0, dtype=torch.int64)
    recipe = SupervisedRecipe(
        network="dense",
        hidden=(16, 16),
        loss="cross-entropy",
        optimizer="adam",
        schedule="constant",
        learning_rate=RATE,
        batch_size=size,
        restarts=restarts,
        select_by="training",
    )
    system, splits, execution = Supervised(recipe), Splits(torch.arange(len(inputs)), none, none), Execution()
    seed_everything(0)
    network = system.network(task)
    [stage] = system.stages(network, Context(dataset, splits, execution))
    for _ in minimise([replace(stage, clock=Clock(steps))]):
        pass
    return system.evaluate(network, dataset, splits.training, execution).metrics.values["loss"]


def timed(carry_out: Callable[[], float]) -> tuple[float, float]:
    """Seconds, and what came out."""
    started = time.perf_counter()
    loss = carry_out()
    return time.perf_counter() - started, loss


def measure(size: int, arguments: argparse.Namespace) -> str:
    """A table of one size of batch."""
    points, restarts, singles = make_points(arguments.points), arguments.restarts, arguments.singles

    def ways(steps: int) -> dict[str, Callable[[], float]]:
        return {
            PLAIN: lambda: plain_loop(points, size, steps, restarts, fused=False),
            FUSED: lambda: plain_loop(points, size, steps, restarts, fused=True),
            SINGLE: lambda: min(ours(points, size, steps, 1) for _ in range(singles)),
            STACK: lambda: ours(points, size, steps, restarts),
        }

    for carry_out in ways(5).values():
        carry_out()
    seconds: dict[str, list[float]] = {}
    losses: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for name, carry_out in ways(arguments.steps).items():
            taken, losses[name] = timed(carry_out)
            taken *= restarts / singles if name == SINGLE else 1
            seconds.setdefault(name, []).append(taken)
            print(f"batch {size}: {name} {taken:.2f} s", file=sys.stderr, flush=True)
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    lines = [
        f"| {restarts} restarts, {arguments.points:,} points, {arguments.steps} steps of {size} | seconds "
        "| stack is faster by | least training loss |",
        "|---|---|---|---|",
    ]
    for name, value in middle.items():
        ratio = "" if name == STACK else f"{value / middle[STACK]:.1f}"
        lines.append(f"| {name} | {value:.2f} | {ratio} | {losses[name]:.4f} |")
    return "\n".join(lines)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--restarts", type=int, default=64)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch", type=int, action="append", help="points of a step; several times: a table each")
    parser.add_argument("--singles", type=int, default=8, help="of our single runs; their time is multiplied")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, help="write the tables here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    tables = [measure(size, arguments) for size in arguments.batch or (arguments.points, 32)]
    said = f"Medians of {arguments.rounds} alternating rounds, {arguments.threads} threads; the single runs are "
    said += f"{arguments.singles}, times {arguments.restarts / arguments.singles:g}."
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    text = "\n\n".join([*tables, "\n".join([said, describe_machine(), versions])]) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
