"""Boxes as COCO has them (Lin et al. 2014): one JSON file of x, y, width and height, pixels counted from 0."""

import json
from pathlib import Path
from typing import Any

from glasswork.data.dataset import ReadingOptions
from glasswork.data.encodings import normalise, read_text
from glasswork.data.formats.annotations import Annotated, missing_picture
from glasswork.data.formats.picture_lists import PictureFinder
from glasswork.data.formats.splits import say_parts, split_folders, split_parts
from glasswork.data.kinds.boxes import CROWD
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.files import open_regular, parsing

ANNOTATIONS = "annotations"
FROM_ZERO = "COCO counts pixels from 0; VOC's XML counts them from 1"
_HEAD = 1 << 16


def claims(path: Path) -> bool:
    """Whether there is a JSON file of boxes at a path."""
    return bool(_files(path))


def folder_of(path: Path) -> Path:
    """From where a file of annotations names its pictures."""
    return path.parent.parent if path.parent.name.casefold() == ANNOTATIONS else path.parent


def annotations(path: Path, options: ReadingOptions) -> tuple[list[Annotated], list[str]]:
    """The pictures of a file, or of a folder with files for its splits, and sentences for the summary.

    Raises:
        GlassworkError: for annotations that cannot be read, without a picture, or with boxes that cannot be.
    """
    files = _files(path)
    parts = split_parts(files) if options.splits != "ignore" else {}
    said = [say_parts(parts)] if len(parts) > 1 else []
    named = [(file, split) for split, file in parts.items()] if len(parts) > 1 else [(file, None) for file in files]
    return [one for file, split in named for one in _read(file, split)], said


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    folders = [path, *(path / name for name in (ANNOTATIONS,) if (path / name).is_dir())]
    found = [
        file for folder in folders for file in visible(folder) if file.suffix.lower() == ".json" and file.is_file()
    ]
    named = [file for file in found if file.name.casefold().startswith("instances")]  # beside COCO's other tasks
    return [file for file in named or found if _has_boxes(file)]


def _has_boxes(file: Path) -> bool:
    """Whether the beginning of a file reads as COCO's."""
    with open_regular(file) as opened:
        head = opened.read(_HEAD)
    return b'"images"' in head or b'"annotations"' in head


def _read(file: Path, split: int | None) -> list[Annotated]:
    try:
        whole = json.loads(read_text(file)[0])
    except (ValueError, RecursionError) as error:
        raise GlassworkError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(whole, dict) or not all(
        isinstance(whole.get(key), list) for key in ("images", "annotations", "categories")
    ):
        raise GlassworkError(
            f"{file} lacks a list of images, annotations or categories: expected boxes as COCO has them"
        )
    with parsing(file):
        classes = {each["id"]: normalise(str(each["name"])).strip() for each in whole["categories"]}
        found = {each["id"]: _picture(each, file, split) for each in whole["images"]}
        for each in whole["annotations"]:
            where = f"{file}: annotation {each.get('id')}"
            if each["image_id"] not in found:
                raise missing_picture(where, f"with the id {each['image_id']}")
            if each["category_id"] not in classes:
                raise GlassworkError(f"{where} is of the category {each['category_id']}, which the file does not name")
            if "bbox" not in each:
                continue
            x, y, width, height = map(float, each["bbox"])
            box = (x, y, x + width, y + height)
            found[each["image_id"]].add(
                box, classes[each["category_id"]], CROWD * bool(each.get("iscrowd")), where, FROM_ZERO
            )
    return list(found.values())


def _picture(image: dict[str, Any], file: Path, split: int | None) -> Annotated:
    folder = folder_of(file)
    inside = [split_folders(folder)[split]] if split is not None and split in split_folders(folder) else []
    name = str(image["file_name"])
    for each in (*inside, file.parent, folder):
        picture = PictureFinder(each).find(name)
        if picture is not None:
            return Annotated(picture, int(image["height"]), int(image["width"]), split=split)
    raise missing_picture(str(file), name)
