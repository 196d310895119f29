"""Axes of numbers far from zero: every tick has a label of its own, and says what it stands for."""

import re
from itertools import pairwise

import pytest

from glasswork.report.blocks import Curves, Line
from glasswork.show.charts import curves_svg
from glasswork.show.svg import Axis, axis_up, tick_labels
from glasswork.show.terminal import plot

FAR = [1.7e9 + step for step in (0.0, 7.0, 20.0, 3.0)]


@pytest.mark.parametrize(
    ("low", "high"),
    [(1.7e9, 1.7e9 + 20), (1.7e9, 1.7e9 + 4e6), (5e5, 5e5 + 0.03), (-1.2e4, -1.2e4 + 9), (123456.0, 123999.0), (0, 1)],
)
def test_labels_are_distinct_and_add_up_to_their_ticks(low: float, high: float) -> None:
    ticks = axis_up([low, high], 200, 20).ticks(4)
    labels, offset = tick_labels(ticks)
    assert len(ticks) > 2 and len(set(labels)) == len(labels) and max(map(len, labels)) <= 9
    added = float(offset.replace(",", "") or 0)
    step = min(b - a for a, b in pairwise(ticks))
    for tick, label in zip(ticks, labels, strict=True):
        if label[-1] not in "kMG":
            assert added + float(label.replace(",", "")) == pytest.approx(tick, abs=step / 1000)


def test_charts_say_what_far_numbers_are_on_a_page_and_on_a_terminal() -> None:
    block = Curves("far", [Line("value", [(1.7e9 + place, y) for place, y in enumerate(FAR)])], across="second")
    drawn = curves_svg(block)
    assert re.search(r">\N{UPWARDS ARROW} \+1,700,000,000<|>\N{UPWARDS ARROW} \+1,699,999,9", drawn)
    assert "second 1700000001: 1700000007" in drawn and re.search(r">second \+1,700,000,000<|>second \+1,699", drawn)
    letters = plot(block)
    assert "1700000020" in letters and "1700000000" in letters


def test_numbers_near_zero_are_labelled_as_before() -> None:
    assert tick_labels(Axis(0, 20_000, 0, 1).ticks(4)) == (["0", "5,000", "10k", "15k", "20k"], "")
    assert tick_labels([0.0, 0.5, 1.0], in_percent=True)[0] == [f"{share}\u202f%" for share in (0, 50, 100)]
