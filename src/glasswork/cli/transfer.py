"""`glasswork transfer`: ways to learn from few pictures, compared on the same splits."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from glasswork.cli.arguments import add_device, add_out
from glasswork.cli.carrying_out import INTERRUPTED
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

NETWORK, SCRATCH = "efficientnet-lite0", "convnet-small"


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("data", metavar="DATA", help="a folder of class folders of pictures; its splits are pooled")
    parser.add_argument(
        "--splits", type=int, default=5, metavar="WHOLE", help="how many parts judge in turn (default: 5)"
    )
    parser.add_argument("--network", default=NETWORK, metavar="TEXT", help=f"the trained network (default: {NETWORK})")
    parser.add_argument(
        "--weights", metavar="TEXT", help="a file, one of our runs, or a published name; absent: published for it"
    )
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side of its pictures in pixels (default: 160)")
    parser.add_argument(
        "--epochs", type=int, default=3, metavar="WHOLE", help="passes while its last stage is tuned (default: 3)"
    )
    parser.add_argument(
        "--scratch", default=SCRATCH, metavar="TEXT", help=f"the network trained from scratch (default: {SCRATCH})"
    )
    parser.add_argument(
        "--scratch-size", type=int, default=48, metavar="WHOLE", help="side of its pictures (default: 48)"
    )
    parser.add_argument("--scratch-epochs", type=int, default=24, metavar="WHOLE", help="its passes (default: 24)")
    parser.add_argument(
        "--curve", action="store_true", help="also with a twentieth, a tenth, a quarter and a half of the pictures"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="what every random choice starts from")
    parser.add_argument("--threads", type=int, metavar="WHOLE", help="processor threads; absent: every core")
    add_device(parser)
    add_out(parser, "write the page here (.html), or the figures (.json)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people, show_work
    from glasswork.show.terminal import print_report
    from glasswork.studies.transfer import prepare

    if options.out is not None:
        _require_writable(Path(options.out))
    asked = {
        name: getattr(options, name)
        for name in ("splits", "network", "weights", "size", "epochs", "scratch", "scratch_size", "scratch_epochs")
    }
    further = {name: getattr(options, name) for name in ("curve", "seed", "device", "threads")}
    comparison = prepare(options.data, **asked, **further)
    steps = ((one.share, one.words) for one in comparison.steps())
    share = 0.0
    try:
        for step in steps if options.json else show_work(steps, console_for_people()):
            share = step[0]
    except KeyboardInterrupt:
        done = f"after {100 * share:.0f} % of the work"
        print(f"stopped {done}: a comparison is all or nothing; the features of the pictures are kept", file=sys.stderr)
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


def _require_writable(path: Path) -> None:
    """Refuses before the training, not after it, what could not be written."""
    if path.suffix.lower() not in {".html", ".json"}:
        raise GlassworkError(f"--out writes .html or .json, and {path} ends in neither")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")
    if not path.parent.is_dir():
        raise GlassworkError(f"There is no folder {path.parent} to write {path.name} to")
