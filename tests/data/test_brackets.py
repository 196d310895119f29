"""Brackets to be closed: every text is well-formed but for the one that counts, which stands where it is said."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from glasswork.data.brackets import CLOSING, KINDS, NESTED, OPENING, bracket_texts, spread


def still_open(text: str) -> list[tuple[int, str]]:
    """Place and kind of the brackets that are open at the end; a wrong closing bracket fails."""
    stack: list[tuple[int, str]] = []
    for place, character in enumerate(text):
        if character in OPENING:
            stack.append((place, character))
        elif character in CLOSING:
            assert stack.pop()[1] == OPENING[CLOSING.index(character)], text
        assert len(stack) <= NESTED + 1
    return stack


@settings(max_examples=60)
@given(length=some.integers(1, 40), data=some.data())
def test_one_bracket_is_open_at_the_end_and_it_is_the_one_that_counts(length: int, data: some.DataObject) -> None:
    distances = torch.tensor(data.draw(some.lists(some.integers(1, length), min_size=1, max_size=20)))
    texts = bracket_texts(length, distances, torch.Generator().manual_seed(length))
    assert texts.codes.shape == (len(distances), length)
    for row, (kind, distance) in enumerate(zip(texts.kinds.tolist(), distances.tolist(), strict=True)):
        assert still_open(texts.text(row)) == [(length - distance, OPENING[kind])]


def test_neither_the_last_nor_the_only_opening_bracket_tells_the_answer() -> None:
    texts = bracket_texts(60, torch.full((2000,), 40), torch.Generator().manual_seed(0))
    after = [texts.text(row)[21:] for row in range(2000)]
    assert sum(any(bracket in text for bracket in OPENING) for text in after) > 1900
    last = [max((text.rfind(bracket), kind) for kind, bracket in enumerate(OPENING)) for text in after]
    right = sum(place >= 0 and kind == wanted for (place, kind), wanted in zip(last, texts.kinds.tolist(), strict=True))
    assert 400 < right < 600  # chance is one of KINDS
    assert texts.kinds.bincount().min() > 2000 / KINDS * 0.85


def test_distances_are_spread_over_orders_of_magnitude_and_seeded() -> None:
    drawn = spread(30_000, 100, torch.Generator().manual_seed(3))
    assert (int(drawn.min()), int(drawn.max())) == (1, 100)
    near, far = int((drawn <= 9).sum()), int((drawn >= 10).sum())
    assert 0.9 < near / far < 1.1
    again = [bracket_texts(20, drawn[:9].clamp(max=20), torch.Generator().manual_seed(7)).codes for _ in range(2)]
    assert torch.equal(*again)
