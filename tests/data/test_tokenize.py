"""Texts cut into pieces: every piece lies where it says, and the vocabulary holds what comes often enough."""

import itertools
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.data.tokenize import cutter, encode, find_vocabulary, join, known_letters, spell
from glasswork.data.vocabulary import UNKNOWN, Pieces, Vocabulary
from glasswork.errors import GlassworkError

TEXTS = ["The tea isn't bad, the Tea is GOOD!", "good tea; bad rice", "rice \u00e9t\u00e9 tea"]


def test_words_are_cut_as_people_see_them() -> None:
    text = "Don't stop\N{EM DASH}it's 5,50 \u20ac (GREAT)!"
    pieces = cutter(Vocabulary((UNKNOWN,), "word"))(text)
    assert [piece.token for piece in pieces] == [
        *("don't", "stop", "\N{EM DASH}", "it's", "5", ",", "50", "\u20ac", "(", "great", ")", "!"),
    ]
    assert [text[piece.start : piece.end].lower() for piece in pieces] == [piece.token for piece in pieces]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("iPhone手机很好", "iphone 手 机 很 好"),
        ("今日はｶﾞｽを5,500円で", "今 日 は ｶﾞ ｽ を 5 , 500 円 で"),
        ("รักน้ำ ๑๒", "รั ก น้ำ ๑๒"),
        ("ຮັກນ້ຳ", "ຮັ ກ ນ້ຳ"),
        ("ខ្ញុំស្រឡាញ់", "ខ្ញុំ ស្រ ឡា ញ់"),
        ("မြန်မာစာ၊", "မြ န် မာ စာ ၊"),
        ("នេះ\u200bជា", "នេះ ជា"),
        ("한국어는 좋다", "한국어는 좋다"),
        ("हिन्दी 《很》", "हिन्दी 《 很 》"),
        ("Don't手机's", "don't 手 机 ' s"),
    ],
)
def test_scripts_without_spaces_are_cut_into_characters_with_their_marks(text: str, words: str) -> None:
    pieces = cutter(Vocabulary((UNKNOWN,), "word"))(text)
    assert [piece.token for piece in pieces] == words.split(" ")
    assert [text[piece.start : piece.end].lower() for piece in pieces] == words.split(" ")


def test_the_vocabulary_has_what_is_frequent_first_and_rare_words_are_unknown() -> None:
    vocabulary = find_vocabulary(TEXTS, "word", 100, 2)
    assert vocabulary.tokens == (UNKNOWN, "tea", "bad", "good", "rice", "the")
    assert find_vocabulary(TEXTS, "word", 3, 1).tokens == (UNKNOWN, "tea", "bad")
    tokens, offsets = encode(["Tea, the best tea", "", "bad"], vocabulary)
    assert tokens.tolist() == [1, 0, 5, 0, 1, 2]
    assert offsets.tolist() == [0, 5, 5, 6]
    assert encode(["Tea, the best tea", "bad"], vocabulary, 2)[1].tolist() == [0, 2, 3]


def test_tokens_are_written_as_people_read_them() -> None:
    text = "a middle-sized, black-and-white cat - (one)"
    vocabulary = find_vocabulary([text], "word", 100, 1)
    assert join(encode([text], vocabulary)[0].tolist(), vocabulary) == "a middle-sized, black-and-white cat - ( one)"
    pytest.importorskip("tokenizers")
    pairs = find_vocabulary(["\u00e9t\u00e9 \u00e0 la mer"] * 5, "bpe", 300, 2)
    tokens = encode(["la mer \u00e0 \u00e9t\u00e9"], pairs)[0].tolist()
    assert "".join(spell(token, pairs) for token in tokens) == "la mer \u00e0 \u00e9t\u00e9"


def test_byte_pairs_leave_no_text_unknown_and_lie_where_they_say() -> None:
    pytest.importorskip("tokenizers")
    vocabulary = find_vocabulary(TEXTS * 5, "bpe", 300, 2)
    assert len(vocabulary) <= 300 and vocabulary.tokens[0] == UNKNOWN
    assert vocabulary == find_vocabulary(TEXTS * 5, "bpe", 300, 2)
    assert Vocabulary.from_json(
        {"tokens": list(vocabulary.tokens), "pieces": "bpe", "merges": vocabulary.merges, "cased": False}
    )
    text = "The TEA was \u00fcber good \N{SNOWMAN}"
    tokens, _ = encode([text], vocabulary)
    assert (tokens > 0).all()
    pieces = cutter(vocabulary)(text)
    assert len(pieces) == len(tokens) < len(text.encode())
    assert "tea" in {text[piece.start : piece.end].strip().lower() for piece in pieces}
    with pytest.raises(GlassworkError, match="at least 257"):
        find_vocabulary(TEXTS, "bpe", 200, 1)


@given(text=some.text(max_size=60), pieces=some.sampled_from(["word", "character", "bpe"]))
def test_pieces_follow_one_another_and_leave_out_only_space(text: str, pieces: Pieces) -> None:
    pytest.importorskip("tokenizers")
    vocabulary = BYTE_PAIRS if pieces == "bpe" else Vocabulary((UNKNOWN,), pieces)
    text = text.replace("\u200b", " ")  # stands for a space in scripts without them
    end = 0
    for piece in cutter(vocabulary)(text):
        assert 0 <= piece.start <= piece.end <= len(text)
        if pieces != "bpe":
            assert piece.start >= end and not text[end : piece.start].strip()
        end = piece.end
    assert not text[end:].strip()


BYTE_PAIRS = find_vocabulary(TEXTS, "bpe", 300, 2)


def test_letters_that_came_in_training_are_known() -> None:
    texts = 20 * ["a dog, a cät", "ein Hund"]
    kinds: tuple[Pieces, ...] = ("word", "character", "bpe")
    for pieces in kinds:
        known = known_letters(find_vocabulary(texts, pieces, 400, 1, cased=True))
        assert set("dogätHund") <= known and not known & set("жя☃")


def test_byte_pairs_are_numbered_as_they_are_cut() -> None:
    vocabulary = find_vocabulary(20 * TEXTS, "bpe", 300, 2, cased=True)
    values, offsets = encode([*TEXTS, "", "жя ☃"], vocabulary, longest=7)
    for place, text in enumerate([*TEXTS, "", "жя ☃"]):
        numbers = [vocabulary.numbers[piece.token] for piece in cutter(vocabulary)(text)][:7]
        assert values[offsets[place] : offsets[place + 1]].tolist() == numbers


def test_one_long_word_takes_no_square_of_its_length() -> None:
    draws = random.Random(0)
    word = "".join(draws.choices("abcdefgh", k=100_000))
    began = time.process_time()
    vocabulary = find_vocabulary([word, "a dog"], "bpe", 400, 2)
    assert [piece.end - piece.start for piece in cutter(vocabulary)(word)][:1] != [1]
    assert time.process_time() - began < 8
    pieces = cutter(vocabulary)(word)
    assert pieces[0].start == 0 and pieces[-1].end == len(word)
    assert all(before.end == after.start for before, after in itertools.pairwise(pieces))
