import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from glasswork.errors import GlassworkError
from glasswork.glassbox.expressions import write_number
from glasswork.glassbox.graph import Graph, graph
from glasswork.show.graph import graph_page, graph_svg, graph_text
from glasswork.show.graph_layout import HEIGHT, Shape, lay_out

GRAPHS = {
    "slide": graph("(x+y)*z", x=-2, y=5, z=-4),
    "neuron": graph("1/(1+exp(-(w0*x0+w1*x1+w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
    "shared": graph("x*x + exp(x)*y - max(0, x)/y", x=1.5, y=-2),
    "large": graph(
        "(tanh(w1*x1 + w2*x2 + b1)*v1 + tanh(w3*x1 + w4*x2 + b2)*v2 - t)**2/2",
        **{
            "w1": 0.5,
            "x1": 1,
            "w2": -1,
            "x2": 2,
            "b1": 0.1,
            "v1": 1.5,
            "w3": -0.3,
            "w4": 0.8,
            "b2": 0,
            "v2": -1,
            "t": 1,
        },
    ),
    "infinite": graph("x/y + 0*log(y)", x=1, y=0),
    "constant": graph("2 + 3"),
    "alone": graph("x", x=4),
    "number": graph("-7.5"),
}
SVG = "{http://www.w3.org/2000/svg}"


def lettering(picture: str) -> list[str]:
    """The texts of an SVG, which must be well formed."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("found", GRAPHS.values(), ids=GRAPHS)
def test_a_picture_holds_every_value_and_gradient(found: Graph, upright: bool) -> None:
    picture = graph_svg(found, upright=upright)
    texts = lettering(picture)
    for node in found.nodes:
        if node.operands:
            assert f"{node.name} = {write_number(node.value)}" in texts
        elif node.operation == "input":
            assert node.name in texts and write_number(node.value) in texts
    gradients = ElementTree.fromstring(picture).iterfind(f".//{SVG}text[@class='gradient']")
    shown = sorted("".join(text.itertext()) for text in gradients)
    assert shown == sorted(write_number(node.gradient) for node in found.nodes if node.gradient is not None)
    assert picture.count("://") == 1 and "href" not in picture and "<script" not in picture


@pytest.mark.parametrize("found", [GRAPHS["slide"], GRAPHS["shared"], GRAPHS["constant"]])
def test_a_step_shows_what_is_known_there(found: Graph) -> None:
    for step in range(found.last_step + 1):
        stop, picture = found.stopped(step), graph_svg(found, step)
        tree = ElementTree.fromstring(picture)
        gradients = [
            "".join(text.itertext()) for text in tree.iter(f"{SVG}text") if "gradient" in text.get("class", "")
        ]
        assert sorted(gradients) == sorted(map(write_number, stop.gradients.values()))
        names = {text.partition(" = ")[0] for text in lettering(picture) if " = " in text}
        assert names == {name for name in stop.values if found.node(name).operands}
        marked = [part for part in tree.iter() if " now" in part.get("class", "")]
        assert bool(marked) == (stop.phase in ("forward", "backward"))
    with pytest.raises(GlassworkError, match="has steps 0 to"):
        graph_svg(found, found.last_step + 1)


class Page(HTMLParser):
    """A page taken apart; every tag must be closed by its own kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)


@pytest.mark.parametrize("found", GRAPHS.values(), ids=GRAPHS)
def test_the_page_is_whole_and_needs_no_other_file(found: Graph) -> None:
    text = graph_page(found)
    page = Page(text)
    assert found.expression in page.words and f"{found.output} = {write_number(found.value)}" in page.words
    for stop in map(found.stopped, range(found.last_step + 1)):
        assert stop.title in page.words
        assert all(line in page.words for line in stop.lines)
    assert all(remark in page.words for remark in found.remarks)
    sources = [value for _, tags in page.tags for name, value in tags.items() if name in ("src", "href")]
    assert sources == ["data:,"]
    assert text.count("://") == text.count('xmlns="http://www.w3.org/2000/svg"') == 4
    assert not re.search(r"@import|url\(", text)


def test_the_page_hides_the_walk_until_its_script_runs() -> None:
    page = Page(graph_page(GRAPHS["slide"]))
    assert [tags for tag, tags in page.tags if tag == "section" and "hidden" in tags]
    since = sorted(int(tags["data-since"] or 0) for _, tags in page.tags if "data-since" in tags)
    # Two pictures: three inputs, q and f; then gradients of f, q, z, x and y.
    assert since == sorted(2 * [0, 0, 0, 1, 2, 3, 4, 5, 6, 7])


def test_the_script_is_the_one_that_the_page_allows() -> None:
    text = graph_page(GRAPHS["slide"])
    script = text.partition("<script>")[2].partition("</script>")[0]
    allowed = re.search(r"script-src 'sha256-([^']+)'", text)
    assert allowed and base64.b64decode(allowed[1]) == hashlib.sha256(script.encode()).digest()


def test_the_terminal_gets_a_table() -> None:
    assert graph_text(GRAPHS["slide"]).splitlines() == [
        "(x+y)*z   at x = -2, y = 5, z = -4",
        "",
        "forward",
        "  q = x + y = -2 + 5 = 3",
        "  f = q * z = 3 * (-4) = -12",
        "",
        "backward",
        "  from   to   local gradient         upstream * local   gradient",
        "  f                                                     df/df = 1",
        "  f      q    d(q * z)/dq = z = -4   1 * (-4) = -4      df/dq = -4",
        "  f      z    d(q * z)/dz = q = 3    1 * 3 = 3          df/dz = 3",
        "  q      x    d(x + y)/dx = 1        -4 * 1 = -4        df/dx = -4",
        "  q      y    d(x + y)/dy = 1        -4 * 1 = -4        df/dy = -4",
        "",
        "gradients",
        "  df/dx = -4",
        "  df/dy = -4",
        "  df/dz = 3",
    ]
    assert "note: x / y divides by zero: inf." in graph_text(GRAPHS["infinite"])
    assert graph_text(GRAPHS["number"]).startswith("-7.5\n\nforward\n  nothing to compute")


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("found", GRAPHS.values(), ids=GRAPHS)
def test_no_line_runs_through_a_node_and_no_two_nodes_meet(found: Graph, upright: bool) -> None:
    drawn = [node for node in found.nodes if node.operation != "constant" or node.name == found.output]
    names = {node.name for node in drawn}
    shapes = [Shape(n.name, tuple(one for one in n.operands if one in names), HEIGHT, 60.0) for n in drawn]
    paper = lay_out(shapes, upright)
    for name, spot in paper.spots.items():
        x, y = spot.centre
        assert 0 < x < paper.width and 0 < y < paper.height
        for other, place in paper.spots.items():
            apart = max(abs(x - place.centre[0]), abs(y - place.centre[1]))
            assert other == name or apart >= HEIGHT, (name, other)
        for (user, position), corners in paper.lines.items():
            operand = next(shape for shape in shapes if shape.name == user).operands[position]
            if name not in (user, operand):
                assert all(max(abs(px - x), abs(py - y)) > HEIGHT / 2 for px, py in between(corners)), (name, user)


def between(corners: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Points close together on a line."""
    return [
        (x0 + (x1 - x0) * i / 50, y0 + (y1 - y0) * i / 50)
        for (x0, y0), (x1, y1) in itertools.pairwise(corners)
        for i in range(51)
    ]
