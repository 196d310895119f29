"""Charts as strings: inline SVG and HTML tables, coloured by the page's CSS variables.

Every chart is drawn about 360 units wide, so that its lettering keeps one size on a phone (one chart to a row) and on
a desk (two to a row). Names come in as the user wrote them and are escaped here.
"""

import base64
import hashlib
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from glasswork.show import NARROW_SPACE, compact, escape, number, percent
from glasswork.show.drawing import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Point,
    line,
    linear_axis,
    svg,
    text,
    value_range,
)

MOST_CLASSES_IN_A_TABLE = 20
MOST_CONFUSED_PAIRS = 20
MOST_MARKED_POINTS = 60
MOST_OPEN_ROWS = 24
MOST_SCATTERED_POINTS = 1500
# Pictures up to this many pixels wide are enlarged, so that a digit's pixels stay pixels.
TINY_PICTURE = 96
# Below this ratio of largest to smallest value a linear axis shows the smallest still well above the ground line.
LOGARITHMIC_FROM_RATIO = 30.0


@dataclass(frozen=True)
class Series:
    """One line of a chart; `style` is a CSS class of the page: first, second or faint."""

    name: str
    points: Sequence[Point]
    style: str = "first"


def _vertical_axis(values: Sequence[float], as_percent: bool, logarithmic_from: float) -> Axis:
    low, high = value_range(values)
    start, end = HEIGHT - BOTTOM, TOP
    if not as_percent and min(values) > 0 and max(values) / min(values) >= logarithmic_from:
        # Whole decades, so that at least two ticks carry a label.
        return Axis(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)), start, end, True)
    axis = linear_axis(values, start, end)
    return replace(axis, high=min(axis.high, 1.0)) if as_percent and max(values) <= 1 else axis


def _grid(
    across: Axis, up: Axis, x_label: str, as_percent: bool, whole: bool = False, across_percent: bool = False
) -> list[str]:
    """Ground line, faint horizontal rules, and the labels of both axes."""
    parts = []
    for tick in up.ticks(5 if up.logarithmic else 4):
        y = up.at(tick)
        words = f"{100 * tick:g}{NARROW_SPACE}%" if as_percent else number(float(f"{tick:.6g}"))
        parts += [line(across.start, y, across.end, y, "rule"), text(across.start - 6, y + 3.5, words, "end")]
    parts.append(line(across.start, up.start, across.end, up.start, "ground"))
    for tick in across.ticks(6, whole):
        words = compact(tick) if abs(tick) >= 10_000 else number(float(f"{tick:.6g}"))
        words = f"{100 * tick:.0f}{NARROW_SPACE}%" if across_percent else words
        parts.append(text(across.at(tick), up.start + 14, words))
    parts.append(text(across.end, up.start + 29, x_label, "end", "label"))
    return parts


def _curve(series: Series, across: Axis, up: Axis, x_label: str) -> list[str]:
    """The line, broken where a value is not finite; a cross on the ground says where that was."""
    pieces: list[list[Point]] = [[]]
    crosses = []
    for x, y in series.points:
        if math.isfinite(y):
            pieces[-1].append((across.at(x), up.at(y)))
            continue
        pieces.append([])
        crosses.append(
            f'<path class="cross" d="M{across.at(x) - 3:.1f} {up.start - 3:.1f}l6 6m0 -6l-6 6">'
            f"<title>{escape(series.name)}, {escape(x_label)} {number(x)}: {number(y)}</title></path>"
        )
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in pieces if len(piece) > 1)
    parts = [f'<path class="line {series.style}" d="{path}"/>'] if path else []
    few = len(series.points) <= MOST_MARKED_POINTS
    for x, y in series.points:
        if few and math.isfinite(y):
            words = f"{escape(series.name)}, {escape(x_label)} {number(x)}: {number(y)}"
            parts.append(
                f'<circle class="dot {series.style}" cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="2.2">'
                f"<title>{words}</title></circle>"
            )
    return parts + crosses


