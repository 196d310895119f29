"""Examples read anew, brought to the columns and classes that a model was trained on."""

from dataclasses import replace

from torch import Tensor

from glasswork.data.dataset import Dataset, Schema
from glasswork.errors import GlassworkError


def matching(dataset: Dataset, schema: Schema) -> Dataset:
    """The examples under a model's schema, with features and classes in the model's order.

    Raises:
        GlassworkError: if they do not fit the model.
    """
    task, columns = schema.task, dict(dataset.columns)
    columns["inputs"] = _fitting(task.inputs.align(dataset), dataset, schema)
    if "targets" in columns:
        columns["targets"] = _fitting(task.target.align(dataset), dataset, schema)
    return replace(dataset, columns=columns, schema=schema)


def _fitting(column: Tensor | None, dataset: Dataset, schema: Schema) -> Tensor:
    if column is not None:
        return column
    found, known = dataset.schema.task, schema.task
    raise GlassworkError(
        f"{dataset.source} does not fit this model: it holds {found.inputs.word} inputs of shape {found.inputs.shape} "
        f"with targets of kind '{found.target.word}', not {known.inputs.word} {known.inputs.shape} and "
        f"'{known.target.word}'"
    )
