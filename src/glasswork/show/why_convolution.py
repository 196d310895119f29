"""Why convolution: the tables in the terminal, and the page with its curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as plain

from glasswork.show import charts, escape
from glasswork.show.sections import Chart, Part, drawn_parts
from glasswork.show.terminal import print_table

Found = Mapping[str, Any]
FOOTER = "Drawn by Glasswork from the answers of every network."
READING = (
    "Every method learns from the same centred images. It is then asked about test images as they are, about the same "
    "moved by some pixels in a direction drawn for each, and about the same made smaller and larger. LeNet has "
    "convolutions with dense layers over their maps, which tell places apart; convolutions throughout take "
    "the greatest value of each map, wherever it stands."
)
COUNTING = (
    "A dense layer has a weight for every pixel and unit. A convolution uses the same few at every place, so "
    "that their number does not depend on the size of the image (Kolter: 256 x 256 in colour are 200 K inputs)."
)
SHALLOW = (
    "Histograms of oriented gradients with a linear support vector machine are features that people designed with one "
    "layer learnt on top; the others learn their features too."
)


def print_why(console: Console, found: Found) -> None:
    """The tables, and what they say."""
    print_table(console, _head(found), _rows(found))
    console.print(plain(f"\n{READING} {SHALLOW}\n"), soft_wrap=True)
    print_table(console, COUNTED, _counted(found))
    console.print(plain(f"\n{verdict(found)}"), soft_wrap=True)


def why_page(found: Found) -> str:
    """The page.

    Args:
        found: `WhyConvolution.to_json()`.
    """
    plainly = [one for one in found["methods"] if not one["augmented"]]
    augmented = [one for one in found["methods"] if one["augmented"]]
    parts = [
        Part(
            "Accuracy against the shift",
            READING,
            charts=[
                _chart("Learnt from centred images", plainly, "shifts", "pixels moved"),
                _chart("Learnt from shifted and scaled ones as well", augmented, "shifts", "pixels moved"),
            ],
            note="A convolution has the same weights at every place; a dense network must learn each place on its own.",
        ),
        Part(
            "Accuracy against the size",
            "No layer here knows anything about sizes: what is learnt about them comes from the examples.",
            charts=[
                _chart("Learnt from centred images", plainly, "scales", "size in percent"),
                _chart("Learnt from shifted and scaled ones as well", augmented, "scales", "size in percent"),
            ],
        ),
        Part("Shallow against deep", SHALLOW, head=_head(found), rows=_rows(found)),
        Part("Parameters at 256 x 256 x 3", COUNTING, head=COUNTED, rows=_counted(found)),
    ]
    title = f"Why convolution: {found['data']}"
    height, width = found["side"]
    asked = f"{found['training']:,} training images, {found['judged']:,} judged, each on {height} x {width} pixels."
    body = (
        f'<header><h1>{escape(title)}</h1><p class="verdict">{escape(verdict(found))} {escape(asked)}</p></header>'
        + drawn_parts(parts)
    )
    return charts.document(title, body, footer=FOOTER)


def verdict(found: Found) -> str:
    """What the tables say, in words."""
    plainly = {one["method"]: dict(one["shifts"]) for one in found["methods"] if not one["augmented"]}
    far = max(next(iter(plainly.values())))
    said = [
        f"{method} falls from {percent(shifts[0.0])} to {percent(shifts[far])}" for method, shifts in plainly.items()
    ]
    return f"Moved by {far:.0f} pixels, and trained on centred images alone: {'; '.join(said)}."


def percent(share: float) -> str:
    """A share, for people."""
    return f"{100 * share:.1f} %"


DRAWN = {"convolutions throughout": "convolutions", "dense network": "dense", "LeNet": "LeNet"}
"""Methods in the order of the lines' strength, and their names beside the lines; the tables have all methods."""
COUNTED = ("layer", "parameters", "multiply-adds")


def _counted(found: Found) -> list[list[str]]:
    return [[one["layer"], f"{one['parameters']:,}", f"{one['multiply_adds']:,}"] for one in found["counted"]]


def _chart(caption: str, methods: Sequence[Found], kind: str, across: str) -> Chart:
    factor = 100 if kind == "scales" else 1
    curves = {one["method"]: [(factor * x, y) for x, y in one[kind]] for one in methods}
    lines = [(name, curves[method]) for method, name in DRAWN.items()]
    return Chart(caption, lines, across, in_percent=True)


def _head(found: Found) -> list[str]:
    first = found["methods"][0]
    shifts = [f"moved {x:.0f}" for x, _ in first["shifts"][1:] if x in (4, 8)]
    scales = [f"size {100 * x:.0f} %" for x, _ in first["scales"] if x in (0.6, 1.5)]
    return ["method", "parameters", "as is", *shifts, *scales]


def _rows(found: Found) -> list[list[str]]:
    return [
        [
            "- from moved ones too" if one["augmented"] else one["method"],
            f"{one['parameters']:,}",
            percent(one["shifts"][0][1]),
            *(percent(y) for x, y in one["shifts"][1:] if x in (4, 8)),
            *(percent(y) for x, y in one["scales"] if x in (0.6, 1.5)),
        ]
        for one in found["methods"]
    ]
