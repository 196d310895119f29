"""Parquet files are tables like CSV files."""

import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch

from glasswork.data.dataset import ReadingOptions
from glasswork.data.kinds.table import Table
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

CELLS: dict[str, list[Any]] = {
    "size": [1.5, None, -3.25, 4.0],
    "rooms": [1, 2, 3, None],
    "kind": ["a", "b", None, "a"],
    "new": [True, False, None, True],
    "sold": [date(2020, 1, 6), None, date(2020, 7, 6), date(2021, 1, 6)],
    "seen": [datetime(2020, 1, 6, 6), datetime(2020, 1, 6, 18, 30), None, datetime(2020, 1, 7)],
    "cost": [Decimal("1.50"), Decimal("2.25"), Decimal("3.00"), Decimal("7.75")],
    "y": ["u", "v", "u", "v"],
}


def write(path: Path, cells: dict[str, Any] = CELLS) -> Path:
    parquet.write_table(arrow.table(cells), path)
    return path


def written(cells: dict[str, list[Any]]) -> str:
    rows = zip(*cells.values(), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    return "\n".join([",".join(cells), *lines])


def test_the_same_cells_as_csv_are_the_same_examples(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(written(CELLS), encoding="utf-8")
    text = read(tmp_path / "some.csv", ReadingOptions())
    binary = read(write(tmp_path / "some.parquet"), ReadingOptions())
    assert binary.task == text.task
    assert [column.kind for column in Table.of(binary.task).columns] == [
        *("number", "number", "category", "boolean", "date", "date", "number"),
    ]
    assert torch.equal(binary.columns["inputs"].nan_to_num(-9), text.columns["inputs"].nan_to_num(-9))
    assert torch.equal(binary.columns["fingerprints"], text.columns["fingerprints"])
    assert list(binary.names) == list(text.names)
    assert binary.skipped == text.skipped


def test_a_folder_with_a_file_per_split(tmp_path: Path) -> None:
    kinds = arrow.array(["a", "b", "a", "a"]).dictionary_encode()
    for name in ("train", "valid", "test"):
        write(tmp_path / f"{name}.parquet", {**CELLS, "kind": kinds})
    examples = read(tmp_path, ReadingOptions())
    assert examples.columns["split"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert Table.of(examples.task).columns[2].categories == ("a", "b")
    (tmp_path / "test.parquet").unlink()
    (tmp_path / "test.csv").write_text(written(CELLS), encoding="utf-8")
    with pytest.raises(GlassworkError, match=r"train\.parquet and .*test\.csv are parts of one data set"):
        read(tmp_path, ReadingOptions())


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({**CELLS, "y": [None] * 4}, r"target 'y' is missing in every row, as on row 1 of .*some\.parquet"),
        ({**CELLS, "kind": [[1], [2], [3], [4]]}, "'kind' of .* holds list<.*>, not one cell per row"),
        ({**CELLS, "size": [1.0, float("inf"), 2.0, 3.0]}, "'size' is infinite on row 2 of"),
        ({name: arrow.array(cells)[:0] for name, cells in CELLS.items()}, "has no rows"),
    ],
)
def test_parquet_files_that_cannot_be_used(cells: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match=message):
        read(write(tmp_path / "some.parquet", cells), ReadingOptions())


def test_a_damaged_file_and_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.parquet").write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(GlassworkError, match=r"some\.parquet cannot be read as Parquet: [^\n]*\.$"):
        read(tmp_path / "some.parquet", ReadingOptions())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(GlassworkError, match=r"pip install 'glasswork\[tables\]'"):
        read(tmp_path / "some.parquet", ReadingOptions())
