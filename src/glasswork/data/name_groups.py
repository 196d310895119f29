"""Which pictures show the same thing, by their names: those of one group are never on two sides of a split."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePath

from glasswork.data.folds import Groups, groups_of

VARIANTS = re.compile(r"([-_ .]*(\d+|outline|copy|mirror|flip|crop|rotated)|[-_ .]*\(\d+\))+$", re.IGNORECASE)


def stem(name: str) -> str:
    """What a picture shows, from its file's name: frog, frog-1, frog2 and frog_outline are one thing.

    A name of numbers alone says nothing of the kind and is its own stem.
    """
    plain = PurePath(name).stem.casefold()
    return VARIANTS.sub("", plain) or plain


def groups_by_name(
    names: Sequence[str], labels: Sequence[int], least: int, rule: Callable[[str], str] = stem
) -> tuple[Groups, tuple[int, ...]]:
    """Groups of pictures of one class and one thing.

    A class of fewer things than `least` could not be split; its numbers are then taken to tell things apart, as in
    fish1 to fish26.

    Args:
        names: of the files.
        labels: the class of each.
        least: how many groups a class needs.
        rule: what a picture shows, from its file's name.

    Returns:
        The groups, and the classes whose pictures were taken to be of a thing each.
    """
    found = [(label, rule(name)) for name, label in zip(names, labels, strict=True)]
    things: dict[int, set[str]] = defaultdict(set)
    for label, thing in found:
        things[label].add(thing)
    apart = tuple(sorted(label for label, those in things.items() if len(those) < least))
    keys = [f"{label}/{name if label in apart else thing}" for name, (label, thing) in zip(names, found, strict=True)]
    return groups_of(keys), apart
