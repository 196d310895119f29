"""Reports as HTML: one page that needs no script, no other file and no network."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from markupsafe import Markup

from glasswork.report.blocks import (
    Bars,
    Beside,
    Block,
    Calibration,
    Cell,
    Commands,
    Curves,
    Facts,
    HeatMap,
    Intervals,
    Matrix,
    Pictures,
    Scatter,
    ShadedText,
    Table,
    Text,
)
from glasswork.report.report import Report, Score, Section
from glasswork.report.sections import MOST_CLASSES_IN_A_MATRIX
from glasswork.report.words import number, percent
from glasswork.show.charts import DRAWINGS
from glasswork.show.markup import document, macro, render

MOST_CONFUSED_PAIRS = 20
MOST_OPEN_ROWS = 24
SHORT_CELL = 24
"""Letters of a cell up to which it is never broken into lines."""
FEW_COLUMNS = 6
LEAST_SHARE = 0.05
"""Below it a piece of text stands on the page's own ground."""
WORDY = 10
"""Letters under a small picture from which on it needs more room."""


def to_html(report: Report) -> str:
    """The report as a page."""
    opening = Markup("").join(_draw_all(report.opening))
    sections = Markup("").join(map(draw_section, report.sections))
    headline = report.headline.headline() if isinstance(report.headline, Score) else report.headline
    body = render("report.html", report=report, headline=headline, opening=opening, sections=sections)
    return document(report.title, body, footer=report.footer)


def draw_section(section: Section) -> Markup:
    """A section, to stand in any page; nothing if none of its blocks has anything to show."""
    return section_of(section.title, section.reading, *_draw_all(section.blocks))


def section_of(title: str, reading: str, *parts: str) -> Markup:
    """The same out of parts that are drawn already; nothing if none of them shows anything."""
    drawn = [Markup(part) for part in parts if part]
    return render("section.html", title=title, reading=reading, drawn=drawn) if drawn else Markup("")


def note(words: str) -> Markup:
    """A sentence; nothing without words."""
    return Markup('<p class="note">{}</p>').format(words) if words else Markup("")


def draw(block: Block) -> Markup:
    """A block, to stand in any page that has the pages' style sheet; nothing if it has nothing to show."""
    if type(block) in DRAWINGS:
        narrow = isinstance(block, Calibration) or (isinstance(block, Scatter) and not block.bare)
        return figure(block.caption, DRAWINGS[type(block)](block), "single" if narrow else "")  # type: ignore[union-attr]
    return HTML[type(block)](block)


def figure(caption: str, drawing: str, style: str = "") -> Markup:
    """A drawing, HTML or SVG, under its caption; nothing if there is no drawing."""
    return _macro("figure", caption, Markup(drawing), style)


def _is_small(block: Block) -> bool:
    return isinstance(block, Intervals) or (isinstance(block, Curves) and not block.wide)


def _draw_all(blocks: Sequence[Block]) -> Iterator[Markup]:
    """The blocks from above; charts that follow each other stand side by side if there is room."""
    for beside, some in groupby(blocks, _is_small):
        drawn = [one for one in map(draw, some) if one]
        if beside and drawn:
            yield Markup('<div class="figures">{}</div>').format(Markup("").join(drawn))
        else:
            yield from drawn


def _macro(name: str, *values: object) -> Markup:
    return macro("blocks.html", name, *values)


class _Cell(NamedTuple):
    """What a cell of a table or a matrix shows."""

    words: str
    short: bool = False
    style: str = ""
    share: str = ""
    title: str = ""


def _cells(rows: Iterable[Sequence[Cell]], look: str) -> list[list[_Cell]]:
    found = []
    for row in rows:
        words = ["–" if cell is None else number(cell) for cell in row]
        found.append([_Cell(one, len(one) <= SHORT_CELL and look != "recipe") for one in words])
    return found


def _table(block: Table) -> Markup:
    if not block.rows:
        return Markup("")
    style = f"{block.look} many" if len(block.head) > FEW_COLUMNS else block.look
    drawn = _macro("table", block, style, _cells(block.rows, block.look))
    return _caption(block.caption, _fold(drawn, block.folded, len(block.rows), block.noun))


def _caption(caption: str, drawn: Markup) -> Markup:
    return figure(caption, drawn) if caption else drawn


def _fold(drawn: Markup, words: str, rows: int, noun: str) -> Markup:
    """A long drawing behind a line to open it; a short one as it is."""
    return _macro("fold", words or (f"All {rows} {noun}" if rows > MOST_OPEN_ROWS else ""), drawn)


