"""How the examples of a cross-validation are divided: test, folds, and what decides when to stop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from glasswork.data.dataset import TEST, Dataset, fingerprints
from glasswork.data.folds import Fold, Groups, RowOrder, groups_of, hold_out, make_folds, read_groups, require_classes
from glasswork.data.kinds.columns import spans
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.recipe.base import Recipe

TEST_DRAW, STOP_DRAW, FOLD_DRAW = 1, 2, 3


@dataclass(frozen=True)
class Division:
    """How rows are divided.

    Attributes:
        order: `shuffled`, or `time`: as the examples stand.
        groups: rows that are never on two sides.
        column: the column of the table that the groups come from.
    """

    order: RowOrder = "shuffled"
    groups: Groups | None = None
    column: str | None = None

    @property
    def plain(self) -> bool:
        """Whether rows are drawn one by one, as `train` draws its test examples."""
        return self.order == "shuffled" and self.groups is None

    def outside_the_test(self, dataset: Dataset, recipe: Recipe) -> tuple[Tensor, Tensor]:
        """The rows that the folds divide, and those kept for the test: given ones, else the recipe's share."""
        given = dataset.columns.get("split")
        if given is not None and bool((given == TEST).any()):
            return (given != TEST).nonzero()[:, 0], (given == TEST).nonzero()[:, 0]
        if self.plain:
            parts = split(dataset, 0.0, recipe.test, recipe.seed)  # the very rows that train would draw
            return torch.cat([parts.training, parts.validation]).sort().values, parts.test
        rows = torch.arange(len(dataset))
        return hold_out(dataset, rows, recipe.test, mixed(recipe.seed, TEST_DRAW), self.order, self.groups)

    def folds(self, dataset: Dataset, rows: Tensor, count: int, seed: int) -> list[Fold]:
        """The folds of one repeat."""
        return make_folds(dataset, rows, count, mixed(seed, FOLD_DRAW), self.order, self.groups)

    def splits(self, dataset: Dataset, fold: Fold, recipe: Recipe) -> Splits:
        """The rows of one network: of those that train some decide when to stop; the fold itself stands as `test`."""
        seed = mixed(recipe.seed, STOP_DRAW)
        kept, held = hold_out(dataset, fold.training, recipe.validation, seed, self.order, self.groups)
        reason = f"{len(held)} of {len(fold.training)} are held out to decide when to stop (--validation)"
        require_classes(dataset, kept, "in a fold", reason)
        return Splits(kept, held, fold.judged)


def division_of(order: str, groups: str | Iterable[object] | None, dataset: Dataset, source: str | None) -> Division:
    """The division that was asked for.

    Raises:
        GlassworkError: for another order, or groups that do not belong to the examples.
    """
    if order not in {"shuffled", "time"}:
        raise GlassworkError(f"There is no order '{order}': shuffled or time")
    chosen: RowOrder = "time" if order == "time" else "shuffled"
    if groups is None:
        return Division(chosen)
    column = groups if isinstance(groups, str) else None
    found = read_groups(source or "", column) if column is not None else groups_of(groups)
    if len(found.numbers) != len(dataset):
        raise GlassworkError(
            f"There are {len(found.numbers):,} labels of groups for the {len(dataset):,} examples that could be read "
            f"from {dataset.source}: each example needs one"
        )
    return Division(chosen, found, column)


def without_column(dataset: Dataset, column: str) -> Dataset:
    """The examples without the inputs that came from a column of the table.

    Raises:
        GlassworkError: where no input is left.
    """
    kind = Table.of(dataset.task)
    places = [place for place, one in enumerate(kind.columns) if one.name == column]
    if not places:
        return dataset
    if len(kind.columns) == 1:
        raise GlassworkError(f"{dataset.source} has no inputs other than the column '{column}'")
    start, end = spans(kind.columns)[places[0]]
    kept = [place for place in range(len(kind.features)) if not start <= place < end]
    inputs = dataset.columns["inputs"][:, kept]
    columns = {**dataset.columns, "inputs": inputs, "fingerprints": fingerprints(inputs)}
    described = replace(
        kind,
        shape=(len(kept),),
        features=tuple(kind.features[place] for place in kept),
        columns=tuple(one for one in kind.columns if one.name != column),
        unused=(*kind.unused, column),
    )
    return replace(dataset, columns=columns, task=Task(described, dataset.task.target))


def copies(dataset: Dataset, folds: Sequence[Fold]) -> int:
    """How many of the rows judged are exact copies of a row that trained the network that judged them."""
    prints = dataset.columns["fingerprints"]
    return sum(int(torch.isin(prints[fold.judged], prints[fold.training]).sum()) for fold in folds)
