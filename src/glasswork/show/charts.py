"""Blocks that are drawings, as SVG: one function for each."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

from glasswork.report.blocks import Calibration, Curves, Fan, Intervals, Line, Point, Scatter, Timeline
from glasswork.report.words import compact, number, percent
from glasswork.show.markup import escape
from glasswork.show.palette import HUES
from glasswork.show.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LEGEND_ROW,
    LETTER,
    RIGHT,
    TOP,
    WIDE,
    WIDE_HEIGHT,
    WIDTH,
    Axis,
    Key,
    axis_across,
    axis_up,
    box,
    dot,
    grid,
    legend,
    line,
    path,
    svg,
    text,
    value_range,
    whole_step,
    write_on,
)

MOST_MARKED_POINTS = 60
MOST_SCATTERED_POINTS = 1500
MARK_ROW = 11.0
SQUARE, TALL = 340.0, 520.0
ROW = 30.0
LANE = 26
TIMES = 6
BY_PLACE = ("first", "second", "faint")

T = TypeVar("T")


def curves_svg(block: Curves) -> str:
    """Lines over a common axis; the empty string if nothing was recorded."""
    columns = [x for one in block.lines for x, _ in one.points]
    if not columns:
        return ""
    width, height = (WIDE, WIDE_HEIGHT) if block.wide else (WIDTH, HEIGHT)
    keys, rows = legend(_keys(block), LEFT, width - RIGHT)
    top = TOP + rows + (MARK_ROW * (len(block.marks) - 1) if len(block.marks) > 1 else 0)
    height += top - TOP
    if block.labels:
        across = Axis(-0.5, len(block.labels) - 0.5, LEFT, width - RIGHT)
    else:
        across = axis_across(columns, LEFT, width - RIGHT, block.logarithmic_across)
    up = axis_up(
        list(_heights(block)) or [0.0, 1.0],
        height - BOTTOM,
        top,
        in_percent=block.in_percent,
        logarithmic=block.logarithmic,
        reach=block.reach,
    )
    whole = all(float(x).is_integer() for x in columns)
    labels = block.labels or None
    parts = grid(across, up, block.across, in_percent=block.in_percent, whole=whole, labels=labels)
    if block.limit is not None:
        parts.append(line(across.start, up.at(block.limit[1]), across.end, up.at(block.limit[1]), "limit"))
    parts += _marks(block, across, up)
    for place, one in enumerate(block.lines):
        parts += _line(block, one, _hue(one, place), across, up)
    if block.ringed is not None:
        words, at = block.ringed
        x, y = block.lines[-1].points[at]
        parts.append(dot(across.at(x), up.at(y), "ring", words, 7))
    return svg(block.caption, [*parts, *keys], width, height)


def _heights(block: Curves) -> Iterator[float]:
    """The values that the vertical axis has room for."""
    if block.limit is not None:
        yield block.limit[1]
    for one in block.lines:
        for place, (_, y) in enumerate(one.points):
            if math.isfinite(y):
                yield y
                if one.errors:
                    yield from (y - one.errors[place], y + one.errors[place])


def _keys(block: Curves) -> list[Key]:
    if len(block.lines) < 2:
        return []
    keys = [
        Key(f"{'line' if one.joined else 'dot'} {_hue(one, place)}", one.name, round=not one.joined)
        for place, one in enumerate(block.lines)
    ]
    keys += [Key("limit", block.limit[0])] if block.limit is not None else []
    return keys + ([Key("ring", block.ringed[0], round=True)] if block.ringed is not None else [])


def _hue(one: Line, place: int) -> str:
    """The class of a line's colour."""
    if isinstance(one.hue, int):
        return f"group-{one.hue % len(HUES)}"
    return one.hue or BY_PLACE[min(place, 2)]


def _marks(block: Curves, across: Axis, up: Axis) -> list[str]:
    """Upright lines with words: a single one beside the curves, several ones above each other over them."""
    parts: list[str] = []
    inside = [(words, at) for words, at in block.marks if across.low <= at <= across.high]
    for place, (words, at) in enumerate(inside):
        x = across.at(at)
        anchor, aside = ("end", -5) if x > (across.start + across.end) / 2 else ("start", 5)
        if len(block.marks) > 1:
            y, top = up.end - 4 - MARK_ROW * place, up.end - 10 - MARK_ROW * place
        else:
            beside = [up.at(y) for one in block.lines for x0, y in one.points if x0 == at and math.isfinite(y)]
            # If the curve passes high, the words stand low.
            y, top = up.start - 7 if beside and min(beside) < (up.end + up.start) / 2 else up.end + 11, up.end
        parts += [line(x, top, x, up.start, "mark"), text(x + aside, y, words, anchor)]
    return parts