def _bars(block: Bars) -> Markup:
    if not block.rows:
        return Markup("")
    return _caption(block.caption, _fold(_macro("bars", list(_widths(block))), "", len(block.rows), block.noun))


def _widths(block: Bars) -> Iterator[tuple[str, str, str]]:
    """Name, width in percent and value in words of each bar."""
    sizes = [value for _, value in block.rows if math.isfinite(value) and value > 0]
    longest = 1.0 if block.in_percent else max(sizes, default=1.0)
    low, high = 0.0, 1.0
    if block.logarithmic and sizes:
        low, high = math.floor(math.log10(min(sizes))) - 1, math.ceil(math.log10(longest) + 1e-9)
    for name, value in block.rows:
        width = 0.0
        if math.isfinite(value) and value > 0:
            width = (math.log10(value) - low) / (high - low) if block.logarithmic else value / longest
        yield name, f"{100 * width:.1f}", percent(value) if block.in_percent else number(value)


def _matrix(block: Matrix) -> Markup:
    """Counts of answers (columns) by truth (rows); of many classes the pairs most often confused instead."""
    classes, counts = block.classes, block.counts
    if len(classes) > MOST_CLASSES_IN_A_MATRIX:
        return _table(Table(("Truth", "Answered as", "How often"), _confused_pairs(block), block.caption, look="words"))
    most_right = max((row[index] for index, row in enumerate(counts)), default=0) or 1
    most_wrong = max((n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j), default=0) or 1
    rows = []
    for i, row in enumerate(counts):
        cells = []
        for j, count in enumerate(row):
            style, most = ("right", most_right) if i == j else ("wrong", most_wrong)
            title = f"{number(count)} of class {classes[i]} answered as {classes[j]}"
            # The square root keeps a single mistake visible beside fifty.
            share = f"{math.sqrt(count / most):.2f}"
            cells.append(
                _Cell(number(count), False, style, share, title) if count else _Cell("·", False, "none", "", title)
            )
        rows.append((classes[i], cells))
    size = "short" if all(len(name) <= 3 for name in classes) else "long"
    return figure(block.caption, _macro("matrix", classes, rows, f"{size} many" if len(classes) > 12 else size))


def _heat_map(block: HeatMap) -> Markup:
    rows = []
    for name, shares in zip(block.rows, block.shares, strict=True):
        cells = [
            _Cell("", False, "share", f"{share:.2f}", f"{name}: {percent(share)} {column}")
            for column, share in zip(block.columns, shares, strict=True)
        ]
        rows.append((name, cells))
    if not rows or not block.columns:
        return Markup("")
    return figure(block.caption, _macro("matrix", block.columns, rows, "long many", *block.corner))


def _confused_pairs(block: Matrix) -> list[tuple[str, str, str]]:
    counts = block.counts
    pairs = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return [
        (block.classes[i], block.classes[j], f"{number(n)} of {number(sum(counts[i]))}")
        for n, i, j in pairs[:MOST_CONFUSED_PAIRS]
    ]


def _pictures(block: Pictures) -> Markup:
    if not block.pictures:
        return Markup("")
    words = [
        remark.strong or remark.words for one in block.pictures for remark in one.remarks if remark.tone != "quiet"
    ]
    wordy = block.look == "gallery" and (
        any(not one.data for one in block.pictures) or any(len(one) > WORDY for one in words)
    )
    return _caption(block.caption, _macro("pictures", block, wordy))


def _shaded_text(block: ShadedText) -> Markup:
    pieces = []
    for piece, share in block.pieces:
        word = piece.rstrip()
        style = "" if abs(share) < LEAST_SHARE else "up" if share > 0 else "down"
        pieces.append((word, piece[len(word) :], style, f"{abs(share):.2f}"))
    return _macro("shaded_text", pieces) if pieces else Markup("")


def _beside(block: Beside) -> Markup:
    return _macro("beside", draw(block.picture), draw(block.bars))


def _rows_of(name: str) -> Callable[[Facts | Commands], Markup]:
    return lambda block: _macro(name, block) if block.rows else Markup("")


HTML: dict[type[Any], Callable[[Any], Markup]] = {
    Bars: _bars,
    Table: _table,
    Facts: _rows_of("facts"),
    Commands: _rows_of("commands"),
    Matrix: _matrix,
    HeatMap: _heat_map,
    Pictures: _pictures,
    Text: lambda block: _macro("text", block) if block.words else Markup(""),
    ShadedText: _shaded_text,
    Beside: _beside,
}
