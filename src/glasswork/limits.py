"""How large what a file declares may be: compared before anything is unpacked, for a file of some bytes may declare
more than any machine holds."""

import os
from dataclasses import dataclass

from glasswork.errors import GlassworkError

FREE_BYTES = 2**28
"""Up to so many bytes a packed file may become whatever its own size is."""


@dataclass(frozen=True)
class Limit:
    """A limit.

    Attributes:
        default: unless the environment says otherwise.
        noun: what is counted.
    """

    default: int
    noun: str


LIMITS = {
    "PIXELS": Limit(89_478_485, "pixels of a picture or frame"),
    "BYTES": Limit(2**36, "bytes unpacked"),
    "EXPANSION": Limit(250, "times its own size"),
    "COLUMNS": Limit(100_000, "columns"),
    "DEPTH": Limit(500, "elements inside of each other"),
    "FRAMES": Limit(2_000_000, "frames"),
    "SAMPLES": Limit(2**30, "samples of sound"),
    "RATE": Limit(2_000_000, "samples of sound a second"),
}
"""By their names; the environment variable `GLASSWORK_LIMIT_PIXELS` sets the first one, and so on."""


def limit(name: str) -> int:
    """A limit, as the environment sets it, or its default.

    Raises:
        GlassworkError: if the variable holds no whole number.
    """
    variable = f"GLASSWORK_LIMIT_{name}"
    said = os.environ.get(variable)
    if said is None:
        return LIMITS[name].default
    if not (said.isascii() and said.isdecimal() and len(said) < 20):
        raise GlassworkError(f"The environment variable {variable} has to be a whole number, not '{said}'")
    return int(said)


def within(source: object, name: str, declared: int) -> None:
    """Refuses a file that declares more than a limit.

    Raises:
        GlassworkError: with the variable that sets the limit.
    """
    most = limit(name)
    if declared > most:
        raise GlassworkError(
            f"{source} declares {declared:,} {LIMITS[name].noun}, and the limit is {most:,}: set "
            f"GLASSWORK_LIMIT_{name} if you trust the file."
        )


def within_unpacked(source: object, packed: int, unpacked: int) -> None:
    """Refuses a packed file that becomes too large, or far larger than itself.

    Args:
        source: the file.
        packed: its size in bytes.
        unpacked: what it becomes, as far as is known.

    Raises:
        GlassworkError: with the variable that sets the limit.
    """
    within(source, "BYTES", unpacked)
    if unpacked > FREE_BYTES:
        within(source, "EXPANSION", unpacked // max(1, packed))
