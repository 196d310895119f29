"""How files, folders and cells say which part of the data they hold: training, validation or test."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from glasswork.data.dataset import SPLIT_NAMES, TEST, TRAINING, VALIDATION, ReadingOptions
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError

_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "development"), VALIDATION),
    **dict.fromkeys(("eval", "evaluation"), VALIDATION),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "heldout", "t10k"), TEST),
}
_EVALUATION = ("eval", "evaluation")  # beside another validation split, and without a test, these are the test
_FILLERS = "set data dataset split part images image imgs img pictures files file texts text samples examples"
_PLAIN = frozenset(_FILLERS.split())  # beside a word for a split these say nothing more
IGNORING = "--splits ignore"
"""In each sentence that says which parts were found."""
COLUMNS = ("split", "fold", "set", "subset", "partition")
"""Names of columns that may say which part a row belongs to."""
_PARTS = {TRAINING: "training", VALIDATION: "validation", TEST: "test"}
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}$")


@dataclass(frozen=True)
class _Name:
    """What a name says: its split, the word for it, what else it holds, and how many words it has in all."""

    split: int
    word: str
    rest: str
    words: int


def words_of(split: int) -> tuple[str, ...]:
    """The words for a split, the usual ones first."""
    return tuple(word for word, named in _WORDS.items() if named == split)


def split_of(name: str) -> int | None:
    """TRAINING, VALIDATION or TEST if `name` says one of them and nothing else (`train`, `Dev`, `test_set`, ...)."""
    found = _parse(name)
    return found.split if found is not None and not found.rest else None


def split_parts(paths: Iterable[Path], remedy: str = "move each into a folder of its own") -> dict[int, Path]:
    """The paths that are named after a split (whatever their suffixes), by split in the order of SPLIT_NAMES.

    A name is a word for a split (`train`, `dev.txt`, `training_set`, `val2017`), or holds one beside words that it
    shares with the name of the training split (`seg_train` and `seg_test`; `ptb.train.txt` and `ptb.valid.txt`), so
    that `train_station` and `test_tube` are no splits. `eval` is the validation split; if there is another one and no
    test, it is the test split.

    Args:
        paths: of files or folders.
        remedy: what to do if they belong to several data sets.

    Raises:
        GlassworkError: two of them are named after the same split.
    """
    named = [(path, name) for path in paths if (name := _parse(path.name)) is not None]
    splits: dict[str, set[int]] = {}
    for _, name in named:
        splits.setdefault(name.rest, set()).add(name.split)
    families = [rest for rest, found in splits.items() if rest and TRAINING in found and len(found) > 1]
    if not families or len(splits.get("", ())) > 1:
        return _one_of_each([(path, name) for path, name in named if not name.rest])
    if len(families) > 1:
        first, other = (next(path for path, name in named if name.rest == rest) for rest in families[:2])
        raise GlassworkError(
            f"{first.parent} holds several divided data sets, such as those of {first.name} and {other.name}: {remedy}."
        )
    return _one_of_each([(path, name) for path, name in named if name.rest == families[0]])


def parts_of(training: Path, paths: Iterable[Path]) -> dict[int, Path]:
    """The part for training and those of `paths` whose names differ from its own in the word for the split alone.

    Args:
        training: a file or a folder; if it is not named after the training split there is nothing.
        paths: where the other parts may be.
    """
    own = _parse(training.name)
    if own is None or own.split != TRAINING:
        return {}
    named = [(path, name) for path in paths if (name := _parse(path.name)) is not None]
    return _one_of_each([(path, name) for path, name in named if _without(path, name) == _without(training, own)])


def _without(path: Path, name: _Name) -> str:
    """A name without the word for its split."""
    return re.sub(rf"(?<![a-z]){name.word}(?![a-z])", "", path.name.casefold())


def split_folders(folder: Path) -> dict[int, Path]:
    """The subfolders that are named after a split."""
    return split_parts(path for path in visible(folder) if path.is_dir())


def split_column(columns: Mapping[str, Any]) -> tuple[str, list[int]] | None:
    """The column of a table that says which part each row belongs to, and what it says; None if there is none.

    It is named `split`, `fold`, `set`, `subset` or `partition`, all of its cells are words for splits, and some row is
    for training.
    """
    for name, cells in columns.items():
        if name.strip().casefold() not in COLUMNS or not all(isinstance(cell, str) for cell in cells[:1]):
            continue
        known = {cell: _parse(cell) for cell in dict.fromkeys(cells)}
        names = [found for found in known.values() if found is not None and not found.rest]
        if len(names) == len(known) and any(found.split == TRAINING for found in names):
            test = _evaluation_is_test(names)
            return name, [_split(found, test) for cell in cells if (found := known[cell]) is not None]
    return None


def say_parts(parts: Mapping[int, Path]) -> str:
    """A sentence for the summary about the parts that were found by their names."""
    found = [f"{path.name} is the {_PARTS[split]} data" for split, path in sorted(parts.items())]
    return f"By their names, {', '.join(found)}. If they are not: {IGNORING}."


def say_splits(files: Sequence[tuple[int | None, Path]], options: ReadingOptions) -> tuple[str, ...]:
    """The same about files and the split of each; nothing if their names say nothing, or are ignored."""
    parts: dict[int, Path] = {}
    for split, path in files:
        if split is not None:
            parts.setdefault(split, path)
    return (say_parts(parts),) if len(parts) > 1 and options.splits != "ignore" else ()


def say_column(name: str) -> str:
    """A sentence for the summary about the column that says which part a row belongs to."""
    return f"The column '{name}' says which rows train, validate and test. If it does not: {IGNORING}."


def say_aside(path: Path, holds: str, lacks: str) -> str:
    """A sentence for the summary about a part whose answers are not known.

    Args:
        path: of the part.
        holds: what is in it, such as `40 images`.
        lacks: why it has no answers, such as `no class folders`.
    """
    return f"{path.name} has {lacks}, so its {holds} are left aside. Later: glasswork predict RUN {quote(str(path))}"


def _one_of_each(named: Sequence[tuple[Path, _Name]]) -> dict[int, Path]:
    """One path for each split: of `train.csv` and `train_data.csv` the shorter name."""
    found: dict[int, tuple[Path, _Name]] = {}
    test = _evaluation_is_test([name for _, name in named])
    for path, name in sorted(named, key=lambda pair: pair[1].words):
        split = _split(name, test)
        first = found.setdefault(split, (path, name))
        if first[0] != path and first[1].words == name.words:
            raise GlassworkError(
                f"{path.parent} has both '{first[0].name}' and '{path.name}' for the {SPLIT_NAMES[split]} split: "
                "move one of them elsewhere."
            )
    return {split: path for split, (path, _) in sorted(found.items())}


def _evaluation_is_test(names: Sequence[_Name]) -> bool:
    """Whether `eval` stands beside another validation split, and there is no test."""
    others = {name.split for name in names if name.word not in _EVALUATION}
    return VALIDATION in others and TEST not in others


def _split(name: _Name, evaluation_is_test: bool) -> int:
    return TEST if evaluation_is_test and name.word in _EVALUATION else name.split


def _parse(name: str) -> _Name | None:
    """What a name of a file, a folder or a cell says about a split; None if it says nothing, or two things."""
    stem = name.strip().casefold()
    for _ in range(2):  # .csv, .csv.gz
        ending = _SUFFIX.search(stem)
        if ending is not None and _word(ending[0][1:]) not in _WORDS:
            stem = stem[: ending.start()]
    words = [_word(word) for word in re.split(r"[-_. ]+", stem) if word]
    found = [word for word in words if word in _WORDS]
    if len({_WORDS[word] for word in found}) != 1:
        return None
    rest = " ".join(word for word in words if word not in _WORDS and word not in _PLAIN)
    return _Name(_WORDS[found[0]], found[0], rest, len(words))


def _word(word: str) -> str:
    """A word for a split without the number behind it, as in `test1` or `val2017`; any other word as it is."""
    plain = word.rstrip("0123456789")
    return plain if plain in _WORDS else word
