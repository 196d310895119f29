import dataclasses
import json

import pytest
import torch

from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.data.summary import Summary, summarise


def dataset(counts: list[int], copies: dict[int, int] | None = None) -> Dataset:
    """Images of classes with so many examples each; row `key` of `copies` is a copy of row `value`."""
    targets = torch.cat([torch.full((count,), name) for name, count in enumerate(counts)])
    inputs = torch.arange(len(targets) * 4, dtype=torch.uint8).view(-1, 1, 2, 2)
    for row, twin in (copies or {}).items():
        inputs[row] = inputs[twin]
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    names = [f"{row}.png" for row in range(len(targets))]
    task = Task(Images((1, 2, 2)), OneClass(tuple("abcdefghijklm"[: len(counts)])))
    return Dataset(columns, task, "photos", names)


def looked_over(made: Dataset, held: int = 0, tested: int = 0) -> Summary:
    rows = torch.arange(len(made))
    end = len(made) - tested
    return summarise(made, Splits(rows[: end - held], rows[end - held : end], rows[end:]))


def test_what_the_data_is() -> None:
    summary = looked_over(dataset([8, 4]), held=1, tested=2)
    assert summary.counts == {"train": 9, "validation": 1, "test": 2}
    assert (summary.source, summary.inputs, summary.target) == ("photos", "2 x 2 grey images", "one of 2 classes: a, b")
    assert summary.class_counts == {"a": 8, "b": 1}
    assert json.loads(json.dumps(summary.to_json()))["counts"]["train"] == 9


def test_copies_across_splits_are_named_and_copies_within_training_are_not() -> None:
    summary = looked_over(dataset([10], {3: 2, 8: 1, 9: 0}), held=1, tested=1)
    assert summary.duplicates == 2
    assert summary.warnings == (
        "1 validation example is an exact copy of a training example, so its score is slightly too good: 8.png = 1.png",
        "1 test example is an exact copy of a training example, so its score is slightly too good: 9.png = 0.png",
    )
    assert looked_over(dataset([10], {3: 2}), tested=2).warnings == ()


def test_many_copies_are_counted() -> None:
    summary = looked_over(dataset([16], {row: row - 8 for row in range(8, 16)}), tested=8)
    assert summary.duplicates == 8
    (warning,) = summary.warnings
    assert "8 test examples are exact copies" in warning
    assert "8.png = 0.png; " in warning
    assert warning.endswith("; and 3 more")


@pytest.mark.parametrize(("counts", "said"), [([30, 10, 10], False), ([31, 10, 12], True), ([10, 10, 10], False)])
def test_imbalance_is_said_with_what_to_do(counts: list[int], said: bool) -> None:
    summary = looked_over(dataset(counts))
    assert summary.imbalance == max(counts) / min(counts)
    assert any("--class-weights balanced" in warning for warning in summary.warnings) == said
    if said:
        assert "'a' has 3.1 times as many training examples as 'b'" in summary.warnings[0]


def test_skipped_inputs_are_told() -> None:
    made = dataclasses.replace(dataset([4]), skipped=tuple(f"{row}.jpg is cut off" for row in range(10)))
    warnings = looked_over(made).warnings
    assert warnings[0] == "0.jpg is cut off"
    assert warnings[-1] == "2 more of these are left out here"


@pytest.mark.parametrize(
    ("task", "inputs", "target"),
    [
        (Task(Table((1,)), Numbers(("price",))), "rows of 1 number", "the number price"),
        (Task(Table((3,)), Numbers(("x", "y"))), "rows of 3 numbers", "2 numbers: x, y"),
        (Task(Images((3, 4, 5)), Labels(("sun", "sea"))), "4 x 5 colour images", "any of 2 classes: sun, sea"),
    ],
)
def test_other_kinds_in_words(task: Task, inputs: str, target: str) -> None:
    values = torch.zeros(6, *task.inputs.shape, dtype=torch.uint8 if task.inputs.tag == "image" else torch.float32)
    values += torch.arange(6).view(-1, *[1] * len(task.inputs.shape))
    marks = task.target.tag == "classes"
    targets = torch.ones(6, len(task.target.names), dtype=torch.uint8 if marks else torch.float32)
    columns = {"inputs": values, "targets": targets, "fingerprints": fingerprints(values)}
    summary = looked_over(Dataset(columns, task, "made"), tested=2)
    assert (summary.inputs, summary.target) == (inputs, target)
    assert summary.class_counts == ({"sun": 4, "sea": 4} if task.target.tag == "classes" else {})
    assert (summary.imbalance, summary.warnings) == (1.0, ())


def test_the_sizes_of_the_originals_are_said_where_images_were_resized() -> None:
    inputs = torch.zeros(3, 1, 8, 8, dtype=torch.uint8)
    columns = {"inputs": inputs, "targets": torch.tensor([0, 1, 0]), "fingerprints": fingerprints(inputs)}
    splits = Splits(torch.tensor([0, 1]), torch.tensor([2]), torch.tensor([], dtype=torch.int64))
    task = Task(Images((1, 8, 8)), OneClass(("a", "b")))
    for sizes, words in (
        ([[8, 8]] * 3, "8 x 8 grey images"),
        ([[9, 5]] * 3, "8 x 8 grey images, all from 9 x 5"),
        ([[9, 9], [20, 30], [10, 10]], "8 x 8 grey images, from originals of 9 x 9 to 20 x 30, median 10 x 10"),
    ):
        dataset = Dataset({**columns, "sizes": torch.tensor(sizes)}, task, "here")
        assert summarise(dataset, splits).inputs == words
