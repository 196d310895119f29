"""What padding costs: of texts that differ in length, those of nearly equal length share a batch."""

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.report.blocks import Table
from glasswork.report.report import Section
from glasswork.report.words import percent


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
        ("padding, were they drawn at random", percent(shuffled)),
    ]
    section = Section(
        "Texts of differing length",
        "Texts of nearly equal length share a batch, where the shorter ones are padded to the length of the longest.",
        [Table(("", ""), cells)],
    )
    return waste, section
