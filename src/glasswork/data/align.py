"""Examples read anew, brought to the columns and classes that a model was trained on."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from glasswork.data.dataset import Dataset, Schema
from glasswork.errors import GlassworkError


def matching(dataset: Dataset, schema: Schema) -> Dataset:
    """The examples under a model's schema, with features and classes in the model's order.

    Raises:
        GlassworkError: where they do not fit the model.
    """
    columns = {**dataset.columns, "inputs": matching_inputs(dataset, schema)}
    if "targets" in columns:
        columns["targets"] = matching_targets(dataset, schema)
    return replace(dataset, columns=columns, schema=schema)


def matching_inputs(dataset: Dataset, schema: Schema) -> Tensor:
    """The inputs as a model under `schema` takes them; features of plain arrays are found by name.

    Raises:
        GlassworkError: for inputs of another kind or size, or a missing column.
    """
    found, inputs = dataset.schema, dataset.columns["inputs"]
    if found.inputs != schema.inputs or (found.features == schema.features and found.shape != schema.shape):
        raise _refused(dataset, schema)
    if found.vocabulary != schema.vocabulary:
        raise GlassworkError(
            f"{dataset.source} has changed since this model was trained, and has other tokens now: name it with "
            "--data, or train anew"
        )
    if (found.columns, found.features) == (schema.columns, schema.features):
        return inputs
    if found.columns and schema.columns:  # a table that was not read for this model
        raise GlassworkError(
            f"{dataset.source} has changed since this model was trained, and its columns now read differently: "
            "name it with --data, or train anew"
        )
    places = {name: place for place, name in enumerate(found.features)}
    missing = [name for name in schema.features if name not in places]
    if missing:
        raise GlassworkError(f"{dataset.source} has no column '{missing[0]}', which this model was trained on")
    if not schema.features:
        raise _refused(dataset, schema)
    return inputs[:, [places[name] for name in schema.features]]


def matching_targets(dataset: Dataset, schema: Schema) -> Tensor:
    """The targets in the kind and order that a model under `schema` answers in.

    A few whole numbers read as classes, and single labels as one class each; both are brought back.

    Raises:
        GlassworkError: for targets of another kind, or a class that the model does not know.
    """
    found, targets = dataset.schema, dataset.columns["targets"]
    if (found.target, found.classes) == (schema.target, schema.classes):
        return targets
    if schema.target == "number":
        if found.target == "class" and len(schema.classes) == 1:
            try:
                return torch.tensor([float(name) for name in found.classes])[targets][:, None]
            except ValueError:
                raise _refused(dataset, schema) from None
        if found.target == "classes" and found.classes == schema.classes:
            return targets.to(torch.float32)
    if schema.target == "number" or found.target not in {"class", schema.target}:
        raise _refused(dataset, schema)
    unknown = [name for name in found.classes if name not in schema.classes]
    if unknown:
        raise GlassworkError(
            f"{dataset.source} has a class '{unknown[0]}' that this model does not know: "
            f"it knows {', '.join(schema.classes)}"
        )
    places = torch.tensor([schema.classes.index(name) for name in found.classes])
    if schema.target == "class":
        return places[targets]
    marks = torch.zeros(len(targets), len(schema.classes), dtype=torch.uint8)
    marks[:, places] = targets if found.target == "classes" else one_hot(targets, len(places)).to(torch.uint8)
    return marks


def _refused(dataset: Dataset, schema: Schema) -> GlassworkError:
    found = dataset.schema
    return GlassworkError(
        f"{dataset.source} does not fit this model: it holds {found.inputs} inputs of shape {found.shape} "
        f"with targets of kind '{found.target}', not {schema.inputs} {schema.shape} and '{schema.target}'"
    )