def _line(block: Curves, one: Line, hue: str, across: Axis, up: Axis) -> list[str]:
    """The line, broken where a value is not finite; a cross on the ground says where that was."""
    pieces: list[list[Point]] = [[]]
    crosses, dots, whiskers = [], [], []
    few = len(one.points) <= MOST_MARKED_POINTS
    write: Callable[[float], str] = percent if block.in_percent else write_on(up)
    write_across = write_on(across)
    for place, (x, y) in enumerate(one.points):
        where = block.labels[int(x)] if block.labels else write_across(x)
        words = f"{one.name}, {block.across} {where}: "
        if not math.isfinite(y):
            pieces.append([])
            cross = f"M{across.at(x) - 3:.1f} {up.start - 3:.1f}l6 6m0 -6l-6 6"
            title = f"<title>{escape(words + number(y))}</title>"
            crosses.append(f'<path class="cross" d="{cross}">{title}</path>')
            continue
        if block.reach is not None and not block.reach[0] <= y <= block.reach[1]:
            continue
        left, height = across.at(x), up.at(y)
        pieces[-1].append((left, height))
        words += write(y)
        if one.errors:
            words += f" ± {write(one.errors[place])}"
            low, high = up.at(y - one.errors[place]), up.at(y + one.errors[place])
            whiskers += [line(left - 3.5, end, left + 3.5, end, "whisker") for end in (high, low)]
            whiskers.append(line(left, high, left, low, "whisker"))
        if few or not one.joined:
            size = 3.2 if one.errors else 2.2 if one.joined else 1.8
            dots.append(dot(left, height, f"dot {hue}" if one.joined else f"dot {hue} raw", words, size))
    joined = [path(piece, f"line {hue}") for piece in pieces] if one.joined else []
    return [*joined, *whiskers, *dots, *crosses]


def scatter_svg(block: Scatter) -> str:
    """Points on a plane; those that are not finite are left out."""
    groups = [[(x, y) for x, y in group if math.isfinite(x) and math.isfinite(y)] for group in block.points]
    every = math.ceil(sum(map(len, groups)) / MOST_SCATTERED_POINTS)
    points = [(x, y, place) for place, group in enumerate(groups) for x, y in group[:: max(1, every)]]
    if not points:
        return ""
    width, height = (WIDE, TALL) if block.bare else (WIDTH, SQUARE)
    keys = [Key(f"dot group-{place % len(HUES)}", name, round=True) for place, name in enumerate(block.names)]
    parts, rows = legend(keys, LEFT if not block.bare else 0.0, width)
    top = TOP + rows + (LEGEND_ROW if block.names and not block.bare else 0)
    if block.bare:
        across, up = _alike([x for x, _, _ in points], [y for _, y, _ in points], width, height, top)
    else:
        both = [value for x, y, _ in points for value in (x, y)] if block.square else None
        across = axis_across(both or [x for x, _, _ in points], LEFT, width - RIGHT)
        low, high = value_range(both or [y for _, y, _ in points])
        up = Axis(low, high, height - BOTTOM, top)
        parts += grid(across, up, block.across)
        parts.append(text(LEFT, top - 12, block.up, "start", "label"))
        parts += [line(across.start, up.start, across.end, up.end, "diagonal")] if block.square else []
    write_x, write_y = write_on(across), write_on(up)
    for x, y, group in points:
        words = f"{block.across} {write_x(x)}, {block.up} {write_y(y)}" if not block.bare else ""
        style = f"dot group-{group % len(HUES)}" if block.names else "cloud"
        parts.append(dot(across.at(x), up.at(y), style, words, 3 if block.names else 2.4))
    return svg(block.caption, parts, width, height)


