"""The one writer of CSV."""

import csv
import io
from collections.abc import Iterable
from typing import Any

FORMULA = "=+-@\t\r\n\uff0b\uff0d\uff1d\uff20"
"""A spreadsheet takes a cell that begins so for a formula and carries it out (OWASP, CSV injection)."""


def csv_text(rows: Iterable[Iterable[Any]], line_end: str = "\r\n") -> str:
    """Rows as CSV; a text that a spreadsheet would take for a formula, and is no number, gets an apostrophe first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or cell[:1] not in FORMULA or not cell:
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell if cell[0] in "+-" else f"'{cell}"
