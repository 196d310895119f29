"""`glasswork compare`: runs side by side."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from glasswork.cli.output import console_for_results


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.experiments.compare import compare
    from glasswork.show.terminal import print_table

    runs = compare(options.runs)
    if options.json:
        print(json.dumps({"runs": [run.to_json() for run in runs]}))
        return 0
    figures = list(dict.fromkeys(name for run in runs for name in run.test))
    rows: list[list[object]] = [[key, *(_shown(run.differing[key]) for run in runs)] for key in runs[0].differing]
    rows += [[f"test {name}", *(run.test.get(name, "-") for run in runs)] for name in figures]
    rows += [["best epoch", *(run.best_epoch or "-" for run in runs)], ["seconds", *(run.seconds for run in runs)]]
    print_table(console_for_results(), ("", *(run.run for run in runs)), rows)
    return 0


def _shown(value: object) -> object:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value
