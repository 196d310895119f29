"""What a section is made of: a closed set of blocks, data only, each of which `show` can draw in every medium."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from glasswork.record import Record

Cell = str | int | float | None
Point = tuple[float, float]
Hue = Literal["first", "second", "third", "fourth", "faint", "aim"]
"""A colour of the palette, which `show.palette` has for light paper and dark: `aim` is broad and pale, for what others
shall come near to."""


@dataclass(frozen=True)
class Line(Record):
    """One line of a chart.

    Attributes:
        name: in the legend.
        points: from left to right; a value that is not finite breaks the line and leaves a cross.
        hue: of the line, or the number of a group's; None: by its place among the lines.
        errors: the half length of a bar through each point; empty: no bars.
        joined: whether the points are joined; otherwise they are dots.
    """

    name: str
    points: Sequence[Point]
    hue: Hue | int | None = None
    errors: Sequence[float] = ()
    joined: bool = True


@dataclass(frozen=True)
class Curves(Record):
    """Lines over a common horizontal axis.

    Attributes:
        caption: what is drawn.
        lines: drawn in this order.
        across: what goes from left to right.
        labels: what the whole numbers 0, 1, 2 on the horizontal axis stand for; empty: themselves.
        marks: words, and the places on the horizontal axis that they mark.
        limit: words and the height of a horizontal line.
        ringed: the point of the last line that a ring stands around, by its place.
        in_percent: the values are shares of one.
        reach: the lowest and the highest value drawn; None: as the values are. Points beyond it are left out.
        logarithmic: the vertical axis is logarithmic; None: if the values span a wide range.
        logarithmic_across: the horizontal axis is logarithmic.
        wide: the chart takes the whole width of the page.
    """

    tag: ClassVar[str] = "curves"
    caption: str
    lines: Sequence[Line]
    across: str = "epoch"
    labels: Sequence[str] = ()
    marks: Sequence[tuple[str, float]] = ()
    limit: tuple[str, float] | None = None
    ringed: tuple[str, int] | None = None
    in_percent: bool = False
    reach: Point | None = None
    logarithmic: bool | None = None
    logarithmic_across: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Scatter(Record):
    """Points on a plane.

    Attributes:
        caption: what is drawn.
        points: of each group.
        names: of the groups, in a legend; empty: there is one group.
        across: what goes from left to right.
        up: what goes upwards.
        square: both axes have the same range, and a diagonal says where they are equal.
        bare: neither axis means anything by itself, so that none is drawn.
    """

    tag: ClassVar[str] = "scatter"
    caption: str
    points: Sequence[Sequence[Point]]
    names: Sequence[str] = ()
    across: str = ""
    up: str = ""
    square: bool = False
    bare: bool = False


@dataclass(frozen=True)
class Bin(Record):
    """Answers given with a confidence from `low` to `high`: how many, how sure on average, how often right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration(Record):
    """How often answers were right against how sure the network was; empty bins are left out."""

    tag: ClassVar[str] = "calibration"
    caption: str
    bins: Sequence[Bin]


@dataclass(frozen=True)
class Interval(Record):
    """A mean with its interval and the values that it is the mean of."""

    name: str
    mean: float
    low: float
    high: float
    values: Sequence[float]


@dataclass(frozen=True)
class Intervals(Record):
    """Intervals below each other on one axis of shares.

    Attributes:
        caption: what is drawn.
        rows: from above.
        across: what goes from left to right.
        reference: a share, drawn as a broken line; None: the values are differences, and the line is at zero.
    """

    tag: ClassVar[str] = "intervals"
    caption: str
    rows: Sequence[Interval]
    across: str
    reference: float | None = None


@dataclass(frozen=True)
class Forecast(Record):
    """One forecast of a fan.

    Attributes:
        places: where its values are from left to right.
        median: its values.
        bands: lower and upper ends of its intervals, the widest first.
        naive: what the seasonal-naive forecast says there; may be empty.
    """

    places: Sequence[float]
    median: Sequence[float]
    bands: Sequence[tuple[Sequence[float], Sequence[float]]]
    naive: Sequence[float] = ()


@dataclass(frozen=True)
class Fan(Record):
    """A series and forecasts of it.

    Attributes:
        caption: the name of the series.
        known: what came.
        forecasts: from left to right.
        places: where the times in `words` are.
        words: times, of which a few are written.
    """

    tag: ClassVar[str] = "fan"
    caption: str
    known: Sequence[Point]
    forecasts: Sequence[Forecast]
    places: Sequence[float]
    words: Sequence[str]


@dataclass(frozen=True)
class Timeline(Record):
    """One row that is labelled at every time: what is true and what was answered, a lane for each label.

    Attributes:
        caption: its name.
        labels: of the lanes, from above.
        truth: place among them of the true label, for each time.
        said: of the answered one.
    """

    tag: ClassVar[str] = "timeline"
    caption: str
    labels: Sequence[str]
    truth: Sequence[int]
    said: Sequence[int]


