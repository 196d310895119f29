"""`glasswork count`: parameters, multiply-adds, memory."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.output import show_or_write


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    described = 'a preset, a run, or a written-out architecture such as "32x32x3 conv5x5x64 pool2 fc10"'
    parser.add_argument("what", metavar="WHAT", help=described)
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side of the square images, for a preset")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.count import count_text

    return show_or_write(options, gw.count(options.what, options.size), count_text, {})
