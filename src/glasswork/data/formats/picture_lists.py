"""Columns of tables that name files of pictures, as they are written on any system."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from glasswork.data.encodings import normalise
from glasswork.data.listing import is_named_as_picture, visible
from glasswork.errors import GlassworkError

_LOOKED_AT = 20  # cells that tell whether a column names pictures

_HOW = {
    "backslashes": "Backslashes in paths were read as slashes ({count:,} pictures, such as {example}).",
    "suffix": "Names without a suffix were completed ({count:,} pictures, such as {example}).",
    "folder": "Pictures were found in folders beside the table ({count:,}, such as {example}).",
}


class PictureFinder:
    """Finds the pictures that the cells of a table name, from the folder of the table.

    Args:
        folder: of the table.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ways: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self._stems: dict[Path, dict[str, Path]] = {}
        self._alike: dict[Path, dict[str, Path]] = {}

    def find(self, cell: str) -> Path | None:
        """The picture of a cell, if there is one: as it is written, else with slashes, a suffix or a folder.

        Raises:
            GlassworkError: if several folders beside the table have a picture of this name.
        """
        if not cell.strip() or "\0" in cell:
            return None
        if not self._may_lie_here(cell):
            return None
        for written, way in ((cell, ""), (cell.replace("\\", "/"), "backslashes")):
            for bases in ([self.folder], self._beside):
                several = [(found, how) for found, how in (self._at(base, written) for base in bases) if found]
                if len(several) > 1:
                    each = f"{several[0][0]} or {several[1][0]}"
                    raise GlassworkError(f"{cell} may be {each}: write the names of pictures with their folder")
                for found, how in several:
                    for each in (way if written != cell else "", how, "folder" if bases is self._beside else ""):
                        self._count(each, cell)
                    return found
        return None

    def said(self) -> tuple[str, ...]:
        """Sentences about the ways in which pictures were found that are not the plain one."""
        return tuple(
            _HOW[way].format(count=count, example=self.examples[way]) for way, count in self.ways.items() if way
        )

    def _count(self, way: str, cell: str) -> None:
        if way:
            self.ways[way] += 1
            self.examples.setdefault(way, cell)

    @cached_property
    def _beside(self) -> list[Path]:
        return [path for path in visible(self.folder) if path.is_dir()]

    def _may_lie_here(self, cell: str) -> bool:
        """Whether a picture may be found; says soon no to what names none, of which wide tables have very much."""
        if not cell.isascii() or os.path.isfile(f"{self.folder}/{cell}"):  # noqa: PTH113 (a Path minds long names)
            return True
        first = cell.replace("\\", "/").partition("/")[0]
        return first in {"", ".", ".."} or first in self._names or cell in self._names

    @cached_property
    def _names(self) -> set[str]:
        """The names of all files of the folder and of those in it, with and without what stands behind the last dot."""
        found = {name for base in (self.folder, *self._beside) for name in _listed(base)}
        return found | {os.path.splitext(name)[0] for name in found}  # noqa: PTH122

    def _at(self, base: Path, written: str) -> tuple[Path | None, str]:
        path = base / written
        if os.path.isfile(path):  # noqa: PTH113 (a Path complains of a name that is too long)
            return path, ""
        if not written.isascii() and (found := self._named_alike(base, written)) is not None:
            return found, ""
        if is_named_as_picture(path.name):
            return None, ""
        return self._pictures_in(path.parent).get(path.name), "suffix"

    def _named_alike(self, base: Path, written: str) -> Path | None:
        """The file whose path has the letters of a cell, but their marks written apart or together."""
        place = base
        for part in Path(written).parts:
            if place not in self._alike:
                listed = place.iterdir() if _is_folder(place) else ()
                self._alike[place] = {normalise(entry.name): entry for entry in listed}
            found = self._alike[place].get(normalise(part))
            if found is None:
                return None
            place = found
        return place if place.is_file() else None

    def _pictures_in(self, folder: Path) -> dict[str, Path]:
        """The pictures of a folder by their names without suffix, if these are different."""
        if folder not in self._stems:
            there = [path for path in visible(folder) if is_named_as_picture(path.name)] if _is_folder(folder) else []
            counts = Counter(path.stem for path in there)
            self._stems[folder] = {path.stem: path for path in there if counts[path.stem] == 1}
        return self._stems[folder]


def names_pictures(cells: Sequence[str], finder: PictureFinder) -> bool:
    """Whether a column names pictures: some by their suffix, of which one is there; or all that are looked at."""
    some = list(dict.fromkeys(cell for cell in cells[: 20 * _LOOKED_AT] if cell))[:_LOOKED_AT]
    if not some:
        return False
    found = [finder.find(cell) is not None for cell in some]
    if all(is_named_as_picture(cell.replace("\\", "/").rpartition("/")[2]) for cell in cells if cell):
        return any(found)
    return all(found) and len(some) > 1


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (a Path for each would take longer than the rest)
    except OSError:
        return []
