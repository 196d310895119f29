"""Blocks on a terminal: tables, sentences, commands, bars and curves in letters."""

import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text as RichText

from glasswork.report.blocks import (
    Bars,
    Beside,
    Block,
    Calibration,
    Cell,
    Commands,
    Curves,
    Facts,
    Fan,
    HeatMap,
    Intervals,
    Matrix,
    Pictures,
    Scatter,
    ShadedText,
    Table,
    Text,
    Timeline,
)
from glasswork.report.report import Report
from glasswork.report.words import measured, number, percent
from glasswork.show.palette import AGAINST, FOR, TERMINAL, Colour, hexadecimal, mix

BAR = 24
LINES, COLUMNS = 12, 70
MARGIN = 9
LETTERS = "*o+x"
FIGURE = re.compile("|-|[-+\u2212]?[0-9][0-9,.]*(e[-+]?[0-9]+)?\\s?%?")
LEAST_SHARE = 0.02
"""Below it words stand on the terminal's own ground."""
LARGEST = 3
"""Columns of a heat map that are named for each row."""


def print_report(console: Console, report: Report) -> None:
    """What of a report a terminal shows."""
    print_blocks(console, report.summary)


def report_text(report: Report, width: int = 120) -> str:
    """The same as plain text."""
    file = io.StringIO()
    print_report(Console(file=file, width=width, color_system=None, highlight=False), report)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def print_blocks(console: Console, blocks: Sequence[Block]) -> None:
    """Blocks one below the other, sentences closely, others apart."""
    before: type[Block] | None = None
    for block in blocks:
        if before is not None and not (before is type(block) is Text):
            console.print()
        TERMINAL_BLOCKS[type(block)](console, block)
        before = type(block)


