"""Sequence labelling: one label for every word of a sentence (Kolter: parts of speech, names)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch
from glasswork.data.collate import IGNORED, padded_batches
from glasswork.data.dataset import Dataset, ReadingOptions, Schema
from glasswork.data.formats import conll as tagged
from glasswork.data.inputs import Inputs, is_there
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.vocabulary import UNKNOWN, Vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.systems.answers import measured_rows
from glasswork.systems.padded import padded_batch, padding
from glasswork.systems.sequence_metrics import measured
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.system import Prediction, System
from glasswork.systems.tagger.network import Tagger
from glasswork.systems.tagger.recipe import TaggerRecipe
from glasswork.systems.tagger.report import findings, labelled
from glasswork.training.clock import Clock
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carry, Stage
from glasswork.training.step import Tree


class SequenceLabelling(System[TaggerRecipe]):
    """Minimises the mean of -log p(label of a word | the sentence) over all words."""

    @property
    @override
    def loss_name(self) -> str:
        return "cross-entropy"

    @override
    def read(self, source: str | Path) -> Dataset:
        options = ReadingOptions(vocabulary=self.recipe.vocabulary, least=self.recipe.least, pieces="features")
        return read(source, options, tagged)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Dataset:
        return read(source, ReadingOptions(classes_known=True, like=schema, pieces="features"), tagged)

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        return dataset.schema

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> TaggerRecipe:
        recipe = self.recipe
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        return recipe.completed(epochs=8, batch_size=32, learning_rate=0.003)

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe = self.recipe
        assert schema.vocabulary is not None
        return Tagger(
            recipe.cell,
            len(schema.vocabulary),
            schema.shape[0],
            len(schema.classes),
            recipe.embedding,
            recipe.units,
            recipe.layers,
            recipe.dropout,
            recipe.token_dropout,
        )

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.batch_size is not None
        judge = judged(lambda network: self.score(network, dataset, splits.validation, execution), splits.validation)
        batches = padded_batches(dataset, splits.training, recipe.batch_size, recipe.seed, execution)
        return [stage_of(recipe, network, batches, self.loss, judge, clock, execution)]

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        return functional.cross_entropy(network(batch.inputs).float(), batch.targets, ignore_index=IGNORED), state

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        return measured(dataset, rows, *labelled(network, dataset, rows, execution))

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        answers, loss = labelled(network, dataset, rows, replace(execution, precision="float32"))
        found = findings(dataset, splits.training, rows, where, answers, loss)
        waste, part = padding(dataset, splits.training, self.recipe.batch_size or 1, self.recipe.seed)
        return {**found, "parts": [part], "result": {**found["result"], "padding_waste": waste}}

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        """The sentences of text files and of files in columns, or one that is written out in place of a path."""
        assert schema.vocabulary is not None
        for source in sources:
            if is_there(source):
                if source.is_dir():
                    raise GlassworkError(f"{source} is a folder: name a text file, or one in CoNLL columns")
                words, names = tagged.read_questions(source)
                if not words:
                    raise GlassworkError(f"{source} holds no sentence")
            elif any(character.isspace() for character in str(source)):
                words, names = [tagged.words_of(str(source))], ["the text"]
            else:
                raise GlassworkError(
                    f"There is no file {source}; a sentence in its place has to be in quotes, with a space in it"
                )
            dataset = tagged.sentences(words, names, schema, schema.vocabulary)
            empty = ragged.lengths(dataset.offsets["inputs"]) == 0
            problems = {row: f"{names[row]} holds no word" for row in empty.nonzero()[:, 0].tolist()}
            columns = {**dataset.columns, "targets": torch.zeros(len(dataset), dtype=torch.int64)}
            yield Inputs(names, replace(dataset, columns=columns).take((~empty).nonzero()[:, 0]), problems)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return padded_batch(dataset, rows, execution)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        rows, names = torch.arange(len(dataset)), dataset.schema.classes
        answers, _ = labelled(network, dataset, rows, execution)
        found = []
        for row, labels in enumerate(answers):
            said = tuple(names[number] for number in labels.tolist())
            words = tagged.words_in(dataset, row) if "texts" in dataset.columns else ()
            found.append(Prediction(dataset.name(row), said, None, {}, words=words))
        return found

    @override
    def example(self) -> Dataset:
        words = [["one", "tea", *["or", "two"] * (place % 3)] for place in range(30)]
        numbers = {"one": 0, "two": 0, "tea": 1, "or": 2}
        known = {feature: None for sentence in words for word in sentence for feature in tagged.features(word)}
        schema = Schema("text", (tagged.FEATURES,), "class", ("CD", "NN", "CC"), each=True)
        names = [f"sentence {place}" for place in range(30)]
        dataset = tagged.sentences(words, names, schema, Vocabulary((UNKNOWN, *known), "features"))
        columns = {
            **dataset.columns,
            "targets": torch.tensor([numbers[word] for sentence in words for word in sentence]),
            "fingerprints": ragged.fingerprints(dataset.columns["texts"], dataset.offsets["texts"]),
        }
        offsets = {**dataset.offsets, "targets": dataset.offsets["inputs"]}
        return replace(dataset, columns=columns, offsets=offsets, source="example")
