"""`glasswork train`: a recipe carried out."""

import contextlib
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, asked_values
from glasswork.cli.carrying_out import carry_out_run
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.run.request import read_request, read_toml
from glasswork.systems.supervised.recipe import SupervisedRecipe


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = _named_in_file(arguments) or next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.recipe_of(name) if name else SupervisedRecipe
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    add_fields(parser.add_argument_group("the recipe: what is minimised, and how"), recipe, dict(defaults))
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {})


def _named_in_file(arguments: Sequence[str]) -> str | None:
    """The preset that a recipe's file names, whose fields are flags then; what is wrong with the file is told later."""
    for word in arguments[1:]:
        if word.endswith(".toml"):
            with contextlib.suppress(GlassworkError):
                name = read_toml(Path(word)).get("preset")
                return name if name in catalogue.PRESETS else None
    return None


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.execution import process_seconds
    from glasswork.run.carry_out import begin_run
    from glasswork.run.choose import choose_request
    from glasswork.show.progress import console_for_people

    what, console, values = options.what, console_for_people(), asked_values(options)
    if what and what.endswith(".toml"):
        request = read_request(Path(what), values)
    else:
        request = choose_request(what, values)
        if not (what or options.json or values.get("network")) and values.get("data"):
            console.print(f"{request.preset} is what fits this data: {catalogue.preset(request.preset).sentence}")
    spent = process_seconds() if options.began is None else time.monotonic() - options.began
    return carry_out_run(begin_run(request, spent), options)
