import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from reader_samples import table_text

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.reading import read
from glasswork.errors import GlassworkError


def read_text(folder: Path, text: str | bytes, target: str | None = None, name: str = "some.csv") -> Dataset:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, ReadingOptions(target=target))


def test_numbers_and_categories(tmp_path: Path) -> None:
    dataset = read_text(tmp_path, table_text(4))
    assert Table.of(dataset.task).features == ("height", "width", "kind=a", "kind=b")
    assert dataset.columns["inputs"].tolist() == [[0, 0, 1, 0], [1, 0.5, 0, 1], [2, 1, 1, 0], [3, 1.5, 0, 1]]
    assert dataset.task.target == OneClass(("x", "y", "z"))
    assert dataset.names[3] == "row 4"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("marked", [b"", b"\xef\xbb\xbf"])
def test_separators_quotes_and_byte_order_marks(separator: str, marked: bytes, tmp_path: Path) -> None:
    rows = ['"size ""x"""', "colour", "y"], ["1", f'"re{separator}d"', "0"], ["2", '"bl\nue"', "1"]
    text = "\r\n".join(separator.join(row) for row in rows)
    dataset = read_text(tmp_path, marked + text.encode())
    assert set(Table.of(dataset.task).features) == {'size "x"', "colour=bl\nue", f"colour=re{separator}d"}
    assert dataset.columns["targets"].tolist() == [0, 1]


def test_tabs_packed_files_and_commas_for_points(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\ty\n1\t0\n2\t1\n", name="some.tsv").task.inputs.features == ("a,b",)
    assert len(read_text(tmp_path, gzip.compress(table_text(5).encode()), name="some.csv.gz")) == 5
    dataset = read_text(tmp_path, "a;y\n1,5;0\n-2;1\n")
    assert dataset.columns["inputs"].tolist() == [[1.5], [-2]]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 2), min_size=2, max_size=6), st.booleans())
def test_numbers_come_back_on_both_paths(tmp_path: Path, rows: list[tuple[float, float]], slow: bool) -> None:
    lines = [f"{a!r},{b!r},{row % 2},{'pq'[row % 2] if slow else row}" for row, (a, b) in enumerate(rows)]
    dataset = read_text(tmp_path, "\n".join(["a,b,label,c", *lines]))
    kept = [place for place, name in enumerate("ab") if name in Table.of(dataset.task).features]
    assert {"ab"[place] for place in range(2) if len({row[place] for row in rows}) > 1} == {"ab"[k] for k in kept}
    found = dataset.columns["inputs"][:, : len(kept)].numpy()
    assert np.array_equal(found, np.array(rows, dtype=np.float32)[:, kept])


def test_empty_cells_are_marked_and_said(tmp_path: Path) -> None:
    dataset = read_text(tmp_path, "a,b,c,y\n1,u,,0\n,,,1\n4,v,,1\nNA,u,?,0\n")
    assert Table.of(dataset.task).features == ("a", "a: empty", "b=u", "b=v", "b: empty")
    assert dataset.columns["inputs"][1].isnan().tolist() == [True, False, False, False, False]
    assert dataset.columns["inputs"][1:3, 1:].tolist() == [[1, 0, 0, 1], [0, 0, 1, 0]]
    assert dataset.skipped == (
        "The column 'c' is empty and was left out.",
        "Empty cells are replaced by the training mean, with an extra feature that marks them: 'a' (2), 'b' (1).",
    )


def test_row_numbers_are_no_feature(tmp_path: Path) -> None:
    dataset = read_text(tmp_path, ",a,y\n0,5,0\n1,6,0\n2,7,1\n")
    assert Table.of(dataset.task).features == ("a",)
    assert "only numbers the rows" in dataset.skipped[0]
    assert read_text(tmp_path, "time,y\n0,0\n1,0\n2,1\n").task.inputs.features == ("time",)


def test_the_usual_names_of_targets(tmp_path: Path) -> None:
    for name in ("target", "Label", "CLASS", "y", "Species"):
        assert read_text(tmp_path, f"a,{name},b\n1,0,3\n2,1,4\n").task.inputs.features == ("a", "b")
    with pytest.raises(GlassworkError, match=r"several could be it \(y, label\)\); the columns are y, label, a"):
        read_text(tmp_path, "y,label,a\n1,2,3\n")
    with pytest.raises(GlassworkError, match="none has a usual name\\); the columns are a, b"):
        read_text(tmp_path, "a,b\n1,2\n")
    with pytest.raises(GlassworkError, match="no column 'heigth' to predict: did you mean height"):
        read_text(tmp_path, table_text(3), target="heigth")


def rows_of(header: str, *cells: str) -> str:
    return "\n".join([f"a,{header}", *(f"{row},{cell}" for row, cell in enumerate(cells))])


@pytest.mark.parametrize(
    ("text", "target", "kind", "classes", "first"),
    [
        (rows_of("t", *"0110"), "t", "class", ("0", "1"), 0),
        (rows_of("t", *"9737"), "t", "class", ("3", "7", "9"), 2),
        (rows_of("t", "1.0", "2.0"), "t", "class", ("1", "2"), 0),
        (rows_of("t", "1.5", "2"), "t", "number", ("t",), [1.5]),
        (rows_of("t", *map(str, range(21))), "t", "number", ("t",), [0]),
        (rows_of("t", *map(str, range(20))), "t", "class", tuple(map(str, range(20))), 0),
        (rows_of("t", "b2", "b10", "B1"), "t", "class", ("B1", "b2", "b10"), 1),
        (rows_of("t,u", "0,1", "1,1"), "t,u", "classes", ("t", "u"), [0, 1]),
        (rows_of("t,u", "0.5,1", "1,1"), "u, t", "number", ("u", "t"), [1, 0.5]),
        (rows_of("t", "red; big", "big", "small|red"), "t", "classes", ("big", "red", "small"), [1, 1, 0]),
        (rows_of('"t,u"', *"01"), "t,u", "class", ("0", "1"), 0),
    ],
)
def test_kinds_of_targets(text: str, target: str, kind: str, classes: object, first: object, tmp_path: Path) -> None:
    dataset = read_text(tmp_path, text, target)
    assert (dataset.task.target.tag, dataset.task.target.names) == (kind, classes)
    column = dataset.columns["targets"]
    assert column[0].tolist() == first
    assert column.dtype == {"class": torch.int64, "classes": torch.uint8, "number": torch.float64}[kind]


