"""Where the nodes of a computation graph stand on paper: in layers along the flow, in lanes across it.

The flow goes from left to right, inputs first, or, `upright`, from top to bottom for narrow pages, inputs where they
are used. A node used far from where it
stands keeps a lane of its own through the layers between, so that no line runs through another node (Sugiyama,
Tagawa and Toda 1981, "Methods for Visual Understanding of Hierarchical System Structures").
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

MARGIN = 10.0
HEIGHT = 30.0
BETWEEN_LANES = 6.0
PASSING = 8.0
ENTRY = 14.0
UNDER = 6.0
SWEEPS = 8
MOST_LINES_UNTANGLED = 150
MANY = 4000
STRAIGHT = 1000.0


@dataclass(frozen=True)
class Shape:
    """What is drawn for a node.

    Attributes:
        name: of the node.
        operands: the drawn nodes that lines come from, in order; shapes come after their operands.
        width: of the circle, the pill or the input's name.
        lettering: width of the longest text along its stem, the line that leaves it.
    """

    name: str
    operands: tuple[str, ...]
    width: float
    lettering: float


@dataclass(frozen=True)
class Spot:
    """Where a node stands, and its stem: from the node's border to where the lines to its users begin."""

    centre: Point
    stem: tuple[Point, Point]


@dataclass(frozen=True)
class Paper:
    """The finished layout; `lines` holds the corners of the line to each (node, position of its operand)."""

    width: float
    height: float
    spots: Mapping[str, Spot]
    lines: Mapping[tuple[str, int], tuple[Point, ...]]


@dataclass(frozen=True)
class _Measures:
    """Sizes along and across the flow."""

    upright: bool
    gap: float
    shortest_stem: float

    def half(self, shape: Shape) -> float:
        return (HEIGHT if self.upright else shape.width) / 2

    def stem(self, shape: Shape) -> float:
        return self.shortest_stem if self.upright else max(self.shortest_stem, shape.lettering + 9)

    def sides(self, shape: Shape) -> tuple[float, float]:
        """How far it reaches across the flow, before and after its lane."""
        if not self.upright:
            return 20.0, 20.0
        return shape.width / 2, max(shape.width / 2, shape.lettering + 8)


_LYING = _Measures(upright=False, gap=32.0, shortest_stem=34.0)
_UPRIGHT = _Measures(upright=True, gap=30.0, shortest_stem=38.0)

_Item = tuple[str, int]


@dataclass(frozen=True)
class _Layers:
    """Who stands or passes in which layer, and what is joined to what in the layer before and after."""

    depth: Mapping[str, int]
    items: list[list[_Item]]
    before: Mapping[_Item, list[_Item]]
    after: Mapping[_Item, list[_Item]]


def lay_out(shapes: Sequence[Shape], upright: bool = False) -> Paper:
    """The layout of a graph whose last shape is the output."""
    measures = _UPRIGHT if upright else _LYING
    layers = _arrange(shapes, late=upright)
    _untangle(layers)
    named = {shape.name: shape for shape in shapes}
    sides = {
        item: measures.sides(named[item[0]]) if layers.depth[item[0]] == item[1] else (PASSING, PASSING)
        for items in layers.items
        for item in items
    }
    lanes = _lanes(layers, sides)
    shift = MARGIN - min(lanes[item] - sides[item][0] for item in lanes)
    lanes = {item: lane + shift for item, lane in lanes.items()}
    across = max(lanes[item] + sides[item][1] for item in lanes) + MARGIN
    halves, centres, ends = [], list[float](), list[float]()
    for depth in range(len(layers.items)):
        here = [shape for shape in shapes if layers.depth[shape.name] == depth]
        halves.append(max(measures.half(shape) for shape in here))
        centres.append((ends[-1] + measures.gap if ends else MARGIN) + halves[-1])
        ends.append(centres[-1] + halves[-1] + max(measures.stem(shape) for shape in here))

    def point(along: float, lane: float) -> Point:
        return (lane, along) if upright else (along, lane)

    spots, lines = {}, {}
    for shape in shapes:
        depth = layers.depth[shape.name]
        lane = lanes[shape.name, depth]
        start = centres[depth] + measures.half(shape)
        spots[shape.name] = Spot(point(centres[depth], lane), (point(start, lane), point(ends[depth], lane)))
        border = centres[depth] - measures.half(shape) + UNDER
        for position, aside in _entries(shape, layers, lanes).items():
            operand = shape.operands[position]
            first = layers.depth[operand]
            corners = [point(ends[first], lanes[operand, first])]
            for passed in range(first + 1, depth):
                passing = lanes[operand, passed]
                corners += [point(centres[passed] - halves[passed], passing), point(ends[passed], passing)]
            # Slanted only between layers, where nothing stands.
            corners += [point(along, lane + aside) for along in (centres[depth] - halves[depth], border)]
            lines[shape.name, position] = tuple(corners)
    width, height = point(ends[-1] + MARGIN, across)
    return Paper(width, height, spots, lines)


