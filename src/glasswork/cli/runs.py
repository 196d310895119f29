"""`glasswork runs`: what was trained here."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from glasswork.cli.output import console_for_results


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds nothing: the verb takes no arguments."""


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.folder import list_runs
    from glasswork.show.run_summary import print_runs

    found = [(folder.name, folder.read("result.json")) for folder in list_runs()]
    if options.json:
        print(json.dumps({"runs": [{"run": name, "result": result} for name, result in found]}))
    elif not found:
        print("there are no runs here yet: glasswork train makes one")
    else:
        print_runs(console_for_results(), found)
    return 0
