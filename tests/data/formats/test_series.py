"""Series out of tables: times, several series, gaps, and mistakes in one sentence."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats.series import series
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.errors import GlassworkError


def read(folder: Path, lines: Sequence[str], **options: str) -> Dataset:
    path = folder / "some.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return series.read(path, ReadingOptions(**options))  # type: ignore[arg-type]


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
    assert found.ordered and found.skipped == ()


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
        (["2020-01", "2020-04", "2020-07"], "months", 3, "2020-10-01"),
        (["2020-01-01 00:00", "2020-01-01 00:30", "2020-01-01 01:00"], "seconds", 1800, "2020-01-01 01:30"),
        (["2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", "2020-01-01T02:00:00Z"], "seconds", 3600, "2020-01-01 03:00"),
        (["2020-02-27", "2020-02-28", "2020-02-29"], "seconds", 86400, "2020-03-01"),
        (["0.5", "1", "1.5"], "numbers", 0.5, "2"),
    ],
)
def test_the_step_is_found(times: list[str], unit: str, step: float, following: str, tmp_path: Path) -> None:
    found = read(tmp_path, ["time,y", *(f"{time},{place}" for place, time in enumerate(times))])
    timing = Series.of(found.task).timing
    assert (timing.unit, timing.step) == (unit, step)
    assert timing.word(int(timing.after(int(found.columns["times"][-1]), 1)[0])) == following


def test_short_gaps_are_filled_in_and_said(tmp_path: Path) -> None:
    lines = [f"{day},{value}" for day, value in zip(days(6), ["1", "", "", "4", "5", "6"], strict=True)]
    del lines[4]  # a line that is missing is a value that is missing
    found = read(tmp_path, ["date,y", *lines])
    assert found.columns["inputs"][:, 0, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert found.skipped == ("Missing values were filled in along a straight line between their neighbours: 'y' (3).",)


def test_long_gaps_stay_open_and_are_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-10,4", "2020-01-12,6"])
    values = found.columns["inputs"][:, 0, 0]
    assert values[:2].tolist() == [1, 2] and values[9:].tolist() == [4, 5, 6]
    assert bool(values[2:9].isnan().all())
    assert found.skipped == (
        "Missing values were filled in along a straight line between their neighbours: 'y' (1).",
        "Gaps of more than 6 values stay open, and no forecast reaches across one: 7 days after 2020-01-02 (series "
        "'y').",
    )


def test_lines_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, ["date,y", "2020-01-03,3", "2020-01-01,1", "2020-01-02,2"])
    assert found.columns["inputs"][:, 0, 0].tolist() == [1, 2, 3]
    assert found.skipped == ("The lines are not in the order of time: they were sorted.",)


def test_of_a_few_times_that_come_twice_the_later_line_counts(tmp_path: Path) -> None:
    lines = [f"{place},{place}" for place in range(1000)]
    found = read(tmp_path, ["t,y", *lines[:500], "499,7", *lines[500:]])
    assert found.columns["inputs"][498:501, 0, 0].tolist() == [498, 7, 500]
    assert found.skipped == ("Of times that come twice (1) the later line counts.",)


def test_lines_without_times_follow_one_another(tmp_path: Path) -> None:
    found = read(tmp_path, ["y", "3", "1", "2"])
    assert found.columns["inputs"][:, 0, 0].tolist() == [3, 1, 2]
    assert list(found.names) == ["row 1", "row 2", "row 3"]


MISTAKES = {
    "uneven": (["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-03,3", "2020-01-04 07:00,4"], "line 5 of"),
    "twice": (["date,y", "2020-01-01,1", "2020-01-02,2", "2020-01-02,3"], "2020-01-02 comes twice, on line 3 of"),
    "no number": (["date,y", "2020-01-01,1", "2020-01-02,two"], "no column of numbers beside the times"),
    "no time": (["date,y", "2020-01-01,1", "soon,2"], "'soon', which is no time, on line 3 of"),
    "several": (["date,a,b", "2020-01-01,1,2"], "there are 'a', 'b'; choose with --target"),
    "empty": (["date,y", "2020-01-01,", "2020-01-02,"], "the column to foretell is empty"),
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
