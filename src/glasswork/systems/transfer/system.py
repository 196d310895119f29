"""Transfer learning: a trained network with a new head (Kovashka, "Transfer learning", Yosinski et al. 2014).

The deck's three ways: with few examples the trained network stays frozen and only a new head is trained; with more its
last stage is tuned too, at a lower rate; or all of it is trained from scratch.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from typing_extensions import override

from glasswork.data.batches import Batch, Batches, fit_scaling
from glasswork.data.dataset import Dataset, ReadingOptions, Schema, fingerprints
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.weights import Weights, fitting, input_images, input_scaling, load_weights
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.systems.answers import measured_rows, outputs_on
from glasswork.systems.around_supervised import AroundSupervised
from glasswork.systems.networks import LEAST_SIDE, NETWORKS, NetworkEntry, build_network
from glasswork.systems.stages import judged
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised_findings import findings
from glasswork.systems.transfer.features import features_of, with_features
from glasswork.systems.transfer.network import Transferred
from glasswork.systems.transfer.recipe import TransferRecipe
from glasswork.training.autotune import MakeStage, choose_execution
from glasswork.training.clock import Clock
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Stage
from glasswork.training.step import Step, Tree

HEAD, LAST_STAGE = "head", "last-stage"
HEAD_EPOCHS = 40
HEAD_SHARE = 0.2  # of a budget, before the last stage is tuned
EPOCHS = {"frozen": HEAD_EPOCHS, "fine-tuned": 8, "scratch": 30}
HEAD_RATE = 0.003
LEAST_SECONDS = 0.1
ENDLESS = 10**9


class Transfer(AroundSupervised[TransferRecipe]):
    """Minimises the mean of a loss over the weights of a head, of the last stage too, or of the whole network.

    While the backbone stays as it is its features of every image are computed once, and the head is trained on them.

    Args:
        recipe: what to minimise.
    """

    def __init__(self, recipe: TransferRecipe) -> None:
        super().__init__(recipe)
        self._data: tuple[Dataset, Splits] | None = None
        self._remarks: tuple[str, ...] = ()
        self._features: Tensor | None = None  # those asked for last stay in memory

    @property
    def entry(self) -> NetworkEntry:
        """The backbone's network.

        Raises:
            GlassworkError: for one whose last layer is not known.
        """
        entry = NETWORKS.get(self.recipe.network)
        if entry is None or not entry.head:
            known = ", ".join(name for name, entry in NETWORKS.items() if entry.head)
            raise GlassworkError(f"Transfer knows no network '{self.recipe.network}' to give a new head: use {known}")
        return entry

    @property
    def _source(self) -> str:
        return self.recipe.weights or self.recipe.network

    @override
    def read(self, source: str | Path) -> Dataset:
        recipe = self.recipe
        channels, side = (None, None) if recipe.way == "scratch" else input_images(self._source)
        size = recipe.size or side or self.entry.side
        return read(source, ReadingOptions(size, 0, recipe.target, recipe.strict, channels))

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        schema = fit_scaling(dataset, rows)
        if self.recipe.way == "scratch" or schema.inputs != "image":
            return schema
        expected = input_scaling(self._source, self.recipe.network)
        return schema if expected is None else replace(schema, mean=expected[0], deviation=expected[1])

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> TransferRecipe:
        recipe, used = self.recipe, self.supervised.resolve(dataset, splits)
        if recipe.way == "scratch" and recipe.weights is not None:
            raise GlassworkError("The way scratch begins with random weights: leave --weights away, or choose another")
        with torch.device("meta"):
            network = self.network(dataset.schema)
        if recipe.way != "scratch":
            self._fitting(network, load_weights(self._source, recipe.network), dataset.schema.classes)
        adaptive = recipe.optimizer in {"adam", "adamw"}
        rate = HEAD_RATE if adaptive and recipe.way != "scratch" else used.learning_rate
        return recipe.model_copy(
            update={
                "loss": used.loss,
                "batch_size": used.batch_size,
                "learning_rate": recipe.learning_rate or rate,
                "strength": used.strength,
                "epochs": recipe.epochs or (None if recipe.budget else EPOCHS[recipe.way]),
                "size": used.size,
            }
        )

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe, entry = self.recipe, self.entry
        network = build_network(SupervisedRecipe.parse({"network": recipe.network}), schema)
        fixed = recipe.way != "scratch"
        return Transferred(network, entry.head, recipe.hidden, len(schema.classes), recipe.dropout, fixed)

    def pretrained(self, schema: Schema) -> Transferred:
        """The network with its weights in it, as a run begins."""
        network = self.network(schema)
        assert isinstance(network, Transferred)
        self._begin(network, schema.classes)
        return network

    def _fitting(self, network: nn.Module, weights: Weights, classes: Sequence[str]) -> tuple[dict[str, Tensor], bool]:
        """The network's state with the weights in it, and whether its head is among them: not one for other classes."""
        tensors = renamed(weights.tensors, self.entry.head)
        if weights.classes and weights.classes != tuple(classes):
            tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("head.")}
        return fitting(network.state_dict(), tensors, "head.", weights.source)

    def _begin(self, network: Transferred, names: Sequence[str]) -> None:
        """Puts the weights into the network; says what became of the head."""
        weights = load_weights(self._source, self.recipe.network)
        state, taken = self._fitting(network, weights, names)
        network.load_state_dict(state)
        classes = f" for {len(weights.classes):,} classes" if weights.classes else ""
        head = "their head was kept" if taken else f"their head{classes} does not fit, and a new one was begun"
        self._remarks = (f"it began with the weights of {weights.source}: {head}",)

    @override
    def execution(self, machine: Machine, execution: Execution, network: nn.Module, make_stage: MakeStage) -> Execution:
        if self.recipe.way == "frozen":  # a measurement would be more passes over the images than the training itself
            plain = {"precision": "float32", "memory_format": "channels-last", "allocator": "default"}
            asked = {name: value for name, value in plain.items() if getattr(machine, name) == "auto"}
            machine = machine.model_copy(update=asked)

        def endless(network: nn.Module, execution: Execution) -> Stage:
            return replace(make_stage(network, execution), clock=Clock(total=ENDLESS))

        return choose_execution(machine, execution, network, endless)

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        assert isinstance(network, Transferred) and recipe.batch_size is not None and recipe.learning_rate is not None
        self._data = dataset, splits
        trained = [*trained_layers(network, self.entry.last_stage, recipe.way)]
        parameters = [parameter for layer in trained for parameter in layer.parameters()]
        for parameter in network.parameters():
            parameter.requires_grad_(any(parameter is one for one in parameters))
        [made] = self.supervised.stages(network, dataset, splits, clock, execution)
        whole = replace(made, weight_decay=0.0)
        if recipe.way == "scratch":
            return [whole]
        plain = Batches(dataset, splits.training, recipe.batch_size, recipe.seed, execution)
        head = replace(made, name=HEAD, parameters=list(network.head.parameters()), batches=plain)
        if recipe.way == "frozen":
            return [head]
        total = recipe.epochs * len(whole.batches) if recipe.epochs else None
        rate = recipe.learning_rate * recipe.lower_rate
        return [
            replace(head, clock=clock.part(0, HEAD_SHARE, HEAD_EPOCHS * len(plain))),
            replace(whole, name=LAST_STAGE, learning_rate=rate, clock=clock.part(1, 1 - HEAD_SHARE, total)),
        ]

    @override
    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        network = stage.network
        assert isinstance(network, Transferred)
        if start is not None:
            network.load_state_dict(start["network"])
            self._remarks = tuple(start["remarks"])
        elif stage.name == HEAD:
            assert self._data is not None
            self._begin(network, self._data[0].schema.classes)
        for step in fit(self.over_features(stage) if stage.name == HEAD else stage, start):
            yield step._replace(state=lambda step=step: {**step.state(), "remarks": list(self._remarks)})  # type: ignore[misc]

    def over_features(self, stage: Stage) -> Stage:
        """The same minimisation over the head, with the features of all images computed beforehand."""
        assert self._data is not None and isinstance(stage.network, Transferred)
        began = time.monotonic()
        (dataset, splits), recipe, execution = self._data, self.recipe, stage.execution
        assert recipe.batch_size is not None
        known = self.features(stage.network, dataset, execution)
        clock = stage.clock
        if clock.seconds is not None:
            left = max(LEAST_SECONDS, clock.seconds - (time.monotonic() - began))
            clock = Clock(clock.total, left)
        judge = judged(lambda network: self._measured(network, known, splits.validation, execution), splits.validation)
        return replace(
            stage,
            batches=Batches(known, stage.row_batches.rows, recipe.batch_size, recipe.seed, execution),
            loss=self._loss_of_features,
            judge=judge,
            clock=clock,
        )

    def features(self, network: nn.Module, dataset: Dataset, execution: Execution) -> Dataset:
        """The examples with the backbone's features of their images in place of these."""
        assert isinstance(network, Transferred)
        network.backbone.eval()
        self._features = features_of(network.backbone, network.features, dataset, execution)
        return with_features(dataset, self._features)

    def _loss_of_features(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        assert isinstance(network, Transferred)
        return self.supervised.loss(network.head, batch, state)

    def _measured(self, network: nn.Module, known: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        assert isinstance(network, Transferred)
        return self.supervised.measured(known, rows, outputs_on(network.head, known, rows, execution))

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        return self.supervised.measured(dataset, rows, self._scores(network, dataset, rows, execution))

    def _scores(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
        """The network's outputs on some rows; from the features that are known already where it stayed frozen."""
        if self.recipe.way != "frozen":
            return outputs_on(network, dataset, rows, execution)
        assert isinstance(network, Transferred)
        return outputs_on(network.head, self.features(network, dataset, execution), rows, execution)

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        scores = self._scores(network, dataset, rows, execution)
        found = findings(dataset, splits.training, rows, where, scores, self.loss_name)
        found["test_metrics"] = self.supervised.measured(dataset, rows, scores)
        found["parts"] = [self._part(network)]
        if state is not None and state["remarks"]:
            found["result"] = {"remarks": list(state["remarks"])}
        return found

    def _part(self, network: nn.Module) -> Section:
        """What of the network was trained, for the report."""
        assert isinstance(network, Transferred)
        layers = trained_layers(network, self.entry.last_stage, self.recipe.way)
        trained = {id(parameter) for layer in layers for parameter in layer.parameters()}
        rows: list[tuple[str, int, str]] = []
        for name, layer in (*network.backbone.named_children(), ("head", network.head)):
            total = sum(parameter.numel() for parameter in layer.parameters())
            tuned = sum(parameter.numel() for parameter in layer.parameters() if id(parameter) in trained)
            said = "trained" if tuned == total else f"{tuned:,} of them trained" if tuned else "as they were"
            rows += [(name, total, said)] if total else []
        return Section(
            "What was trained",
            f"The parts of {self.recipe.network}, from the image to the answer, by the way {self.recipe.way}.",
            [Table(("part", "weights", "in this run"), rows, noun="parts")],
        )

    @override
    def example(self) -> Dataset:
        made = self.supervised.example()
        images = interpolate(made.columns["inputs"].expand(-1, 3, -1, -1), LEAST_SIDE)  # as `read` gives them
        columns = {**made.columns, "inputs": images, "fingerprints": fingerprints(images)}
        return replace(made, columns=columns, schema=replace(made.schema, shape=tuple(images.shape[1:])))


def trained_layers(network: Transferred, last_stage: Sequence[str], way: str) -> list[nn.Module]:
    """The modules whose weights a way trains."""
    if way == "scratch":
        return [network.backbone, network.head]
    tuned = [network.backbone.get_submodule(name) for name in last_stage] if way == "fine-tuned" else []
    return [*tuned, network.head]


def renamed(tensors: Mapping[str, Tensor], last_layer: str) -> Mapping[str, Tensor]:
    """Weights of a whole network by the names of a `Transferred`; those of a run of transfer have them already."""
    if any(name.startswith("backbone.") for name in tensors):
        return tensors
    found = {}
    for name, tensor in tensors.items():
        own = name.removeprefix(f"{last_layer}.")
        found[f"backbone.{name}" if own == name else f"head.layers.output.{own}"] = tensor
    return found
