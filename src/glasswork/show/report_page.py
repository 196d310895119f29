"""The page of a report: draws what `report.Report` holds and computes none of it."""

import math
from dataclasses import astuple

from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import Series, facts, figure, folded, section, table
from glasswork.show.report import Report, Value
from glasswork.show.sections import drawn_parts
from glasswork.show.worked import sections


def to_html(report: Report) -> str:
    """The report as one HTML page that needs no script, no other file and no network."""
    parts = (
        _head,
        _warnings,
        _curves,
        _parts,
        sections,
        _mistakes,
        _calibration,
        _data,
        _network,
        _recipe,
        _machine,
        _next,
    )
    return charts.document(report.title, "".join(part(report) for part in parts))


def _measured(report: Report, value: float) -> str:
    return percent(value) if report.headline_in_percent else number(value)


def _head(report: Report) -> str:
    splits = {report.measured_on: report.test_metrics, "Validation": report.validation_metrics}
    splits = {split: metrics for split, metrics in splits.items() if metrics}
    rows = []
    for name in dict.fromkeys(name for metrics in splits.values() for name in metrics):
        write = _measured if name == report.headline_metric else lambda _, value: number(value)
        cells = (write(report, metrics[name]) if name in metrics else "" for metrics in splits.values())
        rows.append((escape(name), *cells))
    count = f" <span>{escape(report.headline_count)}</span>" if report.headline_count else ""
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="headline"><strong>{_measured(report, report.headline_value)}</strong> '
        f"<em>{escape(report.headline_metric)}</em>{count}</p>"
        f'<p class="verdict">{_verdict(report)}</p>'
        f"{table(('Metric', *splits), rows, 'metrics')}</header>"
    )


def _verdict(report: Report) -> str:
    """How good the headline is and how sure, in words."""
    value, low, high = report.headline_value, report.headline_low, report.headline_high
    if not math.isfinite(value):
        return "The run ended without a figure that means anything; the curves below show where it went astray."
    words = []
    if report.headline_count and report.headline_in_percent:
        wrong = round(1000 * (1 - value))
        rare = "Not one was wrong." if value == 1 else "Hardly one in 1,000 is wrong."
        words.append(f"That is about {number(wrong)} wrong in every 1,000." if wrong else rare)
    if low is not None and high is not None:
        ends = f"{_measured(report, low)} and {_measured(report, high)}"
        words.append(
            f"With this many examples to test on, the true figure plausibly lies between {ends} (95 % interval)."
        )
    if report.baseline_value is not None:
        sign = 1 if report.headline_higher_is_better else -1
        ends_of_interval = [sign * end for end in (low, high) if end is not None] or [sign * value]
        judged = "so the test cannot tell the two apart"
        if min(ends_of_interval) > sign * report.baseline_value:
            judged = "so the network has clearly learned something"
        elif max(ends_of_interval) < sign * report.baseline_value:
            judged = "so the network does worse than that"
        name = escape(report.baseline_name or "answering without looking")
        words.append(f"For comparison, {name} reaches {_measured(report, report.baseline_value)}, {judged}.")
    return " ".join(words)


def _warnings(report: Report) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in report.warnings)
    reading = "What was odd about the data or the run; each may move the figures on this page."
    return section("Before you trust it", reading, f'<ul class="warnings">{lines}</ul>' if lines else "")


def _curves(report: Report) -> str:
    training = Series("training", [(point.epoch, point.training_loss) for point in report.epochs], "second")
    losses, metric, rates = (
        [(point.epoch, value) for point in report.epochs if (value := getattr(point, name)) is not None]
        for name in ("validation_loss", "validation_metric", "learning_rate")
    )
    best, name, shares = report.best_epoch, report.headline_metric, report.headline_in_percent
    both = [training, Series("validation", losses)] if losses else [training]
    by_step = Series("training loss", report.steps, "faint")
    drawn = (
        figure("Loss", charts.line_chart(both, "loss by epoch", marked=best)),
        figure(f"Validation {name}", charts.line_chart([Series(name, metric)], name, marked=best, as_percent=shares)),
        figure("Training loss, step by step", charts.line_chart([by_step], "loss by step", "step")),
        figure("Learning rate", charts.line_chart([Series("learning rate", rates, "second")], "learning rate")),
    )
    return section(
        "How it learned",
        "Both losses should fall. Where training goes on falling while validation rises, the network has begun to "
        "learn its examples by heart; the best epoch, whose weights were kept, comes before that.",
        f'<div class="figures">{"".join(drawn)}</div>' if any(drawn) else "",
    )


def _parts(report: Report) -> str:
    return drawn_parts(report.parts)


