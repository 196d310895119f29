"""Folds hold each row once, spread classes evenly, keep groups together and the future out of the past."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.folds import Fold, groups_of, hold_out, make_folds, read_groups
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import TARGETS, Task
from glasswork.errors import GlassworkError

seeds = some.integers(0, 2**31 - 1)
counts = some.integers(2, 6)


def made(targets: Tensor, kind: str = "class", names: tuple[str, ...] = ()) -> Dataset:
    names = names or tuple(f"c{number}" for number in range(int(targets.max()) + 1))
    columns = {"inputs": torch.zeros(len(targets), 1), "targets": targets}
    return Dataset(columns, Task(Table((1,)), TARGETS[kind](names)), "made")


def of_sizes(sizes: list[int], seed: int) -> Dataset:
    targets = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return made(targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))])


def some_rows(dataset: Dataset, seed: int) -> Tensor:
    """All rows but a few: folds are made of what the test set leaves."""
    return (torch.rand(len(dataset), generator=torch.Generator().manual_seed(seed)) < 0.9).nonzero()[:, 0]


def require_every_row_judged_once(folds: list[Fold], rows: Tensor) -> None:
    assert torch.equal(torch.cat([fold.judged for fold in folds]).sort().values, rows)
    for fold in folds:
        assert torch.equal(torch.cat([fold.training, fold.judged]).sort().values, rows)
        assert torch.equal(fold.training, fold.training.sort().values)
        assert torch.equal(fold.judged, fold.judged.sort().values)


@given(sizes=some.lists(some.integers(12, 40), min_size=2, max_size=4), count=counts, seed=seeds)
def test_folds_are_stratified_by_class(sizes: list[int], count: int, seed: int) -> None:
    dataset = of_sizes(sizes, seed)
    rows = torch.arange(len(dataset))
    folds = make_folds(dataset, rows, count, seed)
    require_every_row_judged_once(folds, rows)
    judged = [len(fold.judged) for fold in folds]
    assert max(judged) - min(judged) <= 1
    of_class = torch.stack([torch.bincount(dataset.columns["targets"][fold.judged]) for fold in folds])
    assert int((of_class.amax(0) - of_class.amin(0)).max()) <= 1


@given(count=counts, seed=seeds)
def test_folds_divide_only_the_rows_given(count: int, seed: int) -> None:
    dataset = of_sizes([60, 60], seed)
    rows = some_rows(dataset, seed)
    require_every_row_judged_once(make_folds(dataset, rows, count, seed), rows)


@given(count=counts, seed=seeds)
def test_the_seed_alone_decides(count: int, seed: int) -> None:
    dataset = of_sizes([30, 30], 0)
    rows = torch.arange(60)
    first, again, other = (make_folds(dataset, rows, count, number) for number in (seed, seed, seed + 1))
    assert all(torch.equal(one.judged, same.judged) for one, same in zip(first, again, strict=True))
    assert any(not torch.equal(one.judged, not_same.judged) for one, not_same in zip(first, other, strict=True))


def test_numbers_are_spread_over_their_range() -> None:
    values = torch.randn(200, 1, generator=torch.Generator().manual_seed(0)).exp()
    rows = torch.arange(200)
    tenths = values[:, 0].argsort().argsort() * 10 // 200
    for fold in make_folds(made(values, "number", ("price",)), rows, 5, 3):
        assert torch.bincount(tenths[fold.judged]).tolist() == [4] * 10


def test_sets_of_labels_are_spread() -> None:
    labels = torch.tensor([[0, 1], [1, 0], [1, 1]], dtype=torch.uint8).repeat(40, 1)
    for fold in make_folds(made(labels, "classes", ("a", "b")), torch.arange(120), 4, 1):
        for combination in labels[:3]:
            assert int((labels[fold.judged] == combination).all(1).sum()) == 10


@given(
    sizes=some.lists(some.integers(1, 12), min_size=8, max_size=30),
    count=some.integers(2, 4),
    share=some.floats(0, 0.4),
    seed=seeds,
)
def test_a_group_is_never_on_both_sides(sizes: list[int], count: int, share: float, seed: int) -> None:
    labels = [f"patient {number}" for number, size in enumerate(sizes) for _ in range(size)]
    dataset = made(torch.zeros(len(labels), dtype=torch.int64), names=("only",))
    groups, rows = groups_of(labels), torch.arange(len(labels))
    folds = make_folds(dataset, rows, count, seed, groups=groups)
    require_every_row_judged_once(folds, rows)
    largest = max(sizes)
    assert max(len(fold.judged) for fold in folds) - min(len(fold.judged) for fold in folds) <= largest
    for fold in folds:
        kept, held = hold_out(dataset, fold.training, share, seed, groups=groups)
        sides = [set(groups.numbers[part].tolist()) for part in (kept, held, fold.judged)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
        wanted = round(len(fold.training) * share)
        assert wanted <= len(held) < wanted + largest or wanted == len(held) == 0


def test_groups_spread_the_classes_where_they_can() -> None:
    labels = torch.arange(40).repeat_interleave(5)
    dataset = made(labels % 2)
    folds = make_folds(dataset, torch.arange(200), 5, 0, groups=groups_of(labels))
    assert [torch.bincount(dataset.columns["targets"][fold.judged]).tolist() for fold in folds] == [[20, 20]] * 5


@given(length=some.integers(20, 90), count=counts, share=some.floats(0, 0.5), seed=seeds)
def test_in_time_order_only_the_past_is_learnt_from(length: int, count: int, share: float, seed: int) -> None:
    dataset = made(torch.rand(length, 1), "number", ("price",))
    rows = torch.arange(length)
    folds = make_folds(dataset, rows, count, seed, "time")
    assert len(folds) == count
    judged = torch.cat([fold.judged for fold in folds])
    assert torch.equal(judged, rows[len(rows) - len(judged) :])
    for fold in folds:
        assert torch.equal(fold.training, rows[: int(fold.judged[0])])
        kept, held = hold_out(dataset, fold.training, share, seed, "time")
        assert torch.equal(torch.cat([kept, held]), fold.training)
        assert len(held) == round(len(fold.training) * share)


@given(share=some.floats(0, 0.6), seed=seeds)
def test_what_is_held_out_is_stratified(share: float, seed: int) -> None:
    dataset = of_sizes([50, 30], seed)
    rows = some_rows(dataset, seed)
    kept, held = hold_out(dataset, rows, share, seed)
    assert torch.equal(torch.cat([kept, held]).sort().values, rows)
    assert len(held) == round(len(rows) * share)
    for name in range(2):
        of_class = dataset.columns["targets"] == name
        assert abs(int(of_class[held].sum()) - share * int(of_class[rows].sum())) <= 1.5


def test_what_is_too_small_is_named() -> None:
    dataset = made(torch.tensor([0] * 20 + [1] * 3), names=("cat", "dog"))
    with pytest.raises(GlassworkError, match="Class 'dog' has 3 examples outside of the test set, and 5 folds"):
        make_folds(dataset, torch.arange(23), 5, 0)
    assert len(make_folds(dataset, torch.arange(23), 3, 0)) == 3
    in_one = groups_of(["a"] * 10 + ["b"] * 10 + ["c"] * 3)
    with pytest.raises(GlassworkError, match="Class 'dog' has no training example in fold"):
        make_folds(dataset, torch.arange(23), 3, 0, groups=in_one)
    with pytest.raises(GlassworkError, match=r"3 groups \(a, b, c\) for 4 folds"):
        make_folds(dataset, torch.arange(23), 4, 0, groups=in_one)
    with pytest.raises(GlassworkError, match="Class 'dog' has no training example in fold 1 of 3"):
        make_folds(dataset, torch.arange(23), 3, 0, "time")
    with pytest.raises(GlassworkError, match="3 examples for 5 folds"):
        make_folds(dataset, torch.arange(3), 5, 0)
    with pytest.raises(GlassworkError, match="at least 2 folds"):
        make_folds(dataset, torch.arange(23), 1, 0)
    with pytest.raises(GlassworkError, match="not both"):
        make_folds(dataset, torch.arange(23), 2, 0, "time", in_one)


def test_groups_come_from_a_column(tmp_path: Path) -> None:
    table = tmp_path / "visits.csv"
    table.write_text("patient,age,y\n7,1,a\n7,2,b\n12,3,a\n7,4,b\n", encoding="utf-8")
    groups = read_groups(table, "patient")
    assert (groups.numbers.tolist(), groups.names) == ([0, 0, 1, 0], ("7", "12"))
    assert read_groups(table, "y").numbers.tolist() == [0, 1, 0, 1]
    with pytest.raises(GlassworkError, match="no column 'patent' to group by: did you mean 'patient'"):
        read_groups(table, "patent")
    with pytest.raises(GlassworkError, match="read from a column of a table"):
        read_groups("mnist-5k", "patient")
    table.write_text("patient,age,y\n7,1,a\n,2,b\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match=r"'patient' is empty on line 3 of .*visits.csv"):
        read_groups(table, "patient")


def test_groups_of_tables_named_after_their_splits_come_in_the_order_of_the_splits(tmp_path: Path) -> None:
    for name, patients in (("test", (3, 4)), ("train", (1, 2))):
        lines = ["patient,y", *(f"{patient},a" for patient in patients)]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert read_groups(tmp_path, "patient").names == ("1", "2", "3", "4")
