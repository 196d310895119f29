"""Batches of rows that differ in length."""

import torch

from closeness import assert_same_numbers
from glasswork.data.collate import IGNORED, Padded, padded_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import PADDING, Texts
from glasswork.data.ragged import lengths, pack
from glasswork.data.vocabulary import Vocabulary
from glasswork.execution import Execution


def texts(count: int = 200, labelled_times: bool = False) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 60, (count,), generator=generator).tolist()
    values, offsets = pack([torch.full((length,), place % 9 + 1) for place, length in enumerate(lengths)])
    columns = {"inputs": values, "targets": values - 1 if labelled_times else torch.arange(count) % 9}
    ends = {"inputs": offsets, "targets": offsets} if labelled_times else {"inputs": offsets}
    vocabulary = Vocabulary(tuple("?abcdefghi"))
    task = Task(Texts(vocabulary), OneClass(tuple("abcdefghi")))
    return Dataset(columns, task, "made", offsets=ends)


def test_every_row_comes_once_with_its_target() -> None:
    dataset = texts()
    batches = padded_batches(dataset, torch.arange(10, 200), 16, 3, Execution())
    seen = 0
    for index in range(len(batches)):
        batch = batches.batch(1, index)
        assert batch.lengths is not None and batch.inputs.dtype == torch.int64
        assert torch.equal((batch.inputs > 0).sum(1), batch.lengths)
        assert torch.equal(batch.inputs[:, 0] - 1, batch.targets)
        assert len(batch) <= batches.size == 16
        seen += len(batch)
    assert seen == 190


def test_padded_times_have_no_target() -> None:
    dataset = texts(labelled_times=True)
    batch = padded_batches(dataset, torch.arange(200), 16, 0, Execution()).batch(0, 5)
    assert torch.equal(batch.targets == IGNORED, batch.inputs == PADDING)
    assert torch.equal(batch.targets[batch.inputs > 0], batch.inputs[batch.inputs > 0] - 1)


def test_sequences_are_scaled_and_padded_with_zeros() -> None:
    rows = [torch.randn(length, 3) * 5 + 7 for length in (4, 9, 2, 30)]
    values, offsets = pack(rows)
    task = Task(Clips((3,)), OneClass(("a", "b")))
    dataset = Dataset(
        {"inputs": values, "targets": torch.tensor([0, 1, 0, 1])}, task, "made", offsets={"inputs": offsets}
    )
    training = torch.tensor([0, 1, 3])
    fitted = dataset.with_task(dataset.task.fit(dataset, training))
    known = torch.cat([rows[0], rows[1], rows[3]])
    assert_same_numbers(fitted.task.inputs.mean, known.mean(0))
    batch = Padded(fitted, Execution())(torch.tensor([2, 0]))
    expected = (rows[2] - known.mean(0)) / known.std(0, correction=0)
    assert_same_numbers(batch.inputs[0, :2], expected)
    assert batch.inputs[0, 2:].abs().sum() == 0
    assert batch.lengths is not None and batch.lengths.tolist() == [2, 4]


def test_a_sample_has_the_longest_row() -> None:
    dataset = texts()
    batches = padded_batches(dataset, torch.arange(200), 16, 0, Execution())
    assert batches.sample(8).inputs.shape[1] == int(lengths(dataset.offsets["inputs"]).max())
    assert batches.most == 200 and len(batches.sample(500)) == 200
    assert batches.resized(50).size == 50
