"""The verb `style`: a picture with the content of one and the style of others."""

import io
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from glasswork.cli.arguments import add_fields, asked_values
from glasswork.cli.output import refuse_existing, seconds_spent, write_page
from glasswork.cli.train import carry_out
from glasswork.recipe.base import Machine
from glasswork.run.request import make_request
from glasswork.systems.style.recipe import StyleRecipe

KINDS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP"}
NAMED = ("content", "style")


def fill_style(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `style`."""
    parser.add_argument("content", nargs="?", help="the picture whose content is kept (default: china)")
    parser.add_argument("style", nargs="*", help="the pictures whose style is taken (default: flower)")
    parser.add_argument("-o", "--out", dest="picture", metavar="FILE", help=f"the painting: {', '.join(KINDS)}")
    of_recipe = parser.add_argument_group("the recipe: what is minimised, and how")
    add_fields(of_recipe, StyleRecipe, {}, [name for name in StyleRecipe.model_fields if name not in NAMED])
    of_machine = parser.add_argument_group("the machine: where and how it runs")
    add_fields(of_machine, Machine, {}, ("device", "threads"))


def run_style(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from PIL import Image

    from glasswork.run.carry_out import begin_run

    refuse_existing(options.picture, list(KINDS))
    options.style = options.style or None
    run = begin_run(make_request("style", asked_values(options)), seconds_spent(options))
    code = carry_out(run, options)
    if options.picture:
        held = io.BytesIO()
        with Image.open(run.folder.path / "painting.png") as painting:
            painting.save(held, KINDS[Path(options.picture).suffix.lower()], quality=95)
        write_page(options.picture, dict.fromkeys(KINDS, held.getvalue))
    return code
