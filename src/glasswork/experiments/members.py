"""Networks that are trained for what they say together: each on rows of its own of the same examples."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from glasswork.catalogue import make_system
from glasswork.data.examples import Examples
from glasswork.data.splits import Splits
from glasswork.device import Numerics, seed_everything
from glasswork.errors import GlassworkError
from glasswork.recipes.base import Recipe
from glasswork.systems.own_network import check_outputs
from glasswork.systems.system import System
from glasswork.training.clocks import Clock
from glasswork.training.stage import Stage
from glasswork.training.step import Step
from glasswork.training.watchers import stopped_early


@dataclass
class Member:
    """One network, made ready; `trained` changes it in place.

    Attributes:
        recipe: with nothing left open.
        system: that follows it.
        examples: all examples, scaled by this member's training rows.
        splits: its rows: trained on, deciding when to stop, judged on (`test`).
        stage: what is minimised; it holds the network.
        epochs: how many epochs were made.
        best_epoch: after which epoch its weights stood; None: the last.
        problem: why it could not be trained to its end, in one sentence; None where it could.
    """

    recipe: Recipe
    system: System
    examples: Examples
    splits: Splits
    stage: Stage
    epochs: int = 0
    best_epoch: int | None = None
    problem: str | None = None

    @property
    def network(self) -> nn.Module:
        """The network."""
        return self.stage.network

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.stage.parameters)

    def judged(self) -> Mapping[str, float]:
        """Named figures on the rows that it is judged on."""
        return self.system.score(self.network, self.examples, self.splits.test, self.stage.numerics)

    def learnt(self) -> Mapping[str, float]:
        """Named figures on the rows that it was trained on."""
        return self.system.score(self.network, self.examples, self.splits.training, self.stage.numerics)


def make_member(
    system_name: str, recipe: Recipe, examples: Examples, splits: Splits, numerics: Numerics, own: nn.Module | None
) -> Member:
    """A network as a run of the same recipe on the same rows would make it.

    Args:
        system_name: key of `catalogue.RECIPES`.
        recipe: with nothing left open.
        examples: all examples; means and deviations are fitted on the training rows.
        splits: this member's rows.
        numerics: how the arithmetic is carried out.
        own: the user's network, which is copied.

    Raises:
        GlassworkError: where recipe, network and examples do not fit.
    """
    assert recipe.epochs is not None
    system = make_system(system_name, recipe, copy.deepcopy(own))
    examples = examples.with_schema(system.scaled(examples, splits.training))
    seed_everything(recipe.seed)
    network = system.network(examples.schema)
    check_outputs(network, examples.schema)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise GlassworkError("The network has no weights to train")
    numerics.place(network)
    clock = Clock()
    stages = system.stages(network, examples, splits, clock, numerics)
    assert len(stages) == 1
    clock.total = system.length(stages[0], recipe.epochs)
    return Member(recipe, system, examples, splits, stages[0])


def trained(members: Sequence[Member]) -> Iterator[float]:
    """Trains networks one after the other; each keeps its best weights, or the last where nothing decides.

    Yields:
        The share of the work that is done, after every step.
    """
    for place, member in enumerate(members):
        last: Step | None = None
        try:
            for step in stopped_early(member.system.steps(member.stage, None), member.recipe.patience):
                last = step
                yield (place + step.progress) / len(members)
        except GlassworkError as error:
            member.problem = str(error)
            continue
        assert last is not None
        member.epochs = last.epoch
        if last.best is not None:
            member.network.load_state_dict(dict(last.best.weights))
            member.best_epoch = last.best.epoch
