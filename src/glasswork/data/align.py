"""Examples read anew, brought to the columns and classes that a model was trained on."""

from dataclasses import replace

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError


def matching(dataset: Dataset, task: Task) -> Dataset:
    """The examples under a model's task, with features and classes in the model's order.

    Raises:
        GlassworkError: if they do not fit the model.
    """
    columns = dict(dataset.columns)
    columns["inputs"] = _fitting(task.inputs.align(dataset), dataset, task)
    if "targets" in columns:
        columns["targets"] = _fitting(task.target.align(dataset), dataset, task)
    return replace(dataset, columns=columns, task=task)


def _fitting(column: Tensor | None, dataset: Dataset, task: Task) -> Tensor:
    if column is not None:
        return column
    found = dataset.task
    raise GlassworkError(
        f"{dataset.source} does not fit this model: it holds {found.inputs.word} inputs of shape {found.inputs.shape} "
        f"with targets of kind '{found.target.word}', not {task.inputs.word} {task.inputs.shape} and "
        f"'{task.target.word}'"
    )
