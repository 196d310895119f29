"""Regions of pictures, whatever the format; annotations, and the patches that come out of them."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from glasswork.data.dataset import TEST, TRAINING, VALIDATION
from glasswork.data.formats.whole_slide import open_slide, tissue
from glasswork.errors import GlassworkError
from glasswork.systems.heatmap.annotations import Sampling, annotated_share, read_annotated

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("openslide")

SHAPE = (300, 420)
WRITTEN = ("a.png", "strips.tif", "deflated.tif", "tiles.tif", "whole.tif")


def pixels(seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)


def write(path: Path, content: npt.NDArray[np.uint8]) -> Path:
    options = {
        "strips.tif": {"rowsperstrip": 7},
        "deflated.tif": {"compression": "zlib", "rowsperstrip": 64},
        "tiles.tif": {"tile": (64, 64), "compression": "zlib"},
    }
    if path.name in options:
        tifffile.imwrite(path, content, photometric="rgb", **options[path.name])
    else:
        Image.fromarray(content).save(path)
    return path


@pytest.mark.parametrize("name", WRITTEN)
def test_regions_are_the_pictures_pixels(name: str, tmp_path: Path) -> None:
    slide = open_slide(write(tmp_path / name, pixels()))
    assert (slide.height, slide.width, slide.grey) == (*SHAPE, False)
    for left, top, width, height in ((0, 0, 420, 300), (13, 27, 100, 61), (400, 290, 20, 10), (5, 299, 1, 1)):
        expected = pixels()[top : top + height, left : left + width]
        assert np.array_equal(slide.read(left, top, width, height), expected)
    cells = slide.reduced(4)
    assert cells.shape == (75, 105, 3)
    np.testing.assert_allclose(cells, pixels().reshape(75, 4, 105, 4, 3).mean((1, 3)), atol=0.01)


def test_a_pyramid_has_levels(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.tif"
    fine = np.repeat(np.repeat(pixels()[:256, :256], 2, 0), 2, 1)
    with tifffile.TiffWriter(path) as file:
        file.write(fine, tile=(64, 64), photometric="rgb")
        file.write(pixels()[:256, :256], tile=(64, 64), photometric="rgb", subfiletype=1)
    slide = open_slide(path, 1)
    assert (slide.width, slide.downsample, slide.level) == (256, 2.0, 1)
    assert np.array_equal(slide.read(10, 20, 30, 40), pixels()[20:60, 10:40])
    with pytest.raises(GlassworkError, match="levels 0 to 1"):
        open_slide(path, 2)


def test_glass_is_bright_without_colour_and_what_was_not_scanned_is_black() -> None:
    cells = np.array([[[250, 249, 252], [0, 0, 0], [240, 200, 220], [120, 120, 120]]], np.float32)
    assert tissue(cells).tolist() == [[False, False, True, True]]


SQUARE = [(40.0, 80.0), (200.0, 80.0), (200.0, 160.0), (40.0, 160.0)]


def annotations(folder: Path) -> list[Path]:
    """One square with a hole, in all three ways."""
    hole = [(80.0, 100.0), (120.0, 100.0), (120.0, 140.0), (80.0, 140.0)]
    mask = np.zeros(SHAPE, np.uint8)
    mask[80:160, 40:200] = 255
    mask[100:140, 80:120] = 0
    Image.fromarray(mask).save(folder / "a_mask.png")
    rings = [[list(point) for point in (*ring, ring[0])] for ring in (SQUARE, hole)]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": rings}}
    (folder / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    outlines = "".join(
        f'<Annotation Name="_{place}" Type="Polygon" PartOfGroup="{group}"><Coordinates>'
        + "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(ring))
        + "</Coordinates></Annotation>"
        for place, (group, ring) in enumerate((("Tumor", SQUARE), ("Exclusion", hole)))
    )
    (folder / "a.xml").write_text(f"<ASAP_Annotations><Annotations>{outlines}</Annotations></ASAP_Annotations>")
    return [folder / "a_mask.png", folder / "a.geojson", folder / "a.xml"]


def test_mask_xml_and_geojson_say_the_same(tmp_path: Path) -> None:
    slide = open_slide(write(tmp_path / "a.png", pixels()))
    mask, *others = (annotated_share(path, slide, 4) for path in annotations(tmp_path))
    assert float(mask.sum() * 16) == 80 * 160 - 40 * 40
    for share in others:
        assert np.abs(share - mask).max() <= 0.5 and np.abs(share - mask).mean() < 0.01
    coarse = annotated_share(tmp_path / "a_mask.png", slide, 20)
    assert coarse.shape == (15, 21) and coarse[5, 3] == 1


def test_what_is_no_annotation_is_refused(tmp_path: Path) -> None:
    slide = open_slide(write(tmp_path / "a.png", pixels()))
    for name, words in (("a.xml", "ASAP"), ("a.geojson", "GeoJSON")):
        (tmp_path / name).write_text("<not this")
        with pytest.raises(GlassworkError, match=words):
            annotated_share(tmp_path / name, slide, 4)
    Image.new("L", (90, 10)).save(tmp_path / "a_mask.png")
    with pytest.raises(GlassworkError, match="not the shape"):
        annotated_share(tmp_path / "a_mask.png", slide, 4)


def sampling(**options: float) -> Sampling:
    return Sampling(**{"size": 16, "level": 0, "patches": 200, "validation": 0.2, "test": 0.2, "seed": 0, **options})  # type: ignore[arg-type]


def test_patches_are_balanced_and_of_one_picture_in_one_split_each(tmp_path: Path) -> None:
    for place in range(6):
        write(tmp_path / f"{place}.png", pixels(place))
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, :100] = 1
        Image.fromarray(mask).save(tmp_path / f"{place}_mask.png")
    examples = read_annotated(tmp_path, sampling())
    assert examples.task.target.names == ("other", "annotated")
    places: dict[str, set[int]] = {}
    for row, (split, target) in enumerate(
        zip(*(examples.columns[k].tolist() for k in ("split", "targets")), strict=True)
    ):
        name, _, corner = examples.name(row).partition(" at ")
        left, top = map(int, corner.split(", "))
        places.setdefault(name, set()).add(split)
        assert target == (left < 92)
        expected = pixels(int(name[0]))[top : top + 16, left : left + 16].transpose(2, 0, 1)
        assert np.array_equal(examples.columns["inputs"][row].numpy(), expected)
    assert all(len(splits) == 1 for splits in places.values())
    for split in (TRAINING, VALIDATION, TEST):
        counts = torch.bincount(examples.columns["targets"][examples.columns["split"] == split])
        assert counts.tolist() == [100, 100]
    again = read_annotated(tmp_path, sampling())
    assert torch.equal(again.columns["inputs"], examples.columns["inputs"])


def test_one_picture_is_cut_into_regions(tmp_path: Path) -> None:
    write(tmp_path / "a.png", pixels())
    mask = np.zeros(SHAPE, np.uint8)
    mask[:150] = 1
    Image.fromarray(mask).save(tmp_path / "a_mask.png")
    examples = read_annotated(tmp_path, sampling())
    lefts = torch.tensor([int(examples.name(row).split(" at ")[1].split(",")[0]) for row in range(len(examples))])
    ends = {split: lefts[examples.columns["split"] == split] for split in (TRAINING, VALIDATION, TEST)}
    assert int(ends[TRAINING].max()) + 16 <= int(ends[VALIDATION].min())
    assert int(ends[VALIDATION].max()) + 16 <= int(ends[TEST].min())


def test_a_class_without_a_patch_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.png", pixels())
    Image.new("L", SHAPE[::-1], 0).save(tmp_path / "a_mask.png")
    with pytest.raises(GlassworkError, match="no training patch of class 'annotated'"):
        read_annotated(tmp_path, sampling())
