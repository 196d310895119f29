"""Share of the machine's float32 matrix-multiply peak that training steps of deep networks reach.

    python benchmarks/convolution_speed.py --out table.md

The peak is that of large square matrix products in the same process. The ways take turns; each round has a peak of its
own just before, and the median of the rounds' shares counts. A network's rate is its multiply-adds x 2 (a
multiplication and an addition) x 3 (forward, errors backward, weight gradients) over the seconds of forward and
backward; no gradient is needed for the images, which is taken off. Asked: 70 % or more for a VGG-style network of six
3x3 convolutions with batch normalisation on 32x32x3, 60 % for ResNet-18; and, where the processor has units for
bfloat16, 2.3 times the float32 rate for the former.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from machine import describe_machine, describe_versions
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from glasswork.data.batches import Batch
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution, Precision, fast_bfloat16, keep_memory, usable_cores
from glasswork.glassbox.cost.network import count_network
from glasswork.networks.resnet import ResNet
from glasswork.objectives.losses import cross_entropy
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Moment, Stage

SIDE = 2048


class SmallVGG(nn.Module):
    """Six 3x3 convolutions in three blocks, each normalised, pooled, one dense layer.

    Args:
        pool_first: pooling stands before normalisation and activation, which then have a quarter of the values.
    """

    def __init__(self, outputs: int = 10, pool_first: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in (64, 128, 256):
            for last in (False, True):
                pool = [nn.MaxPool2d(2)] if last else []
                after = [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
                layers += [*pool, *after] if pool_first else [*after, *pool]
                channels = width
        self.maps, self.output = nn.Sequential(*layers), nn.Linear(256 * 16, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Scores."""
        return self.output(self.maps(images).flatten(1))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int, float]] = {
    "VGG-style, 32x32x3, batch 64": (SmallVGG, 32, 64, 0.70),
    "ResNet-18, 224x224x3, batch 16": (lambda: ResNet("resnet18", (3, 224, 224), 10), 224, 16, 0.60),
}


Prepared = tuple[nn.Module, Tensor, Tensor]


def peak(seconds: float) -> float:
    """Operations per second of float32 matrix products, the best of those that fit into some seconds."""
    one, other = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    result = torch.empty(SIDE, SIDE)
    best, ended = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < ended:
        began = time.perf_counter()
        torch.mm(one, other, out=result)
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


def operations(network: nn.Module, side: int, batch: int) -> int:
    """Additions and multiplications of forward and backward; the first layer hands no errors on to the images."""
    counted = count_network(network.eval(), torch.zeros(1, 3, side, side))
    network.train()
    first = next(layer.multiply_adds for layer in counted.layers if layer.multiply_adds)
    return 2 * batch * (3 * counted.multiply_adds - first)


def passes(prepared: Prepared, arguments: argparse.Namespace, precision: Precision) -> list[float]:
    """Seconds of forward and backward, one by one."""
    network, images, targets = prepared
    seconds, execution = [], Execution("cpu", arguments.threads, precision)
    for _ in range(arguments.warm_up + arguments.steps):
        network.zero_grad(set_to_none=True)
        began = time.perf_counter()
        with execution.arithmetic():
            scores = network(images)
        cross_entropy(scores.float(), targets).backward()
        seconds.append(time.perf_counter() - began)
    return seconds[arguments.warm_up :]


