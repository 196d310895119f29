"""The kinds that a schema describes, and back."""

from dataclasses import fields, replace
from typing import Any

from glasswork.data.dataset import Schema
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text, Texts


def task_of(schema: Schema) -> Task:
    """The kinds that a schema describes."""
    return Task(_inputs(schema), _target(schema))


def _inputs(schema: Schema) -> Inputs:
    if schema.series is not None:
        return replace(schema.series, target_columns=schema.target_columns, unused=schema.unused)
    if schema.inputs == "text":
        assert schema.vocabulary is not None
        if schema.target == "next":
            return Text(schema.vocabulary)
        return Texts(schema.vocabulary, sum(schema.shape), schema.target_columns, schema.unused)
    kind: type[Images | Table | Clips] = {"image": Images, "vector": Table, "sequence": Clips}[schema.inputs]  # type: ignore[assignment]
    values: dict[str, Any] = {one.name: getattr(schema, one.name) for one in fields(kind)}
    return kind(**values)


def _target(schema: Schema) -> Target:
    names = schema.classes
    if schema.series is not None:
        return Quantiles(names, schema.series.horizon, schema.series.quantiles)
    if schema.target == "number":
        return Numbers(names, schema.target_mean, schema.target_deviation)
    kinds: dict[str, type[OneClass | Labels | NextToken | PerStep]]
    kinds = {"class": PerStep if schema.each else OneClass, "classes": Labels, "next": NextToken}
    return kinds[schema.target](names)


def fitted(schema: Schema, task: Task) -> Schema:
    """The schema with what the fitted kinds scale by."""
    values: dict[str, Any] = {}
    if isinstance(task.inputs, Images | Table | Clips):
        values |= {"mean": task.inputs.mean, "deviation": task.inputs.deviation}
    if isinstance(task.inputs, Table):
        values["tails"] = task.inputs.tails
    if isinstance(task.target, Numbers):
        values |= {"target_mean": task.target.mean, "target_deviation": task.target.deviation}
    return replace(schema, **values)
