"""Records go to JSON and come back as what they were."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswork.record import Record


@dataclass(frozen=True)
class Circle(Record):
    tag: ClassVar[str] = "circle"
    radius: float


@dataclass(frozen=True)
class Square(Record):
    tag: ClassVar[str] = "square"
    side: float


@dataclass(frozen=True)
class Drawing(Record):
    shapes: Sequence[Circle | Square]
    first: Circle | Square | None
    pixels: bytes
    colour: Literal["red", "blue"]
    names: Mapping[str, tuple[int, str]]
    cells: Sequence[str | int | float | None]


shapes = st.builds(Circle, st.floats(allow_nan=False)) | st.builds(Square, st.floats(allow_nan=False))
drawings = st.builds(
    Drawing,
    st.lists(shapes).map(tuple),
    shapes | st.none(),
    st.binary(),
    st.sampled_from(["red", "blue"]),
    st.dictionaries(st.text(), st.tuples(st.integers(), st.text())),
    st.lists(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none()).map(tuple),
)


@given(drawings)
def test_what_was_written_is_read(drawing: Drawing) -> None:
    written = json.dumps(drawing.to_json(), allow_nan=False)
    assert Drawing.from_json(json.loads(written)) == drawing


def test_one_of_several_records_is_known_by_its_tag() -> None:
    assert Square(2.0).to_json() == {"tag": "square", "side": 2.0}
    drawing = Drawing([Square(1), Circle(math.inf)], None, b"", "red", {}, ())
    again = Drawing.from_json(json.loads(json.dumps(drawing.to_json())))
    assert again.shapes == (Square(1.0), Circle(math.inf))


def test_a_field_that_is_missing_is_no_default() -> None:
    with pytest.raises(KeyError):
        Circle.from_json({"tag": "circle"})
