"""`glasswork convolve`: a filter over an image."""

import base64
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.arguments import add_out
from glasswork.cli.output import show_or_write


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    named = "sobel-x, sobel-y, gradient, gaussian, sharpen, emboss, laplacian, box"
    parser.add_argument(
        "--kernel", default="sobel-x", metavar="KERNEL", help=f'{named}, or numbers: "1 0 -1; 2 0 -2; 1 0 -1"'
    )
    parser.add_argument("--stride", type=int, default=1, metavar="WHOLE", help="how far the filter moves (default: 1)")
    parser.add_argument("--padding", default="same", metavar="WORDS", help="same, valid, or zeros on each side")
    add_out(parser, "write the picture (.png) or the page (.html) here; absent: print one cell worked out")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.convolve import convolve_page, convolve_text

    padding = int(options.padding) if options.padding.isdecimal() else options.padding
    found = gw.convolve(options.image, options.kernel, options.stride, padding)
    return show_or_write(
        options, found, convolve_text, {".html": convolve_page, ".png": lambda one: base64.b64decode(one.result)}
    )
