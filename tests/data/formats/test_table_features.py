"""What the columns of a table become: numbers, truth values, categories and dates."""

import math
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.tables.dates import dates_of
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.errors import GlassworkError


def table(folder: Path, cells: list[str], name: str = "some.csv", separator: str = ",") -> Dataset:
    """A table with one column `c` beside a number and a target of two classes."""
    lines = [f'{row * 0.7 % 5:g}{separator}"{cell}"{separator}{"uv"[row % 2]}' for row, cell in enumerate(cells)]
    path = folder / name
    path.write_text("\n".join([separator.join(("a", "c", "y")), *lines]), encoding="utf-8")
    return read(path, ReadingOptions())


def column(dataset: Dataset, feature: str) -> list[float]:
    found: list[float] = dataset.columns["inputs"][:, Table.of(dataset.task).features.index(feature)].tolist()
    return found


@pytest.mark.parametrize("words", [("true", "false"), ("Yes", "no"), ("TRUE", "False")])
def test_truth_values_are_one_feature(words: tuple[str, str], tmp_path: Path) -> None:
    dataset = table(tmp_path, [words[row % 2] for row in range(6)] + [""])
    assert Table.of(dataset.task).features == ("a", "c", "c: empty")
    assert column(dataset, "c")[:6] == [1, 0] * 3
    assert math.isnan(column(dataset, "c")[6])


@pytest.mark.parametrize(
    ("cells", "separator", "numbers"),
    [
        (["1,234", "12", "1,000,000.5"], ",", [1234, 12, 1000000.5]),
        (["1,5", "-2", "3"], ";", [1.5, -2, 3]),
        (["1.234,5", "1.000.000", "7"], ";", [1234.5, 1000000, 7]),
        (["1,234,567", "5", "7.5"], ";", [1234567, 5, 7.5]),
    ],
)
def test_commas_and_points(cells: list[str], separator: str, numbers: list[float], tmp_path: Path) -> None:
    assert column(table(tmp_path, cells, separator=separator), "c") == numbers


def test_large_numbers_keep_what_they_differ_by(tmp_path: Path) -> None:
    seconds = [1_700_000_000 + step * 7.5 for step in range(20)]
    found = column(table(tmp_path, [str(second) for second in seconds]), "c")
    assert [number - found[0] for number in found] == [second - seconds[0] for second in seconds]


def test_rare_texts_are_pooled(tmp_path: Path) -> None:
    cells = [f"city {row % 40}" for row in range(8000)] + [f"hamlet {row // 10}" for row in range(900)]
    dataset = table(tmp_path, cells)
    (number, cities) = Table.of(dataset.task).columns
    assert (number.name, cities.pooled, len(cities.categories)) == ("a", True, 40)
    assert sum(column(dataset, "c: another")) == 900
    assert len({*dataset.columns["fingerprints"].tolist()}) > 40  # other hamlets are other rows


def test_the_hundred_most_frequent_texts_are_kept(tmp_path: Path) -> None:
    cells = [f"t{number}" for number in range(130) for _ in range(30 + number)]
    (_, texts) = table(tmp_path, cells).task.inputs.columns
    assert set(texts.categories) == {f"t{number}" for number in range(30, 130)}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"name {row}" for row in range(40)], "identifiers or free text"),
        ([f"name {row // 3}" for row in range(3000)], "1,000 different texts, each too rare"),
        (["same"] * 9, "same text in every row"),
        (["?"] * 9, "is empty"),
        (["2020-01-01"] * 9, "same text in every row"),
    ],
)
def test_columns_of_no_use_are_left_out_and_said(cells: list[str], reason: str, tmp_path: Path) -> None:
    dataset = table(tmp_path, cells)
    assert (Table.of(dataset.task).features, Table.of(dataset.task).unused) == (("a",), ("c",))
    (sentence,) = dataset.skipped
    assert "'c'" in sentence
    assert reason in sentence
    assert sentence.endswith("and was left out.")


def test_identifiers(tmp_path: Path) -> None:
    lines = [f"{row * 17 % 101},{row * 19 % 103 + 1000},{row % 7},{row % 2}" for row in range(60)]
    (tmp_path / "some.csv").write_text("\n".join(["PatientId,code,a,y", *lines]), encoding="utf-8")
    dataset = read(tmp_path / "some.csv", ReadingOptions())
    assert Table.of(dataset.task).features == ("code", "a")
    about_code, about_patients = dataset.skipped
    assert "'code' holds a different whole number in each row" in about_code
    assert "'PatientId' holds identifiers" in about_patients


