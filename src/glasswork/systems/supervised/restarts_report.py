"""The report of random restarts: the best network by each loss, and the spread of the others."""

import math
from collections.abc import Sequence
from dataclasses import replace

from glasswork.report.blocks import Cell, Curves, Line, Point, Table, Text
from glasswork.report.figures import figure, main_metric
from glasswork.report.report import Section
from glasswork.report.words import number, percent
from glasswork.systems.supervised.restarts import Outcome
from glasswork.systems.system import Findings
from glasswork.training.stage import Tree

PARTS = ("training", "validation", "test")


def report_restarts(findings: Findings, state: Tree, found: Sequence[Outcome], select: str) -> Findings:
    """The findings about the network that was kept, with what is to be said about the members of the run.

    Args:
        findings: about the network.
        state: of the last step.
        found: what became of the members.
        select: by which loss the one that is kept was chosen.
    """
    former = state["restarts"]
    kept = found[former["leader"]]
    warnings = [f"the network of seed {one.seed} was abandoned: {one.problem}" for one in found if one.problem]
    if former["reason"] is not None:
        warnings = [f"the {len(found)} networks were trained one after the other: {former['reason']}", *warnings]
    return replace(
        findings,
        sections=[_section(found, kept, select), *findings.sections],
        remarks=(*findings.remarks, _remark(found, kept, select, former["reason"])),
        warnings=(*findings.warnings, *warnings),
        results={
            **findings.results,
            "restarts": [one.to_json() for one in found],
            "selected": {"seed": kept.seed, "by": select},
            "stacked": former["reason"] is None,
        },
    )


def _remark(found: Sequence[Outcome], kept: Outcome, select: str, reason: str | None) -> str:
    losses = _losses(found, select)
    way = "at the same time" if reason is None else f"one after the other, as {reason}"
    why = "" if _losses(found, "validation") else "; no example is held out for validation"
    return (
        f"{len(found)} networks were trained {way}; the one of seed {kept.seed} is kept, as its {select} loss "
        f"{number(kept.loss(select) or 0.0)} is the least (the others go up to {number(losses[-1])}{why})"
    )


def _losses(found: Sequence[Outcome], part: str) -> list[float]:
    """The losses on a part of the data, least first; of those members that came to their end."""
    values = [value for one in found if (value := one.loss(part)) is not None]
    return sorted(values, key=lambda value: math.inf if math.isnan(value) else value)


def _winner(found: Sequence[Outcome], kept: Outcome, part: str, select: str) -> Outcome | None:
    """The member with the least loss on a part of the data; None if there are no such examples."""
    if part == select:
        return kept
    measured = [one for one in found if one.loss(part) is not None]
    return min(measured, key=lambda one: one.loss(part) or 0.0, default=None)


def _section(found: Sequence[Outcome], kept: Outcome, select: str) -> Section:
    winners = {part: _winner(found, kept, part, select) for part in ("validation", "training")}
    parts = [part for part in PARTS if _losses(found, part)]
    by = "validation" if "validation" in parts else "training"
    metric = main_metric(kept.figures[parts[-1]])
    main = None if metric == "loss" else metric
    ended = sorted((one for one in found if not one.problem), key=lambda one: one.loss(by) or 0.0)
    told = sorted(ended, key=lambda one: all(one is not winner for winner in winners.values()))  # the winners first
    told += [one for one in found if one.problem]
    head = [
        "seed",
        "chosen by",
        *(f"{part} loss" for part in parts),
        *([f"{parts[-1]} {main}"] if main else []),
        "epochs",
    ]
    rows = [_row(one, parts, main, winners, kept) for one in told]
    shown = sorted(parts, key=("validation", "training", "test").index)  # in the colours of the learning curves
    charts = [
        Curves(
            "Loss of each network", [Line(part, _ranked(ended, part, "loss")) for part in shown], f"rank by {by} loss"
        )
    ]
    if main is not None:
        lines = [Line(part, _ranked(ended, part, main)) for part in shown]
        charts.append(
            Curves(
                f"{main[0].upper()}{main[1:]} of each network",
                lines,
                f"rank by {by} loss",
                in_percent=figure(main).share,
            )
        )
    return Section(
        "Random restarts",
        f"The same recipe from {len(found)} different initial weights. The spread shows the effect of luck: a single "
        f"run could have ended anywhere on these curves. The network that is kept has the lowest {select} loss.",
        [*charts, Table(head, rows, noun="networks"), Text(_note(winners, parts[-1], main))],
    )


def _ranked(ended: Sequence[Outcome], part: str, name: str) -> list[Point]:
    return [(rank, one.figures[part][name]) for rank, one in enumerate(ended, 1)]


def _row(
    one: Outcome, parts: Sequence[str], main: str | None, winners: dict[str, Outcome | None], kept: Outcome
) -> list[Cell]:
    named = [f"{part} loss" for part, winner in winners.items() if winner is one]
    chosen = " and ".join(named) + (" (kept)" if one is kept else "")
    metric = [_words(main, one.figures[parts[-1]][main]) if one.figures else None] if main else []
    return [one.seed, chosen or one.problem, *(one.loss(part) for part in parts), *metric, one.epochs]


def _note(winners: dict[str, Outcome | None], part: str, main: str | None) -> str:
    """Both winners side by side, in a sentence."""
    name = main or "loss"
    chosen = {by: one for by, one in winners.items() if one is not None}
    if len(chosen) == 2 and chosen["validation"] is chosen["training"]:
        one = chosen["validation"]
        return f"Both losses choose seed {one.seed}: its {part} {name} is {_words(name, one.figures[part][name])}."
    said = [
        f"{by} loss chooses seed {one.seed}, whose {part} {name} is {_words(name, one.figures[part][name])}"
        for by, one in chosen.items()
    ]
    return f"The {'; the '.join(said)}."


def _words(name: str, value: float) -> str:
    return percent(value) if figure(name).share else number(value)