def _alike(xs: Sequence[float], ys: Sequence[float], width: float, height: float, top: float) -> tuple[Axis, Axis]:
    """Two axes on which one unit is as long."""
    (left, right), (low, high) = value_range(xs), value_range(ys)
    scale = min((width - 2 * RIGHT) / (right - left), (height - top - RIGHT) / (high - low))
    across = Axis(left, right, RIGHT, RIGHT + scale * (right - left))
    return across, Axis(low, high, top + scale * (high - low), top)


def calibration_svg(block: Calibration) -> str:
    """How often answers were right (bars) against how sure the network was (diagonal)."""
    filled = [one for one in block.bins if one.count > 0]
    if not filled:
        return ""
    size = 290.0
    across, up = Axis(0, 1, LEFT, WIDTH - RIGHT), Axis(0, 1, size - BOTTOM, TOP)
    parts = grid(across, up, "how sure it was", in_percent=True, across_in_percent=True)
    for one in filled:
        x, width, top = across.at(one.low) + 1, across.at(one.high) - across.at(one.low) - 2, up.at(one.accuracy)
        words = f"{number(one.count)} answers, sure to {percent(one.confidence)}, right in {percent(one.accuracy)}"
        parts.append(box(x, top, max(width, 1), up.start - top, "bar", words))
    parts.append(line(across.at(0), up.at(0), across.at(1), up.at(1), "diagonal"))
    for one in filled:
        parts.append(dot(across.at(one.confidence), up.at(one.accuracy), "dot second", radius=3))
        y = min(up.at(one.accuracy), up.at(one.confidence)) - 6
        parts.append(text(across.at((one.low + one.high) / 2), max(y, 12), compact(one.count), style="count"))
    return svg(block.caption, parts, height=size)


def intervals_svg(block: Intervals) -> str:
    """A row per name: its values as grey dots, its mean, and a line from the low to the high end of the interval."""
    if not block.rows:
        return ""
    reference = block.reference or 0.0
    reached = [reference, *(end for row in block.rows for end in (row.low, row.high, *row.values))]
    step = whole_step(max(max(reached) - min(reached), 1e-6), 6)
    low, high = math.floor(min(reached) / step + 1e-9) * step, math.ceil(max(reached) / step - 1e-9) * step
    left, width = 16 + LETTER * max(len(row.name) for row in block.rows), 420.0
    across = Axis(low, high if high > low else low + step, left, width - RIGHT)
    top, bottom = 8.0, 8.0 + ROW * len(block.rows)
    parts = []
    for tick in across.ticks(7):
        share = float(f"{100 * tick:.6g}")
        words = f"{share:g}" if block.reference is not None or not share else f"{share:+g}"
        parts += [
            line(across.at(tick), top, across.at(tick), bottom, "rule"),
            text(across.at(tick), bottom + 14, words),
        ]
    parts.append(line(across.at(reference), top, across.at(reference), bottom, "diagonal"))
    parts.append(text(across.end, bottom + 29, f"{block.across}, %", "end", "label"))
    for place, row in enumerate(block.rows):
        y = top + ROW * (place + 0.5)
        parts.append(text(left - 10, y + 4, row.name, "end", "name"))
        parts += [dot(across.at(value), y + 8, "value", radius=2) for value in row.values]
        parts.append(line(across.at(row.low), y, across.at(row.high), y, "spread"))
        words = f"{row.name}: {100 * row.mean:.1f} ({100 * row.low:.1f} to {100 * row.high:.1f})"
        parts.append(dot(across.at(row.mean), y, "dot first", words, 4.5))
    return svg(block.across, parts, width, bottom + BOTTOM)


