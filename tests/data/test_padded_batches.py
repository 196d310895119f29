"""Batches of rows that differ in length."""

import torch

from closeness import assert_same_numbers
from glasswork.data.batches import fit_scaling
from glasswork.data.examples import Examples, Schema
from glasswork.data.padded_batches import IGNORED, PADDING, PaddedBatches
from glasswork.data.ragged import pack
from glasswork.data.vocabulary import Vocabulary
from glasswork.device import Numerics


def texts(count: int = 200, labelled_times: bool = False) -> Examples:
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 60, (count,), generator=generator).tolist()
    values, offsets = pack([torch.full((length,), place % 9 + 1) for place, length in enumerate(lengths)])
    columns = {"inputs": values, "targets": values - 1 if labelled_times else torch.arange(count) % 9}
    ends = {"inputs": offsets, "targets": offsets} if labelled_times else {"inputs": offsets}
    vocabulary = Vocabulary(tuple("?abcdefghi"))
    schema = Schema("text", (), "class", tuple("abcdefghi"), vocabulary=vocabulary)
    return Examples(columns, schema, "made", offsets=ends)


def test_every_row_comes_once_with_its_target() -> None:
    examples = texts()
    batches = PaddedBatches(examples, torch.arange(10, 200), 16, 3, Numerics())
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
    examples = texts(labelled_times=True)
    batch = PaddedBatches(examples, torch.arange(200), 16, 0, Numerics()).batch(0, 5)
    assert torch.equal(batch.targets == IGNORED, batch.inputs == PADDING)
    assert torch.equal(batch.targets[batch.inputs > 0], batch.inputs[batch.inputs > 0] - 1)


def test_sequences_are_scaled_and_padded_with_zeros() -> None:
    rows = [torch.randn(length, 3) * 5 + 7 for length in (4, 9, 2, 30)]
    values, offsets = pack(rows)
    schema = Schema("sequence", (3,), "class", ("a", "b"))
    examples = Examples(
        {"inputs": values, "targets": torch.tensor([0, 1, 0, 1])}, schema, "made", offsets={"inputs": offsets}
    )
    training = torch.tensor([0, 1, 3])
    fitted = examples.with_schema(fit_scaling(examples, training))
    known = torch.cat([rows[0], rows[1], rows[3]])
    assert_same_numbers(fitted.schema.mean, known.mean(0))
    batch = PaddedBatches(fitted, torch.arange(4), 2, 0, Numerics()).gather(torch.tensor([2, 0]))
    expected = (rows[2] - known.mean(0)) / known.std(0, correction=0)
    assert_same_numbers(batch.inputs[0, :2], expected)
    assert batch.inputs[0, 2:].abs().sum() == 0
    assert batch.lengths is not None and batch.lengths.tolist() == [2, 4]


def test_a_sample_has_the_longest_row() -> None:
    examples = texts()
    batches = PaddedBatches(examples, torch.arange(200), 16, 0, Numerics())
    assert batches.sample(8).inputs.shape[1] == int(batches.lengths.max())
    assert batches.most == 200 and len(batches.sample(500)) == 200
    assert batches.resized(50).size == 50
