"""`glasswork graph`: an expression as a computation graph."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.arguments import add_out
from glasswork.cli.output import show_or_write


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("expression", metavar="EXPRESSION", help="of + - * / ** and the usual functions")
    parser.add_argument("assignments", nargs="*", metavar="NAME=NUMBER", help="the value of each name in it")
    add_out(parser, "write the page here (.html), or the drawing (.svg)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.glassbox.graph.expressions import read_values
    from glasswork.show.graph import graph_page, graph_svg, graph_text

    found = gw.graph(options.expression, **read_values(options.assignments))
    return show_or_write(options, found, graph_text, {".html": graph_page, ".svg": graph_svg})
