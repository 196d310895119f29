"""How files and folders say which part of the data they hold: training, validation or test."""

from collections.abc import Iterable
from pathlib import Path

from glasswork.data.dataset import SPLIT_NAMES, TEST, TRAINING, VALIDATION
from glasswork.errors import GlassworkError

_WORDS = {
    "train": TRAINING,
    "training": TRAINING,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "t10k": TEST,
}


def split_of(word: str) -> int | None:
    """TRAINING, VALIDATION or TEST where `word` names one of them (`train`, `val`, `valid`, `test`, `t10k`, ...)."""
    return _WORDS.get(word.lower())


def visible(folder: Path) -> list[Path]:
    """What lies in a folder, hidden entries left out, sorted by name."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def split_parts(paths: Iterable[Path]) -> dict[int, Path]:
    """The paths that are named after a split (whatever their suffixes), by split in the order of SPLIT_NAMES.

    Raises:
        GlassworkError: two of them are named after the same split.
    """
    found: dict[int, Path] = {}
    for path in paths:
        split = split_of(path.name.split(".")[0])
        if split is None:
            continue
        if split in found:
            raise GlassworkError(
                f"{path.parent} has both '{found[split].name}' and '{path.name}' for the {SPLIT_NAMES[split]} split: "
                "move one of them away."
            )
        found[split] = path
    return dict(sorted(found.items()))


def split_folders(folder: Path) -> dict[int, Path]:
    """The subfolders that are named after a split."""
    return split_parts(path for path in visible(folder) if path.is_dir())