def _mistakes(report: Report) -> str:
    reading = (
        "Each row of the table is what the examples are, each column what the network said: the diagonal is right, "
        "every other count a confusion."
    )
    parts = []
    if report.confusion is not None:
        classes, matrix = report.confusion.classes, report.confusion.matrix
        caption = "Answers to the examples it was tested on"
        if len(classes) > charts.MOST_CLASSES_IN_A_TABLE:
            caption, reading = "Most often confused", "What the examples are, and what the network took them for."
        parts.append(figure(caption, charts.confusion_table(classes, matrix)))
        silent = [escape(name) for index, name in enumerate(classes) if not any(row[index] for row in matrix)]
        parts.append(f'<p class="note">Never given as an answer: {", ".join(silent)}.</p>' if silent else "")
        flawless = not any(count for i, row in enumerate(matrix) for j, count in enumerate(row) if i != j)
        parts.append('<p class="note">Not one mistake in the test.</p>' if flawless else "")
    if report.predictions:
        reading = "Each point is one example; the nearer to the diagonal, the better the prediction."
        parts.append(figure("Predicted against true", charts.scatter(report.predictions), "single"))
    if report.per_label:
        reading = "Precision: how many of the labels given were right. Recall: how many of the true labels were found."
        rows = [
            (escape(row.label), number(row.count), *(percent(share) for share in (row.precision, row.recall, row.f1)))
            for row in report.per_label
        ]
        drawn = table(("Label", "Count", "Precision", "Recall", "F1"), rows, "metrics")
        parts.append(folded("labels", drawn, len(rows)))
    pictures = charts.gallery([astuple(mistake) for mistake in report.mistakes])
    return section("What it gets wrong", reading, *parts, figure("The mistakes it was surest of", pictures))


def _calibration(report: Report) -> str:
    error, note = report.expected_calibration_error, ""
    if error is not None:
        words = f"On average, how sure it was and how often it was right lie {percent(error)} apart"
        note = f'<p class="note">{words} (expected calibration error).</p>'
    diagram = charts.reliability_diagram([astuple(each) for each in report.calibration])
    return section(
        "Can its confidence be trusted?",
        "Of all answers given with 80 % confidence, 80 % should be right: then the bar ends on the diagonal. Below "
        "it the network is too sure, above it too modest; the figure on a bar is how many answers it stands for.",
        figure("How often it was right, by how sure it was", diagram, "single"),
        note,
    )


def _data(report: Report) -> str:
    return section(
        "The data",
        "What it learned from; classes with few examples are as a rule learned worst.",
        facts(report.data),
        figure("Training examples", folded("classes", charts.bars(report.class_counts), len(report.class_counts))),
    )


def _network(report: Report) -> str:
    rows = [(escape(row.layer), escape(row.output_shape), number(row.parameters)) for row in report.network]
    total = "" if report.parameters is None else f'<p class="note">{number(report.parameters)} parameters in all.</p>'
    return section(
        "The network",
        "The data pass from top to bottom; output is the shape of what a layer hands on, parameters what it learned.",
        folded("layers", table(("Layer", "Output", "Parameters"), rows, "numbers"), len(rows)),
        total,
    )


def _recipe(report: Report) -> str:
    drawn = {}
    for default in (False, True):
        cells = [
            (escape(row.name), _setting(row.value), escape(row.origin), escape(row.sentence))
            for row in report.recipe
            if (row.origin == "default") is default
        ]
        drawn[default] = table(("Field", "Value", "From", "What it is"), cells, "recipe")
    if drawn[False] and drawn[True]:
        drawn[True] = f"<details><summary>The settings left at their defaults</summary>{drawn[True]}</details>"
    return section(
        "The recipe",
        "Every setting: <i>asked</i> by you, part of the <i>preset</i>, <i>derived</i> from the data or the machine, "
        "or left at its <i>default</i>.",
        *drawn.values(),
    )


def _setting(value: Value) -> str:
    """As the recipe file writes it, so that it can be copied from the page."""
    return "–" if value is None else escape(str(value).lower() if isinstance(value, bool) else value)


def _machine(report: Report) -> str:
    reading = "Where it ran and what the time went into; another machine takes another time for much the same figures."
    return section("Machine and time", reading, facts(report.timing), facts(report.machine))


def _next(report: Report) -> str:
    pairs = ((escape(command), escape(what)) for command, what in report.next_commands)
    lines = "".join(f"<dt><code>{command}</code></dt><dd>{what}</dd>" for command, what in pairs)
    reading = "Commands to type in a terminal, in the folder where you trained."
    return section("What to do next", reading, f'<dl class="next">{lines}</dl>' if lines else "")
