"""The character model: predicts what comes next in a text, trained by truncated back-propagation through time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch, Batches
from glasswork.data.bptt import Stretches, text_batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats import text
from glasswork.data.kinds.kind import Inputs, Reading, Target
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.vocabulary import CharacterCounts
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.recurrent import State
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.characters.generate import fit_with_samples
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.systems.characters.recipe import CharactersRecipe
from glasswork.systems.characters.report import following, measure_text, report_text
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.sample import Sample
from glasswork.systems.system import Context, Findings, System
from glasswork.training.stage import Carry, Moment, Stage, Tree

if TYPE_CHECKING:
    from glasswork.systems.characters.model import CharacterModel

JUDGED = 500_000
"""Characters of the validation text that are looked at after an epoch, at most."""
OPENED = 24
"""Characters of a text that is opened: every number of it is looked at."""
SAMPLE = "hello, hello. how low? hollow! "
ONE_HOT = 512
"""The most characters for which a one-hot vector costs no more than a learned one."""
RATES = {"lstm": 0.004, "gru": 0.004, "rnn": 0.001, "relu-rnn": 0.0005}


class Characters(System[CharactersRecipe, Mapping[str, float]]):
    """Minimises the mean of -log p(x_(t+1) | x_1, .., x_t) over a text."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Text,)
    answers: ClassVar[tuple[type[Target], ...]] = (NextToken,)

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("cross-entropy")

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        return read(source, ReadingOptions.of(self.recipe, like=like), text)

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        recipe = self.recipe
        unknown = Text.of(dataset.task).vocabulary.unknown(recipe.prompt)
        if unknown:
            raise GlassworkError(f"The prompt has characters that are not in {dataset.source}: {unknown!r}")
        for part, rows in splits.named().items():
            if 0 < dataset.count(rows) < 2:
                raise GlassworkError(f"{dataset.source} has one character to {part} on: give more text")
        embedding = 0 if len(dataset.task.target.names) <= ONE_HOT else recipe.hidden_size
        return {"epochs": 10, "batch_size": 64, "learning_rate": RATES[recipe.cell], "embedding": embedding}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        return CharacterNetwork(
            recipe.cell,
            len(task.target.names),
            recipe.hidden_size,
            recipe.layers,
            recipe.embedding or 0,
            recipe.dropout,
        )

    @override
    def batches(self, context: Context) -> Batches:
        recipe, rows = self.recipe, context.splits.training
        assert recipe.batch_size is not None
        return text_batches(
            context.dataset, rows, recipe.batch_size, recipe.bptt_length, recipe.seed, context.execution
        )

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        recipe, dataset = self.recipe, context.dataset
        minimise = partial(fit_with_samples, task=dataset.task, prompt=recipe.prompt, moments=recipe.samples)
        return [replace(stage, minimise=minimise) for stage in super().stages(network, context)]

    @override
    def loss(
        self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment, objective: Objective
    ) -> tuple[Tensor, Carry]:
        assert isinstance(network, CharacterNetwork)
        before: State | None = None if batch.begins else tuple(carry[name] for name in sorted(carry))
        scores, after = network.advance(batch.inputs, before)
        loss = objective(scores.float().flatten(0, 1), batch.targets.flatten())
        return loss, {f"state_{place}": part.detach().float() for place, part in enumerate(after)}

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Mapping[str, float]:
        """Figures of the text, in place of scores (characters, classes), which would not fit into memory."""
        assert isinstance(network, CharacterNetwork)
        return measure_text(network, dataset, rows, execution)

    @override
    def measure(self, outputs: Mapping[str, float], dataset: Dataset, rows: Tensor) -> Metrics:
        return Metrics(outputs, "bits_per_character", outputs["loss"], higher_is_better=False)

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """On the beginning of the validation text."""
        dataset, rows = context.dataset, context.splits.validation
        some = rows[: _rows_of(dataset, rows, JUDGED)]
        return self.measure(self.outputs(network, dataset, some, context.execution), dataset, some)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Mapping[str, float]], context: Context, last: Tree | None
    ) -> Findings:
        return report_text(context, evaluation, last)

    @override
    def inputs(self, sources: Sequence[Path], task: Task) -> Iterator[Reading]:
        for path in sources:
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}")
            dataset = self.read(path, task)
            columns = {"inputs": dataset.columns["inputs"]}
            ends = {"inputs": dataset.offsets["inputs"][[0, -1]]}  # one row, the whole text
            yield Reading([str(path)], replace(dataset, columns=columns, offsets=ends, names=[str(path)]))

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        stretches = Stretches(dataset, rows)
        # One row is looked at in every number, several ones as in training.
        times = min(OPENED if len(rows) == 1 else self.recipe.bptt_length, len(stretches) - 1)
        if times < 1:
            raise GlassworkError(f"{dataset.source} has a single character: there is no next one to predict")
        count = min(len(rows), (len(stretches) - 1) // times)
        starts = torch.arange(count) * ((len(stretches) - 1 - times) // max(1, count - 1))
        tokens = stretches.at(starts[:, None] + torch.arange(times + 1)).to(execution.device)
        return Batch(tokens[:, :-1], tokens[:, 1:], counted=count * times)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        assert isinstance(network, CharacterNetwork)
        found = []
        for row, name in enumerate(dataset.names):
            chances = following(network, dataset, row, execution)
            ranked = {
                dataset.task.target.names[k]: float(chances[k]) for k in chances.argsort(descending=True).tolist()
            }
            one, figures = torch.tensor([row]), {}
            if dataset.count(one) > 1:
                figures["bits_per_character"] = measure_text(network, dataset, one, execution)["bits_per_character"]
            begin, end = dataset.offsets["inputs"][row : row + 2].tolist()
            read = dataset.columns["inputs"][begin:end]
            if unknown := len(read) - int(torch.count_nonzero(read)):
                figures["unknown_characters"] = unknown
            first = next(iter(ranked))
            found.append(Prediction(name, first, ranked[first], ranked, figures=figures))
        return found

    @override
    def next_commands(self, run: str, task: Task) -> list[tuple[str, str]]:
        write = (f"glasswork write {run} --prompt TEXT", "continues a text, character by character")
        return [write, *super().next_commands(run, task)]

    @override
    def model_class(self) -> type["CharacterModel"]:
        from glasswork.systems.characters.model import CharacterModel

        return CharacterModel

    @override
    def usual_task(self) -> Task:
        counts = CharacterCounts()
        counts.add(SAMPLE)
        vocabulary, _ = counts.vocabulary(256)
        return Task(Text(vocabulary), NextToken(vocabulary.tokens))

    @override
    def sample(self, folder: Path) -> Sample:
        data = folder / "text.txt"
        data.write_text(SAMPLE * 60, encoding="utf-8")
        shape = {"hidden_size": 8, "bptt_length": 20, "dropout": 0.1}
        return Sample(str(data), {**shape, "epochs": 2, "batch_size": 8, "test": 0.1, "validation": 0.1}, [str(data)])


def _rows_of(dataset: Dataset, rows: Tensor, most: int) -> int:
    """How many of the first rows have at most so many characters together; at least one."""
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows].cumsum(0)
    return max(1, int((lengths <= most).sum()))
