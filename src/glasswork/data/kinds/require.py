"""What data has to be for what is done with it: kinds are declared, and anything else is refused in words."""

from dataclasses import replace
from typing import ClassVar, Protocol

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError


class Learner(Protocol):
    """What a system says about the data that it learns from.

    Attributes:
        takes: the kinds of inputs.
        answers: the kinds of targets.
        wanted: a clause about these inputs, and one about these targets.
    """

    takes: ClassVar[tuple[type[Inputs], ...]]
    answers: ClassVar[tuple[type[Target], ...]]
    wanted: ClassVar[tuple[str, str]]


def suits(task: Task, takes: tuple[type[Inputs], ...], answers: tuple[type[Target], ...]) -> bool:
    """Whether inputs and target are of kinds that something takes and answers."""
    return isinstance(task.inputs, takes) and isinstance(task.target, answers)


def require(dataset: Dataset, system: Learner | type[Learner], source: str = "") -> None:
    """Refuses data of another kind than a system learns from.

    Args:
        dataset: the data.
        system: the system, or its class.
        source: what the data is called, with its verb; empty: its source holds it.

    Raises:
        GlassworkError: saying what the data is, and what learns from it.
    """
    task, (inputs, target) = dataset.task, system.wanted
    if not isinstance(task.inputs, system.takes):
        raise GlassworkError(f"{inputs}, and {source or f'{dataset.source} holds'} {task.inputs.holds()}")
    if not isinstance(task.target, system.answers):
        raise GlassworkError(
            f"{target}, and {dataset.source} has targets of kind '{task.target.word}': use {task.inputs.preset}"
        )


def align(dataset: Dataset, task: Task) -> Dataset:
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
