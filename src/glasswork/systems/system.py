"""The one abstract class: what a lecture system adds to the common loop."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.data.examples import Examples, Schema
from glasswork.data.splits import Splits
from glasswork.device import Numerics
from glasswork.recipes.base import Recipe
from glasswork.training.clocks import Clock
from glasswork.training.stage import Carried, Stage


@dataclass(frozen=True)
class Answer:
    """What a model says about one input.

    Attributes:
        input: where the input came from.
        answer: the class, the classes, the number or the numbers.
        probability: of the answered class; None where the answer is not one class.
        probabilities: of every class, most probable first; empty for numbers.
        problem: why there is no answer, in one sentence; None where there is one.
    """

    input: str
    answer: str | tuple[str, ...] | float | tuple[float, ...]
    probability: float | None
    probabilities: Mapping[str, float]
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        return {
            "input": self.input,
            "answer": answer,
            "probability": self.probability,
            "probabilities": dict(self.probabilities),
            **({"problem": self.problem} if self.problem else {}),
        }


class System(abc.ABC):
    """How one system's data reads, what it minimises, how it answers; the machinery is elsewhere."""

    @property
    @abc.abstractmethod
    def recipe(self) -> Recipe:
        """The recipe that the system follows."""

    @abc.abstractmethod
    def read(self, source: str | Path) -> Examples:
        """The examples at a path or under a name."""

    @abc.abstractmethod
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        """The examples at a path or under a name, with inputs as `schema` describes them."""

    @abc.abstractmethod
    def resolve(self, examples: Examples, splits: Splits) -> Recipe:
        """The recipe with every absent value derived from the data."""

    @abc.abstractmethod
    def network(self, schema: Schema) -> nn.Module:
        """A freshly initialised network for inputs and targets as `schema` describes them."""

    @abc.abstractmethod
    def stages(
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        """The minimisations, in order."""

    @abc.abstractmethod
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        """Mean loss of a batch (shape ()) and what the next step carries on."""

    @abc.abstractmethod
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        """Named metrics of the network on some rows of the examples; `loss` is among them."""

    @abc.abstractmethod
    def findings(self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics) -> dict[str, Any]:
        """The fields of the report that only the system can fill; `test_metrics` among them."""

    @abc.abstractmethod
    def answer(self, network: nn.Module, schema: Schema, sources: Sequence[str], numerics: Numerics) -> list[Answer]:
        """What the network says about raw inputs, such as image files."""

    @abc.abstractmethod
    def answer_inputs(
        self, network: nn.Module, schema: Schema, inputs: Tensor, names: Sequence[str], numerics: Numerics
    ) -> list[Answer]:
        """What the network says about inputs that have been read already, in raw units."""

    @abc.abstractmethod
    def example(self) -> Examples:
        """A few made examples, for the contract tests."""
