"""`glasswork why-convolution`: shallow against deep, dense against convolutional, in numbers."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from glasswork.cli.arguments import add_out
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError
from glasswork.recipe.base import seconds


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("--data", default="mnist-5k", metavar="DATA", help="images with classes (default: mnist-5k)")
    parser.add_argument("--budget", metavar="TIME", help="time for training all networks, such as 60s; absent: epochs")
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side that images are brought to, in pixels")
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="of weights and directions (default: 0)")
    add_out(parser, "write the page here (.html), or the figures (.json)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies.why_convolution import prepare

    if options.out is not None and Path(options.out).exists():
        raise GlassworkError(f"{options.out} is there already: choose another name or move it away")
    comparison = prepare(options.data, _budget(options.budget), options.size, options.seed)
    try:
        for _ in comparison.steps() if options.json else show_work(comparison.steps(), console_for_people()):
            pass
    except KeyboardInterrupt:
        print("stopped: the comparison is all or nothing, so start it anew with a --budget", file=sys.stderr)
        return INTERRUPTED
    result = comparison.result()
    found, report = result.to_json(), result.report()
    if options.out is not None:
        write_page(
            options.out, {".html": partial(to_html, report), ".json": lambda: json.dumps(found, indent=1) + "\n"}
        )
    if options.json:
        print(json.dumps(found))
    else:
        print_report(console_for_results(), report)
    return 0


def _budget(words: str | None) -> float | None:
    try:
        found = seconds(words)
    except ValueError as error:
        raise GlassworkError(f"--budget {words} does not fit: {error}") from None
    if isinstance(found, float) and found <= 0:
        raise GlassworkError("--budget is more than no time at all, such as 60s")
    return found if isinstance(found, float) else None
