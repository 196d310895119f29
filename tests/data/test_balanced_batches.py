"""Batches of P classes with K examples each: pure functions of seed, epoch and number."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from glasswork.data.batches import Batches
from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.samplers import Balanced, balanced_rows, by_class
from glasswork.execution import Execution

labels = some.lists(some.integers(0, 9), min_size=1, max_size=80).map(torch.tensor)
sizes = some.integers(1, 6)


def dataset(targets: Tensor) -> Dataset:
    inputs = torch.arange(len(targets), dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4).contiguous()
    task = Task(Images((1, 4, 4)), OneClass(tuple("abcdefghij")))
    return Dataset({"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}, task, "made")


@given(labels, sizes, sizes, some.integers(0, 99), some.integers(0, 5), some.integers(0, 50))
def test_a_batch_has_different_classes_and_different_examples(
    targets: Tensor, classes: int, each: int, seed: int, epoch: int, index: int
) -> None:
    members = by_class(torch.arange(len(targets)), targets)
    rows = balanced_rows(members, classes, each, seed, epoch, index)
    assert len(set(rows.tolist())) == len(rows)
    counts = Counter(targets[rows].tolist())
    assert len(counts) == min(classes, len(members))
    assert all(count == min(each, int((targets == kind).sum())) for kind, count in counts.items())
    assert rows.tolist() == balanced_rows(members, classes, each, seed, epoch, index).tolist()


@given(labels, sizes)
def test_all_classes_come_equally_often(targets: Tensor, classes: int) -> None:
    members = by_class(torch.arange(len(targets)), targets)
    rounds = [targets[balanced_rows(members, classes, 1, 0, 0, index)].tolist() for index in range(len(members))]
    counts = Counter(kind for batch in rounds for kind in batch)
    assert set(counts.values()) == {min(classes, len(members))}


def test_draws_depend_on_seed_epoch_and_number() -> None:
    members = by_class(torch.arange(1000), torch.arange(1000) % 10)
    places = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    drawn = [tuple(sorted(balanced_rows(members, 10, 4, *place).tolist())) for place in places]
    assert len(set(drawn)) == 4


@given(labels)
def test_rows_by_class(targets: Tensor) -> None:
    rows = torch.arange(len(targets)).flip(0)
    parts = by_class(rows, targets[rows])
    assert sorted(torch.cat(parts).tolist()) == list(range(len(targets)))
    assert [set(targets[part].tolist()) for part in parts] == [{kind} for kind in sorted(set(targets.tolist()))]


@pytest.mark.parametrize(("classes", "each", "batches"), [(5, 2, 5), (2, 4, 6), (9, 50, 1)])
def test_an_epoch_sees_every_example_about_once(classes: int, each: int, batches: int) -> None:
    rows = torch.arange(2, 50)
    sampler = Balanced(rows, rows % 5, classes, each, 0)
    made = Batches(sampler, Rows(dataset(torch.arange(50) % 5), Execution()))
    assert len(made) == batches
    for index in range(len(made)):
        batch = made.batch(0, index)
        assert len(torch.unique(batch.targets)) == min(5, classes)
        drawn = (batch.inputs[:, 0, 0, 0] * 255).round().long()
        assert set(drawn.tolist()) <= set(rows.tolist())
        assert (drawn % 5 == batch.targets).all()
