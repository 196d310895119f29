"""Pictures with sentences about them, in the formats of COCO, Karpathy, Flickr and Hugging Face, or as files."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from glasswork.data import ragged
from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions
from glasswork.data.encodings import lines_of, normalise, read_text
from glasswork.data.formats.decoding import decode_files
from glasswork.data.formats.labelled_texts import joined_bytes
from glasswork.data.formats.picture_lists import PictureFinder
from glasswork.data.formats.splits import IGNORING, parts_of, say_parts, split_folders, split_of, split_parts
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.listing import files_below, is_named_as_picture, is_there, natural, visible
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.files import open_regular, parsing
from glasswork.limits import parse_json

FORMAT = (
    "COCO captions or Karpathy's split as JSON, Flickr's token files, metadata.jsonl, a table of pictures and "
    "captions, or pictures with a text file of the same name"
)
_PICTURE_COLUMNS = ("file_name", "filename", "image", "image_name", "picture", "path", "file")
_CAPTION_COLUMNS = ("caption", "captions", "text", "comment", "sentence", "description", "raw")
_NAMED = 3
_HEAD = 4096  # bytes that tell the format of a file
_TOKEN = re.compile(r"#\d+$")
_ANNOTATIONS = "annotations"
_SEVERAL = "name the file of the training captions of one of them, and its other parts are read with it"


@dataclass
class _Captions:
    """Pictures in the order of their coming, each with its captions.

    Attributes:
        folder: pictures are named from here.
        captions: of each picture, by the name that the source gives it.
        splits: of a picture, if the source says one.
        said: sentences for the summary.
    """

    folder: Path
    captions: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def add(self, picture: str, captions: Iterable[str], split: int | None = None) -> None:
        """Adds a picture, or further captions of it; captions without a word are none."""
        if split is not None and self.splits.get(picture, split) != split:
            raise GlassworkError(f"Two splits name the picture {picture}: give each split a folder of its own pictures")
        own = self.captions.setdefault(picture, [])
        own += [" ".join(normalise(caption).split()) for caption in captions if caption.strip()]
        if split is not None:
            self.splits[picture] = split


def claims(path: Path) -> bool:
    """Whether what lies at `path` is pictures with captions."""
    return next(iter(_sources(path)), None) is not None


def recognizes(path: Path) -> bool:
    """Whether what lies at `path` can only be pictures with captions, for who does not ask for them."""
    return any(_is_unmistakable(file) for file, _ in _sources(path))


def sources(path: Path) -> list[Path]:
    """The files and folders that the result depends on."""
    return [path] if path.is_dir() else [path, _folder(path)]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Pictures with their captions as token sequences.

    Raises:
        GlassworkError: for a source in none of the formats, or without a picture or a caption that can be read.
    """
    found = _collect(path, options)
    located, captions, splits = _locate(found, path)
    decoded = decode_files(located, options)
    kept = decoded.kept.tolist()
    captions, names = [captions[row] for row in kept], [_name(located[row], path) for row in kept]
    divided = bool(found.splits)
    own = [splits[row] for row in kept]
    columns, offsets, vocabulary = caption_columns(captions, own, options)
    columns |= {"inputs": decoded.inputs, "fingerprints": decoded.fingerprints, "sizes": decoded.sizes}
    if divided:
        columns["split"] = torch.tensor(own, dtype=torch.uint8)
    _, channels, height, width = decoded.inputs.shape
    margin = decoded.margin
    shape = (channels, height - 2 * margin, width - 2 * margin)
    return Dataset(
        columns,
        Task(Images(shape, span=decoded.span), TokenSequence(vocabulary)),
        str(path),
        names,
        margin,
        (*found.said, *decoded.skipped),
        offsets,
    )


def caption_columns(
    captions: Sequence[Sequence[str]], splits: Sequence[int], options: ReadingOptions
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], Vocabulary]:
    """Captions as the columns `targets` and `references`, where their rows end, and the vocabulary.

    Args:
        captions: of each picture, at least one.
        splits: of each picture; the vocabulary is that of the training captions.
        options: how captions are split into tokens.
    """
    if options.like is not None:
        vocabulary = TokenSequence.of(options.like).vocabulary
    else:
        trained = [text for texts, split in zip(captions, splits, strict=True) if split == TRAINING for text in texts]
        every = [text for texts in captions for text in texts]
        vocabulary = find_vocabulary(trained or every, options.pieces, options.vocabulary, options.least)
    written, ends = joined_bytes(["\n".join(texts) for texts in captions])
    targets, begins = _tokens(captions, vocabulary, options.longest)
    return {"targets": targets, "references": written}, {"targets": begins, "references": ends}, vocabulary


