"""Tables from the command line: trained on, measured, asked, in any order of rows and columns."""

import csv
import json
import random
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.cli import main
from glasswork.data.kinds.table import Table
from glasswork.systems.model import Model
from made_data import PLAIN

Captured = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
PLAINLY = [word for key, value in PLAIN.items() for word in (f"--{key.replace('_', '-')}", str(value))]


def mixed(count: int, seed: int = 0) -> list[dict[str, str]]:
    """Rows of a number, a category, a truth value and a date with some cells empty, and a number to predict."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        area, town = draw.gauss(100, 25), draw.choice(["Ulm", "Bonn", "Aachen"])
        cells = {
            "area": f"{area:.2f}",
            "town": town,
            "garden": draw.choice(["yes", "no"]),
            "sold": f"{draw.randint(1, 28)}.{draw.randint(1, 12)}.{draw.randint(2015, 2022)}",
        }
        emptied = {name: "" if draw.random() < 0.1 else cell for name, cell in cells.items()}
        rows.append({**emptied, "price": f"{area + 10 * len(town):.2f}"})
    return rows


def write(path: Path, rows: list[dict[str, str]], separator: str = ",", mark: str = "") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def trained(path: Path, out: str = "run", target: str = "price") -> Model:
    options = ["--target", target, "--epochs", "1", "--out", out, *PLAINLY]
    assert main(["train", "mlp", "--data", str(path), *options]) == 0
    return gw.load(out)


def answers(model: Model, path: Path) -> list[float]:
    found = model.predict(path)
    assert isinstance(found, list)
    return [float(answer.answer) for answer in found]  # type: ignore[arg-type]


def said(capsys: Captured) -> str:
    """Standard error since the last time."""
    return capsys.readouterr().err


@pytest.fixture
def rows() -> list[dict[str, str]]:
    return mixed(60)


def test_answers_do_not_depend_on_the_other_rows(rows: list[dict[str, str]], tmp_path: Path) -> None:
    model = trained(write(tmp_path / "data.csv", rows))
    whole = answers(model, tmp_path / "data.csv")

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.permutations(range(60)), st.integers(1, 60), st.sampled_from(",;\t"), st.sampled_from(["", "\ufeff"]))
    def check(order: list[int], count: int, separator: str, mark: str) -> None:
        turned = [dict(reversed(rows[row].items())) for row in order[:count]]
        part = write(tmp_path / "part.csv", turned, separator, mark)
        assert_same_numbers(answers(model, part), [whole[row] for row in order[:count]])

    check()
    again = gw.load("run").evaluate(write(tmp_path / "others.csv", rows[:50]))  # others than the run's own data
    errors = [abs(answer - float(row["price"])) for answer, row in zip(whole, rows[:50], strict=False)]
    assert again["mean_absolute_error"] == pytest.approx(sum(errors) / 50, rel=1e-4)


def test_parquet_and_csv_are_answered_alike(rows: list[dict[str, str]], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.csv")
    parquet = pytest.importorskip("pyarrow.parquet")
    write(tmp_path / "data.csv", rows)
    nulls = arrow.ConvertOptions(null_values=[""], strings_can_be_null=True)
    parquet.write_table(arrow.read_csv(tmp_path / "data.csv", convert_options=nulls), tmp_path / "data.parquet")
    first = trained(tmp_path / "data.csv", "text")
    second = trained(tmp_path / "data.parquet", "binary")
    assert answers(first, tmp_path / "data.parquet") == answers(second, tmp_path / "data.csv")
    assert first.evaluate() == second.evaluate()
    assert first.evaluate(tmp_path / "data.parquet") == second.evaluate(tmp_path / "data.csv")


def test_new_tables_are_read_as_in_training(rows: list[dict[str, str]], tmp_path: Path, capsys: Captured) -> None:
    model = trained(write(tmp_path / "data.csv", rows))
    assert model.remarks([tmp_path / "data.csv"]) == ()
    said(capsys)
    emptied = write(tmp_path / "emptied.csv", [{**row, "area": "", "more": "1"} for row in rows])
    assert main(["evaluate", "run", "--data", str(emptied), "--json"]) == 0
    notes = said(capsys)
    assert "run was trained on 8 of the examples" in notes  # those without an area, which are as they were
    assert "glasswork: note: Training had no column 'more': not used\n" in notes
    capsys.readouterr()
    assert main(["predict", "run", str(emptied), "--json"]) == 0
    found = [answer["answer"] for answer in json.loads(capsys.readouterr().out)["answers"]]
    assert len(set(found)) > 1
    assert all(50 < answer < 200 for answer in found)
    emptied_there = [row for row in range(60) if not rows[row]["area"]]
    whole = answers(model, tmp_path / "data.csv")
    assert_same_numbers([found[row] for row in emptied_there], [whole[row] for row in emptied_there])
    strange = write(tmp_path / "strange.csv", [{**row, "town": "Mainz"} for row in rows])
    assert main(["evaluate", "run", "--data", str(strange)]) == 0
    assert "'town' holds values not seen in training, treated as unknown: 'Mainz' (60)" in said(capsys)
    for column, cell, sentence in (("area", "large", "was a number"), ("sold", "soon", "was a date")):
        wrong = write(tmp_path / f"{column}.csv", [*rows[:3], {**rows[3], column: cell}])
        assert main(["evaluate", "run", "--data", str(wrong)]) == 2
        assert f"'{column}' {sentence} in training and is '{cell}' on line 5 of" in said(capsys)
    lacking = write(tmp_path / "lacking.csv", [{k: v for k, v in row.items() if k != "town"} for row in rows])
    for words in (["predict", "run", str(lacking)], ["evaluate", "run", "--data", str(lacking)]):
        assert main(words) == 2
        assert "has no column 'town', which this model was trained on" in said(capsys)


def test_an_unknown_category_and_an_empty_cell_are_the_average_one(tmp_path: Path) -> None:
    towns = ["Ulm", "Bonn"] * 30
    rows = [{"town": town, "area": str(row % 7), "price": str(row % 7 + len(town))} for row, town in enumerate(towns)]
    model = trained(write(tmp_path / "data.csv", rows))
    known = ("Mainz", "", "Aachen")
    found = answers(model, write(tmp_path / "new.csv", [{"town": town, "area": "3"} for town in known]))
    assert found[0] == found[1] == found[2]
    raw = model.inputs([tmp_path / "new.csv"])
    towns_at = [place for place, name in enumerate(Table.of(model.task).features) if name.startswith("town")]
    assert raw[:, towns_at].tolist() == [[0, 0]] * 3


def test_a_run_whose_table_has_changed_says_so(rows: list[dict[str, str]], tmp_path: Path, capsys: Captured) -> None:
    trained(write(tmp_path / "data.csv", rows))
    write(tmp_path / "data.csv", [{**row, "town": f"{row['town']} (city)"} for row in rows])
    assert main(["evaluate", "run"]) == 2
    assert "inputs of some of its examples are others" in said(capsys)


def test_the_page_about_tables_runs(tmp_path: Path, capsys: Captured) -> None:
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8").split("## An example")[1]
    program = re.search(r"```python\n(.*?)```", page, re.S)
    assert program is not None
    exec(program[1], {})
    commands = re.findall(r"^    glasswork (.*)$", page, re.M)
    assert len(commands) == 4
    printed = []
    for command in commands:
        short = ["--epochs", "2", *PLAINLY] if command.startswith("train") else []
        assert main([*shlex.split(command), *short]) == 0
        printed.append(" ".join("".join(capsys.readouterr()).split()))
    assert "'id' only numbers the rows and was left out" in printed[0]
    assert re.search(r"with an extra feature that marks them: 'area' \(\d+\)", printed[0])
    assert "'Mainz'" in printed[2]
    assert (tmp_path / "prices.csv").is_file()
