"""The best character n-gram, interpolated modified Kneser-Ney, on held-out text: what a character model has to beat.

python benchmarks/ngram.py PATH/linux-c PATH/shakespeare

Each folder has train.txt, valid.txt and test.txt. Counts are those of train.txt; the order is chosen on valid.txt.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from kneser_ney import probabilities
from machine import describe_machine, describe_versions

SPLITS = ("train.txt", "valid.txt", "test.txt")


@dataclass(frozen=True)
class Judged:
    """One order on the held-out texts of a folder: mean -ln p per character."""

    order: int
    validation: float
    test: float


def read(folder: Path) -> tuple[str, str, str]:
    """The three texts, line ends as they are."""
    texts = []
    for name in SPLITS:
        path = folder / name
        if not path.is_file():
            sys.exit(f"ngram.py: {path} is missing: a folder has {', '.join(SPLITS)}")
        texts.append(path.read_bytes().decode("utf-8"))
        if not texts[-1]:
            sys.exit(f"ngram.py: {path} is empty")
    return texts[0], texts[1], texts[2]


def judged(training: str, validation: str, test: str, order: int) -> Iterator[Judged]:
    """Every order up to the highest on both held-out texts; each begins anew, as a text of its own."""
    models = zip(probabilities(training, validation, order), probabilities(training, test, order), strict=True)
    for k, (of_validation, of_test) in enumerate(models, 1):
        yield Judged(k, float(-np.log(of_validation).mean()), float(-np.log(of_test).mean()))


def bits(nats: float) -> float:
    return nats / math.log(2)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="with train.txt, valid.txt, test.txt")
    parser.add_argument("--order", type=int, default=20, help="the highest (default: 20)")
    parser.add_argument("--out", type=Path, help="write the tables here too, as Markdown")
    options = parser.parse_args(arguments)
    if options.order < 1:
        parser.error("--order is 1 or more")
    best = [
        "| text | training characters | best order (by valid) | valid, bits | test, bits | test, nats "
        f"| order {options.order}: test, bits | test, nats | unknown in test |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    curves = {}
    for folder in options.folders:
        training, validation, test = read(folder)
        started = time.perf_counter()
        found = list(judged(training, validation, test, options.order))
        print(f"{folder.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
        chosen, last = min(found, key=lambda one: one.validation), found[-1]
        known = set(training)
        best.append(
            f"| {folder.resolve().name} | {len(training):,} | {chosen.order} | {bits(chosen.validation):.4f} "
            f"| {bits(chosen.test):.4f} | {chosen.test:.4f} | {bits(last.test):.4f} | {last.test:.4f} "
            f"| {sum(letter not in known for letter in test)} of {len(test):,} |"
        )
        curves[folder.resolve().name] = found
    orders = range(1, options.order + 1)
    lines = [*best, "", "Test, bits per character, by order:", ""]
    lines += ["| order | " + " | ".join(map(str, orders)) + " |", "|---" * (options.order + 1) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{bits(one.test):.3f}" for one in found) + " |" for name, found in curves.items()
    ]
    lines += ["", describe_machine(), describe_versions(sys.executable, ["numpy"])]
    print("\n".join(lines))
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
