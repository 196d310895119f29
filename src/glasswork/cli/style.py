"""The verb `style`: a picture with the content of one and the style of others."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from glasswork.cli.arguments import add_fields, asked_values
from glasswork.cli.output import PICTURES, refuse_existing, seconds_spent, write_painting
from glasswork.cli.train import carry_out
from glasswork.recipe.base import Machine
from glasswork.run.request import make_request
from glasswork.systems.style.recipe import StyleRecipe

NAMED = ("content", "style")


def fill_style(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `style`."""
    parser.add_argument("content", nargs="?", help="the picture whose content is kept (default: china)")
    parser.add_argument("style", nargs="*", help="the pictures whose style is taken (default: flower)")
    parser.add_argument("-o", "--out", dest="picture", metavar="FILE", help=f"the painting: {', '.join(PICTURES)}")
    of_recipe = parser.add_argument_group("the recipe: what is minimised, and how")
    add_fields(of_recipe, StyleRecipe, {}, [name for name in StyleRecipe.model_fields if name not in NAMED])
    of_machine = parser.add_argument_group("the machine: where and how it runs")
    add_fields(of_machine, Machine, {}, ("device", "threads"))


def run_style(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.carry_out import begin_run

    refuse_existing(options.picture, list(PICTURES))
    options.style = options.style or None
    run = begin_run(make_request("style", asked_values(options)), seconds_spent(options))
    code = carry_out(run, options)
    if options.picture:
        write_painting(options.picture, [(run.folder.path / "painting.png").read_bytes()])
    return code
