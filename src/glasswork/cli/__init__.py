"""The command line: parse, call the public face, print; no logic. The verbs are listed in `verbs`."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from glasswork.cli.output import INTERRUPTED
from glasswork.cli.printable import printable_streams
from glasswork.cli.verbs import VERBS, overview
from glasswork.errors import GlassworkError

MISTAKE = 2


@printable_streams()
def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command line; the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C.

    Args:
        arguments: the words after `glasswork`; None: those of the process, whose budget then began with the process.
    """
    began = time.monotonic()
    try:
        words = sys.argv[1:] if arguments is None else arguments
        if not words or words[0] in {"-h", "--help"}:  # at once: flags have to wait for pydantic
            print(overview())
            raise SystemExit(0)
        from glasswork.catalogue import OWN
        from glasswork.cli.arguments import parse

        OWN.clear()  # a command line names its own system again
        options = parse(words)
        options.began = began if arguments is not None else None
        return VERBS[options.verb].carry_out(options)
    except GlassworkError as error:
        print(f"glasswork: {str(error).removesuffix('.')}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(f"glasswork: the system refused{where}: {error.strerror or error}", file=sys.stderr)
        return MISTAKE
    except Exception as error:
        from glasswork.own_code import explain

        sentence = explain(error)
        if sentence is None:
            raise
        print(f"glasswork: {sentence.removesuffix('.')}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("glasswork: stopped", file=sys.stderr)
        return INTERRUPTED


def entry() -> NoReturn:
    """Carries out the process's command line and ends the process.

    Without taking the interpreter down: that takes 0.9 s once torch is loaded, and everything is on disk by now.
    """
    code = main()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