def line_chart(
    series: Sequence[Series],
    label: str,
    x_label: str = "epoch",
    marked: float | None = None,
    as_percent: bool = False,
    logarithmic_from: float = LOGARITHMIC_FROM_RATIO,
) -> str:
    """Lines over a common horizontal axis of whole numbers.

    Args:
        series: the lines; values that are not finite break a line and leave a cross.
        label: what the chart shows, for readers who hear it.
        x_label: what is counted from left to right.
        marked: where on the horizontal axis the best was reached.
        as_percent: the values are shares of one.
        logarithmic_from: ratio of the largest to the smallest value, all of them above 0, from which the vertical axis
            is logarithmic; 1: always.

    Returns:
        An `<svg>`; the empty string when nothing was recorded.
    """
    columns = [x for one in series for x, _ in one.points]
    if not columns:
        return ""
    finite = [y for one in series for _, y in one.points if math.isfinite(y)]
    across = Axis(*value_range(columns), LEFT, WIDTH - RIGHT)
    up = _vertical_axis(finite or [0.0, 1.0], as_percent, logarithmic_from)
    parts = _grid(across, up, x_label, as_percent, whole=True)
    if marked is not None and across.low <= marked <= across.high:
        x = across.at(marked)
        anchor, aside = ("end", -5) if x > WIDTH / 2 else ("start", 5)
        beside = [up.at(y) for one in series for at, y in one.points if at == marked and math.isfinite(y)]
        # Where the curve passes high, the words stand low.
        y = up.start - 7 if beside and min(beside) < (TOP + up.start) / 2 else TOP + 11
        parts += [line(x, TOP, x, up.start, "mark"), text(x + aside, y, f"best {x_label}: {number(marked)}", anchor)]
    for one in series:
        parts += _curve(one, across, up, x_label)
    x = float(LEFT)
    for one in series if len(series) > 1 else ():
        parts += [line(x, 9, x + 16, 9, f"line {one.style}"), text(x + 21, 12.5, one.name, "start", "name")]
        x += 40 + 6.2 * len(one.name)
    return svg(label, parts)


def reliability_diagram(bins: Sequence[tuple[float, float, int, float, float]]) -> str:
    """How often answers were right (bars) against how sure the network was (diagonal).

    Args:
        bins: low and high end, count, mean confidence and accuracy of each bin; empty bins are left out.
    """
    filled = [one for one in bins if one[2] > 0]
    if not filled:
        return ""
    size = 290.0
    across, up = Axis(0, 1, LEFT, WIDTH - RIGHT), Axis(0, 1, size - BOTTOM, TOP)
    parts = _grid(across, up, "how sure it was", as_percent=True, across_percent=True)
    for low, high, count, confidence, accuracy in filled:
        x, width, top = across.at(low) + 1, across.at(high) - across.at(low) - 2, up.at(accuracy)
        words = f"{number(count)} answers, sure to {percent(confidence)}, right in {percent(accuracy)}"
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{top:.1f}" width="{max(width, 1):.1f}" height="{up.start - top:.1f}">'
            f"<title>{words}</title></rect>"
        )
    parts.append(line(across.at(0), up.at(0), across.at(1), up.at(1), "diagonal"))
    for low, high, count, confidence, accuracy in filled:
        parts.append(f'<circle class="dot second" cx="{across.at(confidence):.1f}" cy="{up.at(accuracy):.1f}" r="3"/>')
        y = min(up.at(accuracy), up.at(confidence)) - 6
        parts.append(text(across.at((low + high) / 2), max(y, 12), compact(count), style="count"))
    return svg("reliability diagram", parts, height=size)


