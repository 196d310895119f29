"""Generated texts whose next character needs memory: a bracket to close, opened far back in noise."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

OPENING, CLOSING, LETTERS = "([{<", ")]}>", "abcdefgh"
CHARACTERS = OPENING + CLOSING + LETTERS
"""What a code stands for."""
KINDS = len(OPENING)
NESTED = 2
OPENS, CLOSES = 0.3, 0.3


@dataclass(frozen=True)
class BracketTexts:
    """Texts in which one bracket is still open at the end.

    Attributes:
        codes: int64 (texts, length), places in `CHARACTERS`.
        kinds: int64 (texts,), which bracket has to be closed next, a place in `CLOSING`.
        distances: int64 (texts,), how many characters before that place it was opened.
    """

    codes: Tensor
    kinds: Tensor
    distances: Tensor

    def __len__(self) -> int:
        return len(self.codes)

    def text(self, row: int) -> str:
        """One of the texts, as a person reads it."""
        return "".join(CHARACTERS[code] for code in self.codes[row].tolist())


def spread(count: int, farthest: int, generator: torch.Generator) -> Tensor:
    """Distances from 1 to `farthest`, int64 (count,), as many between 1 and 10 as between 10 and 100."""
    shares = torch.rand(count, generator=generator, dtype=torch.float64)
    return (shares * math.log(farthest + 1)).exp().long().clamp(1, farthest)


def bracket_texts(length: int, distances: Tensor, generator: torch.Generator) -> BracketTexts:
    """Texts of letters and brackets, well-formed but for one bracket that was opened `distances` characters ago.

    Before it and after it stand letters and pairs of brackets of all kinds, nested at most twice and closed again, so
    that neither the last nor the only opening bracket is the one that counts.

    Args:
        length: of every text.
        distances: int64 (texts,), from 1 (the bracket is the last character) to `length`.
        generator: of what is drawn.
    """
    count, place = len(distances), length - distances
    rows, kinds = torch.arange(count), torch.randint(0, KINDS, (count,), generator=generator)
    codes = torch.empty(count, length, dtype=torch.int64)
    open_kinds, depth = torch.zeros(count, NESTED + 1, dtype=torch.int64), torch.zeros(count, dtype=torch.int64)
    for at in range(length):
        room = torch.where(at < place, place - at, length - at)  # characters until everything is closed again
        draw = torch.rand(count, generator=generator)
        new = torch.randint(0, KINDS, (count,), generator=generator)
        letter = torch.randint(2 * KINDS, len(CHARACTERS), (count,), generator=generator)
        here = torch.eq(place, at)
        closes = ~here & ((depth > 0) & (draw < CLOSES) | (room <= depth))
        opens = ~here & ~closes & (draw > 1 - OPENS) & (depth < NESTED) & (room >= depth + 2)
        closing = KINDS + open_kinds[rows, (depth - 1).clamp(min=0)]
        codes[:, at] = torch.where(here, kinds, torch.where(closes, closing, torch.where(opens, new, letter)))
        open_kinds[rows, depth] = torch.where(opens, new, open_kinds[rows, depth])
        depth += opens.long() - closes.long()
    return BracketTexts(codes, kinds, distances)
