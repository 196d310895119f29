"""A cross-validation: its table in the terminal, and its page with the slide's curve of error against setting."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import NARROW_SPACE, charts, error_curve, escape, number, percent
from glasswork.show.charts import facts, figure, folded, section, table
from glasswork.show.error_curve import Point, axis_around, curve
from glasswork.show.terminal import print_table

WORDS = {"hidden": "hidden units"}
CAPACITY = (
    "With too little both errors are high, for the network cannot fit the data; with too much training goes on falling "
    "while validation rises, for it learns its examples by heart."
)
RESTRAINT = (
    "With too little the network learns its examples by heart, and validation stays far above training; with too much "
    "both errors rise, for it cannot fit the data."
)
READINGS = {
    "hidden": CAPACITY,
    "epochs": CAPACITY,
    "strength": RESTRAINT,
    "weight_decay": RESTRAINT,
    "dropout": RESTRAINT,
}
FOOTER = "Drawn by Glasswork from the figures of every fold."
STYLE = """
.single { max-width: 480px; }
.settings td { white-space: nowrap; }
.chosen { font-weight: 600; }
"""

Found = Mapping[str, Any]


def print_crossvalidation(console: Console, found: Found) -> None:
    """The settings in a table, the choice, and the command that trains it."""
    keys = list(found["settings"][0]["values"])
    rows = [
        [
            *(_value(one["values"][key]) for key in keys),
            f"{one['parameters']:,}",
            _share(found, one["training_error"]),
            _judged(found, one),
            _mark(found, place),
        ]
        for place, one in enumerate(found["settings"])
    ]
    head = [*map(_field, keys), "parameters", "training", "validation error", ""]
    print_table(console, head, rows)
    console.print(plain(f"\n{choice(found)}"), soft_wrap=True)
    for name, problem in found["failed"].items():
        console.print(plain(f"{name} could not be trained to the end: {problem}"), soft_wrap=True)
    if 1 in found["stacks"]:
        console.print(plain(f"networks trained at the same time: {trained_together(found)}"), soft_wrap=True)
    for remark in found["remarks"]:
        console.print(plain(f"note: {remark}"), soft_wrap=True)
    console.print(plain(f"\nnext:\n  {found['settings'][found['chosen']]['command']}"), soft_wrap=True)


def choice(found: Found) -> str:
    """The choice in a sentence."""
    settings, best, chosen = found["settings"], found["best"], found["chosen"]
    least, limit = _share(found, settings[best]["error"]), _share(found, found["threshold"])
    if len(settings) == 1:
        spread = _share(found, settings[0]["standard_error"])
        return f"{settings[0]['name']}: error {least} on examples not trained on, standard error {spread}."
    if best == chosen:
        simpler = "; none that is simpler comes within one standard error of it" if found["reason"] or best else ""
        return f"Chosen: {settings[chosen]['name']}, whose error is the least ({least}){simpler}."
    reason = found["reason"] or "the least error of the simplest"
    return (
        f"Chosen: {settings[chosen]['name']}, with {reason} among the settings whose error is within one standard "
        f"error of the least ({least} at {settings[best]['name']}, so at most {limit})."
    )


def trained_together(found: Found) -> str:
    """How many networks were trained at the same time, and why others were not."""
    sizes = sorted(set(found["stacks"]) - {1})
    counts = [found["stacks"].count(size) for size in sizes]
    words = [f"{count} stack{'s' * (count > 1)} of {size}" for count, size in zip(counts, sizes, strict=True)]
    alone = found["stacks"].count(1)
    if alone:
        words.append(f"{alone} one after the other, for {found['alone_because']}")
    return ", ".join(words)


def crossvalidation_page(found: Found) -> str:
    """The page of a cross-validation.

    Args:
        found: `CrossValidated.to_json()`.
    """
    settings = found["settings"]
    chosen = settings[found["chosen"]]
    name = chosen["name"]
    title = f"{found['preset']} on {found['data'] or 'the data given'}, {found['folds']}-fold cross-validation"
    headline = f"<strong>{escape(name)}</strong> <em>chosen</em>" if len(name) < 16 else f"<em>{escape(name)}</em>"
    reached = f"error {_judged(found, chosen)}"
    head = (
        f'<header><h1>{escape(title)}</h1><p class="headline">{headline} <span>{reached}</span></p>'
        f'<p class="verdict">{escape(choice(found))}</p></header>'
    )
    parts = (_warnings(found), _curves(found), _table(found), _folds(found), _division(found), _next(found))
    return charts.document(title, head + "".join(parts), footer=FOOTER, style=error_curve.STYLE + STYLE)


def _warnings(found: Found) -> str:
    lines = [*found["remarks"], *(f"{name}: {problem}" for name, problem in found["failed"].items())]
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return section("Before you trust it", "", f'<ul class="warnings">{shown}</ul>' if lines else "")


def _curves(found: Found) -> str:
    """One curve over the field with the most values, for each combination of the others; all to one scale."""
    if len(found["settings"]) < 2 or not found["varied"]:
        return ""
    several = {
        key: _ordered({_value(one["values"][key]): one["values"][key] for one in found["settings"]})
        for key in found["varied"]
    }
    across = max(several, key=lambda key: len(several[key]))
    labels = several[across]
    panels: dict[str, list[Point]] = {}
    places = sorted(
        range(len(found["settings"])),
        key=lambda place: labels.index(_value(found["settings"][place]["values"][across])),
    )
    for place in places:
        one = found["settings"][place]
        others = [f"{_field(key)} {_value(one['values'][key])}" for key in found["varied"] if key != across]
        label = _value(one["values"][across])
        panels.setdefault(", ".join(others), []).append(
            Point(
                label,
                one["error"],
                one["standard_error"],
                one["training_error"],
                place == found["chosen"],
            )
        )
    axis = axis_around([one for points in panels.values() for one in points], found["threshold"])
    name = _field(across)
    ordered = all(_is_amount(one["values"][across]) for one in found["settings"])
    drawn = [
        figure(
            others or found["error_name"][:1].upper() + found["error_name"][1:],
            curve(points, labels, name, found["threshold"], axis, _in_percent(found), ordered),
        )
        for others, points in panels.items()
    ]
    return section(
        f"Error against {escape(name)}",
        f"{READINGS.get(across, '')} Bars are one standard error of the mean over the folds. Settings not above the "
        "dashed line cannot be told from the best; the simplest of them is taken.",
        f'<div class="figures">{"".join(drawn)}</div>' if len(drawn) > 1 else f'<div class="single">{drawn[0]}</div>',
    )


def _table(found: Found) -> str:
    keys = list(found["settings"][0]["values"])
    rows = []
    for place, one in enumerate(found["settings"]):
        cells = [
            *(escape(_value(one["values"][key])) for key in keys),
            number(one["parameters"]),
            _share(found, one["training_error"]),
            _judged(found, one),
            _mark(found, place),
        ]
        rows.append([f'<span class="chosen">{cell}</span>' if place == found["chosen"] else cell for cell in cells])
    head = [*map(_field, keys), "parameters", "training error", "validation error", ""]
    reading = (
        f"Means over the folds, and the standard error of the validation error. The error is the "
        f"{escape(found['error_name'])}."
    )
    return section("Every setting", reading, folded("settings", table(head, rows, "metrics settings"), len(rows)))


def _folds(found: Found) -> str:
    first = found["settings"][0]["folds"]
    again = found["repeats"] > 1
    head = ["setting", *(f"{one['repeat']}.{one['fold']}" if again else f"fold {one['fold']}" for one in first)]
    rows = [
        [escape(one["name"]), *(_share(found, fold["error"]) for fold in one["folds"])] for one in found["settings"]
    ]
    reading = "The validation error of each network. Every setting has the same folds, so columns may be compared."
    return section("Fold by fold", reading, folded("settings", table(head, rows, "metrics settings"), len(rows)))


def _division(found: Found) -> str:
    ways = {"time": "in the order of time, learning from the past alone", "shuffled": "shuffled and stratified"}
    way = f"groups kept together ({found['groups']})" if found["groups"] else ways[found["order"]]
    sizes = [(fold["training_examples"], fold["validation_examples"]) for fold in found["settings"][0]["folds"]]
    rows: list[tuple[str, object]] = [
        ("folds", found["folds"]),
        ("how they are divided", way),
        ("repeats", found["repeats"]),
        ("examples divided", found["examples"]),
        ("trained on, per network", _span([training for training, _ in sizes])),
        ("judged on, per network", _span([judged for _, judged in sizes])),
        ("kept for the test", found["kept_for_test"]),
        ("seed", found["seed"]),
        ("trained at the same time", trained_together(found)),
    ]
    reading = (
        "What was chosen for its error looks a little better than it is. The test examples, which nothing here has "
        "seen, give the figure to quote."
    )
    return section("What was judged on what", reading if found["kept_for_test"] else "", facts(rows))


def _next(found: Found) -> str:
    command = found["settings"][found["chosen"]]["command"]
    body = f'<dl class="next"><dt><code>{escape(command)}</code></dt><dd>trains the chosen setting</dd></dl>'
    return section("What to try next", "", body)


def _mark(found: Found, place: int) -> str:
    words = [word for word, at in (("least", found["best"]), ("chosen", found["chosen"])) if at == place]
    return ", ".join(words)


def _in_percent(found: Found) -> bool:
    return "accuracy" in found["settings"][0]["folds"][0]["metrics"]


def _share(found: Found, value: float) -> str:
    return percent(value) if _in_percent(found) else number(float(f"{value:.3g}"))


def _judged(found: Found, one: Mapping[str, Any]) -> str:
    """The validation error with its standard error."""
    if not _in_percent(found):
        return f"{_share(found, one['error'])} ± {_share(found, one['standard_error'])}"
    return f"{100 * one['error']:.1f} ± {100 * one['standard_error']:.1f}{NARROW_SPACE}%"


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_value, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field(key: str) -> str:
    return WORDS.get(key, key.replace("_", " "))


def _is_amount(value: object) -> bool:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in listed)


def _ordered(values: Mapping[str, Any]) -> list[str]:
    """The labels of some values: amounts from the least to the greatest, others as they came."""
    if not all(map(_is_amount, values.values())):
        return list(values)

    def size(label: str) -> tuple[int, tuple[float, ...]]:
        value = values[label]
        listed = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        return len(listed), listed

    return sorted(values, key=size)


def _span(values: Sequence[int]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"
