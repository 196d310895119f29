"""`glasswork vary`: one field at several values, as a row of pictures."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from glasswork import catalogue
from glasswork.cli.arguments import add_fields, add_out, asked_values
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.systems.supervised.recipe import SupervisedRecipe

WRITTEN = (".html", ".png", ".json")
OF_A_RUN = ("replay", "tensorboard", "out")


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.recipe_of(name) if name else SupervisedRecipe
    parser.add_argument("what", metavar="PRESET", help=", ".join(catalogue.PRESETS))
    parser.add_argument("field", metavar="FIELD", help="what varies, such as hidden or strength")
    parser.add_argument(
        "values", nargs="+", metavar="VALUE", help="two or more; a single number of epochs: over-training, as a curve"
    )
    parser.add_argument("--runs", metavar="FOLDER", help="keep the runs here, one for each value")
    add_out(parser, "write the row of pictures here: as a page (.html), as .png, or the figures as .json")
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    add_fields(parser.add_argument_group("the recipe: what stays the same"), recipe, dict(defaults))
    add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {}, leave_out=OF_A_RUN)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.progress import console_for_people
    from glasswork.show.variation import line_of, print_variation, require_picture, variation_page, variation_png
    from glasswork.studies.vary import varied

    if options.out is not None:
        _require_writable(Path(options.out))
    asked = {key: value for key, value in asked_values(options).items() if key != "out"}
    console, found = console_for_people(), {}
    try:
        for one in varied(options.what, options.field, options.values, asked, options.runs):
            found = one.to_json()
            if str(options.out).lower().endswith(".png"):
                require_picture(found)
            if not options.json:
                console.print(line_of(found), markup=False)
    except KeyboardInterrupt:
        done = len(found["variants"]) if found else 0
        print(f"stopped after {done} of {len(options.values)} networks", file=sys.stderr)
        return INTERRUPTED
    if options.out is not None:
        write_page(
            options.out,
            {
                ".html": partial(variation_page, found),
                ".png": partial(variation_png, found),
                ".json": lambda: json.dumps(_figures(found), indent=1) + "\n",
            },
        )
    if options.json:
        print(json.dumps(_figures(found)))
    elif options.out is None:
        print_variation(console_for_results(), found)
    return 0


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    """What was found without the thousands of cells of each region."""
    variants = [{key: value for key, value in one.items() if key != "region"} for one in found["variants"]]
    return {**found, "variants": variants}


def _require_writable(path: Path) -> None:
    """Refuses before the training, not after it, what could not be written."""
    if path.suffix.lower() not in WRITTEN:
        raise GlassworkError(f"--out writes {', '.join(WRITTEN)}, and {path} ends in none of them")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")
    if not path.parent.is_dir():
        raise GlassworkError(f"There is no folder {path.parent} to write {path.name} to")
