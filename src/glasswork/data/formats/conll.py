"""Sentences with a label for each word: CoNLL columns, or lines of word/LABEL."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import SPLIT_NAMES, TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import find_encoding, find_encodings, lines_of, normalise, read_text, say_encodings
from glasswork.data.formats.labelled_texts import joined_bytes, text_of
from glasswork.data.formats.splits import say_aside, say_splits, split_folders, split_parts
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts
from glasswork.data.listing import natural, visible
from glasswork.data.scripts import example_of_unspaced, letters, marks, signs, unspaced
from glasswork.data.vocabulary import UNKNOWN, Vocabulary
from glasswork.errors import GlassworkError, printable

FORMAT = "sentences with a label for each word (a word and its label a line, a blank line between; or word/LABEL)"

FEATURES = 5
"""Numbers that stand for a word: itself, its last three and last two letters, its first two, and its shape."""

_SUFFIXES = (".conll", ".conllu", ".iob", ".pos", ".tsv", ".txt")
_OWN_SUFFIXES = {".conll", ".conllu", ".iob", ".pos"}
_SNIFFED, _LOOKED_AT = 20, 200  # lines
_SHAPE = 8
_MOST_CHARACTERS = 12  # of a word in a script without spaces
_BETWEEN = "\n"


@dataclass
class _Sentences:
    """Words and labels, sentence by sentence, with the place of each."""

    words: list[list[str]] = field(default_factory=list)
    labels: list[list[str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether `path` is a file of such sentences, or a folder with one for each part of the data."""
    if path.is_file():
        return path.name.lower().endswith(_SUFFIXES)
    return path.is_dir() and bool(_parts(path))


def recognizes(path: Path) -> bool:
    """Whether the files at `path` can only be such sentences, by their endings or first lines."""
    if not claims(path):
        return False
    return all(map(_is_labelled, [path] if path.is_file() else files_of(path)))


def sources(path: Path) -> list[Path]:
    """The file or the folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads sentences and their labels.

    In columns the word is the first and the label the last one; in `.conllu` they are FORM and UPOS. Features of words
    that come fewer than `options.least` times in training become unknown; see `features`.

    Raises:
        GlassworkError: for no sentences, a word without a label, or a single label.
    """
    parts = _parts(path) if path.is_dir() else {None: path}
    if not parts:
        raise GlassworkError(f"{path} holds no train, val and test file of sentences: expected {FORMAT}")
    found = _Sentences()
    said = list(say_splits(list(parts.items()), options))
    said += find_encodings(list(parts.values()))[1]
    said += say_encodings((file.name, find_encoding(file)) for file in parts.values())
    for split, file in parts.items():
        if split not in (None, TRAINING) and _is_bare(file):
            said.append(say_aside(file, "sentences", "no labels"))
        else:
            _read_file(file, split, found)
    if not found.words:
        raise GlassworkError(f"{path} holds no sentence: expected {FORMAT}")
    like = options.like
    classes = (
        like.target.names if like else tuple(sorted({label for row in found.labels for label in row}, key=natural))
    )
    if len(classes) < options.least_classes:
        raise GlassworkError(f"Every word of {path} has the label '{classes[0]}': there is nothing to learn.")
    numbers = {label: number for number, label in enumerate(classes)}
    strange = next((label for row in found.labels for label in row if label not in numbers), None)
    if strange is not None:
        raise GlassworkError(f"{path} has a label '{strange}' that this model does not know: {', '.join(classes)}")
    if like is not None:
        vocabulary = Texts.of(like).vocabulary
    else:
        training = [row for row, s in zip(found.words, found.splits, strict=True) if s == TRAINING]
        vocabulary = _vocabulary(training or found.words, options)
    dataset = sentences(found.words, found.names, Task(Texts(vocabulary, FEATURES), PerStep(classes)))
    targets = torch.tensor([numbers[label] for row in found.labels for label in row])
    columns = {**dataset.columns, "targets": targets}
    columns["fingerprints"] = ragged.fingerprints(columns["texts"], dataset.offsets["texts"])
    if None not in parts:
        columns["split"] = torch.tensor(found.splits, dtype=torch.uint8)
    offsets = {**dataset.offsets, "targets": dataset.offsets["inputs"]}
    return Dataset(columns, dataset.task, str(path), dataset.names, skipped=tuple(said), offsets=offsets)


def files_of(folder: Path) -> list[Path]:
    """The files of sentences in a folder that is a data set; empty if it is none."""
    return list(_parts(folder).values())


