"""The one abstract class: what a lecture system adds to the common loop."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from torch import Tensor, nn
from typing_extensions import TypeVar

from glasswork.data.batches import Batch
from glasswork.data.examples import Examples, Schema
from glasswork.data.inputs import Inputs
from glasswork.data.splits import Splits
from glasswork.device import Numerics
from glasswork.recipes.base import Machine, Recipe
from glasswork.training.clocks import Clock
from glasswork.training.fit import fit
from glasswork.training.measure import MakeStage, choose_numerics
from glasswork.training.stage import Carried, Stage
from glasswork.training.step import Step, Tree


@dataclass(frozen=True)
class Answer:
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
        """Key in `objectives.losses.LOSSES` of the loss that the network's outputs are made for.

        It says how they read as probabilities, and what is looked into when the network is opened. It is also what is
        minimised, unless `minimised` says otherwise.
        """

    @property
    def minimised(self) -> str:
        """What is minimised, by its name."""
        return self.loss_name

    def another_loss(self) -> tuple[str, ...]:
        """A sentence if `loss_name`, which is looked into, is not what was minimised."""
        if self.minimised == self.loss_name:
            return ()
        return (
            f"this network was trained by the {self.minimised}; what is shown is of the {self.loss_name} of its scores",
        )

    @abc.abstractmethod
    def read(self, source: str | Path) -> Examples:
        """The examples at a path or under a name."""

    @abc.abstractmethod
    def read_like(self, source: str | Path, schema: Schema) -> Examples:
        """The examples at a path or under a name, with inputs as `schema` describes them."""

    @abc.abstractmethod
    def scaled(self, examples: Examples, rows: Tensor) -> Schema:
        """The examples' schema with what inputs and targets are scaled by, found on the training `rows`."""

    @abc.abstractmethod
    def resolve(self, examples: Examples, splits: Splits) -> Recipe:
        """The recipe with every absent value derived from the data."""

    @abc.abstractmethod
    def network(self, schema: Schema) -> nn.Module:
        """A freshly initialised network for inputs and targets as `schema` describes them."""

    def numerics(self, machine: Machine, numerics: Numerics, network: nn.Module, make_stage: MakeStage) -> Numerics:
        """How the arithmetic is carried out: what was asked for, or what measuring shows to be fastest.

        Args:
            machine: what was asked for.
            numerics: device and threads, as decided.
            network: the network; left untouched.
            make_stage: the run's stage for a network and a way, with a clock that does not run out.

        Raises:
            GlassworkError: where the system cannot do what was asked for.
        """
        return choose_numerics(machine, numerics, network, make_stage)

    @abc.abstractmethod
    def stages(
        self, network: nn.Module, examples: Examples, splits: Splits, clock: Clock, numerics: Numerics
    ) -> list[Stage]:
        """The minimisations, in order."""

    def length(self, stage: Stage, epochs: int) -> int:
        """How many steps some epochs of a stage take, which is what the run's clock counts."""
        return epochs * len(stage.batches)

    def steps(self, stage: Stage, start: Tree | None) -> Iterator[Step]:
        """Carries a stage out: `fit`, or the system's own generator of steps under the same contract.

        That is: each item has been made when it is given out, its `state` is everything needed to go on after it, and
        a generator that starts from that state makes exactly what would have followed.

        Args:
            stage: one of `stages`.
            start: the state of a former step of the stage; None at its beginning.
        """
        return fit(stage, start)

    @abc.abstractmethod
    def loss(self, network: nn.Module, batch: Batch, state: Carried) -> tuple[Tensor, Carried]:
        """Mean loss of a batch (shape ()) and what the next step carries on."""

    @abc.abstractmethod
    def score(self, network: nn.Module, examples: Examples, rows: Tensor, numerics: Numerics) -> dict[str, float]:
        """Named metrics of the network on some rows of the examples; `loss` is among them."""

    @abc.abstractmethod
    def findings(
        self, network: nn.Module, examples: Examples, splits: Splits, numerics: Numerics, state: Tree | None
    ) -> dict[str, Any]:
        """The fields of the report that only the system can fill; `test_metrics` among them.

        Under `result` there may be further entries of `result.json`. `remarks` among these are sentences about how the
        training ended, for the terminal and the report as well; `warnings` are added to those about the data.

        Args:
            network: with the weights that are kept.
            examples: all examples.
            splits: which of them train, validate and test.
            numerics: how the arithmetic is carried out.
            state: of the last step; None where not one was made.
        """

    @abc.abstractmethod
    def inputs(self, sources: Sequence[Path], schema: Schema) -> Iterator[Inputs]:
        """New inputs at some paths, read as `schema` describes them, in parts that fit into memory.

        Raises:
            GlassworkError: where there is nothing of the kind.
        """

    @abc.abstractmethod
    def batch(self, examples: Examples, rows: Tensor, numerics: Numerics) -> Batch:
        """The examples at `rows` as one batch, as the network sees them outside of training; of a text: stretches."""

    @abc.abstractmethod
    def answer(self, network: nn.Module, examples: Examples, numerics: Numerics) -> list[Answer]:
        """What the network says about each example; their targets play no part."""

    @abc.abstractmethod
    def example(self) -> Examples:
        """A few made examples, for the contract tests."""
