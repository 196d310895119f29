"""Sequence labelling: one label for every word of a sentence (Kolter: parts of speech, names)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batches
from glasswork.data.collate import padded_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import conll as tagged
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts, read_texts
from glasswork.data.listing import is_text
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.vocabulary import UNKNOWN, Vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.evaluation import Evaluation, report_padding
from glasswork.systems.sample import Sample
from glasswork.systems.system import Context, Findings, System
from glasswork.systems.tagger.network import Tagger
from glasswork.systems.tagger.recipe import TaggerRecipe
from glasswork.systems.tagger.report import Labelled, label, report_labels
from glasswork.training.stage import Tree


class SequenceLabelling(System[TaggerRecipe, Labelled]):
    """Minimises the mean of -log p(label of a word | the sentence) over all words."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Texts,)
    answers: ClassVar[tuple[type[Target], ...]] = (PerStep,)

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        options = ReadingOptions.of(
            self.recipe, least=self.recipe.min_count, pieces="features", classes_known=like is not None, like=like
        )
        return read(source, options, tagged)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        return {"epochs": 8, "batch_size": 32, "learning_rate": 0.003}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        return Tagger(
            recipe.cell,
            len(Texts.of(task).vocabulary),
            task.inputs.shape[0],
            len(task.target.names),
            recipe.embedding,
            recipe.hidden_size,
            recipe.layers,
            recipe.dropout,
            recipe.token_dropout,
        )

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        return padded_batches(
            context.dataset, context.splits.training, recipe.batch_size, recipe.seed, context.execution
        )

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Labelled:
        return label(network, dataset, rows, execution)

    @override
    def measure(self, outputs: Labelled, dataset: Dataset, rows: Tensor) -> Metrics:
        return Metrics(outputs.measure(dataset, rows), "accuracy", outputs.loss)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Labelled], context: Context, last: Tree | None
    ) -> Findings:
        recipe, found = self.recipe, report_labels(context, evaluation)
        waste, section = report_padding(context.dataset, context.splits.training, recipe.batch_size or 1, recipe.seed)
        return replace(found, sections=[section, *found.sections], results={**found.results, "padding_waste": waste})

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        """The sentences of text files and of files in columns, or one that is written out in place of a path."""
        known = Texts.of(task).vocabulary.numbers
        for source in sources:
            missing = f"There is no file {source}; a sentence in its place has to be in quotes, with a space in it"
            if is_text(source, missing):
                words, names = [tagged.words_of(str(source), known)], ["the text"]
            else:
                files = tagged.files_of(source) if source.is_dir() else [source]
                if not files:
                    raise GlassworkError(f"{source} is a folder: name a text file, or one in CoNLL columns")
                read = [tagged.read_questions(file, known) for file in files]
                words = [sentence for each, _ in read for sentence in each]
                names = [name for _, each in read for name in each]
                if not words:
                    raise GlassworkError(f"{source} holds no sentence")
            dataset = tagged.sentences(words, names, task)
            columns = {**dataset.columns, "targets": torch.zeros(len(dataset), dtype=torch.int64)}
            yield read_texts(replace(dataset, columns=columns), names, "word")

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        rows, names = torch.arange(len(dataset)), dataset.task.target.names
        found = []
        for row, labels in enumerate(label(network, dataset, rows, execution).labels):
            said = tuple(names[number] for number in labels.tolist())
            words = tagged.words_in(dataset, row) if "texts" in dataset.columns else ()
            found.append(Prediction(dataset.name(row), said, None, {}, words=words))
        return found

    @override
    def usual_task(self) -> Task:
        known = {feature: None for word in _LABELS for feature in tagged.features(word)}
        vocabulary = Vocabulary((UNKNOWN, *known), "features")
        return Task(Texts(vocabulary, tagged.FEATURES), PerStep(("CD", "NN", "CC")))

    @override
    def sample(self, folder: Path) -> Sample:
        data = folder / "sentences.conll"
        sentences = [["one", "tea", *["or", "two"] * (place % 3)] for place in range(60)]
        columns = ["\n".join(f"{word}\t{_LABELS[word]}" for word in sentence) for sentence in sentences]
        data.write_text("\n\n".join(columns) + "\n", encoding="utf-8")
        options = {"hidden_size": 4, "embedding": 3, "layers": 2, "epochs": 2, "batch_size": 8, "test": 0.2}
        return Sample(str(data), options, [str(data), "nobody knows these"])


_LABELS = {"one": "CD", "tea": "NN", "or": "CC", "two": "CD"}
