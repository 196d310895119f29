"""Recordings with their transcripts: a table beside sound files, LibriSpeech, Common Voice, audio folders."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import lines_of, normalise, open_text, read_text
from glasswork.data.formats.audio_files import SUFFIXES, Samples, UnreadableSoundError, is_sound, rate_of, read_sounds
from glasswork.data.formats.labelled_texts import joined_bytes
from glasswork.data.formats.splits import say_column, say_splits, split_column, split_folders, split_of, split_parts
from glasswork.data.kinds.audio import Audio
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.listing import files_below, visible
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.limits import parse_json

FORMAT = (
    "recordings with transcripts (a folder with transcripts.tsv or metadata.csv beside the sound files, LibriSpeech, "
    "Common Voice)"
)
TABLES = ("transcripts.tsv", "transcripts.csv", "metadata.csv", "metadata.tsv", "metadata.jsonl")
FILE_COLUMNS = ("file_name", "file", "path", "audio", "filename", "wav_filename", "audio_filepath")
TEXT_COLUMNS = ("transcription", "transcript", "sentence", "text", "words", "normalized_text")
PLACES = (".", "clips", "wavs", "wav", "audio")
"""Folders beside a table in which its sound files may lie."""
RATE = 16_000
"""Samples per second, above which nothing helps to tell sounds of speech apart."""
NAMED = 5


@dataclass(frozen=True)
class _Recording:
    """A sound file, what is said in it, and which part of the data it belongs to; None: not given."""

    path: Path
    text: str
    split: int | None = None


def claims(path: Path) -> bool:
    """Whether `path` is a folder of recordings in one of the layouts, or the table of one."""
    return bool(_tables(path)) or (path.is_dir() and next(_listings(path), None) is not None)


def recognizes(path: Path) -> bool:
    """Whether sound files lie beside the tables or listings at `path`, which may be of pictures elsewhere."""
    return claims(path) and any(map(is_sound, files_below(path if path.is_dir() else path.parent)))


def sources(path: Path) -> list[Path]:
    """The folder."""
    return [path] if path.is_dir() else [path, path.parent]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads recordings, resampled to one rate, and their transcripts as words in lower case without punctuation.

    Raises:
        GlassworkError: for no recording, or not one that can be read.
    """
    found, said = _found(path, options)
    recordings, skipped = _usable(found, path, options)
    like = options.like
    rate = Audio.of(like).rate if like else min(RATE, _highest_rate(recordings))
    sounds, problems = read_sounds([one.path for one in recordings], rate)
    if problems and (options.strict or len(problems) == len(recordings)):
        raise GlassworkError(next(iter(problems.values())))
    kept = [place for place in range(len(recordings)) if place not in problems]
    recordings, sounds = [recordings[place] for place in kept], [sounds[place] for place in kept]
    said = (*said, *skipped, *(f"Left out: {sentence}" for sentence in problems.values()))
    return _dataset(recordings, sounds, rate, said, path, options)


