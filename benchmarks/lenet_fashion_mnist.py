"""Seconds from process start to a LeNet-5 of a given test accuracy on Fashion-MNIST: Glasswork and its peers.

    python benchmarks/lenet_fashion_mnist.py --python PEERS/bin/python --glasswork PATH/glasswork --log runs.jsonl

For every peer it finds the smallest number of epochs, for Glasswork the smallest `--budget`, whose median test accuracy
over the seeds reaches the target, and compares the seconds. Runs of all contestants alternate. With `--log` an
interrupted measurement goes on where it stopped. README.md says what each peer does and where its defaults come from.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import describe_machine, describe_versions
from peers.fashion_mnist import write_part

PEERS = Path(__file__).parent / "peers"
COMMANDS = {
    "skorch": ["train_skorch.py"],
    "keras-jax": ["train_keras.py", "--backend", "jax"],
    "keras-torch": ["train_keras.py", "--backend", "torch"],
    "fabric": ["train_fabric.py"],
    "pytorch": ["train_pytorch.py"],
}
PACKAGES = ("torch", "torchvision", "skorch", "keras", "jax", "lightning", "numpy")


@dataclass(frozen=True)
class Run:
    """One run to make: of whom, with which seed and for how long (epochs; seconds of budget for glasswork)."""

    name: str
    column: str
    seed: int
    length: int


@dataclass(frozen=True)
class Reading:
    """What a run gave at one length."""

    name: str
    column: str
    seed: int
    length: int
    accuracy: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """A line of the table: the smallest length that reached the target, or the longest one where none did."""

    name: str
    column: str
    length: int
    accuracy: float
    seconds: float
    reached: bool


class Contestant:
    """One line of the table, with the rule for finding its smallest length that reaches the target.

    Both rules look only at the readings so far, so that a measurement can be continued from its log.
    """

    def __init__(self, name: str, column: str, lengths: Sequence[int], arguments: argparse.Namespace):
        self.name, self.column, self.lengths = name, column, lengths
        self.seeds, self.target = arguments.seeds, arguments.target
        self.read_off = column == "default"  # one run gives all lengths up to its own

    def next_run(self, readings: Iterable[Reading]) -> Run | None:
        """The run that is still missing, if any."""
        table = self._by_seed_and_length(readings)
        missing = self._missing_read_off(table) if self.read_off else self._missing_one_by_one(table)
        return Run(self.name, self.column, *missing) if missing else None

    def row(self, readings: Iterable[Reading]) -> Row | None:
        """The line of the table; None before the first run."""
        table = self._by_seed_and_length(readings)
        rows = []
        for length in self.lengths:
            at = [table[seed, length] for seed in self.seeds if (seed, length) in table]
            if at:
                accuracy = statistics.median(reading.accuracy for reading in at)
                seconds = statistics.median(reading.seconds for reading in at)
                reached = len(at) == len(self.seeds) and accuracy >= self.target
                rows.append(Row(self.name, self.column, length, accuracy, seconds, reached))
        return next((row for row in rows if row.reached), rows[-1] if rows else None)

    def _by_seed_and_length(self, readings: Iterable[Reading]) -> dict[tuple[int, int], Reading]:
        own = (reading for reading in readings if (reading.name, reading.column) == (self.name, self.column))
        return {(reading.seed, reading.length): reading for reading in own}

    def _reaches(self, table: dict[tuple[int, int], Reading], length: int) -> bool:
        return statistics.median(table[seed, length].accuracy for seed in self.seeds) >= self.target

    def _missing_read_off(self, table: dict[tuple[int, int], Reading]) -> tuple[int, int] | None:
        """Each seed once, at least as long as those before it; again, and longer, only if the median needs it."""
        longest = max((length for _, length in table), default=1)
        for length in self.lengths:
            for seed in self.seeds:
                if (seed, length) not in table:
                    return seed, max(length, longest)
            if self._reaches(table, length):
                return None
        return None

    def _missing_one_by_one(self, table: dict[tuple[int, int], Reading]) -> tuple[int, int] | None:
        """The lengths upward; a length that the first seed does not reach is not tried with the others."""
        for length in self.lengths:
            for seed in self.seeds:
                if (seed, length) not in table:
                    return seed, length
                if table[self.seeds[0], length].accuracy < self.target:
                    break
            else:
                if self._reaches(table, length):
                    return None
        return None


def run_peer(run: Run, data: Path, arguments: argparse.Namespace) -> list[Reading]:
    """Spawn a peer's script; its readings, with the time that the process took to end added to each."""
    script, *options = COMMANDS[run.name]
    command = [arguments.python, str(PEERS / script), *options, "--data", str(data.resolve())]
    command += ["--schedule", run.column, "--seed", str(run.seed), "--batch", str(arguments.batch)]
    if run.column == "default":
        command += ["--epochs", str(arguments.longest), "--at-least", str(run.length)]
        command += ["--target", str(arguments.target), "--extra", str(arguments.extra)]
    else:
        command += ["--epochs", str(run.length), "--peak", str(arguments.peak)]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        output = run_command([*command, "--save", folder, "--started", repr(started)], folder, {})
        seconds = time.monotonic() - started
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"epoch"')]
    ending = seconds - lines[-1]["seconds"] - lines[-1]["set_aside"]
    return [
        Reading(run.name, run.column, run.seed, line["epoch"], line["accuracy"], round(line["seconds"] + ending, 3))
        for line in lines
    ]