def fan_svg(block: Fan) -> str:
    """A series and the fans of its forecasts; the empty string if there is nothing to draw."""
    known = [(x, y) for x, y in block.known if math.isfinite(y)]
    heights = [y for _, y in known]
    for one in block.forecasts:
        heights += [*one.naive, *(value for low, high in one.bands for value in (*low, *high))]
    if not heights or not block.places:
        return ""
    across = Axis(min(block.places), max(*block.places, min(block.places) + 1), LEFT, WIDE - RIGHT)
    up = axis_up(heights, WIDE_HEIGHT - BOTTOM, TOP)
    parts = [*grid(across, up, "", labels=()), *_times(block, across, up)]
    parts += [_band(one.places, low, high, across, up) for one in block.forecasts for low, high in one.bands]
    parts += [_along(one.places, one.naive, across, up, "naive") for one in block.forecasts if one.naive]
    parts.append(path([(across.at(x), up.at(y)) for x, y in known], "known"))
    for one in block.forecasts:
        if len(one.places) == 1:
            parts.append(dot(across.at(one.places[0]), up.at(one.median[0]), "dot first", radius=3))
        parts.append(_along(one.places, one.median, across, up, "line first"))
    keys = [Key("known", "what came"), Key("line first", "forecast")]
    keys += [Key("naive", "seasonal naive")] if any(one.naive for one in block.forecasts) else []
    return svg(f"forecasts of {block.caption}", [*parts, *legend(keys, LEFT, WIDE)[0]], WIDE, WIDE_HEIGHT)


def _times(block: Fan, across: Axis, up: Axis) -> list[str]:
    """A few times below the ground line, as many as fit."""
    longest = max(len(word) for word in block.words)
    most = max(2, min(TIMES, int((across.end - across.start) / (LETTER * longest + 20))))
    last = len(block.words) - 1
    parts = []
    for place in sorted({round(last * place / (most - 1)) for place in range(most)}):
        anchor = "start" if place == 0 else "end" if place == last else "middle"
        parts.append(text(across.at(block.places[place]), up.start + 14, block.words[place], anchor))
    return parts


def _band(places: Sequence[float], low: Sequence[float], high: Sequence[float], across: Axis, up: Axis) -> str:
    if len(places) == 1:
        x = across.at(places[0])
        corners = [(x - 4, up.at(low[0])), (x + 4, up.at(low[0])), (x + 4, up.at(high[0])), (x - 4, up.at(high[0]))]
    else:
        corners = [(across.at(x), up.at(y)) for x, y in zip(places, high, strict=True)]
        corners += [(across.at(x), up.at(y)) for x, y in zip(reversed(places), reversed(low), strict=True)]
    return path(corners, "band", closed=True)


def _along(places: Sequence[float], values: Sequence[float], across: Axis, up: Axis, style: str) -> str:
    return path([(across.at(x), up.at(y)) for x, y in zip(places, values, strict=True)], style)


def timeline_svg(block: Timeline) -> str:
    """True labels as pale bars, answers as thin ones within, wrong answers in another colour."""
    if not block.truth:
        return ""
    left, top = 16 + LETTER * max(len(label) for label in block.labels), 8
    base = top + LANE * len(block.labels)
    across = Axis(0, len(block.truth), left, WIDE - RIGHT)

    def bar(start: int, end: int, lane: int, height: int, style: str, words: str) -> str:
        y = top + LANE * (lane + 0.5) - height / 2
        words = f"{words}, frames {start} to {end - 1}"
        return box(across.at(start), y, across.at(end) - across.at(start), height, style, words)

    parts = []
    for lane, name in enumerate(block.labels):
        middle = top + LANE * (lane + 0.5)
        parts += [line(left, middle, WIDE - RIGHT, middle, "rule"), text(left - 8, middle + 3.5, name, "end", "name")]
    for label, start, end in _runs(block.truth):
        parts.append(bar(start, end, label, LANE - 6, "band", f"{block.labels[label]}, true"))
    for (label, truth), start, end in _runs(list(zip(block.said, block.truth, strict=True))):
        style = "right" if label == truth else "wrong"
        parts.append(bar(start, end, label, 5, style, f"{block.labels[label]}, answered"))
    parts += [text(across.at(tick), base + 14, number(tick)) for tick in across.ticks(6)]
    key = "frame; pale: true, thin: answered, red: answered wrongly"
    parts.append(text((left + WIDE - RIGHT) / 2, base + 28, key))
    return svg(f"labels of {block.caption}", parts, WIDE, base + BOTTOM)


def _runs(values: Sequence[T]) -> Iterator[tuple[T, int, int]]:
    start = 0
    for value, group in groupby(values):
        end = start + len(list(group))
        yield value, start, end
        start = end


DRAWINGS: dict[type[Any], Callable[[Any], str]] = {
    Curves: curves_svg,
    Scatter: scatter_svg,
    Calibration: calibration_svg,
    Intervals: intervals_svg,
    Fan: fan_svg,
    Timeline: timeline_svg,
}
