"""The pictures of a run whose examples lie on a plane: its regions, those of its units, and how they came about."""

from collections.abc import Mapping, Sequence

from glasswork.glassbox.regions import LayerUnits, Region
from glasswork.report.blocks import Picture, Pictures
from glasswork.report.report import Section
from glasswork.show.regions import animation, layer_png, layer_words, region_png, units_png
from glasswork.systems.process import OnPlane


def draw_plane(found: OnPlane) -> tuple[list[Section], dict[str, bytes]]:
    """Sections of the report, and files by their names."""
    files = {"region.png": region_png(found.region)}
    if len(found.moving) > 1:
        files["region.gif"] = animation(found.moving)
    sections = [_region(found.region, files)]
    if found.layers:
        files["units.png"] = units_png(found.layers)
        sections.append(_units(found.region, found.layers))
    return sections, files


def _region(shown: Region, files: Mapping[str, bytes]) -> Section:
    moving = [Picture(files["region.gif"], "The same over training")] if "region.gif" in files else []
    if shown.number:
        reading = "The colour is the predicted number; dots are training examples, coloured by their target."
        reading += "" if shown.line is None else " On the dark line it predicts the middle of the two."
    else:
        reading = (
            "Each place has the colour of the predicted class, paler if the network is less confident; "
            "the dark line is the decision boundary. Dots are training examples in the colour of their own class."
        )
    caption = f"{shown.inputs[0]} from left to right, {shown.inputs[1]} upwards"
    return Section("Predictions over the plane", reading, [Pictures([Picture(files["region.png"], caption), *moving])])


def _units(shown: Region, layers: Sequence[LayerUnits]) -> Section:
    return Section(
        "What each hidden unit computes",
        f"The output of every unit over the same {shown.inputs[0]} and {shown.inputs[1]}: blue above 0, orange below, "
        "full colour at the greatest of its layer. A unit of the first layer bends along one straight line; a later "
        "one adds up the regions of the layer before it.",
        [Pictures([Picture(layer_png(layer), layer_words(layer).capitalize()) for layer in layers])],
    )
