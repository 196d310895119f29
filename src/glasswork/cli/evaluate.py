"""`glasswork evaluate`: a model measured."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import glasswork as gw
from glasswork.cli.arguments import add_device, add_run
from glasswork.cli.output import console_for_results


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("--data", metavar="DATA", help="a path or a name; absent: the run's own test examples")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.terminal import print_table

    model = gw.load(options.run, device=options.device)
    metrics = model.evaluate(options.data)
    for remark in model.remarks([options.data] if options.data else []):
        print(f"glasswork: note: {remark.removesuffix('.')}", file=sys.stderr)
    if options.json:
        print(json.dumps({"run": model.run, "data": options.data, "metrics": metrics}))
    else:
        print_table(console_for_results(), ("metric", "value"), list(metrics.items()))
    return 0