def _tokens(
    captions: Sequence[Sequence[str]], vocabulary: Vocabulary, longest: int | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens of all captions of each picture, every caption with its end."""
    every = [text for texts in captions for text in texts]
    values, offsets = encode(every, vocabulary, longest)
    end = torch.tensor([len(vocabulary)], dtype=torch.int32)
    parts = [torch.cat([part, end]) for part in ragged.split(values, offsets, torch.arange(len(every)))]
    lengths = iter([len(part) for part in parts])
    counts = [sum(next(lengths) for _ in texts) for texts in captions]
    return torch.cat(parts), ragged.offsets_of(torch.tensor(counts))


def _folder(path: Path) -> Path:
    """From where pictures are named: a file in a folder `annotations` names those beside this folder (COCO)."""
    if path.is_dir():
        return path
    return path.parent.parent if path.parent.name.casefold() == _ANNOTATIONS else path.parent


def _name(picture: Path, path: Path) -> str:
    base = _folder(path)
    return str(picture.relative_to(base)) if picture.is_relative_to(base) else str(picture)


def _locate(found: _Captions, path: Path) -> tuple[list[Path], list[list[str]], list[int]]:
    """The files of the pictures that have captions, with sentences about the others."""
    finder, located, captions, splits = PictureFinder(found.folder), [], [], []
    without, missing = [], []
    below: dict[str, list[Path]] | None = None
    for name, texts in found.captions.items():
        if not texts:
            without.append(name)
            continue
        file = finder.find(name)
        if file is None:
            below = _by_name(found.folder) if below is None else below
            file = _only(name, below.get(name.replace("\\", "/").rpartition("/")[2], []), path)
        if file is None:
            missing.append(name)
            continue
        located.append(file)
        captions.append(texts)
        splits.append(found.splits.get(name, TRAINING))
    found.said += finder.said()
    for names, words in ((without, "no caption"), (missing, f"a caption and no file below {found.folder}")):
        if names:
            have = "picture has" if len(names) == 1 else "pictures have"
            left = "was left out:" if len(names) == 1 else "were left out, such as"
            found.said.append(f"{len(names):,} {have} {words} and {left} {_listed(names)}.")
    if not located:
        why = f"not one of its {len(missing):,} pictures is there, such as {missing[0]}" if missing else "no captions"
        raise GlassworkError(f"{path} holds no picture with a caption: {why}")
    return located, captions, splits


def _by_name(folder: Path) -> dict[str, list[Path]]:
    """All files in a folder and below, by their names without the folders."""
    found: dict[str, list[Path]] = {}
    for each in map(Path, files_below(folder)):
        found.setdefault(each.name, []).append(each)
    return found


def _only(name: str, files: Sequence[Path], path: Path) -> Path | None:
    """The one file that a picture's name can mean; None: there is none."""
    files = [file for file in files if file.as_posix().endswith(f"/{name}")] or files
    if len(files) > 1:
        raise GlassworkError(
            f"{path}: {name} may be {files[0]} or {files[1]}: write the names of pictures with their folder"
        )
    return files[0] if files else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED])


def _collect(path: Path, options: ReadingOptions) -> _Captions:
    """What the source says, by the format that it is in; parts that are named after splits together."""
    found = _Captions(_folder(path))
    parts: dict[int, Path] = {}
    named = list(_sources(path, alone=options.answering or options.splits == "ignore"))
    if not named:
        raise GlassworkError(f"{path} holds no pictures with captions: expected {FORMAT}")
    for source, split in named:
        kind = _format(source)
        assert kind is not None
        with parsing(source):
            _READ[kind](source, found, split)
        if split is not None:
            parts.setdefault(split, source)
    if options.splits == "ignore" or len(set(found.splits.values())) < 2:
        found.splits.clear()
    elif len(parts) > 1:
        found.said.append(say_parts(parts))
    else:
        found.said.append(f"The source says which pictures train, validate and test. If it should not: {IGNORING}.")
    return found


