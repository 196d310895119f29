"""What the verbs print about runs: their data before training, their figures after it, and what is exported of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from glasswork.glassbox.expressions import write_number
from glasswork.report.figures import main_metric, write_figure
from glasswork.report.words import duration
from glasswork.show.terminal import print_table

if TYPE_CHECKING:
    from glasswork.data.summary import Summary
    from glasswork.execution import Execution

MOST_LISTED = 20
MOST_NUMBERS = 8


def print_summary(console: Console, preset: str, summary: "Summary") -> None:
    """What the data is, and what to mind about it, before training."""
    counts = ", ".join(f"{count:,} {name}" for name, count in summary.counts.items())
    console.print(
        f"[bold]{escape(preset)}[/bold] on [bold]{escape(summary.source)}[/bold]" + f": {counts}" * bool(counts)
    )
    console.print(f"{escape(summary.inputs)}; {escape(summary.target)}")
    if 0 < len(summary.class_counts) <= MOST_LISTED and summary.imbalance > 1.5:
        listed = ", ".join(f"{name} {count:,}" for name, count in summary.class_counts.items())
        console.print(f"training examples per class: {escape(listed)}")
    for warning in summary.warnings:
        console.print(f"[yellow]note:[/yellow] {escape(warning)}")


def print_numerics(console: Console, execution: "Execution") -> None:
    """How the arithmetic is carried out, and what was measured to choose it."""
    threads = f"{execution.threads} thread{'s' if execution.threads > 1 else ''}"
    chosen = f"{execution.device}, {threads}, {execution.precision}, {execution.memory_format}"
    kept = ", memory kept" if execution.allocator == "keep" else ""
    tried = "; ".join(f"{way} {milliseconds:.1f} ms" for way, milliseconds in execution.measured)
    console.print(f"{chosen}{kept}" + (f"  [dim](per step: {tried})[/dim]" if tried else ""))


def print_result(console: Console, result: Mapping[str, Any], commands: Sequence[tuple[str, str]]) -> None:
    """The short summary after a run."""
    print_updates(console, result.get("updates", {}))
    test, where = result["test"], result["measured_on"]
    figure = write_figure(test)
    others = ", ".join(f"{key} {value:.4f}" for key, value in test.items() if key != main_metric(test) or key == "loss")
    best = f", best after epoch {result['best_epoch']} of {result['epochs']}" if result["best_epoch"] else ""
    if test:
        console.print(f"\n[bold]{where} {figure}[/bold]" + (f"  ({others})" if others else ""))
    console.print(f"{result['steps']:,} steps in {duration(result['seconds'])}{best}")
    for remark in result.get("remarks", ()):
        console.print(escape(remark), soft_wrap=True)
    for sentence in result.get("left_out", ()):
        console.print(
            f"[yellow]note:[/yellow] {escape(sentence)}; see {escape(result['run'])}/left_out.txt", soft_wrap=True
        )
    console.print(f"run: {escape(result['run'])}   report: {escape(result['run'])}/report.html\n\nnext:")
    width = max(len(command) for command, _ in commands)
    for command, sentence in commands:
        console.print(f"  {escape(command.ljust(width))}  [dim]{escape(sentence)}[/dim]", soft_wrap=True)


def print_updates(console: Console, updates: Mapping[str, Mapping[str, Any]]) -> None:
    """The updates of `result.json`, line by line: which number, the slide's formula, the numbers put in, the value."""
    for name, update in updates.items():
        console.print(
            f"\n[bold]the {name} update[/bold]: epoch {update['epoch']:,}, example {escape(update['example'])}"
        )
        console.print(f"  x = ({_few(update['x'])}), t = ({_few(update['t'])}), eta = {update['learning_rate']:g}")
        width = max(len(line["index"]) for line in update["lines"])
        for line in update["lines"]:
            words = (
                f"  {line['index']:{width}}  {line['symbol']} = {line['formula'].removeprefix(line['symbol'] + ' = ')}"
            )
            console.print(escape(f"{words} = {line['numbers']} = {write_number(line['value'])}"), soft_wrap=True)


def _few(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values[:MOST_NUMBERS]) + (", ..." if len(values) > MOST_NUMBERS else "")


def print_runs(console: Console, runs: Sequence[tuple[str, Mapping[str, Any] | None, str]]) -> None:
    """The runs of a folder: name, result or None if one is not finished, and why it cannot be read."""
    rows: list[tuple[object, ...]] = []
    for name, result, problem in runs:
        if problem:
            rows.append((name, "", "damaged", "-", "-"))
        elif result is None:
            rows.append((name, "", "unfinished", "-", f"glasswork resume {name}"))
        else:
            figure = write_figure(result["test"])
            rows.append((name, result["data"], figure, result["epochs"], duration(result["seconds"])))
    print_table(console, ("run", "data", "test", "epochs", "time"), rows)
    for _, _, problem in runs:
        if problem:
            console.print(escape(problem), soft_wrap=True)


MOST_WORDS = 90
Found = Mapping[str, Any]


def print_export(console: Console, found: Found) -> None:
    """The file, its inputs and outputs, and how it was checked."""
    console.print(escape(f"{found['path']}: {size(found['bytes'])}"), soft_wrap=True)
    if found["scaled"]:
        rows = [_row("input", found["input"]), *(_row("output", port) for port in found["outputs"])]
        print_table(console, ("", "name", "numbers", "shape", "meaning"), rows)
    else:
        console.print(
            "Only the weights, with the names of the module. Scale inputs as the task says: "
            "(x / 255 - mean) / deviation for images, (x - mean) / deviation for other numbers.",
            soft_wrap=True,
        )
    said = f"read back by {found['reader']} and compared on {found['checked']} real inputs: "
    console.print(escape(f"{said}the largest difference is {found['difference']:.2g}"), soft_wrap=True)


def size(count: int) -> str:
    """A number of bytes, for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} KB"


def _row(kind: str, port: Found) -> list[object]:
    meaning = str(port["meaning"])
    shown = meaning if len(meaning) <= MOST_WORDS else f"{meaning[: MOST_WORDS - 4]} ..."
    return [kind, port["name"], port["dtype"], "(" + ", ".join(map(str, port["shape"])) + ")", shown]
