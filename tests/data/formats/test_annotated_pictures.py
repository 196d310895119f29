"""Boxes in the formats of VOC and COCO: the same picture gives the same boxes, and what cannot be is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats import annotated_pictures
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.ragged import split
from glasswork.errors import GlassworkError

SIZE = 60, 40  # width and height
BOX = (11, 6, 30, 25)  # VOC's: 20 x 20 pixels from the eleventh and the sixth on


def picture(path: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def thing(name: str, box: tuple[float, ...], difficult: int = 0) -> str:
    corners = "".join(f"<{side}>{at}</{side}>" for side, at in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{corners}</bndbox></object>"


def voc(folder: Path, things: dict[str, str], size: tuple[int, int] = SIZE) -> Path:
    (folder / "Annotations").mkdir(parents=True)
    for number, (name, objects) in enumerate(things.items()):
        picture(folder / "JPEGImages" / f"{name}.png", size, number)
        shape = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
        text = f"<annotation><filename>{name}.png</filename>{shape}{objects}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(text, encoding="utf-8")
    return folder


def coco(folder: Path, boxes: list[list[float]], **image: object) -> Path:
    picture(folder / "a.png")
    whole = {
        "images": [{"id": 7, "file_name": "a.png", "width": SIZE[0], "height": SIZE[1], **image}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {"id": place, "image_id": 7, "category_id": 3, "bbox": box, "iscrowd": 0} for place, box in enumerate(boxes)
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def test_both_formats_count_pixels_their_own_way_and_mean_the_same_box(tmp_path: Path) -> None:
    one = annotated_pictures.read(voc(tmp_path / "voc", {"a": thing("cat", BOX)}), ReadingOptions())
    other = annotated_pictures.read(coco(tmp_path / "coco", [[10, 5, 20, 20]]), ReadingOptions())
    assert one.columns["targets"].tolist() == other.columns["targets"].tolist() == [[10, 5, 30, 25, 0, 0]]
    assert torch.equal(one.columns["inputs"], other.columns["inputs"])
    assert one.columns["inputs"].shape == (1, 3, 64, 64) and one.columns["extents"].tolist() == [[40, 60]]
    enlarged = annotated_pictures.read(tmp_path / "coco", ReadingOptions(size=120))
    assert enlarged.columns["targets"][0, :4].tolist() == [20, 10, 60, 50]


def test_pictures_without_boxes_are_negatives_and_lists_say_the_split(tmp_path: Path) -> None:
    things = {
        "a": thing("dog", BOX) + thing("cat", (1, 1, 60, 40), difficult=1),
        "b": "",
        "c": thing("dog", BOX),
        "d": "",
    }
    folder = voc(tmp_path / "voc", things)
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for name, lines in {"train": "a\nb\n", "trainval": "a\nb\nc\n", "test": "c\n", "dog_train": "a 1\n"}.items():
        (folder / "ImageSets" / "Main" / f"{name}.txt").write_text(lines, encoding="utf-8")
    found = annotated_pictures.read(folder, ReadingOptions())
    assert found.names == ["JPEGImages/a.png", "JPEGImages/b.png", "JPEGImages/c.png"]
    assert found.columns["split"].tolist() == [0, 0, 2]
    boxes = split(found.columns["targets"], found.offsets["targets"], torch.arange(3))
    assert [len(each) for each in boxes] == [2, 0, 1] and boxes[0][:, 5].tolist() == [0, 1]
    assert Boxes.of(found.task).names == ("cat", "dog")
    assert any("1 pictures are in no list" in sentence for sentence in found.skipped)
    assert any("'cat' has one box" in sentence for sentence in found.skipped)


REFUSED = {
    "beyond": (thing("cat", (11, 6, 80, 25)), "reaches beyond the picture of 60 x 40 pixels: correct it"),
    "no area": (thing("cat", (30, 6, 11, 25)), "has no area"),
    "from zero": (thing("cat", (0, 6, 11, 25)), "VOC counts pixels from 1"),
    "no number": (thing("cat", ("x", 6, 11, 25)), "is x: expected a number"),  # type: ignore[arg-type]
    "no name": (thing(" ", BOX), "has no name of a class"),
    "no boxes": ("", "No picture of .* has a box"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_boxes_that_cannot_be_are_refused(name: str, tmp_path: Path) -> None:
    things, said = REFUSED[name]
    with pytest.raises(GlassworkError, match=said):
        annotated_pictures.read(voc(tmp_path / "voc", {"a": things}), ReadingOptions())


def test_one_too_far_is_said_to_be_counted_from_one(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="COCO counts pixels from 0"):
        annotated_pictures.read(coco(tmp_path, [[41, 21, 20, 20]]), ReadingOptions())


def test_missing_pictures_other_sizes_and_small_pictures(tmp_path: Path) -> None:
    folder = voc(tmp_path / "voc", {"a": thing("cat", BOX)})
    (folder / "JPEGImages" / "a.png").unlink()
    with pytest.raises(GlassworkError, match=r"a.xml names the picture a.png, which is not there"):
        annotated_pictures.read(folder, ReadingOptions())
    with pytest.raises(GlassworkError, match=r"names the picture b.png, which is not there"):
        annotated_pictures.read(coco(tmp_path / "other", [], file_name="b.png"), ReadingOptions())
    with pytest.raises(GlassworkError, match="60 x 40 pixels, and its annotation says 61 x 40"):
        annotated_pictures.read(coco(tmp_path / "size", [[1, 1, 5, 5]], width=61), ReadingOptions())
    small = voc(tmp_path / "small", {"a": thing("cat", (1, 1, 5, 5))}, size=(10, 40))
    with pytest.raises(GlassworkError, match="too small, 40 x 10 pixels"):
        annotated_pictures.read(small, ReadingOptions())
