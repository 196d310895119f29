"""Text: files and trees of files as one stream of characters."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from glasswork.data import encodings
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats import text
from glasswork.data.kinds.text import Text
from glasswork.data.reading import read
from glasswork.data.splits import split
from glasswork.data.vocabulary import UNKNOWN
from glasswork.errors import GlassworkError

OPTIONS = ReadingOptions()
CONVERT = "Convert it, name its encoding with --encoding, or move it away."


def stream(dataset: Dataset) -> str:
    vocabulary = Text.of(dataset.task).vocabulary
    assert vocabulary is not None
    return vocabulary.decode(dataset.columns["inputs"].tolist())


def test_a_file_is_its_characters(tmp_path: Path) -> None:
    words = "caf\u00e9 \u4e2d\u6587 \U0001f600\n\ttabs\r\n" * 700
    (tmp_path / "a.txt").write_bytes(words.encode())
    dataset = read(tmp_path / "a.txt", OPTIONS)
    assert stream(dataset) == words
    assert dataset.task.target.names == (UNKNOWN, *sorted(set(words)))
    assert dataset.columns["inputs"].dtype == torch.uint8
    assert dataset.ordered
    assert dataset.count(torch.arange(len(dataset))) == len(words)
    assert 500 <= len(dataset) <= 1000
    assert dataset.name(1) == f"a.txt from character {-(-len(words) // 1000) + 1}"


def test_characters_that_end_a_piece_halfway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "\ufeff" + "\u4e2d\U0001f600x" * 50
    (tmp_path / "a.txt").write_bytes(words.encode())
    monkeypatch.setattr(encodings, "PIECE", 7)
    assert stream(text.read(tmp_path / "a.txt", OPTIONS)) == words[1:]  # without the byte order mark


def test_a_tree_is_read_file_after_file(tmp_path: Path) -> None:
    tree = {"b/2.c": "two;", "b/10.c": "ten;", "a.h": "one;", "empty.c": "", ".git/x.c": "hidden", "b/.y.c": "hidden"}
    for name, words in tree.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(words)
    (tmp_path / "b" / "object.o").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "b" / "old.c").write_bytes("caf\u00e9".encode("latin-1"))
    (tmp_path / "b" / "late.c").write_bytes(b"x" * 9000 + b"\xff")
    dataset = read(tmp_path, OPTIONS)
    assert stream(dataset) == f"one;two;ten;{'x' * 9000}\u00ffcaf\u00e9"
    assert dataset.skipped == (
        "1 file is not text that can be read and left out: b/object.o.",
        "Read as Latin-1: b/late.c, b/old.c. If that is wrong: --encoding NAME.",
    )
    assert dataset.names[0] == "a.h from character 1"
    assert dataset.name(2).startswith("b/late.c from character ")


def test_given_parts(tmp_path: Path) -> None:
    for name, words in {"train.txt": "abcab" * 9, "valid.txt": "abx", "test.txt": "ay", "README.md": "about"}.items():
        (tmp_path / name).write_text(words)
    dataset = read(tmp_path, OPTIONS, text)
    splits = dataset.columns["split"].tolist()
    assert splits == sorted(splits) and set(splits) == {TRAINING, VALIDATION, TEST}
    assert stream(dataset) == "abcab" * 9 + f"ab{UNKNOWN}" + f"a{UNKNOWN}"
    assert dataset.task.target.names == (UNKNOWN, "a", "b", "c")  # of what is trained on alone
    assert dataset.skipped[1:] == (
        "Besides train.txt and valid.txt and test.txt, README.md were not read.",
        "2 of the 50 characters are not in the training vocabulary and are treated as one unknown character.",
    )
    parts = split(dataset, 0.5, 0.5, 0)
    assert [dataset.count(rows) for rows in parts.named().values()] == [45, 3, 2]


def test_folders_as_parts_and_programs_that_are_none(tmp_path: Path) -> None:
    for name in ("data/train/a.txt", "data/train/b.txt", "data/test/a.txt", "program/train.py", "program/test.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name} " * 3)
    assert set(read(tmp_path / "data", OPTIONS).columns["split"].tolist()) == {TRAINING, TEST}
    assert "split" not in read(tmp_path / "program", OPTIONS).columns


def test_without_parts_the_end_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(chr(97 + place // 100) for place in range(2000)))
    dataset = read(tmp_path / "a.txt", OPTIONS)
    parts = split(dataset, 0.25, 0.1, seed=7)
    said = {name: stream(dataset.take(rows)) for name, rows in parts.named().items()}
    assert {name: (words[0], words[-1], len(words)) for name, words in said.items()} == {
        "train": ("a", "n", 1350),
        "validation": ("n", "r", 450),
        "test": ("s", "t", 200),
    }


def test_rare_characters_become_one_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("aaabbbc" * 5 + "de")
    dataset = read(tmp_path / "a.txt", ReadingOptions(vocabulary=4))
    assert stream(dataset) == "aaabbbc" * 5 + UNKNOWN * 2
    assert dataset.skipped == (
        "2 of the 37 characters are too rare and are treated as one unknown character: raise --vocabulary to keep "
        "them.",
    )


def test_many_characters(tmp_path: Path) -> None:
    words = "".join(map(chr, range(0x4E00, 0x4E00 + 500)))
    (tmp_path / "a.txt").write_text(words)
    dataset = read(tmp_path / "a.txt", ReadingOptions(vocabulary=1000))
    assert dataset.columns["inputs"].dtype == torch.int16
    assert stream(dataset) == words
    assert torch.equal(
        read(tmp_path / "a.txt", ReadingOptions(vocabulary=1000)).columns["inputs"], dataset.columns["inputs"]
    )


def test_read_for_a_model_that_knows_its_characters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc" * 10)
    (tmp_path / "b.txt").write_text("bad" * 10)
    task = read(tmp_path / "a.txt", OPTIONS).task
    other = read(tmp_path / "b.txt", ReadingOptions(like=task))
    assert other.task == task
    assert stream(other) == f"ba{UNKNOWN}" * 10


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.txt holds no text: the files are empty."),
        (b"abc\0\xff\xfe", "a.txt is not text in UTF-8: byte 4 is invalid. " + CONVERT),
        ("\u00e9\u00e9abc\u00e9".encode()[:-1], "a.txt is not text in UTF-8: byte 8 is invalid. " + CONVERT),
    ],
)
def test_what_is_no_text(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(GlassworkError) as caught:
        read(tmp_path / "a.txt", OPTIONS, text)
    assert str(caught.value) == f"{tmp_path}/{sentence}"


def test_a_folder_or_a_part_without_text(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    with pytest.raises(GlassworkError, match="holds no text: no file in it is text"):
        read(tmp_path, OPTIONS, text)
    for name, words in {"train.txt": "abc", "test.txt": ""}.items():
        (tmp_path / name).write_text(words)
    with pytest.raises(GlassworkError, match="holds no text for the test split"):
        read(tmp_path, OPTIONS, text)


def test_python_s_own_library_is_a_text() -> None:
    dataset = read("python-source", OPTIONS)
    assert dataset.source == "python-source"
    assert len(dataset.columns["inputs"]) > 3_000_000
    assert "import" in stream(dataset.take(torch.tensor([0, 1])))


PEAK = """
import sys, threading
from pathlib import Path
from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read

peak, ended = 0, threading.Event()

def watch():
    global peak
    while not ended.wait(0.003):
        fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        peak = max(peak, int(fields["RssAnon"].split()[0]))

watcher = threading.Thread(target=watch)
watcher.start()
examples = read(Path(sys.argv[1]), ReadingOptions())
assert len(examples.columns["inputs"]) == int(sys.argv[2])
ended.set()
watcher.join()
print(peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts anonymous memory as Linux does")
def test_memory_does_not_grow_with_the_text(tmp_path: Path) -> None:
    kilobytes = []
    for copies in (80_000, 800_000):
        line = "memory that belongs to no file does not grow with the text that is read.\n"
        (tmp_path / f"{copies}.txt").write_text(line * copies)
        words = [sys.executable, "-c", PEAK, str(tmp_path / f"{copies}.txt"), str(len(line) * copies)]
        kilobytes.append(int(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
    assert kilobytes[1] < 1.05 * kilobytes[0]
