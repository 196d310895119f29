"""A long text read in lanes: batches for truncated back-propagation through time, the state carried on in each lane."""

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data.batches import Batch, BatchSource
from glasswork.data.dataset import Dataset
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, mixed


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


class Lanes(BatchSource):
    """Chunks of a text that is divided into lanes, which are read side by side from their beginnings to their ends.

    Row i of one batch goes on where row i of the batch before ended, so that a network's state can be carried on; at
    the first batch of an epoch all lanes begin anew, somewhere else than in the epoch before. Targets are the inputs
    one time later.

    Args:
        dataset: of a text.
        rows: those to read.
        lanes: how many lie side by side; fewer where the text is too short for them.
        times: characters of one chunk, over which errors flow back.
        seed: what the beginnings depend on, with the epoch.
        execution: where the arithmetic is carried out.

    Raises:
        GlassworkError: where the text is shorter than one chunk.
    """

    def __init__(self, dataset: Dataset, rows: Tensor, lanes: int, times: int, seed: int, execution: Execution) -> None:
        self.examples, self.rows, self.times, self.seed, self.execution = dataset, rows, times, seed, execution
        self.text = Stretches(dataset, rows)
        if len(self.text) <= times:
            raise GlassworkError(
                f"{dataset.source} has {len(self.text):,} characters to train on, which is less than one sequence of "
                f"{times} and the character after it: give it more text, or a shorter --sequence"
            )
        self.lanes = min(lanes, self.most)
        self.chunks = (len(self.text) - 1) // (self.lanes * times)

    @override
    def __len__(self) -> int:
        return self.chunks

    @property
    @override
    def size(self) -> int:
        return self.lanes

    @property
    @override
    def most(self) -> int:
        return (len(self.text) - 1) // self.times

    @override
    def sample(self, size: int, number: int = 0) -> Batch:
        size = min(size, self.most)
        return self._chunk(torch.arange(size) * self.times, begins=True)

    @override
    def resized(self, size: int) -> "Lanes":
        return Lanes(self.examples, self.rows, size, self.times, self.seed, self.execution)

    @override
    def batch(self, epoch: int, index: int) -> Batch:
        length = self.chunks * self.times
        left_over = len(self.text) - 1 - self.lanes * length
        first = mixed(self.seed, epoch) % (left_over + 1)
        return self._chunk(first + torch.arange(self.lanes) * length + index * self.times, begins=index == 0)

    def _chunk(self, starts: Tensor, begins: bool) -> Batch:
        tokens = self.text.at(starts[:, None] + torch.arange(self.times + 1)).to(self.execution.device)
        inputs, targets = tokens[:, :-1], tokens[:, 1:]  # (lanes, times)
        return Batch(inputs, targets, begins=begins, counted=targets.numel())
