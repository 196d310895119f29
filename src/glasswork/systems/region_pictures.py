"""The pictures of a run whose examples lie on a plane: its regions, those of its units, and how they came about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from glasswork.glassbox.regions import LayerUnits, Plane, Region, answers_over, as_region, region, units_over
from glasswork.show.regions import animation, layer_png, layer_words, region_png, units_png
from glasswork.show.regions_terminal import TERMINAL_CELLS
from glasswork.show.sections import Part, Photograph
from glasswork.systems.region_snapshots import CELLS, FILE, Frame, read
from glasswork.training.step import Best


@dataclass(frozen=True)
class Pictures:
    """What a run adds to its report and its folder.

    Attributes:
        parts: sections of the report.
        files: name and content of each file.
        region: the plane in as many cells as a terminal shows.
    """

    parts: tuple[Part, ...]
    files: Mapping[str, bytes]
    region: Region


def pictures(network: nn.Module, plane: Plane, best: Best | None, folder: Path) -> Pictures:
    """The pictures of a finished run.

    Args:
        network: with the weights that are kept.
        plane: that its examples lie on.
        best: the judgement whose weights are kept; None: they are the last ones.
        folder: of the run, which has its frames.
    """
    shown, layers = region(network, plane), units_over(network, plane)
    files = {"region.png": region_png(shown)}
    frames = read(folder / FILE)
    if len(frames) > 1:
        files["region.gif"] = animation(_moving(frames, network, plane, best))
    parts = [_region_part(shown, files)]
    if layers:
        files["units.png"] = units_png(layers)
        parts.append(_units_part(shown, layers))
    return Pictures(tuple(parts), files, region(network, plane, TERMINAL_CELLS))


def _moving(frames: list[Frame], network: nn.Module, plane: Plane, best: Best | None) -> list[tuple[Region, str]]:
    """The frames, and where an earlier network than the last one is kept, that one at the end."""
    moving = [(as_region(frame.answers, plane), f"epoch {frame.epoch:,}") for frame in frames]
    if best is not None:
        kept = answers_over(network, plane, CELLS)
        moving.append((as_region(kept, plane), f"kept: epoch {best.epoch:,}"))
    return moving


def _region_part(shown: Region, files: Mapping[str, bytes]) -> Part:
    moving = [Photograph(files["region.gif"], "The same over training")] if "region.gif" in files else []
    if shown.number:
        reading = "The colour is the number that the network answers; dots are training examples in their own."
        reading += "" if shown.line is None else " On the dark line it answers the middle of the two."
    else:
        reading = (
            "Each place has the colour of the class that the network answers there, the paler the less sure it is; "
            "the dark line is the decision boundary. Dots are training examples in the colour of their own class."
        )
    caption = f"{shown.inputs[0]} from left to right, {shown.inputs[1]} upwards"
    return Part("What it answers where", reading, pictures=[Photograph(files["region.png"], caption), *moving])


def _units_part(shown: Region, layers: tuple[LayerUnits, ...]) -> Part:
    return Part(
        "What each hidden unit makes of it",
        f"What every unit gives out over the same {shown.inputs[0]} and {shown.inputs[1]}: blue above 0, orange below, "
        "full colour at the greatest of its layer. A unit of the first layer bends along one straight line; a later "
        "one adds up the regions of the layer before it.",
        pictures=[Photograph(layer_png(layer), layer_words(layer).capitalize()) for layer in layers],
    )
