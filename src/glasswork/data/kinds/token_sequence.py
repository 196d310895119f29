"""Targets that are sequences of tokens, written one after the other: a translation, a transcript, a caption."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import TIMES, Names, Port, Target
from glasswork.data.kinds.next_token import ports_over_times
from glasswork.data.tokenize import encode
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import class_probabilities

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

END = "END"
"""The last of the network's outputs: it ends an answer, and also stands before its first token (Kovashka: START)."""


@dataclass(frozen=True)
class TokenSequence(Target):
    """Sequences of tokens, int32 (tokens,), each with `END` behind it; a row may hold several, any of which is right.

    Attributes:
        vocabulary: the tokens; the number of `END` is that of all of them.
        longest: tokens of an answer that a network writes, at most.
    """

    tag: ClassVar[str] = "token sequence"
    word: ClassVar[str] = "text"
    what: ClassVar[str] = "sequences of tokens"
    losses: ClassVar[tuple[str, ...]] = ("cross-entropy",)

    vocabulary: Vocabulary
    longest: int = TIMES

    @property
    @override
    def names(self) -> Names:  # type: ignore[override]
        return (*self.vocabulary.tokens, END)

    @property
    def end(self) -> int:
        """The number of `END`."""
        return len(self.vocabulary)

    @override
    def describe(self, task: "Task") -> str:
        pieces = {"word": "words", "character": "characters", "bpe": "byte pairs", "features": "features"}
        return f"a text of {len(self.vocabulary):,} different {pieces[self.vocabulary.pieces]}"

    @override
    def output_shape(self, count: int) -> tuple[int, ...]:
        return (count, len(self.names), self.longest)

    @override
    def accepts(self, shape: tuple[int, ...], count: int) -> bool:
        """An answer may have any length."""
        return len(shape) == 3 and shape[:2] == (count, len(self.names))

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        return dataset.columns["targets"] if dataset.task.target == self else None

    @override
    def parse(self, word: str | float) -> Tensor:
        tokens, _ = encode([str(word)], self.vocabulary)
        if not len(tokens) or not bool(tokens.any()):
            raise GlassworkError(f"'{word}' holds no token that the model knows: write the answer out")
        return torch.cat([tokens.to(torch.int64), torch.tensor([self.end])])[None]

    @override
    def probabilities(self, outputs: Tensor, loss: str) -> Tensor:
        return class_probabilities(outputs, loss)

    @override
    def ports(self) -> tuple[Port, ...]:
        return ports_over_times(len(self.names), "each token as the next one of the answer")


def sequences_of(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """Where each sequence of the targets begins (sequences + 1,), and the first one of each row (rows + 1,); int64."""
    target = TokenSequence.of(dataset.task)
    ends = (dataset.columns["targets"] == target.end).nonzero()[:, 0] + 1
    return torch.cat([torch.zeros(1, dtype=torch.int64), ends]), torch.searchsorted(
        ends, dataset.offsets["targets"], right=True
    )


def token_lengths(dataset: Dataset, rows: Tensor) -> Tensor:
    """Tokens of all sequences of each row, their ends included, int64 (rows,)."""
    return ragged.lengths(dataset.offsets["targets"])[rows]
