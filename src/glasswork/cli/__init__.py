"""The command line: parse, call the public face, print; no logic. The verbs are listed in `verbs`."""

import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from glasswork import stopping
from glasswork.activity import doing
from glasswork.cli.printable import printable_streams
from glasswork.errors import GlassworkError

MISTAKE = 2


@printable_streams()
def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command line; the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C, 143 after SIGTERM.

    Args:
        arguments: the words after `glasswork`; None: those of the process, whose budget then began with the process.
    """
    began = time.monotonic()
    stopping.forget()
    try:
        return _carry_out(sys.argv[1:] if arguments is None else arguments, None if arguments is None else began)
    except GlassworkError as error:
        sentence = str(error)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        sentence = f"the system refused{where}: {error.strerror or error}"
    except Exception as error:
        from glasswork.execution import explain_arithmetic, explain_memory
        from glasswork.own_code import explain

        explained = explain_memory(error) or explain_arithmetic(error) or explain(error)
        if explained is None:
            raise
        sentence = explained
    except KeyboardInterrupt as error:
        print(f"glasswork: {str(error) or 'stopped: give the same command again'}", file=sys.stderr)
        return stopping.exit_code()
    print(f"glasswork: {sentence.removesuffix('.')}", file=sys.stderr)
    return MISTAKE


def _carry_out(words: Sequence[str], began: float | None) -> int:
    from glasswork.cli.verbs import VERBS, overview

    if not words or words[0] in {"-h", "--help"}:  # at once: flags have to wait for pydantic
        print(overview())
        raise SystemExit(0)
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"glasswork {version('glasswork')}")
        raise SystemExit(0)
    from glasswork.catalogue import OWN
    from glasswork.cli.arguments import parse

    OWN.clear()  # a command line names its own system again
    options = parse(words)
    options.began = began
    with doing(f"working on {options.verb}"):
        return VERBS[options.verb].carry_out(options)


def entry() -> NoReturn:
    """Carries out the process's command line and ends the process.

    Without taking the interpreter down: that takes 0.9 s once torch is loaded, and everything is on disk by now.
    """
    stopping.handle(stopping.interrupt)
    from glasswork.cli.streams import close_streams, open_streams, watch

    try:
        open_streams()
        if "--json" not in sys.argv:
            watch()
        code = main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:  # it came while something else was being said
        code = stopping.exit_code()
    stopping.handle(signal.SIG_IGN)  # type: ignore[arg-type]
    os._exit(close_streams(code))