def test_dates_become_days_and_circles(tmp_path: Path) -> None:
    dataset = table(tmp_path, ["2020-01-06", "2020-07-06", "", "2021-01-06"])
    assert column(dataset, "c")[:2] == [0, 182]
    assert column(dataset, "c")[3] == 366
    assert column(dataset, "c: cosine of the week")[0] == pytest.approx(1)  # a Monday
    assert column(dataset, "c: cosine of the year")[1] == pytest.approx(
        math.cos(2 * math.pi * 187 / 365.2425), abs=1e-6
    )
    assert column(dataset, "c: empty") == [0, 0, 1, 0]
    assert math.isnan(column(dataset, "c: sine of the year")[2])
    assert not any("day" in feature for feature in Table.of(dataset.task).features)


def test_times_of_day(tmp_path: Path) -> None:
    dataset = table(tmp_path, ["2020-01-06 06:00", "2020-01-06T18:00:00Z", "2020-01-07 00:00:00+06:00"])
    assert column(dataset, "c") == [0.25, 0.75, 0.75]
    assert column(dataset, "c: sine of the day") == pytest.approx([1, -1, -1])


STAMPS = st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)).map(lambda stamp: stamp.replace(microsecond=0))
FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y, %I:%M:%S %p",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%y %H:%M:%S",
    "%B %d, %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S GMT",
)


@given(st.lists(STAMPS, min_size=1, max_size=8), st.sampled_from(FORMS))
def test_every_form_of_a_date_is_read(stamps: list[datetime], form: str) -> None:
    dates = dates_of([stamp.strftime(form) for stamp in stamps], day_first=True)
    assert dates is not None
    assert dates.unreadable == ()
    days = [(stamp - datetime(1970, 1, 1)) / timedelta(days=1) for stamp in stamps]
    assert dates.days.tolist() == pytest.approx(days, abs=1e-9)


@given(st.lists(st.dates(date(1950, 1, 1), date(2050, 1, 1)), min_size=1), st.booleans())
def test_day_and_month_are_told_apart_by_the_column(found: list[date], day_first: bool) -> None:
    cells = [day.strftime("%d/%m/%Y" if day_first else "%m/%d/%Y") for day in found]
    dates = dates_of(cells)
    assert dates is not None
    if any(day.day > 12 for day in found):
        assert dates.days.tolist() == [(day - date(1970, 1, 1)).days for day in found]
    else:
        assert dates.ambiguous == any(day.day != day.month for day in found)
        assert not dates.day_first


def test_an_ambiguous_column_of_dates_is_said(tmp_path: Path) -> None:
    (sentence,) = table(tmp_path, ["03/04/2020", "05/06/2020"]).skipped
    assert "'c' are ambiguous between day and month and are read with the month first" in sentence
    assert table(tmp_path, ["03/04/2020", "25/06/2020"], "other.csv").task.inputs.columns[1].day_first


@pytest.mark.parametrize("cells", [["1.10.45", "3.9.0"], ["10:30", "11:45"], ["31.02.2020"] * 2, ["2020-13-01", "x"]])
def test_what_looks_like_a_date_and_is_none(cells: list[str], tmp_path: Path) -> None:
    kinds = {one.kind for one in table(tmp_path, [*cells, "z"]).task.inputs.columns}
    assert kinds == {"number", "category"}


def test_the_description_travels_as_json(tmp_path: Path) -> None:
    cells = [f"{day % 28 + 1}.1.2020 {day % 24}:00" for day in range(60)] + [""]
    task = table(tmp_path, cells).task
    assert Task.from_json(task.to_json()) == task
    assert Table.of(task).columns[1].kind == "date"
    assert Table.of(task).target_columns == ("y",)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["a", "b"], "'c' was a number in training and is 'a' on line 2"),
        (["2", ""], None),
        (["2", "inf"], "infinite on line 3"),
    ],
)
def test_a_new_table_has_to_be_as_in_training(cells: list[str], message: str | None, tmp_path: Path) -> None:
    task = table(tmp_path, ["1", "2.5", "7"]).task
    (tmp_path / "new.csv").write_text("\n".join(["y,c,a", *(f"u,{cell},1" for cell in cells)]), encoding="utf-8")
    options = ReadingOptions(like=task, classes_known=True)
    if message is None:
        dataset = read(tmp_path / "new.csv", options)
        assert Table.of(dataset.task).features == ("a", "c")
        assert "'c' had no empty cells in training and has 1 here" in dataset.skipped[0]
    else:
        with pytest.raises(GlassworkError, match=message):
            read(tmp_path / "new.csv", options)