def scatter(pairs: Sequence[Point]) -> str:
    """Predicted against true values; a perfect prediction lies on the diagonal. Not finite pairs are left out."""
    finite = [pair for pair in pairs if math.isfinite(pair[0]) and math.isfinite(pair[1])]
    if not finite:
        return ""
    every = math.ceil(len(finite) / MOST_SCATTERED_POINTS)
    low, high = value_range([value for pair in finite for value in pair])
    size = 340.0
    across, up = Axis(low, high, LEFT, WIDTH - RIGHT), Axis(low, high, size - BOTTOM, TOP)
    parts = _grid(across, up, "true value", as_percent=False)
    parts += [text(LEFT, 12, "predicted", "start", "label"), line(LEFT, up.start, across.end, up.end, "diagonal")]
    for true, predicted in finite[::every]:
        parts.append(
            f'<circle class="cloud" cx="{across.at(true):.1f}" cy="{up.at(predicted):.1f}" r="2.4">'
            f"<title>true {number(true)}, predicted {number(predicted)}</title></circle>"
        )
    return svg("predicted against true values", parts, height=size)


FOOTER = "Drawn by Glasswork from the numbers in this run’s folder; the page computed none of them."


def document(title: str, body: str, *, footer: str = FOOTER, style: str = "", script: str = "", kind: str = "") -> str:
    """A whole HTML page around `body`, with the style sheet inside it.

    Args:
        title: of the page.
        body: HTML.
        footer: one sentence under it, as text.
        style: more rules of CSS, after those of every page.
        script: the one script that may run; nothing else can.
        kind: class of the page's content, for its own style.
    """
    sheet = files("glasswork.show").joinpath("page.css").read_text(encoding="utf-8") + style
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    running = f"; script-src 'sha256-{digest}'" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Whatever a class name smuggled in, the browser loads nothing and runs nothing else.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'{running}\">"
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{sheet}</style></head><body>"
        + (f'<main class="{kind}">' if kind else "<main>")
        + f"{body}"
        f"<footer>{escape(footer)}</footer></main>"
        + (f"<script>{script}</script>" if script else "")
        + "</body></html>\n"
    )


def section(title: str, reading: str, *parts: str) -> str:
    """A section with its sentence on how to read it; nothing at all when it has nothing to show."""
    body = "".join(parts)
    margin = f'<div class="margin"><h2>{title}</h2><p>{reading}</p></div>'
    return f'<section>{margin}<div class="body">{body}</div></section>' if body else ""


def figure(caption: str, drawing: str, style: str = "") -> str:
    """A drawing under its caption; nothing when there is no drawing."""
    heading = f"<figcaption>{escape(caption)}</figcaption>"
    return f'<figure class="{style}">{heading}{drawing}</figure>' if drawing else ""


def folded(what: str, drawing: str, rows: int) -> str:
    """A long drawing behind a line to open it; a short one as it is."""
    return f"<details><summary>All {rows} {what}</summary>{drawing}</details>" if rows > MOST_OPEN_ROWS else drawing