def read_questions(path: Path, known: Collection[str] = ()) -> tuple[list[list[str]], list[str]]:
    """The words of the sentences in a file without regard to labels, and where each is from.

    Lines of plain text are a sentence each and are cut by `words_of`, as in training; columns give their first one.
    """
    file_words, names = [], []
    lines = _lines(path)
    if path.suffix.lower() in {".conll", ".conllu", ".iob", ".tsv"}:
        column = 1 if path.suffix.lower() == ".conllu" else 0
        for line, rows in _blocks(path, lines):
            file_words.append([_columns(row)[column] for _, row in rows])
            names.append(f"{path.name} line {line}")
    else:
        for number, line_ in enumerate(lines, 1):
            if line_.strip():
                file_words.append(words_of(line_, known))
                names.append(f"{path.name} line {number}")
    return file_words, names


def sentences(words: Sequence[Sequence[str]], names: Sequence[str], task: Task) -> Dataset:
    """Sentences without labels, as columns."""
    numbers = Texts.of(task).vocabulary.numbers
    known: dict[str, list[int]] = {}
    rows: list[list[int]] = []
    for sentence in words:
        for word in sentence:
            if word not in known:
                known[word] = [numbers.get(feature, 0) for feature in features(word)]
            rows.append(known[word])
    offsets = ragged.offsets_of(torch.tensor([len(sentence) for sentence in words], dtype=torch.int64))
    written, ends = joined_bytes([_BETWEEN.join(sentence) for sentence in words])
    inputs: Tensor = torch.tensor(rows, dtype=torch.int32).reshape(-1, FEATURES)
    return Dataset(
        {"inputs": inputs, "texts": written}, task, "predict", tuple(names), offsets={"inputs": offsets, "texts": ends}
    )


def words_in(dataset: Dataset, row: int) -> list[str]:
    """The words of a sentence as they were written."""
    return text_of(dataset, row).split(_BETWEEN)


def words_of(text: str, known: Collection[str] = ()) -> list[str]:
    """A text cut about as the Penn Treebank cuts it: signs alone, `do n't`, `Ann 's`.

    Scripts without spaces are cut into the longest words that training had, else into characters (Chen and Liu 1992).

    Args:
        text: a sentence.
        known: the features of training's vocabulary.
    """
    text = normalise(text)
    pieces = [place.span() for place in _word().finditer(text)]
    if not known or not example_of_unspaced([text]):
        return [text[start:end] for start, end in pieces]
    words, place = list[str](), 0
    while place < len(pieces):
        count = _longest_known(text, pieces[place : place + _MOST_CHARACTERS], known)
        words.append(text[pieces[place][0] : pieces[place + count - 1][1]])
        place += count
    return words


def _longest_known(text: str, pieces: Sequence[tuple[int, int]], known: Collection[str]) -> int:
    """How many of the pieces, from the first on, are a known word in a script without spaces; 1 if none are."""
    for count in range(len(pieces), 1, -1):
        word = text[pieces[0][0] : pieces[count - 1][1]]
        if features(word)[0] in known and example_of_unspaced([word]):
            return count
    return 1


@cache
def _word() -> re.Pattern[str]:
    apostrophe = "['\N{RIGHT SINGLE QUOTATION MARK}]"
    word = f"(?:{letters()})+"
    return re.compile(
        rf"{word}(?=n't\b)|n't\b|{apostrophe}(?:s|re|ve|ll|d|m)\b|\d+(?:[.,:]\d+)*(?![{marks()}])"
        rf"|{word}(?:-{word})*|{unspaced()}|{signs()}",
        re.IGNORECASE,
    )


