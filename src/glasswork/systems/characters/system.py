"""The character model: what comes next in a text, learnt by truncated back-propagation through time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from glasswork.data import formats, ragged
from glasswork.data.batches import Batch
from glasswork.data.bptt import Lanes, Stretches
from glasswork.data.dataset import Examples, ReadingOptions, Schema
from glasswork.data.formats import text
from glasswork.data.inputs import Inputs
from glasswork.data.splits import Splits
from glasswork.data.vocabulary import CharacterCounts
from glasswork.errors import GlassworkError
from glasswork.execution import Numerics
from glasswork.networks.recurrent import State
from glasswork.systems.answers import measured_rows
from glasswork.systems.characters.evaluation import following, measured
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.systems.characters.recipe import CharactersRecipe
from glasswork.systems.characters.report import findings
from glasswork.systems.characters.sampling import sampled
from glasswork.systems.stages import judged, stage_of
from glasswork.systems.system import Answer, System
from glasswork.training.clock import Clock
from glasswork.training.fit import fit
from glasswork.training.optimizers import refuse_weight_decay
from glasswork.training.stage import Carried, Stage
from glasswork.training.step import Step, Tree

JUDGED = 500_000
"""Characters of the validation text that are looked at after an epoch, at most."""
OPENED = 24
"""Characters of a text that is opened: every number of it is looked at."""
ONE_HOT = 512
"""The most characters for which a one among zeros costs no more than a learnt vector."""
RATES = {"lstm": 0.004, "gru": 0.004, "rnn": 0.001, "relu-rnn": 0.0005}


class Characters(System[CharactersRecipe]):
    """Minimises the mean of -log p(x_(t+1) | x_1, .., x_t) over a text.

    Args:
        recipe: what to minimise.
    """

    def __init__(self, recipe: CharactersRecipe) -> None:
        super().__init__(recipe)
        self._schema: Schema | None = None

    @property
    @override
    def loss_name(self) -> str:
        return "cross-entropy"

    @override
    def read(self, source: str | Path) -> Examples:
        return formats.read(source, ReadingOptions(vocabulary=self.recipe.vocabulary), text)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        return formats.read(source, ReadingOptions(like=schema), text)

    @override
    def scaled(self, examples: Examples, rows: Tensor) -> Schema:
        return examples.schema

    @override
    def resolve(self, examples: Examples, splits: Splits) -> CharactersRecipe:
        recipe = self.recipe
        refuse_weight_decay(recipe.optimizer, recipe.weight_decay)
        unknown = examples.schema.vocabulary.unknown(recipe.prompt) if examples.schema.vocabulary else ""
        if unknown:
            raise GlassworkError(f"The prompt has characters that are not in {examples.source}: {unknown!r}")
        for part, rows in splits.named().items():
            if 0 < examples.count(rows) < 2:
                raise GlassworkError(f"{examples.source} has one character to {part} on: give it more text")
        embedding = 0 if len(examples.schema.classes) <= ONE_HOT else recipe.units
        return recipe.completed(epochs=10, batch_size=64, learning_rate=RATES[recipe.cell], embedding=embedding)

    @override
    def network(self, schema: Schema) -> nn.Module:
        recipe = self.recipe
        return CharacterNetwork(
            recipe.cell, len(schema.classes), recipe.units, recipe.layers, recipe.embedding or 0, recipe.dropout
        )

    @override
    def stages(
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        recipe = self.recipe
        assert recipe.batch_size is not None and recipe.learning_rate is not None
        self._schema = examples.schema
        looked_at = splits.validation[: _rows_of(examples, splits.validation, JUDGED)]
        batches = Lanes(examples, splits.training, recipe.batch_size, recipe.sequence, recipe.seed, numerics)
        judge = judged(lambda network: self.score(network, examples, looked_at, numerics), looked_at)
        return [stage_of(recipe, network, batches, self.loss, judge, clock, numerics)]

    @override
    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        assert self._schema is not None
        return sampled(stage, start, self._schema, self.recipe.prompt, self.recipe.samples, fit)

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        assert isinstance(network, CharacterNetwork)
        before: State | None = None if batch.begins else tuple(state[name] for name in sorted(state))
        scores, after = network.advance(batch.inputs, before)
        loss = functional.cross_entropy(scores.float().flatten(0, 1), batch.targets.flatten())
        return loss, {f"state_{place}": part.detach().float() for place, part in enumerate(after)}

    @override
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        assert isinstance(network, CharacterNetwork)
        return measured(network, examples, rows, numerics)

    @override
    def findings(
        self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics, state: Tree | None
    ) -> dict[str, Any]:
        where, rows = measured_rows(splits)
        exact = replace(numerics, precision="float32")
        metrics = self.score(network, examples, rows, exact)
        return findings(examples, splits.training, rows, where, metrics, state)

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        for path in sources:
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}")
            examples = self.read_like(path, schema)
            columns = {"inputs": examples.columns["inputs"]}
            ends = {"inputs": examples.offsets["inputs"][[0, -1]]}  # one row, the whole text
            yield Inputs([str(path)], replace(examples, columns=columns, offsets=ends, names=[str(path)]))

    @override
    def batch(self, examples: Examples, rows: Tensor, numerics: Numerics) -> Batch:
        stretches = Stretches(examples, rows)
        # One row is looked at in every number, several ones as in training.
        times = min(OPENED if len(rows) == 1 else self.recipe.sequence, len(stretches) - 1)
        if times < 1:
            raise GlassworkError(f"{examples.source} has a single character: there is none after it to foretell")
        count = min(len(rows), (len(stretches) - 1) // times)
        starts = torch.arange(count) * ((len(stretches) - 1 - times) // max(1, count - 1))
        tokens = stretches.at(starts[:, None] + torch.arange(times + 1)).to(numerics.device)
        return Batch(tokens[:, :-1], tokens[:, 1:], counted=count * times)

    @override
    def answer(self, network: nn.Module, examples: Examples, numerics: Numerics) -> list[Answer]:
        assert isinstance(network, CharacterNetwork)
        answers = []
        for row, name in enumerate(examples.names):
            chances = following(network, examples, row, numerics)
            ranked = {examples.schema.classes[k]: float(chances[k]) for k in chances.argsort(descending=True).tolist()}
            one, figures = torch.tensor([row]), {}
            if examples.count(one) > 1:
                figures["bits_per_character"] = measured(network, examples, one, numerics)["bits_per_character"]
            begin, end = examples.offsets["inputs"][row : row + 2].tolist()
            read = examples.columns["inputs"][begin:end]
            if unknown := len(read) - int(torch.count_nonzero(read)):
                figures["unknown_characters"] = unknown
            first = next(iter(ranked))
            answers.append(Answer(name, first, ranked[first], ranked, figures=figures))
        return answers

    @override
    def example(self) -> Examples:
        counts, words = CharacterCounts(), "hello, hello. how low? hollow! " * 40
        counts.add(words)
        vocabulary, _ = counts.vocabulary(256)
        tokens = torch.from_numpy(vocabulary.encode(words)).to(torch.uint8)
        offsets = torch.arange(0, len(tokens) + 1, len(tokens) // 40)
        columns = {"inputs": tokens, "fingerprints": ragged.fingerprints(tokens, offsets)}
        schema = Schema("text", (), "next", vocabulary.tokens, vocabulary=vocabulary)
        return Examples(columns, schema, "example", offsets={"inputs": offsets}, ordered=True)


def _rows_of(examples: Examples, rows: Tensor, most: int) -> int:
    """How many of the first rows have at most so many characters together; at least one."""
    lengths = ragged.lengths(examples.offsets["inputs"])[rows].cumsum(0)
    return max(1, int((lengths <= most).sum()))
