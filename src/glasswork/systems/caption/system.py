"""Image captioning: a sentence about a picture, a convolutional network before a recurrent one (Kovashka, Kolter)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import Augmentation, parse
from glasswork.data.batches import Batch, Batches
from glasswork.data.builtin import known
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import captions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.sequence_batches import Answered, answered_batches
from glasswork.data.splits import Splits
from glasswork.data.tokenize import find_vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.decoding import Beam
from glasswork.networks.encoder_decoder import EncoderDecoder
from glasswork.networks.weights import input_images, input_scaling, load_weights
from glasswork.objectives.captions import require_package
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.recipe.base import Machine
from glasswork.systems.caption.network import Captioner, FromFeatures, Trunk
from glasswork.systems.caption.recipe import CaptionRecipe
from glasswork.systems.caption.report import evidence_of, measure_captions, nearest_captions, report_captions
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.features import features_of, with_features
from glasswork.systems.networks import LEAST_SIDE, NETWORKS, Architecture, build_network
from glasswork.systems.pretrained import plain_arithmetic, put_body
from glasswork.systems.sample import Sample
from glasswork.systems.sequences import Answers, answer, beam_of, encoder_decoder_of, open_with_answer, sampled_loss
from glasswork.systems.system import Context, Findings, Remarks, System, stage_of
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Judgement, Moment, Stage, Step, Tree

DECODER, LAST_STAGE = "decoder", "last-stage"
EPOCHS = {"frozen": 20, "fine-tuned": 6, "scratch": 30}
MOST_SIDE = 224
JUDGED = 500
"""Validation pictures that are captioned after each epoch, at most."""


class Caption(System[CaptionRecipe, Answers]):
    """Minimises the mean of -log p(next word | picture, words before it) over the words of captions.

    While the network that looks stays as it is its feature maps of every picture are computed once.

    Args:
        recipe: what to minimise.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Images,)
    answers: ClassVar[tuple[type[Target], ...]] = (TokenSequence,)
    wanted = ("This learns from pictures with captions",) * 2
    recipe_class = CaptionRecipe

    def __init__(self, recipe: CaptionRecipe) -> None:
        super().__init__(recipe)
        self.augmentation: Augmentation | None = parse(recipe.augment) if recipe.augment else None
        self._features: Tensor | None = None  # those asked for last stay in memory

    @property
    def beam(self) -> Beam:
        """How captions are searched for."""
        return beam_of(self.recipe, self.recipe.max_length)

    @property
    def _source(self) -> str:
        return self.recipe.weights or self.recipe.network

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")

    @override
    def training_objective(self, context: Context) -> Objective:
        return Objective("cross-entropy", self.recipe.label_smoothing)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        return read(source, self._options(source, like), captions)

    def _options(self, source: str | Path, like: Task | None) -> ReadingOptions:
        recipe = self.recipe
        others = {
            "least": recipe.min_count,
            "longest": recipe.max_length,
            "like": like,
            "classes_known": like is not None,
        }
        if like is not None:
            channels, height, _ = Images.of(like).shape
            return ReadingOptions.of(recipe, size=height, channels=channels, span=Images.of(like).span, **others)
        if recipe.network not in NETWORKS:
            raise GlassworkError(f"There is no network '{recipe.network}': use efficientnet-lite0 or convnet-small")
        channels, side = (3, None) if recipe.mode == "scratch" else input_images(self._source)
        own = None if known(str(source)) else min(NETWORKS[recipe.network].side or LEAST_SIDE, MOST_SIDE)
        size = recipe.size or side or own  # a named set has a size of its own
        return ReadingOptions.of(recipe, size=size, channels=channels, **others)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Task:
        task = super().fit(dataset, rows)
        expected = None if self.recipe.mode == "scratch" else input_scaling(self._source, self.recipe.network)
        if expected is None:
            return task
        return Task(replace(Images.of(task), mean=expected[0], deviation=expected[1]), task.target)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        require_package()
        recipe = self.recipe
        if len(TokenSequence.of(dataset.task).vocabulary) < 2:
            raise GlassworkError(
                f"No {recipe.pieces} comes {recipe.min_count} times in the captions of {dataset.source}: add captions, "
                "or take --min-count 1"
            )
        if recipe.mode != "scratch":
            load_weights(self._source, recipe.network)
        large = len(splits.training) > 1000
        return {
            "epochs": EPOCHS[recipe.mode],
            "batch_size": 64 if large else 16,
            "learning_rate": 0.003,
        }

    @override
    def network(self, task: Task) -> nn.Module:
        recipe, shape = self.recipe, Images.of(task).shape
        trunk = Trunk(build_network(Architecture(recipe.network), Task(Images(shape), OneClass(("0", "1")))))
        with torch.no_grad():
            maps = trunk.eval()(torch.zeros(1, *shape, device=next(trunk.parameters()).device))
        decoder = AttentionDecoder(
            recipe.cell,
            len(task.target.names),
            recipe.embedding,
            recipe.hidden_size,
            recipe.hidden_size,
            recipe.attention,
            recipe.layers,
            recipe.dropout,
            recipe.layers > 2,
        )
        return Captioner(
            trunk,
            maps.shape[1],
            (maps.shape[2], maps.shape[3]),
            decoder,
            recipe.hidden_size,
            recipe.hidden_size,
            recipe.dropout,
            recipe.mode != "scratch",
            min(recipe.max_length, 20),
        )

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Puts the trained weights into the network that looks, unless it is to learn from scratch."""
        assert isinstance(network, Captioner)
        if self.recipe.mode == "scratch":
            return ()
        weights = load_weights(self._source, self.recipe.network)
        put_body(network.trunk.network, weights, self.recipe.network)
        return (f"pictures are looked at with the weights of {weights.source}",)

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        return plain_arithmetic(machine)

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        rows, execution = context.splits.training, context.execution
        return answered_batches(context.dataset, rows, recipe.batch_size, recipe.seed, execution, self.augmentation)

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        assert isinstance(network, Captioner)
        recipe, images = self.recipe, self.batches(context)
        whole = stage_of(self, network, images, context)
        if recipe.mode == "scratch":
            return [whole]
        trunk = {id(parameter) for parameter in network.trunk.parameters()}
        decoder = [each for each in network.parameters() if id(each) not in trunk]
        first = replace(whole, name=DECODER, parameters=decoder, minimise=partial(self._fit_decoder, context=context))
        if recipe.mode == "frozen":
            return [first]
        tuned = [each for layer in self._last_stage(network) for each in layer.parameters()]
        second = replace(
            whole,
            name=LAST_STAGE,
            parameters=[*decoder, *tuned],
            learning_rate=whole.learning_rate * recipe.finetune_rate,
            share=0.6,
        )
        return [replace(first, total=EPOCHS["frozen"] * len(images), share=0.4), second]

    def _last_stage(self, network: Captioner) -> list[nn.Module]:
        modules = dict(network.trunk.network.named_modules())
        return [modules[name] for name in NETWORKS[self.recipe.network].last_stage if name in modules]

    def _fit_decoder(self, stage: Stage, start: Tree | None, context: Context) -> Iterator[Step]:
        """Fits what reads the feature maps, which are computed once."""
        assert isinstance(stage.network, Captioner)
        if start is not None:
            stage.network.load_state_dict(start["network"])  # before features are computed with them
        recipe, known = self.recipe, self._known(stage.network, context.dataset, stage.execution)
        assert recipe.batch_size is not None
        over = replace(context, dataset=known)
        rows = context.splits.training

        def judge(network: nn.Module) -> Judgement:
            assert isinstance(network, Captioner)
            metrics = self._judge(FromFeatures(network), over)
            return Judgement(metrics.error, metrics.values)

        batches = answered_batches(known, rows, recipe.batch_size, recipe.seed, stage.execution)
        return fit(
            replace(
                stage,
                batches=batches,
                loss=partial(self._loss_of_features, objective=self.training_objective(context)),
                judge=judge if len(context.splits.validation) else None,
            ),
            start,
        )

    def _known(self, network: Captioner, dataset: Dataset, execution: Execution) -> Dataset:
        """The examples with the feature maps of their pictures in place of these."""
        network.trunk.eval()
        self._features = features_of(network.trunk, network.features, dataset, execution)
        return with_features(dataset, self._features)

    def _loss_of_features(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        assert isinstance(network, Captioner)
        return self.loss(FromFeatures(network), batch, carry, moment, objective)

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        return sampled_loss(self.recipe, network, batch, moment, objective), carry

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        return self._judge(encoder_decoder_of(network), context)

    def _judge(self, network: EncoderDecoder, context: Context) -> Metrics:
        """On the validation rows, greedily; the weights with the best CIDEr are kept."""
        rows = context.splits.validation[:JUDGED]
        found = answer(network, context.dataset, rows, context.execution, replace(self.beam, width=1))
        return self.measure(found, context.dataset, rows)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Answers:
        return answer(encoder_decoder_of(network), dataset, rows, execution, self.beam)

    @override
    def measure(self, outputs: Answers, dataset: Dataset, rows: Tensor) -> Metrics:
        values = measure_captions(outputs, dataset, rows)
        return Metrics(values, "cider", -values["cider"])

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Answers], context: Context, last: Tree | None
    ) -> Findings:
        assert isinstance(network, Captioner)
        known = self._known(network, context.dataset, replace(context.execution, precision="float32"))
        near = nearest_captions(known.columns["inputs"], network.maps, context.splits.training, evaluation.rows)
        greedy = answer(FromFeatures(network), known, evaluation.rows, context.execution, replace(self.beam, width=1))
        return report_captions(context, evaluation, near, greedy)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return Answered(dataset, execution)(rows)

    @override
    def select_opened(
        self, network: nn.Module, batch: Batch, task: Task, target: str | float | None
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        return open_with_answer(encoder_decoder_of(network), batch, task, target, self.beam)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        assert isinstance(network, Captioner)
        offsets = {name: each for name, each in dataset.offsets.items() if name != "targets"}
        unknown = replace(dataset, offsets=offsets)
        found = answer(network, unknown, torch.arange(len(dataset)), execution, self.beam, loss=False)
        return evidence_of(network, found, unknown, execution)

    @override
    def usual_task(self) -> Task:
        vocabulary = find_vocabulary(list(_SAID), "word", 100, 1)
        return Task(Images((3, LEAST_SIDE, LEAST_SIDE)), TokenSequence(vocabulary))

    @override
    def sample(self, folder: Path) -> Sample:
        one = write_captions(folder / "captions", 30)
        options = {
            "network": "convnet-small",
            "mode": "scratch",
            "size": 16,
            "hidden_size": 8,
            "embedding": 4,
            "epochs": 2,
            "batch_size": 8,
            "beam": 2,
            "max_length": 8,
            "min_count": 1,
        }
        return Sample(str(folder / "captions"), options, [str(one)], "a bar above")


_SAID = ("a bar above", "a bar in the middle", "a bar below")


def write_captions(folder: Path, count: int) -> Path:
    """Pictures of a bar with what is said of them, two sentences each; one of the pictures."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    for number in range(count):
        pixels = draws.integers(0, 100, (16, 16, 3), dtype=np.uint8)
        pixels[1 + 5 * (number % 3) : 5 + 5 * (number % 3)] += 120
        picture = folder / f"{number:02}.png"
        Image.fromarray(pixels).save(picture)
        said = _SAID[number % 3]
        picture.with_suffix(".txt").write_text(f"{said}\n{said} of light\n", encoding="utf-8")
    return folder / "00.png"
