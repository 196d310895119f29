"""Texts in any encoding and any script: found out, named, said; training and questions alike."""

import json
import unicodedata
from pathlib import Path

import pytest

import glasswork as gw
from glasswork import cli
from glasswork.data import encodings
from glasswork.data.dataset import ReadingOptions
from glasswork.data.encodings import find_encoding, lines_of, normalise_pieces, read_text, reading_as
from glasswork.data.formats import conll, labelled_texts, text
from glasswork.data.formats.conll import words_of
from glasswork.data.kinds.text import Text, Texts
from glasswork.data.reading import read
from glasswork.data.tokenize import cutter
from glasswork.data.vocabulary import UNKNOWN, Vocabulary
from glasswork.errors import GlassworkError

GERMAN = "Das Café in der Straße öffnet um acht Uhr. "
SPANISH = "El niño comió en el jardín mañana. "
RUSSIAN = "Привет, как дела? Это проверка кодировки. "


@pytest.mark.parametrize(
    ("content", "codec", "name"),
    [
        (GERMAN, "utf-8", ""),
        (GERMAN, "utf-8-sig", ""),
        (GERMAN, "latin-1", "Latin-1"),
        (SPANISH, "latin-1", "Latin-1"),
        (SPANISH + "\u201cso\u201d, 5 \u20ac", "cp1252", "Windows-1252"),
        (GERMAN, "utf-16", "UTF-16"),
        (GERMAN, "utf-16-le", "UTF-16"),
        (GERMAN, "utf-16-be", "UTF-16"),
        (GERMAN, "utf-32", "UTF-32"),
        (RUSSIAN, "cp1251", "cp1251"),
        ("plain", "ascii", ""),
        ("", "ascii", ""),
    ],
)
def test_the_encoding_is_found_out(content: str, codec: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content.encode(codec))
    found, encoding = read_text(tmp_path / "a.txt")
    assert (found, encoding.name) == (content, name)


def test_an_encoding_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("łódź".encode("cp1250"))
    with reading_as("windows-1250"):
        assert read_text(tmp_path / "a.txt")[0] == "łódź"
    (tmp_path / "a.txt").write_bytes("ł".encode())
    with reading_as("windows-1250", fallback=True):
        assert read_text(tmp_path / "a.txt")[0] == "ł"
    with (
        pytest.raises(GlassworkError, match="There is no encoding 'utf-61': did you mean utf-16"),
        reading_as("utf-61"),
    ):
        pass
    (tmp_path / "a.txt").write_bytes(b"abc\xff")
    with reading_as("utf-8"), pytest.raises(GlassworkError, match="not text in UTF-8: byte 4 is invalid"):
        read_text(tmp_path / "a.txt")


def test_utf_8_with_one_mistake_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(GERMAN.encode() + b"\xe9 " + GERMAN.encode())
    with pytest.raises(GlassworkError, match=r"not text in UTF-8: byte .* --encoding"):
        find_encoding(tmp_path / "a.txt")


CLASSES = ("latin-1", "utf-8", "utf-16")


