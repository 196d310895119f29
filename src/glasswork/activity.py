"""What the process is doing at present, in words, for whoever watches it."""

from collections.abc import Iterator
from contextlib import contextmanager

_doing: list[str] = []


@contextmanager
def doing(words: str) -> Iterator[None]:
    """Says what is done inside, such as `reading photos/`: the command line shows it if nothing else is printed."""
    _doing.append(words)
    try:
        yield
    finally:
        _doing.pop()


def current() -> str:
    """What is being done now; empty if nobody has said."""
    return _doing[-1] if _doing else ""
