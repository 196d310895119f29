"""A field of a recipe at several values, as a row of pictures: on a page, as PNG, on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image as Pillow
from PIL import ImageDraw
from rich.console import Console

from glasswork.errors import GlassworkError
from glasswork.glassbox.regions import Region
from glasswork.show import NARROW_SPACE, charts, escape, percent
from glasswork.show.plots_png import Line, Panel, draw_key, draw_lines
from glasswork.show.progress import main_metric
from glasswork.show.regions import HUES, INK, letters, png, region_field
from glasswork.show.regions_terminal import print_regions
from glasswork.show.sections import Chart, Part, Photograph, drawn_parts
from glasswork.show.terminal import print_table

Found = Mapping[str, Any]
"""`experiments.vary.Varied.to_json()`, which these functions draw."""

FOOTER = "Drawn by Glasswork."
STYLE = (
    ".figures { grid-template-columns: repeat(auto-fit, minmax(min(100%, 230px), 1fr)); }"
    " .metrics td:first-child { white-space: nowrap; }"
)
PAPER = (255, 255, 255)
TILE, BETWEEN, HEAD, TAIL = 520, 40, 60, 60
ACROSS = 4
CURVE, HEADROOM, FIRST = 380, 1.25, 3


def variation_page(found: Found) -> str:
    """The page of a varied field."""
    title = f"{found['preset']} on {found['data']}: the effect of {_name(found)}"
    pictures = [
        Photograph(png(region_field(region, TILE)), f"{words}: {_figures(one)}")
        for region, words, one in zip(_regions(found), _titles(found), found["variants"], strict=True)
        if region is not None
    ]
    head = ("", *_columns(found))
    parts = [
        *([_curve_part(found)] if found["curve"] else []),
        Part("What it answers where", _reading(found), pictures=pictures),
        Part("In figures", "Of the networks that are drawn.", head=head, rows=_rows(found)),
    ]
    verdict = f'<p class="verdict">{escape(sentence(found))}</p>' if found["curve"] else ""
    body = f"<header><h1>{escape(title)}</h1>{verdict}</header>{drawn_parts(parts)}"
    return charts.document(title, body, footer=FOOTER, style=STYLE)


def variation_png(found: Found) -> bytes:
    """The row of pictures alone, above it the errors of one long run; on white, for slides.

    Raises:
        GlassworkError: where there is nothing to draw.
    """
    require_picture(found)
    regions, titles = _regions(found), _titles(found)
    drawn = [(region, *rest) for region, *rest in zip(regions, titles, found["variants"], strict=True) if region]
    across = max(1, min(ACROSS, len(drawn)))
    width = BETWEEN + max(2 if found["curve"] else 1, across) * (TILE + BETWEEN)
    above = BETWEEN + CURVE + 110 if found["curve"] else 0
    rows = -(-len(drawn) // across)
    sheet = Pillow.new("RGB", (width, above + rows * (HEAD + TILE + TAIL) + BETWEEN // 2), PAPER)
    if found["curve"]:
        _draw_curve(sheet, found)
    draw = ImageDraw.Draw(sheet)
    for place, (region, title, one) in enumerate(drawn):
        x, y = BETWEEN + place % across * (TILE + BETWEEN), above + place // across * (HEAD + TILE + TAIL)
        draw.text((x + TILE / 2, y + HEAD / 2 + 4), title, INK, letters(30), "mm")
        sheet.paste(region_field(region, TILE), (x, y + HEAD))
        words = _figures(one).replace(NARROW_SPACE, " ")  # which the font lacks
        draw.text((x + TILE / 2, y + HEAD + TILE + TAIL / 2 - 4), words, INK, letters(24), "mm")
    return png(sheet)


def require_picture(found: Found) -> None:
    """Refuses a picture of what has none.

    Raises:
        GlassworkError: where the examples lie on no plane.
    """
    if not found["curve"] and not any(one["region"] for one in found["variants"]):
        raise GlassworkError(
            "There is no picture to draw, as these examples lie on no plane: write a page, --out row.html"
        )


def print_variation(console: Console, found: Found) -> None:
    """The pictures, as far as there are any, and the figures as a table."""
    regions = [(region, words) for region, words in zip(_regions(found), _titles(found), strict=True) if region]
    print_regions(console, regions)
    if regions:
        console.print()
    print_table(console, (_name(found), *_columns(found)), _rows(found))
    if found["curve"]:
        console.print(f"\n{escape(sentence(found))}", markup=False, soft_wrap=True)


def line_of(found: Found) -> str:
    """The figures of the last network, in a line."""
    return f"{_titles(found)[-1]}: {_figures(found['variants'][-1])}"


def sentence(found: Found) -> str:
    """What the errors of one long run say."""
    curve = found["curve"]
    place, end = curve["epochs"].index(curve["best"]), len(curve["epochs"]) - 1
    training, validation = curve["training"], curve["validation"]
    after = f"{end - place:,} epochs after it" if end - place != 1 else "epoch after it"
    if end == place:
        return f"The validation error was still falling after epoch {curve['best']:,}, the last: train longer."
    return (
        f"Early stopping keeps epoch {curve['best']:,}, where the validation error is lowest. The {after} bring the "
        f"training error from {training[place]:.3g} to {training[end]:.3g}, and the validation error from "
        f"{validation[place]:.3g} to {validation[end]:.3g}."
    )


def _curve_part(found: Found) -> Part:
    curve = found["curve"]
    highest = _highest(curve)
    lines = [
        (name, [point for point in zip(curve["epochs"], curve[name], strict=True) if point[1] <= highest])
        for name in ("validation", "training")
    ]
    reading = (
        "Where training goes on falling while validation rises, the network learns its examples by heart. Early "
        "stopping keeps the weights of the epoch with the lowest validation error."
    )
    return Part("Over-training", reading, charts=[Chart(curve["loss"], lines, marked=curve["best"])])


def _draw_curve(sheet: Pillow.Image, found: Found) -> None:
    """Training and validation error over the epochs, with a line where early stopping would stop."""
    curve = found["curve"]
    errors = [max(both) for both in zip(curve["training"], curve["validation"], strict=True)]
    highest = HEADROOM * max(
        errors[len(errors) * FIRST // 100 :]
    )  # the fall of the first epochs would flatten the rest
    left, top = 130, BETWEEN
    where = Panel(
        left, top, sheet.width - BETWEEN, top + CURVE, (curve["epochs"][0], 0.0), (curve["epochs"][-1], highest)
    )
    lines = [
        Line([(epoch, min(error, highest)) for epoch, error in zip(curve["epochs"], curve[name], strict=True)], hue, 4)
        for name, hue in (("training", HUES[0]), ("validation", HUES[1]))
    ]
    draw_lines(sheet, where, "epoch", lines)
    (x, low), (_, high) = where.at((curve["best"], 0)), where.at((curve["best"], highest))
    draw = ImageDraw.Draw(sheet)
    for y in range(int(high), int(low), 16):
        draw.line((x, y, x, min(y + 8, low)), INK, 2)
    aside, anchor = (-12, "ra") if x > sheet.width / 2 else (12, "la")
    draw.text((x + aside, high), f"early stopping keeps epoch {curve['best']:,}", INK, letters(), anchor)
    draw_key(sheet, where, [("training error", HUES[0]), ("validation error", HUES[1])])


def _highest(curve: Found) -> float:
    """The error at the top of the picture: beyond it is the fall of the first epochs, which would flatten the rest."""
    errors = [max(both) for both in zip(curve["training"], curve["validation"], strict=True)]
    return HEADROOM * float(max(errors[len(errors) * FIRST // 100 :]))


def _regions(found: Found) -> list[Region | None]:
    return [None if one["region"] is None else Region.from_json(one["region"]) for one in found["variants"]]


def _titles(found: Found) -> list[str]:
    return [f"{'epoch' if found['curve'] else _name(found)} {one['value']}" for one in found["variants"]]


def _name(found: Found) -> str:
    return str(found["field"]).replace("_", " ")


def _reading(found: Found) -> str:
    if found["curve"]:
        return "The same network after its best epoch and after its last. Dots are training examples."
    return f"One network for each {_name(found)}, all else being equal. Dots are training examples."


def _figures(one: Found) -> str:
    """The main figure on each split, in words."""
    words = []
    for split, metrics in one["figures"].items():
        name, value = _main(metrics)
        words.append(f"{split} {percent(value)}" if name in {"accuracy", "f1"} else f"{split} {name} {value:.3g}")
    return ", ".join(words)


def _columns(found: Found) -> list[str]:
    splits = list(found["variants"][0]["figures"])
    name = _main(found["variants"][0]["figures"][splits[0]])[0]
    return [*(f"{split} {name}" for split in splits), *([] if name == "loss" else [f"{splits[-1]} loss"]), "seconds"]


def _rows(found: Found) -> Sequence[Sequence[str | int | float | None]]:
    rows = []
    for one in found["variants"]:
        figures = list(one["figures"].values())
        main = [_main(metrics) for metrics in figures]
        loss = [] if main[0][0] == "loss" else [round(figures[-1]["loss"], 4)]
        rows.append([one["value"], *(round(value, 4) for _, value in main), *loss, one["seconds"]])
    return rows


def _main(metrics: Mapping[str, float]) -> tuple[str, float]:
    return main_metric(metrics) or ("loss", metrics["loss"])
