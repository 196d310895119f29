from pathlib import Path

import pytest
from PIL import Image
from reader_samples import write_image_folder

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.decoding import UnreadableImageError
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

OPTIONS = ReadingOptions()


def write(folder: Path, classes: dict[str, int]) -> Path:
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for row in range(count):
            Image.new("RGB", (9, 7), (row, 0, 0)).save(folder / name / f"{row}.png")
    return folder


def test_classes_and_files_in_natural_order(tmp_path: Path) -> None:
    examples = read(write(tmp_path, {"kind 10": 11, "kind 9": 2, "Kind 1": 2}), OPTIONS)
    assert examples.task.target.names == ("Kind 1", "kind 9", "kind 10")
    assert examples.columns["targets"].bincount().tolist() == [2, 2, 11]
    of_ten = [row for row, target in enumerate(examples.columns["targets"].tolist()) if target == 2]
    assert examples.columns["inputs"][of_ten, 0, 0, 0].tolist() == list(range(11))
    assert examples.names[of_ten[10]] == "kind 10/10.png"


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a": 2, "b": 2, ".hidden": 2, "c": 0})
    (folder / "a" / "notes.txt").write_text("no image")
    (folder / "a" / "._0.png").write_bytes(b"a Mac's notes on the image")
    (folder / "c" / "notes.txt").write_text("no image")
    (folder / "a" / "more" / "deeper").mkdir(parents=True)
    Image.new("RGB", (9, 7)).save(folder / "a" / "more" / "deeper" / "x.JPG")
    examples = read(folder, OPTIONS)
    assert examples.task.target.names == ("a", "b")
    assert len(examples) == 5
    assert examples.skipped == (
        "The folder c has no image (but 1 other file) and is not taken as a class.",
        "2 files of kinds that are not read: .txt 2.",
    )


def test_a_class_of_one_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "source", {"cat": 3, "dog": 1})
    with pytest.raises(
        GlassworkError, match=r"class 'dog' has only one image \(.*dog/0\.png\): at least two are needed"
    ):
        read(folder, OPTIONS)
    Image.new("RGB", (9, 7)).save(folder / "dog" / "1.png")
    (folder / "dog" / "0.png").write_bytes(b"")
    with pytest.raises(GlassworkError, match=r"class 'dog' has only one image \(.*dog/1\.png\)"):
        read(folder, OPTIONS)
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(GlassworkError, match="class 'dog' has no readable image"):
        read(folder, OPTIONS)
    split = write(tmp_path / "split" / "train", {"cat": 2, "dog": 1}).parent
    write(split / "test", {"cat": 1, "dog": 1})
    assert len(read(split, OPTIONS)) == 5


def test_unreadable_images_are_skipped_and_said(tmp_path: Path) -> None:
    folder = write_image_folder(tmp_path, 12)
    (folder / "b" / "4.png").write_bytes(b"oops")
    examples = read(folder, OPTIONS)
    assert len(examples) == len(examples.names) == len(examples.columns["targets"]) == 11
    assert "b/4.png" not in examples.names
    (sentence,) = examples.skipped
    assert sentence == f"{folder}/b/4.png is not readable as an image: its format is not known."
    with pytest.raises(UnreadableImageError, match=r"b/4\.png"):
        read(folder, ReadingOptions(strict=True))


def test_exact_duplicates_share_a_fingerprint(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a": 2, "b": 2})
    assert read(folder, OPTIONS).columns["fingerprints"].unique().numel() == 2  # a/0 is b/0, a/1 is b/1


def test_too_little(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match=r"images of only one class \('a'\)"):
        read(write(tmp_path / "one", {"a": 2}), OPTIONS)
    with pytest.raises(GlassworkError, match="are all in one folder: put them into one folder per class"):
        read(write(tmp_path / "flat", {"a": 2}) / "a", OPTIONS)
    with pytest.raises(GlassworkError, match="not in a supported format"):
        read(write(tmp_path / "none", {"a": 0, "b": 0}), OPTIONS)


def test_a_class_that_training_lacks_is_said(tmp_path: Path) -> None:
    write(tmp_path / "train", {"a": 2, "b": 2})
    write(tmp_path / "val", {"a": 1, "c": 1})
    examples = read(tmp_path, OPTIONS)
    assert examples.task.target.names == ("a", "b", "c")
    assert examples.skipped == (
        "By their names, train is the training data, val is the validation data. If they are not: --splits ignore.",
        "No image of c is in the train split: it cannot be learned.",
    )


def test_trains_may_be_a_class(tmp_path: Path) -> None:
    folder = write(tmp_path, {"car": 2, "boat": 2, "train": 2})
    (folder / "train" / "steam").mkdir()
    Image.new("RGB", (9, 7)).save(folder / "train" / "steam" / "0.png")
    examples = read(folder, OPTIONS)
    assert examples.task.target.names == ("boat", "car", "train")
    assert "split" not in examples.columns


def test_two_folders_for_one_split(tmp_path: Path) -> None:
    for part in ("train", "val", "valid"):
        write(tmp_path / part, {"a": 2, "b": 2})
    with pytest.raises(GlassworkError, match="both 'val' and 'valid' for the validation split"):
        read(tmp_path, OPTIONS)


def test_a_folder_beside_the_splits_is_said(tmp_path: Path) -> None:
    write(tmp_path / "train", {"a": 2, "b": 2})
    write(tmp_path / "test", {"a": 2, "b": 2})
    write(tmp_path, {"extra": 2})
    examples = read(tmp_path, OPTIONS)
    assert len(examples) == 8
    assert examples.skipped[1:] == ("The folder extra is next to train and test and was not read.",)
