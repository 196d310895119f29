"""A training carried out before the eyes of a person, or for a program."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from glasswork.cli.output import console_for_results

if TYPE_CHECKING:
    from glasswork.run.carry_out import Run

INTERRUPTED = 130


def carry_out_run(run: "Run", options: Namespace) -> int:
    """Carries a run out, with progress for people; the exit code."""
    from glasswork.run.finish import finish
    from glasswork.show.memory import memory_sentence
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.terminal import print_numerics, print_result, print_summary

    console, process = console_for_people(), run.process
    if not options.json:
        print_summary(console, run.request.preset, process.summary)
        print_numerics(console, process.execution)
        if needed := memory_sentence(run.folder.read("environment.json").get("memory")):
            console.print(needed)
    for _ in run.steps() if options.json else shown(run.steps(), console, process.summary.unit):
        pass
    if run.interrupted:
        at = f"after step {run.last.number}" if run.last else "before the first step"
        print(f"stopped {at} and saved: go on with glasswork resume {run.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(run)
    if options.json:
        print(json.dumps(result))
    else:
        if run.outcome is not None and run.outcome.region is not None:
            from glasswork.show.regions_terminal import print_regions

            print_regions(console_for_results(), [(run.outcome.region, "")])
        print_result(console_for_results(), result, process.next_commands(run.folder.name))
    return 0
