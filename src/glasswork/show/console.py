"""The console that everything in colours is printed on; control characters of the user's are written out."""

from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from typing_extensions import override

from glasswork.errors import printable_lines


class PrintableConsole(Console):
    """A console whose own codes alone move the cursor and set colours."""

    @override
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text = segment.text
            if segment.control or text == "\n" or text.isprintable():
                yield segment
            else:
                yield Segment(printable_lines(text), segment.style)


def console_on(stream: TextIO) -> Console:
    """A console on a stream; below one that writes colours out too, on the stream below it."""
    plain: Any = getattr(stream, "plain", stream)
    return PrintableConsole(file=plain, highlight=False)
