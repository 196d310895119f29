"""Rows that differ in length: every operation equals the plain Python that goes through them one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from glasswork.data import ragged

some_rows = st.lists(st.lists(st.integers(0, 200), max_size=9), min_size=1, max_size=12)


def packed(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    return ragged.pack([torch.tensor(row, dtype=torch.int64) for row in rows])


def listed(values: Tensor, offsets: Tensor) -> list[list[int]]:
    return [values[a:b].tolist() for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


@given(some_rows)
def test_packed_rows_are_the_rows(rows: list[list[int]]) -> None:
    values, offsets = packed(rows)
    assert listed(values, offsets) == rows
    assert ragged.lengths(offsets).tolist() == [len(row) for row in rows]


@given(some_rows, st.data())
def test_taking_rows(rows: list[list[int]], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=20))
    taken = ragged.take(*packed(rows), torch.tensor(places, dtype=torch.int64))
    assert listed(*taken) == [rows[place] for place in places]


@given(some_rows, st.data())
def test_padding_and_back(rows: list[list[int]], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=20))
    chosen = [rows[place] for place in places]
    longest = max(map(len, chosen))
    padded, lengths = ragged.pad(*packed([*rows, [7]]), torch.tensor(places), -1)
    assert padded.tolist() == [row + [-1] * (longest - len(row)) for row in chosen]
    assert listed(*ragged.unpad(padded, lengths)) == chosen


def test_padding_rows_of_vectors() -> None:
    rows = [torch.randn(n, 2, 3) for n in (2, 0, 4)]
    padded, lengths = ragged.pad(*ragged.pack(rows), torch.tensor([2, 1, 0]))
    assert padded.shape == (3, 4, 2, 3)
    assert torch.equal(padded[0], rows[2])
    assert torch.equal(padded[2, :2], rows[0])
    assert padded[1].abs().sum() == padded[2, 2:].abs().sum() == 0
    assert lengths.tolist() == [4, 0, 2]


@given(some_rows)
def test_equal_rows_and_no_others_have_equal_fingerprints(rows: list[list[int]]) -> None:
    prints = ragged.fingerprints(*packed(rows)).tolist()
    for one, first in zip(rows, prints, strict=True):
        for other, second in zip(rows, prints, strict=True):
            assert (first == second) == (one == other)


def test_fingerprints_do_not_depend_on_where_a_row_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(0, 99, (n,), generator=generator) for n in (50, 3, 900, 17, 3)]
    whole = ragged.fingerprints(*ragged.pack(rows))
    monkeypatch.setattr(ragged, "_HASHED", 64)  # a piece ends within a row
    assert torch.equal(ragged.fingerprints(*ragged.pack(rows)), whole)
    assert torch.equal(ragged.fingerprints(*ragged.pack(rows[::-1])), whole.flip(0))


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80), st.integers(1, 12), st.integers(0, 9), st.integers(0, 9))
def test_buckets_hold_every_row_once(counts: list[int], batches: int, seed: int, epoch: int) -> None:
    batches = min(batches, len(counts))
    buckets = ragged.length_buckets(torch.tensor(counts), batches, seed, epoch)
    assert sorted(torch.cat(buckets).tolist()) == list(range(len(counts)))
    sizes = [len(bucket) for bucket in buckets]
    assert len(sizes) == batches and max(sizes) - min(sizes) <= 1
    again = ragged.length_buckets(torch.tensor(counts), batches, seed, epoch)
    assert all(torch.equal(one, other) for one, other in zip(buckets, again, strict=True))


DRAWS = np.random.default_rng(0)
LENGTHS = {
    "reviews": DRAWS.lognormal(4.2, 0.7, 4000),
    "sentences": DRAWS.lognormal(2.8, 0.5, 20_000),
    "evenly spread": DRAWS.integers(1, 500, 4000),
    "two kinds": np.where(DRAWS.random(4000) < 0.5, 10, 300),
}


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("size", [16, 64])
def test_less_than_a_tenth_of_a_batch_is_padding(kind: str, size: int) -> None:
    counts = torch.from_numpy(LENGTHS[kind]).long() + 1
    for epoch in range(3):
        buckets = ragged.length_buckets(counts, -(-len(counts) // size), 0, epoch)
        assert ragged.padding_waste(counts, buckets) < 0.1
    shuffled = torch.randperm(len(counts)).split(size)
    assert ragged.padding_waste(counts, shuffled) > 0.3


def test_rows_have_other_companions_and_another_order_in_every_epoch() -> None:
    counts = torch.from_numpy(LENGTHS["sentences"]).long() + 1
    first, second = (ragged.length_buckets(counts, 300, 0, epoch) for epoch in (0, 1))
    companions = [{frozenset(bucket.tolist()) for bucket in buckets} for buckets in (first, second)]
    assert not companions[0] & companions[1]
    means = torch.stack([counts[bucket].double().mean() for bucket in first])
    assert torch.corrcoef(torch.stack([means, torch.arange(300, dtype=torch.float64)]))[0, 1].abs() < 0.2


@settings(max_examples=20)
@given(st.integers(0, 5))
def test_waste_of_equal_rows_is_none(length: int) -> None:
    counts = torch.full((10,), length)
    assert ragged.padding_waste(counts, ragged.length_buckets(counts, 3, 0, 0)) == 0
