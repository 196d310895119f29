"""Nearest neighbours as pictures: rows of them for a report, a page, a sheet."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console

from glasswork.show import charts, escape, number
from glasswork.show.charts import section
from glasswork.show.terminal import print_table

SAME, OTHER, PAPER, INK, QUIET = (43, 123, 186), (209, 89, 59), (255, 255, 255), (34, 34, 34), (110, 110, 110)
CELL, GAP, BAR = 64, 6, 4
COLOURS = ("#2b7bba", "#d1593b", "#3c9150", "#8c5aaa", "#be961e", "#5a5a5a", "#cd5f96", "#3ca5aa")
MAP_WIDTH, MAP_HEIGHT, DOT = 700, 520, 4
LEGEND, LETTERS = 240, 28
SHEET_CELL, SHEET_COLUMNS, LINE = 128, 5, 18
FOOTER = "Drawn by Glasswork; the pictures were read and not changed."


@dataclass(frozen=True)
class Neighbour:
    """A picture of the gallery.

    Attributes:
        name: where it came from.
        label: its class; empty where it has none.
        distance: from the query.
        png: the picture.
        same: whether it is of the query's class; None where nobody knows.
    """

    name: str
    label: str
    distance: float
    png: bytes
    same: bool | None = None


@dataclass(frozen=True)
class NearestPage:
    """What the page says.

    Attributes:
        run: whose network was asked.
        query: the picture's name.
        png: the picture.
        among: what was looked among, in words.
        measure: what the distance is, in words.
        neighbours: nearest first.
        left_out: why pictures were left out of the search, a sentence each.
    """

    run: str
    query: str
    png: bytes
    among: str
    measure: str
    neighbours: Sequence[Neighbour]
    left_out: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types, without the pictures."""
        neighbours = [{"name": one.name, "class": one.label, "distance": one.distance} for one in self.neighbours]
        described = {"run": self.run, "input": self.query, "among": self.among, "measure": self.measure}
        return {**described, "neighbours": neighbours}


def strip_png(query: bytes, others: Sequence[tuple[bytes, bool]]) -> bytes:
    """A query on the left, then its neighbours: a blue bar below those of its class, an orange one below the rest."""
    width = CELL + 3 * GAP + len(others) * (CELL + GAP)
    sheet = Image.new("RGB", (width, CELL + BAR + 3), PAPER)
    sheet.paste(_fitted(query, CELL), (0, 0))
    draw = ImageDraw.Draw(sheet)
    for place, (png, same) in enumerate(others):
        left = CELL + 3 * GAP + place * (CELL + GAP)
        sheet.paste(_fitted(png, CELL), (left, 0))
        draw.rectangle((left, CELL + 2, left + CELL - 1, CELL + 1 + BAR), fill=SAME if same else OTHER)
    return _png(sheet)


def map_png(points: Sequence[tuple[float, float]], classes: Sequence[int], names: Sequence[str]) -> bytes:
    """Dots on a plane, each in the colour of its class, with the names beside them.

    Args:
        points: where each lies.
        classes: of each, the place of its name.
        names: of the classes; at most eight have a colour of their own.
    """
    sheet = Image.new("RGB", (MAP_WIDTH + LEGEND, MAP_HEIGHT), PAPER)
    draw = ImageDraw.Draw(sheet)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    scale = min(
        (MAP_WIDTH - 4 * DOT) / ((max(xs) - min(xs)) or 1.0), (MAP_HEIGHT - 4 * DOT) / ((max(ys) - min(ys)) or 1.0)
    )
    for (x, y), kind in zip(points, classes, strict=True):
        across, down = 2 * DOT + (x - min(xs)) * scale, MAP_HEIGHT - 2 * DOT - (y - min(ys)) * scale
        draw.ellipse((across - DOT, down - DOT, across + DOT, down + DOT), fill=COLOURS[kind % len(COLOURS)])
    font = ImageFont.load_default(LETTERS)
    for place, name in enumerate(names):
        top = 12 + 44 * place
        draw.ellipse((MAP_WIDTH + 14, top + 8, MAP_WIDTH + 32, top + 26), fill=COLOURS[place % len(COLOURS)])
        draw.text((MAP_WIDTH + 44, top), _shortened(name, 13), fill=INK, font=font)
    return _png(sheet)


def print_nearest(console: Console, found: NearestPage) -> None:
    """A line for each neighbour."""
    rows = [(one.name, one.label, number(one.distance)) for one in found.neighbours]
    print_table(console, ("nearest", "class", "distance"), rows)


def nearest_page(found: NearestPage) -> str:
    """One HTML page that needs no script, no other file and no network."""
    count = len(found.neighbours)
    title = f"What is nearest to {found.query}"
    query = f'<div class="gallery wordy"><figure>{charts.picture(found.png, found.query)}</figure></div>'
    body = (
        f'<header><h1>{escape(title)}</h1><p class="verdict">{escape(number(count))} nearest of {escape(found.among)}, '
        f"by {escape(found.measure)} in the network of {escape(found.run)}.</p></header>"
    )
    items = [
        f'<figure title="{escape(one.name)}">{charts.picture(one.png, one.name)}<figcaption>'
        f"<span><b>{escape(one.label)}</b></span><span>{escape(one.name)}</span>"
        f'<span class="quiet">distance {escape(number(one.distance))}</span></figcaption></figure>'
        for one in found.neighbours
    ]
    body += section("The picture asked about", "As it was given.", query)
    body += section(
        "Its neighbours",
        "The nearest first. A distance of 0 is the same embedding.",
        f'<div class="gallery wordy">{"".join(items)}</div>' if items else "",
    )
    return charts.document(title, body, footer=FOOTER)


def nearest_png(found: NearestPage) -> bytes:
    """The same as one picture: the query, then its neighbours with class and distance below each."""
    cells = [(found.png, "asked about", "")]
    cells += [(one.png, one.label or one.name, number(one.distance)) for one in found.neighbours]
    columns = min(SHEET_COLUMNS, len(cells))
    height = SHEET_CELL + 2 * LINE + 2 * GAP
    sheet = Image.new("RGB", (columns * (SHEET_CELL + 2 * GAP), -(-len(cells) // columns) * height + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for place, (png, label, distance) in enumerate(cells):
        left, top = GAP + place % columns * (SHEET_CELL + 2 * GAP), GAP + place // columns * height
        sheet.paste(_fitted(png, SHEET_CELL), (left, top))
        draw.text((left, top + SHEET_CELL + 2), _shortened(label, 18), fill=INK, font=font)
        draw.text((left, top + SHEET_CELL + 2 + LINE), distance, fill=QUIET, font=font)
    return _png(sheet)


def _fitted(png: bytes, side: int) -> Image.Image:
    """The picture in a square; small ones are enlarged with hard edges."""
    if not png:
        return Image.new("RGB", (side, side), PAPER)
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    square = Image.new("RGB", (side, side), PAPER)
    square.paste(image.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}\u2026"


def _png(image: Image.Image) -> bytes:
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True)
    return held.getvalue()
