"""Drawings of a module, or by name: of a preset, a run, or an architecture that is written out."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glasswork import catalogue
from glasswork.errors import GlassworkError
from glasswork.glassbox.cost.network import count_network
from glasswork.glassbox.drawing import Drawing, dense_layers, draw_boxes, draw_nodes
from glasswork.glassbox.trace.opening import open_network
from glasswork.report.report import Report
from glasswork.run.count import count_named
from glasswork.run.function_charts import CHARTS
from glasswork.run.load import load_model

FORMS = ("nodes", "boxes")


def draw(
    what: str | nn.Module, form: str | None = None, source: Any = None, target: Any = None, size: int | None = None
) -> Drawing | Report:
    """Draws a module, a preset, a run, a written-out architecture; or the functions that networks are made of.

    Args:
        what: any module; `lenet`, a run's folder or its name, or words such as `32x32x3 conv5x5x64 pool2 fc10`; or
            `activations`, `losses`, `schedules`.
        form: `nodes` or `boxes`; None: nodes for dense layers with weights, else boxes.
        source: an input whose activations are drawn: of a run, a file; of a module, a tensor (1, ...), which boxes
            need. None: there are no activations.
        target: what should have been answered, for the errors; None: what was.
        size: side of the square images, for a preset.

    Raises:
        GlassworkError: for what is none of these, another form, or a network that does not fit it.
    """
    if form not in (None, *FORMS):
        raise GlassworkError(f"A network is drawn as nodes or boxes, not as {form}")
    if isinstance(what, str) and what in CHARTS:
        if any(one is not None for one in (form, source, target, size)):
            raise GlassworkError(f"{what} are drawn as curves, without an input or a form: leave the rest out")
        return CHARTS[what]()
    if target is not None and source is None:
        raise GlassworkError("A target without an input has no errors to draw: give the input too")
    if isinstance(what, nn.Module):
        return _draw_module(what, form, source, target)
    if what in catalogue.PRESETS or " " in what.strip():
        if form == "nodes" or source is not None:
            raise GlassworkError(f"{what} has no weights yet: draw it as boxes, or train it and draw the run")
        return draw_boxes(count_named(what, size))
    if size is not None:
        raise GlassworkError(f"{what} has its own size of inputs: leave out --size, which is for presets")
    model = load_model(what, device="cpu")
    name = Path(model.run).name
    if form == "boxes" or (form is None and not dense_layers(model.network)):
        if source is not None:
            raise GlassworkError(
                f"Boxes show no activations: leave out the input, or use glasswork open {what} {source}"
            )
        return draw_boxes(count_named(what))
    trace = None if source is None else model.open(source, target)
    example = model.task.inputs.zeros(1)
    return draw_nodes(name, model.network, example, model.task.inputs.unit_names, tuple(model.classes), trace)


def _draw_module(network: nn.Module, form: str | None, inputs: Tensor | None, target: Any) -> Drawing:
    name = type(network).__name__
    if form == "nodes" or (form is None and dense_layers(network)):
        trace = None if inputs is None else open_network(network, inputs[:1], target=target)
        layers = dense_layers(network)
        example = torch.zeros(1, layers[0][1].in_features if layers else 1) if inputs is None else inputs[:1]
        return draw_nodes(name, network, example, trace=trace)
    if inputs is None:
        raise GlassworkError(
            f"To draw {name} as boxes, give an input that it takes, such as torch.zeros(1, 3, 224, 224)"
        )
    return draw_boxes(count_network(network, inputs[:1], name))
