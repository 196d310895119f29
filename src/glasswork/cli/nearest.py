"""`glasswork nearest`: what lies nearest to a picture in the space that a network learnt."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

SUFFIXES = (".html", ".png")


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument("--among", metavar="DATA", help="where to look: a path or a name; absent: the run's own data")
    parser.add_argument("--count", type=int, default=8, metavar="WHOLE", help="how many neighbours (default: 8)")
    add_out(parser, "write the neighbours as pictures here (.html or .png)")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.html import to_html
    from glasswork.show.terminal import print_report
    from glasswork.studies.nearest import find_nearest

    if options.count < 1:
        raise GlassworkError(f"--count is how many neighbours to show, at least 1, and not {options.count}")
    if options.out:
        _refuse(Path(options.out))
    model = gw.load(options.run, device=options.device)
    found = find_nearest(model, options.image, options.among, options.count)
    report = found.report()
    if options.out:
        write_page(options.out, {".html": lambda: to_html(report), ".png": found.sheet_png})
    if options.json:
        print(json.dumps(found.to_json()))
    elif not options.out:
        print_report(console_for_results(), report)
    return 0


def _refuse(path: Path) -> None:
    """Says before the work, rather than after it, what cannot be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise GlassworkError(f"--out writes {' or '.join(SUFFIXES)}, and {path} ends in neither")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")
