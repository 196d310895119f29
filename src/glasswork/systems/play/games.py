"""Several games played side by side: single ones of ours, or the vector environment of ale-py."""

import abc
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from typing_extensions import override

from glasswork.execution import mixed
from glasswork.systems.play.environments import SIDE, STACK, Array, Game, Rules, ale_name, longest_of, make_game
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.training.stage import Tree

NO_ACTION = -1
"""What a game is given whose episode is over: it begins the next one."""


class Turns(NamedTuple):
    """What an action in every game led to; where an episode had ended before it, the next one begins.

    Attributes:
        frames: the next frames or vectors.
        rewards: as the games give them, float32 (games).
        terminal, over: as `Turn`, bool (games).
        begins: which of the frames are the first of their episode, bool (games).
    """

    frames: Array
    rewards: Array
    terminal: Array
    over: Array
    begins: Array


class Games(abc.ABC):
    """Games that take their actions at the same time; an episode that is over begins again with the next action."""

    rules: Rules
    count: int

    @abc.abstractmethod
    def reset(self) -> Array:
        """Begins an episode in every game; the first frames."""

    @abc.abstractmethod
    def act(self, actions: Array) -> Turns:
        """Takes an action in every game."""

    @abc.abstractmethod
    def state(self) -> Tree:
        """Everything needed to go on, as far as it can be saved."""

    @abc.abstractmethod
    def restore(self, state: Tree) -> bool:
        """Goes on from `state`; whether the episodes go on, too."""


class OwnGames(Games):
    """Single games, each with its own state."""

    def __init__(self, games: Sequence[Game]) -> None:
        self.games, self.rules, self.count = games, games[0].rules, len(games)
        self._over = [False] * self.count
        self._shape = (self.count, *self.rules.shape)
        self._kind = np.uint8 if len(self.rules.shape) == 2 else np.float32

    @override
    def reset(self) -> Array:
        self._over = [False] * self.count
        return np.stack([game.reset() for game in self.games])

    @override
    def act(self, actions: Array) -> Turns:
        frames = np.empty(self._shape, self._kind)
        rewards = np.zeros(self.count, np.float32)
        terminal, over, begins = (np.zeros(self.count, bool) for _ in range(3))
        for place, (game, action) in enumerate(zip(self.games, actions.tolist(), strict=True)):
            if self._over[place]:
                frames[place], begins[place] = game.reset(), True
                self._over[place] = False
                continue
            turn = game.act(action)
            frames[place], rewards[place], terminal[place], over[place] = turn
            self._over[place] = turn.over
        return Turns(frames, rewards, terminal, over, begins)

    @override
    def state(self) -> Tree:
        return {"games": [game.state() for game in self.games], "over": list(self._over)}

    @override
    def restore(self, state: Tree) -> bool:
        for game, saved in zip(self.games, state["games"], strict=True):
            game.restore(saved)
        self._over = list(state["over"])
        return True


class AleGames(Games):
    """The vector environment of ale-py, which plays in threads; its emulators' states cannot be saved."""

    def __init__(self, recipe: PlayRecipe, seed: int) -> None:
        from ale_py.vector_env import AtariVectorEnv

        self.count, self._seed, self._by_lives = recipe.environments, seed % 2**31, recipe.life_loss
        self._games = AtariVectorEnv(
            ale_name(recipe.game),
            recipe.environments,
            max_num_frames_per_episode=longest_of(recipe) // recipe.frame_skip,
            repeat_action_probability=recipe.sticky_actions,
            img_height=SIDE,
            img_width=SIDE,
            stack_num=1,
            frameskip=recipe.frame_skip,
            noop_max=recipe.no_ops,
            life_loss_info=recipe.life_loss,
            reward_clipping=False,
            use_fire_reset=False,
        )
        self.rules = make_game(recipe, 0).rules
        assert self.rules.stack == STACK
        self._over = np.zeros(self.count, bool)

    @override
    def reset(self) -> Array:
        self._over = np.zeros(self.count, bool)
        frames: Array = self._games.reset(seed=self._seed)[0]
        return frames[:, 0]

    @override
    def act(self, actions: Array) -> Turns:
        frames, rewards, terminal, truncated, told = self._games.step(actions.astype(np.int64))
        last = terminal & (told["lives"] == 0) if self._by_lives else terminal
        begins, self._over = self._over, last | truncated
        rewards = np.where(begins, 0, rewards).astype(np.float32)
        return Turns(frames[:, 0], rewards, terminal & ~begins, self._over & ~begins, begins)

    @override
    def state(self) -> Tree:
        return {"seed": self._seed}

    @override
    def restore(self, state: Tree) -> bool:
        self._seed = mixed(state["seed"], 1) % 2**31  # other episodes than the first ones
        return False


def make_games(recipe: PlayRecipe) -> Games:
    """The games that a run plays to learn."""
    if recipe.emulator == "ale":
        return AleGames(recipe, mixed(recipe.seed, 0))
    return OwnGames([make_game(recipe, recipe.seed, 0, place) for place in range(recipe.environments)])
