"""`glasswork vary`: one field at several values, as a row of pictures."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

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
    recipe = catalogue.RECIPES[catalogue.PRESETS[name].system] if name else SupervisedRecipe
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
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people
    from glasswork.show.regions_terminal import print_regions
    from glasswork.show.terminal import print_report
    from glasswork.studies.vary import Varied, varied

    if options.out is not None:
        _require_writable(Path(options.out))
    asked = {key: value for key, value in asked_values(options).items() if key != "out"}
    console = console_for_people()
    found: Varied | None = None
    try:
        for one in varied(options.what, options.field, options.values, asked, options.runs):
            found = one
            if str(options.out).lower().endswith(".png"):
                found.require_picture()
            if not options.json:
                console.print(found.line(), markup=False)
    except KeyboardInterrupt:
        done = len(found.variants) if found else 0
        print(f"stopped after {done} of {len(options.values)} networks", file=sys.stderr)
        return INTERRUPTED
    assert found is not None
    figures = found.figures()
    if options.out is not None:
        write_page(
            options.out,
            {
                ".html": lambda: to_html(found.report()),
                ".png": found.png,
                ".json": lambda: json.dumps(figures, indent=1) + "\n",
            },
        )
    if options.json:
        print(json.dumps(figures))
    elif options.out is None:
        results = console_for_results()
        print_regions(results, [(region, title) for region, title, _ in found.regions()])
        if found.regions():
            results.print()
        print_report(results, found.report())
    return 0


def _require_writable(path: Path) -> None:
    """Refuses before the training, not after it, what could not be written."""
    if path.suffix.lower() not in WRITTEN:
        raise GlassworkError(f"--out writes {', '.join(WRITTEN)}, and {path} ends in none of them")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")
    if not path.parent.is_dir():
        raise GlassworkError(f"There is no folder {path.parent} to write {path.name} to")
