"""Whole episodes, played to see how good a network is or to be looked at."""

import numpy as np
import torch
from torch import Tensor

from glasswork.execution import mixed
from glasswork.systems.play.environments import Array, Game, Turn, make_game
from glasswork.systems.play.policy import Values
from glasswork.systems.play.recipe import PlayRecipe

LEARNING, JUDGING, TESTING, ACTING, LOOKING = range(1, 6)
"""What is drawn for what, beside a run's seed."""
SIDE_BY_SIDE = 10
RARELY = 0.001
"""Share of random actions when a game with pictures is measured, so that it does not hang in a loop."""


class Episode:
    """One episode of one game.

    Attributes:
        game: in which it is played.
        total: rewards so far, as the game gives them.
        length: actions so far.
        over: whether it has ended.
    """

    def __init__(self, recipe: PlayRecipe, *seeds: int) -> None:
        self.game: Game = make_game(recipe, *seeds)
        self._random = np.random.default_rng(mixed(*seeds, 1))
        rules = self.game.rules
        self._rarely = RARELY if rules.stack > 1 else 0.0
        frame = self.game.reset()
        self._frames = np.repeat(frame[None], rules.stack, 0)
        self.total, self.length, self.over = 0.0, 0, False

    @property
    def state(self) -> Array:
        """What the network sees: (stack, 84, 84) uint8, or a vector."""
        return self._frames if len(self._frames) > 1 else self._frames[0]

    def choose(self, values: Array) -> int:
        """The best action by its value, rarely another one."""
        if self._rarely and self._random.random() < self._rarely:
            return int(self._random.integers(len(values)))
        return int(values.argmax())

    def act(self, action: int) -> Turn:
        """Takes an action."""
        turn = self.game.act(action)
        self._frames[:-1] = self._frames[1:]
        self._frames[-1] = turn.frame
        self.total, self.length, self.over = self.total + turn.reward, self.length + 1, turn.over
        return turn


def as_states(episodes: list[Episode]) -> Tensor:
    """What the network sees in each, as one batch."""
    return torch.from_numpy(np.stack([episode.state for episode in episodes]))


def play_episodes(values: Values, recipe: PlayRecipe, count: int, *seeds: int) -> list[Episode]:
    """Plays whole episodes, several side by side.

    Args:
        values: says what each action is worth.
        recipe: of the game.
        count: how many episodes.
        seeds: what is random in episode k depends on these and k.

    Returns:
        The episodes, ended, in the order of k.
    """
    waiting = iter(range(count))
    episodes: dict[int, Episode] = {}
    finished: dict[int, Episode] = {}
    while len(finished) < count:
        while len(episodes) < SIDE_BY_SIDE and (number := next(waiting, None)) is not None:
            episodes[number] = Episode(recipe, *seeds, number)
        playing = list(episodes.items())
        found = values(as_states([episode for _, episode in playing]))
        for (number, episode), each in zip(playing, found, strict=True):
            episode.act(episode.choose(each))
            if episode.over:
                finished[number] = episodes.pop(number)
    return [finished[number] for number in range(count)]