def _entries(shape: Shape, layers: _Layers, lanes: Mapping[_Item, float]) -> dict[int, float]:
    """How far from its middle each line enters a node, so that lines enter in the order in which they come."""
    before = layers.depth[shape.name] - 1
    order = sorted(range(len(shape.operands)), key=lambda position: lanes[shape.operands[position], before])
    wide = max(1, len(order) - 1)
    return {position: (nth / wide - 0.5) * ENTRY if len(order) > 1 else 0.0 for nth, position in enumerate(order)}


def _arrange(shapes: Sequence[Shape], late: bool) -> _Layers:
    """Every operation right after the last of its operands; inputs in the first layer, or as `late` as may be."""
    depth: dict[str, int] = {}
    for shape in shapes:
        depth[shape.name] = 1 + max((depth[operand] for operand in shape.operands), default=-1)
    if late:
        users = [(operand, depth[shape.name]) for shape in shapes for operand in shape.operands]
        for shape in shapes:
            if not shape.operands:
                depth[shape.name] = min((layer - 1 for name, layer in users if name == shape.name), default=0)
    last = dict(depth)
    for shape in shapes:
        for operand in shape.operands:
            last[operand] = max(last[operand], depth[shape.name] - 1)
    rank = _ranks(shapes)
    items: list[list[_Item]] = [[] for _ in range(max(depth.values()) + 1)]
    before: dict[_Item, list[_Item]] = {}
    after: dict[_Item, list[_Item]] = defaultdict(list)
    for shape in sorted(shapes, key=lambda one: rank[one.name]):
        own = depth[shape.name]
        before[shape.name, own] = [(operand, own - 1) for operand in dict.fromkeys(shape.operands)]
        for layer in range(own, last[shape.name] + 1):
            items[layer].append((shape.name, layer))
            if layer > own:
                before[shape.name, layer] = [(shape.name, layer - 1)]
    for item, earlier in before.items():
        for one in earlier:
            after[one].append(item)
    return _Layers(depth, items, before, after)


def _ranks(shapes: Sequence[Shape]) -> dict[str, float]:
    """A first order across the flow: inputs as they come in the expression, operations amid their operands."""
    operands = {shape.name: shape.operands for shape in shapes}
    visits: dict[str, list[int]] = defaultdict(list)
    count, waiting = 0, [shapes[-1].name]
    while waiting:
        name = waiting.pop()
        waiting.extend(reversed(operands[name]))
        if not operands[name]:
            visits[name].append(count)
            count += 1
    rank: dict[str, float] = {}
    for shape in shapes:
        places = [rank[operand] for operand in shape.operands] or visits[shape.name]
        rank[shape.name] = sum(places) / len(places)
    return rank


