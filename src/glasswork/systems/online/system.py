"""The online delta rule: a two-layer sigmoid network that learns from one example at a time (Kovashka)."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Scaling
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, ReadingOptions, fingerprints
from glasswork.data.kinds.kind import Inputs
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.require import require
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read, without_columns
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.glassbox.expressions import write_number
from glasswork.objectives.losses import Objective, squared_error
from glasswork.objectives.metrics import Metrics
from glasswork.recipe.base import Machine
from glasswork.report import blocks
from glasswork.report.report import Score
from glasswork.report.sections import worked
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.online.recipe import XOR as DEFAULTS
from glasswork.systems.online.recipe import OnlineRecipe
from glasswork.systems.online.update import OnlineUpdate, online_update
from glasswork.systems.sample import Sample, write_features
from glasswork.systems.system import Context, Findings, System, stage_of
from glasswork.training.online import Before, converged, epochs_per_step, online, training_examples, worked_out
from glasswork.training.stage import Stage, Tree

XOR = "xor"
NAMED = 8


class Online(System[OnlineRecipe, Tensor]):
    """Minimises E_n = 1/2 sum_k (y_k - t_k)^2 of one example after the other, y_k and z_j being sigmoids.

    A target of zeros and ones is read as one output unit's t, several columns as several units', one of more classes as
    a unit for each; any numbers from 0 to 1 will do.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Table,)
    wanted: ClassVar[tuple[str, str]] = ("The online rule learns from columns of numbers",) * 2

    @override
    def objective(self, task: Task) -> Objective:
        return Objective(self.recipe.loss)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        options = ReadingOptions.of(self.recipe)
        if source == XOR:
            return without_columns(exclusive_or(), options)
        if like is not None:
            target = options.target or ("t" if self.recipe.data == XOR else None)
            return read(source, replace(options, target=target, classes_known=True, like=like))
        dataset = read(source, options)
        require(dataset, self)
        dataset = _with_one_unit_for_two_classes(dataset, self.recipe.target or "t")
        span = dataset.task.target.span(dataset.columns["targets"])
        if span is not None and not (span[0] >= 0 and span[1] <= 1):
            raise GlassworkError(
                f"The targets of {source} go from {span[0]:g} to {span[1]:g}, and a sigmoid only gives numbers from 0 "
                "to 1: rescale them, or use glasswork train mlp"
            )
        return dataset

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        inputs = Table.of(dataset.task).fit(dataset, rows)  # targets stay as they are
        if self._scaling(dataset, rows) != "standard":
            zeros, ones = (0.0,) * len(inputs.mean), (1.0,) * len(inputs.deviation)
            inputs = replace(inputs, mean=zeros, deviation=ones, tails=None)
        return Task(inputs, dataset.task.target)

    def _scaling(self, dataset: Dataset, rows: Tensor) -> str:
        within = not (dataset.columns["inputs"][rows].abs() > 1).any()
        return self.recipe.scaling or ("none" if within else "standard")

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe = self.recipe
        if recipe.patience is not None and len(splits.validation) == 0:
            raise GlassworkError("patience needs a validation loss, and no examples are held out: add --validation")
        scaling = self._scaling(dataset, splits.training)
        return {"epochs": DEFAULTS["epochs"], "learning_rate": DEFAULTS["learning_rate"], "scaling": scaling}

    @override
    def network(self, task: Task) -> nn.Module:
        (features,), units = task.inputs.shape, self.recipe.hidden
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["hidden"] = nn.Linear(features, units)  # a_j = sum_i w_ji x_i
        layers["hidden_sigmoid"] = nn.Sigmoid()  # z_j
        layers["output"] = nn.Linear(units, len(task.target.names))  # a_k = sum_j w_kj z_j
        layers["output_sigmoid"] = nn.Sigmoid()  # y_k
        network = nn.Sequential(layers)
        for parameter in network.parameters():
            nn.init.uniform_(parameter, -self.recipe.initial_range, self.recipe.initial_range)
        return network

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        if machine.device not in {"auto", "cpu"}:
            raise GlassworkError(f"The online rule is computed on the CPU, not on {machine.device}: leave out --device")
        if machine.precision == "bfloat16" or machine.memory_format == "channels-last":
            raise GlassworkError(
                "The online rule is computed in double precision: leave out --precision and --memory-format"
            )
        plain = {"device": "cpu", "precision": "float32", "memory_format": "contiguous"}
        return machine.model_copy(update=plain)

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        dataset, splits, execution = context.dataset, context.splits, context.execution
        recipe = self.recipe
        batches = shuffled_batches(dataset, splits.training, len(splits.training), recipe.seed, execution)
        stage = stage_of(self, network, batches, context)
        minimise = partial(
            online, tolerance=recipe.tolerance, epochs=recipe.epochs, shuffled=recipe.order == "shuffled"
        )
        total = -(-recipe.epochs // epochs_per_step(stage)) if recipe.epochs else None
        return [replace(stage, minimise=minimise, total=total)]

    @override
    def measure(self, outputs: Tensor, dataset: Dataset, rows: Tensor) -> Metrics:
        """Named figures; of targets 0 and 1 `accuracy` is the share of examples on the right side of 1/2."""
        raw, target = dataset.columns["targets"][rows], dataset.task.target
        scaled = Scaling(dataset.task, Execution()).targets(raw)
        figures = {"loss": float(squared_error(outputs, scaled))}
        right = target.share_right(outputs, raw)
        figures |= {} if right is None else {"accuracy": right}
        figures |= target.largest_error(outputs, raw) | target.measure(outputs, raw, "squared-error")
        return Metrics(figures, "accuracy" if "accuracy" in figures else "r2", figures["loss"])

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        dataset, splits = context.dataset, context.splits
        found = super().report(network, evaluation, context, last)
        accuracy = dataset.task.target.share_right(evaluation.outputs, dataset.columns["targets"][evaluation.rows])
        if accuracy is not None:
            found = replace(found, score=_share_of_right_answers(dataset, splits, accuracy))
        if last is None:
            return found
        [stage] = self.stages(network, context)
        inputs, targets = training_examples(stage)

        def update_of(before: Before) -> OnlineUpdate:
            name = dataset.name(int(splits.training[before.place]))
            x, t = inputs[before.place].tolist(), targets[before.place].tolist()
            return online_update(before, name, x, t, stage.learning_rate)

        updates = dict(zip(("first", "last"), map(update_of, worked_out(last)), strict=True))
        remark = self._remark(last)
        return replace(
            found,
            sections=[worked([block for pair in updates.items() for block in _worked_out(*pair)]), *found.sections],
            remarks=(remark,),
            warnings=() if converged(last) else (remark,),
            results={
                "converged": converged(last),
                "updates": {name: each.to_json() for name, each in updates.items()},
            },
        )

    def _remark(self, state: Tree) -> str:
        """How training ended."""
        epoch, tolerance = worked_out(state)[1].epoch, f"{self.recipe.tolerance:g}"
        if converged(state):
            return f"converged after {epoch:,} epochs: every output is nearer than {tolerance} to its target"
        return (
            f"not converged after {epoch:,} epochs: some output is still {tolerance} or more away from its target; the "
            f"rule may end in a local optimum, so try another --seed, more --hidden units or more --epochs"
        )

    @override
    def usual_task(self) -> Task:
        return exclusive_or().task

    @override
    def sample(self, folder: Path) -> Sample:
        data = str(write_features(folder / "features.csv"))
        return Sample(data, {"test": 0.2, "validation": 0.1, "epochs": 9}, [data], "low")


def exclusive_or() -> Dataset:
    """The four examples of XOR: t = 1 where one of x1 and x2 is 1 and the other 0."""
    inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    targets = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    names = [f"({a}, {b})" for a, b in ((0, 0), (0, 1), (1, 0), (1, 1))]
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    return Dataset(columns, Task(Table((2,), features=("x1", "x2")), Numbers(("t",))), XOR, names)


def _with_one_unit_for_two_classes(dataset: Dataset, name: str) -> Dataset:
    """Classes 0 and 1 as the number t of one output unit, t = class(x) on the slide."""
    number = Numbers((name,))
    targets = number.align(dataset)
    if targets is None or dataset.task.target.names != ("0", "1"):
        return dataset
    return replace(dataset, columns={**dataset.columns, "targets": targets}, task=Task(dataset.task.inputs, number))


def _share_of_right_answers(dataset: Dataset, splits: Splits, accuracy: float) -> Score:
    """The headline for targets of zeros and ones."""
    (where, rows), targets = measured_rows(splits), dataset.columns["targets"]
    combinations, counts = torch.unique(targets[splits.training], dim=0, return_counts=True)
    usual = combinations[counts.argmax()]
    return Score(
        "accuracy",
        accuracy,
        f"{round(accuracy * len(rows)):,} of {len(rows):,} {where} examples",
        baseline="always predicting the most frequent target",
        baseline_value=float((targets[rows] == usual).all(1).double().mean()),
    )


def _worked_out(name: str, update: OnlineUpdate) -> list[blocks.Block]:
    """An update line by line."""

    def few(values: Sequence[float]) -> str:
        return ", ".join(f"{value:g}" for value in values[:NAMED]) + (", ..." if len(values) > NAMED else "")

    rows = [
        (f"{line.symbol}, {line.index}".replace(" ", "\u00a0"), write_number(line.value), line.formula, line.numbers)
        for line in update.lines
    ]
    title = f"The {name} update: epoch {update.epoch:,}, example {update.example}"
    given = (
        f"x = ({few(update.x)}), t = ({few(update.t)}), eta = {update.learning_rate:g}; x_0 = z_0 = 1 for the biases."
    )
    head = ("Number", "Is", "By the slide", "With the numbers put in")
    return [blocks.Text(given), blocks.Table(head, rows, title, "numbers", "recipe")]
