"""The data of a recipe and its division."""

from dataclasses import replace

from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError
from glasswork.systems.evaluation import measured_rows
from glasswork.systems.system import System


def read_data(system: System) -> Dataset:
    """The data of a system's recipe.

    Raises:
        GlassworkError: if no data is named, or it cannot be read.
    """
    if system.recipe.data is None:
        raise GlassworkError("There is no data: name a path or a data set with --data")
    return system.read(system.recipe.data)


def read_split(system: System) -> tuple[Dataset, Splits]:
    """The same, and which rows train, validate and test."""
    recipe, dataset = system.recipe, read_data(system)
    return dataset, split(dataset, recipe.validation, recipe.test, recipe.seed)


def read_measured(system: System) -> tuple[Dataset, Splits]:
    """The same, with the rows that a run's figures are about as `test`.

    If no others were held out, these are also validation or training rows.
    """
    dataset, splits = read_split(system)
    return dataset, replace(splits, test=measured_rows(splits)[1])