def _untangle(layers: _Layers) -> None:
    """Sorts each layer by where its neighbours stand, and keeps the order with the fewest crossings."""
    lines = sum(len(earlier) for earlier in layers.before.values())
    best, fewest = [list(items) for items in layers.items], _crossings(layers)
    for sweep in range(SWEEPS if lines <= MOST_LINES_UNTANGLED else 0):
        if not fewest:
            break
        joined = layers.after if sweep % 2 else layers.before
        for items in reversed(layers.items) if sweep % 2 else layers.items:
            _sort_by_neighbours(items, joined, layers)
        if (crossings := _crossings(layers)) < fewest:
            best, fewest = [list(items) for items in layers.items], crossings
    layers.items[:] = best


def _sort_by_neighbours(items: list[_Item], joined: Mapping[_Item, list[_Item]], layers: _Layers) -> None:
    def middle(item: _Item) -> float:
        neighbours = joined.get(item, [])
        places = [layers.items[one[1]].index(one) for one in neighbours]
        return sum(places) / len(places) if places else float(order[item])

    order = {item: place for place, item in enumerate(items)}
    items.sort(key=middle)


def _crossings(layers: _Layers) -> int:
    if sum(len(earlier) for earlier in layers.before.values()) > MOST_LINES_UNTANGLED:
        return 0
    count = 0
    for left, right in itertools.pairwise(layers.items):
        place = {item: index for index, item in enumerate(left)}
        lines = [(place[one], index) for index, item in enumerate(right) for one in layers.before[item]]
        count += sum((a - c) * (b - d) < 0 for i, (a, b) in enumerate(lines) for c, d in lines[:i])
    return count


def _lanes(layers: _Layers, sides: Mapping[_Item, tuple[float, float]]) -> dict[_Item, float]:
    """Lanes that keep each layer's order and its distances, each as near as may be to the middle of its neighbours."""
    weights = {item: 1.0 if layers.depth[item[0]] == item[1] else STRAIGHT for items in layers.items for item in items}
    lanes: dict[_Item, float] = {}
    for items in layers.items:
        lanes |= _spread(items, [0.0] * len(items), sides, weights)
    for _ in range(SWEEPS if len(sides) <= MANY else 1):
        for joined, order in ((layers.after, layers.items[-2::-1]), (layers.before, layers.items[1:])):
            for items in order:
                lanes |= _spread(items, [_middle(item, joined, lanes) for item in items], sides, weights)
    return lanes


def _middle(item: _Item, joined: Mapping[_Item, list[_Item]], lanes: Mapping[_Item, float]) -> float:
    """Where an item would best stand: where it passes the next layer, or amid its neighbours there."""
    neighbours = joined.get(item, [])
    own = [one for one in neighbours if one[0] == item[0]]
    places = [lanes[one] for one in own or neighbours] or [lanes[item]]
    return sum(places) / len(places)


def _spread(
    items: Sequence[_Item],
    wanted: Sequence[float],
    sides: Mapping[_Item, tuple[float, float]],
    weights: Mapping[_Item, float],
) -> dict[_Item, float]:
    """The lanes nearest to those wanted (weighted least squares) that leave room between neighbours."""
    offsets = [0.0]
    for one, other in itertools.pairwise(items):
        offsets.append(offsets[-1] + sides[one][1] + BETWEEN_LANES + sides[other][0])
    # Without the room that each needs, they must only not fall back: blocks that do are pooled.
    blocks: list[tuple[float, float, int]] = []
    for item, want, offset in zip(items, wanted, offsets, strict=True):
        weight, count = weights[item], 1
        total = weight * (want - offset)
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / weight:
            earlier = blocks.pop()
            total, weight, count = total + earlier[0], weight + earlier[1], count + earlier[2]
        blocks.append((total, weight, count))
    level = [total / weight for total, weight, count in blocks for _ in range(count)]
    return {item: low + offset for item, low, offset in zip(items, level, offsets, strict=True)}
