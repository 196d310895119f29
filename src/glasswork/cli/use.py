"""The verbs of a trained model: `predict`, `evaluate`, `write`, `forecast`, `nearest`, `heatmap`, `export`."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, refuse_existing, write_page, write_painting
from glasswork.errors import GlassworkError

PICTURE = 1400
FORMATS = {"onnx": ".onnx", "safetensors": ".safetensors", "state-dict": ".pt"}


def fill_predict(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `predict`."""
    parser.add_argument(
        "run", metavar="RUN", help="the run's folder, or its name under runs/; or efficientnet-lite0, resnet50, ..."
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="images, sound files, folders, .csv or .parquet tables, text files, 'a text', or - (standard input)",
    )
    parser.add_argument("--csv", metavar="FILE", help="write the predictions here as CSV: class and probabilities")
    add_device(parser)
    add_out(parser, "write a page here (.html): each input with its prediction; of a style the painting (.png, .jpg)")


def run_predict(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.terminal import print_report
    from glasswork.systems.prediction_report import report_predictions, write_predictions
    from glasswork.systems.supervised.system import PUBLISHED

    model = gw.load(options.run, device=options.device)
    answers = model.predict(options.inputs)
    answers = answers if isinstance(answers, list) else [answers]
    problems = [answer.problem for answer in answers if answer.problem]
    if len(problems) == len(answers):
        raise GlassworkError(problems[0])
    for problem in problems:
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    for remark in model.remarks(options.inputs):
        print(f"glasswork: note: {remark.removesuffix('.')}", file=sys.stderr)
    if options.csv:
        write_predictions(Path(options.csv), answers)
    if options.out and Path(options.out).suffix.lower() != ".html" and any(one.painting for one in answers):
        write_painting(options.out, [one.painting for one in answers])
    elif options.out:
        page = report_predictions(model.run, answers, page=True)
        write_page(options.out, {".html": lambda: to_html(page)})
    if options.json:
        print(json.dumps({"run": model.run, "answers": [answer.to_json() for answer in answers]}))
    elif options.csv:
        print(f"{len(answers):,} answer{'' if len(answers) == 1 else 's'} in {options.csv}")
    else:
        print_report(console_for_results(), report_predictions(model.run, answers, bars=model.run in PUBLISHED))
    return 0


def fill_evaluate(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `evaluate`."""
    add_run(parser)
    parser.add_argument(
        "--data", metavar="DATA", help="a path, or the name of a built-in data set (default: the run's test examples)"
    )
    add_device(parser)


def run_evaluate(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.terminal import print_table

    model = gw.load(options.run, device=options.device)
    metrics = model.evaluate(options.data)
    if options.data and model.is_own(options.data):
        print(
            f"glasswork: note: {options.data} is the data that {model.run} was trained on: measured on its held-out "
            "examples",
            file=sys.stderr,
        )
    seen = model.count_seen(options.data) if options.data else 0
    if seen:
        print(
            f"glasswork: note: {model.run} was trained on {seen:,} of the examples in {options.data}, which flatters "
            "these figures: leave them out to measure how good it is on new ones",
            file=sys.stderr,
        )
    for remark in model.remarks([options.data] if options.data else [], answered=True):
        print(f"glasswork: note: {remark.removesuffix('.')}", file=sys.stderr)
    if options.json:
        print(json.dumps({"run": model.run, "data": options.data, "trained_on": seen, "metrics": metrics}))
    else:
        print_table(console_for_results(), ("metric", "value"), list(metrics.items()))
    return 0


def fill_write(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `write`."""
    add_run(parser)
    parser.add_argument(
        "--prompt", default="", metavar="TEXT", help="the beginning of the text (default: an empty line)"
    )
    parser.add_argument(
        "--length", type=int, default=2000, metavar="WHOLE", help="number of characters to write (default: 2000)"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=None,
        metavar="NUMBER",
        help="sampling temperature: below 1 is more conservative; 0: always the most probable character (default: 1)",
    )
    parser.add_argument(
        "--top-k", type=int, metavar="WHOLE", help="sample from this many of the most probable characters only"
    )
    described = "sample from the fewest characters that together have this probability (nucleus sampling)"
    parser.add_argument("--top-p", type=float, metavar="NUMBER", help=described)
    described = "beam search of this width instead of sampling"
    parser.add_argument("--beam", type=int, metavar="WHOLE", help=described)
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="random seed (default: 0)")
    parser.add_argument("--samples", type=int, default=1, metavar="WHOLE", help="number of texts to write (default: 1)")


def run_write(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.systems.characters.generate import Choice, write, write_several

    if options.seed < 0:
        raise GlassworkError(f"--seed has to be a whole number from 0 on, not {options.seed}")
    model = gw.load(options.run, device="cpu")
    temperature = 1.0 if options.temperature is None else options.temperature
    choice = Choice(temperature, options.top_k, options.top_p, options.beam)
    asked = (model.network, model.task, options.prompt, options.length, choice, options.seed)
    if options.samples != 1:
        texts = write_several(*asked, options.samples)
    elif options.json:
        texts = ["".join(write(*asked))]
    else:
        _stream(write(*asked), options.prompt)
        return 0
    if options.json:
        print(json.dumps({"run": model.run, "prompt": options.prompt, "seed": options.seed, "texts": texts}))
    else:
        print("\n\n".join(f"--- {number} ---\n{options.prompt}{text}" for number, text in enumerate(texts, 1)))
    return 0


def _stream(characters: Iterator[str], prompt: str) -> None:
    """Prints characters as they come."""
    sys.stdout.write(prompt)
    for character in characters:
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")


def fill_forecast(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `forecast`."""
    add_run(parser)
    described = "the series, with their newest values (default: the run's own data)"
    parser.add_argument("--data", metavar="FILE.csv", help=described)
    add_device(parser)
    add_out(parser, "write a page with the intervals drawn (.html), or all quantiles (.csv)")


def run_forecast(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.terminal import print_report
    from glasswork.systems.forecast.model import ForecastModel
    from glasswork.systems.forecast.report import csv_ahead, report_ahead

    model = gw.load(options.run, device=options.device)
    if not isinstance(model, ForecastModel):
        raise GlassworkError("This model does not forecast: train one with glasswork train forecast")
    foretold = model.forecast(options.data)
    found = foretold.to_json()
    for name in foretold.left_out:
        print(f"glasswork: left out: the last values of '{name}' are not known", file=sys.stderr)
    if options.out:
        writers = {".html": lambda: to_html(report_ahead(foretold)), ".csv": lambda: csv_ahead(foretold)}
        write_page(options.out, dict(writers))
    if options.json:
        print(json.dumps({"run": model.run, **found}))
    elif not options.out:
        print_report(console_for_results(), report_ahead(foretold))
    return 0


def fill_nearest(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `nearest`."""
    add_run(parser)
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument(
        "--among", metavar="DATA", help="the images to search: a path or a name (default: the run's data)"
    )
    parser.add_argument("--count", type=int, default=8, metavar="WHOLE", help="number of neighbours (default: 8)")
    add_out(parser, "write the neighbours here as images (.html or .png)")
    add_device(parser)


def run_nearest(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.png import neighbours_png
    from glasswork.show.terminal import print_report

    if options.count < 1:
        raise GlassworkError(f"--count, the number of neighbours, has to be at least 1, not {options.count}")
    refuse_existing(options.out, (".html", ".png"))
    found = gw.load(options.run, device=options.device).nearest(options.image, options.among, options.count)
    for problem in found.left_out:
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    if options.out:
        write_page(
            options.out, {".html": lambda: to_html(found.report()), ".png": lambda: neighbours_png(found.cells())}
        )
    if options.json:
        print(json.dumps(found.to_json()))
    elif not options.out:
        print_report(console_for_results(), found.report())
    return 0


def fill_heatmap(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `heatmap`."""
    add_run(parser)
    described = "an image of any size, or a folder of annotated images to evaluate the run on"
    parser.add_argument("image", metavar="IMAGE", help=described)
    parser.add_argument("--mask", metavar="FILE", help="the image's annotation: a mask, CAMELYON16's XML or GeoJSON")
    parser.add_argument(
        "--tile",
        type=int,
        default=1024,
        metavar="WHOLE",
        help="side of a tile, in pixels (default: 1024)",
    )
    parser.add_argument("--level", type=int, metavar="WHOLE", help="pyramid level (default: as in training)")
    parser.add_argument(
        "--target", metavar="CLASS", help="the class whose probability is mapped (default: the last one)"
    )
    add_device(parser)
    add_out(parser, "write the overlay (.png), the page (.html) or the map's values (.npy) here")


def run_heatmap(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.heatmap import overlay_png, values_npy
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people
    from glasswork.show.terminal import print_blocks, print_report
    from glasswork.systems.heatmap.heat_map import HeatMapOptions, heat_map, heat_maps
    from glasswork.systems.heatmap.report import report_map, report_maps

    if Path(options.image).is_dir() and (options.mask or options.out):
        raise GlassworkError("A folder is measured, not drawn: leave out --mask and --out, or name one image")
    wanted = HeatMapOptions(options.tile, options.level, options.target, PICTURE if options.out else 0)
    console = console_for_people()
    with console.status("reading") as status:

        def advanced(done: int, count: int) -> None:
            status.update(f"tile {done:,} of {count:,}")

        model = gw.load(options.run, device=options.device)
        if Path(options.image).is_dir():
            several = heat_maps(model, options.image, wanted, advanced)
            if options.json:
                print(json.dumps(several.to_json()))
            else:
                print_blocks(console_for_results(), report_maps(several))
            return 0
        made = heat_map(model, options.image, options.mask, wanted, advanced)
    if options.out:
        picture, values = partial(overlay_png, made), partial(values_npy, made)
        page = {".html": lambda: to_html(report_map(made, picture()))}
        write_page(options.out, {**page, ".png": picture, ".npy": values})
    if options.json:
        print(json.dumps(made.to_json()))
    else:
        print_report(console_for_results(), report_map(made))
    return 0


def fill_export(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `export`."""
    add_run(parser)
    sentence = "onnx: from raw inputs to probabilities (needs glasswork[export]); the others: weights only"
    parser.add_argument("--to", required=True, choices=list(FORMATS), help=sentence)
    parser.add_argument(
        "--out", metavar="FILE", help="the new file (default: named after the run, in the current folder)"
    )
    parser.add_argument(
        "--data", metavar="DATA", help="inputs to check the file with (default: held-out examples of the run's data)"
    )


def run_export(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.run_summary import print_export

    model = gw.load(options.run, device="cpu")
    path = options.out or f"{Path(model.run).name}{FORMATS[options.to]}"
    found = model.export(path, options.to, options.data).to_json()
    if options.json:
        print(json.dumps({"run": model.run, **found}))
    else:
        print_export(console_for_results(), found)
    return 0
