"""A computation graph drawn as the slide draws it, stepped through on a page, or written out for the terminal."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from glasswork.glassbox.expressions import write_number
from glasswork.glassbox.graph import Graph, Node, Stop
from glasswork.show.graph_layout import HEIGHT, Paper, Point, Shape, Spot, lay_out
from glasswork.show.markup import asset, document, escape, render

LETTER = 7.6
LEGEND = 34.0
LONGEST_LABEL = 22
SMALL_LETTER = 6.6
SMALLEST, LARGEST = 0.78, 1.35
WIDE_PAGE, NARROW_PAGE = 1200.0, 350.0


def graph_svg(graph: Graph, step: int | None = None, upright: bool = False) -> str:
    """The graph as inline SVG: inputs left, values over the edges, gradients under them; light and dark by themselves.

    Args:
        graph: what to draw.
        step: draw only what is known after so many steps, 0 to `graph.last_step`, and mark the last one.
        upright: from top to bottom, for narrow pages; values and gradients then stand beside the edges.

    Raises:
        GlassworkError: for a step that there is not.
    """
    stop = graph.stopped(graph.last_step if step is None else step)
    style = f"<style>{asset('graph.css')}</style>"
    return _Drawing(graph, upright, stop, marked=step is not None).svg(style)


def graph_page(graph: Graph) -> str:
    """The graph as one HTML page that needs no other file: the whole picture, and every step forward and backward.

    A small script inside it goes through the steps, by buttons or arrow keys; without it all steps are listed.
    """
    return document(
        graph.expression,
        render(
            "graph.html",
            graph=graph,
            at=_at(graph),
            inputs=[node for node in graph.nodes if node.operation == "input"],
            stops=[graph.stopped(step) for step in range(graph.last_step + 1)],
            whole=Markup(_both(graph, graph.stopped(graph.last_step))),
            walk=Markup(_both(graph, None)),
            written=write_number,
        ),
        style=asset("graph_page.css") + asset("graph.css"),
        script=asset("graph.js"),
        footer="Drawn by Glasswork; values and gradients are rounded to four digits here.",
        kind="graph",
    )


def graph_text(graph: Graph) -> str:
    """The graph for the terminal: each operation forward, each edge backward, the gradients of the inputs, remarks."""
    lines = [f"{graph.expression}   at {_at(graph)}" if graph.gradients else graph.expression, "", "forward"]
    lines += [f"  {step.explanation}" for step in graph.forward_steps] or ["  nothing to compute"]
    if graph.backward_steps:
        output = graph.output
        head = ("from", "to", "local gradient", "upstream * local", "gradient")
        rows = [(output, "", "", "", f"d{output}/d{output} = 1")]
        for step in graph.backward_steps:
            product = step.chain.partition(" = ")[2]
            rows.append((step.node, step.operand, step.explanation, product, step.result))
        lines += ["", "backward", *_columns(head, rows)]
    if graph.gradients:
        lines += ["", "gradients"]
        lines += [f"  d{graph.output}/d{name} = {write_number(gradient)}" for name, gradient in graph.gradients.items()]
    lines += ["", *(f"note: {remark}" for remark in graph.remarks)] if graph.remarks else []
    return "\n".join(lines)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _at(graph: Graph) -> str:
    return ", ".join(f"{node.name} = {write_number(node.value)}" for node in graph.nodes if node.operation == "input")


@dataclass(frozen=True)
class _Drawing:
    """One picture of a graph.

    With a `stop` it shows what is known there; without one it holds all that ever appears, with the steps at which the
    page's script shows it.
    """

    graph: Graph
    upright: bool
    stop: Stop | None
    marked: bool = False

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        drawn = {node.name: node for node in self.graph.nodes if self._stands_alone(node)}
        return tuple(
            Shape(node.name, tuple(name for name in node.operands if name in drawn), *self._widths(node))
            for node in drawn.values()
        )

    @cached_property
    def paper(self) -> Paper:
        return lay_out(self.shapes, self.upright)

    @cached_property
    def width(self) -> float:
        return max(self.paper.width, 24 + len(self._legend(0)[0]) * SMALL_LETTER)

    @property
    def kind(self) -> str:
        return "upright" if self.upright else "lying"

    def draw_in_frame(self) -> str:
        """The picture where it may be moved sideways if the page is too narrow for legible letters."""
        hint = f'<p class="hint {self.kind}">The image is wider than the page: scroll sideways.</p>'
        page = NARROW_PAGE if self.upright else WIDE_PAGE
        return f'<div class="picture {self.kind}">{self.svg()}</div>{hint if SMALLEST * self.width > page else ""}'

    def svg(self, style: str = "") -> str:
        width, height = self.width, self.paper.height + LEGEND
        # A small graph is enlarged, and a large one made smaller as far as its letters stay legible.
        page = NARROW_PAGE if self.upright else WIDE_PAGE
        scale = min(max(1.0, page / width), LARGEST)
        parts = [*self._edges(), *self._joints()]
        for shape in self.shapes:
            parts += self._node(self.nodes[shape.name], self.paper.spots[shape.name])
        label = f"Computation graph of {self.graph.expression}: {self.graph.output} = {write_number(self.graph.value)}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="computation-graph" width="{width * scale:.0f}" '
            f'height="{height * scale:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" role="img" '
            f'aria-label="{escape(label)}" style="max-width:100%;height:auto;--least:{SMALLEST * width:.0f}px">{style}'
            f'<rect class="paper" width="100%" height="100%"/>{"".join(parts)}{self._legend(height - 12)[1]}</svg>'
        )

    def _stands_alone(self, node: Node) -> bool:
        """A constant is drawn inside the operation that uses it."""
        return node.operation != "constant" or node.name == self.graph.output

    def _label(self, node: Node) -> str:
        """A sign where it says all; the formula where the order counts or a constant takes part."""
        constants = any(self.nodes[name].operation == "constant" for name in node.operands)
        if not node.operands or constants or node.operation in ("-", "/", "**", "negate"):
            label = node.formula
        else:
            label = node.operation
        return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 3]}..."

    def _value(self, node: Node) -> str:
        return write_number(node.value) if not node.operands else f"{node.name} = {write_number(node.value)}"

    @cached_property
    def gradients(self) -> dict[str, list[tuple[int, int | None, str]]]:
        """From which step until which other a node's gradient reads how: sums grow as edges arrive."""
        begun = len(self.graph.forward_steps) + 1
        found: dict[str, list[tuple[int, str]]] = {node.name: [] for node in self.graph.nodes}
        if self.graph.gradients:
            found[self.graph.output].append((begun, "1"))
        for count, step in enumerate(self.graph.backward_steps, start=1):
            found[step.operand].append((begun + count, write_number(step.gradient)))
        ends = {name: [*(since for since, _ in sums[1:]), None] for name, sums in found.items()}
        return {
            name: [(since, until, text) for (since, text), until in zip(sums, ends[name], strict=False)]
            for name, sums in found.items()
        }

    @cached_property
    def known_since(self) -> dict[str, int]:
        """The step that works out a node; inputs are known from the beginning."""
        worked_out = {step.node: number for number, step in enumerate(self.graph.forward_steps, start=1)}
        return {node.name: worked_out.get(node.name, 0) for node in self.graph.nodes}

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self.graph.nodes}

    @cached_property
    def back_steps(self) -> dict[tuple[str, int], int]:
        """The step that goes back from a node to the operand at a place."""
        begun = len(self.graph.forward_steps) + 1
        return {(step.node, step.place): begun + n for n, step in enumerate(self.graph.backward_steps, start=1)}

    def _widths(self, node: Node) -> tuple[float, float]:
        label = self._label(node)
        # A circle for a sign, a pill for words; the name of an input stands free.
        width = len(label) * 8.2 + (8 if not node.operands else 20)
        width = width if len(label) > 1 or not node.operands else HEIGHT
        texts = [self._value(node), *(text for _, _, text in self.gradients[node.name])]
        return width, max(len(text) for text in texts) * LETTER

    def _shown(self, since: int, until: int | None = None) -> str | None:
        """The attributes of what is shown from one step until another; None where the picture stops elsewhere."""
        if self.stop is None:
            end = "" if until is None else f' data-until="{until}"'
            return f' data-since="{since}"{end}'
        at = self.stop.step
        return "" if since <= at and (until is None or at < until) else None

    def _moving(self, style: str, forward: int, backward: Sequence[int] = ()) -> str:
        """Class and attributes of what is marked in some steps."""
        if self.stop is None:
            back = f' data-backward="{" ".join(map(str, backward))}"' if backward else ""
            return f'class="{style}" data-forward="{forward}"{back}'
        back = " back" if self.stop.step in backward else ""
        now = " now" if self.marked and (back or self.stop.step == forward) else ""
        return f'class="{style}{now}{back if now else ""}"'

    def _edges(self) -> Iterator[str]:
        for shape in self.shapes:
            node = self.nodes[shape.name]
            forward = self.known_since[node.name]
            places = [place for place, name in enumerate(node.operands) if name in self.paper.spots]
            for position, place in enumerate(places):
                step = self.back_steps.get((node.name, place))
                path = _path(self.paper.lines[node.name, position])
                yield f'<path {self._moving("edge", forward, () if step is None else (step,))} d="{path}"/>'

    def _joints(self) -> Iterator[str]:
        """A dot where the lines of a node used several times part."""
        uses = Counter(name for shape in self.shapes for name in shape.operands)
        for name in (name for name, count in uses.items() if count > 1):
            x, y = self.paper.spots[name].stem[1]
            yield f'<circle class="joint" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'

    def _node(self, node: Node, spot: Spot) -> Iterator[str]:
        (x, y), ((x0, y0), (x1, y1)) = spot.centre, spot.stem
        label, width = self._label(node), self._widths(node)[0]
        since = self.known_since[node.name]
        backward = [self.back_steps.get((node.name, place), -1) for place in range(len(node.operands))]
        yield f'<path class="edge" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>'
        if node.operands:
            sign = "sign" if len(label) == 1 else "symbol"
            down = {"*": 9.5, "+": 6.5}.get(label, 5.0)
            yield (
                f'<g {self._moving("operation", since, backward)}><rect x="{x - width / 2:.1f}" '
                f'y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" height="{HEIGHT:.0f}" rx="{HEIGHT / 2:.0f}"/>'
                f'<text class="{sign}" x="{x:.1f}" y="{y + down:.1f}" text-anchor="middle">{escape(label)}</text></g>'
            )
        else:
            down = 0.0 if self.upright else 5.0
            yield f'<text class="input" x="{x:.1f}" y="{y + down:.1f}" text-anchor="middle">{escape(label)}</text>'
        left, over, under = (x0 + 8, y0 + 15, y0 + 31) if self.upright else (x0 + 7, y0 - 6, y0 + 17)
        name = f'<tspan class="name">{escape(node.name)} = </tspan>' if node.operands else ""
        if (shown := self._shown(since)) is not None:
            new = ' class="new"' if self.marked and self.stop and self.stop.step == since > 0 else ""
            value = f'{name}<tspan class="value">{escape(write_number(node.value))}</tspan>'
            yield f'<text{new} x="{left:.1f}" y="{over:.1f}"{shown}>{value}</text>'
        for first, until, text in self.gradients[node.name]:
            if (shown := self._shown(first, until)) is not None:
                new = " new" if self.marked and self.stop and self.stop.step == first else ""
                yield f'<text class="gradient{new}" x="{left:.1f}" y="{under:.1f}"{shown}>{escape(text)}</text>'

    def _legend(self, y: float) -> tuple[str, str]:
        """What the colours mean, in words and drawn."""
        over, under = ("first", "second") if self.upright else ("above the line", "below it")
        gradient = f"gradient d{self.graph.output}/d(node)"
        rest = f"; {under}: " if self.graph.gradients else ""
        drawn = f'{rest}<tspan class="gradient">{escape(gradient)}</tspan>' if rest else ""
        return (
            f"{over}: value{rest}{gradient if rest else ''}",
            f'<text class="legend" x="12" y="{y:.1f}">{over}: <tspan class="value">value</tspan>{drawn}</text>',
        )


def _path(corners: Sequence[Point]) -> str:
    """A line through the corners; those on a level or upright piece are left out."""
    kept = [corners[0]]
    for here, after in itertools.pairwise(corners[1:]):
        if not any(abs(kept[-1][axis] - here[axis]) + abs(after[axis] - here[axis]) < 0.5 for axis in (0, 1)):
            kept.append(here)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (*kept, corners[-1]))


def _both(graph: Graph, stop: Stop | None) -> str:
    """The picture for wide pages and for narrow ones; the style sheet shows one of them."""
    return "".join(_Drawing(graph, upright, stop).draw_in_frame() for upright in (False, True))
