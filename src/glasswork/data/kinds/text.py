"""Inputs that are texts: one long text that is read on and on, or separate texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import TIMES, Inputs, Port, Reading
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError

PADDING = -1
"""Stands behind the end of a shorter text in a batch, where it is no token's number."""


@dataclass(frozen=True)
class Text(Inputs):
    """One long text, whose rows follow one another; whole numbers (tokens,).

    Attributes:
        vocabulary: its tokens.
    """

    tag: ClassVar[str] = "text"
    word: ClassVar[str] = "text"
    words: ClassVar[str] = "text"
    trained: ClassVar[str] = "text"
    preset: ClassVar[str] = "char-rnn"
    step: ClassVar[str] = "word"
    file: ClassVar[str] = "FILE.txt"
    asked: ClassVar[str] = "a text"
    written: ClassVar[bool] = True
    fill: ClassVar[int] = PADDING

    vocabulary: Vocabulary

    @property
    @override
    def shape(self) -> tuple[int, ...]:
        return ()

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, TIMES, *self.shape, dtype=torch.int64)

    @override
    def scaler(self) -> nn.Module:
        return Tokens()

    @override
    def describe(self, dataset: Dataset) -> str:
        return f"a text of {len(self.vocabulary) - 1:,} different characters"

    @override
    def unlike(self, paths: Sequence[Path]) -> None:
        return None

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        return align_tokens(self, self.vocabulary, dataset)

    @override
    def port(self) -> Port:
        return Port("tokens", "int64", ("batch", "times"), "the place of each character among the classes")


@dataclass(frozen=True)
class Texts(Inputs):
    """Separate texts, whole numbers (tokens,); of different lengths.

    Attributes:
        vocabulary: the tokens.
        features: how many features stand for one token; 0: the token is one number.
        target_columns: the columns of a table that hold the target.
        unused: the columns of a table that are neither text nor target.
    """

    tag: ClassVar[str] = "texts"
    word: ClassVar[str] = "text"
    words: ClassVar[str] = "text"
    trained: ClassVar[str] = "text"
    preset: ClassVar[str] = "sentiment"
    step: ClassVar[str] = "word"
    file: ClassVar[str] = "FILE.txt"
    asked: ClassVar[str] = "a text"
    written: ClassVar[bool] = True
    fill: ClassVar[int] = PADDING

    vocabulary: Vocabulary
    features: int = 0
    target_columns: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    @override
    def shape(self) -> tuple[int, ...]:
        return (self.features,) if self.features else ()

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, TIMES, *self.shape, dtype=torch.int64)

    @override
    def scaler(self) -> nn.Module:
        return Tokens()

    @override
    def describe(self, dataset: Dataset) -> str:
        lengths = ragged.spread_of_lengths(dataset.offsets["inputs"])
        if self.vocabulary.pieces == "features":
            return f"sentences of {lengths} words, with {len(self.vocabulary):,} different features"
        return f"texts of {lengths} tokens, out of {len(self.vocabulary):,}"

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        return align_tokens(self, self.vocabulary, dataset)

    @override
    def port(self) -> Port:
        meaning = "the place of each token in the task's vocabulary; -1 behind the end of a shorter text"
        return Port("tokens", "int64", ("batch", "times", *self.shape), meaning)


def read_texts(
    dataset: Dataset, names: Sequence[str], missing: str, unread: Mapping[int, str] | None = None
) -> Reading:
    """New texts, without those that are empty; `missing` says what these do not hold, `unread` why one is not read."""
    empty = ragged.lengths(dataset.offsets["inputs"]) == 0
    problems = {row: f"{names[row]} holds no {missing}" for row in empty.nonzero()[:, 0].tolist()}
    problems |= unread or {}
    return Reading(names, dataset.take((~empty).nonzero()[:, 0]), problems)


def align_tokens(kind: Inputs, vocabulary: Vocabulary, dataset: Dataset) -> Tensor | None:
    """The tokens of newly read text; None if it is no text of the same shape.

    Raises:
        GlassworkError: for other tokens.
    """
    found = dataset.task.inputs
    if not isinstance(found, Text | Texts) or type(found) is not type(kind) or found.shape != kind.shape:
        return None
    if found.vocabulary != vocabulary:
        raise GlassworkError(
            f"{dataset.source} has changed since this model was trained, and has other tokens now: name it with "
            "--data, or train again"
        )
    return dataset.columns["inputs"]


class Tokens(nn.Module):
    """Tokens as embeddings take them."""

    def forward(self, raw: Tensor) -> Tensor:
        """The same numbers, int64."""
        return raw.to(torch.int64)
