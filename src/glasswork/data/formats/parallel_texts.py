"""Texts with their translations: tables, aligned files, TMX or JSON lines; read as tokens on both sides."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import lines_of, normalise, read_text, say_encodings
from glasswork.data.formats.labelled_texts import joined_bytes
from glasswork.data.formats.parallel_files import (
    Rows,
    aligned_pair,
    is_listed,
    order_languages,
    pairs_of_files,
    read_listed,
)
from glasswork.data.formats.splits import say_splits, split_folders, split_of, split_parts
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.listing import visible
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.errors import GlassworkError

FORMAT = (
    "texts with their translations (.tsv, .csv, .jsonl or .tmx; or aligned files such as train.en and train.es, with "
    "one text a line)"
)

_NAMED = 5
_EXCERPT = 60
_SHORT = 48
"""Characters of texts that are read letter by letter, unless the recipe says what their pieces are."""


@dataclass
class Pairs:
    """Texts and what each may be translated as.

    Attributes:
        sources: the texts.
        targets: one or more right answers to each.
        names: where each came from.
        splits: which part each belongs to; None: nothing says so.
        said: sentences about how they were read.
    """

    sources: list[str] = field(default_factory=list)
    targets: list[list[str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    splits: list[int | None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def claims(path: Path) -> bool:
    """Whether `path` is a file of pairs, one of two aligned files, or a folder of such."""
    if path.is_file():
        return is_listed(path) or aligned_pair(path) is not None
    return path.is_dir() and bool(_parts(path))


def recognizes(path: Path) -> bool:
    """Whether what lies at `path` can only be translations: aligned files, or a translation memory."""
    if not claims(path):
        return False
    parts = [path] if path.is_file() else [part for _, part in _parts(path)]
    return all(part.suffix.lower() == ".tmx" or not is_listed(part) for part in parts)


def sources(path: Path) -> list[Path]:
    """The file, the two files or the folder."""
    pair = aligned_pair(path) if path.is_file() and not is_listed(path) else None
    return [path] if pair is None else [file for _, file in pair]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads texts and their translations.

    Pieces are found on the rows that are given for training (on all rows, where the source does not divide them).
    Several translations of one text are all right.

    Raises:
        GlassworkError: for aligned files of different lengths, or if there is no pair.
    """
    found, encodings = Pairs(), []
    parts = _parts(path) if path.is_dir() else [(None, path)]
    if not parts:
        raise GlassworkError(f"{path} holds no pairs of texts: expected {FORMAT}")
    for split, part in parts:
        rows = _rows(part, options)
        encodings += rows.encodings
        _take(rows, split, found)
        found.said += [sentence for sentence in rows.said if sentence not in found.said]
    if path.is_dir():
        found.said += say_splits(parts, options)
    found.said += say_encodings(encodings)
    return dataset_of(found, options, path)


def dataset_of(found: Pairs, options: ReadingOptions, path: Path) -> Dataset:
    """Pairs as columns: tokens on both sides, and the texts as they were written.

    Raises:
        GlassworkError: if no pair is left.
    """
    found = _grouped(_without_empty(found, path))
    task = options.like or _task_of(found, options)
    target = TokenSequence.of(task)
    inputs, begins = encode(found.sources, Texts.of(task).vocabulary)
    flat = [text for texts in found.targets for text in texts]
    tokens, ends = encode(flat, target.vocabulary)
    counts = torch.tensor([len(texts) for texts in found.targets])
    targets, target_offsets = _with_ends(tokens, ends, counts, target.end)
    texts, text_offsets = joined_bytes(found.sources)
    references, reference_offsets = joined_bytes(["\n".join(texts) for texts in found.targets])
    columns = {"inputs": inputs, "targets": targets, "texts": texts, "references": references}
    columns["fingerprints"] = ragged.fingerprints(texts, text_offsets)
    if None not in found.splits:
        columns["split"] = torch.tensor(found.splits, dtype=torch.uint8)
    offsets = {"inputs": begins, "targets": target_offsets, "texts": text_offsets, "references": reference_offsets}
    names = [f"{name}: {_excerpt(text)}" for name, text in zip(found.names, found.sources, strict=True)]
    dataset = Dataset(columns, task, str(path), names, skipped=tuple(found.said), offsets=offsets)
    return _say_long(dataset, options) if options.like is not None else _without_long(dataset, options, path)


