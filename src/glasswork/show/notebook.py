"""Findings of the glass box shown in a notebook as their pages."""

import sys
from typing import TypeVar

Found = TypeVar("Found")


def display(found: Found) -> Found:
    """What was given; in a notebook, findings of the glass box are shown as their pages from now on."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from glasswork.record import Record
        from glasswork.show.pages import frame_page

        shell.display_formatter.formatters["text/html"].for_type(Record, frame_page)
    return found
