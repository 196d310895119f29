"""Examples whose rows differ in length: as long as they have rows, taken, split, kept and described like any others."""

import json
from pathlib import Path

import pytest
import torch

from glasswork.data import cache
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text, Texts
from glasswork.data.ragged import lengths, pack
from glasswork.data.splits import split
from glasswork.data.summary import summarise
from glasswork.data.vocabulary import Vocabulary

LENGTHS = [4, 1, 9, 2, 7, 3, 5, 6]


def labelled_texts(each_time: bool = False) -> Dataset:
    """Eight texts of two classes, by the row or by the time."""
    values, offsets = pack([torch.full((length,), length, dtype=torch.int16) for length in LENGTHS])
    targets = (values % 2).long() if each_time else torch.tensor(LENGTHS) % 2
    target = (PerStep if each_time else OneClass)(("even", "odd"))
    task = Task(Texts(Vocabulary(tuple("?abcdefghi"))), target)
    columns = {"inputs": values, "targets": targets, "fingerprints": torch.arange(8)}
    ends = {"inputs": offsets, "targets": offsets} if each_time else {"inputs": offsets}
    return Dataset(columns, task, "made", tuple("ABCDEFGH"), offsets=ends)


def test_rows_are_counted_and_taken() -> None:
    for dataset in (labelled_texts(), labelled_texts(each_time=True)):
        assert len(dataset) == 8
        taken = dataset.take(torch.tensor([2, 0]))
        assert taken.columns["inputs"].tolist() == [9] * 9 + [4] * 4
        assert list(taken.names) == ["C", "A"]
        assert lengths(taken.offsets["inputs"]).tolist() == [9, 4]
        assert taken.columns["targets"].tolist() == ([1] * 9 + [0] * 4 if "targets" in dataset.offsets else [1, 0])
        assert dataset.count(torch.tensor([2, 0])) == 2


def test_they_are_divided_and_described() -> None:
    for dataset in (labelled_texts(), labelled_texts(each_time=True)):
        parts = split(dataset, 0.25, 0.25, 0)
        assert [len(rows) for rows in parts.named().values()] == [4, 2, 2]
        summary = summarise(dataset, parts)
        assert summary.inputs == "texts of 1 to 9 (median 5) tokens, out of 10"
        assert summary.counts == {"train": 4, "validation": 2, "test": 2}
        trained = dataset.take(parts.training).columns["targets"]
        assert summary.class_counts == {"even": int((trained == 0).sum()), "odd": int((trained == 1).sum())}


def test_sequences_in_words() -> None:
    values, offsets = pack([torch.zeros(5, 3)] * 4)
    columns = {"inputs": values, "targets": torch.tensor([0, 1, 0, 1]), "fingerprints": torch.arange(4)}
    dataset = Dataset(columns, Task(Clips((3,)), OneClass(("a", "b"))), "made", offsets={"inputs": offsets})
    assert summarise(dataset, split(dataset, 0, 0, 0)).inputs == "sequences of 5 time steps with 3 numbers each"


def test_offsets_come_back_from_the_cache(tmp_path: Path, cache_folder: Path) -> None:
    (tmp_path / "source").write_text("something")
    made = labelled_texts(each_time=True)
    for _ in range(2):
        found = cache.remember("made", [tmp_path / "source"], ReadingOptions(), lambda: made)
        assert found.offsets.keys() == {"inputs", "targets"}
        assert torch.equal(found.offsets["inputs"], made.offsets["inputs"])
        assert found.columns.keys() == made.columns.keys()
        assert found.columns["inputs"].dtype == torch.int16
        assert torch.equal(found.columns["inputs"], made.columns["inputs"])
        assert (found.task, found.ordered) == (made.task, made.ordered)


@pytest.mark.parametrize(
    ("task", "shape", "answers"),
    [
        (Task(Images((3, 6, 5)), OneClass(("a", "b"))), (2, 3, 6, 5), (2, 2)),
        (Task(Table((4,)), Numbers(("y",))), (2, 4), (2, 1)),
        (Task(Clips((4,)), OneClass(("a", "b"))), (2, 8, 4), (2, 2)),
        (Task(Text(Vocabulary(tuple("?ab"))), NextToken(tuple("?ab"))), (2, 8), (2, 3, 8)),
    ],
)
def test_a_task_says_how_inputs_and_outputs_look(task: Task, shape: tuple[int, ...], answers: tuple[int, ...]) -> None:
    assert tuple(task.inputs.zeros(2).shape) == shape
    assert task.inputs.zeros(2).is_floating_point() == (task.inputs.tag != "text")
    assert task.target.output_shape(2) == answers
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task
