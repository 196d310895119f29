import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from reader_samples import write_idx, write_idx_pair, write_image_folder, write_table
from safetensors.torch import load_file

from glasswork.data import cache
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.data.scratch import scratch

OPTIONS = ReadingOptions()


def made(rows: int = 3, names: tuple[str, ...] = ()) -> Dataset:
    columns = {
        "inputs": torch.arange(rows * 5, dtype=torch.uint8).reshape(rows, 1, 1, 5),
        "targets": torch.arange(rows),
        "numbers": torch.arange(rows, dtype=torch.float32)[:, None] / 3,
        "fingerprints": torch.arange(rows) * -(2**61),
    }
    return Dataset(columns, Task(Images((1, 1, 5)), OneClass(("ä", "b", "c"))), "made", names, 0, ("Left out.",))


def test_columns_come_back_mapped_and_equal(tmp_path: Path, cache_folder: Path) -> None:
    names = ("a/ö.png", os.fsdecode(b"a/\xff.png"), "")
    first = cache.remember("made", [tmp_path], OPTIONS, lambda: made(names=names))
    again = cache.remember("made", [tmp_path], OPTIONS, lambda: pytest.fail("read again"))
    for dataset in (first, again):
        assert tuple(dataset.names) == names
        assert dataset.task == made().task
        assert dataset.skipped == ("Left out.",)
        for name, column in made().columns.items():
            assert torch.equal(dataset.columns[name], column)
    (entry,) = cache_folder.iterdir()
    assert str(entry) in Path("/proc/self/maps").read_text()
    assert torch.equal(load_file(entry)["targets"], made().columns["targets"])


def test_writing_to_a_column_does_not_reach_the_file(tmp_path: Path) -> None:
    first = cache.remember("made", [tmp_path], OPTIONS, made)
    first.columns["inputs"].zero_()
    again = cache.remember("made", [tmp_path], OPTIONS, made)
    assert torch.equal(again.columns["inputs"], made().columns["inputs"])


def test_a_change_means_reading_again(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "source")
    first = read(folder, OPTIONS)
    assert len(read(folder, ReadingOptions(size=8)).columns["inputs"][0, 0]) == 8
    (folder / "a" / "0.png").rename(folder / "b" / "new.png")
    second = read(folder, OPTIONS)
    assert first.columns["targets"].bincount().tolist() == [3, 3, 3]
    assert second.columns["targets"].bincount().tolist() == [2, 4, 3]
    (folder / "b" / "new.png").write_bytes(b"")
    assert len(read(folder, OPTIONS)) == 8


def test_a_change_beside_the_path_means_reading_again(tmp_path: Path) -> None:
    path = write_idx(tmp_path)
    assert len(read(path, OPTIONS)) == 9
    write_idx_pair(tmp_path, "", 12)
    assert len(read(path, OPTIONS)) == 12


def test_a_damaged_entry_is_read_anew(tmp_path: Path, cache_folder: Path) -> None:
    path = write_table(tmp_path)
    whole = read(path, OPTIONS)
    (entry,) = cache_folder.iterdir()
    for content in (b"", struct.pack("<Q", 2**40), entry.read_bytes()[:-8]):
        entry.unlink()  # as a crash would leave it; the file that is mapped must stay as it is
        entry.write_bytes(content)
        assert torch.equal(read(path, OPTIONS).columns["inputs"], whole.columns["inputs"])


def test_without_a_cache_it_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLASSWORK_CACHE", str(tmp_path / "file" / "cache"))
    dataset = read(write_image_folder(tmp_path / "source"), OPTIONS)
    assert len(dataset) == 9
    (sentence,) = dataset.skipped
    assert sentence.startswith(f"The cache folder {tmp_path / 'file' / 'cache'} cannot be written (Not a directory)")


def test_the_least_recently_used_go_first(tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for number in range(3):
        (tmp_path / str(number)).write_text("")
        paths.append(tmp_path / str(number))
        cache.remember("made", [paths[-1]], OPTIONS, made)
    entries = sorted(cache_folder.iterdir(), key=lambda entry: entry.stat().st_mtime_ns)
    for age, entry in zip((300, 200, 100), entries, strict=True):
        os.utime(entry, (entry.stat().st_mtime - age, entry.stat().st_mtime - age))
    stale = cache_folder / "killed.part"
    stale.write_bytes(b"half")
    os.utime(stale, (0, 0))
    cache.remember("made", [paths[0]], OPTIONS, made)  # now the youngest
    monkeypatch.setattr(cache, "LIMIT", 3 * entries[0].stat().st_size)
    cache.remember("made", [tmp_path], OPTIONS, made)
    left = set(cache_folder.iterdir())
    assert entries[0] in left and entries[2] in left
    assert entries[1] not in left and stale not in left
    assert len(left) == 3


def test_many_at_once_agree(tmp_path: Path, cache_folder: Path) -> None:
    path = write_table(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: read(path, OPTIONS), range(16)))
    assert all(torch.equal(result.columns["inputs"], results[0].columns["inputs"]) for result in results)
    assert [entry.suffix for entry in cache_folder.iterdir()] == [".safetensors"]


def test_scratch_leaves_nothing_behind(cache_folder: Path) -> None:
    room = scratch((1000, 3, 8, 8))
    room.fill_(7)
    assert list(cache_folder.iterdir()) == []
    assert room.sum() == 7 * 1000 * 3 * 64
    assert scratch((0, 3)).shape == (0, 3)


def test_a_folder_that_links_to_itself(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path / "source")
    (tmp_path / "source" / "a" / "up").symlink_to(folder)
    (tmp_path / "source" / "a" / "nowhere").symlink_to(folder / "gone")
    cache.remember("made", [folder], OPTIONS, made)
