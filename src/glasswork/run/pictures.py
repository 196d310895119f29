"""The pictures of a run whose examples lie on a plane: its regions, those of its units, and how they came about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from glasswork.glassbox.regions import LayerUnits, Plane, Region, answers_over, as_region, region, units_over
from glasswork.report.blocks import Picture, Pictures
from glasswork.report.report import Section
from glasswork.run.region_snapshots import CELLS, FILE, Frame, read
from glasswork.run.training import Training
from glasswork.show.regions import animation, layer_png, layer_words, region_png, units_png


@dataclass(frozen=True)
class RegionPictures:
    """What a run adds to its report and its folder.

    Attributes:
        sections: of the report.
        files: name and content of each file.
    """

    sections: tuple[Section, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def pictures(training: Training) -> RegionPictures:
    """The pictures of a finished run, of its network as it stands; none where its examples lie on no plane."""
    plane = training.plane()
    if plane is None:
        return RegionPictures()
    shown, layers = region(training.network, plane), units_over(training.network, plane)
    files = {"region.png": region_png(shown)}
    frames = read(training.folder.path / FILE)
    if len(frames) > 1:
        files["region.gif"] = animation(_moving(frames, training, plane))
    sections = [_region_section(shown, files)]
    if layers:
        files["units.png"] = units_png(layers)
        sections.append(_units_section(shown, layers))
    return RegionPictures(tuple(sections), files)


def _moving(frames: list[Frame], training: Training, plane: Plane) -> list[tuple[Region, str]]:
    """The frames, and where an earlier network than the last one is kept, that one at the end."""
    moving = [(as_region(frame.answers, plane), f"epoch {frame.epoch:,}") for frame in frames]
    if training.best is not None:
        kept = answers_over(training.network, plane, CELLS)
        moving.append((as_region(kept, plane), f"kept: epoch {training.best.epoch:,}"))
    return moving


def _region_section(shown: Region, files: Mapping[str, bytes]) -> Section:
    moving = [Picture(files["region.gif"], "The same over training")] if "region.gif" in files else []
    if shown.number:
        reading = "The colour is the number that the network answers; dots are training examples in their own."
        reading += "" if shown.line is None else " On the dark line it answers the middle of the two."
    else:
        reading = (
            "Each place has the colour of the class that the network answers there, the paler the less sure it is; "
            "the dark line is the decision boundary. Dots are training examples in the colour of their own class."
        )
    caption = f"{shown.inputs[0]} from left to right, {shown.inputs[1]} upwards"
    return Section("What it answers where", reading, [Pictures([Picture(files["region.png"], caption), *moving])])


def _units_section(shown: Region, layers: tuple[LayerUnits, ...]) -> Section:
    return Section(
        "What each hidden unit makes of it",
        f"What every unit gives out over the same {shown.inputs[0]} and {shown.inputs[1]}: blue above 0, orange below, "
        "full colour at the greatest of its layer. A unit of the first layer bends along one straight line; a later "
        "one adds up the regions of the layer before it.",
        [Pictures([Picture(layer_png(layer), layer_words(layer).capitalize()) for layer in layers])],
    )
