"""Cross-validation folds: pure functions of the examples and a seed."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import Literal

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.formats.splits import split_parts
from glasswork.data.formats.tables import cells
from glasswork.data.formats.tables.parquet import load_parquet
from glasswork.data.formats.tables.typed import is_missing
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.execution import mixed

RowOrder = Literal["shuffled", "time"]
VARIANT = r"([-_ .]*+(\d++|outline|copy|mirror|flip|crop|rotated|\(\d+\)))"
"""A number is taken whole: if it could be parted, the ways to do so would double with each digit."""
VARIANTS = re.compile(f"{VARIANT}+$", re.IGNORECASE)
LAST_VARIANT = re.compile(f"{VARIANT}$", re.IGNORECASE)


@dataclass(frozen=True)
class Fold:
    """One turn.

    Attributes:
        training: row numbers (int64, ascending) that may be trained on.
        judged: row numbers (int64, ascending) that the network is judged on; none of them trains.
    """

    training: Tensor
    judged: Tensor


@dataclass(frozen=True)
class Groups:
    """Which rows belong together, such as the pictures of one patient.

    Attributes:
        numbers: the group of each row of the examples, int64 (rows,).
        names: the name of each group.
    """

    numbers: Tensor
    names: tuple[str, ...]


def groups_of(labels: Iterable[object]) -> Groups:
    """Groups out of a label per row: rows with equal labels are one group; a tensor may be given too."""
    listed = labels.tolist() if isinstance(labels, Tensor) else list(labels)
    numbers = {label: number for number, label in enumerate(dict.fromkeys(listed))}
    return Groups(torch.tensor([numbers[label] for label in listed], dtype=torch.int64), tuple(map(str, numbers)))


def read_groups(source: str | Path, column: str) -> Groups:
    """Groups out of a column of a table: a file, or a folder of tables named after their splits.

    Raises:
        GlassworkError: where the source is no table, has no such column, or a cell of it is empty.
    """
    path = Path(source).expanduser()
    files = list(split_parts(part for part in visible(path) if part.is_file()).values()) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise GlassworkError(
            f"Groups are read from a column of a table, and {source} is not a table: leave out --groups"
        )
    table = load_parquet(files) if all(map(cells.is_parquet, files)) else cells.load(files, [column])
    if column not in table.columns:
        near = get_close_matches(column, table.columns, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"its columns: {', '.join(list(table.columns)[:20])}"
        raise GlassworkError(f"{source} has no column '{column}' to group by: {hint}")
    found = table.columns[column]
    labels = found if isinstance(found, list) else [f"{number:.17g}" for number in found]
    empty = next((row for row, label in enumerate(labels) if is_missing(label)), None)
    if empty is not None:
        raise GlassworkError(f"The column '{column}' is empty on {table.place(empty)}: every row needs a group")
    return groups_of(labels)


def make_folds(
    dataset: Dataset, rows: Tensor, count: int, seed: int, order: RowOrder = "shuffled", groups: Groups | None = None
) -> list[Fold]:
    """Divides rows into folds.

    - Shuffled: every row is judged in exactly one fold. Folds differ by at most one row, and by at most one row of
      every class, of every set of labels, or of every tenth of the numbers to predict (stratified).
    - In groups: every row is judged in exactly one fold, and no group is on both sides. Group by group, the largest
      first, goes to the fold that has least of what the group holds.
    - In time order, rows standing in it: `count + 1` blocks; fold i trains on the first i and is judged on the next
      (expanding window: trained only on the past).

    Args:
        dataset: all examples.
        rows: the row numbers to divide, int64, ascending.
        count: how many folds.
        seed: what the draw depends on.
        order: `shuffled`, or `time`.
        groups: rows that belong together.

    Raises:
        GlassworkError: for fewer than two folds, or where rows, a class or the groups are too few for them.
    """
    if count < 2:
        raise GlassworkError(f"Cross-validation needs at least 2 folds, not {count}")
    if order == "time" and groups is not None:
        raise GlassworkError("Folds are made in time order or by groups, not both: leave out one of them")
    least = dataset.task.target.least
    if len(rows) < (count + (order == "time")) * least:
        raise GlassworkError(f"{dataset.source} has {len(rows)} examples for {count} folds, which are too few")
    if order == "time":
        folds = _expanding(rows, count)
    else:
        if groups is None:
            _require_class_in_every_fold(dataset, rows, count)
        places = _in_groups(dataset, rows, count, seed, groups) if groups else _stratify(dataset, rows, count, seed)
        folds = [Fold(rows[places != place], rows[places == place]) for place in range(count)]
    advice = "it begins too late" if order == "time" else "all of it is in groups that are judged together"
    for number, fold in enumerate(folds, start=1):
        require_classes(dataset, fold.training, f"in fold {number} of {count}", advice)
    return folds


def hold_out(
    dataset: Dataset,
    rows: Tensor,
    share: float,
    seed: int,
    order: RowOrder = "shuffled",
    groups: Groups | None = None,
) -> tuple[Tensor, Tensor]:
    """Divides rows into (kept, held out), in the same three ways: stratified, whole groups, or the latest rows.

    Args:
        dataset: all examples.
        rows: the row numbers to divide, int64, ascending.
        share: of the rows to hold out; whole groups are held out until it is reached.
        seed: what the draw depends on.
        order: `shuffled`, or `time`.
        groups: rows that belong together.
    """
    count = round(len(rows) * share)
    held = torch.zeros(len(rows), dtype=torch.bool)
    if order == "time":
        held[len(rows) - count :] = True
    elif groups is not None and count:
        numbers = groups.numbers[rows]
        drawn = _permutation(len(groups.names), seed)
        sizes = torch.bincount(numbers, minlength=len(groups.names))[drawn]
        held = torch.isin(numbers, drawn[sizes.cumsum(0) - sizes < count])
    elif count:
        ordered = _by_strata(dataset, rows, seed)
        held[ordered[((torch.arange(count, dtype=torch.float64) + 0.5) * len(rows) / count).long()]] = True
    return rows[~held], rows[held]


def require_classes(dataset: Dataset, rows: Tensor, where: str, reason: str) -> None:
    """Refuses rows to train on that lack a class, or are none.

    Args:
        dataset: all examples.
        rows: the row numbers to train on, int64.
        where: where they train, in words.
        reason: why a class may be missing, in words.

    Raises:
        GlassworkError: naming the class.
    """
    if len(rows) == 0:
        raise GlassworkError(f"{dataset.source} leaves no example to train on {where}")
    target = dataset.task.target
    counts = target.class_sizes(dataset, rows)
    if counts is not None and (counts == 0).any():
        name = target.names[int((counts == 0).nonzero()[0])]
        raise GlassworkError(f"Class '{name}' has no training example {where}, for {reason}: use fewer folds")


def _require_class_in_every_fold(dataset: Dataset, rows: Tensor, count: int) -> None:
    target = dataset.task.target
    counts = target.class_sizes(dataset, rows)
    if counts is None:
        return
    least = int(counts.argmin())
    if counts[least] < count:
        raise GlassworkError(
            f"Class '{target.names[least]}' has {int(counts[least])} examples outside of the test set, and "
            f"{count} folds need one each: use fewer --folds, or add examples of it"
        )


def _stratify(dataset: Dataset, rows: Tensor, count: int, seed: int) -> Tensor:
    """The fold of each row: dealt out in turn, stratum after stratum."""
    places = torch.empty(len(rows), dtype=torch.int64)
    places[_by_strata(dataset, rows, seed)] = torch.arange(len(rows)) % count
    return places


def _by_strata(dataset: Dataset, rows: Tensor, seed: int) -> Tensor:
    """Places in `rows`, shuffled, stratum after stratum."""
    shuffled = _permutation(len(rows), seed)
    return shuffled[dataset.task.target.strata(dataset, rows)[shuffled].argsort(stable=True)]


def _in_groups(dataset: Dataset, rows: Tensor, count: int, seed: int, groups: Groups) -> Tensor:
    """The fold of each row. A fold's load of a group: over the strata, what both have of it, as a share of it all."""
    numbers = groups.numbers[rows]
    present, numbers = torch.unique(numbers, return_inverse=True)
    if len(present) < count:
        names = ", ".join(groups.names[number] for number in present[:5].tolist())
        raise GlassworkError(f"There are {len(present)} groups ({names}) for {count} folds: use fewer --folds")
    kinds = torch.unique(dataset.task.target.strata(dataset, rows), return_inverse=True)[1]
    width = int(kinds.max()) + 1
    contents = torch.bincount(numbers * width + kinds, minlength=len(present) * width).reshape(-1, width)
    drawn = _permutation(len(present), seed)
    sequence = drawn[contents.sum(1)[drawn].argsort(descending=True, stable=True)]
    shares = contents.double() / contents.sum(0)
    loads, sizes = torch.zeros(count, width, dtype=torch.float64), [0] * count
    chosen = torch.empty(len(present), dtype=torch.int64)
    for group in sequence.tolist():
        in_common = list(zip((loads @ shares[group]).tolist(), sizes, strict=True))
        place = min(range(count), key=in_common.__getitem__)
        loads[place] += shares[group]
        sizes[place] += int(contents[group].sum())
        chosen[group] = place
    return chosen[numbers]


