"""Signals that ask a process to stop: Ctrl-C, SIGTERM from a scheduler, SIGHUP from a terminal that is closed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN_SECONDS = 0.02
_received: list[int] = []
_prompt: list[None] = []

Handler = Callable[[int, FrameType | None], Any]


def exit_code() -> int:
    """The exit code of a process that was stopped, as shells know it: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def note(number: int) -> None:
    """Notes the signal that asked to stop; the first one counts."""
    _received.append(number)


def forget() -> None:
    """Forgets the signal that an earlier command was stopped by."""
    _received.clear()


@contextmanager
def promptly() -> Iterator[None]:
    """Lets a signal raise KeyboardInterrupt at once inside, also where it otherwise waits for the end of a step.

    For long work between steps that leaves nothing half done.
    """
    _prompt.append(None)
    try:
        yield
    finally:
        _prompt.pop()


def is_prompt() -> bool:
    """Whether work is under way that may be broken off at once."""
    return bool(_prompt)


def handle(handler: Handler) -> dict[int, Any]:
    """Has the signals call `handler`; the handlers that were there before.

    A SIGHUP that is ignored stays so: `nohup` asks for that.
    """
    chosen = [one for one in SIGNALS if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in chosen}


def interrupt(number: int, frame: FrameType | None) -> None:
    """The handler of a process that is ours: raises KeyboardInterrupt; the next signal ends the process at once.

    An import under way is waited for: torch's libraries abort if an exception meets them while they are loaded. While
    torch itself is imported, which can take long, nothing has begun, and the process ends at once.
    """
    if number != signal.SIGALRM:
        note(number)
        let_end()
    if _is_importing(frame):
        if _torch_is_loading():
            print("glasswork: stopped: give the same command again", file=sys.stderr, flush=True)
            os._exit(exit_code())
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        return
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _torch_is_loading() -> bool:
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def let_end() -> None:
    """Lets the next signal end the process at once, even within a long computation.

    Nothing is torn, as every file that is read back is written whole or not at all.
    """
    handle(signal.SIG_DFL)  # type: ignore[arg-type]
