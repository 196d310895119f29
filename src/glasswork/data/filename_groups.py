"""Which pictures show the same thing, by their names: those of one group are never on two sides of a split."""

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath

from glasswork.data.folds import Groups, groups_of

VARIANT = r"([-_ .]*(\d+|outline|copy|mirror|flip|crop|rotated)|[-_ .]*\(\d+\))"
VARIANTS = re.compile(f"{VARIANT}+$", re.IGNORECASE)
LAST_VARIANT = re.compile(f"{VARIANT}$", re.IGNORECASE)


def stem(name: str) -> str:
    """What a picture shows, from its file's name: frog, frog-1, frog2 and frog_outline are one thing.

    A name of numbers alone says nothing of the kind and is its own stem.
    """
    plain = PurePath(name).stem.casefold()
    return VARIANTS.sub("", plain) or plain


def narrow_stem(name: str) -> str:
    """As `stem`, but of several numbers only the last one counts views of a thing: fish1-0 and fish1-1 are fish1."""
    plain = PurePath(name).stem.casefold()
    return LAST_VARIANT.sub("", plain) or plain


def groups_by_name(
    names: Sequence[str], labels: Sequence[int], least: int, rule: Callable[[str], str] = stem
) -> tuple[Groups, tuple[int, ...]]:
    """Groups of pictures of one class and one thing.

    A class of fewer things than `least` could not be split. Its last numbers alone are then taken to count views, and
    where that makes too few things as well, each picture is one: fish1-0 to fish26-3, fish1 to fish26.

    Args:
        names: of the files.
        labels: the class of each.
        least: how many groups a class needs.
        rule: what a picture shows, from its file's name.

    Returns:
        The groups, and the classes whose pictures were taken to be of a thing each.
    """
    rules: dict[int, Callable[[str], str]] = {}
    for label in set(labels):
        own = [name for name, other in zip(names, labels, strict=True) if other == label]
        rules[label] = next((each for each in (rule, narrow_stem) if len({*map(each, own)}) >= least), str)
    keys = [f"{label}/{rules[label](name)}" for name, label in zip(names, labels, strict=True)]
    return groups_of(keys), tuple(sorted(label for label, chosen in rules.items() if chosen is str))
