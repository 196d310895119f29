"""Heat maps over large images, drawn: the overlay as a picture, the page, the lines for a terminal."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from glasswork.glassbox.heatmap.heat_map import HeatMap, HeatMaps
from glasswork.objectives.froc import FALSE_POSITIVES
from glasswork.show import charts, escape, percent
from glasswork.show.charts import facts, section

PAPER, INK, QUIET = (255, 255, 255), (34, 34, 34), (110, 110, 110)
STOPS = ((0.0, (255, 224, 110)), (0.5, (240, 120, 30)), (1.0, (150, 10, 60)))
MOST_OPAQUE, PALE = 0.6, 0.75
LEGEND, GAP, BAR = 66, 16, 14
MOST_MARKED = 5
LEAST_SIDE, LEAST_LEGEND = 700, 560
FOOTER = "Drawn by Glasswork; the picture was read and not changed."
WARNING = (
    "The map shows what the network was trained to tell apart, no more: a network trained on stained against unstained "
    "tissue finds stain, not cancer. It is no diagnosis."
)


def overlay_png(found: HeatMap) -> bytes:
    """The picture in pale grey with the map in colour over it, and what the colours mean."""
    drawn = _overlay(found)
    sheet = Image.new("RGB", (max(drawn.width, LEAST_LEGEND), drawn.height + LEGEND), PAPER)
    sheet.paste(drawn, (0, 0))
    _legend(sheet, drawn.height, found)
    return _png(sheet)


def _overlay(found: HeatMap) -> Image.Image:
    height, width = found.picture.shape[:2]
    scale = width / found.width
    enlarged = max(1, -(-LEAST_SIDE // max(width, height)))
    ground = np.asarray(Image.fromarray(found.picture).convert("L"), dtype=np.float32)
    paper = np.repeat((255 - PALE * (255 - ground))[..., None], 3, axis=2)
    values = _placed(found, width, height)
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
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), outline=PAPER, width=4)
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), outline=INK, width=2)
    return image


def _placed(found: HeatMap, width: int, height: int) -> npt.NDArray[np.float32]:
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
    draw, font, small = ImageDraw.Draw(sheet), ImageFont.load_default(15), ImageFont.load_default(13)
    width = 200
    for x in range(width):
        share = x / (width - 1)
        colour = tuple(
            round(float(np.interp(share, [at for at, _ in STOPS], [c[i] for _, c in STOPS]))) for i in range(3)
        )
        opacity = MOST_OPAQUE * min(1.0, max(0.0, share * 1.6 - 0.2))
        blend = tuple(round(245 * (1 - opacity) + part * opacity) for part in colour)
        draw.line((GAP + x, top + GAP, GAP + x, top + GAP + BAR), fill=blend)
    draw.rectangle((GAP - 1, top + GAP - 1, GAP + width, top + GAP + BAR + 1), outline=QUIET)
    for share in (0.0, 0.5, 1.0):
        draw.text((GAP + share * width, top + GAP + BAR + 6), f"{share:g}", fill=QUIET, font=small, anchor="mt")
    words = f"probability of '{found.target}'"
    draw.text((GAP * 2 + width, top + GAP - 2), _shortened(words, 40), fill=INK, font=font)
    if found.finds:
        y = top + GAP + BAR + 14
        draw.ellipse((GAP * 2 + width, y - 5, GAP * 2 + width + 10, y + 5), outline=INK, width=2)
        shown = min(len(found.finds), MOST_MARKED)
        counted = "highest peak" if shown == 1 else f"the {shown} highest peaks"
        draw.text((GAP * 3 + width, y), counted, fill=QUIET, font=small, anchor="lm")


def values_npy(found: HeatMap) -> bytes:
    """The map's values as a NumPy file: float32 (rows, columns), NaN for background."""
    held = io.BytesIO()
    np.save(held, found.values, allow_pickle=False)
    return held.getvalue()