def spoken_words(text: str) -> str:
    """A transcript as error rates are measured on: its words in lower case, with one space between."""
    plain = normalise(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()
    return " ".join(_word().findall(plain))


@cache
def _word() -> re.Pattern[str]:
    letter = r"(?:[^\W_]|[\u0300-\u036f])"
    return re.compile(rf"{letter}+(?:'{letter}+)*'?")


def _found(path: Path, options: ReadingOptions) -> tuple[list[_Recording], tuple[str, ...]]:
    """All recordings that are listed, and sentences for the summary."""
    tables = _tables(path)
    if tables:
        found, said = [], list(say_splits([(split, table) for split, table in tables], options))
        for split, table in tables:
            recordings, sentences = _of_table(table, split, options)
            found += recordings
            said += sentences
        return found, tuple(said)
    found = [] if path.is_file() else [one for listing in _listings(path) for one in _of_listing(listing, path)]
    if not found:
        raise GlassworkError(f"{path} holds no transcripts: expected {FORMAT}")
    return found, ()


def _tables(path: Path) -> list[tuple[int | None, Path]]:
    """The tables of transcripts, each with the split that its name or its folder says."""
    if path.is_file():
        return [(None, path)] if path.name.lower() in TABLES else []
    if not path.is_dir():
        return []
    entries = visible(path)
    if any(entry.name == "clips" and entry.is_dir() for entry in entries):  # Common Voice
        named = [entry for entry in entries if entry.suffix == ".tsv" and entry.is_file()]
        parts = split_parts(named)
        if TRAINING in parts:
            return list(parts.items())
        validated = [entry for entry in named if entry.name == "validated.tsv"]
        if validated:
            return [(None, validated[0])]
    own = _table_in(path)
    if own is not None:
        return [(None, own)]
    folders = {split: _table_in(folder) for split, folder in split_folders(path).items()}
    return [(split, table) for split, table in folders.items() if table is not None]


def _table_in(folder: Path) -> Path | None:
    entries = {entry.name.lower(): entry for entry in visible(folder) if entry.is_file()}
    return next((entries[name] for name in TABLES if name in entries), None)


def _of_table(table: Path, split: int | None, options: ReadingOptions) -> tuple[list[_Recording], list[str]]:
    """The recordings that a table lists, and sentences about it."""
    columns = _columns(table)
    count = len(next(iter(columns.values()), ()))
    file = _column(columns, FILE_COLUMNS, None, "sound files", table)
    text = _column(columns, TEXT_COLUMNS, options.target, "transcripts", table)
    found = None if split is not None else split_column(columns)
    said = [say_column(found[0])] if found and options.splits != "ignore" else []
    splits: Sequence[int | None] = found[1] if found else [split] * count
    recordings = [
        _Recording(_located(table.parent, name), words, part)
        for name, words, part in zip(columns[file], columns[text], splits, strict=True)
    ]
    if split is None and found is None:
        recordings = _by_folders(recordings, table.parent)
    return recordings, said


def _columns(table: Path) -> dict[str, list[str]]:
    """The cells of a table, column by column; of one without a header the columns are `file_name` and `text`."""
    if table.suffix == ".jsonl":
        rows = []
        for number, line in enumerate(lines_of(read_text(table)[0]), 1):
            try:
                rows += (
                    [{name: str(cell) for name, cell in parse_json(line, f"Line {number} of {table}").items()}]
                    if line.strip()
                    else []
                )
            except (ValueError, AttributeError):
                raise GlassworkError(f"Line {number} of {table} is not a JSON object") from None
        return {name: [row.get(name, "") for row in rows] for name in (rows[0] if rows else ())}
    try:
        with open_text(table, lambda: open_regular(table)) as file:
            first = file.readline()
            file.seek(0)
            mark = next((mark for mark in "\t|," if mark in first), "\t")
            reader = csv.reader(file, delimiter=mark, quoting=csv.QUOTE_MINIMAL if mark == "," else csv.QUOTE_NONE)
            cells = [row for row in reader if row]
    except (UnicodeError, csv.Error) as error:
        raise GlassworkError(f"{table} is not a table: {error}") from None
    if not cells:
        raise GlassworkError(f"{table} is empty: expected a line for each sound file")
    if (
        not {name.strip().lower() for name in cells[0]} & set(FILE_COLUMNS)
        and _located(table.parent, cells[0][0]).is_file()
    ):
        width = min(len(row) for row in cells)
        head = ["file_name", "text", *(f"column {number}" for number in range(3, width + 1))]
        cells = [head[:width], *cells]
    head, *rows_ = cells
    short = next((number for number, row in enumerate(rows_, 2) if len(row) < len(head)), None)
    if short is not None:
        raise GlassworkError(f"Line {short} of {table} has fewer cells than the header: {', '.join(head)}")
    return {name.strip(): [row[place].strip() for row in rows_] for place, name in enumerate(head)}


def _column(columns: dict[str, list[str]], known: Sequence[str], asked: str | None, holds: str, table: Path) -> str:
    """The name of the column that was asked for, else of one whose name is known."""
    names = {name.lower(): name for name in columns}
    found = asked if asked in columns else next((names[name] for name in known if name in names), None)
    if found is None or (asked is not None and found != asked):
        wanted = f"'{asked}'" if asked is not None else f"of {holds} ({', '.join(known[:3])}, ...)"
        raise GlassworkError(f"{table} has no column {wanted}: it has {', '.join(columns)}")
    return found


def _located(folder: Path, name: str) -> Path:
    """A sound file that a table names, with or without its ending, beside the table or in a folder there."""
    for place in PLACES:
        path = folder / place / name if place != "." else folder / name
        if path.is_file():
            return path
        for ending in SUFFIXES if not is_sound(name) else ():
            ended = path.parent / (path.name + ending)
            if ended.is_file():
                return ended
    return folder / name


def _listings(path: Path) -> Iterator[Path]:
    """The lists of LibriSpeech, one in every folder of sound files."""
    return iter(sorted(path.rglob("*.trans.txt")))


def _of_listing(listing: Path, root: Path) -> Iterable[_Recording]:
    """The recordings of a folder of LibriSpeech, whose split the first word of the first folder says."""
    part = split_of(listing.relative_to(root).parts[0].split("-")[0])
    for line in lines_of(read_text(listing)[0]):
        name, _, text = line.strip().partition(" ")
        if name:
            yield _Recording(_located(listing.parent, name), text, part)


def _by_folders(recordings: list[_Recording], root: Path) -> list[_Recording]:
    """Recordings with the splits that the folders say in which they lie, if those of all say one."""
    parts = [
        split_of(one.path.relative_to(root).parts[0]) if one.path.is_relative_to(root) else None for one in recordings
    ]
    if None in parts or TRAINING not in parts:
        return recordings
    return [_Recording(one.path, one.text, part) for one, part in zip(recordings, parts, strict=True)]


def _usable(found: list[_Recording], path: Path, options: ReadingOptions) -> tuple[list[_Recording], list[str]]:
    """The recordings that are there and have words, and a sentence about the others."""
    missing = [one for one in found if not one.path.is_file()]
    if missing and (options.strict or len(missing) == len(found)):
        raise GlassworkError(f"There is no sound file {missing[0].path}, which {path} lists")
    there = [one for one in found if one.path.is_file()]
    silent = [one for one in there if not spoken_words(one.text)]
    kept = [one for one in there if spoken_words(one.text)]
    if not kept:
        raise GlassworkError(f"{path} holds no words: every transcript is empty")
    said = []
    for others, what in ((missing, "not there"), (silent, "without words")):
        if others:
            named = ", ".join(one.path.name for one in others[:NAMED])
            more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
            verb = "recording is" if len(others) == 1 else "recordings are"
            said.append(f"{len(others):,} {verb} {what}, and left out: {named}{more}.")
    return kept, said


def _highest_rate(recordings: Sequence[_Recording]) -> int:
    """Samples per second of the best recording among some; unreadable ones are passed over."""
    rates = []
    for one in recordings:
        try:
            rates.append(rate_of(one.path))
        except UnreadableSoundError:
            continue
        if rates[-1] >= RATE:
            break
    return max(rates, default=RATE)


def _dataset(
    recordings: Sequence[_Recording],
    sounds: Sequence[Samples],
    rate: int,
    said: tuple[str, ...],
    path: Path,
    options: ReadingOptions,
) -> Dataset:
    texts = [spoken_words(one.text) for one in recordings]
    splits = [TRAINING if one.split is None else one.split for one in recordings]
    if options.like is not None:
        vocabulary = TokenSequence.of(options.like).vocabulary
    else:
        trained = [text for text, split in zip(texts, splits, strict=True) if split == TRAINING]
        vocabulary = find_vocabulary(trained or texts, "character", options.vocabulary, options.least)
    target = TokenSequence(vocabulary)
    samples, ends = ragged.pack([torch.from_numpy(each) for each in sounds])
    written, lines = joined_bytes(texts)
    tokens, stops = _tokens(texts, vocabulary, target.end)
    columns = {
        "inputs": samples,
        "targets": tokens,
        "references": written,
        "fingerprints": ragged.fingerprints(samples, ends),
    }
    if any(one.split is not None for one in recordings):
        columns["split"] = torch.tensor(splits, dtype=torch.uint8)
    names = [str(one.path.relative_to(path)) if one.path.is_relative_to(path) else one.path.name for one in recordings]
    offsets = {"inputs": ends, "targets": stops, "references": lines}
    return Dataset(columns, Task(Audio(rate), target), str(path), names, skipped=said, offsets=offsets)


def _tokens(texts: Sequence[str], vocabulary: Vocabulary, end: int) -> tuple[Tensor, Tensor]:
    """The characters of each text with the end behind them, int32 (tokens,), and where each begins."""
    tokens, offsets = encode(texts, vocabulary)
    rows = ragged.split(tokens, offsets, torch.arange(len(texts)))
    stop = torch.tensor([end], dtype=torch.int32)
    return ragged.pack([torch.cat([row, stop]) for row in rows])
