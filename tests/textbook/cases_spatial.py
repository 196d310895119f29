"""How operations are tried."""

from textbook.case import Case

CASES: dict[str, Case] = {}
