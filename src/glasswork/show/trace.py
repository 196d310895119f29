"""An opened network as a page to unfold, and as a tree for the terminal."""

import base64
import io
from collections.abc import Iterator, Sequence
from importlib.resources import files

from PIL import Image

from glasswork.glassbox.tensor_summary import Picture, Values
from glasswork.glassbox.trace.trace import Descent, Operand, Result, Trace, Traced, WeightStep
from glasswork.show import escape, number
from glasswork.show.charts import document, facts, section, table

FLAT = 24
"""Up to so many operations stand one under the other; more are grouped by the part of the network they are in."""

MARKS = {"equal": "equal", "differs": "differs", "unknown": "unknown"}


def trace_page(trace: Trace, classes: Sequence[str] = ()) -> str:
    """A self-contained page: what was found, one step of gradient descent, every operation to unfold, every weight.

    Args:
        trace: an opened network.
        classes: names of its outputs; absent: their numbers are shown.
    """
    body = _head(trace, classes) + _operations(trace) + _descent(trace.descent, trace.weights)
    style = files("glasswork.show").joinpath("trace.css").read_text(encoding="utf-8")
    footer = "Drawn by Glasswork from a recorded forward and backward pass; the page computed none of the numbers."
    return document(f"{trace.network}, opened", body, style=style, footer=footer)


def _head(trace: Trace, classes: Sequence[str]) -> str:
    known = len(trace.operations) - len(trace.unknown)
    compared = sum(operation.verdict == "equal" for operation in trace.operations)
    sentence = (
        f"{known} of its {len(trace.operations)} operations are in the textbook. In {compared} of them the textbook's "
        f"gradient, worked out anew from the recorded input and error, equals the one that torch sent back"
    )
    differing = trace.differing
    sentence += f"; in {len(differing)} it <b>differs</b>." if differing else "; in none it differs."
    rows: list[tuple[str, object]] = [("input", shape(trace.inputs)), ("scores", _answer(trace.output, classes))]
    if trace.loss_value is not None:
        rows += [("target", trace.target), (f"E, {trace.loss}", trace.loss_value)]
    rows.append(("mode", trace.mode))
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in trace.remarks)
    notes = f'<ul class="warnings">{remarks}</ul>' if remarks else ""
    picture = _pictures([("input", trace.inputs)])
    return (
        f'<header class="trace"><h1>{escape(trace.network)}, opened</h1><p>{sentence}</p>{picture}'
        f"{facts(rows)}{notes}</header>"
    )


def _answer(output: Values, classes: Sequence[str]) -> str:
    if not output.whole or len(output.numbers) > 1000 or len(output.shape) != 2:
        return shape(output)
    first = output.numbers[: output.shape[1]]
    best = sorted(range(len(first)), key=lambda place: -first[place])[:3]
    names = classes if len(classes) == len(first) else [f"output {place}" for place in range(len(first))]
    return ", ".join(f"{names[place]} {number(first[place])}" for place in best)


def _operations(trace: Trace) -> str:
    if len(trace.operations) <= FLAT:
        listed = "".join(map(_operation, trace.operations))
    else:
        listed = "".join(_group(name, inside) for name, inside in _grouped(trace.operations))
    legend = (
        '<p class="legend">Unfold an operation for its formula with numbers put in, what went in, what came out, and '
        "the error dE/d(output) that flowed back. <em>equal</em>: the textbook's numbers are torch's; "
        "<em>differs</em>: they are not; <em>unknown</em>: the textbook does not have it; <em>forward only</em>: no "
        "error reached it.</p>"
    )
    return f'<section style="display:block"><h2>Every operation</h2>{legend}<div class="flow">{listed}</div></section>'


def _grouped(operations: Sequence[Traced]) -> Iterator[tuple[str, list[Traced]]]:
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


def _group(name: str, inside: Sequence[Traced]) -> str:
    listed = "".join(map(_operation, inside))
    if len(inside) == 1:
        return listed
    kinds = list(dict.fromkeys(operation.name.replace("_", " ") for operation in inside))
    shown = ", ".join(kinds[:4]) + (", ..." if len(kinds) > 4 else "")
    marked = any(operation.verdict == "differs" for operation in inside)
    flag = ' <span class="verdict-differs">differs</span>' if marked else ""
    heading = f"{escape(name or 'the network itself')}: {len(inside)} operations ({escape(shown)}){flag}"
    return f'<details class="group"><summary>{heading}</summary><div class="inside">{listed}</div></details>'


def _operation(operation: Traced) -> str:
    kind = MARKS.get(operation.verdict, "forward")
    output = operation.results[0].values
    summary = (
        f'<summary><span class="place">{operation.number}</span>'
        f'<span class="what">{escape(operation.name.replace("_", " "))}</span>'
        f'<span class="where">{escape(operation.module)}</span><span class="size">{shape(output)}</span>'
        f'<span class="glance">{_glance(operation.results[0])}</span>'
        f'<span class="mark verdict-{kind}">{escape(operation.verdict)}</span></summary>'
    )
    parts = [_formula(operation), _worked(operation), _delta(operation), _results(operation), _operands(operation)]
    if operation.parts:
        rows = [[escape(part.name), escape(", ".join(map(str, part.shapes)))] for part in operation.parts]
        parts.append(table(("kernel", "shapes"), rows))
    return f'<details class="operation">{summary}<div class="open">{"".join(parts)}</div></details>'


