"""Regions of the plane on a terminal, as coloured cells; as letters where there are no colours."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from glasswork.glassbox.regions import TERMINAL_CELLS, Region
from glasswork.show.palette import INK, Colour
from glasswork.show.png import on_axis
from glasswork.show.regions import class_shade, number_range, number_shade, point_colour

LETTERS = ".#+o*x%@=&"
STEPS = " .:-=+*#"
HALF = "\u2580"
LEAST_CELLS = 24


def print_regions(console: Console, regions: Sequence[tuple[Region, str]]) -> None:
    """Regions side by side, as many as fit, each under its words: coloured cells on a terminal, else letters."""
    if not regions:
        return
    side = max(LEAST_CELLS, min(TERMINAL_CELLS, (console.width + 3) // len(regions) - 3))
    regions = [(_coarse(region, side), words) for region, words in regions]
    wide = len(regions[0][0].values[0]) + 3
    each = max(1, (console.width + 3) // wide)
    for start in range(0, len(regions), each):
        console.print()
        some = regions[start : start + each]
        titles = Text("".join(words[: wide - 3].ljust(wide) for _, words in some).rstrip())
        drawn = [_cells(region) if console.is_terminal else _letters(region) for region, _ in some]
        for line in [titles, *map(_joined, zip(*drawn, strict=True))]:
            console.print(line, no_wrap=True, overflow="crop")
    console.print(_key(regions[0][0], console.is_terminal))


def _coarse(region: Region, side: int) -> Region:
    """The region with at most `side` cells along each side: of more, some at even distances."""
    count = len(region.values[0])
    if count <= side:
        return region
    places = [(2 * place + 1) * count // (2 * side) for place in range(side)]
    values = tuple(tuple(tuple(grid[row][column] for column in places) for row in places) for grid in region.values)
    return replace(region, values=values)


def _joined(lines: tuple[Text, ...]) -> Text:
    return Text("   ").join(lines)


def _cells(region: Region) -> list[Text]:
    """Two rows of cells to a line, in the upper and the lower half of each character."""
    planes = np.asarray(region.values, np.float32)[:, ::-1]
    shades = number_shade(planes[0], *number_range(region)) if region.number else class_shade(planes)
    rows, columns = shades.shape[:2]
    for first, second, target in region.points:
        across, up = (
            int((value - low) / (high - low) * count)
            for value, low, high, count in zip((first, second), region.low, region.high, (columns, rows), strict=True)
        )
        shades[rows - 1 - min(up, rows - 1), min(across, columns - 1)] = _darker(point_colour(region, target))
    lines = []
    for upper, lower in zip(shades[::2], shades[1::2], strict=True):
        line = Text()
        for above, below in zip(upper, lower, strict=True):
            line.append(HALF, Style(color=_colour(above), bgcolor=_colour(below)))
        lines.append(line)
    return lines


def _letters(region: Region) -> list[Text]:
    """Every second row of cells, a letter for the class that is answered, or for how great the number is."""
    planes = np.asarray(region.values, np.float32)[:, ::-2]
    if not region.number:
        return [Text("".join(LETTERS[k] for k in row)) for row in planes.argmax(0).tolist()]
    low, high = number_range(region)
    steps = np.clip((planes[0] - low) / (high - low or 1.0) * len(STEPS), 0, len(STEPS) - 1).astype(int)
    return [Text("".join(STEPS[k] for k in row)) for row in steps.tolist()]


def _key(region: Region, coloured: bool) -> Text:
    """What colours or letters stand for."""
    key = Text()
    if region.number:
        low, high = number_range(region)
        ends = [
            (on_axis(low), STEPS[0], point_colour(region, low)),
            (on_axis(high), STEPS[-1], point_colour(region, high)),
        ]
        key.append(f"{region.classes[0]}: ")
    else:
        ends = [(name, LETTERS[k], point_colour(region, k)) for k, name in enumerate(region.classes)]
    for name, letter, colour in ends:
        if coloured:
            key.append("\u2588 ", Style(color=Color.from_rgb(*colour)))
            key.append(f"{name}   ")
        else:
            key.append(f"'{letter}' {name}   ")
    (left, bottom), (right, top) = region.low, region.high
    first, second = region.inputs
    key.append(f"{first} {on_axis(left)} to {on_axis(right)}, {second} upwards {on_axis(bottom)} to {on_axis(top)}")
    return key


def _colour(shade: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Color:
    red, green, blue = (round(float(part)) for part in shade)
    return Color.from_rgb(red, green, blue)


def _darker(colour: Colour) -> list[float]:
    return [0.72 * part + 0.28 * ink for part, ink in zip(colour, INK, strict=True)]
