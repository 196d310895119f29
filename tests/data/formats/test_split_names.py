"""One rule for splits, in every format, through the public face and the command line."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from reader_samples import cifar_bytes, idx_bytes, labels, pictures, write_clips, write_idx_pair

import glasswork as gw
from glasswork import cli
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats import conll, labelled_texts, text
from glasswork.data.formats.series import series
from glasswork.data.formats.splits import split_column, split_of, split_parts
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

NAMES = {
    TRAINING: ("train", "Training", "training_set", "TRAIN", "train2017", "train-data"),
    VALIDATION: ("val", "valid", "validation", "dev", "devel", "eval", "Validation Set"),
    TEST: ("test", "testing", "holdout", "test_set", "test1", "t10k"),
}


@pytest.mark.parametrize(("split", "name"), [(split, name) for split, names in NAMES.items() for name in names])
def test_words_for_splits(split: int, name: str) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize("name", ["contest", "trains", "station", "train_station", "train_test", "", "vale"])
def test_words_for_none(name: str) -> None:
    assert split_of(name) is None


@pytest.mark.parametrize(
    "names",
    [
        ("seg_train", "seg_val", "seg_test"),
        ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"),
        ("en_x-ud-train.conllu", "en_x-ud-dev.conllu", "en_x-ud-test.conllu"),
        ("training_set", "dev", "holdout"),
        ("train.csv.gz", "eval.csv.gz", "testing.csv"),
        ("train", "dev", "eval"),
    ],
)
def test_names_that_belong_together(names: tuple[str, ...]) -> None:
    found = split_parts(map(Path, (*names, "README.md", "sample_submission.csv")))
    assert {split: path.name for split, path in found.items()} == dict(enumerate(names))


def test_names_that_do_not_belong_together() -> None:
    assert split_parts(map(Path, ("train_station", "test_tube", "bus"))) == {}
    assert list(split_parts(map(Path, ("train.csv", "test.csv", "test_labels.csv")))) == [TRAINING, TEST]
    with pytest.raises(GlassworkError, match="several divided data sets, such as those of a-train and b-train"):
        split_parts(map(Path, ("a-train", "a-test", "b-train", "b-test")))


def test_a_column_that_says_the_split() -> None:
    column = ["Train", "dev", "holdout", "train"]
    for name in ("split", "Set", "fold"):
        assert split_column({"x": ["train"], name: column}) == (name, [TRAINING, VALIDATION, TEST, TRAINING])
    assert split_column({"split": ["train", "pea"]}) is None
    assert split_column({"split": ["test", "val"]}) is None
    assert split_column({"fold": np.array([0.0, 1.0])}) is None


def write_images(folder: Path, count: int = 4, flat: bool = False) -> None:
    for row, picture in enumerate(pictures(count, seed=len(str(folder)))):
        place = folder if flat else folder / "ab"[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{row}.png")


def write_texts(folder: Path, count: int = 4) -> None:
    for row in range(count):
        place = folder / "ab"[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{row}.txt").write_text(f"{['good', 'bad'][row % 2]} words {row}")


def write_file(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def write_series(path: Path, first: int) -> None:
    write_file(path, "day,y\n" + "".join(f"2024-01-{first + day:02},{day}\n" for day in range(4)))


def write_part(kind: str, path: Path, name: str, number: int) -> None:
    """One part of four examples, named as it is given."""
    path.mkdir(exist_ok=True)
    if kind == "images":
        write_images(path / name)
    elif kind == "idx":
        write_idx_pair(path / name, "", 4)
    elif kind == "cifar":
        (path / name).mkdir()
        (path / name / "data_batch_1.bin").write_bytes(cifar_bytes(4))
    elif kind == "npz":
        np.savez(path / f"{name}.npz", x=pictures(4), y=labels(4))
    elif kind == "table":
        write_file(path / f"{name}.csv", "x,label\n1,a\n2,b\n3,a\n4,b\n")
    elif kind == "texts":
        write_texts(path / name)
    elif kind == "texts in tables":
        write_file(path / f"{name}.csv", "x,label\nso a,a\nso b,b\nno,a\nye,b\n")
    elif kind == "sentences":
        write_file(path / f"en-ud-{name}.conll", "a\tA\n\nb\tB\n\nc\tA\n\nd\tB\n")
    elif kind == "text":
        write_file(path / f"ptb.{name}.txt", "abab")
    elif kind == "clips":
        write_clips(path / name, 4)
    else:
        write_series(path / f"{name}.csv", 1 + 4 * number)


READERS: dict[str, Any] = {
    **dict.fromkeys(("images", "idx", "cifar", "npz", "table", "clips")),
    **dict.fromkeys(("texts", "texts in tables"), labelled_texts),
    **{"sentences": conll, "text": text, "series": series},
}


@pytest.mark.parametrize("words", [("training", "dev", "holdout"), ("train_set", "eval", "testing")])
@pytest.mark.parametrize("kind", READERS)
def test_the_same_words_in_every_format(kind: str, words: tuple[str, ...], tmp_path: Path) -> None:
    for number, word in enumerate(words):
        write_part(kind, tmp_path / "data", word, number)
    options = ReadingOptions(pieces="features" if kind == "sentences" else "word")
    dataset = read(tmp_path / "data", options, READERS[kind])
    split = dataset.columns["split"].tolist()
    assert [split.count(part) for part in (TRAINING, VALIDATION, TEST)] == [4, 4, 4]
    assert dataset.skipped[0].startswith("By their names, ") and dataset.skipped[0].endswith("--splits ignore.")
    pooled = read(tmp_path / "data", replace(options, splits="ignore"), READERS[kind])
    assert "split" not in pooled.columns
    assert len(pooled) == 12
    assert not any("By their names" in sentence for sentence in pooled.skipped)


def test_class_folders_beside_a_flat_test_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    write_images(data / "train", 20)
    write_images(data / "test", 7, flat=True)
    out = tmp_path / "run"
    assert cli.main(["train", "linear", "--data", str(data), "--epochs", "1", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "its 7 images are left aside" in said and f"glasswork predict RUN {data / 'test'}" in said.replace("/ ", "/")
    assert gw.load(out).task.target.names == ("a", "b")
    assert cli.main(["predict", str(out), str(data / "test")]) == 0
    assert "6.png" in capsys.readouterr().out


def test_folders_for_splits_without_class_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "test"):
        write_images(tmp_path / "data" / part, 6, flat=True)
    arguments = ["train", "linear", "--data", str(tmp_path / "data"), "--epochs", "1", "--out", str(tmp_path / "run")]
    assert cli.main(arguments) == 2
    assert "If train and test are themselves classes: --splits ignore" in " ".join(capsys.readouterr().err.split())
    assert cli.main([*arguments, "--splits", "ignore"]) == 0
    assert gw.load(tmp_path / "run").task.target.names == ("test", "train")


def test_a_flat_test_folder_beside_classes_is_no_class(tmp_path: Path) -> None:
    for name in ("cat", "dog", "test"):
        write_images(tmp_path / name, 4, flat=True)
    dataset = read(tmp_path, ReadingOptions())
    assert dataset.task.target.names == ("cat", "dog")
    assert "If it is a class: --splits ignore" in dataset.skipped[0]
    assert read(tmp_path, ReadingOptions(splits="ignore")).task.target.names == ("cat", "dog", "test")


def test_a_table_without_answers_is_left_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "kaggle"
    rows = "".join(f"{row},{row % 7},{['no', 'yes'][row % 2]}\n" for row in range(40))
    write_file(data / "train.csv", "size,weight,survived\n" + rows)
    write_file(data / "test.csv", "size,weight\n1,2\n3,4\n")
    write_file(data / "sample_submission.csv", "size,survived\n1,no\n")
    out = tmp_path / "run"
    assert cli.main(["train", "linear", "--data", str(data), "--epochs", "1", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "test.csv has no column 'survived'" in said
    assert "'survived' is predicted, the only column that test.csv lacks" in said
    assert cli.main(["predict", str(out), str(data / "test.csv"), "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [answer["answer"] in ("no", "yes") for answer in answers] == [True, True]


def test_rows_without_answers_are_left_aside(tmp_path: Path) -> None:
    rows = "".join(f"{row},{'ab'[row % 2]},train\n" for row in range(20)) + "1,,test\n2,,test\n"
    write_file(tmp_path / "all.csv", "x,label,set\n" + rows)
    dataset = read(tmp_path / "all.csv", ReadingOptions())
    assert len(dataset) == 20 and dataset.columns["split"].tolist() == [TRAINING] * 20
    assert "The 2 test rows have no 'label'" in " ".join(dataset.skipped)
    assert dataset.task.inputs.shape == (1,)  # the column of the split is no feature


def test_parts_without_answers_in_other_formats(tmp_path: Path) -> None:
    folder = tmp_path / "idx"
    write_idx_pair(folder, "train-", 6)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(pictures(3))))
    assert "left aside" in read(folder, ReadingOptions()).skipped[-1]
    np.savez(tmp_path / "a.npz", x_train=pictures(6), y_train=labels(6), x_test=pictures(3))
    assert "x_test has no targets next to it" in read(tmp_path / "a.npz", ReadingOptions()).skipped[-1]
    write_file(tmp_path / "tags" / "train.conll", "a\tA\nb\tB\n")
    write_file(tmp_path / "tags" / "test.conll", "a\nb\n")
    options = ReadingOptions(pieces="features")
    assert "test.conll has no labels" in read(tmp_path / "tags", options, conll).skipped[-1]  # type: ignore[arg-type]
    write_texts(tmp_path / "texts" / "train")
    write_file(tmp_path / "texts" / "test" / "1.txt", "what is this")
    found: Dataset = read(tmp_path / "texts", ReadingOptions(), labelled_texts)
    assert "test has no class folders, so its 1 texts are left aside" in found.skipped[-1]
    assert found.task.target.names == ("a", "b")


def test_sentences_of_universal_dependencies(tmp_path: Path) -> None:
    for part, word in (("train", "dog"), ("dev", "cat"), ("test", "cow")):
        write_file(tmp_path / f"en_x-ud-{part}.conllu", f"1\t{word}\t{word}\tNOUN\t_\n2\tran\trun\tVERB\t_\n")
        write_file(tmp_path / f"en_x-ud-{part}.txt", f"{word} ran")
    write_file(tmp_path / "README.txt", "about it")
    dataset = read(tmp_path, ReadingOptions(pieces="features", vocabulary=100), conll)
    assert dataset.columns["split"].tolist() == [TRAINING, VALIDATION, TEST]
    assert dataset.task.target.names == ("NOUN", "VERB")
