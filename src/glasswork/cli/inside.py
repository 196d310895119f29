"""The verbs that look inside: `open`, `diagnose`, `units`, `count`, `graph`, `convolve`."""

import base64
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, refuse_existing, show_or_write, write_page
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.record import Record
    from glasswork.systems.model import Model


def fill_open(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `open`."""
    add_run(parser)
    parser.add_argument("input", metavar="INPUT", help="an image file, or a .csv table whose first row is used")
    parser.add_argument("--target", metavar="ANSWER", help="the correct answer (default: the model's own)")
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=0.01,
        metavar="NUMBER",
        help="learning rate eta of the gradient-descent step that is shown",
    )
    parser.add_argument("--parts", action="store_true", help="also show the kernels that each operation consists of")
    parser.add_argument("--features", action="store_true", help="show filters, feature maps and deconvolution instead")
    parser.add_argument(
        "--attribution", action="store_true", help="show saliency, integrated gradients, occlusion and Grad-CAM instead"
    )
    described = "show what excites this unit most instead, and what drives it for this input"
    parser.add_argument("--unit", metavar="LAYER:UNIT", help=described)
    parser.add_argument("--landscape", action="store_true", help="show the loss along two random directions instead")
    described = "held-out examples for --unit and --landscape; None: of the run's own data"
    parser.add_argument("--data", metavar="DATA", help=described)
    add_out(parser, "write the page here (.html) instead of printing a tree")
    add_device(parser)


def run_open(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    model = gw.load(options.run, device=options.device)
    if options.features or options.attribution or options.landscape or options.unit:
        return _look(model, options)
    trace = model.open(options.input, options.target, learning_rate=options.learning_rate, parts=options.parts)
    from glasswork.show.trace import trace_page, trace_text

    page, text = partial(trace_page, classes=model.classes), partial(trace_text, classes=model.classes)
    return show_or_write(options, trace, text, {".html": page})


def _look(model: "Model", options: Namespace) -> int:
    """Features, attribution, one unit, the landscape: pictures on one page."""
    from glasswork.show.features_page import looking_page

    if not (options.out or options.json):
        raise GlassworkError(
            "--features, --attribution, --unit and --landscape draw images: write them to a page with --out look.html"
        )
    records: list[Record] = []
    if options.features:
        records += model.feature_pictures(options.input)
    if options.attribution:
        records += model.attributions(options.input, options.target)
    if options.unit:
        layer, _, number = options.unit.rpartition(":")
        if not (layer and number.isdecimal()):
            raise GlassworkError(f"--unit takes a layer and a number, such as convolution_2:5, not {options.unit}")
        records += model.unit(options.input, layer, int(number), options.data)
    if options.landscape:
        records.append(model.landscape(data=options.data))
    if options.out:
        title = f"{Path(model.run).name} on {Path(options.input).name}"
        write_page(options.out, {".html": lambda: looking_page(title, records, model.classes)})
    if options.json:
        found = [{"finding": type(record).__name__, **record.to_json()} for record in records]
        print(json.dumps({"run": model.run, "input": options.input, "found": found}))
    return 0


def fill_diagnose(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `diagnose`."""
    add_run(parser)
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="a path, or the name of a built-in data set (default: the run's validation examples)",
    )
    add_out(parser, "write the page here (.html)")
    add_device(parser)


