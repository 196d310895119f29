"""Time per training example of our loop against a hand-written PyTorch loop over tensors doing the same arithmetic.

    python benchmarks/loop_overhead.py --rounds 5

LeNet-5 on Fashion-MNIST, the two alternating in processes of their own; asked: at most 1.15. Both loops get the same
batch, optimizer, schedule, precision and memory format. Neither start, first steps nor judging on validation examples
are in the figures: this is about the steps.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine, describe_versions
from peers.fashion_mnist import read_arrays
from peers.torch_lenet import DEVIATION, MEAN, LeNet
from torch import Tensor, nn

WARM_UP = 20  # steps that are not timed


class PoolFirstLeNet(LeNet):
    """The same function as LeNet with a quarter of the ReLUs: pooling and ReLU may be exchanged."""

    def forward(self, images: Tensor) -> Tensor:
        """The scores of the ten classes."""
        maps = F.relu(F.max_pool2d(self.convolution1(images), 2))  # (N, 6, 14, 14)
        maps = F.relu(F.max_pool2d(self.convolution2(maps), 2))  # (N, 16, 5, 5)
        hidden = F.relu(self.dense1(maps.flatten(1)))  # (N, 120)
        return self.dense3(F.relu(self.dense2(hidden)))  # (N, 10)


def time_by_hand(arguments: argparse.Namespace) -> dict[str, float]:
    """The loop that a careful person writes: images in one uint8 tensor, batches by index, a fused optimizer."""
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    arrays = read_arrays(arguments.data)
    images, targets = torch.tensor(arrays[0])[:, None], torch.tensor(arrays[1]).long()
    layout = torch.channels_last if arguments.memory_format == "channels-last" else torch.contiguous_format
    network = PoolFirstLeNet() if arguments.order == "pool-relu" else LeNet()
    network.to(memory_format=layout)
    optimizer = make_optimizer(network, arguments.optimizer)
    steps = arguments.warm_up + arguments.steps
    schedule = None
    if arguments.schedule == "one-cycle":
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=steps, cycle_momentum=False)

    order = torch.randperm(len(images))
    per_epoch = len(images) // arguments.batch
    seconds = []
    before = time.perf_counter()
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(images))
        first = step % per_epoch * arguments.batch
        rows = order[first : first + arguments.batch]
        batch = images[rows].float().div_(255).sub_(MEAN).div_(DEVIATION).contiguous(memory_format=layout)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bfloat16"):
            loss = F.cross_entropy(network(batch), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule:
            schedule.step()
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    return per_example(seconds, [arguments.batch] * steps, arguments)


def make_optimizer(network: nn.Module, name: str) -> torch.optim.Optimizer:
    """A fused optimizer out of torch."""
    if name == "adamw":
        return torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.0, fused=True)
    return torch.optim.SGD(network.parameters(), 0.05, momentum=0.9 if name == "momentum" else 0.0, fused=True)


def time_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """Our loop through its Python face; a step's time is from the step before to this one being handed out."""
    import glasswork

    options = {"threads": arguments.threads, "precision": arguments.precision, "allocator": "default"}
    options |= {"memory_format": arguments.memory_format, "batch_size": arguments.batch}
    options |= {"optimizer": arguments.optimizer, "schedule": arguments.schedule}
    seconds, examples = [], []
    before = time.perf_counter()
    steps = glasswork.steps("lenet", data="fashion-mnist", epochs=1 + arguments.steps // 400, **options)
    for step in steps:
        if step.judgement is None:
            seconds.append(time.perf_counter() - before)
            examples.append(step.examples)
        before = time.perf_counter()
        if len(seconds) >= arguments.warm_up + arguments.steps:
            break
    steps.close()
    return per_example(seconds, examples, arguments)


def per_example(seconds: list[float], examples: list[int], arguments: argparse.Namespace) -> dict[str, float]:
    """Microseconds per example after the warm-up: of all steps together, and of the median step."""
    seconds, examples = seconds[arguments.warm_up :], examples[arguments.warm_up :]
    each = [1e6 * time / count for time, count in zip(seconds, examples, strict=True)]
    return {"mean": 1e6 * sum(seconds) / sum(examples), "median": statistics.median(each)}


def run_in_process(role: str) -> dict[str, float]:
    """This script again, as one of the two loops, in a fresh process."""
    command = [sys.executable, __file__, *sys.argv[1:], "--role", role]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the loop '{role}' failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def as_markdown(times: dict[str, list[dict[str, float]]], arguments: argparse.Namespace) -> str:
    lines = ["| microseconds per example | all steps | median step |", "|---|---|---|"]
    middle = {
        role: {key: statistics.median(run[key] for run in runs) for key in ("mean", "median")}
        for role, runs in times.items()
    }
    for role, figures in middle.items():
        lines.append(f"| {role} | {figures['mean']:.1f} | {figures['median']:.1f} |")
    if len(middle) == 2:
        ratios = (middle["ours"][key] / middle["hand"][key] for key in ("mean", "median"))
        lines.append("| ours / hand | " + " | ".join(f"{ratio:.3f}" for ratio in ratios) + " |")
    said = f"LeNet-5 on Fashion-MNIST, batch {arguments.batch}, {arguments.optimizer}, {arguments.schedule}, "
    said += (
        f"{arguments.precision}, {arguments.memory_format}, {arguments.order}, {arguments.threads} threads; medians "
    )
    said += f"of {arguments.rounds} alternating runs of {arguments.steps} steps."
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    return "\n".join([*lines, "", said, describe_machine(), versions, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"), help="the IDX files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=800, help="timed steps of one run")
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="steps before them")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--optimizer", choices=["adamw", "momentum", "sgd"], default="adamw")
    parser.add_argument("--schedule", choices=["constant", "one-cycle"], default="one-cycle")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--memory-format", choices=["contiguous", "channels-last"], default="channels-last")
    parser.add_argument(
        "--order", choices=["pool-relu", "relu-pool"], default="pool-relu", help="as our network has it"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--roles", default="hand,ours", help="which loops to time")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--role", choices=["hand", "ours"], help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    if arguments.role:
        time_loop = time_by_hand if arguments.role == "hand" else time_ours
        print(json.dumps(time_loop(arguments)))
        return
    times: dict[str, list[dict[str, float]]] = {role: [] for role in arguments.roles.split(",")}
    for _ in range(arguments.rounds):
        for role, runs in times.items():
            runs.append(run_in_process(role))
            print(role, runs[-1], file=sys.stderr, flush=True)
    table = as_markdown(times, arguments)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
