"""What a cell is: numbers as people write them, codes, missing words, headers, comments; guesses are said."""

import gzip
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.tables.load import load_tables
from glasswork.data.formats.tables.typed import Kind, number_of, numbers_in
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.reading import read
from glasswork.errors import GlassworkError


def cells(folder: Path, lines: Sequence[str], **kinds: Kind) -> dict[str, list[object]]:
    path = folder / "some.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = load_tables([path], kinds=kinds)
    return {name: list(column) for name, column in found.columns.items()}


def write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table(folder: Path, lines: Sequence[str], **options: object) -> Dataset:
    path = folder / "some.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read(path, ReadingOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["1_000", "1__0", "_1", "1_", "abc", "", "0x1F", "1,5"])
def test_what_is_no_number(word: str) -> None:
    assert number_of(word) is None


@pytest.mark.parametrize(
    ("words", "commas", "expected"),
    [
        (["1 234", "2 345.5", "12"], False, [1234, 2345.5, 12]),
        (["1\u202f234", "2\u00a0345", "1\u2009234\u2009567"], False, [1234, 2345, 1234567]),
        (["1'234.5", "2’000"], False, [1234.5, 2000]),
        (["\u22125", "3"], False, [-5, 3]),
        (["1.234,5", "2.000"], True, [1234.5, 2000]),
        (["1 234,5", "2"], True, [1234.5, 2]),
        (["1,234.5", "7"], False, [1234.5, 7]),
        (["1e-3", "2.5E+4"], False, [1e-3, 2.5e4]),
    ],
)
def test_numbers_as_people_write_them(words: list[str], commas: bool, expected: list[float]) -> None:
    assert numbers_in(words, commas).tolist() == expected


