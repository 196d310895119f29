"""Text: a file of any size, or a folder of files such as a tree of sources; read as a stream of characters."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import SPLIT_NAMES, TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import Encoding, decode, find_encodings, looks_like_text, say_encodings
from glasswork.data.formats.signatures import signature
from glasswork.data.formats.splits import say_parts, split_parts
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.listing import files_below, is_named_as_picture, natural, visible
from glasswork.data.scratch import scratch
from glasswork.data.vocabulary import CharacterCounts, Vocabulary
from glasswork.errors import GlassworkError
from glasswork.files import open_regular

FORMAT = "text (a file, or a folder of files)"

_SNIFFED = 1 << 13
_ROWS = 1000
_NAMED = 5
_TABLES = (".csv", ".tsv", ".parquet")
_PROSE = (".txt", ".text", ".md", ".rst", ".tex", ".org", ".html", ".xml")
_SOURCES = (".c", ".h", ".cc", ".cpp", ".hpp", ".py", ".js", ".ts", ".java", ".go", ".rs", ".rb", ".pl", ".sh", ".lua")
_SPLIT_SUFFIXES = {"", ".txt"}  # of what may be a part of the data: train.py is a program


@dataclass
class _Corpus:
    """The files of a source, in the order in which they are read, and what is known about them.

    Attributes:
        files: the files.
        splits: of each.
        found: whether they were found in a folder, so that one that is no text is left out rather than refused.
        skipped: sentences for the user.
        others: files that are no text.
        encodings: of each file.
        lengths: of each file, in characters.
    """

    files: list[Path]
    splits: list[int]
    found: bool = False
    skipped: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    encodings: list[Encoding] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether `path` is a file named as texts and programs are, or a folder with some and without images or tables."""
    if path.is_file():
        return _is_named_as_text(path.name)
    files = list(files_below(path))
    return not any(map(_is_other, files)) and any(map(_is_named_as_text, files))


def sources(path: Path) -> list[Path]:
    """The file or the folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads the text of a file, or of all files in a folder one after the other, as one stream of characters.

    Files or folders named train, val and test are parts of the data, if there is one to train on and another.

    Raises:
        GlassworkError: for an empty text, or a file that is not UTF-8.
    """
    return read_files(path, _corpus(path, options.splits == "ignore"), options)


def read_files(path: Path, corpus: _Corpus | Sequence[Path], options: ReadingOptions) -> Dataset:
    """Reads some files as one stream of characters, in two passes over them that hold a piece at a time.

    Rows are about a thousand stretches of the text, one after the other, so that a part of it can be held out.

    Args:
        path: what they were found by, for messages.
        corpus: the files, in order.
        options: `vocabulary`, the most different characters, and `like`, whose characters are taken instead.

    Raises:
        GlassworkError: for an empty text, or a file that is not UTF-8.
    """
    if not isinstance(corpus, _Corpus):
        corpus = _Corpus(list(corpus), [TRAINING] * len(corpus))
    counts = _counted(path, corpus)
    vocabulary, lost = counts.vocabulary(options.vocabulary)
    if options.like is not None:
        vocabulary, lost = Text.of(options.like).vocabulary, 0
    tokens = _encoded(corpus, vocabulary)
    total = len(tokens)
    unknown = total - int(torch.count_nonzero(tokens))
    if unknown:
        why = "too rare" if lost else "not in the training vocabulary"
        corpus.skipped.append(
            f"{unknown:,} of the {total:,} characters are {why} and are treated as one unknown character"
            f"{': raise --vocabulary to keep them' if lost else ''}."
        )
    offsets, splits = _stretches(corpus)
    columns = {"inputs": tokens, "fingerprints": _fingerprints(tokens, offsets)}
    if len(set(corpus.splits)) > 1:
        columns["split"] = splits
    task = Task(Text(vocabulary), NextToken(vocabulary.tokens))
    names = _names(path, corpus, offsets)
    return Dataset(columns, task, str(path), names, 0, tuple(corpus.skipped), offsets={"inputs": offsets}, ordered=True)


def _corpus(path: Path, ignore: bool) -> _Corpus:
    if path.is_file():
        return _Corpus([path], [TRAINING])
    parts = split_parts(entry for entry in visible(path) if entry.is_dir() or entry.suffix in _SPLIT_SUFFIXES)
    if ignore or TRAINING not in parts or len(parts) == 1:
        return _listed([(TRAINING, path)])
    corpus = _listed(parts.items())
    corpus.skipped.append(say_parts(parts))
    others = [entry.name for entry in visible(path) if entry not in parts.values()]
    if others:
        beside = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else "")
        corpus.skipped.append(f"Besides {' and '.join(part.name for part in parts.values())}, {beside} were not read.")
    return corpus


def _listed(parts: Iterable[tuple[int, Path]]) -> _Corpus:
    corpus = _Corpus([], [], found=True)
    for split, part in parts:
        corpus.found = corpus.found and part.is_dir()
        for name in [str(part)] if part.is_file() else sorted(files_below(part), key=natural):
            if part.is_dir() and not _looks_like_text(Path(name)):
                corpus.others.append(Path(name))
                continue
            corpus.files.append(Path(name))
            corpus.splits.append(split)
    return corpus


