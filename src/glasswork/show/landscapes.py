"""A loss landscape as a map: shaded squares with contour lines, and a section through its middle."""

import math
from collections.abc import Sequence

from glasswork.glassbox.landscape import Landscape
from glasswork.report.blocks import Curves, Line
from glasswork.report.words import number
from glasswork.show.markup import escape
from glasswork.show.svg import LOGARITHMIC_FROM_RATIO, dot, svg, text

SIDE, EDGE = 300.0, 40.0
LEVELS = 8

Grid = Sequence[Sequence[float]]
Segment = tuple[float, float, float, float]


def landscape_map(landscape: Landscape) -> str:
    """The losses seen from above: the paler the lower; a ring where the network stands, a dot at the least loss."""
    heights = _heights(landscape)
    count = len(landscape.coordinates)
    cell = SIDE / count
    parts = []
    for i, row in enumerate(heights):
        for j, height in enumerate(row):
            place = f"{number(landscape.coordinates[i])}, {number(landscape.coordinates[j])}"
            words = escape(f"at {place}: loss {number(landscape.losses[i][j])}")
            x, y = EDGE + j * cell, SIDE - (i + 1) * cell
            looks = (
                f'class="cell" fill-opacity="{0.06 + 0.84 * height:.3f}"' if math.isfinite(height) else 'class="void"'
            )
            size = f'width="{cell:.2f}" height="{cell:.2f}"'
            parts.append(f'<rect {looks} x="{x:.2f}" y="{y:.2f}" {size}><title>{words}</title></rect>')
    lines = (
        f"M{EDGE + (x1 + 0.5) * cell:.1f} {SIDE - (y1 + 0.5) * cell:.1f}"
        f"L{EDGE + (x2 + 0.5) * cell:.1f} {SIDE - (y2 + 0.5) * cell:.1f}"
        for level in range(1, LEVELS)
        for x1, y1, x2, y2 in contour(heights, level / LEVELS)
    )
    parts.append(f'<path class="contour" d="{"".join(lines)}"/>')
    parts.append(dot(EDGE + SIDE / 2, SIDE / 2, "here", "the network", 6))
    at = [landscape.coordinates.index(one) for one in landscape.lowest_at]
    x, y = EDGE + (at[1] + 0.5) * cell, SIDE - (at[0] + 0.5) * cell
    parts.append(dot(x, y, "least", "the least loss", 3))
    for index in (0, count // 2, count - 1):
        words = number(landscape.coordinates[index])
        parts.append(text(EDGE + (index + 0.5) * cell, SIDE + 15, words))
        parts.append(text(EDGE - 6, SIDE - (index + 0.5) * cell + 3.5, words, "end"))
    parts.append(text(EDGE + SIDE, SIDE + 31, "along the second direction", "end"))
    parts.append(
        f'<text x="11" y="{SIDE / 2:.1f}" text-anchor="middle" transform="rotate(-90 11 {SIDE / 2:.1f})">'
        "along the first direction</text>"
    )
    return svg("loss landscape", parts, EDGE + SIDE + 2, SIDE + 36)


def lines_through(landscape: Landscape) -> Curves:
    """The loss on the two lines through the network."""
    middle, at = len(landscape.coordinates) // 2, landscape.coordinates
    first = [row[middle] for row in landscape.losses]
    lines = [
        Line("first direction", list(zip(at, first, strict=True))),
        Line("second", list(zip(at, landscape.losses[middle], strict=True))),
    ]
    return Curves("loss along both directions", lines, "distance from the network")


def _heights(landscape: Landscape) -> list[list[float]]:
    """The losses from 0 for the lowest to 1 for the highest, by their logarithm where they span a wide range."""
    low, high = landscape.lowest, landscape.highest
    wide = low > 0 and high / low >= LOGARITHMIC_FROM_RATIO

    def height(loss: float) -> float:
        if not math.isfinite(loss):
            return math.nan
        if not high > low:
            return 0.0
        return math.log(loss / low) / math.log(high / low) if wide else (loss - low) / (high - low)

    return [[height(loss) for loss in row] for row in landscape.losses]


def contour(grid: Grid, level: float) -> list[Segment]:
    """The line on which a grid of values takes a level, in pieces, one or two to a cell (marching squares).

    Args:
        grid: `grid[i][j]`; squares with a corner that is not finite have no line.
        level: the value.

    Returns:
        (x1, y1, x2, y2) with x along j and y along i.
    """
    found: list[Segment] = []
    for i in range(len(grid) - 1):
        for j in range(len(grid[0]) - 1):
            corners = [(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)]
            values = [grid[y][x] for x, y in corners]
            if not all(map(math.isfinite, values)):
                continue
            crossed = []
            for k in range(4):
                a, b = values[k], values[(k + 1) % 4]
                if (a < level) != (b < level):
                    (x1, y1), (x2, y2) = corners[k], corners[(k + 1) % 4]
                    share = (level - a) / (b - a)
                    crossed.append((x1 + share * (x2 - x1), y1 + share * (y2 - y1)))
            if len(crossed) == 4 and (sum(values) / 4 < level) != (values[0] < level):
                crossed = crossed[1:] + crossed[:1]  # a saddle: the middle belongs to the other pair of corners
            found += [(*crossed[k], *crossed[k + 1]) for k in range(0, len(crossed), 2)]
    return found
