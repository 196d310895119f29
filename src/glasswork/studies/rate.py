"""The learning-rate range test (Smith 2015, "Cyclical learning rates"), and how batch sizes compare in speed."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from operator import mul
from typing import Any

from glasswork.errors import GlassworkError
from glasswork.recipe.base import Options
from glasswork.report.blocks import Block, Cell, Commands, Curves, Line, Table, Text
from glasswork.report.report import Headline, Report, Section
from glasswork.run.choose import choose_request
from glasswork.run.prepare import read_and_split, resolve
from glasswork.run.request import Request
from glasswork.studies.settings import Setting
from glasswork.studies.study import Asked, Running
from glasswork.studies.trained import Member, make_member, plain_execution
from glasswork.training.fit import minimise
from glasswork.training.memory import BatchSpeed, Memory, batch_speeds, estimate_memory, worded_bytes
from glasswork.training.stage import Clock

HIGHEST = 10.0
FEWEST_STEPS, MOST_STEPS = 140, 1000
DECADES_SMOOTHED = 0.2
EXPLODED = 4.0
SETTLED = 20
RECENT = 0.8
HIGHEST_DRAWN = 1.25
"""Height of the drawing, as a share of the way from the least loss to that at the start."""


@dataclass(frozen=True)
class RatePoint:
    """One step of the test: its learning rate, the batch's loss before the update, and that loss smoothed."""

    rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True)
class RateTest:
    """What the test found.

    Attributes:
        preset, data: what was trained, on what.
        optimizer, batch_size: the rate belongs to these.
        points: every step, the rates ascending.
        exploded: the rate at which the loss was four times the least and above that at the start, or no number any
            more; None where it never was.
        steepest: the rate at which the smoothed loss falls fastest per order of magnitude; None where it never falls.
        least: the rate at which the smoothed loss is least.
        cautious: a tenth of `least`: for a rate that stays the same.
        suggested: what to take, see `suggest`; None where the loss never falls.
        schedule: how the rate goes over the run.
        usual: the rate that a run uses by default.
        speeds: of batch sizes.
        training_examples: how many there are.
        memory: what a training needs.
        largest_batch: the largest batch within four fifths of the free memory; None if unknown.
        command: trains with the suggested rate.
    """

    preset: str
    data: str | None
    optimizer: str
    batch_size: int
    points: Sequence[RatePoint]
    exploded: float | None
    steepest: float | None
    least: float
    cautious: float
    suggested: float | None
    schedule: str
    usual: float
    speeds: Sequence[BatchSpeed]
    training_examples: int
    memory: Memory
    largest_batch: int | None
    command: str

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return {**asdict(self), "memory": self.memory.to_json()}

    def verdict(self) -> str:
        """The rates in words."""
        if self.suggested is None:
            return (
                "The loss never falls below its value at the smallest rate, so no rate can be suggested: "
                f"{self.optimizer} may need other inputs, another loss or larger initial weights."
            )
        exploded = f" It explodes at {self.exploded:.2g}." if self.exploded else " It never explodes."
        why = (
            "half of that, as a one-cycle schedule reaches its peak only briefly"
            if self.schedule == "one-cycle"
            else "a tenth of that, or the steepest if that is higher, as the rate stays constant"
        )
        return (
            f"The loss falls fastest at {self.steepest:.2g} and is lowest at {self.least:.2g}.{exploded} Suggested: "
            f"{self.suggested:g} ({why}); a tenth, for a constant rate, is {self.cautious:g}. By default, a run uses "
            f"{self.usual:g}. All this is for {self.optimizer} with batches of {self.batch_size}."
        )

    def fitting(self) -> str:
        """What the memory allows, in words."""
        largest, examples = self.largest_batch, self.training_examples
        if largest is None:
            return f"There are {examples:,} training examples."
        if largest >= examples:
            return f"All {examples:,} training examples in one batch would fit into the memory."
        return f"Batches of up to about {largest:,} examples fit into four fifths of the free memory."

    def report(self) -> Report:
        """The loss against the rate, the speeds of batch sizes, and the command."""
        curve, where = _curve(self), f"{self.preset} on {self.data}"
        head = ["examples per batch", "examples per second", "milliseconds per step", "memory"]
        rows: list[list[Cell]] = [
            [one.batch_size, round(one.examples_per_second), one.milliseconds, worded_bytes(one.memory)]
            for one in self.speeds
        ]
        commands = [Commands([(self.command, "trains with it")])] if self.command else []
        return Report(
            f"{where}, learning rates",
            [
                Section(
                    "Loss against rate",
                    "One pass over the training examples while the rate grows by the same factor at every step (Smith "
                    "2015). Dots are the losses of single batches; the line is a running mean.",
                    [curve],
                ),
                Section(
                    "Batch sizes",
                    "Whole steps: gathering the examples, forward, loss, backward, update. Larger batches use the "
                    f"machine better, but give fewer updates per epoch. {self.fitting()}",
                    [Table(head, rows)],
                ),
                Section("What to try next", "", commands),
            ],
            headline=Headline("none" if self.suggested is None else f"{self.suggested:g}", "suggested"),
            verdict=self.verdict(),
            summary=[
                Text(f"{where}: smoothed loss against learning rate"),
                curve,
                Text(self.verdict()),
                *_speeds(self),
                *([Commands([(self.command, "")])] if self.command else []),
            ],
            footer="Drawn by Glasswork from the steps of the test.",
        )


