"""Transfer learning: a trained network with a new head (Kovashka, "Transfer learning", Yosinski et al. 2014).

The deck's three ways: with few examples the trained network stays frozen and only a new head is trained; with more its
last stage is tuned too, at a lower rate; or all of it is trained from scratch.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, parse
from glasswork.data.batches import Batch
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.weights import Weights, input_images, load_weights
from glasswork.objectives.losses import Objective
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.systems.evaluation import Evaluation, outputs_on
from glasswork.systems.features import features_of, with_features
from glasswork.systems.labelled import objective_of, read_labelled, usual_values, weigh_classes
from glasswork.systems.networks import (
    LEAST_SIDE,
    NETWORKS,
    Architecture,
    NetworkEntry,
    build_network,
    refuse_inputs,
)
from glasswork.systems.pretrained import fit_weights, put_weights, scale_as_trained
from glasswork.systems.sample import Sample, write_images
from glasswork.systems.system import Context, Findings, Remarks, System, stage_of
from glasswork.systems.transfer.network import Transferred
from glasswork.systems.transfer.recipe import TransferRecipe
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Judgement, Moment, Stage, Step, Tree

HEAD_NAMES = "head."
HEAD, LAST_STAGE = "head", "last-stage"
HEAD_EPOCHS = 40
HEAD_SHARE = 0.2  # of a budget, before the last stage is tuned
EPOCHS = {"frozen": HEAD_EPOCHS, "fine-tuned": 8, "scratch": 30}
HEAD_RATE = 0.003
LEAST_SECONDS = 0.1


class Transfer(System[TransferRecipe, Tensor]):
    """Minimises the mean of a loss over the weights of a head, of the last stages too, or of the whole network.

    While the backbone stays as it is its features of every image are computed once, and the head is trained on them.

    Args:
        recipe: what to minimise.
    """

    def __init__(self, recipe: TransferRecipe) -> None:
        super().__init__(recipe)
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None
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
            raise GlassworkError(f"Transfer has no network '{self.recipe.network}': use {known}")
        return entry

    def find_unfrozen(self) -> tuple[str, ...]:
        """The modules of the backbone that are tuned beside the head, if anything is.

        Raises:
            GlassworkError: for more stages than the network has.
        """
        stages, wanted = self.entry.stages, self.recipe.unfreeze or 1
        count = len(stages) if wanted == "all" else int(wanted)
        if count > len(stages):
            raise GlassworkError(
                f"{self.recipe.network} has {len(stages)} stages before its head: give --unfreeze {len(stages)} or "
                "less, or all"
            )
        return tuple(name for stage in stages[-count:] for name in stage)

    @property
    def _source(self) -> str:
        return self.recipe.weights or self.recipe.network

    @override
    def objective(self, task: Task) -> Objective:
        return objective_of(self.recipe.loss, task, self.recipe.label_smoothing)

    @override
    def training_objective(self, context: Context) -> Objective:
        return weigh_classes(self.objective(context.dataset.task), self.recipe.class_weights, context)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        if like is not None:
            return read_labelled(source, ReadingOptions.of(recipe, size=None), like)
        channels, side = (None, None) if recipe.mode == "scratch" else input_images(self._source)
        size = recipe.size or side or self.entry.side
        return read(source, ReadingOptions.of(recipe, size=size, channels=channels))

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        task = super().fit(dataset, rows)
        if self.recipe.mode == "scratch":
            return task
        refuse_inputs(self.recipe.network, task)
        return scale_as_trained(task, self._source, self.recipe.network)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe, task = self.recipe, dataset.task
        refuse_inputs(recipe.network, task)
        self.find_unfrozen()  # refused before the work begins
        values = usual_values(
            recipe,
            task,
            len(splits.training),
            recipe.network,
            recipe.loss,
            recipe.label_smoothing,
            recipe.class_weights,
            recipe.augment,
        )
        if recipe.mode == "scratch" and recipe.weights is not None:
            raise GlassworkError(
                "--mode scratch starts from random weights: leave out --weights, or choose another mode"
            )
        with torch.device("meta"):
            network = self.network(task)
        values = {**values, "epochs": EPOCHS[recipe.mode]}
        if recipe.mode == "scratch":
            return values
        fit_weights(network, self._weights(), HEAD_NAMES, task.target.names)
        return {**values, "learning_rate": HEAD_RATE} if recipe.optimizer in {"adam", "adamw"} else values

    @override
    def network(self, task: Task) -> nn.Module:
        recipe, entry = self.recipe, self.entry
        network = build_network(Architecture(recipe.network), task)
        fixed = recipe.mode != "scratch"
        return Transferred(network, entry.head, recipe.hidden, len(task.target.names), recipe.dropout, fixed)

    def pretrained(self, task: Task) -> Transferred:
        """The network with its weights in it, as a run begins."""
        network = self.network(task)
        assert isinstance(network, Transferred)
        put_weights(network, self._weights(), HEAD_NAMES, task.target.names)
        return network

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Puts the trained weights into the network, unless it is to learn from scratch."""
        assert isinstance(network, Transferred)
        if self.recipe.mode == "scratch":
            return ()
        return (put_weights(network, self._weights(), HEAD_NAMES, context.dataset.task.target.names),)

    def _weights(self) -> Weights:
        """The trained weights, named as ours."""
        found = load_weights(self._source, self.recipe.network)
        return replace(found, tensors=rename_weights(found.tensors, self.entry.head))

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        if self.recipe.mode != "frozen":
            return machine
        # A measurement would be more passes over the images than the training itself.
        plain = {"precision": "float32", "memory_format": "channels-last", "allocator": "default"}
        asked = {name: value for name, value in plain.items() if getattr(machine, name) == "auto"}
        return machine.model_copy(update=asked)

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        recipe, dataset, rows = self.recipe, context.dataset, context.splits.training
        assert isinstance(network, Transferred) and recipe.batch_size is not None and recipe.learning_rate is not None
        trained = trained_layers(network, self.find_unfrozen(), recipe.mode)
        parameters = [parameter for layer in trained for parameter in layer.parameters()]
        images = shuffled_batches(dataset, rows, recipe.batch_size, recipe.seed, context.execution, self.augmentation)
        whole = replace(stage_of(self, network, images, context), parameters=parameters, weight_decay=0.0)
        if recipe.mode == "scratch":
            return [whole]
        plain = shuffled_batches(dataset, rows, recipe.batch_size, recipe.seed, context.execution)
        head = replace(
            stage_of(self, network, plain, context),
            name=HEAD,
            parameters=list(network.head.parameters()),
            minimise=partial(self._fit_head, context=context),
        )
        if recipe.mode == "frozen":
            return [head]
        rate = recipe.learning_rate * recipe.finetune_rate
        return [
            replace(head, total=HEAD_EPOCHS * len(plain), share=HEAD_SHARE),
            replace(whole, name=LAST_STAGE, learning_rate=rate, share=1 - HEAD_SHARE),
        ]

    def _fit_head(self, stage: Stage, start: Tree | None, context: Context) -> Iterator[Step]:
        """Fits the head to the features of the images."""
        if start is not None:
            stage.network.load_state_dict(start["network"])  # before features are computed with them
        return fit(self.over_features(stage, context), start)

    def over_features(self, stage: Stage, context: Context) -> Stage:
        """The same minimisation over the head, with the features of all images computed beforehand."""
        began = time.monotonic()
        recipe, execution, held_out = self.recipe, stage.execution, context.splits.validation
        assert recipe.batch_size is not None
        known = self.features(stage.network, context.dataset, execution)
        clock = stage.clock
        if clock.seconds is not None:
            left = max(LEAST_SECONDS, clock.seconds - (time.monotonic() - began))
            clock = Clock(clock.total, left)

        def judge(network: nn.Module) -> Judgement:
            assert isinstance(network, Transferred)
            metrics = self.measure(outputs_on(network.head, known, held_out, execution), known, held_out)
            return Judgement(metrics.error, metrics.values)

        return replace(
            stage,
            batches=shuffled_batches(known, stage.batches.sampler.items, recipe.batch_size, recipe.seed, execution),
            loss=partial(self._loss_of_features, objective=self.training_objective(context)),
            judge=judge if len(held_out) else None,
            clock=clock,
        )

    def features(self, network: nn.Module, dataset: Dataset, execution: Execution) -> Dataset:
        """The examples with the backbone's features of their images in place of these."""
        assert isinstance(network, Transferred)
        network.backbone.eval()
        self._features = features_of(network.backbone, network.features, dataset, execution)
        return with_features(dataset, self._features)

    def _loss_of_features(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        assert isinstance(network, Transferred)
        return self.loss(network.head, batch, carry, moment, objective)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
        """The network's outputs on some rows; if it stayed frozen, from the features that are known already."""
        if self.recipe.mode != "frozen":
            return super().outputs(network, dataset, rows, execution)
        assert isinstance(network, Transferred)
        known = self.features(network, dataset, execution)
        return outputs_on(network.head.eval(), known, rows, execution)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        found = super().report(network, evaluation, context, last)
        return replace(found, sections=[self._describe_trained(network), *found.sections])

    def _describe_trained(self, network: nn.Module) -> Section:
        """What of the network was trained, for the report."""
        assert isinstance(network, Transferred)
        layers = trained_layers(network, self.find_unfrozen(), self.recipe.mode)
        trained = {id(parameter) for layer in layers for parameter in layer.parameters()}
        rows: list[tuple[str, int, str]] = []
        for name, layer in (*network.backbone.named_children(), ("head", network.head)):
            total = sum(parameter.numel() for parameter in layer.parameters())
            tuned = sum(parameter.numel() for parameter in layer.parameters() if id(parameter) in trained)
            said = "trained" if tuned == total else f"{tuned:,} of them trained" if tuned else "as they were"
            rows += [(name, total, said)] if total else []
        return Section(
            "What was trained",
            f"The parts of {self.recipe.network}, from the image to the answer, for --mode {self.recipe.mode}.",
            [Table(("part", "weights", "in this run"), rows, noun="parts")],
        )

    @override
    def usual_task(self) -> Task:
        return Task(Images((3, LEAST_SIDE, LEAST_SIDE)), OneClass(("0", "1", "2")))

    @override
    def sample(self, folder: Path) -> Sample:
        data, one = write_images(folder)
        return Sample(str(data), {"size": LEAST_SIDE, "epochs": 2, "batch_size": 8}, [str(one)], "1")


def trained_layers(network: Transferred, unfrozen: Sequence[str], mode: str) -> list[nn.Module]:
    """The modules whose weights a mode trains."""
    if mode == "scratch":
        return [network.backbone, network.head]
    tuned = [network.backbone.get_submodule(name) for name in unfrozen] if mode == "fine-tuned" else []
    return [*tuned, network.head]


def rename_weights(tensors: Mapping[str, Tensor], last_layer: str) -> Mapping[str, Tensor]:
    """Weights of a whole network by the names of a `Transferred`; those of a run of transfer have them already."""
    if any(name.startswith("backbone.") for name in tensors):
        return tensors
    found = {}
    for name, tensor in tensors.items():
        own = name.removeprefix(f"{last_layer}.")
        found[f"backbone.{name}" if own == name else f"head.layers.output.{own}"] = tensor
    return found
