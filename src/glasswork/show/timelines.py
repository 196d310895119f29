"""Labels over time as SVG: what is true and what was answered, a lane for each label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from glasswork.show import escape, number
from glasswork.show.drawing import RIGHT, Axis, line, svg, text

WIDTH, LANE, TOP, BOTTOM = 760, 26, 8, 34
_LETTER = 6.2  # units that a letter is wide

T = TypeVar("T")


@dataclass(frozen=True)
class Timeline:
    """One row that is labelled at every time.

    Attributes:
        caption: its name.
        labels: of the lanes, from above.
        truth: place among them of the true label, for each time.
        said: of the answered one.
    """

    caption: str
    labels: Sequence[str]
    truth: Sequence[int]
    said: Sequence[int]


def timeline_chart(timeline: Timeline) -> str:
    """The chart: true labels as pale bars, answers as thin ones within, wrong answers in another colour."""
    if not timeline.truth:
        return ""
    left = 16 + _LETTER * max(len(label) for label in timeline.labels)
    height = TOP + LANE * len(timeline.labels) + BOTTOM
    across = Axis(0, len(timeline.truth), left, WIDTH - RIGHT)
    parts = []
    for lane, name in enumerate(timeline.labels):
        middle = TOP + LANE * (lane + 0.5)
        parts += [line(left, middle, WIDTH - RIGHT, middle, "rule"), text(left - 8, middle + 3.5, name, "end", "name")]
    for label, start, end in _runs(timeline.truth):
        parts.append(_bar(across, start, end, label, LANE - 6, "band", f"{timeline.labels[label]}, true"))
    both = list(zip(timeline.said, timeline.truth, strict=True))
    for (label, truth), start, end in _runs(both):
        style = "right" if label == truth else "wrong"
        parts.append(_bar(across, start, end, label, 5, style, f"{timeline.labels[label]}, answered"))
    base = TOP + LANE * len(timeline.labels)
    parts += [text(across.at(tick), base + 14, number(tick)) for tick in across.ticks(6)]
    parts.append(
        text((left + WIDTH - RIGHT) / 2, base + 28, "frame; pale: true, thin: answered, red: answered wrongly")
    )
    return svg(f"labels of {timeline.caption}", parts, WIDTH, height)


def _runs(values: Sequence[T]) -> Iterator[tuple[T, int, int]]:
    start = 0
    for value, group in groupby(values):
        end = start + len(list(group))
        yield value, start, end
        start = end


def _bar(across: Axis, start: int, end: int, lane: int, height: int, style: str, words: str) -> str:
    x, width = across.at(start), across.at(end) - across.at(start)
    y = TOP + LANE * (lane + 0.5) - height / 2
    title = f"<title>{escape(words)}, frames {start} to {end - 1}</title>"
    return f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}">{title}</rect>'
