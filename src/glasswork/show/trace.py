"""An opened network as a page to unfold, and as a tree for the terminal."""

import base64
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup
from PIL import Image

from glasswork.data.pictures import encode_png
from glasswork.glassbox.tensor_summary import Picture, Values
from glasswork.glassbox.trace.trace import Descent, Trace, Traced, WeightStep
from glasswork.report.blocks import Block, Cell, Facts, Table
from glasswork.report.report import Section
from glasswork.report.words import number
from glasswork.show.html import draw, draw_section
from glasswork.show.markup import asset, document, render

FLAT = 24
"""Up to so many operations stand one under the other; more are grouped by the part of the network they are in."""


class _Named(NamedTuple):
    """A tensor and what it is."""

    name: str
    values: Values


class _Group(NamedTuple):
    """Operations that follow each other; without a heading they stand open."""

    operations: Sequence[Traced]
    heading: str = ""
    differs: bool = False


def trace_page(trace: Trace, classes: Sequence[str] = ()) -> str:
    """A self-contained page: what was found, one step of gradient descent, every operation to unfold, every weight."""
    facts: list[tuple[str, Cell]] = [("input", shape(trace.inputs)), ("scores", _answer(trace.output, classes))]
    if trace.loss_value is not None:
        facts += [("target", str(trace.target)), (f"E, {trace.loss}", trace.loss_value)]
    body = render(
        "trace.html",
        trace=trace,
        known=len(trace.operations) - len(trace.unknown),
        equal=sum(operation.verdict == "equal" for operation in trace.operations),
        input=_Named("input", trace.inputs),
        facts=draw(Facts([*facts, ("mode", trace.mode)])),
        groups=_groups(trace.operations),
        descent=_descent(trace.descent, trace.weights),
        data=_data,
        shape=shape,
        span=_range,
        results=_results,
    )
    footer = "Drawn by Glasswork from a recorded forward and backward pass; the page computed none of the numbers."
    return document(f"{trace.network}, opened", body, style=asset("trace.css"), footer=footer)


def _answer(output: Values, classes: Sequence[str]) -> str:
    if not output.whole or len(output.numbers) > 1000 or len(output.shape) != 2:
        return shape(output)
    first = output.numbers[: output.shape[1]]
    best = sorted(range(len(first)), key=lambda place: -first[place])[:3]
    names = classes if len(classes) == len(first) else [f"output {place}" for place in range(len(first))]
    return ", ".join(f"{names[place]} {number(first[place])}" for place in best)


def _groups(operations: Sequence[Traced]) -> list[_Group]:
    """All operations one under the other if they are few, else by the part of the network they are in."""
    if len(operations) <= FLAT:
        return [_Group(operations)]
    groups = []
    for name, inside in _group(operations):
        kinds = list(dict.fromkeys(operation.name.replace("_", " ") for operation in inside))
        shown = ", ".join(kinds[:4]) + (", ..." if len(kinds) > 4 else "")
        heading = f"{name or 'the network itself'}: {len(inside)} operations ({shown})" if len(inside) > 1 else ""
        groups.append(_Group(inside, heading, any(operation.verdict == "differs" for operation in inside)))
    return groups


def _group(operations: Sequence[Traced]) -> Iterator[tuple[str, list[Traced]]]:
    """Operations that follow each other in one part of the network, such as `layer1`."""
    inside: list[Traced] = []
    for operation in operations:
        if inside and _part(operation) != _part(inside[0]):
            yield _part(inside[0]), inside
            inside = []
        inside.append(operation)
    if inside:
        yield _part(inside[0]), inside


def _part(operation: Traced) -> str:
    words = operation.module.split(".")
    numbered = len(words) > 1 and words[1].isdigit()
    return ".".join(words[:2]) if numbered else words[0]


def _results(operation: Traced) -> list[_Named]:
    """What came out of an operation, and the errors that came back."""
    named = []
    for place, result in enumerate(operation.results):
        suffix = f" {place + 1}" if len(operation.results) > 1 else ""
        named.append(_Named(f"output{suffix}", result.values))
        if result.upstream is not None:
            named.append(_Named(f"error dE/d(output{suffix})", result.upstream))
    return named


