"""What an exported file is given and what it answers, for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from glasswork.show.terminal import print_table

MOST_WORDS = 90
Found = Mapping[str, Any]


def print_export(console: Console, found: Found) -> None:
    """The file, its inputs and outputs, and how it was checked."""
    console.print(escape(f"{found['path']}: {size(found['bytes'])}"), soft_wrap=True)
    if found["scaled"]:
        rows = [_row("input", found["input"]), *(_row("output", port) for port in found["outputs"])]
        print_table(console, ("", "name", "numbers", "shape", "meaning"), rows)
    else:
        console.print(
            "Weights alone, by the names of the module. Scale inputs as the task says: "
            "(x / 255 - mean) / deviation for images, (x - mean) / deviation for other numbers.",
            soft_wrap=True,
        )
    said = f"read back by {found['reader']} and compared on {found['checked']} real inputs: "
    console.print(escape(f"{said}the greatest difference is {found['difference']:.2g}"), soft_wrap=True)


def size(count: int) -> str:
    """A number of bytes, for people."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} KB"


def _row(kind: str, port: Found) -> list[object]:
    meaning = str(port["meaning"])
    shown = meaning if len(meaning) <= MOST_WORDS else f"{meaning[: MOST_WORDS - 4]} ..."
    return [kind, port["name"], port["dtype"], "(" + ", ".join(map(str, port["shape"])) + ")", shown]