def run_diagnose(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.glassbox.diagnose.diagnose import report_of
    from glasswork.show.html import to_html
    from glasswork.show.terminal import report_text

    model = gw.load(options.run, device=options.device)
    title = Path(model.run).name
    return show_or_write(
        options,
        model.diagnose(options.data),
        lambda found: report_text(report_of(found, title)),
        {".html": lambda found: to_html(report_of(found, title))},
    )


def fill_units(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `units`."""
    add_run(parser)
    parser.add_argument("text", metavar="TEXT", help="a text file or a folder of them; only the beginning is read")
    parser.add_argument(
        "--unit", metavar="LAYER.UNIT", help="colour the text by this unit, such as 1.17, or by its memory: 1.17c"
    )
    parser.add_argument(
        "--characters", type=int, default=4000, metavar="WHOLE", help="number of characters to read (default: 4000)"
    )
    add_out(parser, "write the page here (.html): text coloured by units, next characters, gates")


def run_units(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.sequences import print_following, print_saturation, print_unit, sequences_page
    from glasswork.systems.characters.model import track

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


def fill_count(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `count`."""
    described = 'a preset, a run, or an architecture such as "32x32x3 conv5x5x64 pool2 fc10"'
    parser.add_argument("what", metavar="WHAT", help=described)
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side of the square images in pixels, for a preset")


def run_count(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.count import count_text

    return show_or_write(options, gw.count(options.what, options.size), count_text, {})


def fill_draw(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `draw`."""
    described = (
        'a preset, a run, an architecture such as "32x32x3 conv5x5x64 pool2 fc10"; or activations, losses, schedules'
    )
    parser.add_argument("what", metavar="WHAT", help=described)
    described = "an input of a run, whose activations stand in the units: an image file, or a .csv table"
    parser.add_argument("--input", metavar="INPUT", help=described)
    parser.add_argument(
        "--target", metavar="ANSWER", help="the correct answer, for the errors (default: the model's own)"
    )
    described = "units and links, or feature maps (default: nodes for a run of dense layers)"
    parser.add_argument("--as", dest="form", choices=["nodes", "boxes"], help=described)
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side of the square images in pixels, for a preset")
    add_out(parser, "write the drawing here (.svg, .png or .html) instead of describing it")


def run_draw(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.report.report import Report
    from glasswork.show.drawing import drawing_page, drawing_png, drawing_svg, drawing_text
    from glasswork.show.html import to_html
    from glasswork.show.terminal import report_text

    found = gw.draw(options.what, options.form, options.input, options.target, options.size)
    if isinstance(found, Report):
        return show_or_write(options, found, report_text, {".html": to_html})
    return show_or_write(
        options, found, drawing_text, {".svg": drawing_svg, ".png": drawing_png, ".html": drawing_page}
    )


def fill_graph(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `graph`."""
    parser.add_argument("expression", metavar="EXPRESSION", help="made of + - * / ** and the usual functions")
    parser.add_argument("assignments", nargs="*", metavar="NAME=NUMBER", help="the value of each variable")
    add_out(parser, "write the page here (.html), or the drawing (.svg)")


def run_graph(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.glassbox.expressions import read_values
    from glasswork.show.graph import graph_page, graph_svg, graph_text

    found = gw.graph(options.expression, **read_values(options.assignments))
    return show_or_write(options, found, graph_text, {".html": graph_page, ".svg": graph_svg})


def fill_convolve(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `convolve`."""
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    named = "sobel-x, sobel-y, gradient, gaussian, sharpen, emboss, laplacian, box"
    parser.add_argument(
        "--kernel", default="sobel-x", metavar="KERNEL", help=f'{named}, or numbers: "1 0 -1; 2 0 -2; 1 0 -1"'
    )
    parser.add_argument(
        "--stride", type=int, default=1, metavar="WHOLE", help="step between positions of the filter (default: 1)"
    )
    parser.add_argument(
        "--padding", default="same", metavar="WORDS", help="same, valid, or the number of zeros on each side"
    )
    add_out(parser, "write the image (.png) or the page (.html) here instead of printing one cell worked out")


def run_convolve(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.convolve import convolve_page, convolve_text

    padding = int(options.padding) if options.padding.isdecimal() else options.padding
    found = gw.convolve(options.image, options.kernel, options.stride, padding)
    return show_or_write(
        options, found, convolve_text, {".html": convolve_page, ".png": lambda one: base64.b64decode(one.result)}
    )
