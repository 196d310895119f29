import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from glasswork.data.augmentation import parse
from glasswork.data.batches import Batches, Scaling
from glasswork.data.collate import Rows, shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution, mixed


def numbered(count: int) -> Dataset:
    """Rows whose only number is their own."""
    columns = {"inputs": torch.arange(count, dtype=torch.float32)[:, None], "targets": torch.arange(count) % 3}
    return Dataset(columns, Task(Table((1,)), OneClass(("a", "b", "c"))), "made")


def images(count: int, margin: int = 0) -> Dataset:
    side = 8 + 2 * margin
    pixels = torch.randint(
        0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    columns = {"inputs": pixels, "targets": torch.arange(count) % 3}
    return Dataset(columns, Task(Images((3, 8, 8)), OneClass(("a", "b", "c"))), "made", margin=margin)


def rows_of(batches: Batches, epoch: int) -> list[list[int]]:
    return [batches.batch(epoch, index).inputs[:, 0].int().tolist() for index in range(len(batches))]


@given(
    count=some.integers(1, 90), size=some.integers(1, 40), seed=some.integers(0, 2**31 - 1), epoch=some.integers(0, 50)
)
def test_every_row_once_per_epoch_in_batches_of_like_size(count: int, size: int, seed: int, epoch: int) -> None:
    rows = torch.arange(0, 2 * count, 2)
    found = rows_of(shuffled_batches(numbered(2 * count), rows, size, seed, Execution()), epoch)
    assert sorted(row for part in found for row in part) == rows.tolist()
    lengths = [len(part) for part in found]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
    assert len(found) == -(-count // size)


@given(count=some.integers(2, 90), size=some.integers(1, 40), features=some.integers(1, 5), epoch=some.integers(0, 50))
def test_rows_scaled_all_at_once_are_those_scaled_batch_by_batch(
    count: int, size: int, features: int, epoch: int
) -> None:
    """To the last bit, and a batch that is written to leaves the next one alone."""
    generator = torch.Generator().manual_seed(count)
    inputs = torch.randn(2 * count, features, generator=generator) * torch.logspace(-3, 3, features)
    dataset = Dataset(
        {"inputs": inputs, "targets": torch.randn(2 * count, 1, generator=generator)},
        Task(Table((features,)), Numbers(("y",))),
        "made",
    )
    rows = torch.arange(1, 2 * count, 2)
    dataset = dataset.with_task(dataset.task.fit(dataset, rows))
    batches, collate = shuffled_batches(dataset, rows, size, 0, Execution()), Rows(dataset, Execution())
    for index in range(len(batches)):
        batch = batches.batch(epoch, index)
        expected = collate(batches.sampler.index(epoch, index))
        assert torch.equal(batch.inputs, expected.inputs)
        assert torch.equal(batch.targets, expected.targets)
        batch.inputs.fill_(0)
        assert torch.equal(batches.batch(epoch, index).inputs, expected.inputs)


def test_targets_stay_with_their_inputs() -> None:
    batches = shuffled_batches(numbered(50), torch.arange(50), 7, 3, Execution())
    for index in range(len(batches)):
        batch = batches.batch(2, index)
        assert torch.equal(batch.targets, batch.inputs[:, 0].long() % 3)


@given(seed=some.integers(0, 2**31 - 1), asked=some.lists(some.tuples(some.integers(0, 5), some.integers(0, 3))))
def test_a_batch_depends_on_seed_epoch_and_number_alone(seed: int, asked: list[tuple[int, int]]) -> None:
    """Whatever was asked for before, by an object of one's own or by this one, with the same draws of augmentation."""
    augmentation = parse(["flip", "crop:2", "rotation:10", "color"])
    make = [shuffled_batches(images(12, 2), torch.arange(12), 3, seed, Execution(), augmentation) for _ in range(2)]
    for epoch, index in asked:
        make[0].batch(epoch, index)
        torch.rand(3)
    for epoch, index in ((0, 0), (3, 2)):
        one, other = (batches.batch(epoch, index) for batches in make)
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)


def test_epochs_seeds_and_batches_differ() -> None:
    orders = [
        rows_of(shuffled_batches(numbered(40), torch.arange(40), 8, seed, Execution()), epoch)
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert len({str(order) for order in orders}) == 4
    assert rows_of(shuffled_batches(numbered(40), torch.arange(40), 8, 0, Execution()), 0)[0] != list(range(8))


def test_the_same_image_is_changed_anew_in_every_epoch() -> None:
    batches = shuffled_batches(images(1, 2), torch.arange(1), 1, 0, Execution(), parse(["crop:2", "color"]))
    seen = [batches.batch(epoch, 0).inputs for epoch in range(4)]
    assert not any(torch.equal(seen[i], seen[j]) for i in range(4) for j in range(i))


def test_without_augmentation_the_margin_is_left_out() -> None:
    dataset = images(4, 2)
    batch = Rows(dataset, Execution())(torch.arange(4))
    expected = dataset.columns["inputs"][:, :, 2:-2, 2:-2].float() / 255
    torch.testing.assert_close(batch.inputs, expected)


@given(numbers=some.lists(some.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4))
def test_seeds_are_what_a_generator_takes(numbers: list[int]) -> None:
    seed = mixed(*numbers)
    assert 0 <= seed < 2**63
    assert seed == mixed(*numbers)
    assert seed != mixed(*numbers, 0)
    assert torch.Generator().manual_seed(seed).initial_seed() == seed


def moments(values: Tensor, dims: list[int]) -> tuple[Tensor, Tensor]:
    return values.mean(dims), values.std(dims, correction=0)


def test_scaled_training_inputs_have_mean_0_and_deviation_1() -> None:
    for dataset, dims in ((images(30), [0, 2, 3]), (numbered(30), [0])):
        rows = torch.arange(0, 30, 2)
        task = dataset.task.fit(dataset, rows)
        scaled = Scaling(task, Execution()).inputs(dataset.columns["inputs"][rows])
        mean, deviation = moments(scaled.double(), dims)
        torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)
        torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-4, rtol=0)


def test_a_constant_feature_becomes_0() -> None:
    columns = {"inputs": torch.full((5, 2), 7.25), "targets": torch.arange(5) % 2}
    dataset = Dataset(columns, Task(Table((2,)), OneClass(("a", "b"))), "made")
    scaled = Scaling(dataset.task.fit(dataset, torch.arange(5)), Execution()).inputs(columns["inputs"])
    assert torch.equal(scaled, torch.zeros(5, 2))


def test_targets_that_are_numbers_come_back_in_their_units() -> None:
    values = torch.tensor([[10.0, -3.0], [20.0, 5.0], [60.0, 1.0]])
    columns = {"inputs": torch.zeros(3, 1), "targets": values}
    dataset = Dataset(columns, Task(Table((1,)), Numbers(("a", "b"))), "made")
    scaling = Scaling(dataset.task.fit(dataset, torch.arange(3)), Execution())
    scaled = scaling.targets(values)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(scaling.answers(scaled), values.double(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_images_come_in_the_machine_s_layout(layout: str) -> None:
    execution = Execution(memory_format=layout)  # type: ignore[arg-type]
    inputs = shuffled_batches(images(4), torch.arange(4), 4, 0, execution).batch(0, 0).inputs
    wanted = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    assert inputs.is_contiguous(memory_format=wanted)
    assert torch.equal(inputs, shuffled_batches(images(4), torch.arange(4), 4, 0, Execution()).batch(0, 0).inputs)
