"""Samplers: pure functions of seed, epoch and number, whatever was asked for before."""

from collections.abc import Callable

import pytest
import torch

from glasswork.data.samplers import Balanced, ByLength, Consecutive, Sampler, Shuffled

ITEMS = torch.arange(100, 140)
MADE: dict[str, Callable[[int], Sampler]] = {
    "shuffled": lambda seed: Shuffled(ITEMS, 7, seed),
    "pairs": lambda seed: Shuffled(torch.stack([ITEMS, ITEMS % 3], 1), 7, seed),
    "by length": lambda seed: ByLength(ITEMS, ITEMS % 11, 7, seed),
    "balanced": lambda seed: Balanced(ITEMS, ITEMS % 5, 3, 2, seed),
    "consecutive": lambda seed: Consecutive(1000, 4, 9, seed),
}


@pytest.mark.parametrize("name", MADE)
def test_an_index_depends_on_seed_epoch_and_number_alone(name: str) -> None:
    sampler, places = MADE[name](3), [(2, 1), (0, 0), (2, 0), (1, 3), (0, 0), (2, 1)]
    for epoch, k in places:
        torch.rand(5)
        assert torch.equal(sampler.index(epoch, k), MADE[name](3).index(epoch, k))
    assert len({str(sampler.index(epoch, 0).tolist()) for epoch in range(8)}) > 1


@pytest.mark.parametrize("name", MADE)
def test_reseeded_is_the_sampler_of_another_seed_and_leaves_this_one(name: str) -> None:
    sampler = MADE[name](3)
    sampler.index(1, 0)
    other = sampler.reseeded(4)
    assert torch.equal(other.index(1, 0), MADE[name](4).index(1, 0))
    assert torch.equal(sampler.index(1, 0), MADE[name](3).index(1, 0))


@pytest.mark.parametrize("name", MADE)
def test_sizes(name: str) -> None:
    sampler = MADE[name](0)
    sizes = [len(sampler.index(0, k)) for k in range(len(sampler))]
    assert max(sizes) <= sampler.size <= sampler.most
    assert len(sampler.sample(3)) == 3
    assert len(sampler.sample(10**6)) == sampler.most
    assert sampler.resized(2).size == 2
    assert sampler.resized(2).most == sampler.most
