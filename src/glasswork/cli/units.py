"""`glasswork units`: what each unit of a character model tracks in a text."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial

import glasswork as gw
from glasswork.cli.arguments import add_out, add_run
from glasswork.cli.output import console_for_results, refuse_existing, write_page


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("text", metavar="TEXT", help="a text file, or a folder of them: its beginning is read")
    parser.add_argument(
        "--unit", metavar="LAYER.UNIT", help="colour the text by this one, such as 1.17; 1.17c: its memory"
    )
    parser.add_argument(
        "--characters", type=int, default=4000, metavar="WHOLE", help="how many of the text are read (default: 4000)"
    )
    add_out(parser, "write the page here (.html): texts coloured by units, next characters, gates")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.sequences import sequences_page
    from glasswork.show.sequences_terminal import print_following, print_saturation, print_unit
    from glasswork.studies.units import track

    refuse_existing(options.out, (".html",))
    model = gw.load(options.run, device="cpu")
    found = track(model, options.text, options.characters)
    if options.out is not None:
        title = f"What the units of {options.run} track in {options.text}"
        write_page(options.out, {".html": partial(sequences_page, title, found.findings(options.unit))})
    if options.json:
        parts = {
            "units": [one.to_json() for one in found.coloured(options.unit)],
            "following": [one.to_json() for one in found.following],
            "gates": [one.to_json() for one in found.gates],
        }
        print(json.dumps({"run": model.run, "text": options.text, **parts}))
        return 0
    console = console_for_results()
    if options.unit is not None:
        print_unit(console, found.coloured(options.unit)[0])
    print_following(console, found.following)
    print_saturation(console, found.gates)
    return 0
