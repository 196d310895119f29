"""Tokenises texts into words, characters or byte pairs, and finds their vocabularies."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.scripts import letters, signs, unspaced
from glasswork.data.vocabulary import UNKNOWN, Pieces, Vocabulary
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LEAST_TOKENS = 257
"""Of byte pairs: every byte has a token, so that no text is unknown."""
LONG_WORD, LONG_TEXT = 5000, 100_000
"""Characters."""


class Piece(NamedTuple):
    """A piece of a text: the token that it stands for (known or not), and its first and last character + 1."""

    token: str
    start: int
    end: int


Cut = Callable[[str], list[Piece]]


def cutter(vocabulary: Vocabulary) -> Cut:
    """What cuts a text into the pieces of a vocabulary.

    Raises:
        GlassworkError: where the package for byte pairs is missing.
    """
    assert vocabulary.pieces != "features"
    if vocabulary.pieces == "bpe":
        return _byte_pairs(_tokenizer(vocabulary.tokens, vocabulary.merges, vocabulary.cased))
    return _cut_of(vocabulary.pieces, vocabulary.cased)


def join(tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    """The text that some tokens write: words with spaces between, not at hyphens or before signs that end a phrase."""
    words = [vocabulary.tokens[number] for number in tokens]
    if vocabulary.pieces == "bpe":
        return str(_package().decoders.ByteLevel().decode(words)).strip()
    if vocabulary.pieces == "character":
        return "".join(words)
    text = re.sub(r" ([.,;:!?%)\]}])", r"\1", " ".join(words))
    return re.sub(r"(?<=\w) ([-\N{HYPHEN}]) (?=\w)", r"\1", text)


def spell(number: int, vocabulary: Vocabulary) -> str:
    """One token as people read it, with the space before it if that is a part of it."""
    token = vocabulary.tokens[number]
    return str(_package().decoders.ByteLevel().decode([token])) if vocabulary.pieces == "bpe" else token


def known_letters(vocabulary: Vocabulary) -> frozenset[str]:
    """The characters that the tokens of a vocabulary are written with; of byte pairs those that are whole in a token.

    Every text can be written as bytes, but what is no token's came too rarely in training to be known.
    """
    if vocabulary.pieces != "bpe":
        return frozenset("".join(vocabulary.tokens[1:]))
    decoder = _package().decoders.ByteLevel()
    return frozenset("".join(decoder.decode([token]) for token in vocabulary.tokens[1:])) - {UNKNOWN}


def find_vocabulary(texts: Sequence[str], pieces: Pieces, most: int, least: int, cased: bool = False) -> Vocabulary:
    """The most frequent pieces of some texts, the most frequent first.

    Args:
        texts: those that are trained on.
        pieces: words, characters, or byte pairs (Sennrich et al. 2016), which are merged from single bytes.
        most: tokens, with the unknown one.
        least: how often a piece (of byte pairs, a pair) has to come.
        cased: whether capital letters are kept.

    Raises:
        GlassworkError: where the package for byte pairs is missing, or `most` leaves no room for all bytes.
    """
    if pieces == "bpe":
        return _find_byte_pairs(texts, most, least, cased)
    cut = _cut_of(pieces, cased)
    counts = Counter(piece.token for text in texts for piece in cut(text))
    counts.pop(UNKNOWN, None)
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    kept = (token for token in ranked[: most - 1] if counts[token] >= least)
    return Vocabulary((UNKNOWN, *kept), pieces, (), cased)


def encode(texts: Sequence[str], vocabulary: Vocabulary, longest: int | None = None) -> tuple[Tensor, Tensor]:
    """The numbers of the pieces of texts, one text after the other: int32 (tokens,), and where each begins.

    Args:
        texts: may be empty ones.
        vocabulary: of the numbers; 0 stands for every other piece.
        longest: how many pieces of a text are taken; None: all.
    """
    if vocabulary.pieces == "bpe":  # all at once, which is several times as fast
        tokenizer = _tokenizer(vocabulary.tokens, vocabulary.merges, vocabulary.cased)
        rows = [one.ids[:longest] for one in tokenizer.encode_batch(list(texts))]
    else:
        cut, numbers = cutter(vocabulary), vocabulary.numbers
        rows = [[numbers.get(piece.token, 0) for piece in cut(text)[:longest]] for text in texts]
    values = torch.tensor(list(chain.from_iterable(rows)), dtype=torch.int32)
    return values, ragged.offsets_of(torch.tensor([len(row) for row in rows], dtype=torch.int64))


def _words(text: str) -> list[Piece]:
    return [Piece(found.group().lower(), *found.span()) for found in _word().finditer(text)]


def _cased_words(text: str) -> list[Piece]:
    return [Piece(found.group(), *found.span()) for found in _word().finditer(text)]


@cache
def _word() -> re.Pattern[str]:
    """Letters and digits with their marks, and with apostrophes between them (`don't`); one sign that is neither; or
    one character of a script without spaces, as BERT takes Chinese (Devlin et al. 2019).
    """
    word = f"(?:{letters()})+"
    return re.compile(rf"{word}(?:['\N{{RIGHT SINGLE QUOTATION MARK}}]{word})*|{unspaced()}|{signs()}")


def _characters(text: str) -> list[Piece]:
    return [Piece(character, place, place + 1) for place, character in enumerate(text)]


_CUT: dict[Pieces, Cut] = {"word": _words, "character": _characters}


def _cut_of(pieces: Pieces, cased: bool) -> Cut:
    return _cased_words if cased and pieces == "word" else _CUT[pieces]


def _byte_pairs(tokenizer: "Tokenizer") -> Cut:
    def cut(text: str) -> list[Piece]:
        # Of a batch they are found without Python's lock, so that a long text does not silence the process.
        encoding = tokenizer.encode(text) if len(text) < LONG_TEXT else tokenizer.encode_batch([text])[0]
        return [Piece(token, *span) for token, span in zip(encoding.tokens, encoding.offsets, strict=True)]

    return cut


def _find_byte_pairs(texts: Sequence[str], most: int, least: int, cased: bool) -> Vocabulary:
    if most < LEAST_TOKENS:
        raise GlassworkError(f"Byte pairs need a token for every byte: a vocabulary of at least {LEAST_TOKENS}")
    tokenizers = _package()
    tokenizer = _tokenizer((), (), cased)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=most - 1, min_frequency=least, initial_alphabet=sorted(alphabet), show_progress=False
    )
    tokenizer.train_from_iterator(_without_long_words(texts), trainer)
    numbers = tokenizer.get_vocab()
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    joined = tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in merges)
    return Vocabulary((UNKNOWN, *sorted(numbers, key=numbers.__getitem__)), "bpe", joined, cased)


def _without_long_words(texts: Iterable[str]) -> Iterator[str]:
    """The texts, cut inside of words of more than `LONG_WORD` characters: they take the square of their length."""
    for text in texts:
        start = 0
        for word in re.finditer(rf"\S{{{LONG_WORD},}}", text):
            for end in range(word.start() + LONG_WORD, word.end(), LONG_WORD):
                yield text[start:end]
                start = end
        yield text[start:]


def _tokenizer(tokens: Sequence[str], merges: Sequence[str], cased: bool) -> "Tokenizer":
    """Byte pairs; a byte is written as a letter, as GPT-2 does (Radford et al. 2019)."""
    tokenizers = _package()
    numbers = {token: number for number, token in enumerate(tokens)}
    pairs = [(first, second) for first, _, second in (merge.partition(" ") for merge in merges)]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(numbers, pairs))
    if not cased:
        tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer  # type: ignore[no-any-return]


def _package() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise GlassworkError(
            "Byte pairs need tokenizers, which is not installed: pip install 'glasswork[text]', or use --pieces word"
        ) from None
    return tokenizers
