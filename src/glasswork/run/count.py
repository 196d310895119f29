"""Counting by name: a preset, a run, or an architecture that is written out."""

import torch

from glasswork import catalogue
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import suits
from glasswork.data.kinds.task import Task
from glasswork.glassbox.cost.count import Count, count
from glasswork.glassbox.cost.network import count_network
from glasswork.run.load import load_model
from glasswork.run.request import make_request


def count_named(what: str, size: int | None = None) -> Count:
    """Counts a preset, a run, or a written-out architecture.

    Args:
        what: `lenet`, a run's folder or its name, or words such as `32x32x3 conv5x5x64 pool2 fc10`.
        size: side of the square images, for a preset; None: 28, or 224 for networks for photographs.

    Raises:
        GlassworkError: for what is none of these.
    """
    if what in catalogue.PRESETS:
        return _count_preset(what, size)
    if " " not in what.strip() and not what[:1].isdigit():
        model = load_model(what)
        return count_network(model.network, model.task.inputs.zeros(1), model.run)
    return count(what)


def _count_preset(name: str, size: int | None) -> Count:
    """A preset's network for grey images of ten classes, photographs of 1,000, or for what it is usually given."""
    order = make_request(name, {})
    system = catalogue.make_system(order.system, order.recipe)
    task = system.usual_task()
    if suits(task, (Images,), (OneClass,)):
        usual = order.recipe.model_dump().get("size")
        grey, height, _ = Images.of(task).shape
        channels, classes, side = (3, 1000, size or usual) if usual else (grey, 10, size or height)
        task = Task(Images((channels, side, side)), OneClass(tuple(map(str, range(classes)))))
    with torch.device("meta"):
        return count_network(system.network(task), task.inputs.zeros(1), name)
