"""What systems of rows of differing length have in common: their outputs, and what the padding costs."""

import torch
from torch import Tensor, nn

from glasswork.data import ragged
from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset
from glasswork.data.padded_batches import PaddedBatches
from glasswork.execution import Execution
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.report.words import percent

TOKENS_AT_ONCE = 20_000


def padded_batch(dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
    """The examples at `rows` as one batch, in their order."""
    return PaddedBatches(dataset, rows, max(1, len(rows)), 0, execution).gather(rows)


def padded_outputs(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
    """The network's outputs (rows, outputs) on some rows, float32 on the CPU; rows of nearly equal length together."""
    network.eval()
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    order = lengths.argsort(stable=True)
    found = torch.zeros(len(rows), len(dataset.schema.classes))
    with torch.inference_mode(), execution.arithmetic():
        for part in in_parts(lengths[order]):
            places = order[part]
            found[places] = network(padded_batch(dataset, rows[places], execution).inputs).float().cpu()
    return found


def in_parts(lengths: Tensor) -> list[slice]:
    """Divides rows in the order of their lengths into parts of at most `TOKENS_AT_ONCE` tokens, padding included."""
    parts, start = [], 0
    counts = lengths.tolist()
    for place, length in enumerate(counts):
        if place > start and length * (place + 1 - start) > TOKENS_AT_ONCE:
            parts.append(slice(start, place))
            start = place
    return [*parts, slice(start, len(counts))] if counts else []


def padding(dataset: Dataset, rows: Tensor, batch_size: int, seed: int) -> tuple[float, Section]:
    """The share of padding in the batches of the first epoch, and a section of the report about it."""
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    count = max(1, -(-len(rows) // batch_size))
    waste = ragged.padding_waste(lengths, ragged.length_buckets(lengths, count, seed, 0))
    generator = torch.Generator().manual_seed(seed)
    shuffled = ragged.padding_waste(lengths, torch.tensor_split(torch.randperm(len(rows), generator=generator), count))
    ordered = lengths.sort().values
    section = Section(
        "Texts of differing length",
        "Texts of nearly equal length share a batch, where the shorter ones are padded to the length of the longest.",
        [
            Table(
                ("", ""),
                [
                    (
                        "shortest, median and longest text",
                        ", ".join(f"{ordered[k]:,}" for k in (0, len(ordered) // 2, -1)),
                    ),
                    ("padding in these batches", percent(waste)),
                    ("padding, were they drawn at random", percent(shuffled)),
                ],
            )
        ],
    )
    return waste, section
