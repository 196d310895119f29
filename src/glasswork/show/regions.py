"""Regions of the plane as pictures: what a network answers where, its units one by one, how it came about.

The lettering is of a grey that reads on light paper as on dark, and the pictures have no paper of their own.
"""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from glasswork.data.pictures import encode_png
from glasswork.glassbox.regions import TERMINAL_CELLS, Grid, LayerUnits, Region
from glasswork.report.blocks import Curves
from glasswork.report.words import NARROW_SPACE
from glasswork.show.palette import GREY, HUES, INK, PALE, WHITE, Colour
from glasswork.show.png import OVERSAMPLED, draw_curves, letters, on_axis, shorten

Array = npt.NDArray[np.floating[Any]]
SHEET_TILE, BETWEEN, HEAD, TAIL, ACROSS, CHART = 520, 40, 60, 60, 4, 380
SIDE = 600  # of a region's field; pictures are made for screens of twice the usual resolution
DOT = 7.0
LINE, LEAST_LINE = 2.6, 1.6
SURE = 0.66  # a region never takes its hue in full, so that points of that class stand out on it
TILE = 190
TILES = 4
SHADES = 24
FRAME_SIDE, FRAME_STRIP = 360, 40
PALETTE = 96
FRAME_MILLISECONDS, LAST_MILLISECONDS = 220, 2600


def region_png(region: Region) -> bytes:
    """A region with its points, axes and the names of its classes, as PNG."""
    left, bottom = 96, 96
    sheet = Pillow.new("RGBA", (left + SIDE + 24, 24 + SIDE + bottom), (0, 0, 0, 0))
    sheet.paste(region_field(region, SIDE), (left, 24))
    draw = ImageDraw.Draw(sheet)
    ground = 24 + SIDE
    for words, place, anchor in (
        (on_axis(region.low[0]), (left, ground + 8), "la"),
        (region.inputs[0], (left + SIDE / 2, ground + 8), "ma"),
        (on_axis(region.high[0]), (left + SIDE, ground + 8), "ra"),
        (on_axis(region.low[1]), (left - 10, ground), "rd"),
        (shorten(region.inputs[1], 8), (left - 10, 24 + SIDE / 2), "rm"),
        (on_axis(region.high[1]), (left - 10, 24), "ra"),
    ):
        draw.text(place, words, GREY, letters(), anchor)
    _key(sheet, region, left, ground + 64)
    return encode_png(sheet)


def region_field(region: Region, side: int, dots: Pillow.Image | None = None) -> Pillow.Image:
    """The region and its points alone, `side` pixels wide and high, without axes."""
    planes = [_enlarge(grid, side) for grid in region.values]
    colours = _number_colours(region, planes[0]) if region.number else _class_colours(planes)
    for margin in _margins(region, planes):
        colours = _mix(colours, INK, 0.8 * _near_zero(margin, max(LINE * side / SIDE, LEAST_LINE)))
    field = Pillow.fromarray(np.rint(colours).astype(np.uint8), "RGB")
    dots = dots or dots_of(region, side)
    field.paste(dots, (0, 0), dots)
    return field


