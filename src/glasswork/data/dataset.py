"""Examples: columns of tensors, and the task that says what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from glasswork.data import ragged
from glasswork.data.encodings import normalise
from glasswork.data.vocabulary import Pieces

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task
    from glasswork.recipe.base import Recipe


TRAINING, VALIDATION, TEST = 0, 1, 2
SPLIT_NAMES = ("train", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """A set of examples: one tensor per column, all with the same number of rows.

    Attributes:
        columns: `inputs` (uint8 images of shape (rows, channels, height + 2 margin, width + 2 margin), or float32
            vectors of shape (rows, features), NaN if unknown); `targets` (int64 (rows,) for `class`, uint8
            (rows, classes) for `classes`, float64 (rows, numbers) for `number`); `fingerprints` (int64 (rows,), equal
            for exact duplicates of the input); for image files `sizes` (int64 (rows, 2): height and width of the
            original); for texts with answers `texts` (uint8 (bytes,), as they were written, in UTF-8); of series
            `times` (int64 (rows,), as `Timing` counts them), with inputs float64 (rows, series, 1 + covariates), the
            value first, NaN if unknown; and, where the source says which row belongs where, `split` (uint8
            (rows,): TRAINING, VALIDATION or TEST). Columns may be memory-mapped and must not be written to. The inputs
            of a text are whole numbers (tokens,), those of a sequence float32 or uint8 (times, *shape), row after row.
        task: what the columns mean.
        source: the path or name they were read from.
        names: where each row came from, for messages and reports (a file name, `row 12`); may be empty.
        margin: pixels kept on each side of an image beyond `task.inputs.shape`, for random crops.
        skipped: one sentence for each input that could not be read, or column that could not be used, and was left
            out, and for each matter that a user should know about the others.
        offsets: of each column whose rows differ in length, by its name, where in it each row begins and the last one
            ends: int64 (rows + 1,), as Arrow's list arrays have it.
        ordered: whether the rows follow one another in time, so that what is held out is the end and no sample.
    """

    columns: Mapping[str, Tensor]
    task: "Task"
    source: str
    names: Sequence[str] = ()
    margin: int = 0
    skipped: tuple[str, ...] = field(default=())
    offsets: Mapping[str, Tensor] = field(default_factory=dict)
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.offsets["inputs"]) - 1 if "inputs" in self.offsets else len(self.columns["inputs"])

    def count(self, rows: Tensor) -> int:
        """How much there is to learn from at `rows`, in the target's unit."""
        return self.task.target.count(self, rows)

    def name(self, row: int) -> str:
        """Where row `row` came from, in words."""
        return self.names[row] if self.names else f"example {row}"

    def take(self, rows: Tensor) -> "Dataset":
        """The examples at `rows` (int64), in that order, with their names."""
        names = [self.names[row] for row in rows.tolist()] if self.names else ()
        columns, offsets = {}, {}
        for key, column in self.columns.items():
            if key in self.offsets:
                columns[key], offsets[key] = ragged.take(column, self.offsets[key], rows)
            else:
                columns[key] = column[rows]
        return replace(self, columns=columns, names=names, offsets=offsets)

    def with_task(self, task: "Task") -> "Dataset":
        """The same columns under another task."""
        return replace(self, task=task)


@dataclass(frozen=True)
class ReadingOptions:
    """What changes how a source is read, and so belongs to the key of its cache.

    Attributes:
        size: side of the square that images are brought to; None: the size that all of them share, else 64.
        margin: pixels to keep on each side beyond `size`, for random crops; only for images that are resized.
        target: the column (or, separated by commas, the columns) of a table to predict.
        strict: refuse a source with an unreadable input rather than skip it.
        channels: 1 or 3; None: 1 where every image is grey, else 3.
        classes_known: the examples are for a model that knows its classes, so that one class alone is no mistake.
        like: of the model that a table or a text is read for, so that its columns become the same features and its
            characters the same tokens; None: inferred from the data.
        vocabulary: how many different tokens a text may have; rarer ones become one unknown token.
        time: the column of a table that says when; None: found out from the data.
        identifier: the column of a table that says which series a line belongs to.
        text: the column of a table that holds the text; None: the one with the longest texts.
        pieces: what the tokens of labelled texts are.
        pieces_known: whether `pieces` also holds for short texts, which are else read character by character.
        target_pieces: what the tokens of answers are; None: as those of the texts.
        least: how often a token has to come in training; rarer ones become the unknown token.
        longest: how many tokens of one labelled text are read; None: all.
        encoding: of text files and tables; None: found out for each.
        pixel_range: black and white of pictures of more than 8 bits; None: found out.
        span: the range of values of the pictures that a model was trained on; None: found out.
        column: what columns of a table hold, as the user says: `NAME=KIND` each.
        missing: values of a table that stand for missing ones, as the user says: `VALUES` or `NAME=VALUES` each.
        target_kind: what the target is, as the user says; None: found out.
        splits: whether folders, files and columns that are named after splits (`train`, `dev`, ...) are read as such.
    """

    size: int | None = None
    margin: int = 0
    target: str | None = None
    strict: bool = False
    channels: int | None = None
    classes_known: bool = False
    like: "Task | None" = None
    vocabulary: int = 256
    time: str | None = None
    identifier: str | None = None
    text: str | None = None
    pieces: Pieces = "word"
    pieces_known: bool = True
    target_pieces: Pieces | None = None
    least: int = 1
    longest: int | None = None
    column: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    target_kind: Literal["class", "number", "labels"] | None = None
    splits: Literal["names", "ignore"] = "names"
    encoding: str | None = None
    pixel_range: tuple[float, float] | None = None
    span: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("target", "time", "identifier", "text"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, normalise(value))
        for name in ("column", "missing"):
            object.__setattr__(self, name, tuple(map(normalise, getattr(self, name))))

    @classmethod
    def of(cls, recipe: "Recipe", **others: Any) -> "ReadingOptions":
        """What a recipe says about reading, by the fields that have the same name in both; `others` count before it.

        The margin is never taken from a recipe: there the word means that of the triplet loss.
        """
        names = {each.name for each in fields(cls)} & set(type(recipe).model_fields) - {"margin"}
        said = {name: getattr(recipe, name) for name in names}
        return cls(**{**said, **others})

    @property
    def answering(self) -> bool:
        """Whether the examples are for a model, which knows what its recipe said about other data."""
        return self.classes_known or self.like is not None

    @property
    def least_classes(self) -> int:
        """How many classes a source must have."""
        return 1 if self.classes_known else 2


def fingerprints(inputs: Tensor) -> Tensor:
    """64-bit fingerprints of rows, equal for equal rows: a fixed random linear form over their bytes, modulo 2**64.

    Args:
        inputs: any tensor of shape (rows, ...).

    Returns:
        int64 of shape (rows,).
    """
    if len(inputs) == 0:
        return torch.empty(0, dtype=torch.int64)
    rows = inputs.reshape(len(inputs), -1).contiguous().view(torch.uint8)
    width = rows.shape[1]
    lanes = -(-width // 8)
    generator = torch.Generator().manual_seed(0x61A55)
    weights = torch.randint(-(2**62), 2**62, (lanes,), generator=generator) * 2 + 1
    result = torch.empty(len(rows), dtype=torch.int64)
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096]
        padded = torch.zeros(len(part), lanes * 8, dtype=torch.uint8)
        padded[:, :width] = part
        words = padded.view(torch.int64)
        result[start : start + 4096] = ((words ^ (words >> 29)) * weights).sum(1)
    return result
