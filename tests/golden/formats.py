"""The scenes of data formats, and of trainings that end early."""

import gzip
from pathlib import Path

import numpy as np
from PIL import Image
from tests.golden.scene import PLAIN, Scene
from tests.made_files import (
    moving_spot,
    pictures,
    write_idx,
    write_npz,
    write_sentences,
    write_table,
    write_text,
    write_texts,
    write_video,
)

HERE = Path()


def cifar(folder: Path) -> None:
    for name, count, seed in (("data_batch_1", 40, 0), ("test_batch", 10, 1)):
        pixels = np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)
        folder.mkdir(exist_ok=True)
        rows = np.concatenate([(np.arange(count) % 10).astype(np.uint8)[:, None], pixels], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())


def columns(path: Path) -> None:
    """Dates, truths, categories, counts and cells that are empty."""
    draws = np.random.default_rng(0)
    lines = ["day,open,shop,visits,price,label"]
    for row in range(60):
        price = "" if row % 11 == 3 else f"{draws.normal(20, 5):.2f}"
        shop = "" if row % 13 == 5 else ("north", "south", "east")[int(draws.integers(3))]
        cells = (f"2024-{row % 12 + 1:02}-{row % 28 + 1:02}", ("yes", "no")[row % 2], shop, int(draws.integers(99)))
        lines.append(",".join(map(str, (*cells, price, ("few", "many")[int(draws.integers(2))]))))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def parquet(path: Path) -> None:
    import pyarrow
    from pyarrow import csv
    from pyarrow import parquet as files

    table: pyarrow.Table = csv.read_csv(str(HERE / "table.csv"))
    files.write_table(table, str(path))


def photos(folder: Path, seed: int, count: int) -> None:
    """Colour pictures of different sizes in class folders, one of them unreadable."""
    draws = np.random.default_rng(seed)
    for place in range(count):
        kind = folder / ("cat", "dog")[place % 2]
        kind.mkdir(parents=True, exist_ok=True)
        sides = draws.integers(14, 24, 2)
        Image.fromarray(draws.integers(0, 256, (*sides, 3), dtype=np.uint8)).save(kind / f"{place}.png")
    (folder / "cat" / "broken.png").write_bytes(b"none")


def every_format() -> None:
    labels = write_idx(HERE / "idx", 60) / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:8] + bytes(place % 10 for place in range(60)))
    cifar(HERE / "cifar")
    write_table(HERE / "table.csv", "class")
    columns(HERE / "columns.csv")
    parquet(HERE / "table.parquet")
    text = (HERE / "table.csv").read_text(encoding="utf-8")
    (HERE / "table.tsv").write_text(text.replace(",", "\t"), encoding="utf-8")
    (HERE / "table.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    for place, part in enumerate(("train", "val", "test")):
        photos(HERE / "photos" / part, place, (16, 8, 8)[place])
        for folder in ("tables", "arrays", "texts", "sentences", "reviews"):
            (HERE / folder).mkdir(exist_ok=True)
        write_table(HERE / "tables" / f"{part}.csv", "class", (30, 12, 12)[place], seed=place)
        write_npz(HERE / "arrays" / f"{part}.npz", "class", (30, 12, 12)[place])
        write_text(HERE / "texts" / f"{part}.txt", (1500, 600, 600)[place], seed=place)
        write_sentences(HERE / "sentences" / f"{part}.conll", (30, 12, 12)[place], seed=place)
        write_texts(HERE / "reviews" / f"{part}.csv", "class", (30, 12, 12)[place], seed=place)
    (HERE / "films").mkdir()
    for clip in range(8):
        frames, labels = moving_spot(clip)
        write_video(HERE / "films" / f"{clip}.mp4", frames)
        rows = "\n".join(f"{time},{label}" for time, label in enumerate(labels))
        (HERE / "films" / f"{clip}.csv").write_text(f"frame,direction\n{rows}\n", encoding="utf-8")
    np.savez(HERE / "floats.npz", x=pictures(40)[0] / 255.0, y=np.array(["a", "b"])[np.arange(40) % 2])


SHORT = f"--epochs 1 --batch-size 8 {PLAIN} --json"

FORMATS = (
    *(
        f"train {preset} --data {source} {SHORT} --out run-{place}"
        for place, (preset, source) in enumerate(
            (
                ("linear", "idx"),
                ("linear", "cifar"),
                ("linear", "arrays"),
                ("linear", "floats.npz"),
                ("linear", "digits"),
                ("linear", "mnist-5k"),
                ("lenet", "photos --size 16 --augment flip,color:0.2"),
                ("mlp", "tables"),
                ("mlp", "table.tsv"),
                ("mlp", "table.csv.gz"),
                ("mlp", "table.parquet"),
                ("mlp", "columns.csv"),
                ("mlp", "columns.csv --target visits"),
                ("points", "circle"),
                ("points", "xor"),
                ("function", "expression --expression 'x**2 - cos(3*x)' --noise 0.1"),
                ("char-rnn", "texts --hidden-size 6 --bptt-length 20"),
                ("sentiment", "reviews --hidden-size 4 --embedding 4"),
                ("tagger", "sentences --hidden-size 4 --embedding 3"),
                ("video", "films --hidden-size 4 --embedding 5 --bptt-length 4 --size 16 --test 0.25"),
            )
        )
    ),
    "predict run-11 columns.csv --device cpu --csv answers.csv",
    "predict run-6 photos/test/cat photos/test/dog --device cpu --json",
)

STOPPING = """
import signal
from torch import nn


class Stopping(nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        self.map, self.calls = nn.Linear(features, outputs), 0

    def forward(self, inputs):
        self.calls += 1
        if self.calls == 4:
            signal.raise_signal(signal.SIGINT)
        return self.map(inputs.flatten(1))
"""


def stopping() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the recording runs in the background
    write_table(HERE / "table.csv", "class")
    (HERE / "stopping.py").write_text(STOPPING, encoding="utf-8")


OWN = f"own --network stopping.py:Stopping --data table.csv {PLAIN}"

ENDINGS: tuple[Scene, ...] = (
    Scene("formats", every_format, FORMATS),
    Scene(
        "interrupted",
        stopping,
        (
            f"train {OWN} --epochs 3 --batch-size 8 --out run",
            "resume run --json",
            f"crossvalidate {OWN} --folds 2 --epochs 2",
            f"tune {OWN} --trials 2 --epochs 2 --study study.db",
        ),
    ),
)
