"""Pictures with captions in every format that they come in: the same pictures, captions and splits."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import captions
from glasswork.data.kinds.token_sequence import TokenSequence, sequences_of
from glasswork.data.reading import read
from glasswork.data.tokenize import join
from glasswork.errors import GlassworkError
from glasswork.systems.sequences import references_of

SAID = {"a.png": ["A dog runs.", "The dog is fast"], "b.png": ["A cat"], "c.png": ["Two cats", "cats, two"]}


def pictures(folder: Path, names: list[str] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names or list(SAID)):
        Image.fromarray(np.full((8, 8, 3), 40 * place, dtype=np.uint8)).save(folder / name)
    return folder


def coco(folder: Path) -> Path:
    pictures(folder / "images")
    images = [{"id": place, "file_name": name} for place, name in enumerate(SAID)]
    annotations = [{"image_id": place, "caption": text} for place, texts in enumerate(SAID.values()) for text in texts]
    file = folder / "captions.json"
    file.write_text(json.dumps({"info": {}, "images": images, "annotations": annotations}), encoding="utf-8")
    return folder


def karpathy(folder: Path) -> Path:
    pictures(folder / "images")
    images = [
        {"filename": name, "sentences": [{"raw": text} for text in texts], "split": "train"}
        for name, texts in SAID.items()
    ]
    file = folder / "dataset_flickr8k.json"
    file.write_text(json.dumps({"images": images, "dataset": "flickr8k"}), encoding="utf-8")
    return file


def flickr(folder: Path) -> Path:
    pictures(folder / "Images")
    lines = [f"{name}#{place}\t{text}" for name, texts in SAID.items() for place, text in enumerate(texts)]
    (folder / "Flickr8k.token.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def metadata(folder: Path) -> Path:
    pictures(folder)
    lines = [json.dumps({"file_name": name, "text": texts}) for name, texts in SAID.items()]
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def table(folder: Path) -> Path:
    pictures(folder)
    lines = [f'{name},"{text}"' for name, texts in SAID.items() for text in texts]
    (folder / "captions.csv").write_text("\n".join(["image,caption", *lines]) + "\n", encoding="utf-8")
    return folder / "captions.csv"


def pairs(folder: Path) -> Path:
    pictures(folder)
    for name, texts in SAID.items():
        (folder / name).with_suffix(".txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return folder


def load(path: Path) -> Dataset:
    return read(path, ReadingOptions(vocabulary=100), captions)


@pytest.mark.parametrize("write", [coco, karpathy, flickr, metadata, table, pairs])
def test_every_format_says_the_same(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path / "data")
    assert captions.claims(path)
    dataset = load(path)
    assert [Path(name).name for name in dataset.names] == list(SAID)
    assert references_of(dataset, torch.arange(3)) == list(SAID.values())
    begins, first = sequences_of(dataset)
    assert first.tolist() == [0, 2, 3, 5]
    vocabulary = TokenSequence.of(dataset.task).vocabulary
    numbers = dataset.columns["targets"][: int(begins[1])].tolist()
    assert numbers[-1] == len(vocabulary) and join(numbers[:-1], vocabulary) == "a dog runs."
    assert dataset.columns["inputs"][:, 0, 0, 0].tolist() == [0, 40, 80] and "split" not in dataset.columns


def test_splits_by_files_by_folders_and_by_lists(tmp_path: Path) -> None:
    for split, name in (("train", "a.png"), ("val", "b.png"), ("test", "c.png")):
        pictures(tmp_path / "coco" / split, [name])
        images = {"images": [{"id": 1, "file_name": name}], "annotations": [{"image_id": 1, "caption": SAID[name][0]}]}
        notes = tmp_path / "coco" / "annotations"
        notes.mkdir(exist_ok=True)
        (notes / f"captions_{split}2017.json").write_text(json.dumps(images), encoding="utf-8")
        (notes / f"instances_{split}2017.json").write_text('{"images": [], "annotations": []}', encoding="utf-8")
        pictures(tmp_path / "pairs" / split, [name])
        (tmp_path / "pairs" / split / name).with_suffix(".txt").write_text(SAID[name][0], encoding="utf-8")
    flickr(tmp_path / "flickr")
    for split, name in (("train", "a"), ("dev", "b"), ("test", "c")):
        (tmp_path / "flickr" / f"Flickr_8k.{split}Images.txt").write_text(f"{name}.png\n", encoding="utf-8")
    for source in ("coco", "pairs", "flickr"):
        dataset = load(tmp_path / source)
        assert dataset.columns["split"].tolist() == [0, 1, 2], source
        assert any("--splits ignore" in sentence for sentence in dataset.skipped)
        # What is only said of held-out pictures is unknown.
        assert "cats" not in TokenSequence.of(dataset.task).vocabulary.tokens


def test_pictures_of_the_same_name_in_two_splits_are_two(tmp_path: Path) -> None:
    for place, split in enumerate(("train", "val", "test")):
        folder = tmp_path / split
        folder.mkdir()
        Image.fromarray(np.full((8, 8, 3), 40 * place, dtype=np.uint8)).save(folder / "1.png")
        whole = {"images": [{"id": 1, "file_name": "1.png"}], "annotations": [{"image_id": 1, "caption": split}]}
        (tmp_path / f"captions_{split}.json").write_text(json.dumps(whole), encoding="utf-8")
    dataset = load(tmp_path)
    assert dataset.columns["split"].tolist() == [0, 1, 2]
    assert dataset.columns["inputs"][:, 0, 0, 0].tolist() == [0, 40, 80]
    assert references_of(dataset, torch.arange(3)) == [["train"], ["val"], ["test"]]
    for split in ("train", "val", "test"):
        (tmp_path / split / "1.png").rename(tmp_path / f"{split}.png")
    with pytest.raises(GlassworkError, match=r"Two splits name the picture 1\.png"):
        load(tmp_path)


def test_one_of_several_divided_sets_is_named_by_its_training_file(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for place, split in enumerate(("train", "val", "test")):
        for family, vendor in (("A", "x"), ("B", "y")):
            (tmp_path / vendor).mkdir(exist_ok=True)
            name = f"{vendor}/{split}.png"
            Image.fromarray(np.full((8, 8, 3), 40 * place, dtype=np.uint8)).save(tmp_path / name)
            images = [{"id": 1, "file_name": name}]
            whole = {"images": images, "annotations": [{"image_id": 1, "caption": f"{family} {split}"}]}
            (tmp_path / "annotations" / f"{family}_captions_{split}.json").write_text(json.dumps(whole))
    with pytest.raises(GlassworkError, match="name the file of the training captions of one of them"):
        load(tmp_path)
    file = tmp_path / "annotations" / "B_captions_train.json"
    dataset = load(file)
    assert dataset.columns["split"].tolist() == [0, 1, 2]
    assert dataset.names == ["y/train.png", "y/val.png", "y/test.png"]
    assert references_of(dataset, torch.arange(3)) == [["B train"], ["B val"], ["B test"]]
    assert any("B_captions_val.json is the validation data" in sentence for sentence in dataset.skipped)
    for alone in (ReadingOptions(vocabulary=100, splits="ignore"), ReadingOptions(vocabulary=100, like=dataset.task)):
        assert references_of(read(file, alone, captions), torch.arange(1)) == [["B train"]]


def test_a_name_that_several_pictures_have_is_refused(tmp_path: Path) -> None:
    for folder in ("a/x", "b/x", "c/y"):
        pictures(tmp_path / folder, ["1.png"])
    table = tmp_path / "captions.csv"
    for name, several in (("x/1.png", "x"), ("1.png", "[xy]")):
        table.write_text(f"image,caption\n{name},a dog\n", encoding="utf-8")
        with pytest.raises(GlassworkError, match=rf"{name} may be .*/{several}/1\.png or .*/{several}/1\.png"):
            load(table)


def test_what_lacks_a_caption_or_a_picture_is_counted(tmp_path: Path) -> None:
    folder = pairs(tmp_path / "data")
    (folder / "b.txt").unlink()
    (folder / "c.txt").write_text("\n", encoding="utf-8")
    dataset = load(folder)
    assert len(dataset) == 1 and any("2 pictures have no caption" in sentence for sentence in dataset.skipped)
    missing = metadata(tmp_path / "missing")
    (missing / "a.png").unlink()
    found = load(missing)
    assert len(found) == 2 and any("no file below" in sentence and "a.png" in sentence for sentence in found.skipped)


def test_what_is_no_source_of_captions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="holds no pictures with captions"):
        load(pictures(tmp_path / "bare"))
    broken = metadata(tmp_path / "broken")
    (broken / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "A dog"}\nnot json\n', encoding="utf-8")
    with pytest.raises(GlassworkError, match=r"line 2 is not JSON"):
        load(broken)
    empty = tmp_path / "gone.json"
    empty.write_text('{"images": [{"id": 1, "file_name": "gone.png"}], "annotations": []}', encoding="utf-8")
    with pytest.raises(GlassworkError, match="no picture with a caption"):
        load(empty)


@pytest.mark.parametrize(
    "text",
    [
        '{"images": [3], "annotations": []}',
        '{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [7]}',
        '{"images": [{"id": [1], "file_name": "a.png"}], "annotations": []}',
        '{"images": [{"filename": "a.png", "sentences": 5}]}',
        '{"images": [{"filename": "a.png", "sentences": [null]}]}',
        '{"images": {}, "annotations": 4}',
    ],
)
def test_json_of_another_shape_is_one_sentence(text: str, tmp_path: Path) -> None:
    pictures(tmp_path)
    (tmp_path / "captions.json").write_text(text, encoding="utf-8")
    with pytest.raises(GlassworkError, match=r"captions\.json"):
        load(tmp_path / "captions.json")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["captions.json", "captions.csv", "captions.token.txt", "captions.txt"])
def test_a_pipe_among_the_files_keeps_nobody_waiting(name: str, tmp_path: Path) -> None:
    metadata(tmp_path)
    os.mkfifo(tmp_path / name)
    assert len(load(tmp_path)) == 3
