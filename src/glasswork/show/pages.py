"""Which page shows which finding of the glass box: an explicit table."""

from collections.abc import Callable
from typing import Any

from glasswork.glassbox.convolve import Convolved
from glasswork.glassbox.cost.count import Count
from glasswork.glassbox.diagnose.diagnose import Diagnosis, report_of
from glasswork.glassbox.graph import Graph
from glasswork.glassbox.sequences.following import Following
from glasswork.glassbox.sequences.reading import NextCharacters, UnitReading
from glasswork.glassbox.sequences.unrolled import GateSaturation
from glasswork.glassbox.trace.trace import Trace
from glasswork.record import Record
from glasswork.report.blocks import Text
from glasswork.report.report import Report
from glasswork.show.convolve import convolve_page
from glasswork.show.count import count_text
from glasswork.show.features_page import looking_page
from glasswork.show.graph import graph_page
from glasswork.show.html import to_html
from glasswork.show.markup import escape
from glasswork.show.sequences import sequences_page
from glasswork.show.trace import trace_page


def count_page(count: Count) -> str:
    """The table of a network's layers as a page."""
    table = Text(count_text(count), "table")
    return to_html(Report(count.what, [], opening=[table], footer="Counted by Glasswork."))


PAGES: dict[type[Record], Callable[[Any], str]] = {
    Trace: trace_page,
    Graph: graph_page,
    Convolved: convolve_page,
    Count: count_page,
    Diagnosis: lambda found: to_html(report_of(found, "Diagnosis")),
    UnitReading: lambda found: sequences_page("A unit reads", [found]),
    NextCharacters: lambda found: sequences_page("Next characters", [found]),
    Following: lambda found: sequences_page("What units follow", [found]),
    GateSaturation: lambda found: sequences_page("Gates", [found]),
}


def page(found: Record) -> str:
    """The whole page of a finding; one that has no page of its own is shown by its section."""
    maker = PAGES.get(type(found))
    return maker(found) if maker else looking_page(type(found).__name__, [found])


def frame_page(found: Record) -> str:
    """A finding's page in a frame, so that its style stays its own in a notebook."""
    return f'<iframe srcdoc="{escape(page(found))}" style="width:100%;height:640px;border:0"></iframe>'
