import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glasswork.report.blocks import Bars, Bin, Calibration, Curves, Line, Matrix, Picture, Pictures, Remark, Scatter
from glasswork.report.sections import MOST_CLASSES_IN_A_MATRIX
from glasswork.report.words import compact, number, percent
from glasswork.show.charts import MOST_SCATTERED_POINTS, calibration_svg, curves_svg, scatter_svg
from glasswork.show.html import draw
from glasswork.show.markup import escape

NAN = math.nan
SVG = "{http://www.w3.org/2000/svg}"


def line_chart(lines: list[Line], marks: list[tuple[str, float]] | None = None, **settings: object) -> str:
    return curves_svg(Curves("loss", lines, marks=marks or [], **settings))  # type: ignore[arg-type]


def scatter(pairs: list[tuple[float, float]]) -> str:
    return scatter_svg(Scatter("", [pairs], across="true value", up="predicted", square=True))


def confusion_table(classes: list[str], matrix: list[list[int]]) -> str:
    return str(draw(Matrix("", classes, matrix)))


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def words(drawing: str) -> list[str]:
    return [element.text or "" for element in parsed(drawing).iter(f"{SVG}text")]


def elements(drawing: str, tag: str, style: str = "") -> list[ElementTree.Element]:
    return [each for each in parsed(drawing).iter(SVG + tag) if style in each.get("class", "").split() or not style]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1234, "1,234"),
        (0, "0"),
        (0.0431234, "0.04312"),
        (1.2e-05, "1.2e-05"),
        (61706.4, "61,706"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        (NAN, "not a number"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (True, "True"),
        ("28 × 28", "28 × 28"),
    ],
)
def test_numbers_are_written_for_people(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.987, "98.7"), (0.99995, "99.995"), (1.0, "100"), (0.0, "0"), (0.0004, "0.04"), (0.5, "50.0")],
)
def test_a_share_never_rounds_to_all_or_nothing(share, written):
    assert percent(share) == f"{written}\u202f%"


def test_a_share_that_is_not_defined_is_a_dash():
    assert percent(NAN) == "–"


def test_counts_for_narrow_places():
    assert [compact(count) for count in (0, 950, 1000, 1234, 45_600, 3e6)] == ["0", "950", "1k", "1.2k", "46k", "3M"]


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_can_stand_in_a_drawing(text):
    label = f"<text a='{escape(text)}'>{escape(text)}</text>"
    assert len(ElementTree.fromstring(label.encode("utf-8"))) == 0


def test_a_line_has_a_point_for_every_epoch_and_the_best_is_marked():
    drawing = line_chart(
        [Line("training", [(1, 0.9), (2, 0.5), (3, 0.4)], "second"), Line("validation", [(1, 1.0), (2, 0.7)])],
        marks=[("best epoch: 2", 2)],
    )
    assert len(elements(drawing, "circle")) == 5
    assert "best epoch: 2" in words(drawing)
    assert {"training", "validation"} <= set(words(drawing))


def test_larger_values_lie_higher():
    circles = elements(line_chart([Line("loss", [(1, 3.0), (2, 1.0), (3, 2.0)])]), "circle")
    heights = [-float(circle.get("cy", "")) for circle in circles]
    assert heights[1] < heights[2] < heights[0]


def test_a_wide_range_asks_for_a_logarithmic_axis():
    wide = words(line_chart([Line("loss", [(1, 10.0), (2, 0.001)])]))
    assert {"0.001", "0.01", "0.1", "1", "10"} <= set(wide)
    narrow = words(line_chart([Line("loss", [(1, 4.0), (2, 1.0)])]))
    assert "0.1" not in narrow


def test_a_logarithmic_axis_can_be_asked_for_whatever_the_values() -> None:
    lines = [Line("level", [(0.0, 0.5), (1.0, 1.0), (2.0, 2.0)])]
    assert ">10</text>" not in line_chart(lines)
    drawn = line_chart(lines, logarithmic=True)
    assert all(f">{tick}</text>" in drawn for tick in ("0.1", "1", "10"))
    assert "<svg" in line_chart([Line("still", [(0.0, 1.0), (1.0, 1.0)])], logarithmic=True)


def test_values_that_are_not_finite_break_the_line_and_leave_a_cross():
    drawing = line_chart([Line("loss", [(1, 1.0), (2, 0.9), (3, NAN), (4, 0.8), (5, 0.7), (6, math.inf)])])
    assert len(elements(drawing, "path", "cross")) == 2
    assert len(elements(drawing, "path", "line")) == 2
    assert "nan" not in drawing


