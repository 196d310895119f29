"""A diagnosis as a report: what is wrong and what to try, errors layer by layer, units that do not answer."""

import math
from collections.abc import Collection, Sequence

from glasswork.glassbox.diagnose.activity import ActivityOfLayer
from glasswork.glassbox.diagnose.diagnose import Diagnosis
from glasswork.glassbox.diagnose.symptoms import LayerGradient
from glasswork.report.blocks import Bars, Block, Facts, Table, Text
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import number, percent

ACTIVITY = ("Layer", "Function", "Dead or saturated units", "At the limit")
GRADIENT = ("Layer", "Kind", "Weights", "|w|", "|dE/dw|", "|dE/dw| / |w|", "Per weight")


def report_of(diagnosis: Diagnosis, title: str) -> Report:
    """The diagnosis as a page, and as what a terminal shows."""
    count = len(diagnosis.findings)
    found = "Nothing found" if not count else f"{count} thing{'s' if count > 1 else ''} to mend"
    verdict = f"{found[:1].lower()}{found[1:]} on {diagnosis.inputs} inputs (loss {number(diagnosis.loss)})"
    said = [verdict, *(f"note: {remark}" for remark in diagnosis.remarks)]
    lines = [f"{place}. {one.what}\n   Try: {one.try_this}" for place, one in enumerate(diagnosis.findings, 1)]
    activity, gradients = _activity(diagnosis.activity), _gradients(diagnosis.gradients)
    return Report(
        title,
        sections_of(diagnosis),
        headline=Headline("", found, f"on {number(diagnosis.inputs)} inputs"),
        summary=[
            Text("\n\n".join(["\n".join(said), *(lines or diagnosis.sentences)])),
            *([activity] if activity.rows else []),
            *([gradients] if gradients.rows else []),
        ],
        footer="Drawn by Glasswork from what the network did with these inputs; the page computed none of the numbers.",
    )


def sections_of(diagnosis: Diagnosis) -> list[Section]:
    """The sections of the page, to stand in any page."""
    state: list[tuple[str, str | int | float]] = [("inputs looked at", diagnosis.inputs), ("loss", diagnosis.loss)]
    if diagnosis.input_mean is not None and diagnosis.input_deviation is not None:
        state.append(("mean of the inputs", diagnosis.input_mean))
        state.append(("their standard deviation", diagnosis.input_deviation))
    state.append(("spread of the outputs", percent(diagnosis.output_spread) + " of their size"))
    errors = _layers(diagnosis, {"vanishing", "exploding"})
    units = _layers(diagnosis, {"dead-layer", "dead-units", "saturated"})
    in_depth = [(one.layer, _short(one.size)) for one in diagnosis.gradients if one.in_depth]
    bars = Bars("Gradient per weight", in_depth, "layers", logarithmic=True)
    return [
        _wrong(diagnosis),
        Section(
            "Do errors reach every layer?",
            "The gradient of a typical weight in each layer, from the first to the last, on a logarithmic scale. Alike "
            "within a factor of a hundred or so is healthy. Bars that shrink towards the top mean that the first "
            "layers hardly learn.",
            [*([bars] if any(size > 0 for _, size in in_depth) else []), _gradients(diagnosis.gradients, errors)],
        ),
        Section(
            "Do the units answer?",
            "A dead unit is a ReLU that gives 0 for every input; a saturated one sits at the limits of tanh or sigmoid "
            "for most of what it is given. Neither lets an error through, so what is below it does not learn. “At the "
            "limit” is the share of all outputs that are 0 (ReLU) or at the ends of tanh or sigmoid.",
            [_activity(diagnosis.activity, units)],
        ),
        Section(
            "What was looked at",
            "The network was run forward and backward once and left as it was.",
            [Facts(state), *map(Text, diagnosis.remarks)],
        ),
    ]


def _wrong(diagnosis: Diagnosis) -> Section:
    if not diagnosis.findings:
        reading = "What was looked at, and what that does not say."
        return Section("All is well", reading, [Text(one) for one in diagnosis.sentences])
    blocks: list[Block] = []
    for one in diagnosis.findings:
        blocks += [Text(one.what, "warning"), Text(one.try_this, "remedy")]
    reading = "The most serious first; mend that and look again, for it often brings the others about."
    return Section("What is wrong", reading, blocks)


def _layers(diagnosis: Diagnosis, kinds: Collection[str]) -> set[str]:
    """The layers in which something of these kinds was found."""
    return {layer for one in diagnosis.findings if one.kind in kinds for layer in one.layers}


def _activity(activity: Sequence[ActivityOfLayer], wrong: Collection[str] = ()) -> Table:
    rows = []
    for one in activity:
        stuck = f"{number(one.dead)} of {number(one.units)} dead"
        if one.kind != "relu":
            stuck = f"{number(one.saturated)} of {number(one.units)} saturated"
        kind = f"{one.kind}, the output" if one.is_output else one.kind
        rows.append((one.layer, kind, stuck, percent(one.at_limits)))
    return Table(ACTIVITY, rows, noun="layers", wrong=[k for k, one in enumerate(activity) if one.layer in wrong])


def _gradients(gradients: Sequence[LayerGradient], wrong: Collection[str] = ()) -> Table:
    rows = [
        (
            one.layer,
            one.kind,
            number(one.weights),
            *(number(_short(norm)) for norm in (one.weight_norm, one.gradient_norm, one.ratio, one.size)),
        )
        for one in gradients
    ]
    return Table(GRADIENT, rows, noun="layers", wrong=[k for k, one in enumerate(gradients) if one.layer in wrong])


def _short(value: float) -> float:
    return float(f"{value:.3g}") if math.isfinite(value) else value
