"""Choosing a preset from what the data is."""

from collections.abc import Mapping
from typing import Any

from glasswork.data import readers
from glasswork.data.examples import ReadingOptions

IMAGES, ROWS, OWN, USUAL = "lenet", "mlp", "own", "lenet"


def choose(values: Mapping[str, Any]) -> str:
    """The preset for what was asked: the user's own network, else what fits the data, else the first one to try."""
    if values.get("network"):
        return OWN
    if values.get("data") is None:
        return USUAL
    options = ReadingOptions(values.get("size"), target=values.get("target"), strict=bool(values.get("strict")))
    return IMAGES if readers.read(values["data"], options).schema.inputs == "image" else ROWS
