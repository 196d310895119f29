"""Files of pairs of texts: tables, TMX and JSON lines, and two files of which one line translates the other."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from glasswork.data.dataset import ReadingOptions
from glasswork.data.encodings import Encoding, lines_of, read_text
from glasswork.data.formats.splits import COLUMNS, say_column, split_column
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.parts import USUAL_TARGETS
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError
from glasswork.limits import parse_json

_TABLES = {".tsv": "\t", ".tab": "\t", ".csv": ","}
_JSON = (".jsonl", ".ndjson", ".json")
_LISTED = (*_TABLES, *_JSON, ".tmx")
_SIDES = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("input", "output"), ("question", "answer"))
_CODES = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn "
    "ko la lb lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl so sq sr sv sw ta "
    "te tg th tl tr tt uk ur uz vi wo xh yi yo zh zu"
)
_LANGUAGES = frozenset(_CODES.split())
_WORDS = "text translation word words phones pronunciation sentence english spanish german french italian latin"
_NAMES = frozenset([*_WORDS.split(), "id", "verse", "url", "date", "comment", "reference"])
_CODE = re.compile(r"([a-z]{2})(?:[-_][a-z]{2,4})?", re.IGNORECASE)


@dataclass
class Rows:
    """The pairs of one file.

    Attributes:
        pairs: source and target as they were written.
        names: where each came from.
        splits: which part each belongs to; None: the file does not say.
        said: sentences about how it was read.
        encodings: of the files that were read.
    """

    pairs: Sequence[tuple[str, str]]
    names: list[str]
    splits: Sequence[int | None]
    said: list[str] = field(default_factory=list)
    encodings: list[tuple[str, Encoding]] = field(default_factory=list)


def is_listed(path: Path) -> bool:
    """Whether a file by its name holds pairs, and not one side of them."""
    return path.suffix.lower() in _LISTED


def is_language(word: str) -> bool:
    """Whether a word is the name of a language or of a side, such as `en`, `pt-BR` or `source`."""
    code = _CODE.fullmatch(word)
    sides = {side for pair in _SIDES for side in pair}
    return word.casefold() in sides or (code is not None and code[1].casefold() in _LANGUAGES)


def pairs_of_files(files: Iterable[Path]) -> dict[str, list[tuple[str, Path]]]:
    """Files of which two differ in their language alone, such as `train.en` and `train.es`: language and file of each.

    Returns:
        By what is common to both names, each two of them, the languages in order.
    """
    found: dict[str, list[tuple[str, Path]]] = {}
    for path in files:
        name = path.name.removesuffix(".txt")
        stem, _, language = name.rpartition(".") if "." in name else name.rpartition("_")
        if is_language(language):
            found.setdefault(stem, []).append((language, path))
    return {stem: _in_order(pair) for stem, pair in found.items() if len(pair) == 2}


def aligned_pair(path: Path) -> list[tuple[str, Path]] | None:
    """A file and the one that is aligned with it, with their languages; None: there is none."""
    pairs = pairs_of_files(each for each in visible(path.parent) if each.is_file() and not is_listed(each))
    return next((pair for pair in pairs.values() if path.name in (file.name for _, file in pair)), None)


def recognizes(table: Table, options: ReadingOptions, path: Path) -> bool:
    """Whether the columns of a table are named after languages or sides, or are two columns of texts and no more."""
    names = [name.casefold() for name in table.columns if name.casefold() not in COLUMNS]
    if options.target is not None or any(name in USUAL_TARGETS for name in names):
        return False
    if sum(map(is_language, names)) > 1 or any(set(pair) <= set(names) for pair in _SIDES):
        return True
    return len(names) == 2 and all(isinstance(table.columns[name], list) for name in table.columns)


def order_languages(
    pair: Sequence[tuple[str, Path]], options: ReadingOptions
) -> tuple[list[tuple[str, Path]], list[str]]:
    """Two sides with their languages, the source first as the options say, and a sentence about which it is.

    Raises:
        GlassworkError: for a language that neither is.
    """
    names = [name for name, _ in pair]
    for asked in (options.text, options.target):
        if asked is not None and asked not in names:
            raise GlassworkError(f"There is no side '{asked}': these are {' and '.join(names)}")
    turned = options.text == names[1] or options.target == names[0]
    ordered = list(reversed(pair)) if turned else list(pair)
    first, second = (name for name, _ in ordered)
    known = tuple(name.casefold() for name in names) in _SIDES or options.text or options.target
    return ordered, [] if known else [f"Read as {first} to {second}. For the other way: --source {second}."]


def read_listed(path: Path, options: ReadingOptions, alone: bool = False) -> Rows:
    """The pairs of a table, of TMX or of JSON lines.

    Args:
        path: the file.
        options: which columns or languages are taken, by `text` and `target`.
        alone: whether the sources may stand alone, as their translations are asked for.

    Raises:
        GlassworkError: for a file that is damaged, or has other columns.
    """
    suffix = path.suffix.lower()
    text, encoding = read_text(path)
    if suffix == ".tmx":
        found = _of_named(_units(path, text), path, options, alone)
    elif suffix in _JSON:
        found = _of_named(_objects(path, text), path, options, alone)
    else:
        found = _of_table(path, text, options, alone)
    found.encodings.append((path.name, encoding))
    return found


def _in_order(pair: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    names = tuple(name.casefold() for name, _ in pair)
    backwards = {(second, first) for first, second in _SIDES}
    return pair[::-1] if names in backwards else pair


def _of_table(path: Path, text: str, options: ReadingOptions, alone: bool) -> Rows:
    lines, numbers = _cells(path, text)
    if not lines:
        raise GlassworkError(f"{path} is empty: expected two columns, a text and its translation")
    head = [cell.strip() for cell in lines[0]]
    named = options.text is not None or options.target is not None or _is_head(head)
    if named:
        lines, numbers = lines[1:], numbers[1:]
    else:
        head = [f"column {place}" for place in range(1, len(head) + 1)]
    records = [dict(zip(head, [*row, *[""] * len(head)], strict=False)) for row in lines]
    found = _of_records([f"{path.name} line {number}" for number in numbers], records, head, path, options, alone)
    if not named and len(head) > 2:
        found.said = [f"{path.name} has no names of columns: its first two columns are read."]
    return found


def _cells(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """The rows of a table, blank ones left out, and the line that each ends at."""
    delimiter = _TABLES[path.suffix.lower()]
    if delimiter == "\t":  # in which quotes are letters as any others
        rows = [(number, line.split("\t")) for number, line in enumerate(lines_of(text), 1)]
    else:
        limit = csv.field_size_limit(1 << 28)
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            rows = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise GlassworkError(f"{path} is damaged as CSV: {error}") from None
        finally:
            csv.field_size_limit(limit)
    kept = [(number, row) for number, row in rows if any(cell.strip() for cell in row)]
    return [row for _, row in kept], [number for number, _ in kept]


def _is_head(cells: Sequence[str]) -> bool:
    """Whether the first row of a table names its columns."""
    words = [cell.casefold() for cell in cells]
    known = [word in _NAMES or word in COLUMNS or is_language(word) for word in words]
    return len(set(words)) == len(words) and len(words) > 1 and all(known)


def _of_records(
    names: list[str],
    records: Sequence[Mapping[str, str]],
    head: Sequence[str],
    path: Path,
    options: ReadingOptions,
    alone: bool,
) -> Rows:
    """The pairs among records whose fields have the names in `head`."""
    if not records:
        raise GlassworkError(f"{path} holds no pairs of texts")
    for asked in (options.text, None if alone else options.target):
        if asked is not None and asked not in head:
            raise GlassworkError(f"{path} has no column '{asked}': its columns are {', '.join(head)}")
    divided = split_column({name: [record.get(name, "") for record in records] for name in head})
    left = [name for name in head if divided is None or name != divided[0]]
    source, target = _sides(left, path, options, alone)
    unused = [name for name in left if name not in (source, target)]
    said = [] if not unused or alone else [f"Columns that are not used: {', '.join(unused)}."]
    splits: Sequence[int | None] = [None] * len(records)
    if divided is not None and options.splits != "ignore":
        splits = divided[1]
        said.append(say_column(divided[0]))
    pairs = [(record.get(source, ""), record.get(target, "") if target else "") for record in records]
    return Rows(pairs, names, splits, said)


def _sides(head: Sequence[str], path: Path, options: ReadingOptions, alone: bool) -> tuple[str, str | None]:
    """Which columns hold the texts and their translations: those asked for, those of known names, else the first."""
    folded = {name.casefold(): name for name in head}
    usual = next(((folded[a], folded[b]) for a, b in _SIDES if a in folded and b in folded), ())
    order = [*usual, *head]
    source = options.text or next((name for name in order if name != options.target), None)
    target = options.target or next((name for name in order if name != source), None)
    if source is None or (target is None and not alone) or source == target:
        raise GlassworkError(f"{path} has one column, '{head[0]}': expected two, a text and its translation")
    return source, target


def _of_named(records: list[tuple[str, dict[str, str]]], path: Path, options: ReadingOptions, alone: bool) -> Rows:
    """The same of records that have their fields' names in themselves."""
    head = list(dict.fromkeys(name for _, record in records for name in record))
    return _of_records([name for name, _ in records], [record for _, record in records], head, path, options, alone)


