"""Drawings by name: of a preset, a run, or an architecture that is written out."""

from pathlib import Path
from typing import Any

from glasswork import catalogue
from glasswork.errors import GlassworkError
from glasswork.glassbox.drawing import Drawing, dense_layers, draw_boxes, draw_nodes
from glasswork.run.count import count_named
from glasswork.run.load import load_model

FORMS = ("nodes", "boxes")


def draw_named(
    what: str, form: str | None = None, source: str | None = None, target: Any = None, size: int | None = None
) -> Drawing:
    """Draws a preset, a run, or a written-out architecture.

    Args:
        what: `lenet`, a run's folder or its name, or words such as `32x32x3 conv5x5x64 pool2 fc10`.
        form: `nodes` or `boxes`; None: nodes for a run of dense layers, else boxes.
        source: an input of a run, whose activations are drawn; None: there are none.
        target: what the run should have answered, for the errors; None: its own answer.
        size: side of the square images, for a preset.

    Raises:
        GlassworkError: for what is none of these, another form, or a network that does not fit it.
    """
    if form not in (None, *FORMS):
        raise GlassworkError(f"A network is drawn as nodes or boxes, not as {form}")
    if what in catalogue.PRESETS or " " in what.strip():
        if form == "nodes" or source is not None:
            raise GlassworkError(f"{what} has no weights yet: draw it as boxes, or train it and draw the run")
        return draw_boxes(count_named(what, size))
    model = load_model(what, device="cpu")
    name = Path(model.run).name
    if form == "boxes" or (form is None and not dense_layers(model.network)):
        if source is not None:
            raise GlassworkError(
                f"Boxes show no activations: leave out the input, or look at glasswork open {what} {source}"
            )
        return draw_boxes(count_named(what))
    trace = None if source is None else model.open(source, target)
    return draw_nodes(name, model.network, model.task.inputs.unit_names, tuple(model.classes), trace)
