"""Pictures laid out on one sheet, for slides and documents."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from glasswork.data.png import encode_png
from glasswork.show.lettering import letters, shorten
from glasswork.show.palette import GREY, INK, WHITE

CELL, COLUMNS, LINE, GAP = 128, 5, 18, 6


def neighbours_png(cells: Sequence[tuple[bytes, str, str]]) -> bytes:
    """Pictures in rows, each over two lines of words: PNG, what it is, and how far away."""
    columns = min(COLUMNS, len(cells))
    height = CELL + 2 * LINE + 2 * GAP
    sheet = Image.new("RGB", (columns * (CELL + 2 * GAP), -(-len(cells) // columns) * height + GAP), WHITE)
    draw, font = ImageDraw.Draw(sheet), letters(14)
    for place, (png, words, distance) in enumerate(cells):
        left, top = GAP + place % columns * (CELL + 2 * GAP), GAP + place // columns * height
        sheet.paste(_fitted(png, CELL), (left, top))
        draw.text((left, top + CELL + 2), shorten(words, 18), fill=INK, font=font)
        draw.text((left, top + CELL + 2 + LINE), distance, fill=GREY, font=font)
    return encode_png(sheet, small=True)


def _fitted(png: bytes, side: int) -> Image.Image:
    """The picture in a square; small ones are enlarged with hard edges."""
    if not png:
        return Image.new("RGB", (side, side), WHITE)
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    square = Image.new("RGB", (side, side), WHITE)
    square.paste(image.resize(size, how), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
