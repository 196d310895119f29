"""Systems that are supervised learning but for their data and what they find: what these have in common."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset, Schema
from glasswork.data.inputs import Inputs, read_inputs
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.recipe.base import Machine
from glasswork.systems.answers import whole_batch
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.system import Supervised
from glasswork.systems.system import Context, Prediction, RecipeT, System
from glasswork.training.stage import Carry, Moment, Stage
from glasswork.training.step import Tree


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
    def read(self, source: str | Path, like: Schema | None = None) -> Dataset:
        return self.supervised.read(source, like)

    @override
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        return self.supervised.scaled(dataset, rows)

    @override
    def resolve(self, dataset: Dataset, splits: Splits) -> RecipeT:
        used, own = self.supervised.resolve(dataset, splits), type(self.recipe).model_fields
        derived = ("loss", "batch_size", "learning_rate", "strength", "epochs", "size")
        return self.recipe.model_copy(update={name: getattr(used, name) for name in derived if name in own})

    @override
    def network(self, schema: Schema) -> nn.Module:
        return self.supervised.network(schema)

    @override
    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        return self.supervised.restrict(machine, network)

    @override
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        return self.supervised.stages(network, context)

    @override
    def loss(self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        return self.supervised.loss(network, batch, carry, moment)

    @override
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        return self.supervised.score(network, dataset, rows, execution)

    @override
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        return self.supervised.findings(network, dataset, splits, execution, state)

    @override
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        return read_inputs(sources, schema)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return whole_batch(dataset, rows, execution)

    @override
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        return self.supervised.answer(network, dataset, execution)
