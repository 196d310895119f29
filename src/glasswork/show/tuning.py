"""A search: its lines in the terminal, and its page."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape, number, percent
from glasswork.show.charts import facts, section
from glasswork.show.progress import duration, main_metric, worded
from glasswork.show.sections import Chart, Part, drawn_parts
from glasswork.show.terminal import print_table

MOST_SHOWN = 10
SHARES = ("accuracy", "f1", "exact_match")
FOOTER = "Drawn by Glasswork from the study of the search and the run of its best recipe."
Found = Mapping[str, Any]


def beginning(found: Found, trials: int | None) -> str:
    """What is searched, before the first trial."""
    there = len(found["trials"]) - found["counts"]["stopped"]
    wanted = "as many trials as fit in the time" if trials is None else f"{trials} trials"
    had = f", {there} of them there already" if there else ""
    head = f"{found['preset']} on {found['data']}: {wanted}{had}, judged by validation {found['judge']}"
    ranges = (f"  {name}: {words}" for name, words in found["ranges"].items())
    return "\n".join([head, *ranges, f"study: {found['study']}"])


def line_of_trial(judge: str, trial: Found) -> str:
    """A trial that has ended, in a line."""
    figure = "" if trial["figure"] is None else f"  validation {judge} {written(judge, trial['figure'])}"
    after = f" after epoch {trial['epochs']}" if trial["state"] in {"pruned", "stopped"} else ""
    why = f": {trial['reason']}" if trial["reason"] else ""
    return f"trial {trial['number']} {trial['state']}{after}{figure}  {values_in_words(trial['values'])}{why}"


def print_tuned(console: Console, found: Found) -> None:
    """The best trials, what mattered, and the run of the best recipe."""
    ranked = ranking(found)
    keys = list(found["ranges"])
    rows = [
        [trial["number"], written(found["judge"], trial["figure"]), *(_cell(trial["values"].get(key)) for key in keys)]
        for trial in ranked[:MOST_SHOWN]
    ]
    print_table(console, ["trial", f"validation {found['judge']}", *map(_spaced, keys)], rows)
    console.print(plain(f"\n{counted(found)}"), soft_wrap=True)
    if found["importance"]:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found["importance"].items())
        console.print(plain(f"what the differences go back to: {shares}"), soft_wrap=True)
    result = found["result"]
    figure = worded(result["test"]) or f"loss {result['test']['loss']:.4f}"
    console.print(f"\n[bold]{result['measured_on']} {figure}[/bold]  of the best recipe, trained as {result['run']}")
    console.print(plain(f"study: {found['study']}   report: {result['run']}/report.html\n\nnext:"), soft_wrap=True)
    console.print(plain(f"  {found['command']}"), soft_wrap=True)


def counted(found: Found) -> str:
    """How many trials ended in which way, in a sentence."""
    words = ", ".join(f"{count} {state}" for state, count in found["counts"].items() if count)
    return f"{len(found['trials'])} trials: {words}."


def ranking(found: Found) -> list[Found]:
    """The finished trials, the best first."""
    sign = 1 if found["smaller_is_better"] else -1
    return sorted((t for t in found["trials"] if t["state"] == "finished"), key=lambda trial: sign * trial["figure"])


def tuning_page(found: Found) -> str:
    """The page of a search.

    Args:
        found: `Tuned.to_json()`, with the `result` of the run of the best recipe.
    """
    result, judge = found["result"], found["judge"]
    best = next(trial for trial in found["trials"] if trial["number"] == found["best"])
    name, value = main_metric(result["test"]) or ("loss", result["test"]["loss"])
    figure = percent(value) if name in SHARES else number(value)
    parts = [
        Part(
            "The best so far",
            f"The least validation {judge} after each trial that finished."
            if found["smaller_is_better"]
            else f"The greatest validation {judge} after each trial that finished.",
            charts=[
                Chart(f"Validation {judge}", [(judge, found["best_so_far"])], "trial", found["best"], judge in SHARES)
            ],
        ),
        Part(
            "What mattered",
            "Of each searched number, the share of the differences between good and other trials that goes back to it "
            "(PED-ANOVA, Watanabe, Bansal and Hutter 2023). A number that matters little may stay as it was.",
            head=["searched", "share"] if found["importance"] else (),
            rows=[[key, f"{100 * share:.1f} %"] for key, share in found["importance"].items()],
        ),
        Part(
            "Every trial",
            "Trials that finished, the best first, then the others. A pruned trial stayed behind the median of the "
            "others at the same epoch.",
            head=["trial", f"validation {judge}", "ended", "epochs", "time", *map(_spaced, found["ranges"])],
            rows=[_row(found, trial) for trial in [*ranking(found), *_others(found)]],
        ),
    ]
    searched = facts([*((_spaced(name), words) for name, words in found["ranges"].items()), ("study", found["study"])])
    command = f'<dl class="next"><dt><code>{escape(found["command"])}</code></dt><dd>trains the best recipe</dd></dl>'
    body = (
        f"<header><h1>{escape(found['preset'])} on {escape(found['data'])}, searched</h1>"
        f'<p class="headline"><strong>{figure}</strong> <em>{escape(result["measured_on"])} {escape(name)}</em></p>'
        f'<p class="verdict">Trial {best["number"]} was the best of {len(found["trials"])}, with a validation '
        f"{escape(judge)} of {written(judge, best['figure'])}: {escape(values_in_words(best['values']))}. Its "
        f"recipe was then trained as {escape(result['run'])}. The search was judged by validation examples alone; the "
        f"test examples were used once, for the figure above.</p></header>"
        f"{drawn_parts(parts)}{section('What was searched', '', searched)}{section('The best recipe', '', command)}"
    )
    return charts.document(f"{found['preset']} on {found['data']}, searched", body, footer=FOOTER)


def written(judge: str, figure: float) -> str:
    """A figure of the validation for people."""
    return percent(figure).replace("\u202f", " ") if judge in SHARES else f"{figure:.4g}"


def values_in_words(values: Found) -> str:
    """Fields and values of a trial."""
    return ", ".join(f"{_spaced(name)} {_cell(value)}" for name, value in values.items())


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _row(found: Found, trial: Found) -> list[str | int | float | None]:
    figure = None if trial["figure"] is None else written(found["judge"], trial["figure"])
    values = [_cell(trial["values"].get(key)) for key in found["ranges"]]
    ended = f"{trial['state']}: {trial['reason']}" if trial["reason"] else trial["state"]
    return [trial["number"], figure, ended, trial["epochs"], duration(trial["seconds"]), *values]


def _others(found: Found) -> list[Found]:
    return [trial for trial in found["trials"] if trial["state"] != "finished"]


def _cell(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else "-" if value is None else str(value)
