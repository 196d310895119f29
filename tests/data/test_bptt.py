"""Lanes: each goes on where it stopped, targets are one character later, and everything depends on (seed, epoch)."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glasswork.data.bptt import Stretches, text_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.ragged import offsets_of
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution


def text_of(counts: list[int]) -> Dataset:
    """A text whose every character tells its place."""
    offsets = offsets_of(torch.tensor(counts))
    task = Task(Text(Vocabulary(())), NextToken(()))
    tokens = torch.arange(int(offsets[-1]), dtype=torch.int32)
    return Dataset({"inputs": tokens}, task, "made", offsets={"inputs": offsets}, ordered=True)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_a_lane_is_contiguous_text(counts: list[int], lanes: int, times: int, seed: int, epoch: int) -> None:
    dataset = text_of(counts)
    total = sum(counts)
    if total <= times:
        return
    made = text_batches(dataset, torch.arange(len(dataset)), lanes, times, seed, Execution())
    batches = [made.batch(epoch, index) for index in range(len(made))]
    assert [batch.begins for batch in batches] == [True] + [False] * (len(made) - 1)
    assert all(len(batch) == batch.inputs.numel() == made.size * times for batch in batches)
    read = torch.cat([batch.inputs for batch in batches], 1)
    assert torch.equal(torch.cat([batch.targets for batch in batches], 1), read + 1)
    assert (read.diff() == 1).all()
    assert len(read.unique()) == read.numel()  # nothing twice
    assert total - read.numel() <= made.size * times  # and hardly anything not at all
    again = text_batches(dataset, torch.arange(len(dataset)), lanes, times, seed, Execution()).batch(
        epoch, len(made) - 1
    )
    assert torch.equal(again.inputs, batches[-1].inputs)


def test_lanes_begin_elsewhere_in_another_epoch() -> None:
    dataset = text_of([1000])
    made = text_batches(dataset, torch.arange(1), 3, 50, 0, Execution())
    assert len({int(made.batch(epoch, 0).inputs[0, 0]) for epoch in range(20)}) > 10


@given(st.lists(st.integers(0, 6), min_size=1, max_size=10), st.data())
def test_rows_are_joined_in_the_order_given(counts: list[int], data: st.DataObject) -> None:
    dataset = text_of(counts)
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), min_size=1, max_size=8))
    expected = dataset.take(torch.tensor(rows)).columns["inputs"]
    stretches = Stretches(dataset, torch.tensor(rows))
    assert len(stretches) == len(expected)
    assert torch.equal(stretches.at(torch.arange(len(expected))), expected.long())


def test_a_text_shorter_than_one_sequence() -> None:
    with pytest.raises(GlassworkError, match="made has 20 characters to train on, fewer than one sequence of 20"):
        text_batches(text_of([20]), torch.arange(1), 2, 20, 0, Execution())
    assert len(text_batches(text_of([21]), torch.arange(1), 2, 20, 0, Execution())) == 1


def test_samples_to_measure_with() -> None:
    made = text_batches(text_of([101]), torch.arange(1), 2, 10, 0, Execution())
    assert (made.size, made.most) == (2, 10)
    assert made.sample(4).inputs.shape == (4, 10)
    assert made.sample(99).inputs.shape == (10, 10)
    assert made.resized(5).size == 5
