"""What every kind of inputs and every kind of target keeps, on small made data."""

import json

import pytest
import torch
from torch import Tensor

from glasswork.data.collate import collate_of
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.audio import Audio
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.columns import Column
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import TIMES
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import INPUTS, TARGETS, Task
from glasswork.data.kinds.text import Text, Texts
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.ragged import pack
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import LOSSES

ROWS = 12
WORDS = Vocabulary(tuple("?abcdef"))
COLUMNS = (Column("size", "number"), Column("colour", "category", ("red", "blue")))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator()) * 3 + 2


def ragged_rows(*shape: int) -> list[Tensor]:
    return [numbers(2 + row % 4, *shape) for row in range(ROWS)]


def inputs_of(name: str) -> tuple[Task, Tensor, Tensor | None]:
    """The task of a kind of inputs with one class each, its column, and where its rows end if they differ."""
    target = OneClass(("a", "b", "c"))
    if name == "image":
        pixels = torch.randint(0, 256, (ROWS, 3, 8, 6), dtype=torch.uint8, generator=generator())
        return Task(Images((3, 8, 6)), target), pixels, None
    if name == "vector":
        features = tuple(feature for column in COLUMNS for feature in column.features)
        rows = torch.cat([numbers(ROWS, 1), torch.eye(2)[torch.arange(ROWS) % 2]], 1)
        return Task(Table((3,), features, columns=COLUMNS, target_columns=("y",)), target), rows, None
    if name in {"text", "texts"}:
        tokens, ends = pack([torch.arange(2 + row % 4, dtype=torch.int32) % 7 for row in range(ROWS)])
        if name == "text":
            return Task(Text(WORDS), NextToken(WORDS.tokens)), tokens, ends
        return Task(Texts(WORDS), target), tokens, ends
    if name == "sequence":
        values, ends = pack(ragged_rows(5))
        return Task(Clips((5,)), target), values, ends
    if name == "audio":
        waves, ends = pack([(1000 * numbers(900 + 100 * row)).to(torch.int16) for row in range(ROWS)])
        return Task(Audio(8000, bands=12), target), waves, ends
    assert name == "series", f"The kind {name} has no made data here: add some"
    kind = Series(Timing("rows"), ("wind",), window=5)
    return Task(kind, Quantiles(("demand", "supply"), 3, 7)), numbers(ROWS, 2, 2), None


def target_of(name: str) -> tuple[Task, Tensor | None]:
    """The task of a kind of target, and its column."""
    labels, marks, inputs = torch.arange(ROWS) % 3, torch.eye(3, dtype=torch.uint8), Table((3,))
    if name == "class":
        return Task(inputs, OneClass(("a", "b", "c"))), labels
    if name == "classes":
        return Task(inputs, Labels(("a", "b", "c"))), marks[labels] | marks[0]
    if name == "number":
        return Task(inputs, Numbers(("x", "y"))), numbers(ROWS, 2)
    if name == "class per step":
        return Task(Clips((5,)), PerStep(("a", "b", "c"))), None
    if name == "next":
        return inputs_of("text")[0], None
    if name == "token sequence":
        return Task(Texts(WORDS), TokenSequence(Vocabulary(WORDS.tokens[:5]))), None
    if name == "boxes":
        return Task(Images((3, 8, 6)), Boxes(("a", "b"))), None
    assert name == "ahead", f"The kind {name} has no made data here: add some"
    return inputs_of("series")[0], None


def dataset_of(task: Task, inputs: Tensor, ends: Tensor | None, targets: Tensor | None = None) -> Dataset:
    columns = {"inputs": inputs, "targets": torch.arange(ROWS) % 3 if targets is None else targets}
    return Dataset(
        columns, task, "made", [f"row {row}" for row in range(ROWS)], offsets={} if ends is None else {"inputs": ends}
    )


def fitted(name: str) -> Dataset:
    dataset = dataset_of(*inputs_of(name))
    return dataset.with_task(dataset.task.fit(dataset, torch.arange(0, ROWS, 2)))


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_are_what_their_kind_says(name: str) -> None:
    dataset = fitted(name)
    kind = dataset.task.inputs
    assert type(kind) is INPUTS[name]
    assert kind.zeros(2).shape[0] == 2
    assert kind.zeros(2).shape[-len(kind.shape) :] == kind.shape or name == "series" or not kind.shape
    assert kind.describe(dataset)
    assert kind.holds().endswith(f"use {kind.preset}")
    assert kind.align(dataset) is dataset.columns["inputs"]
    port = kind.port()
    assert port.shape[0] == "batch" and len(port.shape) == kind.zeros(2).dim()
    assert isinstance(getattr(torch, port.dtype), torch.dtype)
    picture = kind.picture(dataset, 0)
    assert (picture is None) == (kind.image_shape is None)


@pytest.mark.parametrize("name", [name for name in INPUTS if name not in {"series", "audio"}])
def test_a_batch_looks_as_zeros_do(name: str) -> None:
    dataset = fitted(name)
    kind, rows = dataset.task.inputs, torch.tensor([3, 0, 7])
    batch = collate_of(dataset, Execution())(rows)
    zeros = kind.zeros(3)
    assert batch.inputs.dtype == zeros.dtype and batch.inputs.dim() == zeros.dim()
    assert batch.inputs.shape[-len(kind.shape) :] == zeros.shape[-len(kind.shape) :] or not kind.shape
    raw = kind.raw(dataset, rows)
    if raw is not None:
        assert raw.dtype == dataset.columns["inputs"].dtype
        assert torch.equal(kind.scaler()(raw)[:, :1], batch.inputs[: len(raw), :1])


