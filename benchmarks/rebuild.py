"""The speed of this source tree beside an older one, such as a checkout of the commit before a rebuild.

    python benchmarks/rebuild.py ../before --rounds 7 --out table.md

Each tree is measured by its own benchmarks, in processes of their own with the tree's `src` on the path; the two take
turns, and which of them begins changes with every round. Asked: none slower by more than 3 %. A benchmark that also
times loops written by hand does so here too, but only our own figures are taken. Run it on an otherwise idle machine;
`loop_overhead` needs Fashion-MNIST.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine, describe_versions

HERE = Path(__file__).parent.parent
ALLOWED = 1.03
FEWEST = 7  # rounds of which a median says something
TEXT = "text.txt"
TEXT_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class Figure:
    """A number that a benchmark prints.

    Attributes:
        name: in the table.
        find: finds it in the standard output.
        unit: of the number.
        rate: whether more is faster.
    """

    name: str
    find: Callable[[str], float]
    unit: str
    rate: bool = False


@dataclass(frozen=True)
class Measurement:
    """A command that is timed, or that prints figures.

    Attributes:
        words: a script in `benchmarks/`, or `-m` or `-c` as Python has them, and arguments.
        figures: what it prints; none: the seconds from process start to end.
    """

    words: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


def cell(row: str, column: int, table: int = 0) -> Callable[[str], float]:
    """The number in a column of the row that begins so; `table` counts the rows of this name, from 0."""

    def find(printed: str) -> float:
        rows = [[part.strip() for part in line.strip().strip("|").split("|")] for line in printed.splitlines()]
        return float([cells for cells in rows if cells[0] == row][table][column].replace(",", ""))

    return find


def field(name: str) -> Callable[[str], float]:
    """The number under a name in the JSON object of the last line."""
    return lambda printed: float(json.loads(printed.splitlines()[-1])[name])


def characters(role: str) -> Measurement:
    """Our half of `characters_speed.py` alone."""
    words = ("characters_speed.py", "--data", TEXT, "--steps", "100", "--role", role)
    return Measurement(words, (Figure(role, field("speed"), "characters/s", rate=True),))


ONLINE = ("2-2-1, XOR", "2-4-1, XOR", "2-16-1, XOR", "8-8-10, digits' first pixels", "64-16-10, digits")
PHOTOS = "convnet-small, 64x64"

MEASUREMENTS: dict[str, Measurement] = {
    "loop_overhead": Measurement(
        ("loop_overhead.py", "--role", "ours"),
        (Figure("LeNet-5, median step", field("median"), "µs/example"),),
    ),
    "small_network": Measurement(
        ("small_network.py", "--rounds", "15"),
        tuple(
            Figure(f"{name}, {title}", cell(name, 1, table), "µs/step")
            for table, title in enumerate(("batches of 32", "all points"))
            for name in ("our fit", "our whole run")
        ),
    ),
    "online": Measurement(
        ("online.py", "--rounds", "5"),
        tuple(Figure(name, cell(name, 3), "updates/s", rate=True) for name in ONLINE),
    ),
    "restarts": Measurement(
        ("restarts.py", "--rounds", "1", "--batch", "1000", "--steps", "100"),
        tuple(Figure(name, cell(name, 1), "s") for name in ("glasswork, single runs", "glasswork, one stack")),
    ),
    "characters_speed, training": characters("training, ours"),
    "characters_speed, writing": characters("writing, ours"),
    "predict": Measurement(
        ("predict.py", "--images", "256", "--rounds", "3", "--only", "convnet"),
        (
            Figure("a folder", cell(f"{PHOTOS}; model.predict", 1), "images/s", rate=True),
            Figure("one image", cell(PHOTOS, 4), "ms"),
        ),
    ),
    "glasswork train lenet --epochs 1": Measurement(("-m", "glasswork", "train", "lenet", "--epochs", "1")),
    "import torch": Measurement(("-c", "import torch")),
    "glasswork --help": Measurement(("-m", "glasswork", "--help")),
}


def measure(measurement: Measurement, tree: Path, folder: Path) -> list[float]:
    """The figures of one run, in a process of its own.

    Args:
        measurement: what to run.
        tree: whose code and benchmarks.
        folder: where it runs and keeps its cache.
    """
    first, *others = measurement.words
    words = [first if first in {"-m", "-c"} else str(tree / "benchmarks" / first), *others]
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "GLASSWORK_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed in {tree}:\n{done.stderr[-3000:]}")
    return [figure.find(done.stdout) for figure in measurement.figures] or [seconds]


def take_turns(chosen: Sequence[str], trees: Sequence[Path], rounds: int) -> dict[str, list[list[list[float]]]]:
    """Of each measurement the figures by tree and round."""
    found: dict[str, list[list[list[float]]]] = {name: [[] for _ in trees] for name in chosen}
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(place) for place in range(len(trees))]
        for folder in folders:
            folder.mkdir()
            write_text(folder / TEXT)
        for number in range(rounds):
            for what in chosen:
                measurement = MEASUREMENTS[what]
                for place in (0, 1) if number % 2 == 0 else (1, 0):
                    if number == 0 and not measurement.figures:
                        measure(measurement, trees[place], folders[place])  # once before, so that its files are cached
                    figures = measure(measurement, trees[place], folders[place])
                    found[what][place].append(figures)
                    print(number + 1, what, ("before", "now")[place], figures, file=sys.stderr, flush=True)
    return found


def write_text(path: Path) -> None:
    """Python's own source, for a character model to read."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    path.write_text("".join(character for character in text[:TEXT_CHARACTERS] if character.isascii()), encoding="utf-8")


def as_markdown(found: Mapping[str, Sequence[Sequence[Sequence[float]]]], rounds: int) -> str:
    """A row per figure: both medians, and how many times as long it takes now."""
    lines = ["| | before | now | | times as long | in the rounds |", "|---|---|---|---|---|---|"]
    for what, (before, now) in found.items():
        for place, figure in enumerate(MEASUREMENTS[what].figures or (Figure("", float, "s"),)):
            olds, news = ([figures[place] for figures in runs] for runs in (before, now))
            pairs = [(new, old) if not figure.rate else (old, new) for new, old in zip(news, olds, strict=True)]
            ratios = [one / other for one, other in pairs]
            old, new = statistics.median(olds), statistics.median(news)
            ratio = old / new if figure.rate else new / old
            slower = " (slower)" if ratio > ALLOWED else ""
            name = f"{what}: {figure.name}" if figure.name else what
            lines.append(
                f"| {name} | {old:,.4g} | {new:,.4g} | {figure.unit} | {ratio:.3f}{slower} | "
                f"{min(ratios):.3f} to {max(ratios):.3f} |"
            )
    few = "" if rounds >= FEWEST else f" Too few to judge by: take {FEWEST} or more."
    said = f"Medians of {rounds} alternating rounds; asked: at most {ALLOWED} times as long.{few}"
    return "\n".join([*lines, "", said, describe_machine(), describe_versions(sys.executable, ("torch",)), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", metavar="BASE_TREE", type=Path, help="the source tree to compare with")
    parser.add_argument("--rounds", type=int, default=FEWEST)
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="several times: each of them")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    arguments = parser.parse_args()
    trees = [arguments.base.resolve(), HERE.resolve()]
    if not (trees[0] / "src" / "glasswork").is_dir():
        sys.exit(f"{trees[0]} is no source tree of glasswork: it has no src/glasswork")
    table = as_markdown(take_turns(arguments.only or list(MEASUREMENTS), trees, arguments.rounds), arguments.rounds)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
