"""What is trained on data of which no preset is named."""

import csv
import math
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.run.request import make_request
from glasswork.run.suggest import suggest
from made_data import PLAIN, flags, write_npz, write_table

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def rows(path: Path, lines: Iterable[Iterable[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    return path


def pictures(folder: Path, size: tuple[int, int], mode: str) -> Path:
    draws = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = draws.integers(0, 255, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).convert(mode).save(folder / name / f"{number}.png")
    return folder


def texts(folder: Path) -> Path:
    for name in ("ham", "spam"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            (folder / name / f"{number}.txt").write_text(f"some words of {name}, letter {number}", encoding="utf-8")
    return folder


def series(path: Path) -> Path:
    hours = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * number) for number in range(400))
    return rows(path, [("time", "demand"), *((f"{hour:%Y-%m-%d %H:%M}", math.sin(hour.hour / 4)) for hour in hours)])


def uneven(path: Path) -> Path:
    days = [
        ("day", "size", "y"),
        *((f"2024-{1 + n % 12:02}-{1 + n * n % 28:02}", n % 5, n % 3 + 0.5) for n in range(60)),
    ]
    return rows(path, days)


def reviews(path: Path) -> Path:
    said = [(f"what number {n} says of this long story", ("bad", "good")[n % 2], n % 5) for n in range(30)]
    return rows(path, [("review", "label", "stars"), *said])


def of_system(name: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        asked = make_request(name, {})
        path.mkdir()
        return Path(make_system(asked.system, asked.recipe).sample(path).data)

    return write


def plain_text(path: Path) -> Path:
    path.write_text("It was a dark and stormy night.\n" * 50, encoding="utf-8")
    return path


CASES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "digits": (lambda path: pictures(path, (28, 28), "L"), "lenet"),
    "tiny pictures": (lambda path: pictures(path, (8, 8), "L"), "mlp"),
    "small pictures in colour": (lambda path: pictures(path, (32, 32), "RGB"), "transfer"),
    "photographs": (lambda path: pictures(path, (90, 120), "RGB"), "transfer"),
    "texts in folders": (texts, "sentiment"),
    "reviews.csv": (reviews, "sentiment"),
    "series.csv": (series, "forecast"),
    "uneven.csv": (uneven, "mlp"),
    "story.txt": (plain_text, "char-rnn"),
    "sentences": (of_system("tagger"), "tagger"),
    "pairs": (of_system("translate"), "translate"),
    "captions": (of_system("caption"), "caption"),
    "recordings": (of_system("speech"), "speech"),
    "boxes": (of_system("rcnn"), "fast-rcnn"),
    "clips": (of_system("video"), "video"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_preset_fits_the_data(name: str, tmp_path: Path) -> None:
    write, preset = CASES[name]
    found = suggest({"data": str(write(tmp_path / name))})
    assert found.preset == preset
    assert found.why


def test_a_category_of_a_series_is_no_forecast(tmp_path: Path) -> None:
    days = [("day", "rain", "weather")]
    days += [
        (f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(n):%Y-%m-%d}", n % 3, "wet" if n % 3 else "dry")
        for n in range(60)
    ]
    data = str(rows(tmp_path / "days.csv", days))
    assert suggest({"data": data, "target": "rain"}).preset == "forecast"
    assert suggest({"data": data, "target": "weather"}).preset == "mlp"


def test_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = series(tmp_path / "series.csv")
    asked = {**PLAIN, "epochs": 1}
    assert main(["train", "--data", str(data), *flags(asked), "--out", "run"]) == 0
    words = " ".join(capsys.readouterr().err.split())
    assert "holds values at evenly spaced times: training forecast (or try mlp, which takes each row by" in words


def test_the_preset_follows_from_what_was_asked(tmp_path: Path) -> None:
    assert suggest({}).preset == "lenet"
    assert suggest({"network": "net.py:Net"}).preset == "own"
    assert suggest({"data": str(write_npz(tmp_path / "images.npz", "class"))}).preset == "lenet"
    data = str(write_table(tmp_path / "table.csv", "class"))
    assert suggest({"data": data, "target": "depth", "threads": 2}).preset == "mlp"


def test_values_are_checked_before_the_data_is_read(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="size = 'large' does not fit"):
        suggest({"data": str(tmp_path / "nothing"), "size": "large"})


def test_what_is_no_file_or_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(GlassworkError, match="it is a pipe, and only regular files"):
        suggest({"data": str(tmp_path / "pipe.csv")})
    with pytest.raises(GlassworkError, match="There is nothing at"):
        suggest({"data": str(tmp_path / "nothing.csv")})


def test_texts_are_looked_at_in_the_encoding_that_is_named(tmp_path: Path) -> None:
    words = "".join(f"Stra\u00dfe{number}\tN\n" + "\n" * (number % 5 == 4) for number in range(40))
    (tmp_path / "words.txt").write_bytes(words.encode("cp850"))
    assert suggest({"data": str(tmp_path / "words.txt"), "encoding": "cp850"}).preset == "tagger"


def test_json_says_nothing_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(write_table(tmp_path / "table.csv", "class"))
    assert main(["train", "--data", data, *flags({**PLAIN, "epochs": 1}), "--out", "run", "--json"]) == 0
    assert "holds" not in capsys.readouterr().err
