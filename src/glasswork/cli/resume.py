"""`glasswork resume`: a run gone on with."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from glasswork.cli.arguments import add_run
from glasswork.cli.carrying_out import carry_out_training


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.run.folder import RunFolder
    from glasswork.run.training import reopen

    return carry_out_training(reopen(RunFolder.find(options.run)), options)
