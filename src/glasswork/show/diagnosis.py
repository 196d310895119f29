"""A diagnosis of a network, as text and as a page."""

import math
from collections.abc import Sequence

from glasswork.glassbox.diagnose.activity import ActivityOfLayer
from glasswork.glassbox.diagnose.diagnose import Diagnosis
from glasswork.glassbox.diagnose.symptoms import LayerGradient
from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import facts, figure, section, table
from glasswork.show.features_page import FOOTER, style


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """The diagnosis for a terminal: the findings, then the figures by layer."""
    lines = [_verdict(diagnosis), *(f"note: {remark}" for remark in diagnosis.remarks), ""]
    if diagnosis.findings:
        for place, one in enumerate(diagnosis.findings, 1):
            lines += [f"{place}. {one.what}", f"   Try: {one.try_this}", ""]
    else:
        lines += [*diagnosis.sentences, ""]
    if diagnosis.activity:
        lines += [*_columns(_activity_head(), [_activity_cells(one) for one in diagnosis.activity]), ""]
    if diagnosis.gradients:
        lines += [*_columns(_gradient_head(), [_gradient_cells(one) for one in diagnosis.gradients]), ""]
    return "\n".join(lines)


def diagnosis_page(diagnosis: Diagnosis, title: str) -> str:
    """The diagnosis as one HTML page that needs no script, no other file and no network."""
    count = len(diagnosis.findings)
    headline = "Nothing found" if not count else f"{count} thing{'s' if count > 1 else ''} to mend"
    body = (
        f'<header><h1>{escape(title)}</h1><p class="headline"><em>{headline}</em> '
        f"<span>on {number(diagnosis.inputs)} inputs</span></p></header>"
    )
    return charts.document(title, body + diagnosis_sections(diagnosis), style=style(), footer=FOOTER)


def diagnosis_sections(diagnosis: Diagnosis) -> str:
    """The sections of the page, to stand in any page that has the style of `looking` in it."""
    return _findings(diagnosis) + _errors(diagnosis) + _units(diagnosis) + _state(diagnosis)


def _verdict(diagnosis: Diagnosis) -> str:
    count = len(diagnosis.findings)
    found = "nothing found" if not count else f"{count} thing{'s' if count > 1 else ''} to mend"
    return f"{found} on {diagnosis.inputs} inputs (loss {number(diagnosis.loss)})"


def _findings(diagnosis: Diagnosis) -> str:
    lines = [
        f'<li><p>{escape(one.what)}</p><p class="try">{escape(one.try_this)}</p></li>' for one in diagnosis.findings
    ]
    shown = f'<ul class="sick">{"".join(lines)}</ul>'
    if not lines:
        shown = "".join(f'<p class="note">{escape(one)}</p>' for one in diagnosis.sentences)
    return section(
        "What is wrong" if lines else "All is well",
        "The most serious first; mend that and look again, for it often brings the others about."
        if lines
        else "What was looked at, and what that does not say.",
        shown,
    )


def _errors(diagnosis: Diagnosis) -> str:
    rows = [_gradient_cells(one) for one in diagnosis.gradients]
    marked = {layer for one in diagnosis.findings if one.kind in {"vanishing", "exploding"} for layer in one.layers}
    cells = [_marked(row, row[0] in marked) for row in rows]
    compared = [one for one in diagnosis.gradients if one.in_depth]
    return section(
        "Do errors reach every layer?",
        "The gradient of a typical weight in each layer, from the first to the last, on a logarithmic scale. Alike "
        "within a factor of a hundred or so is healthy. Bars that shrink towards the top mean that the first layers "
        "hardly learn.",
        figure("Gradient per weight", _logarithmic_bars([(one.layer, one.size) for one in compared])),
        table([escape(one) for one in _gradient_head()], cells, "layers gradients"),
    )


def _units(diagnosis: Diagnosis) -> str:
    kinds = {"dead-layer", "dead-units", "saturated"}
    marked = {layer for one in diagnosis.findings if one.kind in kinds for layer in one.layers}
    cells = [_marked(_activity_cells(one), one.layer in marked) for one in diagnosis.activity]
    return section(
        "Do the units answer?",
        "A dead unit is a ReLU that gives 0 for every input; a saturated one sits at the limits of tanh or sigmoid for "
        "most of what it is given. Neither lets an error through, so what is below it does not learn. <i>At the "
        "limit</i> is the share of all outputs that are 0 (ReLU) or at the ends of tanh or sigmoid.",
        table([escape(one) for one in _activity_head()], cells, "layers"),
    )


def _state(diagnosis: Diagnosis) -> str:
    rows: list[tuple[str, object]] = [("inputs looked at", diagnosis.inputs), ("loss", diagnosis.loss)]
    if diagnosis.input_mean is not None and diagnosis.input_deviation is not None:
        rows += [("mean of the inputs", diagnosis.input_mean), ("their standard deviation", diagnosis.input_deviation)]
    rows.append(("spread of the outputs", percent(diagnosis.output_spread) + " of their size"))
    remarks = "".join(f'<p class="note">{escape(remark)}</p>' for remark in diagnosis.remarks)
    return section(
        "What was looked at", "The network was run forward and backward once and left as it was.", facts(rows), remarks
    )


def _activity_head() -> tuple[str, ...]:
    return ("Layer", "Function", "Dead or saturated units", "At the limit")


def _activity_cells(one: ActivityOfLayer) -> tuple[str, ...]:
    stuck = f"{number(one.dead)} of {number(one.units)} dead"
    if one.kind != "relu":
        stuck = f"{number(one.saturated)} of {number(one.units)} saturated"
    kind = f"{one.kind}, the output" if one.is_output else one.kind
    return (one.layer, kind, stuck, percent(one.at_limits))


def _gradient_head() -> tuple[str, ...]:
    return ("Layer", "Kind", "Weights", "|w|", "|dE/dw|", "|dE/dw| / |w|", "Per weight")


def _gradient_cells(one: LayerGradient) -> tuple[str, ...]:
    norms = (one.weight_norm, one.gradient_norm, one.ratio, one.size)
    return (one.layer, one.kind, number(one.weights), *(_short(norm) for norm in norms))


def _short(value: float) -> str:
    return number(float(f"{value:.3g}")) if math.isfinite(value) else number(value)


def _marked(cells: Sequence[str], bad: bool) -> tuple[str, ...]:
    first = f'<span class="bad">{escape(cells[0])}</span>' if bad else escape(cells[0])
    return (first, *(escape(cell) for cell in cells[1:]))


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in plain text: the first two columns to the left, figures to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def _logarithmic_bars(rows: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars by powers of ten; 0 and what is not finite get no bar."""
    sizes = [value for _, value in rows if math.isfinite(value) and value > 0]
    if not sizes:
        return ""
    low, high = math.floor(math.log10(min(sizes))) - 1, math.ceil(math.log10(max(sizes)) + 1e-9)
    lines = []
    for name, value in rows:
        drawn = math.isfinite(value) and value > 0
        width = 100 * (math.log10(value) - low) / (high - low) if drawn else 0.0
        lines.append(
            f'<li title="{escape(name)}"><span class="name">{escape(name)}</span>'
            f'<span class="track"><span class="fill" style="width:{width:.1f}%"></span></span>'
            f'<span class="value">{escape(_short(value))}</span></li>'
        )
    return f'<ul class="bars">{"".join(lines)}</ul>'
