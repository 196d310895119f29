"""Batches for truncated back-propagation through time: a long text in lanes, with hidden state carried over in each."""

import torch
from torch import Tensor

from glasswork.data.batches import Batch, Batches, Draw
from glasswork.data.dataset import Dataset
from glasswork.data.samplers import Consecutive
from glasswork.errors import GlassworkError
from glasswork.execution import Execution


class Stretches:
    """Rows of a text, joined where they follow one another: one text, read by its places.

    Args:
        dataset: of a text.
        rows: int64, in the order in which they are read.
    """

    def __init__(self, dataset: Dataset, rows: Tensor) -> None:
        offsets = dataset.offsets["inputs"]
        self.tokens = dataset.columns["inputs"]
        begins, ends = offsets[rows], offsets[rows + 1]
        new = torch.ones(len(rows), dtype=torch.bool)
        new[1:] = begins[1:] != ends[:-1]
        starts, counts = begins[new], torch.zeros(int(new.sum()), dtype=torch.int64)
        counts.index_add_(0, new.cumsum(0) - 1, ends - begins)
        self._ends = counts.cumsum(0)
        self._shifts = starts - (self._ends - counts)  # from a place in the joined text to one in the column

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def at(self, places: Tensor) -> Tensor:
        """The tokens at places (int64, any shape) of the joined text, int64 of the same shape."""
        if len(self._ends) == 1:
            return self.tokens[places + self._shifts[0]].long()
        return self.tokens[places + self._shifts[torch.searchsorted(self._ends, places, right=True)]].long()


class Chunks:
    """Makes batches of chunks of a text; targets are the inputs one time later.

    The first batch of an epoch begins something: the state of the batch before is not carried on into it.

    Args:
        text: the text.
        times: of one chunk.
        execution: where the arithmetic is carried out.
    """

    def __init__(self, text: Stretches, times: int, execution: Execution) -> None:
        self.text, self.times, self.execution = text, times, execution

    def __call__(self, starts: Tensor, draw: Draw | None = None) -> Batch:
        """The chunks that begin at `starts` (int64) as one batch, (chunks, times)."""
        tokens = self.text.at(starts[:, None] + torch.arange(self.times + 1)).to(self.execution.device)
        inputs, targets = tokens[:, :-1], tokens[:, 1:]
        return Batch(inputs, targets, begins=draw is None or draw.batch == 0, counted=targets.numel())


def text_batches(dataset: Dataset, rows: Tensor, lanes: int, times: int, seed: int, execution: Execution) -> Batches:
    """Batches for truncated back-propagation through time: chunks of a text that go on where the last ones ended.

    Args:
        dataset: of a text.
        rows: those to read, in their order.
        lanes: how many chunks lie side by side; fewer if the text is too short for them.
        times: characters of one chunk, over which errors flow back.
        seed: of the run.
        execution: where the arithmetic is carried out.

    Raises:
        GlassworkError: for a text that is shorter than one chunk.
    """
    text = Stretches(dataset, rows)
    if len(text) <= times:
        raise GlassworkError(
            f"{dataset.source} has {len(text):,} characters to train on, fewer than one sequence of "
            f"{times} and the character after it: give it more text, or a shorter --bptt-length"
        )
    return Batches(Consecutive(len(text), lanes, times, seed), Chunks(text, times, execution))
