"""`glasswork resume`: a run gone on with."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from glasswork.cli.arguments import add_run
from glasswork.cli.carrying_out import carry_out_run


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.carry_out import reopen
    from glasswork.run.folder import RunFolder

    return carry_out_run(reopen(RunFolder.find(options.run)), options)
