"""Images per second of `model.predict` on a folder against raw PyTorch inference, both from the files on.

    python benchmarks/predict.py --out table.md

The hand-written way decodes with Pillow (reduced decoding, resizing, centre cut) in a pool of one thread per core,
makes batches and runs the same network; one without the pool is shown as well. Asked: at most 1.2 times its time on a
folder, and for one image at most 2 ms more than the bare network, without decoding (`answer`) and with it
(`predict`).
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine, describe_versions
from PIL import Image
from torch import Tensor, nn

from glasswork.catalogue import make_system
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import new_inputs
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution, usable_cores
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.networks.resnet import ResNet
from glasswork.systems.model import Model
from glasswork.systems.supervised.recipe import SupervisedRecipe

BATCH = 256
CASES: dict[str, tuple[Callable[[int], nn.Module], int, int]] = {
    "convnet-small, 64x64": (lambda outputs: ConvNetSmall((3, 64, 64), outputs), 64, 10),
    "ResNet-18, 224x224": (lambda outputs: ResNet("resnet18", (3, 224, 224), outputs), 224, 1000),
}


def write_photos(folder: Path, count: int) -> list[Path]:
    """Made photos: soft colours with grain, 500 x 375, three JPEGs to a PNG."""
    draws = np.random.default_rng(0)
    paths = []
    for number in range(count):
        soft = Image.fromarray(draws.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((500, 375), 3)
        grain = draws.normal(0, 6, (375, 500, 1))
        picture = Image.fromarray((np.asarray(soft) + grain).clip(0, 255).astype(np.uint8))
        path = folder / f"{number:05d}.{'png' if number % 4 == 3 else 'jpg'}"
        picture.save(path, **({"quality": 90} if path.suffix == ".jpg" else {}))
        paths.append(path)
    return paths


def decode_by_hand(path: Path, side: int) -> Tensor:
    with Image.open(path) as image:
        scale = side / min(image.size)
        image.draft("RGB", (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        plain = image.convert("RGB")
        scale = side / min(plain.size)
        left, top = (plain.width - side / scale) / 2, (plain.height - side / scale) / 2
        box = (left, top, left + side / scale, top + side / scale)
        plain = plain.resize((side, side), Image.Resampling.BILINEAR, box=box)
        return torch.from_numpy(np.array(plain)).permute(2, 0, 1)


def by_hand(network: nn.Module, paths: Sequence[Path], side: int, workers: int) -> list[int]:
    """The classes of the files."""
    answers: list[int] = []
    with torch.inference_mode(), ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(paths), BATCH):
            part = paths[start : start + BATCH]
            images = torch.stack(list(pool.map(lambda path: decode_by_hand(path, side), part)))
            scaled = images.float().div_(255).sub_(0.5).div_(0.25)
            answers += network(scaled).softmax(1).argmax(1).tolist()
    return answers


def made_model(name: str) -> Model:
    make, side, outputs = CASES[name]
    torch.manual_seed(0)
    classes = tuple(f"class {number}" for number in range(outputs))
    task = Task(Images((3, side, side), mean=(0.5,) * 3, deviation=(0.25,) * 3), OneClass(classes))
    system = make_system("supervised", SupervisedRecipe(loss="cross-entropy"))
    return Model(make(outputs), task, system, "made", Execution("cpu", usable_cores()))


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(name: str, folder: Path, paths: list[Path], rounds: int) -> tuple[list[str], str]:
    """The rows about the folder and about one image."""
    model, side = made_model(name), CASES[name][1]
    said = model.predict(folder)
    hand = by_hand(model.network, paths, side, usable_cores())
    same = sum(model.classes.index(str(one.answer)) == other for one, other in zip(said, hand, strict=True))
    if same < 0.98 * len(paths):
        sys.exit(f"{name}: only {same} of {len(paths)} answers agree, so the two ways do not do the same")
    ways: dict[str, Callable[[], object]] = {
        "model.predict": lambda: model.predict(folder),
        "by hand, a thread per core": lambda: by_hand(model.network, paths, side, usable_cores()),
        "by hand, one thread": lambda: by_hand(model.network, paths, side, 1),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            seconds[way].append(timed(work))
    middle = {way: statistics.median(times) for way, times in seconds.items()}
    ours = middle["model.predict"]
    rows = [f"| {name}; {way} | {len(paths) / spent:.0f} | {ours / spent:.2f} |" for way, spent in middle.items()]
    return rows, one_image(name, model, paths[0], side)


def one_image(name: str, model: Model, path: Path, side: int) -> str:
    raw = decode_by_hand(path, side)[None]
    scaled = raw.float().div(255).sub(0.5).div(0.25)

    def bare() -> Tensor:
        with torch.inference_mode():
            return model.network(scaled)

    ways: dict[str, Callable[[], object]] = {
        "bare": bare,
        "decoding": lambda: decode_by_hand(path, side),
        "answered": lambda: model.system.predict(model.network, new_inputs(raw, model.task, ["one"]), model.execution),
        "predict": lambda: model.predict(path),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(60):
        for way, work in ways.items():
            spent = timed(work)
            if turn >= 10:
                seconds[way].append(1000 * spent)
    middle = {way: statistics.median(times) for way, times in seconds.items()}
    extra = middle["answered"] - middle["bare"]
    whole = middle["predict"] - middle["bare"] - middle["decoding"]
    return (
        f"| {name} | {middle['bare']:.2f} | {middle['decoding']:.2f} | {middle['answered']:.2f} | "
        f"{middle['predict']:.2f} | {extra:.2f} | {whole:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["convnet", "resnet"], help="one of the networks")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    arguments = parser.parse_args()
    torch.set_num_threads(usable_cores())
    lines = ["| folder | images/s | time of model.predict over this |", "|---|---|---|"]
    ones = ["", "| one image, ms | bare network | decoding | answer | predict | more than bare | and decoding |"]
    ones.append("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_photos(folder, arguments.images)
        for case in CASES:
            if arguments.only and not case.lower().startswith(arguments.only):
                continue
            rows, one = measure(case, folder, paths, arguments.rounds)
            lines += rows
            ones.append(one)
    versions = describe_versions(sys.executable, ("torch", "pillow", "glasswork"))
    table = "\n".join([*lines, *ones, "", f"{arguments.images} photos.", describe_machine(), versions, ""])
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
