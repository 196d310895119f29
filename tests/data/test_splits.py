import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError


def classes(targets: Tensor, given: Tensor | None = None) -> Dataset:
    names = tuple(str(number) for number in range(int(targets.max()) + 1))
    columns = {"inputs": torch.zeros(len(targets), 1), "targets": targets}
    if given is not None:
        columns["split"] = given
    return Dataset(columns, Task(Table((1,)), OneClass(names)), "made")


def counts(dataset: Dataset, rows: Tensor) -> list[int]:
    return torch.bincount(dataset.columns["targets"][rows], minlength=len(dataset.task.target.names)).tolist()


def require_partition(found: Splits, count: int) -> None:
    parts = [found.training, found.validation, found.test]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(count))


sizes = some.lists(some.integers(8, 60), min_size=2, max_size=5)
shares = some.floats(0, 0.4)
seeds = some.integers(0, 2**31 - 1)


def of_sizes(numbers: list[int], seed: int) -> Dataset:
    targets = torch.cat([torch.full((count,), name) for name, count in enumerate(numbers)])
    return classes(targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))])


@given(numbers=sizes, validation=shares, test=shares, seed=seeds)
def test_parts_are_disjoint_complete_and_of_the_asked_size(
    numbers: list[int], validation: float, test: float, seed: int
) -> None:
    dataset = of_sizes(numbers, seed)
    found = split(dataset, validation, test, seed)
    require_partition(found, len(dataset))
    held = round(len(dataset) * test)
    assert len(found.test) == held
    assert len(found.validation) == round((len(dataset) - held) * validation)
    for rows in (found.training, found.validation, found.test):
        assert torch.equal(rows, rows.sort().values)


@given(numbers=sizes, validation=shares, test=shares, seed=seeds)
def test_every_class_has_its_share_within_one(numbers: list[int], validation: float, test: float, seed: int) -> None:
    dataset = of_sizes(numbers, seed)
    found = split(dataset, validation, test, seed)
    rest = len(dataset) - len(found.test)
    for name, count in enumerate(numbers):
        tested = counts(dataset, found.test)[name]
        assert abs(tested - count * len(found.test) / len(dataset)) <= 1
        assert abs(counts(dataset, found.validation)[name] - (count - tested) * len(found.validation) / rest) <= 1


@given(numbers=sizes, seed=seeds)
def test_the_seed_decides(numbers: list[int], seed: int) -> None:
    dataset = of_sizes(numbers, seed)
    first, second = split(dataset, 0.2, 0.3, seed), split(dataset, 0.2, 0.3, seed)
    assert all(torch.equal(first.named()[name], second.named()[name]) for name in ("train", "validation", "test"))


def test_another_seed_gives_another_split() -> None:
    dataset = of_sizes([100, 100], 0)
    tests = [tuple(split(dataset, 0.1, 0.2, seed).test.tolist()) for seed in range(20)]
    assert len(set(tests)) == 20
    shared = len(set(tests[0]) & set(tests[1]))
    assert 0 < shared < 25


def test_5000_rows_of_10_classes() -> None:
    dataset = of_sizes([500] * 10, 3)
    found = split(dataset, 0.1, 0.2, 0)
    assert [len(part) for part in (found.training, found.validation, found.test)] == [3600, 400, 1000]
    assert counts(dataset, found.training) == [360] * 10
    assert counts(dataset, found.validation) == [40] * 10
    assert counts(dataset, found.test) == [100] * 10


@pytest.mark.parametrize("given", [(TRAINING, TEST), (TRAINING, VALIDATION), (TRAINING, VALIDATION, TEST)])
def test_what_the_source_gives_is_kept(given: tuple[int, ...]) -> None:
    marks = torch.tensor(given, dtype=torch.uint8).repeat(60)
    dataset = classes(torch.arange(len(marks)) // len(given) % 3, marks)
    found = split(dataset, 0.1, 0.2, 0)
    require_partition(found, len(marks))
    for mark, rows, share in ((VALIDATION, found.validation, 0.1), (TEST, found.test, 0.2)):
        if mark in given:
            assert torch.equal(rows, (marks == mark).nonzero()[:, 0])
        else:
            assert len(rows) == round(60 * share)
            assert (marks[rows] == TRAINING).all()


def test_several_classes_at_once_are_spread_by_their_combinations() -> None:
    labels = torch.tensor([[0, 1], [1, 0], [1, 1]], dtype=torch.uint8).repeat(40, 1)
    columns = {"inputs": torch.zeros(120, 1), "targets": labels}
    dataset = Dataset(columns, Task(Table((1,)), Labels(("a", "b"))), "made")
    found = split(dataset, 0.1, 0.2, 5)
    require_partition(found, 120)
    for combination in labels[:3]:
        assert (labels[found.test] == combination).all(1).sum() == 8


def test_numbers_are_spread_over_their_range() -> None:
    values = torch.randn(200, 1, generator=torch.Generator().manual_seed(0)).exp()
    columns = {"inputs": torch.zeros(200, 1), "targets": values}
    dataset = Dataset(columns, Task(Table((1,)), Numbers(("price",))), "made")
    found = split(dataset, 0.1, 0.2, 5)
    require_partition(found, 200)
    tenths = values[:, 0].argsort().argsort() * 10 // 200
    assert torch.bincount(tenths[found.test]).tolist() == [4] * 10


def test_a_class_without_a_training_example_is_named() -> None:
    marks = torch.tensor([TRAINING] * 6 + [TEST] * 3, dtype=torch.uint8)
    with pytest.raises(GlassworkError, match="leaves class '2' without a training example"):
        split(classes(torch.tensor([0, 1] * 3 + [2] * 3), marks), 0, 0, 0)


def test_nothing_to_train_on_is_said() -> None:
    marks = torch.full((4,), TEST, dtype=torch.uint8)
    with pytest.raises(GlassworkError, match="leaves no example to train on"):
        split(classes(torch.tensor([0, 1, 0, 1]), marks), 0.1, 0.2, 0)
