import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from glasswork.glassbox.regions import LayerUnits, Region
from glasswork.show.regions import HUES, SIDE, animation, layer_png, print_regions, region_field, region_png, units_png

CELLS = 20
RAMP = tuple(tuple((column + 0.5) / CELLS for column in range(CELLS)) for _ in range(CELLS))
BACK = tuple(tuple(1 - value for value in row) for row in RAMP)
UP = tuple(tuple((row + 0.5) / CELLS for _ in range(CELLS)) for row in range(CELLS))


def two_classes(*points: tuple[float, float, float]) -> Region:
    """Class `no` to the left, `yes` to the right."""
    return Region(("a", "b"), ("no", "yes"), (0, 0), (1, 1), (BACK, RAMP), False, None, points)


def nearer(pixel: np.ndarray, hue: int) -> bool:
    distances = [np.abs(pixel.astype(int) - np.array(other)).sum() for other in HUES[:2]]
    return bool(distances[hue] < distances[1 - hue])


def test_each_side_has_its_hue_and_the_line_is_dark() -> None:
    field = np.asarray(region_field(two_classes(), 200))
    assert all(nearer(field[y, 5], 0) and nearer(field[y, 194], 1) for y in (3, 100, 196))
    dark = field.max(2) < 150
    columns = dark.any(0).nonzero()[0]
    assert dark[:, 100].all() or dark[:, 99].all()
    assert columns.min() >= 97 and columns.max() <= 102
    assert field[100, 99 - 12 : 99 - 6].astype(int).sum() > field[100, 5:11].astype(int).sum()  # paler near the line


def test_the_highest_row_is_drawn_at_the_top_and_points_where_they_are() -> None:
    values = tuple(tuple(1 - value for value in row) for row in UP)
    region = Region(
        ("a", "b"), ("no", "yes"), (0, 0), (1, 1), (values, UP), False, None, ((0.25, 0.75, 0), (0.75, 0.25, 1))
    )
    field = np.asarray(region_field(region, 200))
    assert nearer(field[5, 5], 1) and nearer(field[195, 5], 0)
    assert tuple(field[50, 50]) == HUES[0] and tuple(field[150, 150]) == HUES[1]
    assert (field[50, 40:50] > 245).all(1).any()  # the white rim


def test_several_classes_and_one_number_are_drawn() -> None:
    corner = tuple(
        tuple(min(first, second) for first, second in zip(a, b, strict=True)) for a, b in zip(RAMP, UP, strict=True)
    )
    three = Region(("a", "b"), ("x", "y", "z"), (0, 0), (1, 1), (BACK, RAMP, corner), False, None, ((0.5, 0.5, 2),))
    number = Region(("a", "b"), ("height",), (0, 0), (1, 1), (RAMP,), True, None, ((0.1, 0.1, -3), (0.9, 0.9, 8)))
    for region in (three, number):
        drawn = Image.open(io.BytesIO(region_png(region)))
        assert drawn.format == "PNG" and drawn.width > SIDE and drawn.height > SIDE
    flat = Region(("a", "b"), ("height",), (0, 0), (1, 1), (RAMP,), True, None, ((0.1, 0.1, 2),))
    assert np.isfinite(np.asarray(region_field(flat, 50))).all()


def test_units_are_tiles_layer_under_layer() -> None:
    layers = [LayerUnits(1, 5, 1.0, (RAMP,) * 5), LayerUnits(2, 30, 2.0, (UP,) * 24)]
    first, both = (Image.open(io.BytesIO(data)) for data in (layer_png(layers[0]), units_png(layers)))
    assert first.width == both.width and both.height > 4 * first.height


def test_the_animation_has_a_frame_for_each_moment() -> None:
    frames = [
        (two_classes((0.2, 0.2, 0)), "epoch 1"),
        (two_classes((0.2, 0.2, 0)), "epoch 20"),
        (two_classes(), "kept"),
    ]
    moving = Image.open(io.BytesIO(animation(frames)))
    assert (moving.format, getattr(moving, "n_frames", 1), moving.info["loop"]) == ("GIF", 3, 0)


def said(region: Region, terminal: bool) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal, color_system="truecolor")
    print_regions(console, [(region, "left"), (region, "right")])
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["classes", "number"])
def test_a_terminal_shows_coloured_cells_and_a_file_letters(kind: str) -> None:
    region = two_classes((0.1, 0.1, 0))
    if kind == "number":
        region = Region(("a", "b"), ("height",), (0, 0), (1, 1), (RAMP,), True, None, ((0.1, 0.1, 0), (0.9, 0.9, 1)))
    plain = said(region, terminal=False)
    lines = plain.splitlines()
    assert "\x1b" not in plain and lines[1].split() == ["left", "right"]
    drawn = lines[2:12]
    assert all(line[:CELLS] == line[CELLS + 3 : 2 * CELLS + 3] for line in drawn)
    if kind == "classes":
        assert set(drawn) == {f"{'.' * 10}{'#' * 10}   {'.' * 10}{'#' * 10}"}
        assert "'.' no" in plain and "'#' yes" in plain
    else:
        assert drawn[0][:CELLS].strip().endswith("###") and "height:" in plain
    coloured = said(region, terminal=True)
    assert coloured.count("\u2580") == 2 * CELLS * CELLS // 2 and "\x1b[38;2;" in coloured
