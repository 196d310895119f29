"""Boxes as Pascal VOC has them (Everingham et al. 2010): an XML file for each picture, pixels counted from 1."""

from pathlib import Path
from xml.etree import ElementTree

from glasswork.data.dataset import ReadingOptions
from glasswork.data.encodings import lines_of, normalise, read_text
from glasswork.data.formats.annotations import Annotated, missing_picture
from glasswork.data.formats.picture_lists import PictureFinder
from glasswork.data.formats.splits import split_of
from glasswork.data.kinds.boxes import DIFFICULT
from glasswork.data.listing import files_below, visible
from glasswork.errors import GlassworkError
from glasswork.files import read_regular

ANNOTATIONS, PICTURES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
FROM_ONE = "VOC counts pixels from 1 up to the width and height; COCO's JSON counts them from 0"


def claims(path: Path) -> bool:
    """Whether a folder holds XML files of annotations."""
    return path.is_dir() and ((path / ANNOTATIONS).is_dir() or any(map(_is_annotation, files_below(path))))


def annotations(path: Path, options: ReadingOptions) -> tuple[list[Annotated], list[str]]:
    """The pictures of a folder with their boxes, and sentences for the summary.

    Raises:
        GlassworkError: for annotations that cannot be read, without a picture, or with boxes that cannot be.
    """
    below = path / ANNOTATIONS if (path / ANNOTATIONS).is_dir() else path
    splits = _splits(path / LISTS) if options.splits != "ignore" else {}
    found, unused = [], []
    for file in sorted(map(Path, files_below(below))):
        if not _is_annotation(file.name):
            continue
        if splits and file.stem not in splits:
            unused.append(file.stem)
            continue
        found.append(_read(file, path, splits.get(file.stem)))
    if not found:
        raise GlassworkError(f"{below} holds no annotation of a picture: expected XML files as VOC has them")
    said = [f"{len(unused):,} pictures are in no list of {LISTS} that is named after a split, and are left out, such "
            f"as {unused[0]}."] if unused else []  # fmt: skip
    return found, said


def _is_annotation(name: str) -> bool:
    return name.lower().endswith(".xml")


def _splits(folder: Path) -> dict[str, int]:
    """The split of each picture, by its name without suffix, from the lists; the shorter list counts (`train` of
    `trainval`)."""
    lists = (
        [(file, split) for file in visible(folder) if (split := split_of(file.stem)) is not None]
        if folder.is_dir()
        else []
    )
    found: dict[str, int] = {}
    for file, split in sorted(lists, key=lambda pair: -len(pair[0].stem)):
        for line in lines_of(read_text(file)[0]):
            if line.strip():
                found[line.split()[0]] = split
    return found


def _read(file: Path, folder: Path, split: int | None) -> Annotated:
    try:
        root = ElementTree.fromstring(read_regular(file))
    except ElementTree.ParseError as error:
        raise GlassworkError(f"{file} cannot be read as XML: {error}") from None
    name = root.findtext("filename") or file.stem
    beside = [folder / PICTURES, file.parent, folder]
    picture = next((found for each in beside if each.is_dir() and (found := PictureFinder(each).find(name))), None)
    if picture is None:
        raise missing_picture(str(file), name)
    width, height = (int(_number(root, f"size/{side}", file)) for side in ("width", "height"))
    one = Annotated(picture, height, width, split=split)
    for thing in root.iter("object"):
        left, top, right, bottom = (_number(thing, f"bndbox/{side}", file) for side in ("xmin", "ymin", "xmax", "ymax"))
        if 0 <= min(left, top) < 1:
            raise GlassworkError(f"{file}: a box begins at {min(left, top):g}: {FROM_ONE}, so add 1 to every corner")
        label = normalise(thing.findtext("name") or "").strip()
        if not label:
            raise GlassworkError(f"{file}: a box has no name of a class")
        ignored = DIFFICULT if (thing.findtext("difficult") or "0").strip() == "1" else 0
        one.add((left - 1, top - 1, right, bottom), label, ignored, str(file), FROM_ONE)
    return one


def _number(parent: ElementTree.Element, place: str, file: Path) -> float:
    said = parent.findtext(place)
    try:
        return float(said or "")
    except ValueError:
        raise GlassworkError(
            f"{file}: <{place.replace('/', '><')}> is {said or 'missing'}: expected a number"
        ) from None
