"""A request: what was asked for, before anything is derived from data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.catalogue import preset, row_of
from glasswork.errors import GlassworkError
from glasswork.files import DIGEST, parse_toml, read_regular
from glasswork.recipe.base import Machine, ProcessRecipe, Recipe, refuse_unknown

if TYPE_CHECKING:
    from torch import nn

RUN_KEY = "run_key"
"""An entry of the files of a run, which tells whether they belong together."""


@dataclass(frozen=True)
class Request:
    """A recipe and a machine as asked for.

    Attributes:
        preset: the preset's name.
        recipe: the preset's values with the asked ones over them.
        asked: the keys of the recipe that the user gave.
        machine: where and how to carry it out.
        network: the user's own, if it was given as a module.
        start: the run whose model the training begins with; None: it begins with random weights.
    """

    preset: str
    recipe: ProcessRecipe
    asked: Mapping[str, Any]
    machine: Machine
    network: "nn.Module | None" = None
    start: str | None = None

    @property
    def system(self) -> str:
        """Name of the preset's system in the catalogue."""
        return preset(self.preset).system

    @property
    def learning(self) -> Recipe:
        """The recipe, of a system that learns from a data set."""
        row_of(self.system).require_data()
        assert isinstance(self.recipe, Recipe)
        return self.recipe


def make_request(name: str, values: Mapping[str, Any], network: "nn.Module | None" = None) -> Request:
    """The request that a preset's name and flat `values`, of recipe and machine together, make.

    A budget takes the place of the preset's epochs, steps and patience: the schedule is to end with the time, not
    before. The preset's weight decay goes with adamw, and is left out with another optimizer.
    """
    chosen = preset(name)
    recipe_class = row_of(chosen.system).recipe
    refuse_unknown(values, [*recipe_class.model_fields, *Machine.model_fields])
    machine = {key: value for key, value in values.items() if key in Machine.model_fields}
    asked = {key: value for key, value in values.items() if key not in Machine.model_fields}
    given = recipe_class.parse(asked)
    asked = {key: getattr(given, key) for key in asked}
    values = {"data": chosen.data, **chosen.values, **asked}
    without = {"epochs", "patience", "steps"} if "budget" in asked else set()
    if asked.get("optimizer", "adamw") != "adamw":
        without.add("weight_decay")
    recipe = recipe_class.parse({key: value for key, value in values.items() if key in asked or key not in without})
    return Request(chosen.name, recipe, asked, Machine.parse(machine), network)


def read_request(path: Path, values: Mapping[str, Any]) -> Request:
    """The request in a TOML file such as `systems show` prints, with `values` over it.

    Raises:
        GlassworkError: if the file is missing, is not TOML, or names no preset or an unknown key.
    """
    return request_of(read_toml(path), path, values)


def request_of(table: Mapping[str, Any], path: Path, values: Mapping[str, Any]) -> Request:
    """The request in a table that was read from `path`; the rest is as for `read_request`."""
    table = {key: value for key, value in table.items() if key not in {DIGEST, "format", RUN_KEY}}
    name = table.pop("preset", None)
    if not isinstance(name, str):
        raise GlassworkError(f'{path} does not name a preset: add a line such as preset = "lenet"')
    for key, kind in (("system", str), ("from", str), ("machine", dict)):
        if not isinstance(table.get(key, kind()), kind):
            raise GlassworkError(f"{path}: {key} = {table[key]!r} does not fit, it has to be a {_KINDS[kind]}")
    if "system" in table:
        name = row_of(table.pop("system")).presets[0].name
    machine, start = table.pop("machine", {}), table.pop("from", None)
    return replace(make_request(name, {**table, **machine, **values}), start=start)


_KINDS = {str: "text", dict: "table"}


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file, or one sentence about why there is none."""
    try:
        return parse_toml(read_regular(path).decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        raise GlassworkError(f"There is no file {path}") from None
    except (ValueError, RecursionError) as error:
        raise GlassworkError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be read: {error.strerror}") from None
