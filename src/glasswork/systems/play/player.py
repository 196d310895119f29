"""The model of a run that learned to play: what it values in a state, how well it plays, and what it looks at."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.task import Task
from glasswork.data.prediction import Prediction
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.recipe.base import Recipe
from glasswork.systems.model import Model
from glasswork.systems.play.episodes import LOOKING, TESTING, Episode, as_states, play_episodes
from glasswork.systems.play.policy import values_of
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.systems.play.report import figures_of
from glasswork.systems.sample import Sample
from glasswork.systems.system import System

STATES = 256
"""States of its own games that a network is diagnosed on."""
NO_FILES = "This model plays, and its inputs are moments of its own game: give the number of actions before one"


class Moments(System[Recipe, Tensor]):
    """What a network that plays sees, as examples; nothing is learned from them here."""

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        raise GlassworkError(f"{NO_FILES}, not {source}")

    @override
    def network(self, task: Task) -> nn.Module:
        raise NotImplementedError

    @override
    def sample(self, folder: Path) -> Sample:
        raise NotImplementedError


class Player(Model):
    """A network that plays a game.

    Attributes:
        recipe: of its run.
    """

    def __init__(self, network: nn.Module, task: Task, recipe: PlayRecipe, run: str, execution: Execution) -> None:
        super().__init__(network, task, Moments(Recipe.parse({"seed": recipe.seed})), run, execution)
        self.recipe = recipe
        self.values = values_of(self.network, execution)

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the actions, in the order of the network's outputs."""
        return tuple(name.removeprefix("Q(").removesuffix(")") for name in self.task.target.names)

    def episode(self, *seeds: int) -> Episode:
        """An episode about to begin."""
        return Episode(self.recipe, self.recipe.seed, LOOKING, *seeds)

    def states(self, last: int) -> tuple[Tensor, Tensor]:
        """The states of its own game up to one, and what each action was worth there.

        Args:
            last: actions before the last of the states; episodes follow one another.

        Returns:
            The states as the network takes them in raw units, (last + 1, ...), and the values that learning would
            want, float64 (last + 1, actions): its own, and of the action that was taken r + discount * max Q.
        """
        number, episode = 0, self.episode(0)
        states, wanted, rewards, chosen = [], [], [], []
        while True:
            states.append(as_states([episode]))
            wanted.append(torch.from_numpy(self.values(states[-1])).double())
            if len(states) > last:
                break
            chosen.append(episode.choose(wanted[-1][0].numpy()))
            turn = episode.act(chosen[-1])
            rewards.append((turn.reward, turn.terminal))
            if turn.over:
                number += 1
                episode = self.episode(number)
        for place, (reward, terminal) in enumerate(rewards):
            following = 0.0 if terminal else float(wanted[place + 1].max())
            wanted[place][0, chosen[place]] = reward + self.recipe.discount * following
        return torch.cat(states), torch.cat(wanted)

    @override
    def _answers(self, paths: Sequence[Path]) -> list[Prediction]:
        moments = [_moment(path) for path in paths]
        states, _ = self.states(max(moments))
        values = self.values(states[moments]).tolist()
        return [
            Prediction(str(moment), self.actions[row.index(max(row))], None, {}, figures=self._named(row))
            for moment, row in zip(moments, values, strict=True)
        ]

    def _named(self, row: Sequence[float]) -> Mapping[str, float]:
        return dict(zip(self.task.target.names, row, strict=True))

    @override
    def remarks(self, sources: Sequence[str | Path], answered: bool = False) -> tuple[str, ...]:
        return ()

    @override
    def _batches(self, paths: Sequence[Path]) -> Iterator[Batch]:
        moments = [_moment(path) for path in paths]
        states, wanted = self.states(max(moments))
        dataset = self._dataset(states[moments], wanted[moments])
        yield self.system.batch(dataset, torch.arange(len(moments)), self.execution)

    def _dataset(self, states: Tensor, wanted: Tensor) -> Dataset:
        columns = {"inputs": states, "targets": wanted, "fingerprints": fingerprints(states)}
        return Dataset(columns, self.task, self.recipe.game, tuple(map(str, range(len(states)))))

    @override
    def _divided(self, data: str | Path | None) -> tuple[Dataset, Splits | None]:
        if data is not None:
            raise GlassworkError(f"{NO_FILES}, not {data}")
        return self._dataset(*self.states(STATES - 1)), None

    @override
    def evaluate(self, data: str | Path | None = None) -> dict[str, float]:
        """Named figures of the episodes that the run was tested on, played again."""
        if data is not None:
            raise GlassworkError("This model is measured on games that it plays: leave out --data")
        return figures_of(play_episodes(self.values, self.recipe, self.recipe.test_episodes, self.recipe.seed, TESTING))


def _moment(path: Path) -> int:
    if not str(path).isdecimal():
        raise GlassworkError(f"{NO_FILES}, such as 100, not {path}")
    return int(str(path))