@pytest.mark.parametrize(
    "words",
    [
        ["01234", "1234", "99999"],
        ["007", "042"],
        ["1e3", "2e5", "123"],
        ["12345678901234567", "12345678901234568"],
        ["1_000", "2_000"],
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_codes_stay_as_they_are_written(words: list[str], packed: bool, tmp_path: Path) -> None:
    text = "\n".join(["code,x", *(f"{word},{place}" for place, word in enumerate(words))])
    path = tmp_path / ("some.csv.gz" if packed else "some.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert load_tables([path]).columns["code"] == words


@pytest.mark.parametrize(
    "words", [["1e3", "5", "200"], ["0.5", "0"], ["1e-05", "2.5e10"], ["10", "200"], ["-0.1", "00.5"]]
)
def test_numbers_are_no_codes(words: list[str], tmp_path: Path) -> None:
    found = cells(tmp_path, ["c,x", *(f"{word},{place}" for place, word in enumerate(words))])
    assert found["c"] == [float(word) for word in words]


def test_a_user_says_what_a_column_holds(tmp_path: Path) -> None:
    lines = ["zip,n,note,y", *(f"0{row:04},{row % 3},word {row},{row % 2}" for row in range(60))]
    found = Table.of(table(tmp_path, lines, column=("zip=number", "n=category", "note=drop")).task)
    assert [(column.name, column.kind) for column in found.columns] == [("zip", "number"), ("n", "category")]
    assert found.columns[1].categories == ("0", "1", "2") and found.unused == ("note",)
    plain = table(tmp_path, lines)
    assert any("'00000' begins with a zero" in sentence for sentence in plain.skipped)
    assert any("--column 'note=category' keeps" in sentence for sentence in plain.skipped)
    kept = Table.of(table(tmp_path, lines, column=("note=category",)).task)
    assert "note" in [column.name for column in kept.columns]
    for asked, words in {
        "y": "write NAME=KIND",
        "y=colour": "write NAME=KIND",
        "z=number": "has no column 'z'",
        "note=number": "'word 0' on line 2 of",
        "note=date": "'word 0' on line 2 of",
    }.items():
        with pytest.raises(GlassworkError) as caught:
            table(tmp_path, lines, column=(asked,))
        assert words in str(caught.value)


def test_names_with_signs_are_said(tmp_path: Path) -> None:
    lines = ["a=b,c[m],y", *(f"{row},{row * 2},{'uv'[row % 2]}" for row in range(20))]
    found = Table.of(table(tmp_path, lines, column=("a=b=category", "c[m]=drop")).task)
    assert [(column.name, column.kind) for column in found.columns] == [("a=b", "category")]


@pytest.mark.parametrize(
    ("targets", "options", "kind", "names"),
    [
        (["1", "2", "3", "1"], {}, "class", ("1", "2", "3")),
        (["1", "2", "3", "1"], {"target_kind": "number"}, "number", ("y",)),
        (["1.5", "2.5", "1.5", "2.5"], {"target_kind": "class"}, "class", ("1.5", "2.5")),
        (["a;b", "a", "b", "a;b"], {}, "classes", ("a", "b")),
        (["a;b", "a", "b", "a;b"], {"target_kind": "class"}, "class", ("a", "a;b", "b")),
        (["01", "02", "01", "02"], {}, "class", ("01", "02")),
        (["01", "02", "01", "02"], {"column": ("y=number",)}, "number", ("y",)),
        (["TRUE", "true", "True", "false"], {}, "class", ("false", "TRUE")),
        (["None", "Mild", "None", "Mild"], {"target_kind": "class"}, "class", ("Mild", "None")),
    ],
)
def test_what_a_target_is(
    targets: list[str], options: dict[str, object], kind: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    lines = ["x,y", *(f"{place * 0.5},{target}" for place, target in enumerate(targets))]
    found = table(tmp_path, lines, target="y", **options).task.target
    assert (found.tag, found.names) == (kind, names)


@pytest.mark.parametrize("word", ["NaN", "NA", "null", "?", "None", "-", ""])
def test_words_for_missing_are_missing_in_inputs_and_targets(word: str, tmp_path: Path) -> None:
    lines = ["x,c,y", "1,u,a", f"{word},{word},b", "3,v,a"]
    found = table(tmp_path, lines)
    assert [column.missing for column in Table.of(found.task).columns] == [True, True]
    found = table(tmp_path, ["x,y", "1,a", f"2,{word}", "3,b"])
    assert (found.columns["inputs"].tolist(), found.names) == ([[1.0], [3.0]], ["row 1", "row 3"])
    assert any(said.startswith("1 row has no 'y', line 3 of") for said in found.skipped)
    with pytest.raises(GlassworkError, match=r"target 'y' is missing in every row, as on line 2 of"):
        table(tmp_path, ["x,y", f"1,{word}", f"2,{word}"])


def test_values_that_are_declared_missing_are_missing_in_every_column(tmp_path: Path) -> None:
    lines = ["x,n,c,y", "1,5,u,1.5", "-999,0,v,2.5", "3,7,u,-999.0", "4,8,none yet,3.5"]
    found = table(tmp_path, lines, target="y", missing=("-999,none yet", "n=0"))
    assert Numbers.of(found.task).names == ("y",) and found.columns["targets"].tolist() == [[1.5], [2.5], [3.5]]
    assert Table.of(found.task).features == ("x", "x: empty", "n", "n: empty", "c=u", "c=v", "c: empty")
    expected = [[1, 0, 5, 0, 1, 0, 0], [math.nan, 1, math.nan, 1, 0, 1, 0], [4, 0, 8, 0, 0, 0, 1]]
    assert torch.equal(found.columns["inputs"].nan_to_num(-1), torch.tensor(expected).nan_to_num(-1))
    assert "Cells declared missing: 'x' (1), 'n' (1), 'c' (1), 'y' (1)." in found.skipped
    rows, _ = Table.of(found.task).read_table(write(tmp_path / "new.csv", ["x,n,c", "-999,3,v"]))
    assert rows.nan_to_num(-1).tolist() == [[-1, 1, 3, 0, 0, 1, 0]]
    with pytest.raises(GlassworkError, match="has no column 'm' with missing values: its columns: x"):
        table(tmp_path, lines, target="y", missing=("m=0",))


def test_values_that_look_like_placeholders_are_said(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).normal(70, 10, (200, 2)).round(1)
    draws[::20, 0], draws[3, 0], draws[5::30, 1] = 0, -999, 9999
    counts = np.arange(200) % 7  # where 0 is one of the usual values
    lines = ["pressure,count,y", *(f"{x},{n},{y}" for (x, y), n in zip(draws, counts, strict=True))]
    said = [each for each in table(tmp_path, lines, target="y").skipped if "placeholder" in each]
    assert len(said) == 2 and "'pressure' -999 (1), 0 (10)" in said[0] and "--missing 'pressure=-999,0'" in said[0]
    assert "'y' 9999 (7)" in said[1] and "'count'" not in said[0] + said[1]
    declared = table(tmp_path, lines, target="y", missing=("pressure=-999,0", "y=9999")).skipped
    assert not any("placeholder" in each for each in declared)


def test_a_letter_is_one_whether_its_marks_are_composed_or_not(tmp_path: Path) -> None:
    lines = ["pre\u0301nom,y", *("jose\u0301,caf\u00e9", "jos\u00e9,cafe\u0301", "ana,th\u00e9") * 3]
    found = table(tmp_path, lines, target="y", column=("pre\u0301nom=category",))
    assert found.task.target.names == ("caf\u00e9", "th\u00e9") and found.task.target.place("the\u0301") == 1
    assert Table.of(found.task).features == ("pr\u00e9nom=ana", "pr\u00e9nom=jos\u00e9")
    rows, said = Table.of(found.task).read_table(write(tmp_path / "new.csv", ["pr\u00e9nom", "jose\u0301"]))
    assert (rows.tolist(), said) == ([[0, 1]], ())


def test_guesses_about_targets_are_said(tmp_path: Path) -> None:
    many = [f"{row * 0.5},{row % 25}" for row in range(100)]
    (sentence,) = table(tmp_path, ["x,y", *many]).skipped
    assert "25 different whole numbers, read as a quantity: --target-kind class" in sentence
    (sentence,) = table(tmp_path, ["x,y", *(f"{row * 0.5},{row % 5}" for row in range(100))]).skipped
    assert "read as classes: --target-kind number" in sentence


@pytest.mark.parametrize(
    ("lines", "names", "first"),
    [
        (["sep=;", "a;b", "1;2", "3;4"], ["a", "b"], [1, 3]),
        (['"sep=|"', "a|b", "1|2", "3|4"], ["a", "b"], [1, 3]),
        (["# made on Monday", "a,b", "1,2", "# half", "3,4"], ["a", "b"], [1, 3]),
        (["# a,b", "1,2", "3,4"], ["a", "b"], [1, 3]),
        (["# one", "# two, with a comma", "a,b", "1,2", "3,4"], ["a", "b"], [1, 3]),
        (["#,b", "1,2", "3,4"], ["#", "b"], [1, 3]),
        (["# one number a line", "y", "1", "3"], ["y"], [1, 3]),
        (["0,1,2,3", "5,6,7,8", "9,9,9,9"], ["0", "1", "2", "3"], [5, 9]),
        (["1,2,3,4", "5,6,7,8"], ["1", "2", "3", "4"], [5]),
        (["0,1", "0.5,1.5", "0.25,0.75"], ["0", "1"], [0.5, 0.25]),
        (["0,1", "1,1", "1,0"], ["column 1", "column 2"], [0, 1, 1]),
        (["5,1,2,3", "5,6,7,8"], ["column 1", "column 2", "column 3", "column 4"], [5, 5]),
    ],
)
def test_headers_and_comments(lines: list[str], names: list[str], first: list[float], tmp_path: Path) -> None:
    found = cells(tmp_path, lines)
    assert list(found) == names and found[names[0]] == first


def test_empty_cells_and_lines_keep_their_row(tmp_path: Path) -> None:
    one = cells(tmp_path, ["y", "1", "", "3", "", ""])
    assert [value == value for value in one["y"]] == [True, False, True]  # type: ignore[comparison-overlap]
    path = tmp_path / "rows.csv"
    path.write_text("x,c\n1,u\n,\n\n3,v\n", encoding="utf-8")
    assert load_tables([path], lenient=True).columns["c"] == ["u", "", "v"]
    trained = load_tables([path])
    assert trained.columns["c"] == ["u", "v"] and "without a single value (1)" in trained.said[0]


def test_a_cell_of_any_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"x,c\n1,{'a' * 200_000}\n2,b\n", encoding="utf-8")
    assert len(load_tables([path]).columns["c"][0]) == 200_000  # type: ignore[arg-type]
