"""What augmentation costs of a training step: the same steps with and without it.

    python benchmarks/augmentation.py --out table.md

Steps of `fit` as a run makes them, with their batches read, augmented and scaled; the share is (with - without) / with,
out of medians of alternating blocks of steps. Asked: under 15 % at 32 x 32 and under 25 % at 224 x 224.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from convolution_speed import SmallVGG
from machine import describe_machine, describe_versions
from torch import Tensor, nn

from glasswork.data.augmentation import Augmentation, least_margin, parse
from glasswork.data.batches import Batch
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution, usable_cores
from glasswork.networks.resnet import ResNet
from glasswork.objectives.losses import cross_entropy
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Moment, Stage, Step

WORDS = ("", "flip,crop:{crop}", "flip,crop:{crop},color:0.2", "flip,crop:{crop},color:0.2,rotation:10,scale:0.1")
CASES = {"VGG-style 32x32": (32, 128, 0.15), "ResNet-18 224x224": (224, 16, 0.25)}


def steps(network: nn.Module, side: int, batch: int, augmentation: Augmentation | None, threads: int) -> Iterator[Step]:
    """Steps without end over made images with the margin that the augmentation needs."""
    execution = Execution("cpu", threads, memory_format="channels-last")
    margin = least_margin(augmentation, side) if augmentation else 0
    task = Task(Images((3, side, side), mean=(0.5,) * 3, deviation=(0.25,) * 3), OneClass(tuple(map(str, range(10)))))
    count, whole = 4 * batch, side + 2 * margin
    images = torch.randint(0, 256, (count, 3, whole, whole), dtype=torch.uint8)
    columns = {"inputs": images, "targets": torch.randint(0, 10, (count,))}
    dataset = Dataset(columns, task, "noise", margin=margin)
    batches = shuffled_batches(dataset, torch.arange(count), batch, 0, execution, augmentation)

    def loss(network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        return cross_entropy(network(batch.inputs), batch.targets), carry

    execution.place(network)
    clock = Clock(total=10**9)
    return fit(Stage("train", network, list(network.parameters()), batches, loss, None, clock, execution, 0, 1e-4))


def measure(name: str, arguments: argparse.Namespace) -> list[str]:
    """The rows of one network."""
    side, batch, asked = CASES[name]
    words = [text.format(crop=side // 8) for text in WORDS]
    runs: dict[str, Iterator[Step]] = {}
    for text in words:
        network = SmallVGG() if side == 32 else ResNet("resnet18", (3, side, side), 10)
        augmentation = parse(text.split(",")) if text else None
        runs[text] = steps(network, side, batch, augmentation, arguments.threads)
        next(runs[text])
    seconds: dict[str, list[float]] = {text: [] for text in words}
    for _ in range(arguments.rounds):
        for text, run in runs.items():
            for _ in range(arguments.steps):
                began = time.perf_counter()
                next(run)
                seconds[text].append(time.perf_counter() - began)
    middle = {text: statistics.median(times) for text, times in seconds.items()}
    plain = middle[""]
    return [
        f"| {name}, batch {batch} | {text or 'none'} | {1000 * spent:.1f} | {1 - plain / spent:.1%} | {asked:.0%} |"
        for text, spent in middle.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=3, help="in a row before the next augmentation's turn")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--only", choices=["32", "224"], help="one of the two sizes")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    lines = ["| network | augmentation | ms per step | share of it | asked: below |", "|---|---|---|---|---|"]
    for name, (side, _, _) in CASES.items():
        if arguments.only in (None, str(side)):
            lines += measure(name, arguments)
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    table = "\n".join([*lines, "", f"{arguments.threads} threads.", describe_machine(), versions, ""])
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
