"""Findings of the glass box shown in a notebook as their pages."""

import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from glasswork.glassbox.record import Record

Found = TypeVar("Found", bound="Record")


def displayed(found: Found) -> Found:
    """The finding itself; in a notebook it will be shown as its page when it is the last line of a cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from glasswork.show.views import framed

        shell.display_formatter.formatters["text/html"].for_type(type(found), framed)
    return found
