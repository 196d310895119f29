"""`glasswork open`: a model opened on one input."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import show_or_write, write_page
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.record import Record
    from glasswork.systems.model import Model


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("input", metavar="INPUT", help="an image file, or a .csv table whose first row is taken")
    parser.add_argument("--target", metavar="ANSWER", help="what it should have answered; absent: what it answers")
    parser.add_argument(
        "--learning-rate", type=float, default=0.01, metavar="NUMBER", help="eta of the one step that is tried"
    )
    parser.add_argument("--parts", action="store_true", help="also the kernels that each operation is made of")
    parser.add_argument("--features", action="store_true", help="instead: filters, feature maps, deconvolution")
    parser.add_argument(
        "--attribution", action="store_true", help="instead: saliency, integrated gradients, occlusion, Grad-CAM"
    )
    described = "instead: what excites one unit most, and what drives it here"
    parser.add_argument("--unit", metavar="LAYER:UNIT", help=described)
    parser.add_argument("--landscape", action="store_true", help="instead: the loss along two random directions")
    add_out(parser, "write the page here (.html); absent: print a tree")
    add_device(parser)


def carry_out(options: Namespace) -> int:
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
            "--features, --attribution, --unit and --landscape are pictures: name a page with --out look.html"
        )
    records: list[Record] = []
    if options.features:
        records += model.feature_pictures(options.input)
    if options.attribution:
        records += model.attributions(options.input, options.target)
    if options.unit:
        layer, _, number = options.unit.rpartition(":")
        if not (layer and number.isdecimal()):
            raise GlassworkError(
                f"A unit is named by its layer and number, such as convolution_2:5, and not by {options.unit}"
            )
        records += model.unit(options.input, layer, int(number))
    if options.landscape:
        records.append(model.landscape())
    if options.out:
        title = f"{Path(model.run).name} on {Path(options.input).name}"
        write_page(options.out, {".html": lambda: looking_page(title, records, model.classes)})
    if options.json:
        found = [{"finding": type(record).__name__, **record.to_json()} for record in records]
        print(json.dumps({"run": model.run, "input": options.input, "found": found}))
    return 0