@pytest.mark.parametrize("name", INPUTS)
def test_only_training_rows_are_fitted_on(name: str) -> None:
    task, inputs, ends = inputs_of(name)
    dataset, training = dataset_of(task, inputs, ends), torch.arange(0, ROWS, 2)
    once = task.inputs.fit(dataset, training)
    assert once.fit(dataset, training) == once
    other = inputs.clone()
    if ends is None and name != "series":
        other[1::2] = 0
    assert task.inputs.fit(dataset_of(task, other, ends), training) == once


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_of_another_kind_are_refused_or_not_aligned(name: str) -> None:
    kind = fitted(name).task.inputs
    for other in set(INPUTS) - {name}:
        assert kind.align(fitted(other)) is None, other
    if name not in {"image", "vector"}:
        with pytest.raises(GlassworkError, match="Features and attributions need images or rows of numbers"):
            kind.arrays(torch.zeros(1, 2))
        with pytest.raises(GlassworkError, match="Features and attributions"):
            kind.require_features()
    if name != "image":
        with pytest.raises(GlassworkError, match=f"takes no images: it was trained on {kind.trained}"):
            kind.read_images(["a.png"])
    wrong = Images if name != "image" else Table
    with pytest.raises(GlassworkError, match=f"These are {kind.words}, and not {wrong.words}"):
        wrong.of(fitted(name).task)


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_what_their_kind_says(name: str) -> None:
    task, _ = target_of(name)
    kind = task.target
    assert type(kind) is TARGETS[name]
    assert kind.names == task.target.names
    assert kind.losses[0] in LOSSES and set(kind.losses) <= set(LOSSES)
    assert kind.describe(task)
    shape = kind.output_shape(2)
    assert shape[0] == 2
    for port in kind.ports():
        fixed = [size for size in port.shape if isinstance(size, int)]
        assert fixed == [size for size in shape[1:] if size != TIMES or "times" not in port.shape]
    with pytest.raises(GlassworkError, match="does not fit targets that are"):
        kind.require_loss("unheard-of")


@pytest.mark.parametrize("name", TARGETS)
def test_outputs_are_read_as_they_are_named(name: str) -> None:
    task, _ = target_of(name)
    kind = task.target
    outputs = torch.randn(kind.output_shape(4), generator=generator())
    for loss in kind.losses:
        answers = kind.answers(outputs, loss)
        assert len(answers) == len(kind.ports())
        if not kind.classes:
            with pytest.raises(GlassworkError, match="numbers have no probabilities"):
                kind.probabilities(outputs, loss)
        else:
            chances = kind.probabilities(outputs, loss)
            assert chances.shape == outputs.shape and (chances >= 0).all() and (chances <= 1).all()
            assert torch.equal(kind.readout(outputs, loss), chances)
            if name != "classes":
                torch.testing.assert_close(chances.sum(1), torch.ones_like(chances.sum(1)))


@pytest.mark.parametrize("name", [name for name in TARGETS if target_of(name)[1] is not None])
def test_known_targets_are_scaled_measured_worded_and_divided(name: str) -> None:
    task, targets = target_of(name)
    assert targets is not None
    dataset = dataset_of(task, numbers(ROWS, 3), None, targets)
    rows = torch.arange(ROWS)
    kind = task.target.fit(dataset, rows)
    scaler = kind.scaler()
    wanted = scaler(targets)
    assert wanted.dtype in {torch.float32, torch.int64}
    torch.testing.assert_close(scaler.inverse(wanted).double(), targets.double(), rtol=1e-6, atol=1e-6)
    outputs = torch.randn(kind.output_shape(ROWS), generator=generator())
    for loss in kind.losses:
        assert torch.isfinite(LOSSES[loss](outputs, wanted))
        figures = kind.measure(outputs, targets, loss)
        assert kind.main in figures and all(value == value for value in figures.values())
        said = kind.predict(outputs, dataset.names, loss)
        assert [one.input for one in said] == list(dataset.names)
        assert all(list(one.probabilities.values()) == sorted(one.probabilities.values(), reverse=True) for one in said)
        with pytest.raises(GlassworkError, match="no examples to evaluate on"):
            kind.measure(outputs[:0], targets[:0], loss)
    assert kind.strata(dataset, rows).shape == (ROWS,)
    counts = kind.counts(dataset, rows)
    assert counts is None if not kind.classes else counts is not None and len(counts) == len(kind.names)
    parts = kind.separate(targets, ("y",))
    assert all(len(values) == ROWS for _, values, _ in parts) and parts
    assert kind.align(dataset) is targets
    word = "1,2" if not kind.classes else kind.names[0]
    assert kind.parse(word).shape == wanted[:1].shape
    with pytest.raises(GlassworkError):
        kind.parse("no such word")


@pytest.mark.parametrize("name", [name for name in TARGETS if target_of(name)[1] is None])
def test_targets_that_only_their_system_knows_say_so(name: str) -> None:
    kind = target_of(name)[0].target
    with pytest.raises(GlassworkError):
        kind.parse(kind.names[0])
    with pytest.raises(GlassworkError):
        kind.measure(torch.zeros(2, 3), torch.zeros(2), kind.losses[0])
    with pytest.raises(GlassworkError):
        kind.predict(torch.zeros(2, 3), ["a", "b"], kind.losses[0])


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_task_comes_back_from_json(name: str, target: str) -> None:
    task = Task(fitted(name).task.inputs, target_of(target)[0].target)
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task
