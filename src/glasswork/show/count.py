"""What a network costs, printed: a table of its layers and what they add up to."""

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from glasswork.report.words import number

if TYPE_CHECKING:
    from glasswork.glassbox.cost.count import Count, Layer

FORMULAS_FROM = 110
"""Columns of a terminal from which on the formulas stand in the table."""
PRODUCTS_FROM = 150
"""The same for those of the multiply-adds."""


def print_count(console: Console, count: "Count") -> None:
    """Prints the layers of a network with output, parameters, multiply-adds, memory and receptive field, and totals."""
    console.print(f"[bold]{escape(count.what)}[/bold]  input {_shape(count.input)} [dim]({count.order})[/dim]")
    formulas, products = console.width >= FORMULAS_FROM, console.width >= PRODUCTS_FROM
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_footer=True)
    table.add_column("layer", "all", overflow="fold")
    if formulas:
        table.add_column("what", overflow="fold")
    table.add_column("output", no_wrap=True)
    table.add_column("parameters", number(count.parameters), justify="right", overflow="fold", no_wrap=not formulas)
    table.add_column(
        "multiply-adds", number(count.multiply_adds), justify="right", overflow="fold", no_wrap=not products
    )
    table.add_column("memory", memory(count.activation_bytes), justify="right", no_wrap=True)
    table.add_column("sees", justify="right", no_wrap=True)
    table.add_column("jump", justify="right", no_wrap=True)
    for layer in count.layers:
        table.add_row(
            escape(layer.name),
            *([escape(layer.kind)] if formulas else []),
            _shape(layer.output),
            layer.parameters_formula if formulas else _some(layer.parameters),
            layer.multiply_adds_formula if products else _some(layer.multiply_adds),
            memory(layer.memory) if layer.memory else "-",
            sees(layer),
            _sides(layer.jump),
        )
    console.print(table)
    console.print(f"\n[bold]{_amount(count.parameters, 'parameter')}[/bold], {memory(count.weight_bytes)} of weights")
    console.print(f"[bold]{_amount(count.multiply_adds, 'multiply-add')}[/bold] for one forward pass")
    console.print(f"[bold]{memory(count.activation_bytes)}[/bold] of activations")
    console.print(
        "[dim]sees: side of the receptive field of one output number, in pixels of the input, zero-padding included; "
        "jump: from one such field to the next[/dim]"
    )
    for note in count.notes:
        console.print(f"[dim]{escape(note)}[/dim]")


def count_text(count: "Count", width: int = 160) -> str:
    """The same as plain text, `width` columns wide."""
    file = io.StringIO()
    print_count(Console(file=file, width=width, color_system=None, highlight=False), count)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def memory(size: int) -> str:
    """Bytes for people: 392 B, 3.14 kB, 12.8 MB; a kB is 1,000 bytes."""
    for unit, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {letters}" if size < 1000 * unit else f"{size / unit:,.0f} {letters}"
    return f"{size} B"


def sees(layer: "Layer") -> str:
    """The receptive field of a layer: 12, 3x7, all, or a dash where it is not known."""
    return "all" if layer.sees_all else _sides(layer.receptive_field)


def _sides(sides: tuple[int, ...] | None) -> str:
    if sides is None:
        return "-"
    return str(sides[0]) if len(set(sides)) == 1 else _shape(sides)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "-"


def _some(value: int) -> str:
    return number(value) if value else "-"


def _amount(value: int, what: str) -> str:
    return f"{number(value)} {what}{'' if value == 1 else 's'}"