def print_table(console: Console, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A plain table; numbers to the right."""
    table = RichTable(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for place, name in enumerate(header):
        cells = [row[place] for row in rows]
        numeric = bool(rows) and all(isinstance(cell, (int, float)) or cell in {"", "-"} for cell in cells)
        numeric = numeric or (place > 0 and bool(rows) and all(FIGURE.fullmatch(str(cell)) for cell in cells))
        table.add_column(escape(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(f"{value:.4g}" if isinstance(value, float) else str(value)) for value in row))
    console.print(table)


def shade(colour: Colour, share: float) -> Style:
    """White letters on a colour, mixed with dark paper by its share."""
    if share < LEAST_SHARE:
        return Style()
    return Style(color="#ffffff", bgcolor=hexadecimal(mix(TERMINAL, colour, share)))


def plot(block: Curves) -> str:
    """Curves in letters, one letter for each line."""
    points = [
        (x, y, LETTERS[place % len(LETTERS)])
        for place, one in enumerate(block.lines)
        if one.joined
        for x, y in one.points
        if math.isfinite(y) and (block.reach is None or block.reach[0] <= y <= block.reach[1])
    ]
    if not points:
        return ""
    across: Callable[[float], float] = math.log10 if block.logarithmic_across else float
    left, right = across(min(x for x, _, _ in points)), across(max(x for x, _, _ in points))
    low, high = block.reach or (min(y for _, y, _ in points), max(y for _, y, _ in points))
    cells = [[" "] * COLUMNS for _ in range(LINES)]

    def column(x: float) -> int:
        return round((x - left) / (right - left or 1) * (COLUMNS - 1))

    for x, y, letter in points:
        up = (y - low) / (high - low or 1)
        cells[round((1 - up) * (LINES - 1))][column(across(x))] = letter
    ruler, marks = [" "] * (COLUMNS + 6), [" "] * COLUMNS
    ticks = list(zip((left, right), apart(left, right, number), strict=True))
    if block.logarithmic_across:
        ticks = [(float(decade), f"1e{decade}") for decade in range(math.ceil(left), math.floor(right) + 1)]
    for value, words in ticks:
        ruler[column(value) : column(value) + len(words)] = words
        marks[column(value)] = "|"
    bottom, top = apart(low, high, lambda value: f"{value:.3g}")
    labels, width = {0: top, LINES - 1: bottom}, max(8, len(top), len(bottom))
    lines = [f"{labels.get(place, ''):>{width}} {''.join(row).rstrip()}" for place, row in enumerate(cells)]
    return "\n".join([*lines, f"{'':>{width}} {''.join(marks).rstrip()}", f"{'':>{width}} {''.join(ruler).rstrip()}"])


def apart(low: float, high: float, write: Callable[[float], str]) -> tuple[str, str]:
    """Two numbers in words that differ if the numbers do: as usual, else with the digits that it takes."""
    words = write(low), write(high)
    if words[0] != words[1] or low == high:
        return words
    return measured(low, high - low), measured(high, high - low)


def _print_table(console: Console, block: Table) -> None:
    rows: list[list[Cell]] = [["-" if cell is None else cell for cell in row] for row in block.rows]
    print_table(console, block.head, rows)


def _print_facts(console: Console, block: Facts) -> None:
    for label, value in block.rows:
        console.print(escape(f"{label}: {number(value)}"), soft_wrap=True)


def _print_commands(console: Console, block: Commands) -> None:
    console.print("next:")
    width = max(len(command) for command, _ in block.rows)
    for command, words in block.rows:
        line = f"  {escape(command.ljust(width))}  [dim]{escape(words)}[/dim]" if words else f"  {escape(command)}"
        console.print(line, soft_wrap=True)


def _print_bars(console: Console, block: Bars) -> None:
    longest = 1.0 if block.in_percent else max((value for _, value in block.rows if math.isfinite(value)), default=1.0)
    for name, value in block.rows:
        filled = round(BAR * max(0.0, value) / (longest or 1.0)) if math.isfinite(value) else 0
        bar = "\u2588" * filled + "\u2591" * (BAR - filled)
        figure = f"{100 * value:5.1f} %" if block.in_percent else number(value)
        console.print(escape(f"  {bar} {figure}  {name}"), soft_wrap=True)


def _print_text(console: Console, block: Text) -> None:
    console.print(escape(block.words), soft_wrap=True)


def _print_shaded(console: Console, block: ShadedText) -> None:
    text = RichText()
    for piece, share in block.pieces:
        word = piece.rstrip()
        text.append(word, shade(FOR if share > 0 else AGAINST, abs(share))).append(piece[len(word) :])
    console.print(text)


def _print_matrix(console: Console, block: Matrix) -> None:
    head = [block.caption, *block.classes]
    print_table(console, head, [[name, *row] for name, row in zip(block.classes, block.counts, strict=True)])


def _print_heat_map(console: Console, block: HeatMap) -> None:
    """Of each row the columns with the largest shares."""
    rows = []
    for name, shares in zip(block.rows, block.shares, strict=True):
        ranked = sorted(zip(block.columns, shares, strict=True), key=lambda pair: -pair[1])[:LARGEST]
        rows.append((name, ", ".join(f"{column} {percent(share)}" for column, share in ranked if share >= LEAST_SHARE)))
    if rows:
        print_table(console, block.corner, rows)


def _print_calibration(console: Console, block: Calibration) -> None:
    rows = [(percent(one.confidence), percent(one.accuracy), number(one.count)) for one in block.bins if one.count]
    print_table(console, ("sure", "right", "answers"), rows)


def _print_intervals(console: Console, block: Intervals) -> None:
    rows = [(row.name, percent(row.mean), f"{percent(row.low)} to {percent(row.high)}") for row in block.rows]
    print_table(console, ("", block.across, "95 % interval"), rows)


def _print_name(console: Console, block: Scatter | Fan | Timeline | Pictures) -> None:
    """What no terminal can draw."""
    names = [] if not isinstance(block, Pictures) else [one.name for one in block.pictures]
    console.print(escape("; ".join([one for one in (block.caption, *names) if one])), soft_wrap=True)


def _print_beside(console: Console, block: Beside) -> None:
    _print_name(console, block.picture)
    _print_bars(console, block.bars)


TERMINAL_BLOCKS: dict[type[Any], Callable[[Console, Any], None]] = {
    Table: _print_table,
    Facts: _print_facts,
    Commands: _print_commands,
    Bars: _print_bars,
    Text: _print_text,
    ShadedText: _print_shaded,
    Matrix: _print_matrix,
    HeatMap: _print_heat_map,
    Calibration: _print_calibration,
    Intervals: _print_intervals,
    Scatter: _print_name,
    Fan: _print_name,
    Timeline: _print_name,
    Pictures: _print_name,
    Beside: _print_beside,
    Curves: lambda console, block: console.print(escape(plot(block)), soft_wrap=True),
}
