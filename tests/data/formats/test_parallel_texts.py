"""Pairs of texts come out the same from every format, and what cannot be paired is said."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from glasswork.data import ragged
from glasswork.data.dataset import SPLIT_NAMES, Dataset, ReadingOptions
from glasswork.data.formats import parallel_texts
from glasswork.data.formats.labelled_texts import text_of
from glasswork.data.kinds.text import Texts
from glasswork.data.kinds.token_sequence import TokenSequence, sequences_of
from glasswork.data.reading import read
from glasswork.data.tokenize import join
from glasswork.errors import GlassworkError
from glasswork.systems.sequences import references_of

PAIRS = [("the red dog", "el perro rojo"), ('a "big" cat', "un gato «grande»"), ("no, 3 boats", "no, 3 barcos")]
OPTIONS = ReadingOptions(pieces="word")


def tsv(folder: Path) -> Path:
    lines = ["en\tes", *("\t".join(pair) for pair in PAIRS)]
    return written(folder / "pairs.tsv", "\n".join(lines) + "\n")


def bare_tsv(folder: Path) -> Path:
    return written(folder / "bare.tsv", "\r\n".join(f"{one}\t{other}\tCC-BY" for one, other in PAIRS))


def csv(folder: Path) -> Path:
    cells = [[cell.replace('"', '""') for cell in pair] for pair in PAIRS]
    return written(folder / "pairs.csv", "source,target\n" + "".join(f'"{a}","{b}"\n' for a, b in cells))


def aligned(folder: Path) -> Path:
    for place, language in enumerate(("en", "es")):
        written(folder / f"corpus.{language}", "".join(f"{pair[place]}\n" for pair in PAIRS))
    return folder / "corpus.es"


def tmx(folder: Path) -> Path:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{a}</seg></tuv><tuv xml:lang="es"><seg><bpt i="1">x</bpt>{b}</seg></tuv></tu>'
        for a, b in PAIRS
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
    return written(folder / "memory.tmx", f"{head}<tmx><body>{units}</body></tmx>")


def lines_of_dictionaries(folder: Path) -> Path:
    objects = [{"id": "7", "translation": {"en": a, "es": b}} for a, b in PAIRS]
    return written(folder / "pairs.jsonl", "".join(f"{json.dumps(one)}\n" for one in objects))


def list_of_fields(folder: Path) -> Path:
    return written(folder / "pairs.json", json.dumps([{"source": a, "target": b, "n": 1} for a, b in PAIRS]))


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def found(dataset: Dataset) -> list[tuple[str, Sequence[str]]]:
    rows = ragged.lengths(dataset.offsets["inputs"]).new_tensor(range(len(dataset)))
    return [
        (text_of(dataset, row), known)
        for row, known in zip(range(len(dataset)), references_of(dataset, rows), strict=True)
    ]


@pytest.mark.parametrize("write", [tsv, bare_tsv, csv, aligned, tmx, lines_of_dictionaries, list_of_fields])
def test_every_format_holds_the_same_pairs(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    assert parallel_texts.claims(path)
    dataset = read(path, OPTIONS, parallel_texts)
    assert found(dataset) == [(a, [b]) for a, b in PAIRS]
    target, (begins, first) = TokenSequence.of(dataset.task), sequences_of(dataset)
    assert first.tolist() == [0, 1, 2, 3] and target.longest == 5
    tokens = dataset.columns["targets"][begins[0] : begins[1]].tolist()
    assert tokens[-1] == target.end and join(tokens[:-1], target.vocabulary) == "el perro rojo"
    assert Texts.of(dataset.task).vocabulary.pieces == "word"


def test_either_side_may_be_the_source(tmp_path: Path) -> None:
    back = ReadingOptions(pieces="word", text="es")
    for write in (tsv, aligned, tmx, lines_of_dictionaries):
        assert found(read(write(tmp_path), back, parallel_texts)) == [(b, [a]) for a, b in PAIRS]
    with pytest.raises(GlassworkError, match=r"no column 'fr': its columns are en, es"):
        read(tsv(tmp_path), ReadingOptions(text="fr"), parallel_texts)


def test_files_named_after_splits_are_the_splits(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for language in ("en", "es"):
            written(tmp_path / f"{split}.{language}", f"{split} {language}\n")
    written(tmp_path / "README.txt", "nothing to read\n")
    dataset = read(tmp_path, OPTIONS, parallel_texts)
    assert [SPLIT_NAMES[part] for part in dataset.columns["split"].tolist()] == ["train", "validation", "test"]
    assert found(dataset)[2] == ("test en", ["test es"])
    assert any("test.en is the test data" in said for said in dataset.skipped)


def test_several_answers_to_one_text_are_one_example(tmp_path: Path) -> None:
    path = written(tmp_path / "phones.tsv", "word\tphones\nread\tR EH D\nab\tAE B\nread\tR IY D\nread\tR EH D\n")
    dataset = read(path, OPTIONS, parallel_texts)
    assert found(dataset) == [("read", ["R EH D", "R IY D"]), ("ab", ["AE B"])]
    assert sequences_of(dataset)[1].tolist() == [0, 2, 3]
    assert dataset.skipped[0].startswith("2 of the 4 pairs repeat a text")


def test_what_has_one_side_is_named_and_left_out(tmp_path: Path) -> None:
    written(tmp_path / "a.en", "one\n\n \nfour\n")
    written(tmp_path / "a.es", "uno\ndos\n\ncuatro\n")
    dataset = read(tmp_path / "a.en", OPTIONS, parallel_texts)
    assert found(dataset) == [("one", ["uno"]), ("four", ["cuatro"])]
    assert "2 pairs have an empty side and were left out: a.en line 2, a.en line 3." in dataset.skipped


def test_a_pair_of_5000_words_is_named_and_left_out_of_the_training(tmp_path: Path) -> None:
    path = written(tmp_path / "long.tsv", f"en\tes\none\tuno\n{'very ' * 5000}\tmuy\ntwo\tdos\n")
    dataset = read(path, ReadingOptions(pieces="word", longest=20), parallel_texts)
    assert len(dataset) == 2
    assert (
        "1 pair is longer than 20 pieces and left out: long.tsv line 3. To keep them: --max-length." in dataset.skipped
    )
    assert len(read(path, ReadingOptions(longest=20, like=dataset.task), parallel_texts)) == 3  # to be measured on


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.en": "one\ntwo\n", "a.es": "uno\n"}, r"a\.en has 2 lines and a\.es has 1: each line"),
        ({"a.tsv": "one\ntwo\n"}, "one column"),
        ({"a.csv": 'a,b\n"open,c\n'}, "damaged as CSV"),
        ({"a.jsonl": '{"en": "a", "es": "b"}\n{"en": \n'}, r"a\.jsonl line 2 is damaged as JSON"),
        ({"a.jsonl": "[1]\n"}, r"a\.jsonl line 1 is no JSON object"),
        ({"a.tmx": "<tmx><body><tu>"}, "damaged as TMX"),
        ({"a.tmx": '<!DOCTYPE t [<!ENTITY a "b">]><tmx>&a;</tmx>'}, r"declares an entity \('a'\)"),
        ({"a.tsv": "en\tes\n\tuno\n"}, "holds no pairs of texts"),
    ],
)
def test_what_cannot_be_paired_is_said(files: dict[str, str], sentence: str, tmp_path: Path) -> None:
    for name, text in files.items():
        written(tmp_path / name, text)
    with pytest.raises(GlassworkError, match=sentence):
        read(tmp_path / next(iter(files)), OPTIONS, parallel_texts)


def test_lines_of_a_file_stay_beside_their_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(tmp_path / "new.txt", "one\n\nthree\n")
    texts, names = parallel_texts.questions(lines, ReadingOptions())
    assert texts == ["one", "", "three"] and names[1] == "new.txt line 2"
    assert parallel_texts.questions(tsv(tmp_path), ReadingOptions())[0] == [a for a, _ in PAIRS]
    assert parallel_texts.questions(written(tmp_path / "one.tsv", "en\nred dog\n"), ReadingOptions(text="en"))[0] == [
        "red dog"
    ]
    with lines.open(encoding="utf-8") as opened:
        monkeypatch.setattr("sys.stdin", opened)
        assert parallel_texts.questions(Path("-"), ReadingOptions()) == (texts, ["line 1", "line 2", "line 3"])
