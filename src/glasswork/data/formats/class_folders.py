"""Folders of class folders, with or without train, val and test folders above them, of images or of texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from glasswork.data.dataset import TRAINING
from glasswork.data.formats.splits import say_aside, say_parts, split_folders
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError

Files = Callable[[Path], Iterable[str]]
"""The files of a kind in a folder and below it."""


@dataclass(frozen=True)
class ClassFolders:
    """The folders of class folders, and what is said about them.

    Attributes:
        divided: by split; empty if the class folders lie in the source itself, or in `pooled`.
        pooled: folders of class folders whose names are ignored.
        aside: folders beside the class folders that are no classes.
        said: sentences for the summary.
    """

    divided: Mapping[int, Path] = field(default_factory=dict)
    pooled: tuple[Path, ...] = ()
    aside: tuple[Path, ...] = ()
    said: Sequence[str] = ()


def find_class_folders(path: Path, files: Files, noun: str, ignore: bool) -> ClassFolders:
    """The folders of the splits, and those that are left aside; none if folders named like splits are classes.

    Args:
        path: the source.
        files: lists the files that are read.
        noun: what they are, in the plural.
        ignore: whether folders named like splits are read as one, or as classes.

    Raises:
        GlassworkError: if there are folders for the splits, and no class folders in any of them.
    """

    def holds(folder: Path) -> bool:
        return next(iter(files(folder)), None) is not None

    def say_flat(part: Path) -> str:
        return say_aside(part, f"{sum(1 for _ in files(part)):,} {noun}", "no class folders")

    named = split_folders(path)
    divided = {split: part for split, part in named.items() if has_classes(part, files)}
    if ignore:
        return ClassFolders(pooled=tuple(divided.values()))
    flat = {split: part for split, part in named.items() if split not in divided and holds(part)}
    folders = [part for part in visible(path) if part.is_dir() and part not in named.values() and holds(part)]
    if divided and (len(divided) + len(flat) > 1 or not folders):
        said = [say_parts(divided)] if len(divided) > 1 or flat else []
        said += map(say_flat, flat.values())
        said += [f"The folder {place.name} is next to {_listed(divided)} and was not read." for place in folders]
        return ClassFolders(divided, said=said)
    if not folders and TRAINING in flat:
        raise GlassworkError(
            f"The {noun} in {flat[TRAINING]} lie side by side, so their classes are not known: put them into one "
            f"folder per class. (If {_listed(named)} are themselves classes: --splits ignore.)"
        )
    aside = [part for split, part in flat.items() if split != TRAINING and folders]
    said = [f"{say_flat(part)} (If it is a class: --splits ignore.)" for part in aside]
    classes = [part for part in named.values() if part not in aside and folders]
    said += [f"The folder {part.name} is taken as a class, as {folders[0].name} is." for part in classes]
    return ClassFolders(aside=tuple(aside), said=said)


def has_classes(folder: Path, files: Files) -> bool:
    """Whether a folder has class folders with files in them."""
    return any(next(iter(files(part)), None) is not None for part in visible(folder) if part.is_dir())


def _listed(parts: Mapping[int, Path]) -> str:
    return " and ".join(part.name for part in parts.values())