def _objects(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    """The objects of JSON lines, or of one list; of each its texts by their names, those of `translation` first."""
    if path.suffix.lower() == ".json":
        whole = _parsed(path, text, "")
        lists = [each for each in whole.values() if isinstance(each, list)] if isinstance(whole, dict) else []
        inner = lists[0] if lists else whole if isinstance(whole, list) else [whole]
        found = [(f"{path.name} entry {number}", one) for number, one in enumerate(inner, 1)]
    else:
        lines = [(f"{path.name} line {number}", line) for number, line in enumerate(lines_of(text), 1) if line.strip()]
        found = [(name, _parsed(path, line, f" in {name.rpartition(' ')[2]}")) for name, line in lines]
    records = []
    for name, one in found:
        if not isinstance(one, dict):
            raise GlassworkError(
                f"{name} is no JSON object: expected one with two texts, such as {{'en': .., 'es': ..}}"
            )
        inside = one.get("translation")
        flat = {**inside, **one} if isinstance(inside, dict) else one
        records.append((name, {key: value for key, value in flat.items() if isinstance(value, str)}))
    return records


def _parsed(path: Path, text: str, where: str) -> Any:
    line = f" line {where.removeprefix(' in ')}" if where else ""
    try:
        return parse_json(text, f"{path}{line}")
    except ValueError as error:
        raise GlassworkError(f"{path}{line} is damaged as JSON: {error}") from None


class _Units:
    """Reads the units of a TMX file: a text in each language; entities of the file's own are refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[tuple[str, dict[str, str]]] = []
        self.language, self.inside, self.skipped, self.unit, self.pieces = "", False, 0, dict[str, str](), list[str]()
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.EntityDeclHandler = self.refuse

    def refuse(self, *declared: object) -> NoReturn:
        raise GlassworkError(
            f"{self.path} declares an entity ('{declared[0]}'), which a TMX file does not need: remove it"
        )

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "tu":
            self.unit = {}
        elif name == "tuv":
            self.language = (attributes.get("xml:lang") or attributes.get("lang") or "").casefold()
        elif name == "seg":
            self.inside, self.pieces = True, []
        elif self.inside and name in ("bpt", "ept", "it", "ph", "ut"):  # the codes of a layout
            self.skipped += 1

    def end(self, name: str) -> None:
        if name == "seg":
            self.inside = False
            self.unit.setdefault(self.language, "".join(self.pieces))
        elif name == "tu" and self.unit:
            self.found.append((f"{self.path.name} unit {len(self.found) + 1}", self.unit))
        elif self.skipped and name in ("bpt", "ept", "it", "ph", "ut"):
            self.skipped -= 1

    def text(self, characters: str) -> None:
        if self.inside and not self.skipped:
            self.pieces.append(characters)


def _units(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    units = _Units(path)
    try:
        # The text is decoded already, whatever encoding its first line names.
        units.parser.Parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode(), True)
    except expat.ExpatError as error:
        raise GlassworkError(f"{path} is damaged as TMX: {error}") from None
    return units.found