def _is_named_as_text(name: str) -> bool:
    return name.lower().endswith(_PROSE + _SOURCES)


def _is_other(name: str) -> bool:
    """Whether a file's name is that of an image or a table."""
    return is_named_as_picture(os.path.basename(name)) or name.lower().endswith(_TABLES)  # noqa: PTH119


def _looks_like_text(file: Path) -> bool:
    """Whether a file begins as text does, in UTF-8 or in another encoding that can be found out."""
    try:
        with open_regular(file) as opened:
            head = opened.read(_SNIFFED)
        return signature(head) is None and looks_like_text(head)
    except OSError:
        return False


def _counted(path: Path, corpus: _Corpus) -> CharacterCounts:
    """The characters of the training files, and of each file how many it has; files that are no text are left out."""
    counts = CharacterCounts()
    kept: list[tuple[Path, int]] = []
    known, said = find_encodings(corpus.files)
    for file, split in zip(corpus.files, corpus.splits, strict=True):
        own, encoding = CharacterCounts(), known[file]
        try:
            if isinstance(encoding, GlassworkError):
                raise encoding
            for text in decode(file, encoding):
                own.add(text)
        except GlassworkError:
            if not corpus.found:
                raise
            corpus.others.append(file)
            continue
        if split == TRAINING:
            counts.merge(own)
        kept.append((file, split))
        corpus.encodings.append(encoding)
        corpus.lengths.append(own.total)
    corpus.files, corpus.splits = [file for file, _ in kept], [split for _, split in kept]
    if others := corpus.others:
        named = ", ".join(str(file.relative_to(path)) for file in others[:_NAMED])
        more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
        count = f"{len(others):,} files are" if len(others) > 1 else "1 file is"
        corpus.skipped.append(f"{count} not text that can be read and left out: {named}{more}.")
    relative = [file.relative_to(path) if file.is_relative_to(path) and file != path else file for file in corpus.files]
    corpus.skipped += say_encodings(zip(relative, corpus.encodings, strict=True)) + said
    for split in dict.fromkeys(corpus.splits):
        if not any(n for n, other in zip(corpus.lengths, corpus.splits, strict=True) if other == split):
            part = f" for the {SPLIT_NAMES[split]} split" if split != TRAINING else ""
            raise GlassworkError(f"{path} holds no text{part}: the files are empty.")
    if not corpus.files:
        raise GlassworkError(f"{path} holds no text: no file in it is text.")
    return counts


def _encoded(corpus: _Corpus, vocabulary: Vocabulary) -> Tensor:
    """The numbers of all characters, file after file, outside of anonymous memory."""
    kind = torch.from_numpy(vocabulary.encode("")).dtype
    total = sum(corpus.lengths)
    tokens = scratch((total * kind.itemsize,)).view(kind)
    written: npt.NDArray[np.generic] = tokens.numpy()
    done = 0
    for file, encoding in zip(corpus.files, corpus.encodings, strict=True):
        for text in decode(file, encoding):
            count = min(len(text), total - done)
            written[done : done + count] = vocabulary.encode(text)[:count]
            done += len(text)
    if done != total:
        raise GlassworkError(f"{corpus.files[0]} or another file changed while it was read: try again.")
    return tokens


def _stretches(corpus: _Corpus) -> tuple[Tensor, Tensor]:
    """Where the rows begin, and the split of each."""
    longest = -(-sum(corpus.lengths) // _ROWS)
    begins, splits, done = [torch.zeros(1, dtype=torch.int64)], [], 0
    for split in dict.fromkeys(corpus.splits):
        length = sum(n for n, other in zip(corpus.lengths, corpus.splits, strict=True) if other == split)
        ends = done + torch.arange(longest, length + longest, longest).clamp(max=length)
        begins.append(ends)
        splits.append(torch.full((len(ends),), split, dtype=torch.uint8))
        done += length
    return torch.cat(begins), torch.cat(splits)


def _fingerprints(tokens: Tensor, offsets: Tensor) -> Tensor:
    """64 bits per row, equal for equal rows."""
    spans = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    digests = (hashlib.blake2b(tokens[begin:end].numpy().data, digest_size=8).digest() for begin, end in spans)
    return torch.tensor([int.from_bytes(digest, "little", signed=True) for digest in digests], dtype=torch.int64)


def _names(path: Path, corpus: _Corpus, offsets: Tensor) -> list[str]:
    """The file and the character of it that each row begins with."""
    starts = ragged.offsets_of(torch.tensor(corpus.lengths))
    rows = torch.searchsorted(starts, offsets[:-1], right=True) - 1
    names = []
    for file, place in zip(rows.tolist(), (offsets[:-1] - starts[rows]).tolist(), strict=True):
        name = corpus.files[file]
        with suppress(ValueError):
            name = name.relative_to(path) if path.is_dir() else Path(name.name)
        names.append(f"{name} from character {place + 1:,}")
    return names
