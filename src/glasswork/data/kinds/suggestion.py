"""A preset for some data, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """A preset for some data.

    Attributes:
        preset: its name.
        why: what the data is, in words that follow "it holds".
        other: what else may be tried, and why, in words that follow "or try"; empty: nothing.
    """

    preset: str
    why: str
    other: str = ""
