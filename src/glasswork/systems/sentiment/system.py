"""Text classification: one class (or several, or a number) for a whole text (Kovashka: sentiment)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch, Scaling, fit_scaling
from glasswork.data.dataset import Dataset, ReadingOptions, Schema
from glasswork.data.formats import labelled_texts
from glasswork.data.inputs import Inputs, is_there
from glasswork.data.padded_batches import PaddedBatches
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import LOSSES, default_loss
from glasswork.objectives.metrics import measure
from glasswork.systems.answers import measured_rows, worded
from glasswork.systems.padded import in_parts, padded_batch, padded_outputs, padding
from glasswork.systems.sentiment.naive_bayes import CountedWords
from glasswork.systems.sentiment.network import TextClassifier
from glasswork.systems.sentiment.recipe import SentimentRecipe
from glasswork.systems.sentiment.report import counted_section
from glasswork.systems.sentiment.word_attribution import EXPLAINED, moved_words
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.supervised_findings import findings
from glasswork.systems.system import Prediction, System
from glasswork.training.clock import Clock
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carry, Stage
from glasswork.training.step import Tree

NEIGHBOURS = {"word": 2, "bpe": 2, "character": 3}
"""How many pieces in a row are counted together."""
SHARES = [step / 20 for step in range(21)]
"""Of the learnt scores, beside counted words, that are tried on the texts held out."""


class SequenceClassification(System[SentimentRecipe]):
    """Minimises the mean loss between the scores of whole texts and their known classes.

    Args:
        recipe: what to minimise.
    """

    def __init__(self, recipe: SentimentRecipe) -> None:
        super().__init__(recipe)
        self._loss = ""

    @property
    @override
    def loss_name(self) -> str:
        return self._loss or "cross-entropy"

    @override
    def read(self, source: str | Path) -> Dataset:
        return read(source, self._options(), labelled_texts)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Dataset:
        return read(source, replace(self._options(), classes_known=True, like=schema), labelled_texts)

    def _options(self) -> ReadingOptions:
        recipe = self.recipe
        return ReadingOptions(
            target=recipe.target,
            vocabulary=recipe.vocabulary,
            text=recipe.text,
            pieces=recipe.pieces,
            least=recipe.least,
            longest=recipe.longest,
        )

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        return fit_scaling(dataset, rows)

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> SentimentRecipe:
        recipe = self.recipe
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        if dataset.schema.vocabulary is not None and len(dataset.schema.vocabulary) < 2:
            raise GlassworkError(
                f"No {recipe.pieces} comes {recipe.least} times in the texts of {dataset.source}: add texts, or take "
                "--least 1"
            )
        return recipe.completed(epochs=12, batch_size=64 if len(splits.training) > 8000 else 32, learning_rate=0.002)

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe = self.recipe
        assert schema.vocabulary is not None
        self._loss = default_loss(schema.target)
        return TextClassifier(
            recipe.cell,
            len(schema.vocabulary),
            len(schema.classes),
            recipe.embedding,
            recipe.units,
            recipe.layers,
            recipe.dropout,
            recipe.token_dropout,
            NEIGHBOURS[recipe.pieces] if recipe.counted and schema.target != "number" else 0,
        )

    @override
    def stages(
        self, network: nn.Module, dataset: Dataset, splits: Splits, clock: Clock, execution: Execution
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.batch_size is not None and isinstance(network, TextClassifier)
        if network.counted is not None and not network.counted.weights.any():
            self._count(network.counted, dataset, splits.training, execution)
        judge = judged(lambda network: self._shared(network, dataset, splits.validation, execution), splits.validation)
        batches = PaddedBatches(dataset, splits.training, recipe.batch_size, recipe.seed, execution)
        return [stage_of(recipe, network, batches, self.loss, judge, clock, execution)]

    def _count(self, counted: CountedWords, dataset: Dataset, rows: Tensor, execution: Execution) -> None:
        """Counts the training texts, those of nearly equal length together, and each once.

        A copy would tell of a text that is foretold from all others.
        """
        prints = dataset.columns["fingerprints"][rows].tolist()
        rows = rows[sorted({number: place for place, number in reversed(list(enumerate(prints)))}.values())]
        lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
        order = lengths.argsort(stable=True)
        parts = [padded_batch(dataset, rows[order[part]], execution) for part in in_parts(lengths[order])]
        counted.count([part.inputs for part in parts], [part.targets for part in parts], LOSSES[self.loss_name])

    def _shared(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        """Gives the learnt scores the share that is best on the rows; the metrics with it."""
        assert isinstance(network, TextClassifier)
        if network.counted is None:
            return self.score(network, dataset, rows, execution)
        learnt, counted = self._halves(network, dataset, rows, execution)
        mixed = [(share, share * learnt + (1 - share) * counted) for share in SHARES]
        found = [(share, self._measured(dataset, rows, outputs)) for share, outputs in mixed]
        share, metrics = min(found, key=lambda pair: pair[1]["loss"])
        network.share.fill_(share)
        return metrics

    def _halves(
        self, network: TextClassifier, dataset: Dataset, rows: Tensor, execution: Execution
    ) -> tuple[Tensor, Tensor]:
        """What the recurrent layers and the counted words say alone, (rows, classes) each."""
        assert network.counted is not None
        given = float(network.share)
        network.share.fill_(1.0)
        learnt = padded_outputs(network, dataset, rows, execution)
        network.share.fill_(given)
        return learnt, padded_outputs(network.counted, dataset, rows, execution)

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carry) -> tuple[Tensor, Carry]:
        assert isinstance(network, TextClassifier)
        return LOSSES[self.loss_name](network.learnt(batch.inputs).float(), batch.targets), state

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        return self._measured(dataset, rows, padded_outputs(network, dataset, rows, execution))

    def _measured(self, dataset: Dataset, rows: Tensor, outputs: Tensor) -> dict[str, float]:
        scaling, targets = Scaling(dataset.schema, Execution()), dataset.columns["targets"][rows]
        loss = LOSSES[self.loss_name](outputs, scaling.targets(targets))
        return {
            "loss": float(loss),
            **measure(dataset.schema.target, scaling.answers(outputs), targets, self.loss_name),
        }

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        outputs = padded_outputs(network, dataset, rows, replace(execution, precision="float32"))
        answers = Scaling(dataset.schema, Execution()).answers(outputs)
        found = findings(dataset, splits.training, rows, where, answers, self.loss_name)
        found["test_metrics"] = self._measured(dataset, rows, outputs)
        waste, part = padding(dataset, splits.training, self.recipe.batch_size or 1, self.recipe.seed)
        parts, result = [part], {"padding_waste": waste}
        assert isinstance(network, TextClassifier)
        if network.counted is not None:
            learnt, counted = self._halves(network, dataset, rows, replace(execution, precision="float32"))
            each = {"learnt": learnt, "counted": counted, "together": outputs}
            judges = {name: self._measured(dataset, rows, scores)["accuracy"] for name, scores in each.items()}
            parts.append(counted_section(network, dataset, splits.training, judges))
            result |= {"learnt_accuracy": judges["learnt"], "counted_accuracy": judges["counted"]}
            result["learnt_share"] = float(network.share)
        return {**found, "parts": parts, "result": result}

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        """Texts of files, of tables, or one that is written out in place of a path, which has a space then."""
        for source in sources:
            if is_there(source):
                dataset = labelled_texts.read_questions(source, schema, self._options())
            elif any(character.isspace() for character in str(source)):
                dataset = labelled_texts.examples_of([str(source)], ["the text"], schema, self.recipe.longest)
            else:
                raise GlassworkError(
                    f"There is no file or folder {source}; a text in its place has to be in quotes, with a space in it"
                )
            names = list(dataset.names)
            empty = ragged.lengths(dataset.offsets["inputs"]) == 0
            problems = {row: f"{names[row]} holds no text" for row in empty.nonzero()[:, 0].tolist()}
            yield Inputs(names, dataset.take((~empty).nonzero()[:, 0]), problems)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return padded_batch(dataset, rows, execution)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        outputs = padded_outputs(network, dataset, torch.arange(len(dataset)), execution)
        answers = Scaling(dataset.schema, Execution()).answers(outputs)
        said = worded(answers, dataset.schema, dataset.names, self.loss_name)
        return [
            replace(
                answer,
                moved=moved_words(network, dataset, row, self.loss_name, execution) if row < EXPLAINED else (),
                figures=_unknown(dataset, row),
            )
            for row, answer in enumerate(said)
        ]

    @override
    def example(self) -> Dataset:
        texts = [f"{word} was {what} {end}" for word, what, end in _EXAMPLE]
        vocabulary = find_vocabulary(texts, "word", 100, 1)
        tokens, offsets = encode(texts, vocabulary)
        targets = torch.tensor([int(what == "bad") for _, what, _ in _EXAMPLE])
        columns = {"inputs": tokens, "targets": targets, "fingerprints": ragged.fingerprints(tokens, offsets)}
        schema = Schema("text", (), "class", ("kind", "unkind"), vocabulary=vocabulary)
        return Dataset(columns, schema, "example", offsets={"inputs": offsets})


_EXAMPLE = [
    (word, what, " ".join(["indeed"] * (place % 4)))
    for place, (word, what) in enumerate(
        (word, what) for word in ("tea", "rice", "bread", "soup", "cake") for what in ("good", "bad")
    )
] * 3


def _unknown(dataset: Dataset, row: int) -> dict[str, float]:
    """How many pieces of a text the network does not know, where there are any."""
    begin, end = dataset.offsets["inputs"][row : row + 2].tolist()
    unknown = int((dataset.columns["inputs"][begin:end] == 0).sum())
    return {"unknown_pieces": unknown} if unknown else {}
