"""Label leakage: finds columns of a table that predict the target alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.columns import Column, spans

CELLS = 400_000  # looked at, at most, so that wide tables do not wait
MOST, LEAST = 4000, 400  # rows of them
FEWEST = 40
TARGETS = 10
LEAK = 0.01  # error of a column that predicts the target
FAR = 0.05  # error of the best of the others, where a column tells it alone
SHARE = 4  # columns that tell it alone are at most one in so many: on easy data many do


@dataclass(frozen=True)
class _Target:
    """One thing to predict: `values` are classes (int64), or numbers (float64), (rows,)."""

    name: str
    values: Tensor
    classes: int


def suspicions(
    dataset: Dataset, columns: Sequence[Column], target_columns: Sequence[str], training: Tensor
) -> list[str]:
    """A sentence for every column that predicts the target on its own while the others are far from it.

    A column is judged by itself: on half of the training rows the most frequent class (or the mean number) of each of
    its values is noted, and each row of the other half is answered by the value nearest to its own. The error is the
    share of wrong answers, averaged over the classes; for numbers the share of the variance that stays.

    Args:
        dataset: of a table.
        columns: of which the features are made; fewer than two are not looked at.
        target_columns: the names of the columns that hold the target.
        training: the rows (int64) to look at.
    """
    if len(columns) < 2 or len(training) < FEWEST:
        return []
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
    order = order[: max(LEAST, min(MOST, CELLS // len(columns)))]
    rows = training[order]
    values = _values(dataset, columns, rows)
    sentences = []
    targets = dataset.task.target.separate(dataset.columns["targets"][rows], target_columns)
    for target in (_Target(*one) for one in targets[:TARGETS]):
        errors = torch.tensor([_error(column, target) for column in values])
        telling = (errors <= LEAK).nonzero()[:, 0].tolist()
        copies = [place for place in telling if _same(values[place], target)]
        sentences += [
            f"The column '{columns[place].name}' repeats the target '{target.name}', row by row: remove it."
            for place in copies
        ]
        others = errors[errors > LEAK]
        alone = len(telling) <= max(1, len(columns) // SHARE) and bool((others >= FAR).all())
        sentences += [
            f"The column '{columns[place].name}' predicts the target '{target.name}' "
            f"{_how_well(errors[place], target)} "
            "and no other column comes near: remove it unless it is known before the target is."
            for place in telling
            if alone and place not in copies
        ]
    return sentences


def _values(dataset: Dataset, columns: Sequence[Column], rows: Tensor) -> list[Tensor]:
    """One float64 number per row for each column: the number, or which category; empty cells lie below all others."""
    inputs = dataset.columns["inputs"][rows].double()
    found = []
    for column, (start, end) in zip(columns, spans(columns), strict=True):
        features = inputs[:, start:end]
        values = features.nan_to_num(-1.0).argmax(1).double() if column.kind == "category" else features[:, 0]
        known = values[~features[:, 0].isnan()]
        lowest = float(known.min()) if len(known) else 0.0
        found.append(torch.where(features[:, 0].isnan(), lowest - 1, values))
    return found


def _error(column: Tensor, target: _Target) -> float:
    """From 0, where the column predicts the target, to about 1, where it says nothing."""
    half = len(column) // 2
    known, places = torch.unique(column[:half], return_inverse=True)
    noted, truth = target.values[:half], target.values[half:]
    above = torch.searchsorted(known, column[half:]).clamp(max=len(known) - 1)
    below = (above - 1).clamp_min(0)
    nearer = (column[half:] - known[below]).abs() < (known[above] - column[half:]).abs()
    nearest = torch.where(nearer, below, above)
    if target.classes:
        votes = torch.bincount(places * target.classes + noted, minlength=len(known) * target.classes)
        wrong = votes.view(-1, target.classes).argmax(1)[nearest] != truth
        counts = torch.bincount(truth, minlength=target.classes)
        shares = torch.bincount(truth[wrong], minlength=target.classes) / counts
        return float(shares[counts > 0].mean())
    means = torch.zeros(len(known), dtype=torch.float64).index_add_(0, places, noted) / torch.bincount(places)
    variance = (truth - truth.mean()).square().mean()
    return float((means[nearest] - truth).square().mean() / variance) if variance > 0 else 1.0


def _same(column: Tensor, target: _Target) -> bool:
    """Whether the column's values and the target's are one to one; of numbers, whether they lie on a line."""
    if target.classes:
        pairs = torch.unique(torch.stack([column, target.values.double()], 1), dim=0)
        return len(pairs) == len(torch.unique(column)) == len(torch.unique(target.values))
    both = torch.stack([column, target.values])
    return bool(torch.corrcoef(both)[0, 1].abs() > 1 - 1e-6)


def _how_well(error: Tensor, target: _Target) -> str:
    if target.classes:
        return f"alone in {1 - float(error):.1%} of the rows,"
    return f"alone, except for {float(error):.1%} of its variance,"
