"""Counting by name: a preset, a run, or an architecture that is written out."""

from dataclasses import replace

import torch

from glasswork import catalogue
from glasswork.glassbox.cost.count import Count, count
from glasswork.glassbox.cost.network import count_network
from glasswork.run.load import load_model
from glasswork.run.request import make_request


def count_named(what: str, size: int | None = None) -> Count:
    """Counts a preset, a run, or a written-out architecture.

    Args:
        what: `lenet`, a run's folder or its name, or words such as `32x32x3 conv5x5x64 pool2 fc10`.
        size: side of the square images, for a preset; absent: 28, or 224 for networks for photographs.

    Raises:
        GlassworkError: for what is none of these.
    """
    if what in catalogue.PRESETS:
        return _count_preset(what, size)
    if " " not in what.strip() and not what[:1].isdigit():
        model = load_model(what)
        return count_network(model.network, model.schema.zeros(1), model.run)
    return count(what)


def _count_preset(name: str, size: int | None) -> Count:
    """A preset's network for grey images of ten classes, photographs of 1,000, or for what it is usually given."""
    order = make_request(name, {})
    system = catalogue.make_system(order.system, order.recipe)
    schema = system.usual_schema()
    if schema.task.inputs.image_shape:
        usual = order.recipe.model_dump().get("size")
        channels, classes, side = (3, 1000, size or usual) if usual else (schema.shape[0], 10, size or schema.shape[1])
        schema = replace(schema, shape=(channels, side, side), classes=tuple(map(str, range(classes))))
    with torch.device("meta"):
        return count_network(system.network(schema), schema.zeros(1), name)
