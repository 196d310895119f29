"""Seconds of the frozen way of transfer: features of every image once, then the head.

    python benchmarks/transfer.py --images 5000

Made pictures, EfficientNet-Lite0 with its published weights; a linear head and one of 128 hidden units, 40 epochs, with
a validation after each. Asked: one pass per image in the whole training, and a head for 5,000 images in under 10 s. The
side is small, as the head does not depend on it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine, describe_versions

from glasswork.run.carry_out import begin_run
from glasswork.run.finish import finish
from glasswork.run.request import make_request
from glasswork.systems.learning import Learning
from glasswork.systems.transfer.network import Transferred

CLASSES = 10


def write_images(path: Path, count: int, side: int) -> Path:
    """Noise around a colour per class."""
    draws = np.random.default_rng(0)
    labels = np.arange(count) % CLASSES
    colours = draws.integers(40, 216, (CLASSES, 3))
    noise = draws.integers(-40, 40, (count, side, side, 3))
    np.savez(path, x=(colours[labels][:, None, None] + noise).astype(np.uint8), y=labels)
    return path


def measured(data: Path, side: int, hidden: str, out: Path) -> list[float]:
    """Passes per image, seconds for the features or to fetch them, seconds for the head, test accuracy."""
    run = begin_run(make_request("transfer", {"data": str(data), "size": side, "hidden": hidden, "out": str(out)}))
    learning = run.process
    assert isinstance(learning, Learning) and isinstance(learning.network, Transferred)
    seen: list[int] = []
    stem = next(layer for layer in learning.network.backbone.modules() if isinstance(layer, torch.nn.Conv2d))
    hook = stem.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    began = time.perf_counter()
    steps = run.steps()
    next(steps)
    first = time.perf_counter() - began
    began = time.perf_counter()
    for _ in steps:
        pass
    head = time.perf_counter() - began
    hook.remove()
    passes = sum(seen) / len(learning.dataset)
    return [passes, first, head, finish(run)["test"]["accuracy"]]


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    lines = ["| head | passes per image | features, s | head, s | accuracy |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GLASSWORK_CACHE"] = str(Path(folder) / "cache")
        data = write_images(Path(folder) / "data.npz", arguments.images, arguments.side)
        for number, (name, hidden) in enumerate((("linear", ""), ("128 hidden units, features kept", "128"))):
            passes, first, head, accuracy = measured(data, arguments.side, hidden, Path(folder) / f"run-{number}")
            lines.append(f"| {name} | {passes:.2f} | {first:.1f} | {head:.1f} | {100 * accuracy:.1f} % |")
    said = f"{arguments.images:,} images of {arguments.side} pixels, 40 epochs of the head, validation after each."
    versions = describe_versions(sys.executable, ("torch", "glasswork"))
    text = "\n".join([*lines, "", said, describe_machine(), versions, ""])
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
