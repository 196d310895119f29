"""What is made of a trained network and may fail without taking the run with it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

MadeT = TypeVar("MadeT")


@dataclass
class Attempts:
    """Collects what could not be made.

    Attributes:
        left_out: a sentence for each.
        details: the traceback of each.
    """

    left_out: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    def make(self, what: str, make: Callable[[], MadeT], instead: MadeT) -> MadeT:
        """What `make` returns; `instead` if it fails, which is noted.

        Args:
            what: the subject of the sentence, with its verb: `the figures are`.
            make: makes it.
            instead: stands for it.

        Raises:
            OSError: if a file cannot be written, as on a full disk.
        """
        try:
            return make()
        except OSError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()).removesuffix(".")
            said = type(error).__name__ + (f": {reason}" if reason else "")
            self.left_out.append(f"{what} left out, because of an error in making it ({said})")
            self.details.append("".join(traceback.format_exception(error)))
            return instead
