"""Compares two recorded folders bit for bit: python -m tests.golden.compare BEFORE AFTER [--only NAME ...].

Prints every difference on a line with the path of its key; the exit code is 1 if there is any.
"""

import argparse
import fnmatch
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from glasswork.recipe.base import RENAMED as RECIPE_KEYS

SHOWN = 160
"""Characters of a value that are printed."""


@dataclass(frozen=True)
class Renamed:
    """A key that has another name on purpose, in a recipe, in JSON or in a checkpoint.

    Attributes:
        old: its name before, or the end of its path, such as `recipe.sequence`.
        new: its name now: the last part alone.
        reason: why.
    """

    old: str
    new: str
    reason: str


@dataclass(frozen=True)
class Changed:
    """Values that differ on purpose.

    Attributes:
        path: pattern of a path as it is printed, such as `verb-nearest:nearest.said*`.
        reason: why.
    """

    path: str
    reason: str


RENAMED: tuple[Renamed, ...] = tuple(
    Renamed(f"{where}.{old}", new, "recipe fields have the field's standard terms")
    for old, new in RECIPE_KEYS.items()
    for where in ("recipe", "toml")
)

CHANGED: tuple[Changed, ...] = (
    *(
        Changed(
            f"*-{preset}*:open*.operands.*.source",
            "before the rebuild, what an operand came out of was looked up by an id() that another tensor could have "
            "taken over: those records differ from process to process",
        )
        for preset in ("sentiment", "forecast", "tagger", "char-rnn", "video")
    ),
    Changed("*.format", "the numbers of the formats rose with what is stored"),
    Changed("*report.json*", "a report is made of blocks (format 3)"),
    Changed("*.html*", "pages are drawn from these blocks"),
    Changed("*model/model.json.schema", "the task takes the place of the schema"),
    Changed("*model/model.json.task", "the task takes the place of the schema"),
    Changed("*model/model.json.images", "how images are read is part of their kind"),
    Changed("*glasswork.recipe", "recipe fields have the field's standard terms"),
    Changed("*diagnose*.remarks", "the doctor says if the loss that it looks into is not what was minimised"),
    Changed("*diagnose*.chance", "the doctor sets the loss against guessing"),
    Changed("*embed*:open.json.remarks*", "so does open"),
    Changed("*heatmap*:*area_under_roc", "a heat map is judged by all its figures after an epoch"),
    Changed("*function*:*largest_error", "so is a function"),
    Changed("*.safetensors.remarks", "remarks of the beginning are in the run's result, not in its checkpoints"),
    Changed("*/share", "the share of counted words is set by `complete`"),
    Changed("*.png", "charts, maps and neighbours are drawn by one palette"),
    Changed("*systems*", "the presets stand in the order of the catalogue"),
    Changed("python:trained.returned.presets*", "the presets stand in the order of the catalogue"),
    Changed("verb-count:count#1[67]*", "the presets stand in the order of the catalogue"),
    Changed("*.command", "flags stand in the order of the recipe's fields"),
    Changed("*.printed*", "tables and sentences for people are drawn by one renderer and worded in plain English"),
    Changed("*.said*", "sentences are in plain English"),
    Changed("*.meaning", "sentences are in plain English"),
    Changed("verb-help*", "descriptions are in plain English"),
    Changed("interrupted*:resume*", "Ctrl-C comes at another step from time to time"),
    Changed("refused-words*:train lenet --data images.npz --penalty max-norm*", "max-norm has a usual strength"),
    Changed("refused-words*:train mlp --data table.csv --restarts 4 --validation 0*", "what is kept follows"),
    Changed("*.select_by", "without validation examples what is kept follows from the training loss"),
    Changed("further-sentiment-number*loss", "numbers are brought to their own units before they are measured: 1e-7"),
    Changed("refused-of-runs*:train#6*", "targets are read in float64"),
    Changed("refused-words:train *", "recipe fields have the field's standard terms"),
    Changed("*forecast*", "nothing of a series is filled from the future, and its calendar is stored"),
    Changed("*.splits", "a recipe says by which words parts are known"),
    Changed("formats*.warnings*", "what was passed over is said"),
    Changed("further-convnet-small-folder:predict*", "files of a folder are asked about in the order of their numbers"),
)

# What is recorded for a reader of the record; a line may be spelled anew, as its place in the scene stays.
UNCOMPARED = {"line"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.compare", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="scenes, also as patterns such as 'preset-*'")
    options = parser.parse_args(arguments)
    differences = [
        line for line in folders(options.before, options.after, options.only or ["*"]) if not is_expected(line)
    ]
    for line in differences:
        print(line)
    print(f"{len(differences)} differences" if differences else "equal", file=sys.stderr)
    return 1 if differences else 0


def is_expected(line: str) -> bool:
    path = line.partition(": ")[0]
    return any(fnmatch.fnmatch(path, changed.path) for changed in CHANGED)


def folders(before: Path, after: Path, only: list[str]) -> Iterator[str]:
    """The differences of two recorded folders."""
    names = sorted({path.name for folder in (before, after) for path in folder.glob("*.json")})
    chosen = [name for name in names if any(fnmatch.fnmatch(name.split(".")[0], pattern) for pattern in only)]
    if not chosen:
        yield f"{before}: nothing is recorded there"
    for name in chosen:
        scene = name.removesuffix(".json")
        missing = [folder for folder in (before, after) if not (folder / name).exists()]
        if missing:
            yield f"{scene}: not recorded in {missing[0]}"
            continue
        old, new = (json.loads((folder / name).read_text(encoding="utf-8")) for folder in (before, after))
        yield from values(old, new, (), scene)


def values(old: Any, new: Any, path: tuple[str, ...], scene: str) -> Iterator[str]:
    """The differences of two JSON values at one path."""
    if isinstance(old, dict) and isinstance(new, dict):
        old = {renamed(key, path): value for key, value in old.items()}
        for key in [*old, *(key for key in new if key not in old)]:
            if key in UNCOMPARED:
                continue
            if key not in new or key not in old:
                side, value = ("before", old[key]) if key in old else ("after", new[key])
                yield f"{written((*path, key), scene)}: only {side}: {shown(value)}"
            else:
                yield from values(old[key], new[key], (*path, key), scene)
    elif path[-1:] == ("batches",):
        yield from sequences(old, new, written(path, scene))
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{written(path, scene)}: {len(old)} items != {len(new)} items"
        for place, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from values(one, other, (*path, str(place)), scene)
    elif type(old) is not type(new) or json.dumps(old) != json.dumps(new):  # nan is nan, and 1 is not 1.0
        yield f"{written(path, scene)}: {shown(old)} != {shown(new)}"


def sequences(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    """The differences of two lists of batches: one that is missing says nothing about those after it."""
    before, after = ([json.dumps(each) for each in side] for side in (old, new))
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield f"{path}.{first}: {shown(old[first:last])} != {shown(new[start:end])}"


def renamed(key: str, path: tuple[str, ...]) -> str:
    full = ".".join((*path, key))
    return next((each.new for each in RENAMED if full == each.old or full.endswith(f".{each.old}")), key)


def written(path: tuple[str, ...], scene: str) -> str:
    return f"{scene}:{'.'.join(path)}"


def shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
