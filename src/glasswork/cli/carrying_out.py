"""A training carried out before the eyes of a person, or for a program."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from glasswork.cli.output import console_for_results

if TYPE_CHECKING:
    from glasswork.run.training import Training

INTERRUPTED = 130


def carry_out_training(training: "Training", options: Namespace) -> int:
    """Carries a training out, with progress for people; the exit code."""
    from glasswork.run.finish import finish, next_commands
    from glasswork.show.memory import memory_sentence
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.run_summary import print_numerics, print_result, print_summary

    console = console_for_people()
    if not options.json:
        print_summary(console, training.order.preset, training.summary)
        print_numerics(console, training.execution)
        if needed := memory_sentence(training.folder.read("environment.json").get("memory")):
            console.print(needed)
    for _ in training.steps() if options.json else shown(training.steps(), console, training.summary.unit):
        pass
    if training.interrupted:
        at = f"after step {training.last.number}" if training.last else "before the first step"
        print(f"stopped {at} and saved: go on with glasswork resume {training.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(training)
    if options.json:
        print(json.dumps(result))
    else:
        if (plane := training.plane()) is not None:
            from glasswork.glassbox.regions import region
            from glasswork.show.regions_terminal import TERMINAL_CELLS, print_regions

            print_regions(console_for_results(), [(region(training.network, plane, TERMINAL_CELLS), "")])
        print_result(console_for_results(), result, next_commands(training.folder))
    return 0
