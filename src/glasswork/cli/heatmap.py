"""`glasswork heatmap`: a patch classifier slid over large pictures."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

PICTURE = 1400


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    described = "a picture of any size, or a folder of annotated pictures to measure the run on"
    parser.add_argument("image", metavar="IMAGE", help=described)
    parser.add_argument("--mask", metavar="FILE", help="the picture's annotation: a mask, CAMELYON16's XML or GeoJSON")
    parser.add_argument(
        "--tile",
        type=int,
        default=1024,
        metavar="WHOLE",
        help="side of what is computed at once, in pixels (default: 1024)",
    )
    parser.add_argument("--level", type=int, metavar="WHOLE", help="resolution of a pyramid; absent: as in training")
    parser.add_argument("--target", metavar="CLASS", help="class whose probability is mapped; absent: the last one")
    add_device(parser)
    add_out(parser, "write the overlay (.png), the page (.html) or the map's values (.npy) here")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.heatmap import overlay_png, values_npy
    from glasswork.show.html import to_html
    from glasswork.show.progress import console_for_people
    from glasswork.show.terminal import print_blocks, print_report
    from glasswork.studies.heat_map import HeatMapOptions, heat_map, heat_maps, map_report, maps_summary

    if Path(options.image).is_dir() and (options.mask or options.out):
        raise GlassworkError("A folder is measured, not drawn: leave --mask and --out away, or name one picture")
    wanted = HeatMapOptions(options.tile, options.level, options.target, PICTURE if options.out else 0, options.device)
    console = console_for_people()
    with console.status("reading") as status:

        def advanced(done: int, count: int) -> None:
            status.update(f"tile {done:,} of {count:,}")

        if Path(options.image).is_dir():
            several = heat_maps(options.run, options.image, wanted, advanced)
            if options.json:
                print(json.dumps(several.to_json()))
            else:
                print_blocks(console_for_results(), maps_summary(several))
            return 0
        made = heat_map(options.run, options.image, options.mask, wanted, advanced)
    if options.out:
        picture, values = partial(overlay_png, made), partial(values_npy, made)
        write_page(options.out, {".html": lambda: to_html(map_report(made)), ".png": picture, ".npy": values})
    if options.json:
        print(json.dumps(made.to_json()))
    else:
        print_report(console_for_results(), map_report(made))
    return 0
