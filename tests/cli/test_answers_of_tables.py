"""Every row of a table has its line in the answers, with an answer or the reason why it has none."""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork.cli import main
from made_data import PLAIN, flags, mistake, said, write_folder

Captured = pytest.CaptureFixture[str]


def test_pictures_that_cannot_be_read_have_their_line_everywhere(tmp_path: Path, capsys: Captured) -> None:
    data = write_folder(tmp_path / "data")
    asked = {**PLAIN, "data": data, "epochs": 1, "batch_size": 8, "size": 16}
    assert main(["train", "lenet", *flags(asked), "--out", "run", "--json"]) == 0
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(folder / "b.png")
    capsys.readouterr()
    assert main(["predict", "run", str(folder), "--json"]) == 0
    first, second = said(capsys)["answers"]
    assert first["problem"] and second["probabilities"]
    assert main(["predict", "run", str(folder), "--csv", "answers.csv", "--out", "page.html"]) == 0
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["problem"]) for row in rows] == [True, False]
    assert list(rows[0]) == ["input", "answer", "probability", *sorted(second["probabilities"]), "problem"]
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Without an answer" in page and "a.png" in page and "b.png" in page


def write_rows(path: Path, rows: Sequence[Sequence[object]], separator: str = ",") -> Path:
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


def printed(capsys: Captured) -> str:
    """All that was printed since the last look, on one line."""
    found = capsys.readouterr()
    return " ".join(f"{found.out} {found.err}".split())


def trained_on(path: Path, target: str) -> None:
    asked = {**PLAIN, "data": path, "epochs": 1, "target": target}
    assert main(["train", "mlp", *flags(asked), "--out", "run", "--json"]) == 0


