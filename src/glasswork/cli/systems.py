"""`glasswork systems`: what can be trained."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork import catalogue
from glasswork.cli.output import console_for_results
from glasswork.run.request import make_request


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("action", nargs="?", choices=["show"], help="show: print the recipe of a preset as TOML")
    parser.add_argument("preset", nargs="?", default="lenet", metavar="PRESET", help="which one to show")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.recipe.toml import written_out
    from glasswork.show.terminal import print_table

    if options.action == "show":
        chosen = make_request(options.preset, {})
        if options.json:
            print(json.dumps({"preset": options.preset, **chosen.recipe.model_dump()}))
        else:
            print(written_out(options.preset, catalogue.preset(options.preset).sentence, chosen.recipe), end="")
    elif options.json:
        print(json.dumps({"systems": [{"preset": p.name, "sentence": p.sentence} for p in gw.presets()]}))
    else:
        print_table(console_for_results(), ("preset", ""), [(p.name, p.sentence) for p in gw.presets()])
    return 0