@dataclass(frozen=True)
class Bars(Record):
    """Horizontal bars, one to a row; a value that is not finite gets none.

    Attributes:
        caption: what is drawn; may be empty.
        rows: name and value.
        noun: what the rows are, in the plural.
        in_percent: the values are shares of one, and a full bar is one.
        logarithmic: the bars' lengths are powers of ten.
    """

    tag: ClassVar[str] = "bars"
    caption: str
    rows: Sequence[tuple[str, float]]
    noun: str = "rows"
    in_percent: bool = False
    logarithmic: bool = False


@dataclass(frozen=True)
class Table(Record):
    """Rows of words and numbers; a long table is folded.

    Attributes:
        head: names of the columns.
        rows: the cells; numbers are written for people, None is a dash.
        caption: what it shows; may be empty.
        noun: what the rows are, in the plural.
        look: `numbers`, all columns but the first to the right; `listing`, the last one; `recipe`, settings with
            sentences; `words`, nothing to the right.
        bold: places of rows that stand out.
        wrong: places of rows that are marked as faulty.
        folded: words behind which it is hidden until asked for; empty: only if it is long.
    """

    tag: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    noun: str = "rows"
    look: Literal["numbers", "listing", "recipe", "words"] = "numbers"
    bold: Sequence[int] = ()
    wrong: Sequence[int] = ()
    folded: str = ""


@dataclass(frozen=True)
class Facts(Record):
    """Labels and values, one pair to a line."""

    tag: ClassVar[str] = "facts"
    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Commands(Record):
    """Commands to type, and what each does; the words may be empty."""

    tag: ClassVar[str] = "commands"
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Matrix(Record):
    """Counts of answers by truth, `counts[truth][answer]`."""

    tag: ClassVar[str] = "matrix"
    caption: str
    classes: Sequence[str]
    counts: Sequence[Sequence[int]]


@dataclass(frozen=True)
class HeatMap(Record):
    """Shares of one in rows and columns, such as how much each token of an answer looked at each part of its input.

    Attributes:
        caption: what is drawn.
        corner: what the rows are, and what the columns are.
        rows: names of the rows.
        columns: names of the columns.
        shares: from 0 to 1, `shares[row][column]`.
    """

    tag: ClassVar[str] = "heat-map"
    caption: str
    corner: tuple[str, str]
    rows: Sequence[str]
    columns: Sequence[str]
    shares: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Remark(Record):
    """Words under a picture: some plain, then some that stand out."""

    words: str
    strong: str = ""
    tone: Literal["", "wrong", "quiet"] = ""


@dataclass(frozen=True)
class Picture(Record):
    """A picture as PNG or GIF.

    Attributes:
        data: its bytes; empty: there is none, and its name is shown instead.
        name: where it came from.
        remarks: lines under it.
        tone: `right` or `wrong` puts a bar of that colour under it.
    """

    data: bytes
    name: str
    remarks: Sequence[Remark] = ()
    tone: Literal["", "right", "wrong"] = ""


@dataclass(frozen=True)
class Pictures(Record):
    """Pictures side by side.

    Attributes:
        pictures: in the order in which they are looked at.
        caption: what they are; may be empty.
        look: `figures`, large, each under its name; `gallery`, small, each over its remarks; `strip`, in one row, the
            first one apart; `alone`, as wide as the page has room for.
    """

    tag: ClassVar[str] = "pictures"
    pictures: Sequence[Picture]
    caption: str = ""
    look: Literal["figures", "gallery", "strip", "alone"] = "figures"


@dataclass(frozen=True)
class Text(Record):
    """A sentence or more.

    Attributes:
        words: as they are read; a quotation or a table keeps its spaces and line breaks.
        look: `note`; `warning`; `remedy`, under the warning before it; `quotation`; `code`; `table`, in columns.
        caption: of a quotation.
    """

    tag: ClassVar[str] = "text"
    words: str
    look: Literal["note", "warning", "remedy", "quotation", "code", "table"] = "note"
    caption: str = ""


@dataclass(frozen=True)
class ShadedText(Record):
    """A text whose pieces stand on a colour: blue for shares above 0, red below, full at 1 and -1."""

    tag: ClassVar[str] = "shaded-text"
    pieces: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Beside(Record):
    """A picture, and what belongs beside it."""

    tag: ClassVar[str] = "beside"
    picture: Pictures
    bars: Bars


Block: TypeAlias = (
    Curves
    | Scatter
    | Calibration
    | Intervals
    | Fan
    | Timeline
    | Bars
    | Table
    | Facts
    | Commands
    | Matrix
    | HeatMap
    | Pictures
    | Text
    | ShadedText
    | Beside
)