def _glance(result: Result) -> str:
    """Output and error as strips, to follow them down the page."""
    named = (("output", result.values), ("error", result.upstream))
    return "".join(
        f'<img src="{_data(values.picture)}" alt="{name}" title="{name}">'
        for name, values in named
        if values is not None and values.picture is not None
    )


def _formula(operation: Traced) -> str:
    if not operation.known:
        why = operation.remark or "The textbook does not have this operation: its numbers are torch's alone."
        return f"<p>{escape(why)}</p>"
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in operation.settings.items())
    call = f"torch: {operation.call}" + (f"; {settings}" if settings else "")
    remark = f'<p class="verdict-differs">{escape(operation.remark)}</p>' if operation.remark else ""
    return (
        f'<p class="formula">{escape(operation.formula)}</p>'
        f'<p class="quiet">{escape(operation.source)}. {escape(call)}</p>{remark}'
    )


def _worked(operation: Traced) -> str:
    if not operation.numbers:
        return ""
    comparison = operation.results[0].comparison
    where = "".join(f"[{place}]" for place in operation.cell)
    there = operation.number_there
    value = f" = <b>{number(there)}</b>" if there is not None else ""
    checked = ""
    if comparison is not None:
        checked = (
            f'<p class="quiet">Worked out anew in float64, the whole output is at most '
            f"{number(comparison.largest_difference)} away from torch's.</p>"
        )
    return f'<p class="worked">output{where} = {escape(operation.numbers)}{value}</p>{checked}'


def _delta(operation: Traced) -> str:
    delta = operation.delta
    if delta is None:
        return ""
    where = "".join(f"[{place}]" for place in delta.cell)
    return (
        f'<p class="formula">{escape(delta.formula)}</p>'
        f'<p class="worked error">delta{where} = {escape(delta.numbers)} = <b>{number(delta.value)}</b></p>'
    )


def _results(operation: Traced) -> str:
    named = []
    for place, result in enumerate(operation.results):
        suffix = f" {place + 1}" if len(operation.results) > 1 else ""
        named += [(f"output{suffix}", result.values)] + (
            [(f"error dE/d(output{suffix})", result.upstream)] if result.upstream is not None else []
        )
    return _pictures(named) + "".join(_numbers(name, values) for name, values in named)


def _numbers(name: str, values: Values) -> str:
    if not values.whole:
        return ""
    return f'<p class="numbers-list">{escape(name)}: {", ".join(number(float(one)) for one in values.numbers)}</p>'


def _pictures(named: Sequence[tuple[str, Values]]) -> str:
    drawn = [_picture(name, values.picture) for name, values in named if values.picture is not None]
    return f'<div class="pictures">{"".join(drawn)}</div>' if drawn else ""


def _picture(name: str, picture: Picture) -> str:
    zoom = max(1, min(4, 640 // picture.width, 240 // picture.height))
    caption = f"{name}: black {number(picture.low)}, white {number(picture.high)}"
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<img src="{_data(picture)}" width="{picture.width * zoom}" height="{picture.height * zoom}" '
        f'alt="{escape(name)}"></figure>'
    )


def _data(picture: Picture) -> str:
    image = Image.frombytes("L", (picture.width, picture.height), base64.b64decode(picture.cells))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _operands(operation: Traced) -> str:
    rows = []
    for operand in operation.operands:
        rows.append(
            [
                escape(operand.symbol),
                escape(operand.source),
                shape(operand.values),
                _range(operand.values),
                "" if operand.gradient is None else _range(operand.gradient),
                _compared(operand),
            ]
        )
    return table(("symbol", "from", "shape", "values", "dE/d(it)", "beside autograd's"), rows, "operands")


def _compared(operand: Operand | Result) -> str:
    comparison = operand.comparison
    if comparison is None:
        return ""
    if not comparison.differs:
        return f"equal, to {number(comparison.largest_difference)}"
    both = f"textbook {number(comparison.textbook)}, torch {number(comparison.torch)}"
    return f'<b class="verdict-differs">differs</b> {both}'


def _descent(descent: Descent | None, weights: Sequence[WeightStep]) -> str:
    if descent is None:
        return ""
    change = descent.loss_after - descent.loss_before
    rows: list[tuple[str, object]] = [
        ("learning rate", descent.learning_rate),
        ("E before", descent.loss_before),
        ("E after", descent.loss_after),
        ("change", change),
        ("the slope promised", descent.predicted_change),
    ]
    lines = []
    for weight in weights:
        before, slope, after = weight.first
        shown = f"{number(before)} - {number(descent.learning_rate)} * {number(slope)} = {number(after)}"
        lines.append(
            [
                escape(weight.name),
                shape(weight.values),
                _range(weight.values),
                "no error reaches it" if weight.gradient is None else _range(weight.gradient),
                "" if weight.gradient is None else shown,
            ]
        )
    listed = table(("weight", "shape", "values", "dE/dw", "its first number after the step"), lines, "operands")
    reading = "w becomes w - (learning rate) dE/dw, tried on a copy: the loss is measured again, on the same examples."
    return section("What one step of gradient descent would do", reading, facts(rows), listed)


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
            f"{number(one.loss_after)} (the slope promised {number(one.predicted_change)})"
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
