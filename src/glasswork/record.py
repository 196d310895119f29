"""What the glass box hands out: frozen, free of torch's types, to JSON and back."""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Self, Union, get_args, get_origin, get_type_hints


class Record:
    """The common base of all findings of the glass box: frozen dataclasses of plain numbers, words and each other.

    Fields may be numbers, strings, booleans, None, other records, tuples of these, and mappings from strings.
    """

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON types in full precision; inf and nan, which JSON lacks, as strings."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote.

        Raises:
            KeyError: where a field is missing.
        """
        hints = get_type_hints(cls)
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        return cls(**{field.name: _typed(hints[field.name], value[field.name]) for field in fields})


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _typed(hint: Any, value: Any) -> Any:
    """The plain `value` as the type that a field's annotation asks for."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        return None if value is None else _typed(_fitting(kinds, value), value)
    if origin is tuple:
        many = len(arguments) == 2 and arguments[1] is Ellipsis
        kinds = [arguments[0]] * len(value) if many else list(arguments)
        return tuple(_typed(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin is not None:
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_json(value)
    return float(value) if hint is float else value


def _fitting(kinds: list[Any], value: Any) -> Any:
    """Which of several types a plain value was; a string that should be a number is inf or nan."""
    for kind in kinds:
        if isinstance(kind, type) and (
            type(value) is kind or (issubclass(kind, Record) and isinstance(value, Mapping))
        ):
            return kind
        if get_origin(kind) is tuple and isinstance(value, list):
            return kind
    return kinds[0]