def test_a_best_epoch_outside_the_curve_is_not_drawn():
    assert "best" not in line_chart([Line("loss", [(1, 1.0), (2, 0.9)])], marks=[("best epoch: 9", 9)])


def test_shares_have_no_tick_above_all():
    ticks = [word for word in words(line_chart([Line("a", [(1, 0.6), (2, 0.99)])], in_percent=True)) if "%" in word]
    assert ticks and max(float(tick.split("\u202f")[0]) for tick in ticks) == 100


finite = st.floats(-1e12, 1e12, allow_nan=False)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.floats()), max_size=30), st.booleans())
def test_any_curve_can_be_drawn(points, as_percent):
    small = [(x, y if not math.isfinite(y) or abs(y) < 1e12 else 1.0) for x, y in points]
    drawing = line_chart([Line("loss", small)], in_percent=as_percent)
    assert (drawing == "") == (not points)
    if drawing:
        inside = [float(circle.get("cy", "")) for circle in elements(drawing, "circle")]
        assert all(0 <= y <= 220 for y in inside)
        assert len(words(drawing)) < 25


def test_bins_of_calibration_carry_their_counts_and_empty_ones_are_left_out():
    drawing = calibration_svg(
        Calibration("", [Bin(0.0, 0.5, 0, NAN, NAN), Bin(0.5, 0.9, 12, 0.7, 0.5), Bin(0.9, 1.0, 3456, 0.97, 1.0)])
    )
    assert len(elements(drawing, "rect")) == 2
    assert {"12", "3.5k"} <= set(words(drawing))
    assert calibration_svg(Calibration("", [Bin(0.0, 1.0, 0, NAN, NAN)])) == ""


def test_a_perfect_prediction_lies_on_the_diagonal():
    drawing = scatter([(1.0, 1.0), (5.0, 5.0), (3.0, NAN)])
    (diagonal,) = elements(drawing, "line", "diagonal")
    x1, y1, x2, y2 = (float(diagonal.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    points = [(float(circle.get("cx", "")), float(circle.get("cy", ""))) for circle in elements(drawing, "circle")]
    assert len(points) == 2
    assert all(abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) < 100 for x, y in points)


@example([(0.0, 5e-324)])
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20))
def test_any_predictions_can_be_drawn(pairs):
    assert len(elements(scatter(pairs), "circle")) == len(pairs)


def test_many_predictions_are_thinned():
    drawing = scatter([(float(index), float(index)) for index in range(10 * MOST_SCATTERED_POINTS)])
    assert len(elements(drawing, "circle")) <= MOST_SCATTERED_POINTS


def test_every_count_of_a_confusion_is_shown():
    drawing = parsed(confusion_table(["cat", "dog"], [[1234, 5], [0, 678]]))
    assert ["".join(cell.itertext()) for cell in drawing.iter("td")] == ["1,234", "5", "·", "678"]
    assert [cell.get("class") for cell in drawing.iter("td")] == ["right", "wrong", "none", "right"]


def test_above_twenty_classes_the_most_confused_pairs_come_first():
    size = MOST_CLASSES_IN_A_MATRIX + 1
    matrix = [[50 if row == column else 0 for column in range(size)] for row in range(size)]
    matrix[3][7], matrix[20][0] = 4, 9
    drawing = parsed(confusion_table([f"class {index}" for index in range(size)], matrix))
    rows = [[cell.text for cell in row.iter("td")] for row in drawing.iter("tr")][1:]
    assert rows == [["class 20", "class 0", "9 of 59"], ["class 3", "class 7", "4 of 54"]]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4), st.integers(0, 3))
def test_class_names_stay_words(names, count):
    drawing = parsed(confusion_table(names, [[count] * len(names)] * len(names)))
    shown = [span.get("title") for span in drawing.iter("span") if span.get("title") is not None]
    assert len(shown) == 2 * len(names)
    assert len(list(drawing.iter("td"))) == len(names) ** 2


def test_bars_are_in_proportion_and_undefined_ones_are_empty():
    widths = [fill.get("style") for fill in parsed(draw(Bars("", [("a", 50), ("b", 200), ("c", NAN)]))).iter("span")]
    assert [width for width in widths if width] == ["width:25.0%", "width:100.0%", "width:0.0%"]
    assert draw(Bars("", [])) == ""


def test_a_mistake_without_a_picture_is_shown_by_its_words():
    film = Picture(b"", "a dreadful <film>", [Remark("is", "negative"), Remark("said", "positive", "wrong")])
    drawing = draw(Pictures([film], look="gallery"))
    assert "a dreadful &lt;film&gt;" in drawing
    assert "<img" not in drawing
    assert draw(Pictures([])) == ""
