"""Systems that are supervised learning but for their data and what they find: what these have in common."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch
from glasswork.data.dataset import Examples, Schema
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.splits import Splits
from glasswork.execution import Numerics
from glasswork.recipe.base import Machine
from glasswork.systems.answers import whole_batch
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.system import Supervised
from glasswork.systems.system import Answer, RecipeT, System
from glasswork.training.autotune import MakeStage
from glasswork.training.clock import Clock
from glasswork.training.stage import Carried, Stage
from glasswork.training.step import Step, Tree


class AroundSupervised(System[RecipeT]):
    """Hands everything that a system does not do itself to `Supervised`, with the fields that both recipes have.

    Args:
        recipe: what to minimise.
        fixed: fields of the supervised recipe that are the system's own choice; absent: none.
    """

    def __init__(self, recipe: RecipeT, fixed: Mapping[str, Any] | None = None) -> None:
        super().__init__(recipe)
        own = type(recipe).model_fields
        common = {name: getattr(recipe, name) for name in SupervisedRecipe.model_fields if name in own}
        self.supervised = Supervised(SupervisedRecipe(**{**common, **(fixed or {})}))

    @property
    @override
    def loss_name(self) -> str:
        return self.supervised.loss_name

    @override
    def read(self, source: str | Path) -> Examples:
        return self.supervised.read(source)

    @override
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        return self.supervised.read_like(source, schema)

    @override
    def scaled(self, examples: Examples, rows: Tensor) -> Schema:
        return self.supervised.scaled(examples, rows)

    @override
    def resolve(self, examples: Examples, splits: Splits) -> RecipeT:
        used, own = self.supervised.resolve(examples, splits), type(self.recipe).model_fields
        derived = ("loss", "batch_size", "learning_rate", "strength", "epochs", "size")
        return self.recipe.model_copy(update={name: getattr(used, name) for name in derived if name in own})

    @override
    def network(self, schema: Schema) -> nn.Module:
        return self.supervised.network(schema)

    @override
    def numerics(self, machine: Machine, numerics: Numerics, network: nn.Module, make_stage: MakeStage) -> Numerics:
        return self.supervised.numerics(machine, numerics, network, make_stage)

    @override
    def stages(
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        return self.supervised.stages(network, examples, splits, clock, numerics)

    @override
    def length(self, stage: Stage, epochs: int) -> int:
        return self.supervised.length(stage, epochs)

    @override
    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        return self.supervised.steps(stage, start)

    @override
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        return self.supervised.loss(network, batch, state)

    @override
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        return self.supervised.score(network, examples, rows, numerics)

    @override
    def findings(
        self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics, state: Tree | None
    ) -> dict[str, Any]:
        return self.supervised.findings(network, examples, splits, numerics, state)

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, examples: Examples, rows: Tensor, numerics: Numerics) -> Batch:
        return whole_batch(examples, rows, numerics)

    @override
    def answer(self, network: nn.Module, examples: Examples, numerics: Numerics) -> list[Answer]:
        return self.supervised.answer(network, examples, numerics)