def questions(path: Path, options: ReadingOptions) -> tuple[list[str], list[str]]:
    """New texts and where each is from: the lines of a text file, or the first texts of the pairs in a table.

    An empty line is an empty text, so that answers stay beside the lines that they answer.

    Raises:
        GlassworkError: for what holds no text.
    """
    if str(path) == "-":
        texts, name = [line.rstrip("\r\n") for line in sys.stdin], "line"
    elif path.is_dir():
        raise GlassworkError(f"{path} is a folder: name a text file with one text a line, or a table")
    elif is_listed(path):
        rows = read_listed(path, options, alone=True)
        return [normalise(source.strip()) for source, _ in rows.pairs], rows.names
    else:
        texts, name = lines_of(read_text(path)[0]), f"{path.name} line"
    if not texts:
        raise GlassworkError(f"{'Standard input' if name == 'line' else path} holds no text")
    return [normalise(text.strip()) for text in texts], [f"{name} {number}" for number in range(1, len(texts) + 1)]


def _parts(folder: Path) -> list[tuple[int | None, Path]]:
    """What a folder holds: files of pairs or the first one of each two aligned files, with the split of each."""
    below = split_folders(folder)
    inner = [(split, part) for split, place in below.items() for _, part in _parts(place)]
    if inner:
        return [*inner]
    files = [path for path in visible(folder) if path.is_file()]
    listed = [path for path in files if is_listed(path) and (path.suffix.lower() != ".json" or split_of(path.name))]
    aligned = {stem: pair[0][1] for stem, pair in pairs_of_files(files).items()}
    if aligned and not listed:
        divided = split_parts(folder / stem for stem in aligned if stem)
        found = [(split, aligned[stem.name]) for split, stem in divided.items()]
        return [*found] or [(None, first) for first in aligned.values()]
    parts = split_parts(listed)
    return [*parts.items()] or [(None, path) for path in listed]


def _rows(path: Path, options: ReadingOptions) -> Rows:
    """The pairs of a file, or of it and the one that is aligned with it."""
    if is_listed(path):
        return read_listed(path, options)
    pair = aligned_pair(path)
    if pair is None:
        raise GlassworkError(f"{path} holds no pairs of texts: expected {FORMAT}")
    (first, second), said = order_languages(pair, options)
    texts = []
    encodings = []
    for _, file in (first, second):
        text, encoding = read_text(file)
        texts.append(lines_of(text))
        encodings.append((file.name, encoding))
    if len(texts[0]) != len(texts[1]):
        raise GlassworkError(
            f"{first[1]} has {len(texts[0]):,} lines and {second[1].name} has {len(texts[1]):,}: each line of one has "
            "to be the translation of the same line of the other"
        )
    names = [f"{first[1].name} line {number}" for number in range(1, len(texts[0]) + 1)]
    return Rows(list(zip(*texts, strict=True)), names, [None] * len(names), said, encodings)


def _take(rows: Rows, split: int | None, found: Pairs) -> None:
    for (source, target), name, own in zip(rows.pairs, rows.names, rows.splits, strict=True):
        found.sources.append(_one_line(source))
        found.targets.append([_one_line(target)])
        found.names.append(name)
        found.splits.append(own if split is None else split)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", normalise(text)).strip()


def _without_empty(found: Pairs, path: Path) -> Pairs:
    """The pairs that have two sides, with a sentence about the others."""
    whole = [bool(source and all(texts)) for source, texts in zip(found.sources, found.targets, strict=True)]
    if not any(whole):
        raise GlassworkError(f"{path} holds no pairs of texts: expected {FORMAT}")
    if all(whole):
        return found
    empty = [place for place, full in enumerate(whole) if not full]
    words = "pair has an empty side and was" if len(empty) == 1 else "pairs have an empty side and were"
    sentence = f"{len(empty):,} {words} left out: {_names(found.names, empty)}."
    kept = [place for place, full in enumerate(whole) if full]
    return _select(found, kept, [*found.said, sentence])


def _select(found: Pairs, places: Sequence[int], said: list[str]) -> Pairs:
    return Pairs(
        [found.sources[place] for place in places],
        [found.targets[place] for place in places],
        [found.names[place] for place in places],
        [found.splits[place] for place in places],
        said,
    )


def _names(names: Sequence[str], places: Sequence[int]) -> str:
    more = f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
    return ", ".join(names[place] for place in places[:_NAMED]) + more