def _sources(path: Path, alone: bool = True) -> Iterator[tuple[Path, int | None]]:
    """The files and folders that name captions, and the split that each is named after.

    Args:
        path: a folder or a file.
        alone: whether a file is all, although others may be the validation and test parts beside it.
    """
    if path.is_file():
        if _format(path) is not None:
            parts = {} if alone else parts_of(path, _files(path.parent))
            yield from ((file, split) for split, file in parts.items()) if len(parts) > 1 else [(path, None)]
        return
    files = [file for file in _files(path) if _format(file) is not None]
    files = [file for file in files if "caption" in file.name.casefold()] or files  # COCO has boxes beside captions
    if files:
        parts = split_parts(files, _SEVERAL)
        if TRAINING in parts:
            yield from ((file, split) for split, file in parts.items())
        else:
            yield from ((file, None) for file in files)
        return
    for split, folder in split_folders(path).items():
        inside = [file for file in _files(folder) if _format(file) is not None]
        if inside:
            yield from ((file, split) for file in inside)
        elif _has_pairs(folder):
            yield folder, split
        files += inside or [folder]
    if not files and _has_pairs(path):
        yield path, None


def _files(folder: Path) -> list[Path]:
    """Files of a folder and of its folder `annotations`, in the order of their names."""
    places = [folder, folder / _ANNOTATIONS]
    found = [file for place in places if place.is_dir() for file in visible(place) if file.is_file()]
    return sorted(found, key=lambda file: natural(file.name))


def _format(path: Path) -> str | None:
    """The format of a file of captions; None if it is none."""
    if path.is_dir():
        return "pairs"
    name = path.name.lower()
    if name.endswith(".json"):
        return "json" if _looks_like_captions(path) else None
    if name.endswith(".jsonl"):
        return "jsonl"
    if name.endswith((".csv", ".tsv")):
        return "table" if _columns_of(path) is not None else None
    if name.endswith((".token", ".token.txt")) or (name.endswith(".txt") and _is_token_file(path)):
        return "flickr"
    return None


def _head(path: Path) -> str:
    """The beginning of a text file."""
    with open_regular(path) as file:
        return file.read(_HEAD).decode("utf-8-sig", errors="replace")


def _looks_like_captions(path: Path) -> bool:
    head = _head(path)
    return '"images"' in head or '"annotations"' in head or '"info"' in head


def _is_token_file(path: Path) -> bool:
    first = _head(path).partition("\n")[0]
    picture = first.partition("\t")[0]
    return "\t" in first and is_named_as_picture(_TOKEN.sub("", picture).strip())


def _json(path: Path) -> dict[str, Any]:
    try:
        found = parse_json(read_text(path)[0], path)
    except ValueError as error:
        raise GlassworkError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("images"), list):
        raise GlassworkError(f"{path} holds no list 'images': expected COCO captions or Karpathy's split")
    return found


def _read_json(path: Path, found: _Captions, split: int | None) -> None:
    """COCO (`images` and `annotations`; Chen et al. 2015) or Karpathy's split (`images` with `sentences`)."""
    whole = _json(path)
    places = _places(path, found, split)
    by_number: dict[object, str] = {}
    for image in whole["images"]:
        name = str(image.get("file_name") or image.get("filename") or "") if isinstance(image, dict) else ""
        if not name:
            raise GlassworkError(f"{path} has an image without a file_name: {str(image)[:80]}")
        if "sentences" in image:
            said = {"restval": "train"}.get(str(image.get("split")), str(image.get("split")))
            name = "/".join(part for part in (str(image.get("filepath") or ""), name) if part)
            raws = [str(each.get("raw") or " ".join(each.get("tokens", ()))) for each in image["sentences"]]
            found.add(name, raws, split_of(said))
        else:
            by_number[image.get("id")] = name = _beside(places, found, name)
            found.add(name, (), split)
    for each in whole.get("annotations", ()) if by_number else ():
        if each.get("image_id") in by_number and "caption" in each:
            found.add(by_number[each["image_id"]], [str(each["caption"])], split)


def _read_jsonl(path: Path, found: _Captions, split: int | None) -> None:
    """Lines of JSON with `file_name` and `text`, as Hugging Face's image folders have them."""
    places = _places(path, found, split)
    for number, line in enumerate(lines_of(read_text(path)[0]), 1):
        if not line.strip():
            continue
        try:
            each = parse_json(line, f"{path} line {number}")
        except ValueError:
            raise GlassworkError(f"{path} line {number} is not JSON") from None
        picture, caption = _first(each, _PICTURE_COLUMNS), _first(each, _CAPTION_COLUMNS)
        if picture is None:
            raise GlassworkError(f"{path} line {number} names no picture: expected a key file_name")
        texts = [str(text) for text in caption] if isinstance(caption, list) else [str(caption or "")]
        said = split_of(str(each["split"])) if "split" in each else split
        found.add(_beside(places, found, str(picture)), texts, said)


