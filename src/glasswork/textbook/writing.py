"""How numbers are put into formulas."""

from collections.abc import Callable
from typing import Any

from glasswork.textbook.operation import Write
from glasswork.textbook.terms import shown


def alone(write: Write, value: Any) -> str:
    """A number that stands by itself between parentheses or commas: a negative one needs none of its own."""
    return write(value).removeprefix("(").removesuffix(")")


def sum_of(count: int, term: Callable[[int], str]) -> str:
    """The terms 0 to `count` - 1 with + between them, written only where they are shown: there may be millions."""
    return " + ".join(shown(count, term)) or "0"