def rate(options: Options, asked: Asked) -> Running[RateTest]:
    """Finds a learning rate and a batch size for a recipe, see `rate_test`."""
    yield from ()
    return rate_test(choose_request(asked.preset, asked.values, asked.network))


def rate_test(asked: Request) -> RateTest:
    """Trains once over the data while the rate grows from 1e-6 to 10, and suggests one for the run.

    Batches are those of the run's first epochs: one epoch, but at least 140 steps and at most 1,000. The rate grows by
    the same factor at every step; the test ends where the loss explodes. Losses are smoothed by a Gaussian over the
    logarithm of the rate. No validation or test example is looked at, and nothing is written.

    Raises:
        GlassworkError: where recipe and data do not fit, or the system is not trained by gradients of batches.
    """
    if asked.system == "online":
        raise GlassworkError("The range test is for networks that are trained by batches: use glasswork rate mlp")
    member = _member(asked)
    recipe, stage = member.learning.recipe, member.stage
    assert recipe.learning_rate is not None and recipe.batch_size is not None
    memory = estimate_memory(stage, member.learning.dataset)
    speeds = list(batch_speeds(stage, member.learning.dataset))
    rates, losses, exploded = _growing(member)
    smoothed = smooth(rates, losses)
    steepest, least, suggested = suggest(rates, smoothed, recipe.schedule)
    return RateTest(
        preset=asked.preset,
        data=recipe.data,
        optimizer=recipe.optimizer,
        batch_size=recipe.batch_size,
        points=[RatePoint(*point) for point in zip(rates, losses, smoothed, strict=True)],
        exploded=exploded,
        steepest=steepest,
        least=least,
        cautious=float(f"{least / 10:.2g}"),
        suggested=suggested,
        schedule=recipe.schedule,
        usual=recipe.learning_rate,
        speeds=speeds,
        training_examples=len(member.learning.splits.training),
        memory=memory,
        largest_batch=memory.largest_batch,
        command="" if suggested is None else _command(asked, suggested),
    )


def smooth(rates: Sequence[float], losses: Sequence[float]) -> list[float]:
    """Means of the losses, weighted by a Gaussian of 0.2 orders of magnitude around each rate."""
    places = [math.log10(rate) / DECADES_SMOOTHED for rate in rates]
    found = []
    for here in places:
        weights = [math.exp(-((there - here) ** 2) / 2) for there in places]
        found.append(sum(map(mul, weights, losses)) / sum(weights))
    return found


