"""Heat maps over large images: the overlay as a picture, and the values as a file."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from glasswork.data.pictures import encode_png
from glasswork.glassbox.heat_map import HeatMap
from glasswork.show.palette import GREY, INK, WHITE
from glasswork.show.png import letters, shorten

STOPS = ((0.0, (255, 224, 110)), (0.5, (240, 120, 30)), (1.0, (150, 10, 60)))
MOST_OPAQUE, PALE = 0.6, 0.75
LEGEND, GAP, BAR = 66, 16, 14
MOST_MARKED = 5
LEAST_SIDE, LEAST_LEGEND = 700, 560


def overlay_png(found: HeatMap) -> bytes:
    """The picture in pale grey with the map in colour over it, and what the colours mean."""
    drawn = _overlay(found)
    sheet = Image.new("RGB", (max(drawn.width, LEAST_LEGEND), drawn.height + LEGEND), WHITE)
    sheet.paste(drawn, (0, 0))
    _legend(sheet, drawn.height, found)
    return encode_png(sheet, small=True)


def _overlay(found: HeatMap) -> Image.Image:
    height, width = found.picture.shape[:2]
    scale = width / found.width
    enlarged = max(1, -(-LEAST_SIDE // max(width, height)))
    ground = np.asarray(Image.fromarray(found.picture).convert("L"), dtype=np.float32)
    paper = np.repeat((255 - PALE * (255 - ground))[..., None], 3, axis=2)
    values = _place(found, width, height)
    known = ~np.isnan(values)
    shares = np.where(known, values, 0)
    colours = np.stack([np.interp(shares, [at for at, _ in STOPS], [c[i] for _, c in STOPS]) for i in range(3)], 2)
    opacity = (MOST_OPAQUE * np.clip(shares * 1.6 - 0.2, 0, 1))[..., None]
    mixed = paper * (1 - opacity) + colours * opacity
    image = Image.fromarray(np.rint(mixed).astype(np.uint8))
    image = image.resize((width * enlarged, height * enlarged), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    ratio = scale * enlarged / found.downsample
    for find in found.finds[:MOST_MARKED]:
        x, y = find.x * ratio, find.y * ratio
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), outline=WHITE, width=4)
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=INK, width=2)
    return image


def _place(found: HeatMap, width: int, height: int) -> npt.NDArray[np.float32]:
    """The map in the small picture's pixels: each takes the value of the patch whose middle is nearest; NaN outside."""
    rows, columns = found.values.shape
    middle = found.patch / 2
    y = ((np.arange(height) + 0.5) * found.height / height - middle) / found.stride
    x = ((np.arange(width) + 0.5) * found.width / width - middle) / found.stride
    placed = found.values[np.clip(np.rint(y), 0, rows - 1).astype(int)][
        :, np.clip(np.rint(x), 0, columns - 1).astype(int)
    ]
    room = middle / found.stride
    outside = ((y < -room) | (y > rows - 1 + room))[:, None] | ((x < -room) | (x > columns - 1 + room))[None]
    result: npt.NDArray[np.float32] = np.where(outside, np.nan, placed).astype(np.float32)
    return result


def _legend(sheet: Image.Image, top: int, found: HeatMap) -> None:
    draw, font, small = ImageDraw.Draw(sheet), letters(15), letters(13)
    width = 200
    for x in range(width):
        share = x / (width - 1)
        colour = tuple(
            round(float(np.interp(share, [at for at, _ in STOPS], [c[i] for _, c in STOPS]))) for i in range(3)
        )
        opacity = MOST_OPAQUE * min(1.0, max(0.0, share * 1.6 - 0.2))
        blend = tuple(round(245 * (1 - opacity) + part * opacity) for part in colour)
        draw.line((GAP + x, top + GAP, GAP + x, top + GAP + BAR), fill=blend)
    draw.rectangle((GAP - 1, top + GAP - 1, GAP + width, top + GAP + BAR + 1), outline=GREY)
    for share in (0.0, 0.5, 1.0):
        draw.text((GAP + share * width, top + GAP + BAR + 6), f"{share:g}", fill=GREY, font=small, anchor="mt")
    words = f"probability of '{found.target}'"
    draw.text((GAP * 2 + width, top + GAP - 2), shorten(words, 40), fill=INK, font=font)
    if found.finds:
        y = top + GAP + BAR + 14
        draw.ellipse((GAP * 2 + width, y - 5, GAP * 2 + width + 10, y + 5), outline=INK, width=2)
        shown = min(len(found.finds), MOST_MARKED)
        counted = "highest peak" if shown == 1 else f"the {shown} highest peaks"
        draw.text((GAP * 3 + width, y), counted, fill=GREY, font=small, anchor="lm")


def values_npy(found: HeatMap) -> bytes:
    """The map's values as a NumPy file: float32 (rows, columns), NaN for background."""
    held = io.BytesIO()
    np.save(held, found.values, allow_pickle=False)
    return held.getvalue()
