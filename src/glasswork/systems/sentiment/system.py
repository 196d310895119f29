"""Text classification: one class (or several, or a number) for a whole text (Kovashka: sentiment)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch, Batches
from glasswork.data.collate import padded_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import labelled_texts
from glasswork.data.kinds.kind import Inputs, Reading
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts, read_texts
from glasswork.data.listing import is_text
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.tokenize import find_vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.evaluation import Evaluation, collate, outputs_on, parts_by_length, report_padding
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.sentiment.naive_bayes import CountedWords
from glasswork.systems.sentiment.network import TextClassifier
from glasswork.systems.sentiment.recipe import SentimentRecipe
from glasswork.systems.sentiment.report import EXPLAINED, moved_words, report_counts
from glasswork.systems.system import Context, Findings, Remarks, System
from glasswork.training.stage import Carry, Moment, Tree

NEIGHBOURS = {"word": 2, "bpe": 2, "character": 3}
"""How many pieces in a row are counted together."""
SHARES = [step / 20 for step in range(21)]
"""Weights of the learned scores against the counted words that are tried on the held-out texts."""


class SequenceClassification(System[SentimentRecipe, Tensor]):
    """Minimises the mean loss between the scores of whole texts and their known classes.

    Args:
        recipe: what to minimise.
    """

    takes: ClassVar[tuple[type[Inputs], ...]] = (Texts,)

    @override
    def objective(self, task: Task) -> Objective:
        return Objective(task.target.losses[0])

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        return read(source, self._options(like), labelled_texts)

    def _options(self, like: Task | None) -> ReadingOptions:
        recipe = self.recipe
        return ReadingOptions.of(
            recipe, least=recipe.min_count, longest=recipe.max_length, classes_known=like is not None, like=like
        )

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe = self.recipe
        if len(Texts.of(dataset.task).vocabulary) < 2:
            raise GlassworkError(
                f"No {recipe.pieces} comes {recipe.min_count} times in the texts of {dataset.source}: add texts, or "
                "take --min-count 1"
            )
        return {"epochs": 12, "batch_size": 64 if len(splits.training) > 8000 else 32, "learning_rate": 0.002}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        return TextClassifier(
            recipe.cell,
            len(Texts.of(task).vocabulary),
            len(task.target.names),
            recipe.embedding,
            recipe.hidden_size,
            recipe.layers,
            recipe.dropout,
            recipe.token_dropout,
            NEIGHBOURS[recipe.pieces] if recipe.counted and task.target.classes else 0,
        )

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        return padded_batches(
            context.dataset, context.splits.training, recipe.batch_size, recipe.seed, context.execution
        )

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Counts the words of the training texts."""
        assert isinstance(network, TextClassifier)
        if network.counted is not None:
            self._count(network.counted, context.dataset, context.splits.training, context.execution)
        return ()

    def _count(self, counted: CountedWords, dataset: Dataset, rows: Tensor, execution: Execution) -> None:
        """Counts the training texts, those of nearly equal length together, and each once.

        A copy would give away a text that is predicted from all others.
        """
        prints = dataset.columns["fingerprints"][rows].tolist()
        rows = rows[sorted({number: place for place, number in reversed(list(enumerate(prints)))}.values())]
        parts = [collate(dataset, rows[places], execution) for places in parts_by_length(dataset, rows)]
        counted.count([part.inputs for part in parts], [part.targets for part in parts], self.objective(dataset.task))

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """On the validation rows, under the share of the learned scores that is best there, as `complete` sets it."""
        assert isinstance(network, TextClassifier)
        if network.counted is None:
            return super().judge(network, context)
        return self._best_share(network, context.dataset, context.splits.validation, context.execution)[1]

    def _best_share(
        self, network: TextClassifier, dataset: Dataset, rows: Tensor, execution: Execution
    ) -> tuple[float, Metrics]:
        """The share of the learned scores with the least loss on the rows, and the metrics with it."""
        learnt, counted = self._halves(network, dataset, rows, execution)
        mixed = [(share, share * learnt + (1 - share) * counted) for share in SHARES]
        found = [(share, self.measure(outputs, dataset, rows)) for share, outputs in mixed]
        return min(found, key=lambda pair: pair[1].error)

    def _halves(
        self, network: TextClassifier, dataset: Dataset, rows: Tensor, execution: Execution
    ) -> tuple[Tensor, Tensor]:
        """What the recurrent layers and the counted words say alone, (rows, classes) each."""
        assert network.counted is not None
        network.eval()
        learnt = outputs_on(network.learnt, dataset, rows, execution)
        return learnt, outputs_on(network.counted, dataset, rows, execution)

    @override
    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets the share of the learned scores to the one with the least loss on the validation texts."""
        assert isinstance(network, TextClassifier)
        rows = context.splits.validation
        if network.counted is not None and len(rows):
            exact = replace(context.execution, precision="float32")
            network.share.fill_(self._best_share(network, context.dataset, rows, exact)[0])

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        assert isinstance(network, TextClassifier)
        return objective(network.learnt(batch.inputs).float(), batch.targets), carry

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Tensor], context: Context, last: Tree | None
    ) -> Findings:
        assert isinstance(network, TextClassifier)
        dataset, training, rows = context.dataset, context.splits.training, evaluation.rows
        found = super().report(network, evaluation, context, last)
        waste, section = report_padding(dataset, training, self.recipe.batch_size or 1, self.recipe.seed)
        results: dict[str, float] = {"padding_waste": waste}
        if network.counted is None:
            return replace(found, sections=[section, *found.sections], results=results)
        learnt, counted = self._halves(network, dataset, rows, context.execution)
        each = {"learnt": learnt, "counted": counted, "together": evaluation.outputs}
        judges = {name: self.measure(scores, dataset, rows).values["accuracy"] for name, scores in each.items()}
        results |= {"learnt_accuracy": judges["learnt"], "counted_accuracy": judges["counted"]}
        results["learnt_share"] = float(network.share)
        counting = report_counts(network, dataset, training, judges)
        return replace(found, sections=[section, counting, *found.sections], results=results)

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        """Texts of files, of tables, or one that is written out in place of a path, which has a space then."""
        for source in sources:
            missing = (
                f"There is no file or folder {source}; a text in its place has to be in quotes, with a space in it"
            )
            if is_text(source, missing):
                dataset = labelled_texts.examples_of([str(source)], ["the text"], task, self.recipe.max_length)
                unread: dict[int, str] = {}
            else:
                dataset, unread = labelled_texts.read_questions(source, task, self._options(None))
            yield read_texts(dataset, list(dataset.names), "text", unread)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        objective = self.objective(dataset.task)
        return [
            replace(
                one,
                moved=moved_words(network, dataset, row, objective, execution) if row < EXPLAINED else (),
                figures=_unknown(dataset, row),
            )
            for row, one in enumerate(super().predict(network, dataset, execution))
        ]

    @override
    def usual_task(self) -> Task:
        vocabulary = find_vocabulary([text for text, _ in _texts()], "word", 100, 1)
        return Task(Texts(vocabulary), OneClass(("kind", "unkind")))

    @override
    def sample(self, folder: Path) -> Sample:
        data = write_rows(folder / "texts.csv", ["review", "target"], 2 * _texts())
        options = {"hidden_size": 4, "embedding": 5, "layers": 2, "epochs": 2, "batch_size": 8}
        return Sample(str(data), options, [str(data), "some words of nobody"], "kind")


def _texts() -> list[tuple[str, str]]:
    """Short texts of two classes, which some of their words tell."""
    said = [(word, what) for word in ("tea", "rice", "bread", "soup", "cake") for what in ("good", "bad")]
    kinds = {"good": "kind", "bad": "unkind"}
    return 3 * [(f"{word} was {what}{' indeed' * (k % 4)}", kinds[what]) for k, (word, what) in enumerate(said)]


def _unknown(dataset: Dataset, row: int) -> dict[str, float]:
    """How many pieces of a text the network does not know, if there are any."""
    begin, end = dataset.offsets["inputs"][row : row + 2].tolist()
    unknown = int((dataset.columns["inputs"][begin:end] == 0).sum())
    return {"unknown_pieces": unknown} if unknown else {}