def _data(picture: Picture) -> str:
    image = Image.frombytes("L", (picture.width, picture.height), base64.b64decode(picture.cells))
    return f"data:image/png;base64,{base64.b64encode(encode_png(image, small=True)).decode('ascii')}"


def _descent(descent: Descent | None, weights: Sequence[WeightStep]) -> Markup:
    if descent is None:
        return Markup("")
    facts: list[tuple[str, Cell]] = [
        ("learning rate", descent.learning_rate),
        ("E before", descent.loss_before),
        ("E after", descent.loss_after),
        ("change", descent.loss_after - descent.loss_before),
        ("the gradient predicted", descent.predicted_change),
    ]
    rows = []
    for weight in weights:
        before, slope, after = weight.first
        step = f"{number(before)} - {number(descent.learning_rate)} * {number(slope)} = {number(after)}"
        reached = weight.gradient is not None
        gradient = _range(weight.gradient) if weight.gradient is not None else "no error reaches it"
        rows.append((weight.name, shape(weight.values), _range(weight.values), gradient, step if reached else ""))
    head = ("weight", "shape", "values", "dE/dw", "its first number after the step")
    reading = (
        "w becomes w - (learning rate) dE/dw, on a copy of the network; the loss is then measured again on the "
        "same examples."
    )
    blocks: list[Block] = [Facts(facts), Table(head, rows, noun="weights", look="words")]
    return draw_section(Section("What one step of gradient descent would do", reading, blocks))


def shape(values: Values) -> str:
    """`1 x 64 x 56 x 56`; a number for a single one."""
    if not values.shape:
        return number(float(values.numbers[0])) if values.numbers else "1 number"
    return " x ".join(map(str, values.shape))


def _range(values: Values) -> str:
    if values.minimum is None or values.maximum is None:
        return "empty" if not values.not_finite else "not finite"
    if len(values.numbers) == 1 and values.whole:
        return number(float(values.numbers[0]))
    broken = f", {values.not_finite:,} not finite" if values.not_finite else ""
    return f"{number(values.minimum)} to {number(values.maximum)}{broken}"


def trace_text(trace: Trace, classes: Sequence[str] = ()) -> str:
    """The trace as a tree of modules with a line for each operation; `classes` are the names of the outputs."""
    lines = [f"{trace.network} ({trace.mode}), input {shape(trace.inputs)}, scores {_answer(trace.output, classes)}"]
    before: list[str] = []
    for operation in trace.operations:
        path = operation.module.split(".") if operation.module else []
        common = next(
            (i for i, (a, b) in enumerate(zip(path, before, strict=False)) if a != b), min(len(path), len(before))
        )
        lines += [f"{'  ' * (depth + 1)}{path[depth]}" for depth in range(common, len(path))]
        before = path
        lines.append("  " * (len(path) + 1) + _line(operation))
    if trace.loss_value is not None:
        lines.append(f"E = {number(trace.loss_value)} ({trace.loss}; target {trace.target})")
    if trace.descent is not None:
        one = trace.descent
        lines.append(
            f"one step of gradient descent at rate {one.learning_rate:g}: E {number(one.loss_before)} -> "
            f"{number(one.loss_after)} (the gradient predicted {number(one.predicted_change)})"
        )
    return "\n".join([*lines, *(f"note: {remark}" for remark in trace.remarks)])


def _line(operation: Traced) -> str:
    result = operation.results[0]
    error = "" if result.upstream is None else f"  error {_range(result.upstream)}"
    weights = [
        operand.source.removeprefix("weight ") for operand in operation.operands if operand.source[:7] == "weight "
    ]
    carried = f"  weights {', '.join(weights)}" if weights else ""
    said = f"{operation.number} {operation.name.replace('_', ' ')} -> {shape(result.values)}  {_range(result.values)}"
    return f"{said}{error}{carried}  [{operation.verdict}]"
