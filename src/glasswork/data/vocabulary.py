"""Vocabularies: the tokens of a text and their numbers; and the characters of a corpus, found without holding it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from glasswork.data.encodings import normalise
from glasswork.record import Record

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""How the token is written that stands for every text that is none of the others."""

Numbers = npt.NDArray[np.integer[Any]]

Pieces = Literal["character", "word", "bpe", "features"]
"""What the tokens are: characters, words in lower case, byte pairs (pieces of words), or features of words."""


@dataclass(frozen=True)
class Vocabulary(Record):
    """The tokens that a network of texts knows; the number of a token is its place.

    Attributes:
        tokens: `UNKNOWN` first, then characters (or words, or pieces of words), each once.
        pieces: which of these they are.
        merges: of byte pairs, which two pieces become one, in the order of merging, with a space between.
        cased: whether capital letters are kept in words and byte pairs, as in texts that are written.
    """

    tokens: tuple[str, ...]
    pieces: Pieces = "character"
    merges: tuple[str, ...] = ()
    cased: bool = False

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Token -> number."""
        return {token: number for number, token in enumerate(self.tokens)}

    @cached_property
    def _numbers_of_codes(self) -> Numbers:
        """Code point -> number, for tokens that are characters; one more entry for all greater code points."""
        codes = [ord(token) for token in self.tokens[1:]]
        kind = np.uint8 if len(self) <= 1 << 8 else np.int16 if len(self) <= 1 << 15 else np.int32
        table: Numbers = np.zeros(max(codes, default=0) + 2, dtype=kind)
        table[codes] = np.arange(1, len(self.tokens))
        return table

    def encode(self, text: str) -> Numbers:
        """The numbers of a text's characters, (characters,) in the smallest type for them; 0 where one is unknown."""
        table, codes = self._numbers_of_codes, codes_of(normalise(text))
        return table[codes if len(table) > np.iinfo(codes.dtype).max else np.minimum(codes, len(table) - 1)]

    def unknown(self, text: str) -> str:
        """The characters of a text that the vocabulary does not have, each once, in the order of their coming."""
        return "".join(dict.fromkeys(character for character in normalise(text) if character not in self.numbers))

    def decode(self, numbers: Iterable[int]) -> str:
        """The text whose tokens have these numbers."""
        return "".join(self.tokens[number] for number in numbers)


def codes_of(text: str) -> Numbers:
    """The code points of a text, (characters,)."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


class CharacterCounts:
    """How often each character comes in texts that are handed in piece by piece."""

    def __init__(self) -> None:
        self._counts: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)  # by code point, up to the highest

    @property
    def total(self) -> int:
        """How many characters have been counted."""
        return int(self._counts.sum())

    def add(self, text: str) -> None:
        """Counts the characters of one more piece."""
        self._add(np.bincount(codes_of(text)))

    def merge(self, other: "CharacterCounts") -> None:
        """Adds what another has counted."""
        self._add(other._counts)

    def _add(self, counts: npt.NDArray[np.int64]) -> None:
        if len(counts) > len(self._counts):
            self._counts = np.pad(self._counts, (0, len(counts) - len(self._counts)))
        self._counts[: len(counts)] += counts

    def vocabulary(self, most: int) -> tuple[Vocabulary, int]:
        """The most frequent characters, at most `most` tokens with the unknown one; and how many became unknown.

        The characters are in the order of their code points. The second number counts occurrences.
        """
        (codes,) = self._counts.nonzero()
        counts = self._counts[codes]
        kept = np.lexsort((codes, -counts))[: most - 1]
        lost = int(counts.sum() - counts[kept].sum())
        return Vocabulary((UNKNOWN, *map(chr, sorted(codes[kept].tolist())))), lost
