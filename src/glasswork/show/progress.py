"""The progress of a run on a terminal: loss, accuracy, examples per second, time left."""

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from glasswork.report.figures import write_main
from glasswork.report.words import duration
from glasswork.show.console import console_on

if TYPE_CHECKING:
    from glasswork.training.stage import Step

REFRESH_SECONDS = 0.2


def show_progress(steps: "Iterator[Step]", console: Console, unit: str = "examples") -> "Iterator[Step]":
    """Draws a bar while steps go by; without a terminal, a line per epoch."""
    return _bar(steps, console, unit) if console.is_terminal else _lines(steps, console, unit)


FIRST_LINES, SECONDS_APART = 20, 1.0
"""Without a terminal a line for each of the first epochs, then at most one a second: short epochs come in thousands."""


class _Figures(ProgressColumn):
    """The numbers beside the bar, as the loop below words them."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields["figures"]))


def _bar(steps: "Iterator[Step]", console: Console, unit: str) -> "Iterator[Step]":
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), _Figures())
    drawn, examples, loss, judged = 0.0, 0, 0.0, ""
    first: Step | None = None
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("starting", total=1.0, figures="")
        for step in steps:
            now = time.monotonic()
            first = first or step
            examples += step.examples
            if step.judgement is not None:
                metrics = step.judgement.metrics
                judged = f"  validation {write_main(metrics) or format(metrics['loss'], '.4f')}"
            if now - drawn >= REFRESH_SECONDS or step.last:
                fresh = step.loss.item()
                loss = fresh if drawn == 0.0 else 0.5 * loss + 0.5 * fresh
                spent, done = step.elapsed - first.elapsed, step.progress - first.progress
                speed = f"  {examples / spent:,.0f} {unit}/s" if done > 0 else ""
                left = f"  {duration(spent / done * (1 - step.progress))} left" if done > 0 and not step.last else ""
                progress.update(
                    task,
                    completed=1.0 if step.last else step.progress,
                    description=f"epoch {step.epoch}",
                    figures=f"loss {loss:.4f}{judged}{speed}{left}",
                )
                progress.refresh()
                drawn = now
            yield step


def _lines(steps: "Iterator[Step]", console: Console, unit: str) -> "Iterator[Step]":
    since, examples, shown = 0.0, 0, 0.0
    for step in steps:
        examples += step.examples
        if (step.epoch_ended and (step.epoch <= FIRST_LINES or step.elapsed - shown >= SECONDS_APART)) or step.last:
            shown = step.elapsed
            judged = ""
            if step.judgement is not None:
                metrics = step.judgement.metrics
                validated = f"loss {metrics['loss']:.4f} " if "loss" in metrics else ""
                judged = f"  validation {validated}{write_main(metrics)}"
            rate = examples / max(step.elapsed - since, 1e-9)
            since, examples = step.elapsed, 0
            line = f"epoch {step.epoch}  loss {step.loss.item():.4f}{judged}  {rate:,.0f} {unit}/s"
            console.print(line, highlight=False)
        yield step


def watch(steps: Iterator[tuple[float, str]], console: Console) -> Iterator[tuple[float, str]]:
    """Draws a bar with what is being done; without a terminal, prints a line each time that changes."""
    if not console.is_terminal:
        last = ""
        for step in steps:
            if step[1] not in {last, ""}:
                console.print(escape(step[1]))
                last = step[1]
            yield step
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeRemainingColumn())
    drawn = 0.0
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("starting", total=1.0)
        for share, words in steps:
            if time.monotonic() - drawn >= REFRESH_SECONDS:
                drawn = time.monotonic()
                progress.update(task, completed=share, description=escape(words))
                progress.refresh()
            yield share, words


def console_for_people() -> Console:
    """Standard error, so that standard output holds results alone."""
    return console_on(sys.stderr)