def features(word: str) -> tuple[str, ...]:
    """What stands for a word, known or not: itself, its ends and its shape (Ratnaparkhi 1996, table 1).

    The shape has X for capitals, x for other letters and d for digits, several of a kind written once.
    """
    low = word.lower()
    kinds = ("d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word)
    shape = re.sub(r"(.)\1+", r"\1", "".join(kinds))[:_SHAPE]
    return f"word {low}", f"end {low[-3:]}", f"end {low[-2:]}", f"begin {low[:2]}", f"shape {shape}"


def _vocabulary(words: Sequence[Sequence[str]], options: ReadingOptions) -> Vocabulary:
    counts = Counter(word for sentence in words for word in sentence)
    found: Counter[str] = Counter()
    for word, count in counts.items():
        for feature in set(features(word)):
            found[feature] += count
    ranked = sorted(found, key=lambda feature: (-found[feature], feature))
    kept = [feature for feature in ranked[: options.vocabulary - 1] if found[feature] >= options.least]
    return Vocabulary((UNKNOWN, *kept), "features")


def _parts(folder: Path) -> dict[int | None, Path]:
    """The files that are named after a split; the only file where none is."""
    files = [path for path in visible(folder) if path.is_file() and path.name.lower().endswith(_SUFFIXES)]
    own = [path for path in files if path.suffix.lower() != ".txt"]
    named = split_parts(own)
    if TRAINING not in named:  # beside en_x-ud-train.conllu lies en_x-ud-train.txt, the bare text
        named = split_parts(files)
    if not named:
        below = {s: _parts(part) for s, part in split_folders(folder).items()}
        named = {split: next(iter(found.values())) for split, found in below.items() if len(found) == 1}
    parts: dict[int | None, Path] = dict(named.items())
    return parts or ({None: own[0]} if len(own) == 1 else {})


def _read_file(file: Path, split: int | None, found: _Sentences) -> None:
    lines = _lines(file)
    part = "" if split is None else f"{SPLIT_NAMES[split]} "
    if _is_slashed(lines):
        read = _slashed(lines)
    else:
        read = _side_by_side(file, lines) if _is_side_by_side(lines) else _in_columns(file, lines)
    for line, words, labels in read:
        found.words.append(words)
        found.labels.append(list(map(printable, labels)))
        found.names.append(f"{part}line {line}: {' '.join(words)[:60]}")
        found.splits.append(TRAINING if split is None else split)


def _is_bare(file: Path) -> bool:
    """Whether the first lines of a file have a word and no label each."""
    some = [line for line in _lines(file) if line.strip() and not line.startswith(("#", "-DOCSTART-"))][:_SNIFFED]
    return bool(some) and not _is_slashed(some) and all(len(_columns(line)) == 1 for line in some)


def _is_labelled(file: Path) -> bool:
    """Whether a file ends as such files do, or begins with sentences of a word and its label a line."""
    if file.suffix.lower() in _OWN_SUFFIXES:
        return True
    lines = _lines(file)[:_LOOKED_AT]
    rows = [_columns(line) for line in lines if line.strip() and not line.startswith(("#", "-DOCSTART-"))]
    even = len({len(row) for row in rows}) == 1 and all(len(_items(cell)) == 1 for row in rows for cell in row)
    return len(rows) >= _SNIFFED and even and len(rows[0]) > 1 and any(not line.strip() for line in lines)


def _lines(file: Path) -> list[str]:
    return lines_of(read_text(file)[0])


def _is_slashed(lines: Sequence[str]) -> bool:
    """Whether the first lines are words with a label behind a slash each."""
    some = [_items(line) for line in lines if line.strip()][:_SNIFFED]
    return bool(some) and all(re.fullmatch(r".+/[^/\s]+", item) for items in some for item in items)


def _slashed(lines: Sequence[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    for number, line in enumerate(lines, 1):
        pairs = [item.rpartition("/") for item in _items(line)]
        for word, _, label in pairs:
            if not (word and label):
                raise GlassworkError(f"Line {number} has '{word or label}' without a label: expected word/LABEL")
        if pairs:
            yield number, [word for word, _, _ in pairs], [label for _, _, label in pairs]


def _is_side_by_side(lines: Sequence[str]) -> bool:
    """Whether the first lines are a whole sentence, a tab, and as many labels parted by spaces."""
    some = [[_items(cell) for cell in line.split("\t")] for line in lines if line.strip()][:_SNIFFED]
    several = [cells for cells in some if len(cells) == 2 and len(cells[0]) == len(cells[1])]
    return len(several) == len(some) and any(len(words) > 1 for words, _ in several)


def _side_by_side(file: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        cells = [_items(cell) for cell in line.split("\t")]
        if len(cells) != 2 or len(cells[0]) != len(cells[1]):
            raise GlassworkError(
                f"Line {number} of {file} has {len(cells[0])} words and {len(cells[-1])} labels: expected a sentence, "
                "a tab, and a label for each of its words, parted by spaces"
            )
        yield number, cells[0], cells[1]


def _in_columns(file: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[str], list[str]]]:
    word, label = (1, 3) if file.suffix.lower() == ".conllu" else (0, -1)
    for begin, rows in _blocks(file, lines):
        words, labels = [], []
        for number, row in rows:
            cells = _columns(row)
            if len(cells) < max(2, label + 1) or not cells[label].strip():
                raise GlassworkError(
                    f"Line {number} of {file} has no label: expected a word, a tab or space, and its label"
                )
            if len(_items(cells[label])) > 1:
                raise GlassworkError(
                    f"Line {number} of {file} has the label '{cells[label][:40]}', with spaces in it: a line is one "
                    "word, a tab or space, and its label; or, on all lines, a whole sentence, a tab, and as many labels"
                )
            words.append(cells[word])
            labels.append(cells[label])
        yield begin, words, labels


def _blocks(file: Path, lines: Sequence[str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """The lines of each sentence with their numbers, comments and marks of documents left out."""
    universal, block = file.suffix.lower() == ".conllu", list[tuple[int, str]]()
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            if block:
                yield block[0][0], block
            block = []
        elif universal and (line.startswith("#") or not line.split("\t")[0].isdecimal()):
            continue  # a comment, or a word that is counted in its parts
        elif not line.startswith("-DOCSTART-"):
            block.append((number, line))


def _columns(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else _items(line)


def _items(line: str) -> list[str]:
    """What stands between spaces and tabs; other white space may be within a word."""
    return [item for item in re.split(r"[ \t]+", line) if item]