def facts(rows: Sequence[tuple[str, object]]) -> str:
    """Labels and values, one pair to a line."""
    lines = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(number(value))}</dd></div>" for label, value in rows)
    return f'<dl class="facts">{lines}</dl>' if lines else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], style: str = "") -> str:
    """An HTML table of cells that are HTML already; each cell carries its column's name, for narrow pages."""
    lines = []
    for row in rows:
        cells = (f'<td data-column="{name}">{cell}</td>' for name, cell in zip(head, row, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    names = "".join(f'<th scope="col">{name}</th>' for name in head)
    whole = f"<thead><tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="wide"><table class="{style}">{whole}</table></div>' if lines else ""


def bars(rows: Sequence[tuple[str, float]], as_percent: bool = False) -> str:
    """Horizontal bars, one to a row, longest filling the width; a value that is not finite gets no bar."""
    longest = 1.0 if as_percent else max((value for _, value in rows if math.isfinite(value)), default=0.0) or 1.0
    lines = []
    for name, value in rows:
        width = 100 * max(0.0, value) / longest if math.isfinite(value) else 0.0
        words = percent(value) if as_percent else number(value)
        lines.append(
            f'<li title="{escape(name)}"><span class="name">{escape(name)}</span>'
            f'<span class="track"><span class="fill" style="width:{width:.1f}%"></span></span>'
            f'<span class="value">{escape(words)}</span></li>'
        )
    return f'<ul class="bars">{"".join(lines)}</ul>' if lines else ""


def confusion_table(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    """Counts of answers (columns) by truth (rows); above 20 classes the pairs most often confused instead."""
    if len(classes) > MOST_CLASSES_IN_A_TABLE:
        return _confused_pairs(classes, matrix)
    most_right = max((row[index] for index, row in enumerate(matrix)), default=0) or 1
    most_wrong = max((n for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j), default=0) or 1
    short = all(len(name) <= 3 for name in classes)
    names = [f'<span title="{escape(name)}">{escape(name)}</span>' for name in classes]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = []
    for i, row in enumerate(matrix):
        cells = []
        for j, count in enumerate(row):
            kind, most = ("right", most_right) if i == j else ("wrong", most_wrong)
            # The square root keeps a single mistake visible beside fifty.
            style = f' class="{kind}" style="--share:{math.sqrt(count / most):.2f}"' if count else ' class="none"'
            title = f"{number(count)} of class {escape(classes[i])} answered as {escape(classes[j])}"
            cells.append(f'<td{style} title="{title}">{number(count) if count else "·"}</td>')
        lines.append(f'<tr><th scope="row">{names[i]}</th>{"".join(cells)}</tr>')
    corner = '<th class="corner"><span>truth ↓<br/>answer →</span></th>'
    size = f"{'short' if short else 'long'} {'many' if len(classes) > 12 else ''}"
    return (
        f'<div class="wide"><table class="confusion {size}"><thead><tr>{corner}{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _confused_pairs(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    pairs = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    rows = [
        (escape(classes[i]), escape(classes[j]), f"{number(n)} of {number(sum(matrix[i]))}")
        for n, i, j in pairs[:MOST_CONFUSED_PAIRS]
    ]
    return table(("Truth", "Answered as", "How often"), rows, "pairs")


def picture(png: bytes, name: str) -> str:
    """PNG or GIF bytes as an `<img>` that needs no file; small ones are enlarged with hard edges."""
    kind = "gif" if png[:3] == b"GIF" else "png"
    # Width and height stand at fixed places in every GIF, and in the first chunk of every PNG.
    order, at, least = ("<HH", 6, 10) if kind == "gif" else (">II", 16, 24)
    width, height = struct.unpack(order, png[at:least]) if len(png) >= least else (0, 0)
    style = "tiny" if max(width, height) <= TINY_PICTURE else "photo"
    source = base64.b64encode(png).decode("ascii")
    return f'<img class="{style}" src="data:image/{kind};base64,{source}" alt="{escape(name)}">'


def _sureness(probability: float) -> str:
    """A probability for narrow places: nobody tells 99.998 % from 99.9."""
    return f"over {percent(0.999)}" if probability > 0.9995 else percent(probability)


def gallery(rows: Sequence[tuple[bytes, str, str, str, float]]) -> str:
    """Wrong answers as pictures: PNG (empty: only the name is shown), name, truth, answer, probability."""
    wordy = any(not png or len(truth) > 10 or len(answer) > 10 for png, _, truth, answer, _ in rows)
    items = []
    for png, name, truth, answer, probability in rows:
        shown = picture(png, name) if png else f'<p class="sample">{escape(name)}</p>'
        items.append(
            f'<figure title="{escape(name)}">{shown}<figcaption><span>is <b>{escape(truth)}</b></span>'
            f'<span>said <b class="wrong">{escape(answer)}</b></span>'
            f'<span class="quiet">{_sureness(probability)} sure</span></figcaption></figure>'
        )
    return f'<div class="gallery {"wordy" if wordy else ""}">{"".join(items)}</div>' if items else ""
