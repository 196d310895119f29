"""The one abstract class: what a lecture system adds to the common loop."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from torch import Tensor, nn
from typing_extensions import TypeVar

from glasswork.data.batches import Batch
from glasswork.data.dataset import ASKED, Dataset, Schema
from glasswork.data.inputs import Inputs
from glasswork.data.splits import Splits
from glasswork.execution import Execution
from glasswork.recipe.base import Machine, Recipe
from glasswork.training.stage import Carry, Moment, Stage
from glasswork.training.step import Tree

if TYPE_CHECKING:
    from glasswork.systems.model import Model


@dataclass(frozen=True)
class Prediction:
    """What a model says about one input.

    Attributes:
        input: where the input came from.
        answer: the class, the classes, the number or the numbers.
        probability: of the answered class; None where the answer is not one class.
        probabilities: of every class, most probable first; empty for numbers.
        problem: why there is no answer, in one sentence; None where there is one.
        figures: what else was measured on the input, by name.
        words: of a sentence that is answered word by word, its words.
        frames: of a clip that is answered frame by frame, how many it has.
        moved: of a text its pieces in their order, and how far each moved the answer; empty where nobody looked.
    """

    input: str
    answer: str | tuple[str, ...] | float | tuple[float, ...]
    probability: float | None
    probabilities: Mapping[str, float]
    problem: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    words: Sequence[str] = ()
    moved: Sequence[tuple[str, float]] = ()
    frames: int = 0

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        return {
            "input": self.input,
            "answer": answer,
            "probability": self.probability,
            "probabilities": dict(self.probabilities),
            **({"problem": self.problem} if self.problem else {}),
            **self.figures,
            **({"words": list(self.words)} if self.words else {}),
            **({"frames": self.frames} if self.frames else {}),
            **({"moved": [list(pair) for pair in self.moved]} if self.moved else {}),
        }


@dataclass(frozen=True)
class Context:
    """What a network learns from and how: one argument that can grow.

    Attributes:
        dataset: all examples, with the fitted schema.
        splits: which of them train, validate and test.
        execution: how the arithmetic is carried out.
    """

    dataset: Dataset
    splits: Splits
    execution: Execution


Remarks = tuple[str, ...]
"""Sentences for the terminal and the report."""

RecipeT = TypeVar("RecipeT", bound=Recipe, default=Recipe, covariant=True)


class System(abc.ABC, Generic[RecipeT]):
    """How one system's data reads, what it minimises, how it answers; the machinery is elsewhere.

    Args:
        recipe: what to minimise.
    """

    def __init__(self, recipe: RecipeT) -> None:
        self._recipe = recipe

    @property
    def recipe(self) -> RecipeT:
        """The recipe that the system follows."""
        return self._recipe

    @property
    @abc.abstractmethod
    def loss_name(self) -> str:
        """Key of what is minimised in `objectives.losses.LOSSES`, for looking into the network."""

    @property
    def outputs_read_as(self) -> str:
        """Key of the loss by which the network's outputs read as probabilities; that of the loss, if not another."""
        return self.loss_name

    @abc.abstractmethod
    def read(self, source: str | Path, like: Schema | None = None) -> Dataset:
        """The examples at a path or under a name; with `like`, their inputs as that schema describes them."""

    @abc.abstractmethod
    def scaled(self, dataset: Dataset, rows: Tensor) -> Schema:
        """The examples' schema with what inputs and targets are scaled by, found on the training `rows`."""

    @abc.abstractmethod
    def resolve(self, dataset: Dataset, splits: Splits) -> Recipe:
        """The recipe with every absent value derived from the data."""

    @abc.abstractmethod
    def network(self, schema: Schema) -> nn.Module:
        """A freshly initialised network for inputs and targets as `schema` describes them."""

    def restrict(self, machine: Machine, network: nn.Module) -> Machine:
        """The machine without what the system cannot use, and with its own choice of what is left to it.

        Args:
            machine: what was asked for.
            network: what is trained on it.

        Raises:
            GlassworkError: if the system cannot do what was asked for.
        """
        return machine

    @abc.abstractmethod
    def stages(self, network: nn.Module, context: Context) -> list[Stage]:
        """The minimisations, in order, with clocks that do not run out; nothing is changed."""

    @abc.abstractmethod
    def loss(self, network: nn.Module, batch: Batch, carry: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        """Mean loss of a batch (shape ()) and what the next step carries on."""

    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Sets the weights that a fresh run begins with, if they are not random: published ones, counted words.

        It is called once, on the freshly initialised network, and not if a run is resumed.

        Returns:
            Sentences about it, for the report.
        """
        return ()

    def complete(self, network: nn.Module, context: Context) -> None:
        """Sets what is not learnt by steps, such as class means, on the weights that are kept.

        It is called once after training and before anything is measured; calling it again changes nothing.
        """

    @abc.abstractmethod
    def score(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
        """Named metrics of the network on some rows of the examples; `loss` is among them."""

    @abc.abstractmethod
    def findings(
        self, network: nn.Module, dataset: Dataset, splits: Splits, execution: Execution, state: Tree | None
    ) -> dict[str, Any]:
        """The fields of the report that only the system can fill; `test_metrics` among them.

        Under `result` there may be further entries of `result.json`. `remarks` among these are sentences about how the
        training ended, for the terminal and the report as well; `warnings` are added to those about the data.

        Args:
            network: with the weights that are kept.
            dataset: all examples.
            splits: which of them train, validate and test.
            execution: how the arithmetic is carried out.
            state: of the last step; None where not one was made.
        """

    @abc.abstractmethod
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        """New inputs at some paths, read as `schema` describes them, in parts that fit into memory.

        Raises:
            GlassworkError: where there is nothing of the kind.
        """

    @abc.abstractmethod
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        """The examples at `rows` as one batch, as the network sees them outside of training; of a text: stretches."""

    @abc.abstractmethod
    def answer(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        """What the network says about each example; their targets play no part."""

    def next_commands(self, run: str, schema: Schema) -> list[tuple[str, str]]:
        """What to try after a run: commands, and what each does."""
        file, what = ASKED[schema.inputs]
        return [
            (f"glasswork predict {run} {file}", f"asks the model about {what} of your own"),
            (f"glasswork evaluate {run} --data PATH", "measures the model on other examples with known answers"),
            (f"glasswork compare {run} OTHER", "puts two runs side by side: recipe, figures, time"),
        ]

    def model_class(self) -> "type[Model]":
        """The class of the models that its runs leave; one with verbs of its own, if the system has some."""
        from glasswork.systems.model import Model  # here, as training does not wait for what looks into a network

        return Model

    @abc.abstractmethod
    def example(self) -> Dataset:
        """A few made examples, for the contract tests."""