def _places(path: Path, found: _Captions, split: int | None) -> list[Path]:
    """Where the pictures of a file of captions may lie: beside it, or in the folder that is named after its split."""
    folders = split_folders(found.folder) if split is not None else {}
    return [path.parent, *([folders[split]] if split in folders else [])]


def _beside(places: Sequence[Path], found: _Captions, picture: str) -> str:
    """A picture of one of some places, as it is named from the source's folder; else as it is written."""
    for place in places:
        near = place / picture
        if near.is_relative_to(found.folder) and is_there(near):
            return str(near.relative_to(found.folder))
    return picture


def _first(each: object, names: Sequence[str]) -> Any:
    if not isinstance(each, dict):
        return None
    return next((each[name] for name in names if name in each), None)


def _columns_of(path: Path) -> tuple[str, str, list[str]] | None:
    """The delimiter, and the header, of a table with columns for pictures and captions."""
    head = _head(path).partition("\n")[0].strip()
    for delimiter in ("\t", "|", ",", ";"):
        names = [cell.strip().strip('"').casefold() for cell in head.split(delimiter)]
        picture = next((name for name in names if name in _PICTURE_COLUMNS), None)
        caption = next((name for name in names if name in _CAPTION_COLUMNS), None)
        if picture is not None and caption is not None:
            return delimiter, head, names
    return None


def _read_table(path: Path, found: _Captions, split: int | None) -> None:
    columns = _columns_of(path)
    assert columns is not None
    delimiter, _, names = columns
    rows = csv.reader(lines_of(read_text(path)[0])[1:], delimiter=delimiter, skipinitialspace=True)
    picture = next(place for place, name in enumerate(names) if name in _PICTURE_COLUMNS)
    captions = [place for place, name in enumerate(names) if name in _CAPTION_COLUMNS]
    own = next((place for place, name in enumerate(names) if name == "split"), None)
    places = _places(path, found, split)
    for row in rows:
        if len(row) <= picture:
            continue
        said = split_of(row[own]) if own is not None and own < len(row) else split
        texts = [row[place] for place in captions if place < len(row)]
        found.add(_beside(places, found, row[picture].strip()), texts, said)


def _read_flickr(path: Path, found: _Captions, split: int | None) -> None:
    """`1000.jpg#0<tab>caption` (Hodosh et al. 2013), with the lists of pictures of each split beside it."""
    for line in lines_of(read_text(path)[0]):
        picture, tab, caption = line.partition("\t")
        if tab:
            found.add(_TOKEN.sub("", picture).strip(), [caption], split)
    for file in visible(path.parent):
        said = split_of(re.sub(r"(?i)flickr_?\d*k?\.?|images?", " ", file.stem)) if file.suffix == ".txt" else None
        if said is not None and file != path:
            for line in lines_of(read_text(file)[0]):
                if line.strip() in found.captions:
                    found.splits[line.strip()] = said


def _is_unmistakable(path: Path) -> bool:
    """Whether captions are named as such, or the texts beside pictures have words and not the numbers of boxes."""
    if path.is_dir():
        return any(character.isalpha() for character in _head(next(_pairs(path))[1]))
    if path.name.lower().endswith(".jsonl"):
        head = _head(path).partition("\n")[0]
        return any(f'"{name}"' in head for name in _PICTURE_COLUMNS[:5])
    if not path.name.lower().endswith(".json"):
        return True
    with open_regular(path) as file:
        return b'"caption' in file.read()


def _has_pairs(folder: Path) -> bool:
    return next(_pairs(folder), None) is not None


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Pictures with a text file of the same name."""
    for picture in _pictures(folder):
        text = picture.with_suffix(".txt")
        if text.is_file():
            yield picture, text


def _pictures(folder: Path) -> list[Path]:
    names = (name for name in files_below(folder) if is_named_as_picture(name))
    return [Path(name) for name in sorted(names, key=natural)]


def _read_pairs(path: Path, found: _Captions, split: int | None) -> None:
    """Pictures beside texts, a caption to a line; a picture without a text is named."""
    for picture in _pictures(path):
        text = picture.with_suffix(".txt")
        captions = lines_of(read_text(text)[0]) if text.is_file() else ()
        name = str(picture.relative_to(found.folder)) if picture.is_relative_to(found.folder) else str(picture)
        found.add(name, captions, split)


_READ = {"json": _read_json, "jsonl": _read_jsonl, "table": _read_table, "flickr": _read_flickr, "pairs": _read_pairs}