def test_classes_come_from_all_splits_and_categories_from_the_training_split(tmp_path: Path) -> None:
    for name, text in {"train": "c,y\nu,a\nv,b\n", "valid": "c,y\nw,a\n", "test": "y,c\nz,v\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    dataset = read(tmp_path, ReadingOptions())
    assert dataset.task.target.names == ("a", "b", "z")
    assert Table.of(dataset.task).features == ("c=u", "c=v")
    assert dataset.columns["inputs"][:2].tolist() == [[1, 0], [0, 1]]
    assert dataset.columns["inputs"][2].isnan().all()
    assert dataset.columns["inputs"][3].tolist() == [0, 1]
    assert dataset.columns["fingerprints"].unique().shape == (3,)
    assert dataset.skipped[1:] == ("The column 'c' holds values not seen in training, treated as unknown: 'w' (1).",)
    assert dataset.columns["split"].tolist() == [0, 0, 1, 2]
    assert list(dataset.names) == ["train row 1", "train row 2", "validation row 1", "test row 1"]
    (tmp_path / "test.csv").write_text("y\nz\n")
    with pytest.raises(GlassworkError, match=r"test\.csv lacks the column 'c'"):
        read(tmp_path, ReadingOptions())


def test_a_table_without_a_header(tmp_path: Path) -> None:
    dataset = read_text(tmp_path, "1,2,0\n3,4,1\n", target="column 3")
    assert dataset.columns["inputs"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,y\n1,0\n\n1,2,3\n", r"Line 4 of .* has 3 cells, but there are 2 columns"),
        ("a,y\n1,0,2\n1,1,3\n", "Line 2 of .* has 3 cells, but there are 2 columns"),
        ("a,b,y\nu,1,0\n1\n", "Line 3 of .* has 1 cell, but there are 3"),
        ("a,y\n1,\n2,\n", "target 'y' is missing in every row, as on line 2 of"),
        ("a,y\n1,?\n2,\n", "target 'y' is missing in every row, as on line 2 of"),
        ("a,y\n1,0\ninf,1\n", "column 'a' is infinite on line 3 of"),
        ("a,y\n1,3\n2,3\n", "is 3 in every row"),
        ("a,y\n1,u\n2,u\n", "is 'u' in every row"),
        ("y\n1\n0\n", "no column but the target"),
        ("a,y\n", "has no rows below its header"),
        ("", "is empty: expected a line with the names"),
        ("a,a,y\n1,2,3\n", "two columns called 'a'"),
        ("\u00e9\u00e9,y\n1,".encode() + b"\xe9\n", "is not text in UTF-8: byte 10 is invalid"),
        (b"a,y\n" + gzip.compress(b"a,y\n", mtime=0)[:-3], "is not text in UTF-8"),
        (gzip.compress(b"a,y\n1,0\n2,1\n", mtime=0)[:-9], "damaged gzip"),
        ('a,y\n"' + "x\n" * 100_000, "look for a missing closing quote"),
        (rows_of("b,y", *(f"{row if row else 'oops'},{row % 2}" for row in range(60))), "'oops' on line 2"),
        (rows_of("b,y", *(f"2020-{row % 12 + 1}-{row + 1},{row % 2}" for row in range(33))), "'2020-8-32' on line 33"),
        ("b,y\n7,0\n7,1\n", "'b' has the same number in every row and was left out"),
    ],
)
def test_tables_that_cannot_be_read(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match=message):
        read_text(tmp_path, text)


def test_more_about_targets_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="each has to be a number, but 'kind' holds text"):
        read_text(tmp_path, table_text(4), target="kind,height")
    with pytest.raises(GlassworkError, match="No target is named"):
        read_text(tmp_path, table_text(4), target=" , ")
    many = rows_of("y", *(f"name {row}" for row in range(60)))
    with pytest.raises(GlassworkError, match="60 different texts in 60 rows: these are not classes"):
        read_text(tmp_path, many)


def test_images_named_by_a_table(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for row in range(4):
        Image.new("RGB", (8, 6), (row, 0, 0)).save(tmp_path / "photos" / f"{row}.png")
    lines = [f"photos/{row}.png,{row},{'red|big' if row % 2 else 'red'}" for row in range(5)]
    (tmp_path / "list.csv").write_text("\n".join(["file,size,label", *lines]))
    for source in (tmp_path, tmp_path / "list.csv"):
        dataset = read(source, ReadingOptions())
        assert dataset.columns["inputs"][:, 0, 0, 0].tolist() == [0, 1, 2, 3]
        assert dataset.columns["targets"].tolist() == [[0, 1], [1, 1], [0, 1], [1, 1]]
        assert dataset.task.inputs.shape == (3, 6, 8)
        assert dataset.names[0] == "photos/0.png"
        assert "not used: size" in dataset.skipped[0]
        assert "photos/4.png cannot be read" in dataset.skipped[1]
    Image.new("RGB", (8, 6), (9, 0, 0)).save(tmp_path / "photos" / "0.png")
    assert read(tmp_path / "list.csv", ReadingOptions()).columns["inputs"][0, 0, 0, 0] == 9
