"""What every reader promises, on a tiny sample in its format."""

from pathlib import Path

import pytest
import torch
from reader_samples import SAMPLES

from glasswork.catalogue import make_system, preset, recipe_of
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.reading import READERS, Reader, read
from glasswork.errors import GlassworkError

every_reader = pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.rsplit(".", 1)[-1])
with_and_without_split = pytest.mark.parametrize("given", [False, True], ids=["whole", "split"])


def sample(reader: Reader, given: bool, folder: Path) -> Path:
    return SAMPLES[reader][given](folder)  # type: ignore[index]


def require_equal(first: Dataset, second: Dataset) -> None:
    assert first.columns.keys() == second.columns.keys()
    for name, column in first.columns.items():
        assert column.dtype == second.columns[name].dtype
        assert torch.equal(column, second.columns[name]), name
    assert first.offsets.keys() == second.offsets.keys()
    assert all(torch.equal(offsets, second.offsets[name]) for name, offsets in first.offsets.items())
    assert first.ordered == second.ordered
    assert list(first.names) == list(second.names)
    assert (first.task, first.source, first.margin, first.skipped) == (
        second.task,
        second.source,
        second.margin,
        second.skipped,
    )


@every_reader
@with_and_without_split
def test_claims_its_own_and_nothing_else(reader: Reader, given: bool, tmp_path: Path) -> None:
    path = sample(reader, given, tmp_path / "source")
    assert [other for other in READERS if other.claims(path)] == [reader]
    assert path in reader.sources(path)


@every_reader
@with_and_without_split
def test_columns_agree_with_the_task(reader: Reader, given: bool, tmp_path: Path) -> None:
    path = sample(reader, given, tmp_path / "source")
    dataset = read(path, ReadingOptions())
    count = 18 if given else 9
    columns = dataset.columns
    assert {len(column) for column in columns.values()} == {count}
    assert len(dataset.names) in (0, count)
    assert columns["fingerprints"].dtype == torch.int64
    assert columns["fingerprints"].ndim == 1
    assert len(dataset) == count
    if dataset.task.target.tag != "next":
        assert columns["targets"].dtype == torch.int64
        assert columns["targets"].unique().tolist() == [0, 1, 2]
    assert len(dataset.task.target.names) >= 3
    assert columns["inputs"].shape[1:] == dataset.task.inputs.shape
    vectors = dataset.task.inputs.tag == "vector"
    assert columns["inputs"].dtype == (torch.float32 if vectors else torch.uint8)
    assert len(getattr(dataset.task.inputs, "features", ())) == (dataset.task.inputs.shape[0] if vectors else 0)
    assert [sentence.partition(",")[0] for sentence in dataset.skipped] == ["By their names"] * given
    assert dataset.source == str(path)


@every_reader
@with_and_without_split
def test_new_inputs_are_read_as_those_of_training(reader: Reader, given: bool, tmp_path: Path) -> None:
    path = sample(reader, given, tmp_path / "source")
    dataset = read(path, ReadingOptions())
    chosen = preset(dataset.task.inputs.preset)
    system = make_system(chosen.system, recipe_of(chosen.name)(data=str(path)))
    parts = list(system.inputs([path], dataset.task))
    assert not any(part.problems for part in parts)
    found = torch.cat([part.dataset.columns["inputs"] for part in parts])
    trained = dataset.columns["inputs"]
    assert found.shape == trained.shape
    rows = [sorted(each.reshape(len(each), -1).tolist()) for each in (found, trained)]
    assert rows[0] == rows[1]
    names = [name for part in parts for name in part.names]
    assert len(set(names)) == len(names)


@every_reader
def test_a_given_split_becomes_a_column(reader: Reader, tmp_path: Path) -> None:
    assert "split" not in read(sample(reader, False, tmp_path / "whole"), ReadingOptions()).columns
    split = read(sample(reader, True, tmp_path / "source"), ReadingOptions()).columns["split"]
    assert split.dtype == torch.uint8
    assert split.tolist() == [TRAINING] * 9 + [VALIDATION] * 6 + [TEST] * 3


@every_reader
@with_and_without_split
def test_the_second_read_comes_from_the_cache(reader: Reader, given: bool, tmp_path: Path, cache_folder: Path) -> None:
    path = sample(reader, given, tmp_path / "source")
    first = read(path, ReadingOptions())
    (entry,) = cache_folder.iterdir()
    written = entry.stat().st_ino
    second = read(path, ReadingOptions())
    require_equal(first, second)
    assert [path.stat().st_ino for path in cache_folder.iterdir()] == [written]
    require_equal(reader.read(path, ReadingOptions()), second)


@every_reader
def test_an_unreadable_file_is_one_sentence(reader: Reader, tmp_path: Path) -> None:
    path = sample(reader, False, tmp_path / "source")
    for file in [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]:
        file.write_bytes(b"\x80\0 nothing of the kind")
    with pytest.raises(GlassworkError, match="source") as caught:
        read(path, ReadingOptions())
    assert "\n" not in str(caught.value)


def test_every_reader_has_a_sample() -> None:
    assert list(SAMPLES) == list(READERS)
