"""Translation: a text becomes another one, piece by piece (Kolter: sequence to sequence; Wu et al. 2016)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch, Batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import parallel_texts
from glasswork.data.formats.labelled_texts import examples_of, text_of
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.listing import is_there
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.sequence_batches import Answered, answered_batches
from glasswork.data.splits import Splits
from glasswork.data.tokenize import find_vocabulary, known_letters
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.decoding import Beam
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.objectives.translations import require_sacrebleu
from glasswork.report.blocks import Block
from glasswork.systems.evaluation import Evaluation, measured_rows, report_padding
from glasswork.systems.sample import Sample, write_rows
from glasswork.systems.sequences import (
    Answers,
    answer,
    beam_of,
    encoder_decoder_of,
    follow_answers,
    loss_on,
    open_with_answer,
    predictions_of,
    references_of,
    sampled_loss,
)
from glasswork.systems.system import Context, Findings, System
from glasswork.systems.translate.evidence import attention_map, moved_words
from glasswork.systems.translate.network import Reader, Translator
from glasswork.systems.translate.recipe import TranslateRecipe
from glasswork.systems.translate.report import (
    by_dictionary,
    compare_figures,
    figures_of,
    main_figure,
    read_answers,
    score_of,
)
from glasswork.training.stage import Carry, Moment, Tree

EXPLAINED = 20
"""Texts whose words are left out in turn, in one question."""
_SIZE = 256
_STEPS, _LEAST_EPOCHS, _MOST_EPOCHS = 1000, 12, 40
_FILE = re.compile(r".*\.[A-Za-z0-9]{1,5}|.*[/\\].*")


class Translate(System[TranslateRecipe, Answers]):
    """Minimises the mean of -log p(token | text, tokens before it) over all tokens of the translations."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Texts,)
    answers: ClassVar[tuple[type[Target], ...]] = (TokenSequence,)
    wanted: ClassVar[tuple[str, str]] = ("This learns from pairs of texts",) * 2

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")

    @override
    def training_objective(self, context: Context) -> Objective:
        return Objective("cross-entropy", self.recipe.label_smoothing)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        recipe = self.recipe
        options = ReadingOptions.of(
            recipe,
            text=recipe.source,
            pieces=recipe.pieces or "bpe",
            pieces_known=recipe.pieces is not None,
            least=recipe.min_count,
            longest=recipe.max_length,
            classes_known=like is not None,
            like=like,
        )
        dataset = read(source, options, parallel_texts)
        if like is None:
            return dataset
        foreign = self._of_unknown_script(dataset, [text_of(dataset, row) for row in range(len(dataset))])
        if not foreign:
            return dataset
        have = "text has" if len(foreign) == 1 else "texts have"
        named = dataset.name(foreign[0]).partition(": ")[0]
        said = f"{len(foreign):,} {have} no character that came in training, such as {named}."
        return replace(dataset, skipped=(*dataset.skipped, said))

    def _of_unknown_script(self, dataset: Dataset, texts: Sequence[str]) -> list[int]:
        """The rows whose texts have letters, and none that came in training."""
        letters = known_letters(Texts.of(dataset.task).vocabulary)
        found = [{character for character in text if not character.isspace()} for text in texts]
        return [row for row, each in enumerate(found) if each and letters.isdisjoint(each)]

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        require_sacrebleu()
        batch_size = self.recipe.batch_size or 64
        steps = max(1, -(-len(splits.training) // batch_size))
        pieces = Texts.of(dataset.task).vocabulary.pieces
        return {
            "epochs": min(_MOST_EPOCHS, max(_LEAST_EPOCHS, round(_STEPS / steps))),
            "batch_size": batch_size,
            "learning_rate": 0.005 if pieces == "character" else 0.003,
            "pieces": pieces,
            "embedding": 64 if pieces == "character" else _SIZE,
            "hidden_size": 128 if pieces == "character" else _SIZE,
        }

    @override
    def network(self, task: Task) -> nn.Module:
        recipe, target = self.recipe, TokenSequence.of(task)
        embedding, size = recipe.embedding or _SIZE, recipe.hidden_size or _SIZE
        shape = (size, recipe.layers, recipe.dropout, recipe.residual)
        reader = Reader(recipe.cell, recipe.encoder, embedding, *shape)
        decoder = AttentionDecoder(
            recipe.cell,
            len(target.names),
            embedding,
            size,
            reader.outputs,
            recipe.attention,
            recipe.layers,
            recipe.dropout,
            recipe.residual,
        )
        return Translator(len(Texts.of(task).vocabulary), embedding, reader, decoder, target.longest)

    @override
    def batches(self, context: Context) -> Batches:
        recipe = self.recipe
        assert recipe.batch_size is not None
        rows = context.splits.training
        rows = rows[~parallel_texts.are_long(context.dataset, recipe.max_length)[rows]]
        if not len(rows):
            raise GlassworkError(f"All texts are longer than {recipe.max_length:,} pieces: raise --max-length")
        return answered_batches(context.dataset, rows, recipe.batch_size, recipe.seed, context.execution)

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        return sampled_loss(self.recipe, network, batch, moment, objective), carry

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """By the loss alone: a search takes too long after every epoch."""
        loss = loss_on(encoder_decoder_of(network), context.dataset, context.splits.validation, context.execution)
        return Metrics({"loss": loss}, "loss", loss, higher_is_better=False)

    def _beam(self, task: Task, width: int | None = None) -> Beam:
        return beam_of(self.recipe, TokenSequence.of(task).longest, width)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Answers:
        return answer(encoder_decoder_of(network), dataset, rows, execution, self._beam(dataset.task))

    @override
    def measure(self, outputs: Answers, dataset: Dataset, rows: Tensor) -> Metrics:
        figures = figures_of(outputs.texts, references_of(dataset, rows))
        return Metrics({"loss": outputs.loss, **figures}, main_figure(figures), outputs.loss)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Answers], context: Context, last: Tree | None
    ) -> Findings:
        translator, recipe, dataset, rows = encoder_decoder_of(network), self.recipe, context.dataset, evaluation.rows
        known = references_of(dataset, rows)
        greedy = answer(translator, dataset, rows, context.execution, self._beam(dataset.task, 1), loss=False)
        each = {
            f"beam search, {recipe.beam} wide": figures_of(evaluation.outputs.texts, known),
            "greedy": figures_of(greedy.texts, known),
            "dictionary": figures_of(by_dictionary(dataset, context.splits.training, rows), known),
        }
        searched, main = each[f"beam search, {recipe.beam} wide"], main_figure(each["greedy"])
        first = dataset.take(rows[:1])
        best = replace(evaluation.outputs, hypotheses=evaluation.outputs.hypotheses[:1])
        (followed,) = follow_answers(translator, first, best, context.execution)
        attention = attention_map(first, 0, best.hypotheses[0][0], followed)
        waste, padding = report_padding(dataset, context.splits.training, recipe.batch_size or 1, recipe.seed)
        return Findings(
            score_of(searched, each["dictionary"], len(rows), measured_rows(context.splits)[0]),
            sections=[compare_figures(each), read_answers(dataset, rows, evaluation.outputs, attention), padding],
            results={
                f"greedy_{main}": each["greedy"][main],
                f"dictionary_{main}": each["dictionary"][main],
                "padding_waste": waste,
            },
        )

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        """Texts that are written out, one a line in files and on standard input (`-`), or in a column of a table."""
        recipe = self.recipe
        options = ReadingOptions(text=recipe.source, target=recipe.target)
        for source in sources:
            if str(source) != "-" and not is_there(source):
                if _FILE.fullmatch(str(source)) and not any(letter.isspace() for letter in str(source)):
                    raise GlassworkError(f"There is no file {source}; a text in its place needs a space in it")
                texts, names = [str(source)], ["the text"]
            else:
                texts, names = parallel_texts.questions(source, options)
            yield self._reading(examples_of(texts, names, task), texts)

    def _reading(self, dataset: Dataset, texts: Sequence[str]) -> Reading:
        """The texts that can be translated, and why each of the others cannot."""
        foreign = frozenset(self._of_unknown_script(dataset, texts))
        problems = dict[int, str]()
        counts = ragged.lengths(dataset.offsets["inputs"]).tolist()
        for row, (name, count) in enumerate(zip(dataset.names, counts, strict=True)):
            if not count:
                problems[row] = f"{name} is empty"
            elif count > self.recipe.max_length:
                problems[row] = (
                    f"{name} has {count:,} pieces, and the model was trained on texts of at most "
                    f"{self.recipe.max_length:,}: divide it into sentences"
                )
            elif row in foreign:
                problems[row] = f"{name} has no character that came in training: this model does not know its script"
        rows = torch.tensor([row for row in range(len(texts)) if row not in problems], dtype=torch.int64)
        return Reading(list(dataset.names), dataset.take(rows), problems)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return Answered(dataset, execution)(rows)

    @override
    def select_opened(
        self, network: nn.Module, batch: Batch, task: Task, target: str | float | None
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        return open_with_answer(encoder_decoder_of(network), batch, task, target, self._beam(task))

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        translator, rows = encoder_decoder_of(network), torch.arange(len(dataset))
        found = answer(translator, dataset, rows, execution, self._beam(dataset.task), loss=False)
        followed = follow_answers(translator, dataset, found, execution)
        moved: list[Sequence[object]] = []
        evidence: list[Sequence[object]] = []
        for row, (hypotheses, said) in enumerate(zip(found.hypotheses, followed, strict=True)):
            shown = row < EXPLAINED and "texts" in dataset.columns
            drawn: Block | None = attention_map(dataset, row, hypotheses[0], said) if shown else None
            evidence.append([drawn] if drawn is not None else [])
            moved.append(moved_words(translator, dataset, row, hypotheses[0], execution) if shown else ())
        return predictions_of(found, dataset, followed, moved=moved, evidence=evidence)

    @override
    def next_commands(self, run: str, task: Task) -> list[tuple[str, str]]:
        file = (f"glasswork predict {run} FILE.txt", "answers every line of a file; `-` for standard input")
        return [file, *super().next_commands(run, task)[1:]]

    @override
    def usual_task(self) -> Task:
        texts, answers = zip(*_pairs(), strict=True)
        vocabularies = (find_vocabulary(side, "word", 100, 1, cased=True) for side in (texts, answers))
        return Task(Texts(next(vocabularies)), TokenSequence(next(vocabularies)))

    @override
    def sample(self, folder: Path) -> Sample:
        data = write_rows(folder / "pairs.csv", ["en", "es"], _pairs())
        options = {"pieces": "word", "min_count": 1, "hidden_size": 4, "embedding": 5, "layers": 2, "beam": 2}
        asked = [str(data), "one black tea"]
        return Sample(str(data), {**options, "epochs": 2, "batch_size": 8}, asked, "dos tés negros")


def _pairs() -> list[tuple[str, str]]:
    """Short phrases with their Spanish, all different."""
    numbers = {"one": ("un", ""), "two": ("dos", "s"), "three": ("tres", "s")}
    things = {"tea": "té", "cat": "gato", "dog": "perro", "boat": "barco"}
    colours = {"black": "negro", "white": "blanco", "red": "rojo", "small": "pequeño", "old": "viejo"}
    return [
        (f"{number} {colour} {thing}", f"{said} {things[thing]}{many} {colours[colour]}{many}")
        for number, (said, many) in numbers.items()
        for thing in things
        for colour in colours
    ]
