"""Updates per second of our online delta rule against plain PyTorch loops over single examples.

    python benchmarks/online.py

Kovashka's algorithm: a hidden and an output layer of sigmoid units, squared error, every weight updated after every
single example: XOR, rows of scikit-learn's digits and, for their size, rows of noise. All loops take turns in one
process on one thread. Asked: ten times the updates of the faster autograd loop.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import torch
from machine import describe_machine, describe_versions
from torch import Tensor, nn

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.systems.online.recipe import OnlineRecipe
from glasswork.systems.online.system import Online
from glasswork.systems.system import Context
from glasswork.training.fit import minimise

RATE = 0.1
FOREVER = 10**9  # steps
NEVER = 1e-300  # no error is ever so small that training has converged
WARM_UP = 2  # turns
DIGITS = 400

Updates = Generator[int, None, None]
"""Makes some updates when asked for the next item, which is how many."""


@dataclass(frozen=True)
class Problem:
    """Examples and a network for them.

    Attributes:
        name: in the table.
        x: inputs (N, D).
        t: targets (N, K), 0 or 1.
        hidden: M.
    """

    name: str
    x: Tensor
    t: Tensor
    hidden: int


def problems() -> list[Problem]:
    """From the slide's size upward."""
    from sklearn.datasets import load_digits

    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    t = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    digits = load_digits()
    pixels = torch.tensor(digits.data[:DIGITS], dtype=torch.float32) / 16
    classes = nn.functional.one_hot(torch.tensor(digits.target[:DIGITS]), 10).float()
    return [
        Problem("2-2-1, XOR", x, t, 2),
        Problem("2-4-1, XOR", x, t, 4),
        Problem("2-16-1, XOR", x, t, 16),
        Problem("8-8-10, digits' first pixels", pixels[:, 10:18], classes, 8),
        Problem("64-16-10, digits", pixels, classes, 16),
        Problem("784-30-10, noise", torch.rand(DIGITS, 784), classes, 30),
    ]


def by_autograd(problem: Problem, optimizer: bool) -> Updates:
    """The loop that one writes: forward, error, backward, and the step by torch.optim.SGD or by hand."""
    net = nn.Sequential(
        nn.Linear(problem.x.shape[1], problem.hidden),
        nn.Sigmoid(),
        nn.Linear(problem.hidden, problem.t.shape[1]),
        nn.Sigmoid(),
    )
    parameters = list(net.parameters())
    descent = torch.optim.SGD(parameters, RATE)
    dataset = list(zip(problem.x, problem.t, strict=True))
    while True:
        for x, t in dataset:
            error = (net(x) - t).square().sum() / 2
            error.backward()
            if optimizer:
                descent.step()
                descent.zero_grad()
            else:
                with torch.no_grad():
                    for parameter in parameters:
                        parameter -= RATE * parameter.grad
                        parameter.grad = None
        yield len(dataset)


def by_delta_rules(problem: Problem) -> Updates:
    """Our rule as `glasswork train xor` has it, log and checkpoints left out."""
    dataset = len(problem.x)
    recipe = OnlineRecipe.parse(
        {"hidden": problem.hidden, "learning_rate": RATE, "tolerance": NEVER, "epochs": FOREVER}
    )
    system = Online(recipe)
    features, units = problem.x.shape[1], problem.t.shape[1]
    names = tuple(f"t{unit}" for unit in range(units))
    task = Task(Table((features,), features=tuple(f"x{place}" for place in range(features))), Numbers(names))
    columns = {"inputs": problem.x, "targets": problem.t, "fingerprints": fingerprints(problem.x)}
    rows, none = torch.arange(dataset), torch.empty(0, dtype=torch.int64)
    made = Dataset(columns, task, "made")
    splits = Splits(rows, none, none)
    for step in minimise(system.stages(system.network(task), Context(made, splits, Execution()))):
        yield step.examples


LOOPS: dict[str, Callable[[Problem], Updates]] = {
    "autograd, torch.optim.SGD": lambda problem: by_autograd(problem, True),
    "autograd, step by hand": lambda problem: by_autograd(problem, False),
    "our delta rules": by_delta_rules,
}


def take_turns(problem: Problem, rounds: int, seconds: float) -> dict[str, float]:
    """Median updates per second of each loop, over turns of at least so many seconds."""
    loops = {name: make(problem) for name, make in LOOPS.items()}
    rates: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(rounds + WARM_UP):
        for name, loop in loops.items():
            made, began = 0, time.perf_counter()
            while (took := time.perf_counter() - began) < seconds:
                made += next(loop)
            if number >= WARM_UP:
                rates[name].append(made / took)
    for loop in loops.values():
        loop.close()
    return {name: statistics.median(values) for name, values in rates.items()}


def as_markdown(found: dict[str, dict[str, float]]) -> str:
    """A row per problem: updates per second, and ours over the faster of the other two."""
    lines = [
        f"| updates per second | {' | '.join(LOOPS)} | ours / faster autograd |",
        "|---|" + "---|" * (len(LOOPS) + 1),
    ]
    for name, rates in found.items():
        *theirs, ours = rates.values()
        cells = " | ".join(f"{rate:,.0f}" for rate in rates.values())
        lines.append(f"| {name} | {cells} | {ours / max(theirs):.1f} |")
    return "\n".join(lines)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each loop")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a turn")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = as_markdown(
        {problem.name: take_turns(problem, arguments.rounds, arguments.seconds) for problem in problems()}
    )
    said = (
        f"Inputs-hidden-outputs, one thread; medians of {arguments.rounds} alternating turns of {arguments.seconds} s."
    )
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    text = "\n".join([table, "", said, describe_machine(), versions, ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