def run_glasswork(run: Run, data: str, arguments: argparse.Namespace) -> list[Reading]:
    """Spawn `glasswork train`, with a cache of its own so that it reads the files as the peers do."""
    command = [*shlex.split(arguments.glasswork), "train", "lenet", "--data", data]
    command += ["--budget", f"{run.length}s", "--seed", str(run.seed), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        output = run_command(command, folder, {"GLASSWORK_CACHE": str(Path(folder) / "cache")})
        seconds = time.monotonic() - started
    accuracy = json.loads(output)["test"]["accuracy"]
    return [Reading(run.name, run.column, run.seed, run.length, round(accuracy, 4), round(seconds, 3))]


def run_command(command: list[str], folder: str, environment: dict[str, str]) -> str:
    """Its standard output; the benchmark ends if it fails."""
    done = subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {shlex.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout


def measure(contestants: list[Contestant], data: Path, arguments: argparse.Namespace) -> list[Reading]:
    """Every contestant makes its next run in turn, until no one needs another."""
    readings = read_log(arguments.log)
    waiting = True
    while waiting:
        waiting = False
        for contestant in contestants:
            run = contestant.next_run(readings)
            if run is None:
                continue
            waiting = True
            if run.name == "glasswork":
                name_or_folder = str(data) if arguments.quick else "fashion-mnist"
                new = run_glasswork(run, name_or_folder, arguments)
            else:
                new = run_peer(run, data, arguments)
            readings += new
            write_log(arguments.log, new)
            last = new[-1]
            said = f"{last.name} {last.column} seed {last.seed}: {last.length} -> {last.accuracy:.4f}"
            print(f"{said}, {last.seconds:.1f} s", file=sys.stderr, flush=True)
    return readings


def read_log(path: Path | None) -> list[Reading]:
    if path is None or not path.exists():
        return []
    return [Reading(**json.loads(line)) for line in path.read_text().splitlines()]


def write_log(path: Path | None, readings: list[Reading]) -> None:
    if path is not None:
        with path.open("a") as log:
            log.writelines(json.dumps(asdict(reading)) + "\n" for reading in readings)


def as_markdown(rows: list[Row], arguments: argparse.Namespace) -> str:
    """The table, and under it all that is needed to judge it."""
    ours = next((row.seconds for row in rows if row.name == "glasswork" and row.reached), None)
    lines = [
        f"| LeNet-5 on Fashion-MNIST to {arguments.target:.0%} | schedule | length | accuracy | seconds | to ours |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        unit = "s budget" if row.name == "glasswork" else "epochs"
        ratio = f"{row.seconds / ours:.2f}" if ours else ""
        if not row.reached:
            ratio = f"not reached; > {ratio}" if ours else "not reached"
        lines.append(
            f"| {row.name} | {row.column} | {row.length} {unit} | {row.accuracy:.2%} | {row.seconds:.1f} | {ratio} |"
        )
    seeds = ", ".join(map(str, arguments.seeds))
    notes = [
        f"Medians over seeds {seeds}; seconds from the spawning of the process to its end, model saved and evaluated.",
        describe_machine(),
        "Peers: " + describe_versions(arguments.python, PACKAGES),
    ]
    return "\n".join([*lines, "", *notes, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"), help="the IDX files")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--glasswork", help="our command; without it only the peers run")
    parser.add_argument("--peers", default="skorch,keras-jax,fabric,pytorch", help=f"of {', '.join(COMMANDS)}")
    parser.add_argument("--schedules", default="default,one-cycle", help="columns of the peers")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--target", type=float, default=0.90)
    parser.add_argument("--budgets", type=int, nargs="+", default=[25, 30, 35, 40, 50, 60, 80], help="ours, seconds")
    parser.add_argument("--cycles", type=int, nargs="+", default=[3, 4, 5, 6, 7, 8], help="epochs of one-cycle")
    parser.add_argument("--longest", type=int, default=14, help="most epochs of the default schedule")
    parser.add_argument("--extra", type=int, default=1, help="epochs that a default run goes on after the target")
    parser.add_argument("--batch", type=int, default=128, help="of the peers")
    parser.add_argument("--peak", type=float, default=8e-3, help="highest learning rate of the peers' one-cycle")
    parser.add_argument("--log", type=Path, help="JSON lines, one a reading; what is in it is not run again")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 2,000 images, one epoch, one seed")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.target = arguments.seeds[:1], 0.0
        arguments.cycles, arguments.longest, arguments.budgets = [1], 1, arguments.budgets[:1]
        arguments.extra = 0
    unknown = set(arguments.peers.split(",")) - {*COMMANDS, ""}
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    return arguments


def main() -> None:
    arguments = read_arguments()
    contestants = []
    if arguments.glasswork:
        contestants.append(Contestant("glasswork", "own", arguments.budgets, arguments))
    for column in arguments.schedules.split(","):
        lengths = range(1, arguments.longest + 1) if column == "default" else arguments.cycles
        names = filter(None, arguments.peers.split(","))
        contestants += [Contestant(name, column, lengths, arguments) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        data = write_part(arguments.data, Path(folder), 2000, 500) if arguments.quick else arguments.data
        readings = measure(contestants, data, arguments)
    rows = [row for contestant in contestants if (row := contestant.row(readings))]
    table = as_markdown(rows, arguments)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
