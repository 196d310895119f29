"""Pages that look into a trained network: what its weights look for, and what in an input its answer rests on."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from glasswork.glassbox.attribution import Attribution, GradCam, IntegratedGradients
from glasswork.glassbox.features.deconvolution import Deconvolution
from glasswork.glassbox.features.features import FeatureMaps, Filters, LayerMaps, Templates
from glasswork.glassbox.features.top_activations import MostExciting
from glasswork.glassbox.landscape import Landscape
from glasswork.glassbox.occlusion import Occlusion
from glasswork.glassbox.tensor_summary import Image
from glasswork.record import Record
from glasswork.report.blocks import Curves, Line
from glasswork.report.words import number, percent
from glasswork.show import pictures
from glasswork.show.charts import curves_svg
from glasswork.show.html import figure, note, section_of
from glasswork.show.markup import asset, document, escape, macro
from glasswork.show.svg import LOGARITHMIC_FROM_RATIO, dot, svg, text

MOST_INPUTS = 12
FOOTER = "Drawn by Glasswork from what the network did with these inputs; the page computed none of the numbers."
SIDE, EDGE = 300.0, 40.0
LEVELS = 8
ENDS = {
    "integrated gradients": ("against", "for"),
    "occlusion": ("hiding it helps", "hiding it hurts"),
    "deconvolution": ("dark drives the unit", "bright drives it"),
}
"""What the two ends of a signed map mean, by method."""

Grid = Sequence[Sequence[float]]
Segment = tuple[float, float, float, float]


def looking_page(title: str, records: Sequence[Record], classes: Sequence[str] = ()) -> str:
    """One page with a section for each record, that needs no script, no other file and no network."""
    body = Markup("<header><h1>{}</h1></header>").format(title)
    body += Markup("").join(looking_section(record, classes) for record in records)
    return document(title, body, style=asset("looking.css"), footer=FOOTER)


def looking_section(record: Record, classes: Sequence[str] = ()) -> Markup:
    """The section of one record.

    Raises:
        KeyError: for a record that is drawn elsewhere.
    """
    return SECTIONS[type(record)](record, classes)


def _name(output: int, classes: Sequence[str]) -> str:
    return classes[output] if output < len(classes) else f"output {output}"


def _place(position: Sequence[int]) -> str:
    """A position in a map, counted from 1."""
    names = ("row", "column") if len(position) == 2 else ("place",) * len(position)
    return ", ".join(f"{name} {at + 1}" for name, at in zip(names, position, strict=True))


def _tile(png: bytes, title: str, words: str = "") -> Markup:
    """A picture under which stands what it is."""
    return macro("looking.html", "tile", png, title, words) if png else Markup("")


def _tiles(tiles: Sequence[Markup], size: str = "") -> Markup:
    return macro("looking.html", "tiles", [tile for tile in tiles if tile], size)


def _row(title: str, aside: str, *parts: Markup) -> Markup:
    return macro("looking.html", "row", title, aside, parts)


def _legend(kind: str, low: str, high: str) -> Markup:
    return macro("looking.html", "legend", kind, low, high)


def _signed_legend(limit: float | None = None, low: str = "against", high: str = "for") -> Markup:
    ends = ("", "") if limit is None else (f" {number(-limit)}", f" +{number(limit)}")
    return _legend("signed", low + ends[0], high + ends[1])


def _any_map(image: Image) -> bytes:
    """A feature map: from 0 upwards in one colour, with values below 0 in two."""
    below = min((one.low for one in image.channels), default=0.0) < 0
    return pictures.signed(image) if below else pictures.heat(image)


def _attribution(found: Attribution, classes: Sequence[str], notes: Sequence[str] = ()) -> str:
    """A row for each input: itself, the map, and the map over it."""
    rows = []
    for index, (image, drawn) in enumerate(zip(found.inputs[:MOST_INPUTS], found.maps, strict=False)):
        limit = pictures.extent(drawn)
        colour = len(drawn.channels) > 1
        png = pictures.signed(drawn) if found.signed else pictures.heat(drawn)
        over = b"" if colour else pictures.laid_over(image, drawn, two_sided=found.signed)
        what = f"For “{_name(found.targets[index], classes)}”" if found.targets else "For the unit"
        tiles = (
            _tile(pictures.photograph(image), "the input"),
            _tile(png, found.method),
            _tile(over, "both together"),
        )
        legend = _signed_legend(limit, *ENDS[found.method]) if found.signed else _legend("heat", "0", number(limit))
        empty = all(one.low == one.high == 0 for one in drawn.channels)
        legend = note("The map is 0 everywhere.") if empty else Markup("") if colour else legend
        score = f"{'score' if found.targets else 'activation'} {number(found.scores[index])}"
        remark = note(notes[index]) if any(notes[index : index + 1]) else Markup("")
        rows.append(_row(what, score, _tiles(tiles), legend, remark))
    return Markup("").join(rows) + _more(len(found.inputs), MOST_INPUTS, "inputs")


def _more(count: int, shown: int, what: str) -> Markup:
    return note(f"The first {shown} of {count} {what}." if count > shown else "")


def _source(found: Attribution, *more: str) -> Markup:
    return Markup("{} <i>{}.</i>").format(" ".join((found.reading, *more)), found.source)


def _saliency(found: Attribution, classes: Sequence[str]) -> Markup:
    return section_of("Saliency", _source(found), _attribution(found, classes))


def _grad_cam(found: GradCam, classes: Sequence[str]) -> Markup:
    chosen = ", the last convolution" if found.chosen else ""
    layer = f"Layer: {found.layer}{chosen}."
    notes = [
        ""
        if any(one.high > 0 for one in drawn.channels)
        else f"The maps of {found.layer} do not support this class anywhere; try a layer after an activation "
        "function, where no value is below 0, or an earlier one."
        for drawn in found.attribution.maps
    ]
    return section_of("Grad-CAM", _source(found.attribution, layer), _attribution(found.attribution, classes, notes))


def _integrated(found: IntegratedGradients, classes: Sequence[str]) -> Markup:
    notes = [
        f"Completeness: the attributions sum to {number(one.total)}; score minus the baseline's score is "
        f"{number(one.difference)}; the gap is {number(one.gap)}."
        for one in found.completeness
    ]
    how = f"{found.steps} steps by {found.quadrature} quadrature; more steps make the gap smaller."
    return section_of(
        "Integrated gradients", _source(found.attribution, how), _attribution(found.attribution, classes, notes)
    )


def _occlusion(found: Occlusion, classes: Sequence[str]) -> Markup:
    names = ("rows", "columns") if len(found.window) == 2 else ("cells",) * len(found.window)
    notes = []
    for one, score in zip(found.worst, found.attribution.scores, strict=True):
        spans = zip(names, one.start, one.stop, strict=True)
        where = ", ".join(f"{name} {low + 1} to {high}" for name, low, high in spans)
        verb = "falls" if one.drop > 0 else "does not fall: it goes"
        notes.append(f"Hiding {where} matters most: the score {verb} from {number(score)} to {number(one.score)}.")
    size = " by ".join(map(str, found.window))
    how = f"{number(found.windows)} windows of {size}, moved by {' by '.join(map(str, found.stride))}."
    return section_of("Occlusion", _source(found.attribution, how), _attribution(found.attribution, classes, notes))


def _deconvolution(found: Deconvolution, classes: Sequence[str]) -> Markup:
    notes = [f"Followed from {_place(place)} of the map." for place in found.positions]
    times = "once" if found.rectified == 1 else f"{found.rectified} times"
    passed = f"The signal was rectified {times} on its way down."
    return section_of(
        f"Deconvolution of unit {found.unit} of {found.layer}",
        _source(found.attribution, passed),
        _attribution(found.attribution, classes, notes),
    )


def _templates(found: Templates, classes: Sequence[str]) -> Markup:
    limit = max(pictures.extent(one.image) for one in found.templates)
    tiles = [
        _tile(
            pictures.signed(one.image, limit),
            _name(one.output, classes),
            "" if one.bias is None else f"bias {number(one.bias)}",
        )
        for one in found.templates
    ]
    legend = Markup("") if found.shape[0] == 3 else _signed_legend(limit, "bright here speaks against", "for the class")
    reading = (
        "One template of weights per class. The score of a class is the sum over all pixels of weight times pixel, "
        "plus the bias: an input scores high if it is bright under blue and dark under red."
    )
    if found.shape[0] == 3:
        reading = "One template of weights per class, in colour; middle grey is a weight of 0."
    return section_of("Templates", reading, _tiles(tiles), legend)


def _filters(found: Filters, classes: Sequence[str]) -> Markup:
    limit = max(pictures.extent(one) for one in found.filters)
    tiles = [_tile(pictures.signed(one, limit), f"{index}") for index, one in enumerate(found.filters)]
    size = " x ".join(map(str, found.shape))
    what = "Each is applied at every place of the image" if found.kind == "convolution" else "Each belongs to one unit"
    colour = len(found.shape) == 3 and found.shape[0] == 3
    legend = Markup("") if colour else _signed_legend(limit, "bright here lowers the answer", "raises it")
    return section_of(
        f"First filters: {found.layer}",
        f"{number(found.count)} filters of {size} weights. {what} and responds strongly where the image looks like it: "
        "edges of one direction, blobs, colours. Filters that look like noise have not learned much.",
        _tiles(tiles, "small" if len(found.filters) > 12 else ""),
        legend,
        _more(found.count, len(found.filters), "filters"),
    )


def _maps(layer: LayerMaps) -> Markup:
    tiles = [
        _tile(_any_map(one), "" if len(layer.images) == 1 else f"{index}") for index, one in enumerate(layer.images)
    ]
    shape = " x ".join(map(str, layer.values.shape[1:]))
    low, high = layer.values.minimum, layer.values.maximum
    words = f"{layer.kind}, {shape}; from {number(low or 0.0)} to {number(high or 0.0)}"
    kind = "units" if len(layer.values.shape) == 2 else "maps"
    silent = note(f"{layer.silent} of {layer.count} {kind} are all zero for this input." if layer.silent else "")
    size = "one" if len(layer.images) == 1 else "small"
    more = _more(layer.count, len(layer.images), "maps") if kind == "maps" else Markup("")
    return _row(layer.layer, words, _tiles(tiles, size), silent, more)


def _feature_maps(found: FeatureMaps, classes: Sequence[str]) -> Markup:
    return section_of(
        "Feature maps",
        "The output of each layer for this input, from top to bottom. A map is strong where its filter found what it "
        "looks for. Each map has its own scale: orange from 0 upwards; where values below 0 occur, blue above and "
        "red below.",
        _tiles([_tile(pictures.photograph(found.input), "the input")]),
        *(_maps(layer) for layer in found.layers),
    )


def _most_exciting(found: MostExciting, classes: Sequence[str]) -> Markup:
    tiles = []
    for one in found.excitations:
        whole = _tile(pictures.photograph(one.image), f"input {one.index}", f"activation {number(one.value)}")
        if not one.start:
            tiles.append(whole)
            continue
        span = " by ".join(str(high - low) for low, high in zip(one.start, one.stop, strict=True))
        words = f"{span} pixels, at {_place(one.position)} of the map"
        patch = _tile(pictures.photograph(one.patch), "the part it responds to", words)
        tiles.append(Markup('<div class="pair">{}{}</div>').format(whole, patch))
    return section_of(
        f"What excites unit {found.unit} of {found.layer}",
        f"The strongest of {number(found.looked_at)} inputs, strongest first. It is active on {percent(found.active)} "
        f"of them; its mean activation is {number(found.mean)}. What these inputs have in common is what the unit "
        "detects.",
        _tiles(tiles, "pairs" if any(one.start for one in found.excitations) else ""),
    )


def _landscape(found: Landscape, classes: Sequence[str]) -> Markup:
    rise = (
        f"At the network itself (the ring) the loss is {number(found.centre)}; on this square it goes from "
        f"{number(found.lowest)} (the dot) to {number(found.highest)}."
    )
    odd = f" At {found.not_finite} places it is inf or nan." if found.not_finite else ""
    shown = (
        figure(
            "From above", Markup(landscape_map(found)) + _legend("depth", number(found.lowest), number(found.highest))
        ),
        figure("On the two lines through the network", curves_svg(lines_through(found))),
    )
    return section_of(
        "Loss landscape",
        "The loss if all filters are moved along two random directions; 1 is the length of the filters. A "
        "trained network stands at the bottom of a bowl; a wide bowl forgives small changes of the weights, a narrow "
        "one does not. Li et al. 2018, Visualizing the Loss Landscape of Neural Nets.",
        Markup('<div class="figures">{}</div>').format(Markup("").join(shown)),
        note(f"{rise}{odd}"),
    )


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


SECTIONS: dict[type[Record], Callable[[Any, Sequence[str]], Markup]] = {
    Attribution: _saliency,
    GradCam: _grad_cam,
    IntegratedGradients: _integrated,
    Occlusion: _occlusion,
    Deconvolution: _deconvolution,
    Templates: _templates,
    Filters: _filters,
    FeatureMaps: _feature_maps,
    MostExciting: _most_exciting,
    Landscape: _landscape,
}