def as_fitted(
    network: nn.Module, side: int, batch: int, arguments: argparse.Namespace, precision: Precision
) -> list[float]:
    """Seconds of whole steps of `fit`: reading, scaling, forward, backward, AdamW, the draw of the next batch."""
    execution = Execution("cpu", arguments.threads, precision, memory_format="channels-last")
    execution.place(network)
    task = Task(Images((3, side, side), mean=(0.5,) * 3, deviation=(0.25,) * 3), OneClass(tuple(map(str, range(10)))))
    columns = {
        "inputs": torch.randint(0, 256, (4 * batch, 3, side, side), dtype=torch.uint8),
        "targets": torch.randint(0, 10, (4 * batch,)),
    }
    batches = shuffled_batches(Dataset(columns, task, "noise"), torch.arange(4 * batch), batch, 0, execution)

    def loss(network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        return cross_entropy(network(batch.inputs).float(), batch.targets), carry

    clock = Clock(total=arguments.warm_up + arguments.steps)
    stage = Stage("train", network, list(network.parameters()), batches, loss, None, clock, execution, 0, 1e-3)
    seconds, before = [], time.perf_counter()
    for _ in fit(stage):
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    return seconds[arguments.warm_up :]


def profiled(network: nn.Module, images: Tensor, targets: Tensor) -> list[tuple[str, float]]:
    """Share of the time of each kind of operation in forward and backward, greatest first."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(3):
            network.zero_grad(set_to_none=True)
            cross_entropy(network(images), targets).backward()
    times = {event.key: event.self_cpu_time_total for event in found.key_averages()}
    everything = sum(times.values())
    ranked = sorted(times.items(), key=lambda pair: -pair[1])
    return [(name, spent / everything) for name, spent in ranked[:9]]


def ways(name: str, arguments: argparse.Namespace) -> dict[str, Callable[[], Prepared]]:
    """The same training passes carried out in different ways; the first is ours."""
    make, side, batch, _ = NETWORKS[name]

    def plain(layout: torch.memory_format, times: int = 1) -> Prepared:
        images = torch.randn(batch * times, 3, side, side).contiguous(memory_format=layout)
        network = make().to(memory_format=layout)  # type: ignore[call-overload]
        return network, images, torch.randint(0, 10, (batch * times,))

    def compiled() -> Prepared:
        network, images, targets = plain(torch.channels_last)
        return torch.compile(network), images, targets  # type: ignore[return-value]

    def pooled_first() -> Prepared:
        _, images, targets = plain(torch.channels_last)
        return SmallVGG(pool_first=True).to(memory_format=torch.channels_last), images, targets  # type: ignore[call-overload]

    found: dict[str, Callable[[], Prepared]] = {
        "channels last": lambda: plain(torch.channels_last),
        "contiguous": lambda: plain(torch.contiguous_format),
        "channels last, twice the batch": lambda: plain(torch.channels_last, 2),
        "channels last, memory kept": lambda: plain(torch.channels_last),
    }
    if make is SmallVGG:
        found["channels last, pooling first"] = pooled_first
    if fast_bfloat16("cpu"):
        found["channels last, bfloat16"] = lambda: plain(torch.channels_last)
        found["channels last, bfloat16, memory kept"] = lambda: plain(torch.channels_last)
    if arguments.compile:
        found["channels last, torch.compile"] = compiled
    return found


def precision_of(way: str) -> Precision:
    return "bfloat16" if "bfloat16" in way else "float32"


def measure(name: str, arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The rows of the table and of the profile for one network; all ways take turns, each round beside its own peak."""
    make, side, batch, asked = NETWORKS[name]
    prepared = {way: make_way() for way, make_way in ways(name, arguments).items()}
    fitted = ["whole steps of fit", *(["whole steps of fit, bfloat16"] if fast_bfloat16("cpu") else [])]
    work = {way: operations(SmallVGG(pool_first=True) if "pooling" in way else make(), side, batch) for way in prepared}
    rates: dict[str, list[float]] = {way: [] for way in (*prepared, *fitted)}
    shares: dict[str, list[float]] = {way: [] for way in rates}
    tops = []
    for _ in range(arguments.rounds):
        tops.append(peak(arguments.peak_seconds))
        for way in rates:
            keep_memory("memory kept" in way or way in fitted)
            if way in fitted:
                seconds, images = as_fitted(make(), side, batch, arguments, precision_of(way)), batch
            else:
                network, inputs, _ = prepared[way]
                network.train()
                seconds, images = passes(prepared[way], arguments, precision_of(way)), len(inputs)
            rate = images / statistics.median(seconds)
            rates[way].append(rate)
            shares[way].append(rate * work.get(way, work["channels last"]) / batch / tops[-1])
        print(
            name, "of", f"{tops[-1] / 1e9:.0f}", {way: round(share[-1], 2) for way, share in shares.items()}, flush=True
        )
    plain = "channels last"
    lines = [
        f"| {name}; {way} | {statistics.median(rates[way]):.0f} | {statistics.median(shares[way]):.0%} | "
        f"{min(shares[way]):.0%} to {max(shares[way]):.0%} | {_times(rates[way], rates[plain])} | {asked:.0%} |"
        for way in rates
    ]
    lines.append(f"| {name}; matrix products of {SIDE}, GFLOP/s | {statistics.median(tops) / 1e9:.0f} | 100% | | | |")
    kinds = profiled(prepared[plain][0].train(), *prepared[plain][1:])
    return lines, [f"| {name} | {kind} | {share:.0%} |" for kind, share in kinds]


def _times(rates: list[float], plain: list[float]) -> str:
    """The median of the rounds' ratios."""
    return f"{statistics.median(rate / other for rate, other in zip(rates, plain, strict=True)):.2f}"


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--peak-seconds", type=float, default=0.7)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--compile", action="store_true", help="torch.compile as well, which needs a C++ compiler")
    parser.add_argument("--only", choices=["vgg", "resnet"], help="one of the two")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    header = ("network; way", "images/s", "of the peak", "in the rounds", "times channels last", "asked")
    lines = [f"| {' | '.join(header)} |", "|---|---|---|---|---|---|"]
    shares = ["", "| network | operation | share of the time |", "|---|---|---|"]
    for name in NETWORKS:
        if arguments.only and not name.lower().startswith(arguments.only):
            continue
        rows, parts = measure(name, arguments)
        lines += rows
        shares += parts
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    said = f"{arguments.threads} threads; medians of {arguments.rounds} rounds of {arguments.steps} steps each way."
    table = "\n".join([*lines, *shares, "", said, describe_machine(), versions, ""])
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
