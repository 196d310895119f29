"""What a text itself says at each character: places in line, quotes, brackets, indentation, comments; exact, no guess.

Every signal is the one that holds once its character has been read, as a network's state is: an opening quote is
inside already, a closing one is outside again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glasswork.record import Record

TAB = 8
QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb"}
BRACKETS = {"(": ")", "[": "]", "{": "}"}
COMMENTS = {"/*": "*/", "//": "\n"}


@dataclass(frozen=True)
class Signal(Record):
    """A number for each character of a text.

    Attributes:
        name: what it tells, such as `inside quotes`.
        values: one for each character; 0 or 1 where `yes_or_no`.
        yes_or_no: whether it is something that holds or does not hold.
    """

    name: str
    values: tuple[float, ...]
    yes_or_no: bool


def signals(text: str) -> tuple[Signal, ...]:
    """Everything that `following` searches units for.

    - `position in line`: characters since the last line end, which is how long the line is so far.
    - `indentation`: columns of white space at the line's beginning, a tab up to the next multiple of 8.
    - `inside quotes`: between a double quote, straight or typographic, and its end; a quote also ends at an empty line,
      and one after a backslash or within C's '"' does not count. Single quotes are too often apostrophes.
    - `inside brackets`, `nesting depth`: of (), [] and {}; a closing bracket without its opening one does not count.
    - `inside a comment`: C's, from /* to */ or from // to the end of the line, unless within quotes.
    """
    quoted, commented = _quotes_and_comments(text)
    depths = _depths(text)
    return (
        Signal("position in line", tuple(map(float, _positions(text))), False),
        Signal("indentation", tuple(map(float, _indentations(text))), False),
        Signal("nesting depth", tuple(map(float, depths)), False),
        Signal("inside brackets", tuple(float(depth > 0) for depth in depths), True),
        Signal("inside quotes", tuple(map(float, quoted)), True),
        Signal("inside a comment", tuple(map(float, commented)), True),
    )


def _positions(text: str) -> Iterator[int]:
    position = 0
    for character in text:
        position = 0 if character == "\n" else position + 1
        yield position


def _indentations(text: str) -> Iterator[int]:
    columns, leading = 0, True
    for character in text:
        if character == "\n":
            columns, leading = 0, True
        elif leading and character == "\t":
            columns += TAB - columns % TAB
        elif leading and character == " ":
            columns += 1
        else:
            leading = False
        yield columns


def _depths(text: str) -> Sequence[int]:
    closes = {closing: opening for opening, closing in BRACKETS.items()}
    open_now: list[str] = []
    depths = []
    for character in text:
        if character in BRACKETS:
            open_now.append(character)
        elif character in closes and closes[character] in open_now:
            while open_now.pop() != closes[character]:
                pass  # one that was never closed, such as a smiley's
        depths.append(len(open_now))
    return depths


def _quotes_and_comments(text: str) -> tuple[Sequence[bool], Sequence[bool]]:
    quoted, commented = [], []
    quote_ends = comment_ends = ""
    begun = 0  # where the comment began: "/*/" does not end it
    for place, character in enumerate(text):
        pair = text[max(place - 1, 0) : place + 1]
        if comment_ends:
            if text[begun : place + 1].endswith(comment_ends):
                comment_ends = ""
        elif quote_ends:
            if (character == quote_ends and not _escaped(text, place)) or pair == "\n\n":
                quote_ends = ""
        elif character in QUOTES and not _escaped(text, place) and text[place - 1 : place + 2] != f"'{character}'":
            quote_ends = QUOTES[character]
        elif pair in COMMENTS:
            comment_ends, begun = COMMENTS[pair], place + 1
        quoted.append(bool(quote_ends))
        commented.append(bool(comment_ends))
    return quoted, commented


def _escaped(text: str, place: int) -> bool:
    """Whether an odd number of backslashes stands before a place."""
    before = place
    while before > 0 and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1