def test_rows_that_cannot_be_read_have_their_line_everywhere(tmp_path: Path, capsys: Captured) -> None:
    rows = [(row * 0.37 % 5, "uv"[row % 2], f"{1 + row % 28}.3.2024", "ab"[row % 2]) for row in range(60)]
    trained_on(write_rows(tmp_path / "data.csv", [("x", "c", "day", "y"), *rows]), "y")
    asked = [
        ("x", "c", "day"),
        (1, "u", "1.3.2024"),
        ("", "", ""),
        ("one", "u", "2.3.2024"),
        (1, "u"),
        (2, "v", "soon"),
    ]
    path = write_rows(tmp_path / "asked.csv", [*asked, (3, "v", "4.3.2024")])
    capsys.readouterr()
    assert main(["predict", "run", str(path), "--json"]) == 0
    answers = said(capsys)["answers"]
    assert [answer["input"] for answer in answers] == [f"asked.csv row {row}" for row in range(1, 7)]
    problems = [answer.get("problem", "") for answer in answers]
    assert [bool(problem) for problem in problems] == [False, False, True, True, True, False]
    assert "'one' on line 4" in problems[2] and "Line 5" in problems[3] and "'soon' on line 6" in problems[4]
    assert main(["predict", "run", str(path), "--csv", "answers.csv", "--out", "page.html"]) == 0
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["problem"] for row in found] == problems
    assert [row["a"] for row in found] == [str(answer["probabilities"].get("a", "")) for answer in answers]
    page = Path("page.html").read_text(encoding="utf-8")
    assert all(f"asked.csv row {row}" in page for row in range(1, 7)) and "soon" in page
    capsys.readouterr()
    assert main(["predict", "run", str(path), str(write_rows(tmp_path / "bad.csv", [("x",), (1,)])), "--json"]) == 0
    assert "has no column 'c'" in said(capsys)["answers"][6]["problem"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_without_rows_is_one_sentence(suffix: str, tmp_path: Path, capsys: Captured) -> None:
    trained_on(write_rows(tmp_path / "data.csv", [("x", "c", "y"), *((n, "uv"[n % 2], n % 2) for n in range(60))]), "y")
    empty = write_rows(tmp_path / "empty.csv", [("x", "c")])
    if suffix == "parquet":
        import pyarrow
        import pyarrow.parquet

        empty = tmp_path / "empty.parquet"
        pyarrow.parquet.write_table(
            pyarrow.table({"x": pyarrow.array([], "int64"), "c": pyarrow.array([], "string")}), empty
        )
    assert "has no rows" in mistake(capsys, "predict", "run", empty)


def test_a_table_of_one_column_keeps_its_rows(tmp_path: Path, capsys: Captured) -> None:
    trained_on(write_rows(tmp_path / "data.csv", [("x", "y"), *((n, n % 2) for n in range(60))]), "y")
    (tmp_path / "one.csv").write_text("x\n1\n\n3\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "run", str(tmp_path / "one.csv"), "--json"]) == 0
    assert len(said(capsys)["answers"]) == 3


def test_brackets_in_names_are_printed_as_they_are(tmp_path: Path, capsys: Captured) -> None:
    rows = [(n * 0.37 % 5, ("[x]", "[/y]")[n % 2], ("[up]", "[/down]")[n % 2]) for n in range(60)]
    data = write_rows(tmp_path / "data.csv", [("[bold]length [km]", "a[/b]", "[red]y[/]"), *rows])
    asked = {**PLAIN, "data": data, "epochs": 1, "target": "[red]y[/]"}
    assert main(["train", "mlp", *flags(asked), "--column", "a[/b]=category", "--out", "run"]) == 0
    assert "[/down]" in printed(capsys)
    assert main(["predict", "run", str(data)]) == 0
    assert "[/down]" in printed(capsys)
    days = [date(2024, 1, 1) + timedelta(day) for day in range(90)]
    lines = [("day", "[red]load [MW]", "wind [m/s]"), *((day, place % 7, place % 5) for place, day in enumerate(days))]
    series = write_rows(tmp_path / "series.csv", lines)
    asked = {**PLAIN, "data": series, "target": "[red]load [MW]", "horizon": 2, "window": 7, "season": 7, "epochs": 1}
    assert main(["train", "forecast", *flags(asked), "--out", "loads"]) == 0
    said_of_data = printed(capsys)
    assert "wind [m/s]" in said_of_data and "[red]load [MW]" in said_of_data
    assert main(["forecast", "loads"]) == 0
    assert "[red]load [MW]" in printed(capsys)


def test_numbers_have_no_probability_and_declared_values_are_missing_in_new_rows(
    tmp_path: Path, capsys: Captured
) -> None:
    rows = [(-999 if row % 9 == 4 else row % 7, row % 5, "" if row == 12 else row % 7 + 0.5) for row in range(60)]
    data = write_rows(tmp_path / "data.csv", [("x", "z", "y"), *rows])
    asked = {**PLAIN, "data": data, "epochs": 1, "target": "y"}
    assert main(["train", "mlp", *flags(asked), "--missing", "-999,-998", "--out", "run"]) == 0
    words = printed(capsys)
    assert "1 row has no 'y', line 14 of" in words and "Cells declared missing: 'x' (7)" in words
    new = write_rows(tmp_path / "new.csv", [("x", "z"), (-999, 1), ("", 1), (3, 1)])
    assert main(["predict", "run", str(new), "--csv", "answers.csv"]) == 0
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    assert list(answers[0]) == ["input", "answer"]
    declared, empty, other = (float(each["answer"]) for each in answers)
    assert declared == pytest.approx(empty, rel=1e-5) != pytest.approx(other, rel=1e-5)
    capsys.readouterr()
    assert main(["predict", "run", str(new)]) == 0
    assert printed(capsys).split()[:2] == ["input", "answer"]


def test_what_is_said_about_columns_is_refused_where_none_are_read(tmp_path: Path, capsys: Captured) -> None:
    table = write_rows(tmp_path / "data.csv", [("x", "y"), (1, 2), (3, 4)])
    for words, sentence in (
        (["char-rnn", "--data", str(table), "--missing", "-1"], "is read without regard to its columns"),
        (["function", "--column", "x=drop"], "is not a table"),
        (["points", "--target-kind", "number"], "does not apply"),
    ):
        assert sentence in mistake(capsys, "train", *words)