def regions_png(regions: Sequence[tuple[Region, str, str]], above: Curves | None = None) -> bytes:
    """Regions side by side, each between a title and its words, on white, for slides."""
    across = max(1, min(ACROSS, len(regions)))
    width = BETWEEN + max(2 if above else 1, across) * (SHEET_TILE + BETWEEN)
    top = BETWEEN + CHART + 110 if above else 0
    rows = -(-len(regions) // across)
    sheet = Pillow.new("RGB", (width, top + rows * (HEAD + SHEET_TILE + TAIL) + BETWEEN // 2), WHITE)
    if above is not None:
        draw_curves(sheet, above, (130, BETWEEN, width - BETWEEN, BETWEEN + CHART))
    draw = ImageDraw.Draw(sheet)
    for place, (region, title, words) in enumerate(regions):
        x = BETWEEN + place % across * (SHEET_TILE + BETWEEN)
        y = top + place // across * (HEAD + SHEET_TILE + TAIL)
        draw.text((x + SHEET_TILE / 2, y + HEAD / 2 + 4), title, INK, letters(30), "mm")
        sheet.paste(region_field(region, SHEET_TILE), (x, y + HEAD))
        words = words.replace(NARROW_SPACE, " ")  # which the font lacks
        draw.text((x + SHEET_TILE / 2, y + HEAD + SHEET_TILE + TAIL / 2 - 4), words, INK, letters(24), "mm")
    return encode_png(sheet)


def units_png(layers: Sequence[LayerUnits]) -> bytes:
    """The regions of all units, layer under layer, as PNG: blue above 0, orange below."""
    drawn = [_layer(layer) for layer in layers]
    heading, gap = 40, 28
    width = max(one.width for one in drawn)
    height = sum(one.height + heading for one in drawn) + gap * (len(drawn) - 1)
    sheet = Pillow.new("RGBA", (width, height), (0, 0, 0, 0))
    draw, y = ImageDraw.Draw(sheet), 0
    for layer, one in zip(layers, drawn, strict=True):
        draw.text((0, y), layer_words(layer), GREY, letters())
        sheet.paste(one, (0, y + heading), one)
        y += heading + one.height + gap
    return encode_png(sheet)


def layer_png(layer: LayerUnits) -> bytes:
    """The regions of one layer's units, as PNG."""
    return encode_png(_layer(layer))


def layer_words(layer: LayerUnits) -> str:
    """What a picture of a layer's units shows, in words."""
    units = f"{layer.count:,} unit{'s' if layer.count > 1 else ''}"
    shown = f", the first {len(layer.units)} of them" if layer.count > len(layer.units) else ""
    return f"hidden layer {layer.layer}: {units}{shown}"


def animation(frames: Sequence[tuple[Region, str]]) -> bytes:
    """Regions under the same points one after the other, each under its words, as GIF in a loop."""
    pictures, dots = [], dots_of(frames[0][0], FRAME_SIDE)
    for region, words in frames:
        sheet = Pillow.new("RGB", (FRAME_SIDE, FRAME_STRIP + FRAME_SIDE), PALE)
        sheet.paste(region_field(region, FRAME_SIDE, dots), (0, FRAME_STRIP))
        ImageDraw.Draw(sheet).text((10, FRAME_STRIP / 2), words, INK, letters(), "lm")
        pictures.append(sheet)
    palette = _palette([pictures[0], pictures[len(pictures) // 2], pictures[-1]])
    plain = [one.quantize(palette=palette, dither=Pillow.Dither.NONE) for one in pictures]
    durations = [FRAME_MILLISECONDS] * (len(plain) - 1) + [LAST_MILLISECONDS]
    held = io.BytesIO()
    plain[0].save(held, "GIF", save_all=True, append_images=plain[1:], duration=durations, loop=0, optimize=True)
    return held.getvalue()


def _palette(pictures: Sequence[Pillow.Image]) -> Pillow.Image:
    """One palette for all frames, so that a colour stays itself; the dots' hues, though small, are among them."""
    width, height = pictures[0].size
    sheet = Pillow.new("RGB", (width, height * len(pictures) + FRAME_STRIP))
    for place, one in enumerate(pictures):
        sheet.paste(one, (0, height * place))
    draw, each = ImageDraw.Draw(sheet), width // len(HUES)
    for place, hue in enumerate(HUES):
        draw.rectangle((place * each, height * len(pictures), (place + 1) * each, sheet.height), hue)
    return sheet.quantize(PALETTE, Pillow.Quantize.MEDIANCUT)


def class_shade(shares: Array) -> Array:
    """Probabilities (classes, ...) as colours (..., 3): the hue of the greatest, paler the less sure."""
    best, least = shares.argmax(0), 1 / len(shares)
    sure = np.clip((shares.max(0) - least) / (1 - least), 0, 1)
    hues = np.array([HUES[k] for k in range(len(shares))], np.float32)
    return _mix(np.broadcast_to(np.array(PALE, np.float32), (*best.shape, 3)), hues[best], SURE * sure)


def number_shade(values: Array, low: float, high: float) -> Array:
    """Numbers as colours (..., 3): orange below the middle of `low` and `high`, blue above it."""
    middle, reach = (low + high) / 2, (high - low) / 2 or 1.0
    signed = np.clip((values - middle) / reach, -1, 1)
    hues = np.where((signed > 0)[..., None], np.array(HUES[1], np.float32), np.array(HUES[0], np.float32))
    return _mix(np.broadcast_to(np.array(PALE, np.float32), hues.shape), hues, SURE * np.abs(signed))


def number_range(region: Region) -> tuple[float, float]:
    """The numbers of full colour in a region of one number: the least and the greatest target."""
    targets = [target for _, _, target in region.points]
    return min(targets), max(targets)


def point_colour(region: Region, target: float) -> Colour:
    """The colour of a training example."""
    if not region.number:
        return HUES[int(target)]
    low, high = number_range(region)
    if region.line is not None:
        return HUES[int(target > region.line)]
    red, green, blue = np.rint(number_shade(np.array([target]), low, high)[0]).astype(int).tolist()
    return red, green, blue


def _class_colours(planes: Sequence[Array]) -> Array:
    return class_shade(_in_steps(np.stack(planes)))


def _number_colours(region: Region, plane: Array) -> Array:
    low, high = number_range(region)
    span = high - low or 1.0
    return number_shade(low + span * _in_steps((plane - low) / span), low, high)


def _in_steps(shares: Array) -> Array:
    """Shares in steps too fine to be seen, of which a picture file becomes a third as large."""
    steps: Array = np.rint(np.clip(np.nan_to_num(shares), 0, 1) * 2 * SHADES) / (2 * SHADES)
    return steps


def _margins(region: Region, planes: Sequence[Array]) -> list[Array]:
    """Functions of the plane that are 0 on the lines to be drawn: where a class begins to lead over all others."""
    if region.number:
        return [] if region.line is None else [planes[0] - region.line]
    if len(planes) < 2:
        return []
    if len(planes) == 2:
        return [planes[1] - planes[0]]
    stack = np.stack(planes)
    return [stack[k] - np.delete(stack, k, 0).max(0) for k in range(len(planes))]


def _near_zero(margin: Array, width: float) -> Array:
    """1 on the zero line of a function of the plane and near it, 0 elsewhere, soft at the edges."""
    down, across = np.gradient(margin)
    distance = np.abs(margin) / np.maximum(np.hypot(down, across), 1e-12)
    # Where a function is flat its slope says nothing: only a true change of sign within reach counts.
    above = margin > 0
    changes = np.zeros_like(above)
    changes[1:] |= above[1:] != above[:-1]
    changes[:, 1:] |= above[:, 1:] != above[:, :-1]
    near = Pillow.fromarray(changes).convert("L").filter(ImageFilter.BoxBlur(round(width)))
    return np.where(np.asarray(near) > 0, np.clip(width / 2 + 0.5 - distance, 0, 1), 0)


def _mix(below: Array, above: Array | Colour, share: Array) -> Array:
    mixed: Array = below + (np.asarray(above, np.float32) - below) * share[..., None]
    return mixed


def _enlarge(grid: Grid, side: int) -> Array:
    """Values at the middles of cells as values at the middles of pixels, the highest row at the top."""
    cells = np.nan_to_num(np.asarray(grid, np.float32))[::-1]
    wide = np.pad(cells, 1, "reflect", reflect_type="odd") if len(cells) > 1 else np.pad(cells, 1, "edge")
    whole = (1, 1, len(cells) + 1, len(cells) + 1)  # without what was put around it, that lines reach the edge straight
    picture = Pillow.fromarray(wide, "F").resize((side, side), Pillow.Resampling.BICUBIC, whole)
    return np.asarray(picture, np.float32)


def dots_of(region: Region, side: int) -> Pillow.Image:
    """The training examples as dots with a white rim, on nothing."""
    spans = [high - low for low, high in zip(region.low, region.high, strict=True)]
    scale = OVERSAMPLED * min(1.6, max(0.6, (300 / max(1, len(region.points))) ** 0.25)) * max(0.5, side / SIDE)
    large = Pillow.new("RGBA", (side * OVERSAMPLED, side * OVERSAMPLED), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    for first, second, target in region.points:
        x = (first - region.low[0]) / spans[0] * side * OVERSAMPLED
        y = (1 - (second - region.low[1]) / spans[1]) * side * OVERSAMPLED
        for radius, fill in ((DOT * scale, WHITE), ((DOT - 2) * scale, point_colour(region, target))):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*fill, 255))
    return large.resize((side, side), Pillow.Resampling.BOX)


def _key(sheet: Pillow.Image, region: Region, x: float, y: float) -> None:
    """What the colours stand for, in a line."""
    draw = ImageDraw.Draw(sheet)
    if region.number:
        low, high = number_range(region)
        words = [(on_axis(low), point_colour(region, low)), (on_axis(high), point_colour(region, high))]
        draw.text((x, y), region.classes[0], GREY, letters(), "lm")
        x += draw.textlength(region.classes[0], letters()) + 24
    else:
        words = [(name, HUES[k]) for k, name in enumerate(region.classes)]
    for name, colour in words:
        name = shorten(name, 16)
        if x + 40 + draw.textlength(name, letters()) > sheet.width:
            draw.text((x, y), "...", GREY, letters(), "lm")
            return
        draw.ellipse((x, y - 9, x + 18, y + 9), fill=colour)
        draw.text((x + 28, y), name, GREY, letters(), "lm")
        x += 28 + draw.textlength(name, letters()) + 30


def _layer(layer: LayerUnits) -> Pillow.Image:
    gap = 10
    columns = min(TILES, len(layer.units))
    rows = -(-len(layer.units) // TILES)
    sheet = Pillow.new("RGBA", (columns * (TILE + gap) - gap, rows * (TILE + gap) - gap), (0, 0, 0, 0))
    for place, grid in enumerate(layer.units):
        values = 2 * _in_steps((_enlarge(grid, TILE) / layer.limit + 1) / 2) - 1
        tile = Pillow.fromarray(np.rint(number_shade(values, -1, 1)).astype(np.uint8), "RGB")
        sheet.paste(tile, (place % TILES * (TILE + gap), place // TILES * (TILE + gap)))
    return sheet


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
        drawn = [_cells(region) if console.is_terminal else _in_letters(region) for region, _ in some]
        for line in [titles, *map(_join, zip(*drawn, strict=True))]:
            console.print(line, no_wrap=True, overflow="crop")
    console.print(_terminal_key(regions[0][0], console.is_terminal))


def _coarse(region: Region, side: int) -> Region:
    """The region with at most `side` cells along each side: of more, some at even distances."""
    count = len(region.values[0])
    if count <= side:
        return region
    places = [(2 * place + 1) * count // (2 * side) for place in range(side)]
    values = tuple(tuple(tuple(grid[row][column] for column in places) for row in places) for grid in region.values)
    return replace(region, values=values)


def _join(lines: tuple[Text, ...]) -> Text:
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


def _in_letters(region: Region) -> list[Text]:
    """Every second row of cells, a letter for the class that is answered, or for how great the number is."""
    planes = np.asarray(region.values, np.float32)[:, ::-2]
    if not region.number:
        return [Text("".join(LETTERS[k] for k in row)) for row in planes.argmax(0).tolist()]
    low, high = number_range(region)
    steps = np.clip((planes[0] - low) / (high - low or 1.0) * len(STEPS), 0, len(STEPS) - 1).astype(int)
    return [Text("".join(STEPS[k] for k in row)) for row in steps.tolist()]


def _terminal_key(region: Region, coloured: bool) -> Text:
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
