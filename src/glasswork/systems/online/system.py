"""The online delta rule: a two-layer sigmoid network that learns from one example at a time (Kovashka)."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch, Batches, Scaling, fit_scaling
from glasswork.data.dataset import HOLDS, Dataset, ReadingOptions, Schema, fingerprints
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.glassbox.graph.expressions import written
from glasswork.objectives.losses import squared_error
from glasswork.objectives.metrics import measure
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Block, Table, Text
from glasswork.systems.answers import measured_rows, outputs_on, whole_batch, worded
from glasswork.systems.online.recipe import XOR as DEFAULTS
from glasswork.systems.online.recipe import OnlineRecipe
from glasswork.systems.online.update import OnlineUpdate, online_update
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.supervised_findings import findings
from glasswork.systems.system import Prediction, System
from glasswork.training.autotune import MakeStage, choose_execution
from glasswork.training.clock import Clock
from glasswork.training.online import Before, converged, epochs_per_step, online, training_examples, worked_out
from glasswork.training.stage import Carry, Stage
from glasswork.training.step import Step, Tree

XOR = "xor"
NAMED = 8


class Online(System[OnlineRecipe]):
    """Minimises E_n = 1/2 sum_k (y_k - t_k)^2 of one example after the other, y_k and z_j being sigmoids.

    A target of zeros and ones is read as one output unit's t, several columns as several units', one of more classes as
    a unit for each; any numbers from 0 to 1 will do.
    """

    @property
    @override
    def loss_name(self) -> str:
        return self.recipe.loss

    @override
    def read(self, source: str | Path) -> Dataset:
        if source == XOR:
            return exclusive_or()
        dataset = read(source, ReadingOptions(target=self.recipe.target, strict=self.recipe.strict))
        if dataset.schema.inputs != "vector":
            raise GlassworkError(
                f"The online rule learns from columns of numbers, and {source} holds {HOLDS[dataset.schema.inputs]}"
            )
        dataset = _with_one_unit_for_two_classes(dataset, self.recipe.target or "t")
        targets = dataset.columns["targets"]
        if dataset.schema.target == "number" and not ((targets >= 0) & (targets <= 1)).all():
            raise GlassworkError(
                f"The targets of {source} go from {float(targets.min()):g} to {float(targets.max()):g}, and a sigmoid "
                "only says numbers from 0 to 1: bring them there, or use glasswork train mlp"
            )
        return dataset

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Dataset:
        if source == XOR:
            return exclusive_or()
        target = self.recipe.target or ("t" if self.recipe.data == XOR else None)
        strict = self.recipe.strict
        return read(source, ReadingOptions(target=target, strict=strict, classes_known=True, like=schema))

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        fitted = replace(fit_scaling(dataset, rows), target_mean=(), target_deviation=())
        if self._scaling(dataset, rows) == "standard":
            return fitted
        return replace(fitted, mean=(0.0,) * len(fitted.mean), deviation=(1.0,) * len(fitted.deviation), tails=None)

    def _scaling(self, dataset: Dataset, rows: Tensor) -> str:
        within = not (dataset.columns["inputs"][rows].abs() > 1).any()
        return self.recipe.scaling or ("none" if within else "standard")

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> OnlineRecipe:
        recipe = self.recipe
        if recipe.patience is not None and len(splits.validation) == 0:
            raise GlassworkError("Patience looks at the validation loss, and no example is held out: add --validation")
        scaling = self._scaling(dataset, splits.training)
        return recipe.completed(
            epochs=int(DEFAULTS["epochs"]), learning_rate=DEFAULTS["learning_rate"], scaling=scaling
        )

    @override
    def network(self, schema: Schema) -> nn.Module:
        (features,), units = schema.shape, self.recipe.hidden
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["hidden"] = nn.Linear(features, units)  # a_j = sum_i w_ji x_i
        layers["hidden_sigmoid"] = nn.Sigmoid()  # z_j
        layers["output"] = nn.Linear(units, len(schema.classes))  # a_k = sum_j w_kj z_j
        layers["output_sigmoid"] = nn.Sigmoid()  # y_k
        network = nn.Sequential(layers)
        for parameter in network.parameters():
            nn.init.uniform_(parameter, -self.recipe.initial_range, self.recipe.initial_range)
        return network

    @override
    def execution(self, machine: Machine, execution: Execution, network: nn.Module, make_stage: MakeStage) -> Execution:
        if machine.device not in {"auto", "cpu"}:
            raise GlassworkError(
                f"The online rule is worked out in plain numbers on the processor, not on {machine.device}: "
                "leave --device away"
            )
        if machine.precision == "bfloat16" or machine.memory_format == "channels-last":
            raise GlassworkError(
                "The online rule is worked out in plain numbers of double precision: "
                "leave --precision and --memory-format away"
            )
        plain = machine.model_copy(update={"precision": "float32", "memory_format": "contiguous"})
        return choose_execution(plain, replace(execution, device="cpu"), network, make_stage)

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        judge = judged(lambda network: self.score(network, dataset, splits.validation, execution), splits.validation)
        batches = Batches(dataset, splits.training, len(splits.training), recipe.seed, execution)
        return [stage_of(recipe, network, batches, self.loss, judge, clock, execution)]

    @override
    def length(self, stage: Stage, epochs: int) -> int:
        return -(-epochs // epochs_per_step(stage))

    @override
    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        recipe = self.recipe
        return online(
            stage, start, tolerance=recipe.tolerance, epochs=recipe.epochs, shuffled=recipe.order == "shuffled"
        )

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        return squared_error(network(batch.inputs), batch.targets), state

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        return _measured(dataset, rows, outputs_on(network, dataset, rows, execution))

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        y = outputs_on(network, dataset, rows, execution)
        metrics = _measured(dataset, rows, y)
        found = findings(dataset, splits.training, rows, where, y, "squared-error")
        if "accuracy" in metrics and dataset.schema.target == "number":
            found = {**found, **_share_of_right_answers(dataset, splits.training, rows, where, metrics["accuracy"])}
        if state is None:
            return {**found, "test_metrics": metrics}
        stage = self.stages(network, dataset, splits, Clock(1), execution)[0]
        inputs, targets = training_examples(stage)

        def update_of(before: Before) -> OnlineUpdate:
            name = dataset.name(int(splits.training[before.place]))
            x, t = inputs[before.place].tolist(), targets[before.place].tolist()
            return online_update(before, name, x, t, stage.learning_rate)

        updates = dict(zip(("first", "last"), map(update_of, worked_out(state)), strict=True))
        remark = self._remark(state)
        result = {
            "converged": converged(state),
            "remarks": [remark],
            "warnings": [] if converged(state) else [remark],
            "updates": {name: each.to_json() for name, each in updates.items()},
        }
        return {
            **found,
            "test_metrics": metrics,
            "worked": [block for name, each in updates.items() for block in _shown(name, each)],
            "result": result,
        }

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
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return whole_batch(dataset, rows, execution)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        y = outputs_on(network, dataset, torch.arange(len(dataset)), execution)
        return worded(y, dataset.schema, dataset.names, "squared-error")

    @override
    def example(self) -> Dataset:
        return exclusive_or()


def exclusive_or() -> Dataset:
    """The four examples of XOR: t = 1 where one of x1 and x2 is 1 and the other 0."""
    inputs = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    targets = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    names = [f"({a}, {b})" for a, b in ((0, 0), (0, 1), (1, 0), (1, 1))]
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    return Dataset(columns, Schema("vector", (2,), "number", ("t",), ("x1", "x2")), XOR, names)


def _with_one_unit_for_two_classes(dataset: Dataset, name: str) -> Dataset:
    """Classes 0 and 1 as the number t of one output unit, t = class(x) on the slide."""
    if dataset.schema.target != "class" or dataset.schema.classes != ("0", "1"):
        return dataset
    targets = dataset.columns["targets"].to(torch.float32)[:, None]
    schema = replace(dataset.schema, target="number", classes=(name,))
    return replace(dataset, columns={**dataset.columns, "targets": targets}, schema=schema)


def _measured(dataset: Dataset, rows: Tensor, y: Tensor) -> dict[str, float]:
    """Named metrics of outputs y; of targets 0 and 1 `accuracy` is the share of examples on the right side of 1/2."""
    raw = dataset.columns["targets"][rows]
    scaled = Scaling(dataset.schema, Execution()).targets(raw)
    metrics = {"loss": float(squared_error(y, scaled))}
    if dataset.schema.target == "number":
        if ((raw == 0) | (raw == 1)).all():
            metrics["accuracy"] = float(((y > 0.5) == (raw > 0.5)).all(1).double().mean())
        metrics["largest_error"] = float((y - raw).abs().max())
    return {**metrics, **measure(dataset.schema.target, y, raw, "squared-error")}


def _share_of_right_answers(
    dataset: Dataset, training: Tensor, rows: Tensor, where: str, accuracy: float
) -> dict[str, Any]:
    """The report's headline for targets of zeros and ones."""
    targets = dataset.columns["targets"]
    combinations, counts = torch.unique(targets[training], dim=0, return_counts=True)
    usual = combinations[counts.argmax()]
    return {
        "headline_metric": "accuracy",
        "headline_value": accuracy,
        "headline_count": f"{round(accuracy * len(rows)):,} of {len(rows):,} {where} examples",
        "headline_in_percent": True,
        "headline_higher_is_better": True,
        "baseline_name": "always answering the most frequent target",
        "baseline_value": float((targets[rows] == usual).all(1).double().mean()),
    }


def _shown(name: str, update: OnlineUpdate) -> list[Block]:
    def few(values: Sequence[float]) -> str:
        return ", ".join(f"{value:g}" for value in values[:NAMED]) + (", ..." if len(values) > NAMED else "")

    rows = [
        (f"{line.symbol}, {line.index}".replace(" ", "\u00a0"), written(line.value), line.formula, line.numbers)
        for line in update.lines
    ]
    title = f"The {name} update: epoch {update.epoch:,}, example {update.example}"
    given = (
        f"x = ({few(update.x)}), t = ({few(update.t)}), eta = {update.learning_rate:g}; x_0 = z_0 = 1 for the biases."
    )
    head = ("Number", "Is", "By the slide", "With the numbers put in")
    return [Text(given), Table(head, rows, title, "numbers", "recipe")]
