"""A report such as a good run of LeNet leaves, for the tests and for the eye.

`python sample.py PAGE.html [MNIST.npz]` writes it; without the file of digits the pictures are made ones.
"""

import math
import random
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from glasswork.report import sections
from glasswork.report.blocks import (
    Bars,
    Beside,
    Bin,
    Block,
    Calibration,
    Commands,
    Curves,
    Facts,
    Fan,
    Forecast,
    HeatMap,
    Interval,
    Intervals,
    Line,
    Matrix,
    Picture,
    Pictures,
    Remark,
    Scatter,
    ShadedText,
    Table,
    Text,
    Timeline,
)
from glasswork.report.report import Report, Score
from glasswork.report.sections import Epoch, Layer, Mistake, Setting
from glasswork.show.html import to_html

DIGITS = [str(digit) for digit in range(10)]
CONFUSED = {(4, 9): 4, (9, 4): 2, (7, 2): 2, (3, 5): 1, (5, 3): 2, (8, 3): 1, (2, 7): 1}


def png(rows: Sequence[bytes]) -> bytes:
    """Rows of grey bytes as a PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def made_digit(seed: int) -> list[bytes]:
    """A stand-in for a digit: a ring whose size and place depend on the seed."""
    source = random.Random(seed)
    x, y, radius = source.uniform(12, 16), source.uniform(12, 16), source.uniform(5, 9)
    return [
        bytes(int(255 * math.exp(-((math.hypot(column - x, row - y) - radius) ** 2) / 2)) for column in range(28))
        for row in range(28)
    ]


def mistakes(digits: dict[int, list[list[bytes]]]) -> list[Mistake]:
    pairs = [pair for pair, count in CONFUSED.items() for _ in range(count)]
    return [
        Mistake(
            png(digits[truth][index]), f"test/{391 + 7 * index}.png", str(truth), str(answer), 0.9987 - 0.043 * index
        )
        for index, (truth, answer) in enumerate(pairs)
    ]


def made_digits() -> dict[int, list[list[bytes]]]:
    return {digit: [made_digit(100 * digit + index) for index in range(24)] for digit in range(10)}


def mnist_digits(path: Path) -> dict[int, list[list[bytes]]]:
    import numpy as np

    data = np.load(path)
    images, labels = data["test_images"], data["test_labels"]
    return {digit: [[row.tobytes() for row in image] for image in images[labels == digit][:24]] for digit in range(10)}


def epochs() -> list[Epoch]:
    source = random.Random(1)
    return [
        Epoch(
            epoch=epoch,
            training_loss=1.9 * math.exp(-0.62 * epoch) + 0.9 * 0.8**epoch * 0.12 + 0.004,
            validation_loss=1.5 * math.exp(-0.6 * epoch) + 0.052 + 0.0016 * epoch + source.uniform(0, 0.006),
            validation_metric=0.984 - 0.13 * math.exp(-0.5 * epoch) + source.uniform(-0.0015, 0.002),
            learning_rate=0.01 * min(epoch / 4, (13 - epoch) / 9) + 1e-5,
        )
        for epoch in range(1, 13)
    ]


def steps() -> list[tuple[int, float]]:
    source = random.Random(2)
    return [
        (step, (2.25 * math.exp(-step / 90) + 0.16 * math.exp(-step / 420) + 0.006) * source.lognormvariate(0, 0.35))
        for step in range(1, 1513, 4)
    ]


def confusion() -> tuple[list[str], list[list[int]]]:
    matrix = [[0] * 10 for _ in range(10)]
    for (truth, answer), count in CONFUSED.items():
        matrix[truth][answer] = count
    for digit, row in enumerate(matrix):
        row[digit] = 100 - sum(row)
    return DIGITS, matrix


def recipe() -> list[Setting]:
    return [
        Setting("epochs", 12, "asked", "How many times every training example is seen."),
        Setting("learning_rate", 0.01, "preset", "How far one step follows the gradient; the lecture's η."),
        Setting("optimizer", "sgd", "preset", "The rule that turns a gradient into a step."),
        Setting("momentum", 0.9, "preset", "How much of the last step is carried into the next."),
        Setting("schedule", "one-cycle", "preset", "How the learning rate rises and falls over the run."),
        Setting("batch_size", 32, "derived", "How many examples one gradient is averaged over."),
        Setting(
            "augment", "shift", "derived", "What is changed at random in a training picture; digits are never flipped."
        ),
        Setting("penalty", 1.2e-05, "default", "Strength λ of the penalty λ·ΣW² that is added to the loss."),
        Setting("dropout", 0.0, "default", "Share of hidden units that are silenced at random in each training step."),
        Setting(
            "early_stopping", True, "default", "Stop when the validation loss has not fallen for `patience` epochs."
        ),
        Setting("time_budget", None, "default", "Stop after this many seconds."),
        Setting("seed", 0, "default", "Where every random draw of the run begins."),
    ]


def network() -> list[Layer]:
    return [
        Layer("conv1  Conv2d 5×5", "6 × 28 × 28", 156),
        Layer("pool1  MaxPool2d 2×2", "6 × 14 × 14", 0),
        Layer("conv2  Conv2d 5×5", "16 × 10 × 10", 2416),
        Layer("pool2  MaxPool2d 2×2", "16 × 5 × 5", 0),
        Layer("dense1  Linear", "120", 48_120),
        Layer("dense2  Linear", "84", 10_164),
        Layer("output  Linear", "10", 850),
    ]


def calibration() -> list[Bin]:
    counts = [0, 0, 1, 3, 4, 6, 9, 14, 31, 932]
    right = [0.0, 0.0, 0.0, 0.3333, 0.5, 0.6667, 0.5556, 0.7143, 0.871, 0.9979]
    return [
        Bin(index / 10, (index + 1) / 10, count, (index + (0.95 if index == 9 else 0.55)) / 10, share)
        for index, (count, share) in enumerate(zip(counts, right, strict=True))
    ]


SCORE = Score(
    "accuracy",
    0.987,
    "987 of 1,000 test images",
    (0.9779, 0.9925),
    baseline="always predicting the most frequent class",
    baseline_value=0.1,
)
METRICS = {
    "Test": {"accuracy": 0.987, "cross-entropy": 0.04312, "macro F1": 0.98694},
    "Validation": {"accuracy": 0.984, "cross-entropy": 0.05517, "macro F1": 0.98391},
}
WARNINGS = [
    "2 test images also occur in the training split; without them the accuracy is 98.7 %.",
    "3 files could not be read and were skipped: scan_017.png, scan_018.png, thumbs.db.",
]
DATA = [
    ("training images", 3500),
    ("validation images", 500),
    ("test images", 1000),
    ("classes", 10),
    ("size", "28 × 28, grey"),
    ("most and least frequent", "“1” 361 · “5” 338"),
]
COUNTS = list(zip(DIGITS, [352, 361, 349, 347, 353, 338, 351, 350, 349, 350], strict=True))
MACHINE = [
    ("processor", "Intel Xeon, 2 cores, 2 threads"),
    ("device", "cpu, float32"),
    ("software", "glasswork 0.1.0, torch 2.14.1, Python 3.11.7"),
]
TIMING = [("in all", "41.3 s"), ("training", "36.8 s, 1,141 images a second"), ("evaluation", "1.9 s")]
COMMANDS = [
    ("glasswork predict runs/lenet-01 my-digits/", "name the digits in a folder of your own pictures"),
    ("glasswork open runs/lenet-01", "see what every filter looks for, and the errors flow back"),
    ("glasswork train lenet --data mnist-5k --epochs 30", "the same again, longer"),
]


def sample(digits: dict[int, list[list[bytes]]] | None = None) -> Report:
    return Report(
        "LeNet on mnist-5k",
        [
            sections.warnings(WARNINGS),
            sections.learning_curves(epochs(), steps(), 9, SCORE),
            sections.mistakes(confusion(), examples=mistakes(digits or made_digits())),
            sections.calibration(calibration(), 0.0124),
            sections.data(DATA, COUNTS),
            sections.network(network(), 61_706),
            sections.recipe(recipe()),
            sections.machine(TIMING, MACHINE),
            sections.next_steps(COMMANDS),
        ],
        headline=SCORE,
        verdict=SCORE.verdict(),
        opening=[sections.metrics(SCORE, METRICS)],
    )


def every_block(one: str = "one", other: str = "other") -> list[Block]:
    """A block of each kind, with words of the user's in it."""
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, math.nan)]
    picture = Picture(png([b"\0\1", b"\2\3"]), one, [Remark(other, one, "wrong"), Remark(one, tone="quiet")], "right")
    bars = Bars(one, [(one, 1.0), (other, 0.5)], other)
    return [
        Curves(one, [Line(one, points), Line(other, points, errors=[0.1, 0.2, 0.3])], other, marks=[(one, 1.0)]),
        Scatter(one, [[(0.0, 1.0)], [(1.0, 0.0)]], [one, other], other, one),
        Calibration(one, [Bin(0.5, 1.0, 3, 0.9, 0.8)]),
        Intervals(one, [Interval(one, 0.5, 0.4, 0.6, [0.5])], other),
        Fan(
            one,
            points,
            [Forecast([3.0, 4.0], [1.0, 2.0], [([0.0, 1.0], [2.0, 3.0])], [1.0, 1.0])],
            [0, 4],
            [one, other],
        ),
        Timeline(one, [one, other], [0, 0, 1], [0, 1, 1]),
        bars,
        Table([one, other], [(one, 1), (other, None)], one, other, bold=[0], wrong=[1], folded=one),
        Facts([(one, other), (other, 1)]),
        Commands([(one, other)]),
        Matrix(one, [one, other], [[1, 2], [0, 3]]),
        HeatMap(one, (one, other), [one, other], [other, one, one], [[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]]),
        Pictures([picture, Picture(b"", other)], one, "gallery"),
        Text(one, "quotation", other),
        ShadedText([(one, 1.0), (other, -0.5)]),
        Beside(Pictures([picture], look="alone"), bars),
    ]


if __name__ == "__main__":
    real = mnist_digits(Path(sys.argv[2])) if len(sys.argv) > 2 else None
    Path(sys.argv[1]).write_text(to_html(sample(real)), encoding="utf-8")
