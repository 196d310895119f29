"""A network's outputs on many examples, what they are measured to be, and what padding costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

import torch
from torch import Tensor
from typing_extensions import TypeVar

from glasswork.data import ragged
from glasswork.data.batches import Batch, Scaling
from glasswork.data.collate import collate_of
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.report.words import percent

EVALUATION_ROWS = 500
TOKENS_AT_ONCE = 20_000

OutputsT = TypeVar("OutputsT", default=Any)


@dataclass(frozen=True)
class Evaluation(Generic[OutputsT]):
    """How good a network is on some examples.

    Attributes:
        metrics: named figures.
        outputs: what the network says about each of them.
        rows: which examples, int64.
    """

    metrics: Metrics
    outputs: OutputsT
    rows: Tensor


def measured_rows(splits: Splits) -> tuple[str, Tensor]:
    """What a run is measured on at its end, in words and rows: test, else validation, else training examples."""
    named = {"test": splits.test, "validation": splits.validation, "training": splits.training}
    return next((where, rows) for where, rows in named.items() if len(rows))


def collate(dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
    """The examples at `rows` as one batch, in their order and without augmentation; padded if they differ in length."""
    return collate_of(dataset, execution)(rows)


def outputs_on(network: Callable[[Tensor], Tensor], dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
    """A network's outputs (rows, outputs), float32 on the CPU; numbers in the target's own units, float64.

    Args:
        network: one in evaluation mode, or a part of it.
        dataset: all examples, with the network's task.
        rows: which of them, int64.
        execution: how the arithmetic is carried out.
    """
    make = collate_of(dataset, execution)
    if "inputs" in dataset.offsets:
        parts: Sequence[Tensor] = parts_by_length(dataset, rows)
    else:
        parts = torch.split(torch.arange(len(rows)), EVALUATION_ROWS)
    with torch.inference_mode(), execution.arithmetic():
        found = [make.scaling.answers(network(make(rows[places]).inputs).float().cpu()) for places in parts]
    outputs = torch.cat(found) if len(rows) else make.scaling.answers(torch.zeros(0, len(dataset.task.target.names)))
    ordered = torch.empty_like(outputs)
    ordered[torch.cat(list(parts)) if len(rows) else torch.arange(0)] = outputs
    return ordered


def parts_by_length(dataset: Dataset, rows: Tensor, most: int = TOKENS_AT_ONCE) -> list[Tensor]:
    """Divides rows that differ in length into parts of nearly equal length, of at most `most` elements with padding.

    Returns:
        The places of each part in `rows`, int64, shortest rows first.
    """
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    order = lengths.argsort(stable=True)
    parts, start = [], 0
    for place, length in enumerate(lengths[order].tolist()):
        if place > start and length * (place + 1 - start) > most:
            parts.append(order[start:place])
            start = place
    return [*parts, order[start:]] if len(rows) else []


def measure_targets(outputs: Tensor, dataset: Dataset, rows: Tensor, objective: Objective) -> Metrics:
    """The metrics of outputs (rows, outputs) against the known targets of some rows; `loss` is the objective's.

    Args:
        outputs: as `outputs_on` gives them.
        dataset: all examples, with the network's task.
        rows: which of them, int64.
        objective: what the network was trained with; class weights play no part.
    """
    task, raw = dataset.task, dataset.columns["targets"][rows]
    scaling = Scaling(task, Execution())
    target = task.target
    loss = float(replace(objective, class_weights=None)(scaling.targets(outputs), scaling.targets(raw)))
    return Metrics({"loss": loss, **target.measure(outputs, raw, objective.name)}, target.main, loss)


def report_padding(dataset: Dataset, rows: Tensor, batch_size: int, seed: int) -> tuple[float, Section]:
    """The share of padding in the batches of the first epoch, and a section of the report about it."""
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    count = max(1, -(-len(rows) // batch_size))
    waste = ragged.padding_waste(lengths, ragged.length_buckets(lengths, count, seed, 0))
    generator = torch.Generator().manual_seed(seed)
    shuffled = ragged.padding_waste(lengths, torch.tensor_split(torch.randperm(len(rows), generator=generator), count))
    ordered = lengths.sort().values
    cells = [
        ("shortest, median and longest text", ", ".join(f"{ordered[k]:,}" for k in (0, len(ordered) // 2, -1))),
        ("padding in these batches", percent(waste)),
        ("padding in random batches", percent(shuffled)),
    ]
    section = Section(
        "Text lengths",
        "Texts of similar length share a batch; the shorter ones are padded to the length of the longest.",
        [Table(("", ""), cells)],
    )
    return waste, section
