"""A few units that approximate a function of x, which is written out as an expression."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.dataset import TEST, TRAINING, Dataset, ReadingOptions, fingerprints
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.require import suits
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.reading import without_columns
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.glassbox import expressions
from glasswork.glassbox.contributions import Shares, places_between, shares_over
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.report.blocks import Curves, Line, Point, Text
from glasswork.report.report import Section
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.function.recipe import FunctionRecipe
from glasswork.systems.labelled import objective_of, read_labelled, usual_values
from glasswork.systems.networks import Architecture, build_network
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.system import Context, Findings, System
from glasswork.training.stage import Tree

EXPRESSION = "expression"
NETWORK = "dense"
TRAINED = 120
MOST_POINTS = 400


class Function(System[FunctionRecipe, Tensor]):
    """Minimises the squared error between a dense network and points of a function: supervised learning on made data.

    It learns numbers or classes out of a table too.
    """

    @override
    def objective(self, task: Task) -> Objective:
        return objective_of(self.recipe.loss, task)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        options = ReadingOptions.of(self.recipe)
        if source == EXPRESSION:
            return without_columns(self._made(), options)
        return read_labelled(source, options, like)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        return usual_values(self.recipe, dataset.task, len(splits.training), NETWORK, self.recipe.loss)

    @override
    def network(self, task: Task) -> nn.Module:
        return build_network(Architecture(NETWORK, self.recipe.hidden, self.recipe.activation), task)

    def _made(self) -> Dataset:
        """Points of the function: evenly spaced ones to train on, those in the middle between them as test."""
        recipe = self.recipe
        every = places_between(recipe.low, recipe.high, 2 * TRAINED - 1)
        inputs = torch.tensor(every, dtype=torch.float64)[:, None]
        targets = torch.tensor(self._values(every), dtype=torch.float64)[:, None]
        generator = torch.Generator().manual_seed(mixed(recipe.seed, TRAINED))
        added = recipe.noise * torch.randn(TRAINED, 1, generator=generator, dtype=torch.float64)
        targets[::2] += added
        split = torch.full((len(every),), TEST, dtype=torch.uint8)
        split[::2] = TRAINING
        columns = {"inputs": inputs.float(), "targets": targets.float(), "split": split}
        columns["fingerprints"] = fingerprints(columns["inputs"])
        task = Task(Table((1,), features=("x",)), Numbers(("y",)))
        return Dataset(columns, task, recipe.expression, [f"x = {x:.4g}" for x in every])

    def _values(self, places: Sequence[float]) -> list[float]:
        """The expression at some places.

        Raises:
            GlassworkError: where it is no function of x, or no finite number somewhere.
        """
        recipe = self.recipe
        if not recipe.low < recipe.high:
            raise GlassworkError(f"The interval from {recipe.low:g} to {recipe.high:g} is empty: give --low and --high")
        parsed = expressions.parse(recipe.expression)
        if not any(isinstance(part, expressions.Name) and part.name == "x" for part in parsed.parts):
            raise GlassworkError(f"The expression '{parsed.text}' is not a function of x, such as sin(x) + 0.3 * x")
        values = []
        for x in places:
            values.append(expressions.results(parsed, expressions.match_values(parsed, {"x": x}))[-1])
            if not math.isfinite(values[-1]):
                raise GlassworkError(
                    f"'{parsed.text}' is not a finite number at x = {x:.4g}: choose another interval with --low and "
                    "--high"
                )
        return values

    @override
    def measure(self, outputs: Tensor, dataset: Dataset, rows: Tensor) -> Metrics:
        metrics = super().measure(outputs, dataset, rows)
        largest = dataset.task.target.largest_error(outputs, dataset.columns["targets"][rows])
        return replace(metrics, values={**metrics.values, **largest})

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        found, task = super().report(network, evaluation, context, last), context.dataset.task
        if not suits(task, (Table,), (Numbers,)) or task.inputs.shape != (1,) or len(task.target.names) != 1:
            return found
        shares, where = self._shares(network, context), measured_rows(context.splits)[0]
        remark = self._remark(shares, evaluation.metrics.values, where, len(evaluation.rows))
        charts = _charts(shares)
        section = Section(
            "What each unit contributes",
            f"Above, the function and the network's output; below, the terms of its sum: each {self._unit} unit's "
            f"output times its weight, and one constant.",
            [*charts, Text(remark[:1].upper() + remark[1:] + ".")],
        )
        sections, figures = [section, *found.sections], {"function.png": charts}
        return replace(found, sections=sections, figures=figures, remarks=(remark,))

    @property
    def _unit(self) -> str:
        return self.recipe.activation

    def _shares(self, network: nn.Module, context: Context) -> Shares:
        dataset, training = context.dataset, context.splits.training
        inputs, targets = (dataset.columns[name][training][:, 0] for name in ("inputs", "targets"))
        made = self.recipe.data == EXPRESSION
        low, high = (self.recipe.low, self.recipe.high) if made else (float(inputs.min()), float(inputs.max()))
        x = places_between(low, high)
        every = -(-len(inputs) // MOST_POINTS)
        points = list(zip(inputs[::every].tolist(), targets[::every].tolist(), strict=True))
        hidden = made and not self.recipe.noise  # points that lie on the line would only cover it
        return shares_over(
            network, dataset.task, x, context.execution, self._values(x) if made else (), () if hidden else points
        )

    def _remark(self, shares: Shares, metrics: Mapping[str, float], where: str, count: int) -> str:
        """The sentence that explains what was found."""
        function = f"'{self.recipe.expression}'" if shares.target else f"column '{shares.output}'"
        terms = f"a constant and {len(shares.shares)} {self._unit} units" if shares.shares else "this network"
        between = ", which lie between the training examples" if where == "test" and shares.target else ""
        return (
            f"{function} as the sum of {terms}: R2 = {metrics['r2']:.4f}, and the largest error is "
            f"{metrics['largest_error']:.3g} on {count:,} {where} examples{between}"
        )

    @override
    def usual_task(self) -> Task:
        return Task(Table((1,), features=("x",)), Numbers(("y",)))

    @override
    def sample(self, folder: Path) -> Sample:
        asked = write_rows(folder / "asked.csv", ["x"], [[0.5], [2.0]])
        return Sample(EXPRESSION, {"epochs": 2, "batch_size": 20, "validation": 0.1}, [str(asked)], "0.5")


def _charts(shares: Shares) -> list[Curves]:
    """The function and the network's sum, and what each unit adds to it."""

    def points(values: Sequence[float]) -> list[Point]:
        return list(zip(shares.x, values, strict=True))

    known = [Line(shares.output, points(shares.target), "aim")] if shares.target else []
    if shares.points:
        known.append(Line("examples", shares.points, "aim", joined=False))
    whole = Curves(
        f"{shares.output} over {shares.input}",
        [*known, Line("network", points(shares.y), "first")],
        shares.input,
        wide=True,
    )
    if not shares.shares:
        return [whole]
    constant = Line("constant", [(end, shares.constant) for end in (shares.x[0], shares.x[-1])], "faint")
    units = [Line(f"unit {k}", points(share), k - 1) for k, share in enumerate(shares.shares, 1)]
    return [whole, Curves("What each unit contributes", [*units, constant], shares.input, wide=True)]