def _grouped(found: Pairs) -> Pairs:
    """One example for each text of a split, with all that it is translated as."""
    first: dict[tuple[int | None, str], int] = {}
    for place, key in enumerate(zip(found.splits, found.sources, strict=True)):
        other = first.setdefault(key, place)
        if other != place:
            found.targets[other] += [text for text in found.targets[place] if text not in found.targets[other]]
    again = len(found.sources) - len(first)
    if not again:
        return found
    sentence = (
        f"{again:,} of the {len(found.sources):,} pairs repeat a text: each text is one example, and any of its "
        "translations counts as right."
    )
    return _select(found, list(first.values()), [*found.said, sentence])


def _task_of(found: Pairs, options: ReadingOptions) -> Task:
    """The pieces of both sides, found on what is trained on."""
    trained = [place for place, split in enumerate(found.splits) if split in (TRAINING, None)]
    trained = trained or list(range(len(found.sources)))
    sources = [found.sources[place] for place in trained]
    targets = [text for place in trained for text in found.targets[place]]
    short = max(map(len, [*sources, *targets])) <= _SHORT
    usual = "character" if short and not options.pieces_known else options.pieces
    first, second = (
        find_vocabulary(texts, pieces, options.vocabulary, options.least, cased=True)
        for texts, pieces in ((sources, usual), (targets, options.target_pieces or usual))
    )
    longest = int(ragged.lengths(encode(targets, second)[1]).max())
    return Task(Texts(first), TokenSequence(second, min(longest, options.longest or longest)))


def _with_ends(
    tokens: torch.Tensor, ends: torch.Tensor, counts: torch.Tensor, end: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences with the token behind each that ends it, and where each row of `counts` sequences begins."""
    lengths = ragged.lengths(ends) + 1
    places = lengths.cumsum(0) - 1
    whole = torch.full((int(lengths.sum()),), end, dtype=torch.int32)
    inner = torch.ones(len(whole), dtype=torch.bool)
    inner[places] = False
    whole[inner] = tokens
    begins = ragged.offsets_of(lengths)
    return whole, begins[ragged.offsets_of(counts)]


def are_long(dataset: Dataset, longest: int) -> Tensor:
    """Whether the text of each row or one of its answers has more than `longest` pieces, bool (rows,)."""
    target, counts = TokenSequence.of(dataset.task), ragged.lengths(dataset.offsets["inputs"])
    values, offsets = dataset.columns["targets"], dataset.offsets["targets"]
    stops = (values == target.end).nonzero()[:, 0]
    lengths = torch.diff(stops, prepend=torch.tensor([-1])) - 1
    rows = torch.searchsorted(offsets, stops, right=True) - 1
    most = torch.zeros(len(dataset), dtype=torch.int64).scatter_reduce(0, rows, lengths, "amax")
    return (counts > longest) | (most > longest)


def _without_long(dataset: Dataset, options: ReadingOptions, path: Path) -> Dataset:
    """The examples without those that are too long to train on, with a sentence about these."""
    if options.longest is None:
        return dataset
    long = are_long(dataset, options.longest)
    if "split" in dataset.columns:
        long &= dataset.columns["split"] == TRAINING
    if not bool(long.any()):
        return dataset
    if bool(long.all()):
        raise GlassworkError(f"All texts in {path} are longer than {options.longest:,} pieces: raise --max-length")
    head, named = _long_ones(dataset, long, options.longest)
    sentence = f"{head} and left out: {named}. To keep them: --max-length."
    kept = dataset.take((~long).nonzero()[:, 0])
    return replace(kept, skipped=(*kept.skipped, sentence))


def _say_long(dataset: Dataset, options: ReadingOptions) -> Dataset:
    """Examples for a model, with a sentence about those that are longer than any that it was trained on."""
    long = are_long(dataset, options.longest or sys.maxsize)
    if not bool(long.any()):
        return dataset
    head, named = _long_ones(dataset, long, options.longest or 0)
    sentence = f"{head}, and nothing is learned from such: {named}."
    return replace(dataset, skipped=(*dataset.skipped, sentence))


def _long_ones(dataset: Dataset, long: Tensor, longest: int) -> tuple[str, str]:
    places = long.nonzero()[:, 0].tolist()
    named = _names([name.partition(": ")[0] for name in dataset.names], places)
    return f"{len(places):,} {'pair is' if len(places) == 1 else 'pairs are'} longer than {longest:,} pieces", named


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT].rstrip()} ..."
