"""`glasswork rate`: a learning rate and a batch size, found by measuring before a run."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.systems.supervised.recipe import SupervisedRecipe

OF_A_RUN = ("replay", "tensorboard", "out", "budget", "restarts", "select", "patience", "epochs")


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.RECIPES[catalogue.PRESETS[name].system] if name else SupervisedRecipe
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    add_out(parser, "write the page here (.html), or the figures (.json)")
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    title = "the recipe that the rate is for"
    add_fields(parser.add_argument_group(title), recipe, dict(defaults), leave_out=OF_A_RUN)
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {}, leave_out=OF_A_RUN)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.request import ordered
    from glasswork.show.html import to_html
    from glasswork.show.terminal import print_report
    from glasswork.studies.rate import rate_test

    if options.out is not None and Path(options.out).exists():
        raise GlassworkError(f"{options.out} is there already: choose another name or move it away")
    what, values = options.what, {key: value for key, value in asked_values(options).items() if key != "out"}
    order = catalogue.read_request(Path(what), values) if what and what.endswith(".toml") else ordered(what, values)
    result = rate_test(order)
    found, report = result.to_json(), result.report()
    if options.out is not None:
        write_page(
            options.out, {".html": partial(to_html, report), ".json": lambda: json.dumps(found, indent=1) + "\n"}
        )
    if options.json:
        print(json.dumps(found))
    else:
        print_report(console_for_results(), report)
    return 0