def _expanding(rows: Tensor, count: int) -> list[Fold]:
    ends = [math.floor(len(rows) * block / (count + 1)) for block in range(count + 2)]
    return [Fold(rows[: ends[block]], rows[ends[block] : ends[block + 1]]) for block in range(1, count + 1)]


def _permutation(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(mixed(seed, count)))


def stem(name: str) -> str:
    """What a picture shows, from its file's name: frog, frog-1, frog2 and frog_outline are one thing.

    A name of numbers alone says nothing of the kind and is its own stem.
    """
    plain = PurePath(name).stem.casefold()
    return VARIANTS.sub("", plain) or plain


def narrow_stem(name: str) -> str:
    """As `stem`, but of several numbers only the last one counts views of a thing: fish1-0 and fish1-1 are fish1."""
    plain = PurePath(name).stem.casefold()
    return LAST_VARIANT.sub("", plain) or plain


def groups_by_name(
    names: Sequence[str], labels: Sequence[int], least: int, rule: Callable[[str], str] = stem
) -> tuple[Groups, tuple[int, ...]]:
    """Groups of pictures of one class and one thing.

    A class of fewer things than `least` could not be split. Its last numbers alone are then taken to count views, and
    where that makes too few things as well, each picture is one: fish1-0 to fish26-3, fish1 to fish26.

    Args:
        names: of the files.
        labels: the class of each.
        least: how many groups a class needs.
        rule: what a picture shows, from its file's name.

    Returns:
        The groups, and the classes whose pictures were taken to be of a thing each.
    """
    rules: dict[int, Callable[[str], str]] = {}
    for label in set(labels):
        own = [name for name, other in zip(names, labels, strict=True) if other == label]
        rules[label] = next((each for each in (rule, narrow_stem) if len({*map(each, own)}) >= least), str)
    keys = [f"{label}/{rules[label](name)}" for name, label in zip(names, labels, strict=True)]
    return groups_of(keys), tuple(sorted(label for label, chosen in rules.items() if chosen is str))
