"""`glasswork export`: a model in a format that others read."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_run
from glasswork.cli.output import console_for_results

FORMATS = {"onnx": ".onnx", "safetensors": ".safetensors", "state-dict": ".pt"}


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    sentence = "onnx: raw inputs to probabilities, for any runtime (extra: export); the others: weights alone"
    parser.add_argument("--to", required=True, choices=list(FORMATS), help=sentence)
    parser.add_argument("--out", metavar="FILE", help="a new file; absent: the run's name in the folder you are in")
    parser.add_argument(
        "--data", metavar="DATA", help="inputs to compare the file on; absent: held-out examples of the run's own data"
    )


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.export import print_export

    model = gw.load(options.run, device="cpu")
    path = options.out or f"{Path(model.run).name}{FORMATS[options.to]}"
    found = model.export(path, options.to, options.data).to_json()
    if options.json:
        print(json.dumps({"run": model.run, **found}))
    else:
        print_export(console_for_results(), found)
    return 0