def heat_map_text(found: HeatMap) -> str:
    """What was found on one picture, in lines."""
    rows, columns = found.values.shape
    lines = [
        f"{found.image}: {found.width:,} x {found.height:,} pixels"
        + (f" at level {found.level}" if found.level else ""),
        f"map: {columns:,} x {rows:,} places, one every {found.stride} pixels, patches of {found.patch} pixels",
        f"each place: {_way(found)}",
        f"left out as background: {percent(found.background)} of the places; {found.skipped:,} of {found.tiles:,} "
        "tiles were not computed",
        f"the picture's score for '{found.target}' (greatest after smoothing): {found.score:.4f}",
        f"peaks of at least 0.5: {len(found.finds):,}",
    ]
    lines += [f"  at {find.x:,}, {find.y:,}: {find.probability:.3f}" for find in found.finds[:5]]
    if found.lesions is not None:
        area = "-" if found.area_under_roc is None else f"{found.area_under_roc:.4f}"
        lines.append(f"against the annotation: area under the ROC curve over the places {area}")
        lines.append(f"annotated regions: {found.lesions}, found: {_hits(found)}{_unjoined(found)}")
    return "\n".join([*lines, WARNING])


def _way(found: HeatMap) -> str:
    if found.exact:
        return "what the network says about the patch there, exactly"
    return (
        "the network's features of the whole picture, pooled over the patch; patches cut out would have padding at "
        "their borders"
    )


def _hits(found: HeatMap) -> int:
    return 0 if found.matched is None else sum(score > 0 for score in found.matched.hits)


def _unjoined(found: HeatMap) -> str:
    if found.micrometres:
        return ""
    return " (the size of a pixel is not known: regions near each other are not joined, small ones count)"


def heat_maps_text(found: HeatMaps) -> str:
    """What was found on several pictures, in lines."""
    lines = [f"{Path(one.image).name}: score {one.score:.4f}, annotated regions {one.lesions}" for one in found.maps]
    for name, value in (
        ("area under the ROC curve over all places", found.area_under_roc),
        ("area under the ROC curve over the pictures", found.picture_area_under_roc),
    ):
        lines.append(f"{name}: {'-, all are of one kind' if value is None else f'{value:.4f}'}")
    if found.froc is None:
        return "\n".join([*lines, "FROC: no annotated region counts", WARNING])
    curve = zip(FALSE_POSITIVES, found.froc.sensitivity, strict=True)
    lines.append(f"FROC over {found.froc.lesions} annotated regions in {found.froc.pictures} pictures:")
    lines += [f"  at {at:g} false positives a picture: {percent(share)} found" for at, share in curve]
    lines.append(f"  mean: {found.froc.mean:.4f}")
    if any(one.micrometres is None for one in found.maps):
        lines.append("  where the size of a pixel is not known, regions are not joined and small ones count")
    return "\n".join([*lines, WARNING])


def heat_map_page(found: HeatMap) -> str:
    """One HTML page that needs no script, no other file and no network."""
    name = Path(found.image).name
    title = f"Where {name} looks like '{found.target}'"
    rows, columns = found.values.shape
    body = (
        f'<header><h1>{escape(title)}</h1><p class="verdict">Score of the picture {found.score:.3f}, by the network of '
        f"{escape(found.run)}.</p></header>"
    )
    picture = charts.figure("The picture, and the map over it", charts.picture(overlay_png(found), title))
    body += section("The map", escape(WARNING), picture)
    cells: list[tuple[str, object]] = [
        ("picture", f"{found.width:,} x {found.height:,} pixels, level {found.level}"),
        ("map", f"{columns:,} x {rows:,} places, one every {found.stride} pixels"),
        ("patch", f"{found.patch} x {found.patch} pixels"),
        ("each place", _way(found)),
        ("left out as background", percent(found.background)),
        ("tiles", f"{found.tiles:,}, of which {found.skipped:,} were background and not computed"),
        ("peaks of at least 0.5", len(found.finds)),
    ]
    if found.lesions is not None:
        if found.area_under_roc is not None:
            cells.append(("area under the ROC curve", found.area_under_roc))
        cells.append(("annotated regions", f"{found.lesions}, found: {_hits(found)}{_unjoined(found)}"))
    body += section("How it was made", "Background is bright without colour, or black.", facts(cells))
    small = _png(Image.fromarray(found.picture))
    body += section("The picture alone", "As it was read.", charts.figure(name, charts.picture(small, name)))
    return charts.document(title, body, footer=FOOTER)


def _shortened(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}\u2026"


def _png(image: Image.Image) -> bytes:
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True)
    return held.getvalue()