def write_reviews(folder: Path) -> Path:
    """Texts in three encodings, and one that is none."""
    for row in range(24):
        place = folder / ("gut", "schlecht")[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        words = f"{GERMAN} {'schön' if row % 2 else 'böse'} {row}"
        (place / f"{row}.txt").write_bytes(words.encode(CLASSES[row % 3]))
    (folder / "gut" / "broken.txt").write_bytes(b"\0\1\2\xff\xfe\xfd")
    return folder


def train(preset: str, data: Path, out: Path, *more: str) -> None:
    words = ["train", preset, "--data", str(data), "--out", str(out), "--epochs", "1", "--threads", "1", *more]
    assert cli.main([*words, "--min-count", "1"] if preset in ("sentiment", "tagger") else words) == 0


def test_texts_in_class_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_reviews(tmp_path / "data")
    train("sentiment", data, tmp_path / "run")
    said = " ".join(capsys.readouterr().err.split())
    assert "Read as Latin-1: " in said and "Read as UTF-16: " in said
    assert "Left out: " in said and "broken.txt is not text in UTF-8: byte 1 is invalid" in said
    assert "schön" in Texts.of(gw.load(tmp_path / "run").task).vocabulary.tokens
    asked = []
    for codec in CLASSES:
        (tmp_path / f"{codec}.txt").write_bytes(f"{GERMAN} schön".encode(codec))
        assert cli.main(["predict", str(tmp_path / "run"), str(tmp_path / f"{codec}.txt"), "--json"]) == 0
        (answer,) = json.loads(capsys.readouterr().out)["answers"]
        asked.append(answer["probabilities"])
    assert asked[0] == asked[1] == asked[2]


def test_tables_sentences_and_streams(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{GERMAN}{'schön' if row % 2 else 'böse'},{('gut', 'größer')[row % 2]}" for row in range(30)]
    for codec in ("latin-1", "utf-16"):
        (tmp_path / "a.csv").write_bytes("\n".join(["text,label", *rows, ""]).encode(codec))
        found = read(tmp_path / "a.csv", ReadingOptions(), labelled_texts)
        assert found.task.target.names == ("größer", "gut")
        assert any(sentence.startswith("Read as ") for sentence in found.skipped)
        lines = "".join(f"Straße\tNN\nschön {row}\tJJ\n\n" for row in range(20))
        (tmp_path / "a.conll").write_bytes(lines.encode(codec))
        options = ReadingOptions(vocabulary=100, pieces="features")
        assert "word straße" in Texts.of(read(tmp_path / "a.conll", options, conll).task).vocabulary.tokens
        (tmp_path / "b.txt").write_bytes((GERMAN * 30).encode(codec))
        assert "ß" in Text.of(read(tmp_path / "b.txt", ReadingOptions(), text).task).vocabulary.tokens
    (tmp_path / "t.csv").write_bytes("Größe,label\n1,a\n2,b\n3,a\n4,b\n".encode("latin-1"))
    assert "Read as Latin-1: t.csv" in read(tmp_path / "t.csv", ReadingOptions()).skipped[0]
    train("char-rnn", tmp_path / "b.txt", tmp_path / "run", "--hidden-size", "8")
    assert "Read as UTF-16: " in " ".join(capsys.readouterr().err.split())
    assert cli.main(["predict", str(tmp_path / "run"), str(tmp_path / "b.txt")]) == 0


def test_an_encoding_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "a.csv"
    rows = [f"{'dom ładny' if row % 2 else 'zły pies'},{row % 2}" for row in range(30)]
    data.write_bytes("\n".join(["text,label", *rows, ""]).encode("cp1250"))
    train("sentiment", data, tmp_path / "run", "--encoding", "windows-1250")
    assert "ładny" in Texts.of(gw.load(tmp_path / "run").task).vocabulary.tokens
    arguments = ["train", "sentiment", "--data", str(data), "--encoding", "utf-88", "--out", str(tmp_path / "x")]
    assert cli.main(arguments) == 2
    assert "There is no encoding 'utf-88'" in capsys.readouterr().err


def test_lines_end_at_their_three_ends_alone() -> None:
    within = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"
    assert lines_of(f"{within}\nx\r\ny\rz\n") == [within, "x", "y", "z"]
    assert lines_of("") == []
    assert lines_of("a\n\n") == ["a", ""]


def test_only_spaces_and_tabs_part_words_and_labels(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("10\u00a0000 CD\nNew\u2028York NNP\n\nx\x0cy\tNN\nz\tCD\n", encoding="utf-8")
    dataset = read(tmp_path / "a.conll", ReadingOptions(vocabulary=100, pieces="features"), conll)
    assert conll.words_in(dataset, 0) == ["10\u00a0000", "New\u2028York"]
    assert conll.words_in(dataset, 1) == ["x\x0cy", "z"]


WORDS = {
    "Hindi": ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e", 2),
    "Tamil": ("\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bae\u0bca\u0bb4\u0bbf", 2),
    "Thai": ("\u0e19\u0e49\u0e33 \u0e17\u0e35\u0e48", 2),
    "Arabic": ("\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f \u0643\u062a\u0627\u0628", 2),
    "Hebrew": ("\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \u05e8\u05b7\u05d1", 2),
    "Persian": ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u06a9\u0647", 2),
    "Vietnamese, decomposed": (unicodedata.normalize("NFD", "ti\u1ebfng Vi\u1ec7t"), 2),
    "an emoji of several": ("\U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f", 2),
    "English": ("don't we?", 3),
}


@pytest.mark.parametrize("language", WORDS)
def test_marks_belong_to_their_word(language: str) -> None:
    words, count = WORDS[language]
    pieces = cutter(Vocabulary((UNKNOWN,), "word"))(words)
    assert len(pieces) == count
    assert "".join(piece.token for piece in pieces) == words.replace(" ", "").lower()
    if language != "English":
        assert words_of(words) == unicodedata.normalize("NFC", words).split(" ")


def test_normal_form_c_in_training_and_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accented = "Zo\u00eb caf\u00e9 d\u00e9j\u00e0"
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, accented)
        rows = "".join(f"{written} {'so' if row % 2 else 'no'},{row % 2}\n" for row in range(30))
        (tmp_path / f"{form}.csv").write_text("text,label\n" + rows, encoding="utf-8")
        train("sentiment", tmp_path / f"{form}.csv", tmp_path / form)
        (tmp_path / f"{form}.txt").write_text(f"{written} " * 200, encoding="utf-8")
    tokens = [Texts.of(gw.load(tmp_path / form).task).vocabulary.tokens for form in ("NFC", "NFD")]
    assert tokens[0] == tokens[1]
    capsys.readouterr()
    answers = []
    for form in ("NFC", "NFD"):
        assert cli.main(["predict", str(tmp_path / "NFC"), unicodedata.normalize(form, accented), "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["answers"][0]["probabilities"])
    assert answers[0] == answers[1]
    streams = [read(tmp_path / f"{form}.txt", ReadingOptions(), text) for form in ("NFC", "NFD")]
    assert streams[0].task == streams[1].task
    assert streams[0].columns["inputs"].tolist() == streams[1].columns["inputs"].tolist()
    assert Text.of(streams[0].task).vocabulary.unknown(unicodedata.normalize("NFD", "\u00eb")) == ""


def test_no_letter_is_parted_from_its_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written = unicodedata.normalize("NFD", "\u1ebf\u1ec7\ud55c\uae00\u4e2d\u09cb") * 20
    for size in (1, 2, 3, 5):
        pieces = [written[start : start + size] for start in range(0, len(written), size)]
        assert "".join(normalise_pieces(pieces)) == unicodedata.normalize("NFC", written)
    (tmp_path / "a.txt").write_text(written, encoding="utf-8")
    monkeypatch.setattr(encodings, "PIECE", 5)
    assert read_text(tmp_path / "a.txt")[0] == unicodedata.normalize("NFC", written)


def test_tags_parted_by_spaces(tmp_path: Path) -> None:
    options = ReadingOptions(vocabulary=100, pieces="features")
    (tmp_path / "a.tsv").write_text("EU rejects call\tORG O O\nIt ran\tO O\n")
    dataset = read(tmp_path / "a.tsv", options, conll)
    assert [conll.words_in(dataset, row) for row in range(2)] == [["EU", "rejects", "call"], ["It", "ran"]]
    (tmp_path / "b.tsv").write_text("EU rejects\tORG O\nIt ran\tO\n")
    with pytest.raises(GlassworkError, match=r"Line 1 of .*b\.tsv has the label 'ORG O', with spaces in it"):
        read(tmp_path / "b.tsv", options, conll)


SHORT = {
    "cp1252": ("Der Käse war fürchterlich und schlecht", "naïve café", "¿Dónde está el niño? Mañana", "rødgrød på øen"),
    "cp1250": ("Żółć gęślą jaźń, proszę państwa", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    "cp1251": ("Привет, как дела сегодня",),
    "cp1253": ("Ελληνικά γράμματα",),
    "shift_jis": ("日本語のテキストです",),
}


@pytest.mark.parametrize(("codec", "text"), [(codec, text) for codec, texts in SHORT.items() for text in texts])
def test_the_encoding_of_a_single_sentence_is_found(codec: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_bytes(text.encode(codec))
    assert read_text(path)[0] == text


def test_short_texts_are_read_in_the_encoding_of_their_data_set(tmp_path: Path) -> None:
    long = "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. " * 6
    texts = {"good/1.txt": long, "good/2.txt": "Да, ёлка", "bad/1.txt": long[40:], "bad/2.txt": "Нет"}
    for name, words in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(words.encode("cp1251"))
    (tmp_path / "bad/3.txt").write_bytes("Ещё".encode())
    found = read(tmp_path, ReadingOptions(least=1), labelled_texts)
    assert [labelled_texts.text_of(found, row) for row in (1, 2, 3, 4)] == ["Нет", "Ещё", long.strip(), "Да, ёлка"]
    (sentence,) = [each for each in found.skipped if each.startswith("Read as")]
    assert "and 1 more" in sentence and not any("of their own" in each for each in found.skipped)
