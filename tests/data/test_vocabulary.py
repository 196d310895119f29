"""Vocabularies: characters to numbers and back, found in pieces of a text."""

import json
from collections import Counter
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from glasswork.data.encodings import normalise
from glasswork.data.vocabulary import UNKNOWN, CharacterCounts, Vocabulary

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters=UNKNOWN), max_size=60).map(normalise)


def found(text: str, most: int = 1000) -> tuple[Vocabulary, int]:
    counts = CharacterCounts()
    for start in range(0, len(text), 7):
        counts.add(text[start : start + 7])
    assert counts.total == len(text)
    return counts.vocabulary(most)


@given(texts)
def test_there_and_back(text: str) -> None:
    vocabulary, lost = found(text)
    assert lost == 0
    assert vocabulary.tokens == (UNKNOWN, *sorted(set(text)))
    assert vocabulary.decode(vocabulary.encode(text).tolist()) == text
    assert Vocabulary.from_json(json.loads(json.dumps(asdict(vocabulary)))) == vocabulary


@given(texts, st.integers(2, 12))
def test_the_rarest_become_one_unknown_character(text: str, most: int) -> None:
    text = normalise(text)
    vocabulary, lost = found(text, most)
    counts = Counter(text)
    assert len(vocabulary) == min(most, len(counts) + 1)
    kept = set(vocabulary.tokens[1:])
    rarest_kept = min((counts[character] for character in kept), default=0)
    assert all(counts[character] <= rarest_kept for character in counts if character not in kept)
    numbers = vocabulary.encode(text).tolist()
    assert numbers.count(0) == lost == sum(count for character, count in counts.items() if character not in kept)


@given(texts, texts)
def test_characters_that_it_does_not_know(known: str, asked: str) -> None:
    known, asked = normalise(known), normalise(asked)  # as every text is when it is read
    vocabulary, _ = found(known)
    assert vocabulary.unknown(asked) == "".join(dict.fromkeys(c for c in asked if c not in known))
    assert [number == 0 for number in vocabulary.encode(asked).tolist()] == [c not in known for c in asked]
