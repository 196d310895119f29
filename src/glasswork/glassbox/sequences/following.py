"""Finds units by what they track in a text (Karpathy, Johnson and Li 2015, section 4.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.unrolled import UnrolledLayer
from glasswork.record import Record

LEAST = 8
HIDDEN, MEMORY = "h", "c"
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
    """Everything that `find_followers` searches units for.

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


@dataclass(frozen=True)
class Follower(Record):
    """A unit that follows a signal.

    Attributes:
        layer: from 0.
        unit: from 0; those that read from the end come after the others.
        part: `h`, what the unit gives out, or `c`, the LSTM's memory, of which the hyperbolic tangent is taken.
        score: on the first half of the text, by which units are ranked: of a signal that holds or not, the balanced
            accuracy of the best threshold (1/2 is chance); of a number, the absolute correlation.
        checked: the same threshold's, or the correlation's, figure on the second half.
        threshold: where the signal is told to hold; None for a number.
        above: whether it holds above the threshold; for a number, whether both grow together.
    """

    layer: int
    unit: int
    part: str
    score: float
    checked: float
    threshold: float | None
    above: bool


@dataclass(frozen=True)
class Following(Record):
    """The units that follow a signal best.

    Attributes:
        signal: its name.
        measure: `balanced accuracy` or `correlation`.
        mean: of the signal over the text; the share of characters at which it holds.
        units: best first.
        searched: among how many.
    """

    signal: str
    measure: str
    mean: float
    units: tuple[Follower, ...]
    searched: int


class _Found(NamedTuple):
    """For each unit: its figures on both halves, threshold and direction, each (units,)."""

    score: Tensor
    checked: Tensor
    threshold: Tensor | None
    above: Tensor


def find_followers(layers: Sequence[UnrolledLayer], signals: Sequence[Signal], most: int = 5) -> tuple[Following, ...]:
    """The units that follow each signal best, found on the first half of the text and checked on the second.

    Among hundreds of units some fit half a text by chance: believe `checked`.

    Args:
        layers: of one sequence, (1, time, units).
        signals: each with a number for every time. One that does not change within either half is left out.
        most: how many units to name for each.

    Raises:
        GlassworkError: where a signal is not as long as the sequence, or that is too short.
    """
    places, columns = _columns(layers)
    times = len(columns)
    if times < LEAST:
        raise GlassworkError(f"Searching units needs a text of at least {LEAST} characters; this one has {times}.")
    half, found = times // 2, []
    for signal in signals:
        if len(signal.values) != times:
            raise GlassworkError(
                f"The signal '{signal.name}' has {len(signal.values)} values for {times} times of the network."
            )
        values = torch.tensor(signal.values, dtype=torch.float64)
        if any(bool((part == part[0]).all()) for part in (values[:half], values[half:])):
            continue
        way = _by_threshold if signal.yes_or_no else _by_correlation
        result = way(columns[:half], values[:half], columns[half:], values[half:])
        best = result.score.argsort(descending=True, stable=True)[:most].tolist()
        units = tuple(_follower(places[place], result, place) for place in best)
        measure = "balanced accuracy" if signal.yes_or_no else "correlation"
        found.append(Following(signal.name, measure, float(values.mean()), units, len(places)))
    return tuple(found)


def _columns(layers: Sequence[UnrolledLayer]) -> tuple[list[tuple[int, int, str]], Tensor]:
    """Layer, unit and part of every column, and the columns (time, all of them) in float64."""
    places, columns = [], []
    for layer in layers:
        for part, states in ((HIDDEN, layer.hidden), (MEMORY, layer.memory)):
            if states is not None:
                first = states.shape[2] if layer.from_end else 0
                places += [(layer.layer, first + unit, part) for unit in range(states.shape[2])]
                columns.append(states[0].double() if part == HIDDEN else states[0].double().tanh())
    return places, torch.cat(columns, 1)


def _follower(place: tuple[int, int, str], found: _Found, column: int) -> Follower:
    threshold = None if found.threshold is None else float(found.threshold[column])
    score, checked, above = float(found.score[column]), float(found.checked[column]), bool(found.above[column])
    return Follower(*place, score, checked, threshold, above)


def _by_correlation(columns: Tensor, values: Tensor, later: Tensor, later_values: Tensor) -> _Found:
    """Pearson's correlation; the later one counts against where its sign has changed."""
    first, second = _correlations(columns, values), _correlations(later, later_values)
    above = first > 0
    return _Found(first.abs(), torch.where(above, second, -second), None, above)


def _correlations(columns: Tensor, values: Tensor) -> Tensor:
    centred, around = columns - columns.mean(0), values - values.mean()
    sizes = centred.norm(dim=0) * around.norm()
    return torch.where(sizes > 1e-12, centred.T @ around / sizes.clamp(min=1e-12), 0.0)  # a still unit follows nothing


def _by_threshold(columns: Tensor, values: Tensor, later: Tensor, later_values: Tensor) -> _Found:
    """The threshold with the best mean of both kinds' shares that are told rightly."""
    holds = values > 0
    ordered, order = columns.sort(0)
    inside = holds[order].double()  # (time, units)
    below_inside = inside.cumsum(0) / holds.sum()
    below_outside = (1 - inside).cumsum(0) / (~holds).sum()
    apart = ordered[1:] > ordered[:-1]  # a threshold lies between two values, not within one
    gain = torch.where(apart, (below_outside - below_inside)[:-1], 0.0)
    best = gain.abs().argmax(0, keepdim=True)
    above = gain.gather(0, best)[0] > 0
    threshold = (ordered.gather(0, best) + ordered.gather(0, best + 1))[0] / 2
    score = 0.5 + gain.gather(0, best)[0].abs() / 2
    told = (later > threshold) == above  # (time, units)
    kept = later_values > 0
    checked = (told[kept].double().mean(0) + (~told[~kept]).double().mean(0)) / 2
    return _Found(score, checked, threshold, above)
