"""Detection: R-CNN (Kovashka; Girshick et al. 2014) and Fast R-CNN (Girshick 2015)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch, Batches
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import annotated_pictures
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.samplers import Shuffled
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.weights import input_scaling, load_weights
from glasswork.objectives.detection import encode, mean_average_precision
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.recipe.base import Machine
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.networks import NETWORKS, Architecture, build_network
from glasswork.systems.pretrained import plain_arithmetic, put_body
from glasswork.systems.rcnn.machines import fit_machines
from glasswork.systems.rcnn.network import DEVIATIONS, Detector, PerRegion, Shared, Trunk
from glasswork.systems.rcnn.proposals import SelectiveSearch, add_proposals
from glasswork.systems.rcnn.recipe import DetectionRecipe
from glasswork.systems.rcnn.regions import Found, RegionBatches, describe_with, detect, rate_with, truth_of
from glasswork.systems.rcnn.report import predict_boxes, report_boxes
from glasswork.systems.sample import Sample
from glasswork.systems.system import Context, Findings, Remarks, System, stage_of
from glasswork.training.stage import Carry, Moment, Stage, Tree

EPOCHS = {"per-region": 3, "shared": 8}
REGIONS = {"per-region": 16, "shared": 64}
PICTURES = {"per-region": 8, "shared": 2}
JUDGED_AT_ONCE = 4
OPENED = 4
"""Regions of a picture that is opened."""


class Detection(System[DetectionRecipe, Found]):
    """Minimises the mean of -log p(class | region) over regions of pictures; shared, also how far boxes are off.

    Features per region are then what a support vector machine for each class, and the regression of boxes, learn from.

    Args:
        recipe: what to minimise.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (Boxes,)
    wanted = ("This learns from pictures with boxes",) * 2
    recipe_class = DetectionRecipe

    @property
    def _source(self) -> str:
        return self.recipe.weights or self.recipe.network

    @property
    def _search(self) -> SelectiveSearch:
        recipe = self.recipe
        return SelectiveSearch(recipe.search, recipe.segment_size, recipe.proposals)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        options = ReadingOptions.of(self.recipe, like=like, classes_known=like is not None)
        return add_proposals(read(source, options, annotated_pictures), self._search)

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        for path in sources:
            found = annotated_pictures.read_pictures([path], task, self.recipe.size is not None)
            yield replace(found, dataset=add_proposals(found.dataset, self._search))

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        task = super().fit(dataset, rows)
        expected = None if self.recipe.mode == "scratch" else input_scaling(self._source, self.recipe.network)
        if expected is None:
            return task
        return Task(replace(Images.of(task), mean=expected[0], deviation=expected[1]), task.target)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe, counts = self.recipe, dataset.task.target.counts(dataset, splits.training)
        assert counts is not None
        for name, count in zip(dataset.task.target.names, counts.tolist(), strict=True):
            if not count:
                raise GlassworkError(
                    f"{dataset.source} leaves class '{name}' without a training box: add boxes of it, or hold out less "
                    "with --test and --validation"
                )
        if recipe.mode != "scratch":
            load_weights(self._source, recipe.network)
        return {
            "epochs": EPOCHS[recipe.features],
            "batch_size": PICTURES[recipe.features],
            "learning_rate": 0.001,
            "regions": REGIONS[recipe.features],
            "baselines": recipe.features == "per-region",
        }

    @override
    def network(self, task: Task) -> nn.Module:
        recipe, side, classes = self.recipe, Images.of(task).shape[1], len(task.target.names)
        if recipe.network not in NETWORKS or not NETWORKS[recipe.network].head:
            raise GlassworkError(f"Detection does not know '{recipe.network}': use efficientnet-lite0 or convnet-small")
        fixed, per_region = recipe.mode != "scratch", recipe.features == "per-region"
        shape = (3, recipe.region_size, recipe.region_size) if per_region else (3, side, side)
        body = build_network(Architecture(recipe.network), Task(Images(shape), OneClass(("0", "1"))))
        if not per_region:
            trunk = Trunk(body)
            with torch.no_grad():
                maps = trunk.eval()(torch.zeros(1, *shape, device=next(trunk.parameters()).device))
            return Shared(trunk, sum(each.shape[1] for each in maps), side, classes, fixed)
        last = body.get_submodule(NETWORKS[recipe.network].head)
        assert isinstance(last, nn.Linear)
        body.set_submodule(NETWORKS[recipe.network].head, nn.Identity())
        return PerRegion(body, last.in_features, side, classes, fixed, recipe.region_size, recipe.context)

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Puts the trained weights into the network that looks, unless it is to learn from scratch."""
        if self.recipe.mode == "scratch":
            return ()
        weights = load_weights(self._source, self.recipe.network)
        body = detector(network).body
        inner = body.network if isinstance(body, Trunk) else body
        put_body(inner, weights, self.recipe.network)
        return (f"regions are looked at with the weights of {weights.source}",)

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        return plain_arithmetic(machine)

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        collate = self._collate(context.dataset, context.execution)
        return Batches(Shuffled(context.splits.training, recipe.batch_size, recipe.seed), collate)

    def _collate(self, dataset: Dataset, execution: Execution) -> RegionBatches:
        return RegionBatches(dataset, execution, self.recipe.regions or REGIONS["per-region"], self.recipe.flip)

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        stage = stage_of(self, network, self.batches(context), context)
        return [replace(stage, parameters=detector(network).trained())]

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        found, labels, (regions, wanted) = detector(network), batch.targets, batch.further
        features = found.read(batch.inputs, regions)
        loss = objective(found.score(features).transpose(1, 2).float(), labels)
        if isinstance(found, Shared):
            things = (labels >= 0) & (labels < found.number)
            moves = found.move(features)[things]
            own = moves[torch.arange(len(moves), device=moves.device), labels[things]].float()
            scale = torch.tensor(DEVIATIONS, device=own.device)
            aim = encode(regions[things], wanted[things]) / scale
            loss = loss + F.smooth_l1_loss(own / scale, aim, reduction="sum") / labels.numel()
        return loss, carry

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """The softmax loss on some regions of the validation pictures, and how many of them are told right."""
        dataset, rows = context.dataset, context.splits.validation
        loss, right = self._softmax(detector(network), dataset, rows, context.execution)
        return Metrics({"loss": loss, "accuracy": right}, "accuracy", loss)

    def _softmax(self, network: Detector, dataset: Dataset, rows: Tensor, execution: Execution) -> tuple[float, float]:
        make, total, right, count = self._collate(dataset, execution), 0.0, 0, 0
        network.eval()
        for part in torch.split(rows, JUDGED_AT_ONCE):
            batch = make(part)
            with torch.inference_mode(), execution.arithmetic():
                scores = network(batch.inputs, *batch.further).float()
            total += float(F.cross_entropy(scores, batch.targets, reduction="sum", ignore_index=IGNORED))
            right += int((scores.argmax(1) == batch.targets).sum())
            count += int((batch.targets != IGNORED).sum())
        return total / max(1, count), right / max(1, count)

    @override
    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets support vector machines and the regression of boxes, on the features of training regions."""
        if not isinstance(network, PerRegion):
            return
        recipe, describe = self.recipe, describe_with(network, context.dataset, context.execution)
        found = fit_machines(
            describe, context.dataset, context.splits.training, recipe.negatives, recipe.svm_strength, recipe.seed
        )
        for name, values in (
            ("mean", found.mean),
            ("scale", found.scale),
            ("svm_weight", found.weight),
            ("svm_bias", found.bias),
            ("box_weight", found.box_weight),
            ("box_bias", found.box_bias),
        ):
            network.get_buffer(name).copy_(values)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Found:
        found = detector(network)
        moved, proposed = detect(dataset, rows, rate_with(found, dataset, execution), self.recipe.overlap)
        loss = self._softmax(found, dataset, rows, execution)[0] if "targets" in dataset.offsets else 0.0
        return Found(moved, proposed, loss)

    @override
    def measure(self, outputs: Found, dataset: Dataset, rows: Tensor) -> Metrics:
        truth, classes = truth_of(dataset, rows), len(dataset.task.target.names)
        if not any(int((one.ignored == 0).sum()) for one in truth):
            raise GlassworkError(
                f"{dataset.source} has no boxes to measure on: hold out more with --test, or annotate some"
            )
        coco = mean_average_precision(outputs.moved, truth, classes)
        values = {
            "loss": outputs.loss,
            "map50": _mean(coco["ap50"]),
            "map75": _mean(coco["ap75"]),
            "map": _mean(coco["ap"]),
            "voc_map": _mean(mean_average_precision(outputs.moved, truth, classes, "voc")["ap50"]),
            "voc07_map": _mean(mean_average_precision(outputs.moved, truth, classes, "voc11")["ap50"]),
            "unmoved_map50": _mean(mean_average_precision(outputs.proposed, truth, classes)["ap50"]),
        }
        return Metrics(values, "map50", -values["map50"])

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Found], context: Context, last: Tree | None
    ) -> Findings:
        rate = rate_with(detector(network), context.dataset, replace(context.execution, precision="float32"))
        return report_boxes(self.recipe, detector(network), evaluation, context, rate)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return self._collate(dataset, execution)(rows)

    @override
    def select_opened(
        self, network: nn.Module, batch: Batch, task: Task, target: str | float | None
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        wanted = None if target is None else task.target.parse(target)
        return (batch.inputs[:1], batch.further[0][:1, :OPENED]), wanted

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        return predict_boxes(detector(network), dataset, execution, self.recipe)

    @override
    def usual_task(self) -> Task:
        return Task(Images((3, 320, 320)), Boxes(tuple("0123456789")))

    @override
    def sample(self, folder: Path) -> Sample:
        one = write_boxes(folder / "boxes", 24)
        options = {
            "network": "convnet-small",
            "mode": "scratch",
            "region_size": 16,
            "baselines": False,
            "proposals": 20,
            "negatives": 6,
            "regions": 8,
            "epochs": 2,
            "batch_size": 4,
        }
        return Sample(str(folder / "boxes"), options, [str(one)])


def detector(network: nn.Module) -> Detector:
    """The network as one that detects."""
    assert isinstance(network, Detector)
    return network


def _mean(each: Tensor) -> float:
    """Over the classes that are there."""
    return float(each[~each.isnan()].mean())


def write_boxes(folder: Path, count: int) -> Path:
    """Pictures of dark and light squares with their boxes as VOC has them, some without any; one of the pictures."""
    import numpy as np
    from PIL import Image

    for name in ("Annotations", "JPEGImages"):
        (folder / name).mkdir(parents=True)
    draws = np.random.default_rng(0)
    for number in range(count):
        pixels = draws.integers(110, 130, (64, 64, 3), dtype=np.uint8)
        things = ""
        for name, value, left in (("dark", 10, 2), ("light", 245, 36)) if number % 6 != 5 else ():
            size, top = int(draws.integers(18, 26)), int(draws.integers(2, 36))
            pixels[top : top + size, left : left + size] = value
            corners = {"xmin": left + 1, "ymin": top + 1, "xmax": left + size, "ymax": top + size}
            box = "".join(f"<{side}>{at}</{side}>" for side, at in corners.items())
            things += f"<object><name>{name}</name><bndbox>{box}</bndbox></object>"
        Image.fromarray(pixels).save(folder / "JPEGImages" / f"{number:02}.png")
        text = (
            f"<annotation><filename>{number:02}.png</filename><size><width>64</width><height>64</height></size>{things}"
        )
        (folder / "Annotations" / f"{number:02}.xml").write_text(f"{text}</annotation>", encoding="utf-8")
    return folder / "JPEGImages" / "00.png"