def suggest(
    rates: Sequence[float], smoothed: Sequence[float], schedule: str
) -> tuple[float | None, float, float | None]:
    """The rate of the steepest descent, the rate of the least loss, and what to take.

    Above the rate where the loss is least, it stops falling (Smith's upper end). A one-cycle schedule touches its rate
    for a moment only, so half of that is taken; other schedules stay at theirs, so it is a tenth, or the rate where the
    loss falls fastest where that one is higher.

    Args:
        rates: ascending.
        smoothed: losses at these.
        schedule: as in the recipe.

    Returns:
        (steepest, least, suggested); the first and the last are None where the loss never falls.
    """
    best = min(range(len(rates)), key=smoothed.__getitem__)
    least = rates[best]
    slopes = [
        (smoothed[k + 1] - smoothed[k]) / math.log10(rates[k + 1] / rates[k]) for k in range(min(best, len(rates) - 1))
    ]
    if not slopes or min(slopes) >= 0:
        return None, least, None
    steepest = rates[slopes.index(min(slopes))]
    return steepest, least, float(f"{least / 2 if schedule == 'one-cycle' else max(steepest, least / 10):.2g}")


def _growing(member: Member) -> tuple[list[float], list[float], float | None]:
    """Rates and losses, and where the loss exploded."""
    steps = min(max(FEWEST_STEPS, len(member.stage.batches)), MOST_STEPS)
    stage = replace(
        member.stage, judge=None, schedule="range-test", learning_rate=HIGHEST, clock=Clock(steps), gradient_clip=None
    )
    rates: list[float] = []
    losses: list[float] = []
    recent = lowest = math.inf
    try:
        for step in minimise([stage]):
            loss = float(step.loss)
            rates.append(step.learning_rate)
            losses.append(loss)
            recent = loss if len(losses) == 1 else RECENT * recent + (1 - RECENT) * loss
            lowest = min(lowest, recent)
            if recent > EXPLODED * lowest and recent > sum(losses[:SETTLED]) / SETTLED:
                return rates, losses, step.learning_rate
    except GlassworkError:  # the loss is no number any more
        if not rates:
            raise
        return rates, losses, rates[-1]
    return rates, losses, None


def _member(asked: Request) -> Member:
    """The run's network on the run's training rows."""
    dataset, splits = read_and_split(asked)
    resolved = resolve(asked, dataset, splits)
    recipe = resolved.learning.model_copy(update={"epochs": resolved.learning.epochs or 1})
    execution = plain_execution(asked.machine)
    execution.apply()
    return make_member(replace(resolved, recipe=recipe), dataset, splits, execution)


def _command(asked: Request, rate: float) -> str:
    values = {**asked.asked, "learning_rate": rate}
    return Setting(replace(asked, asked=values), {}, "").command


def _curve(found: RateTest) -> Curves:
    """Losses over the rates, from the least to a little above that at the start."""
    smoothed = [point.smoothed for point in found.points]
    low, start = min(smoothed), smoothed[0]
    high = max(start + (HIGHEST_DRAWN - 1) * (start - low), low + 1e-6 * max(1.0, abs(low)))
    rates = {"steepest": found.steepest, "suggested": found.suggested, "least": found.least}
    marks = [(f"{name} {rate:.2g}", rate) for name, rate in rates.items() if rate is not None]
    return Curves(
        "Loss of the batch, before its update",
        [
            Line("single batches", [(one.rate, one.loss) for one in found.points], "second", joined=False),
            Line("mean over neighbours", [(one.rate, one.smoothed) for one in found.points], "first"),
        ],
        "learning rate",
        marks=marks if found.suggested is not None else [],
        reach=(max(0.0, low - 0.08 * (high - low)), high),
        logarithmic_across=True,
        wide=True,
    )


def _speeds(found: RateTest) -> list[Block]:
    """The speeds of batch sizes for a terminal."""
    rows: list[list[Cell]] = [
        [
            one.batch_size,
            f"{one.examples_per_second:,.0f}",
            f"{one.milliseconds:.2f}",
            worded_bytes(one.memory),
        ]
        for one in found.speeds
    ]
    head = ["batch size", "examples per second", "ms per step", "memory"]
    return [Table(head, rows), Text(found.fitting())] if rows else []
