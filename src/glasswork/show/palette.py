"""The one palette: what every page, chart, picture and terminal is coloured with."""

from functools import cache

Colour = tuple[int, int, int]

LIGHT = {
    "paper": "#fdfcf9",
    "ink": "#22201d",
    "quiet": "#6b665e",
    "rule": "#e4dfd5",
    "tint": "#f4f1ea",
    "first": "#1f5c99",
    "second": "#b26a1b",
    "third": "#5b8a3a",
    "fourth": "#b23a2a",
    "aim": "#d8cdba",
}
DARK = {
    "paper": "#171614",
    "ink": "#e6e1d8",
    "quiet": "#a09a8f",
    "rule": "#35322d",
    "tint": "#211f1c",
    "first": "#7fb2e5",
    "second": "#dda15e",
    "third": "#a3c982",
    "fourth": "#ec8a79",
    "aim": "#585146",
}
PRINTED = LIGHT | {"paper": "#fff", "ink": "#000", "quiet": "#555", "rule": "#ccc", "tint": "#f4f4f2"}

# Orange and blue as in the TensorFlow playground, then Okabe and Ito's hues, which colour-blind readers tell apart.
HUES: tuple[Colour, ...] = (
    (240, 138, 24),
    (18, 110, 184),
    (0, 158, 115),
    (204, 105, 160),
    (214, 190, 30),
    (86, 180, 233),
    (200, 70, 20),
    (95, 95, 100),
    (120, 82, 40),
    (115, 75, 170),
)
"""Of classes, units and groups: between light paper and dark, so that a picture reads on both."""

FOR: Colour = (43, 123, 186)
AGAINST: Colour = (209, 89, 59)
HEAT: Colour = (226, 116, 20)
PALE: Colour = (244, 243, 240)
INK: Colour = (34, 32, 29)
GREY: Colour = (128, 122, 112)
WHITE: Colour = (255, 255, 255)
TERMINAL: Colour = (24, 24, 24)
"""The dark ground that shades on a terminal are mixed with."""


def mix(ground: Colour, colour: Colour, share: float) -> Colour:
    """A share of a colour laid over a ground."""
    red, green, blue = (round(below + share * (above - below)) for below, above in zip(ground, colour, strict=True))
    return red, green, blue


def hexadecimal(colour: Colour) -> str:
    """A colour as CSS writes it."""
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


@cache
def style_sheet() -> str:
    """The palette as CSS: variables for light pages, dark ones and paper, and the colours of lines, dots and groups."""

    def root(colours: dict[str, str]) -> str:
        return ":root { " + " ".join(f"--{name}: {value};" for name, value in colours.items()) + " }"

    rules = [
        root(LIGHT),
        f"@media (prefers-color-scheme: dark) {{ {root(DARK)} }}",
        f"@media print {{ {root(PRINTED)} }}",
    ]
    hues = {name: f"var(--{name})" for name in ("first", "second", "third", "fourth", "aim")}
    hues |= {"faint": "var(--quiet)"} | {f"group-{place}": hexadecimal(hue) for place, hue in enumerate(HUES)}
    for name, value in hues.items():
        rules.append(f".chart .line.{name} {{ stroke: {value}; }} .chart .dot.{name} {{ fill: {value}; }}")
    return "\n".join(rules) + "\n"
