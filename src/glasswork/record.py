"""Frozen dataclasses to plain JSON and back: what the glass box finds, and what reports are made of."""

import base64
import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin, get_type_hints


class Record:
    """The common base of frozen dataclasses that go to JSON and come back.

    Fields may be numbers, strings, booleans, bytes, None, other records, sequences of these, and mappings from strings.

    Attributes:
        tag: names the class in JSON, so that a field may be one of several records; empty: the field's type says it.
    """

    tag: ClassVar[str] = ""

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON types in full precision; inf, nan and bytes, which JSON lacks, as words."""
        fields = {name: _plain(getattr(self, name)) for name in _hints(type(self))}  # type: ignore[arg-type]
        return {"tag": self.tag, **fields} if self.tag else fields

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote; its sequences come back as tuples.

        Raises:
            KeyError: if a field is missing.
            ValueError: if a value is not of its field's type.
        """
        return read_fields(cls, value)


Fields = TypeVar("Fields")


def read_fields(cls: type[Fields], value: Mapping[str, Any]) -> Fields:
    """A dataclass out of plain JSON or TOML types.

    Raises:
        KeyError: if a field is missing.
        ValueError: if a value is not of its field's type.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} holds no names with values")
    hints = _hints(cls)  # type: ignore[arg-type]
    return cls(**{name: _typed(hint, value[name]) for name, hint in hints.items()})


@cache
def _hints(cls: Any) -> dict[str, Any]:
    """The types of a record's fields; resolving their names takes longer than reading most records."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _plain(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _typed(hint: Any, value: Any) -> Any:
    """The plain `value` as the type that a field's annotation asks for."""
    if type(hint) is type and hint in _PLAIN:
        return _required(type(value) is hint, hint, value)
    origin, arguments = _parts(hint)
    if origin in (Union, types.UnionType):
        if type(value) in _PLAIN and type(value) in arguments:
            return value
        kinds = [kind for kind in arguments if kind is not type(None)]
        return None if value is None else _typed(_fitting(kinds, value), value)
    if origin in (tuple, Sequence):
        return _sequence(hint, value)
    if origin is Literal:
        return _required(value in arguments, hint, value)
    if origin is not None:
        _required(isinstance(value, Mapping), hint, value)
        return {key: _typed(arguments[1], item) for key, item in value.items()}
    if hint is bytes:
        return base64.b64decode(_required(isinstance(value, str), hint, value))
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.from_json(value)
    if hint is float:
        return float(_required(type(value) in (int, float) or value in _NOT_FINITE, hint, value))
    return value


_PLAIN = (bool, int, str)
_AS_THEY_ARE = (*_PLAIN, type(None))
_NOT_FINITE = ("nan", "inf", "-inf")


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Origin and arguments of an annotation; a table of many columns asks for the same ones very often."""
    return get_origin(hint), get_args(hint)


def _sequence(hint: Any, value: Any) -> tuple[Any, ...]:
    _required(isinstance(value, (list, tuple)), hint, value)
    origin, arguments = _parts(hint)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return tuple(_typed(kind, item) for kind, item in zip(arguments, value, strict=True))
    return tuple(_typed(arguments[0], item) for item in value)


def _required(fits: bool, hint: Any, value: Any) -> Any:
    if not fits:
        shown = repr(value)
        raise ValueError(f"{shown[:40]}{'...' * (len(shown) > 40)} is no {getattr(hint, '__name__', hint)}")
    return value


def _fitting(kinds: Sequence[Any], value: Any) -> Any:
    """Which of several types a plain value was; a string that should be a number is inf or nan."""
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Record):
            if isinstance(value, Mapping) and kind.tag == value.get("tag", ""):
                return kind
        elif type(value) is kind or (get_origin(kind) in (tuple, Sequence) and isinstance(value, list)):
            return kind
    return kinds[0]
