"""Kinds of recipe fields that several systems have; without torch, as recipes are."""

from typing import Annotated, Literal

from pydantic import BeforeValidator

from glasswork.recipe.base import words


def _changes(value: object) -> object:
    return () if value == "none" else words(value)


Changes = Annotated[tuple[str, ...], BeforeValidator(_changes)]
"""How images are augmented; the word `none` for not at all, where nothing said means something else."""

Activation = Literal["identity", "threshold", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "maxout"]
