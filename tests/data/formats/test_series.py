"""Series out of tables: times, several series, gaps, and mistakes in one sentence."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats.series import series
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.errors import GlassworkError


def read(folder: Path, lines: Sequence[str], **options: Any) -> Dataset:
    path = folder / "some.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return series.read(path, ReadingOptions(**options))


def days(count: int, first: int = 1) -> list[str]:
    return [f"2020-01-{day:02}" for day in range(first, first + count)]


def test_one_series_with_a_covariate_and_a_given_split(tmp_path: Path) -> None:
    words = ["train", "train", "train", "val", "test"]
    lines = [f"{day},{place},{10 * place},{word}" for place, (day, word) in enumerate(zip(days(5), words, strict=True))]
    found = read(tmp_path, ["date,load,wind,split", *lines], target="load")
    assert found.columns["inputs"][:, 0].tolist() == [[0, 0], [1, 10], [2, 20], [3, 30], [4, 40]]
    assert found.columns["split"].tolist() == [TRAINING] * 3 + [VALIDATION, TEST]
    assert (type(found.task.inputs), found.task.target) == (Series, Quantiles(("load",)))
    assert Series.of(found.task).covariates == ("wind",)
    assert (found.names[0], found.names[-1]) == ("2020-01-01", "2020-01-05")
    assert found.ordered and found.skipped == (
        "The column 'split' says which rows train, validate and test. If it does not: --splits ignore.",
    )


def test_several_columns_are_several_series(tmp_path: Path) -> None:
    found = read(tmp_path, ["year,a,b,c", "1900,1,2,3", "1901,4,5,6"], target="a,c")
    assert found.columns["inputs"].tolist() == [[[1, 2], [3, 2]], [[4, 5], [6, 5]]]
    assert found.task.target.names == ("a", "c")
    assert list(found.names) == ["1900", "1901"]


def test_series_below_one_another_are_found_by_their_names(tmp_path: Path) -> None:
    lines = ["2020-01-02,x,2", "2020-01-01,x,1", "2020-01-02,y,20", "2020-01-03,x,3", "2020-01-03,y,30"]
    found = read(tmp_path, ["date,shop,sales", *lines], identifier="shop")
    values = found.columns["inputs"][:, :, 0]
    assert found.task.target.names == ("x", "y")
    assert values[:, 0].tolist() == [1, 2, 3]
    assert values[0, 1].isnan() and values[1:, 1].tolist() == [20, 30]
    assert found.skipped == ("The series 'y' begin later than the others.",)


@pytest.mark.parametrize(
    ("times", "unit", "step", "following"),
    [
        (["2020-01-31", "2020-02-29", "2020-03-31"], "months", 1, "2020-04-30"),
        (["2020-01", "2020-04", "2020-07"], "months", 3, "2020-10"),
        (["2020-01-01 00:00", "2020-01-01 00:30", "2020-01-01 01:00"], "seconds", 1800, "2020-01-01 01:30"),
        (
            ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", "2020-01-01T02:00:00Z"],
            "seconds",
            3600,
            "2020-01-01T03:00:00Z",
        ),
        (["2020-02-27", "2020-02-28", "2020-02-29"], "seconds", 86400, "2020-03-01"),
        (["0.5", "1", "1.5"], "numbers", 0.5, "2"),
    ],
)
def test_the_step_is_found(times: list[str], unit: str, step: float, following: str, tmp_path: Path) -> None:
    found = read(tmp_path, ["time,y", *(f"{time},{place}" for place, time in enumerate(times))])
    timing = Series.of(found.task).timing
    assert (timing.unit, timing.step) == (unit, step)
    assert timing.word(int(timing.after(int(found.columns["times"][-1]), 1)[0])) == following


def test_missing_values_stay_missing_and_are_said(tmp_path: Path) -> None:
    lines = [f"{day},{value}" for day, value in zip(days(6), ["1", "", "", "4", "5", "6"], strict=True)]
    del lines[4]  # a line that is missing is a value that is missing
    found = read(tmp_path, ["date,y", *lines])
    assert [value == value for value in found.columns["inputs"][:, 0, 0].tolist()] == [
        True,
        *[False] * 2,
        True,
        False,
        True,
    ]
    assert found.skipped == (
        "Missing values are filled with the one a season before or else the last one, never a later one; none is used "
        "as a training or test target: 'y' (3).",
    )


def test_long_gaps_stay_open_and_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-10,4", "2020-01-12,6"])
    assert found.columns["inputs"][[0, 1, 9, 11], 0, 0].tolist() == [1, 2, 4, 6]
    assert "target: 'y' (1)." in found.skipped[0]
    assert found.skipped[1] == (
        "Of gaps longer than 6 values only the first 6 are filled, and no forecast spans such a gap: 7 days after "
        "2020-01-02 (series 'y')."
    )


def at(moments: Iterable[datetime], form: str = "%Y-%m-%d") -> list[str]:
    return ["time,y", *(f"{moment.strftime(form)},{place}" for place, moment in enumerate(moments))]


def after(found: Dataset, count: int) -> list[str]:
    timing = Series.of(found.task).timing
    return [timing.word(time) for time in timing.after(int(found.columns["times"][-1]), count).tolist()]


DAILY = [datetime(2024, 1, 1) + timedelta(days=day) for day in range(70)]  # from a Monday to a Sunday
HOURLY = [DAILY[0] + timedelta(hours=hour) for hour in range(24 * 70)]


@pytest.mark.parametrize(
    ("moments", "words", "following"),
    [
        ([day for day in DAILY if day.weekday() < 5], "on Monday to Friday", ["2024-03-11", "2024-03-12"]),
        ([day for day in DAILY if day.weekday() != 6], "on Monday to Saturday", ["2024-03-11", "2024-03-12"]),
        ([day for day in DAILY if day.weekday() in {0, 3}], "on Monday, Thursday", ["2024-03-11", "2024-03-14"]),
        ([day for day in DAILY if day.weekday() in {0, 2, 4}], "Wednesday, Friday", ["2024-03-11", "2024-03-13"]),
        ([datetime(year, month, 1) for year in range(2000, 2006) for month in range(1, 13) if month not in {7, 8}],
         "at 10 of the 12 steps of a year", ["2006-01-01", "2006-02-01"]),
    ],
)  # fmt: skip
def test_regular_times_without_values_are_a_calendar(
    moments: list[datetime], words: str, following: list[str], tmp_path: Path
) -> None:
    found = read(tmp_path, at(moments))
    assert found.columns["inputs"][:, 0, 0].tolist() == list(range(len(moments)))
    (sentence,) = found.skipped
    assert words in sentence and "not gaps" in sentence
    assert after(found, 2) == following


def test_opening_hours_are_a_calendar(tmp_path: Path) -> None:
    moments = [hour for hour in HOURLY if hour.weekday() < 5 and 9 <= hour.hour < 17]
    found = read(tmp_path, at(moments, "%Y-%m-%d %H:%M"))
    assert len(found) == len(moments)
    assert after(found, 9)[0] == "2024-03-11 09:00" and after(found, 9)[-1] == "2024-03-12 09:00"
    timing = Series.of(found.task).timing
    assert timing.periods() == {"day": 8, "week": 40, "year": 2087}
    first_days = [hour for hour in moments if hour < datetime(2024, 1, 5)]
    assert len(read(tmp_path, at(first_days, "%Y-%m-%d %H:%M"))) == len(first_days)


def test_a_holiday_is_a_gap_of_the_calendar(tmp_path: Path) -> None:
    moments = [day for day in DAILY if day.weekday() < 5 and day != datetime(2024, 2, 7)]
    found = read(tmp_path, at(moments))
    assert len(found) == 50 and found.columns["inputs"][:, 0, 0].isnan().sum() == 1
    assert Series.of(found.task).timing.periods() == {"week": 5, "year": 261}
    assert Series.of(found.task).timing.steps_in_words(3) == "3 business days"


def test_gaps_by_chance_are_no_calendar(tmp_path: Path) -> None:
    draw = random.Random(0)
    moments = [hour for hour in HOURLY[: 24 * 20] if draw.random() < 0.8]
    found = read(tmp_path, at(moments, "%Y-%m-%d %H:%M"))
    assert len(found) > 470 and Series.of(found.task).timing.taken == ()


def test_a_model_keeps_to_its_calendar(tmp_path: Path) -> None:
    trained = read(tmp_path, at(day for day in DAILY if day.weekday() < 5)).task
    newer = read(tmp_path, at([datetime(2024, 3, 8), datetime(2024, 3, 11), datetime(2024, 3, 12)]), like=trained)
    assert len(newer) == 3 and after(newer, 4)[-1] == "2024-03-18"
    with pytest.raises(GlassworkError, match="trained on values on Monday to Friday"):
        read(tmp_path, at(DAILY[-3:]), like=trained)


@pytest.mark.parametrize(
    ("times", "unit", "following"),
    [
        (["2024Q1", "2024Q2", "2024Q3"], "months", "2024Q4"),
        (["Q3 2023", "Q4 2023", "Q1 2024"], "months", "Q2 2024"),
        (["2020-W52", "2020-W53", "2021-W01"], "seconds", "2021-W02"),
        (["Nov 2023", "Dec 2023", "Jan 2024"], "months", "Feb 2024"),
        (["November 2023", "December 2023", "January 2024"], "months", "February 2024"),
        (["11/2023", "12/2023", "01/2024"], "months", "02/2024"),
        (["202311", "202312", "202401"], "months", "202402"),
        (["20231230", "20231231", "20240101"], "seconds", "20240102"),
        (["29.12.2023", "30.12.2023", "31.12.2023"], "seconds", "01.01.2024"),
        (["12/29/2023", "12/30/2023", "12/31/2023"], "seconds", "01/01/2024"),
        (["9.1.2024", "10.1.2024", "11.1.2024"], "seconds", "12.1.2024"),
        (["Fri, 30 Aug 2024", "Sat, 31 Aug 2024"], "seconds", "Sun, 01 Sep 2024"),
        (["2024-01-01T22:00:00+01:00", "2024-01-01T23:00:00+01:00"], "seconds", "2024-01-02T00:00:00+01:00"),
        (["2024-01-01 22:00 UTC", "2024-01-01 23:00 UTC"], "seconds", "2024-01-02 00:00 UTC"),
        (["1/1/2024 11:00 AM", "1/1/2024 12:00 PM"], "seconds", "1/1/2024 1:00 PM"),
        (["1700000000", "1700003600", "1700007200"], "numbers", "1700010800"),
        (["1700000000000", "1700003600000"], "numbers", "1700007200000"),
    ],
)  # fmt: skip
def test_times_come_back_as_they_were_written(times: list[str], unit: str, following: str, tmp_path: Path) -> None:
    found = read(tmp_path, ["time,y", *(f'"{time}",{place}' for place, time in enumerate(times))])
    assert Series.of(found.task).timing.unit == unit
    if "," not in times[0] and unit != "numbers" and not times[0].isdigit():
        assert list(found.names) == times
    assert after(found, 1) == [following]
    assert Series.from_json(found.task.inputs.to_json()) == found.task.inputs


@pytest.mark.parametrize("zones", [("+01:00", "+02:00")])
def test_midnights_and_hours_across_summer_time(zones: tuple[str, str], tmp_path: Path) -> None:
    night = datetime(2024, 3, 31)
    daily = [f"{(night + timedelta(days=day)):%Y-%m-%d}T00:00:00{zones[day > 0]}" for day in range(-5, 6)]
    found = read(tmp_path, ["time,y", *(f"{time},1" for time in daily)])
    assert len(found) == len(daily) and list(found.names) == daily
    assert after(found, 1) == ["2024-04-06T00:00:00+02:00"]
    utc = [datetime(2024, 3, 30, 20) + timedelta(hours=hour) for hour in range(10)]
    hourly = [
        f"{time + timedelta(hours=1 + (time >= datetime(2024, 3, 31, 1))):%Y-%m-%dT%H:%M:%S}"
        f"{zones[time >= datetime(2024, 3, 31, 1)]}"
        for time in utc
    ]
    found = read(tmp_path, ["time,y", *(f"{time},1" for time in hourly)])
    assert len(found) == 10 and list(found.names) == hourly
    assert after(found, 1) == ["2024-03-31T08:00:00+02:00"]


@pytest.mark.parametrize(
    ("lines", "following"),
    [
        (["year,month,y", "2023,11,1", "2023,12,2", "2024,1,3"], "2024-02"),
        (["Month,Year,y", "Nov,2023,1", "Dec,2023,2", "Jan,2024,3"], "2024-Feb"),
        (["year,quarter,y", "2023,3,1", "2023,4,2", "2024,1,3"], "2024-Q2"),
        (["year,week,y", "2020,52,1", "2020,53,2", "2021,1,3"], "2021-W02"),
        (["year,month,day,y", "2023,12,30,1", "2023,12,31,2", "2024,1,1,3"], "2024-01-02"),
        (["date,hour,y", "2023-12-31,22,1", "2023-12-31,23,2", "2024-01-01,0,3"], "2024-01-01 01:00"),
        (["year,month,day,hour,y", "2023,12,31,22,1", "2023,12,31,23,2", "2024,1,1,0,3"], "2024-01-01 01:00"),
    ],
)
def test_separate_columns_say_when(lines: list[str], following: str, tmp_path: Path) -> None:
    found = read(tmp_path, lines)
    assert found.columns["inputs"][:, 0, 0].tolist() == [1, 2, 3]
    assert Series.of(found.task).covariates == ()
    assert after(found, 1) == [following]


def test_lines_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["date,y", "2020-01-03,3", "2020-01-01,1", "2020-01-02,2"])
    assert found.columns["inputs"][:, 0, 0].tolist() == [1, 2, 3]
    assert found.skipped == ("The rows are not in order of time: they were sorted.",)


def test_of_a_few_times_that_come_twice_the_later_line_counts(tmp_path: Path) -> None:
    lines = [f"{place},{place}" for place in range(1000)]
    found = read(tmp_path, ["t,y", *lines[:500], "499,7", *lines[500:]])
    assert found.columns["inputs"][498:501, 0, 0].tolist() == [498, 7, 500]
    assert found.skipped == ("Of duplicate times (1) the later line is used.",)


def test_lines_without_times_follow_one_another(tmp_path: Path) -> None:
    found = read(tmp_path, ["y", "3", "1", "2"])
    assert found.columns["inputs"][:, 0, 0].tolist() == [3, 1, 2]
    assert list(found.names) == ["row 1", "row 2", "row 3"]


MISTAKES = {
    "fractions": (["t,y", *(f"2024-01-01 00:00:00.{k}00,{k}" for k in range(9))], "less than a second apart"),
    "codes": (["t,y", *(f"2024-01-0{k},0{k}0" for k in range(1, 9))], "--column 'y=number'"),
    "uneven": (["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-03,3", "2020-01-04 07:00,4"], "line 5 of"),
    "twice": (["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-02,3"], "2020-01-02 comes twice, on line 3 of"),
    "no number": (["date,y", "2020-01-01,1", "2020-01-02,two"], "no column of numbers other than the times"),
    "no time": (["date,y", "2020-01-01,1", "soon,2"], "'soon', which is not a time, on line 3 of"),
    "several": (["date,a,b", "2020-01-01,1,2"], "there are 'a', 'b'; choose with --target"),
    "empty": (["date,y", "2020-01-01,", "2020-01-02,"], "the column to forecast is empty"),
    "uneven years": (["year,y", "1,1", "2,1", "3,1", "4.5,1"], "4.5 on line 5 of"),
    "split": (["date,y,split", "2020-01-01,1,test", "2020-01-02,2,train"], "one after the other"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(name: str, tmp_path: Path) -> None:
    lines, words = MISTAKES[name]
    with pytest.raises(GlassworkError) as caught:
        read(tmp_path, lines)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "z"}, "has no column 'z': its columns are date, shop, y"),
        ({"target": "shop"}, "holds 'x' on line 2 of"),
        ({"identifier": "z"}, "has no column 'z' that names the series"),
        ({"time": "z"}, "has no column 'z'"),
    ],
)
def test_a_wrong_column_is_named(options: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(GlassworkError) as caught:
        read(tmp_path, ["date,shop,y", "2020-01-01,x,1", "2020-01-02,x,2"], **options)
    assert words in str(caught.value)


def test_fingerprints_tell_times_and_values_apart(tmp_path: Path) -> None:
    first = read(tmp_path, ["date,y", "2020-01-01,1", "2020-01-02,1"]).columns["fingerprints"]
    later = read(tmp_path, ["date,y", "2020-01-03,1", "2020-01-04,1"]).columns["fingerprints"]
    assert len(torch.cat([first, later]).unique()) == 4
