"""Replay: the steps that were played last, as one ring of single frames in a file; stacks are indexed, not stored."""

import math
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.files import damaged
from glasswork.systems.play.environments import Array, Rules
from glasswork.systems.play.games import Turns
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.training.stage import Tree

FILE = "replay.bin"
TERMINAL, BEGINS, ENDED = 1, 2, 4
"""Flags of a row: nothing can be won after its action; its frame is the first of an episode, or the last."""
SLACK = 0.1
"""Share of the capacity by which the ring is longer, so that what is played after a checkpoint leaves what it needs."""
ROUND, ROUND_OF_FRAMES = 1_000, 256
"""Steps of a game without pictures, and of one with them, that make one step of the run: a line of its log."""
PRIORITY, IMPORTANCE = 0.5, 0.4
"""Exponents of priorities and of the weights that make up for them (Schaul et al. 2016; Hessel et al. 2018)."""


class Sample(NamedTuple):
    """Steps to learn from.

    Attributes:
        states, next_states: stacks as they were played, (batch, stack, height, width) uint8, or vectors.
        actions: int64 (batch).
        rewards: the discounted sum up to the next state, float32 (batch).
        discounts: what the next state's value counts, 0 if nothing can be won there, float32 (batch).
        weights: of each step in the loss, float32 (batch).
        places: where the priorities are set.
    """

    states: Tensor
    next_states: Tensor
    actions: Tensor
    rewards: Tensor
    discounts: Tensor
    weights: Tensor
    places: Array


class Replay:
    """The ring: row t of game e holds a frame, the action that followed it, its reward and flags.

    A checkpoint needs the positions alone: the file is longer than the capacity by `SLACK`, and `due` says when the
    next one has to be written so that no row that the last two need is overwritten.

    Args:
        folder: of the run.
        rules: of the game.
        recipe: how many games are played side by side, and how much is kept of them.
    """

    def __init__(self, folder: Path, rules: Rules, recipe: PlayRecipe) -> None:
        self.stack, self.games, self.n_step = rules.stack, recipe.environments, recipe.n_step
        self.capacity, self.length = _lengths(rules, recipe)
        games, self._round = self.games, round_of(recipe, rules) // self.games
        self.position = self.saved = 0
        self.path = folder / FILE
        kind, sizes = _sizes(rules, recipe)
        rows = self.length * games
        _make_file(self.path, sum(sizes))
        whole = np.memmap(self.path, np.uint8, "r+", shape=(sum(sizes),))
        ends = np.cumsum(sizes)
        frames, actions, flags, rewards = np.split(np.asarray(whole), ends[:-1])
        self._file = whole
        self._frames = frames.view(kind).reshape(rows, *rules.shape)
        self._actions, self._flags, self._rewards = actions, flags, rewards.view(np.float32)
        self._rows = torch.from_numpy(self._frames)
        self.priorities = Priorities(rows) if recipe.prioritised else None

    def __len__(self) -> int:
        return min(self.position, self.capacity) * self.games

    @property
    def due(self) -> bool:
        """Whether a checkpoint has to be written before more is played."""
        slack = self.length - self.capacity - self.stack
        return self.position - self.saved + self._round > slack // 2

    def begin(self, frames: Array, begins: Array) -> None:
        """Writes the frames that the next actions follow."""
        at = self._at(self.position)
        self._frames[at] = frames
        self._flags[at] = np.where(begins, BEGINS, 0)

    def end(self, actions: Array, turns: Turns, rewards: Array) -> None:
        """Writes what the actions led to, and the next frames.

        Args:
            actions: that were taken.
            turns: what came of them; where a game only began again, its last frame is no step to learn from.
            rewards: as they are learned from.
        """
        at = self._at(self.position)
        self._actions[at], self._rewards[at] = actions, rewards
        self._flags[at] |= np.where(turns.begins, ENDED, np.where(turns.terminal, TERMINAL, 0)).astype(np.uint8)
        if self.priorities is not None:
            complete, stale = self._at(self.position + 1 - self.n_step), self._at(self.position - self.capacity)
            if self.position + 1 >= self.n_step:
                rows = np.arange(complete.start, complete.stop)
                self.priorities.add(rows, self._flags[rows] & ENDED > 0)
            if self.position >= self.capacity:
                self.priorities.remove(np.arange(stale.start, stale.stop))
        self.position += 1
        self.begin(turns.frames, turns.begins)

    def _at(self, position: int) -> slice:
        start = position % self.length * self.games
        return slice(start, start + self.games)

    def begin_again(self, frames: Array) -> None:
        """Ends all episodes where they stand and writes the first frames of others."""
        self._flags[self._at(self.position - 1)] |= ENDED
        self.begin(frames, np.ones(self.games, bool))

    def current(self) -> Tensor:
        """The states that the next actions follow, (games, ...)."""
        rows = np.arange(self.games) + self._at(self.position).start
        return self._gather(self._stacked(rows))

    def _stacked(self, rows: Array) -> Array:
        """The rows of each state's frames, oldest first, (states, stack); the first of an episode is repeated."""
        found = [rows]
        for _ in range(self.stack - 1):
            step = np.where(self._flags[rows] & BEGINS, 0, self.games)
            rows = (rows - step) % (self.length * self.games)
            found.append(rows)
        return np.stack(found[::-1], 1)

    def _gather(self, rows: Array) -> Tensor:
        found = self._rows.index_select(0, torch.from_numpy(rows.reshape(-1)))
        return found.reshape(*rows.shape, *found.shape[1:]) if self.stack > 1 else found

    def sample(self, count: int, random: np.random.Generator, discount: float, share: float) -> Sample:
        """Draws steps to learn from.

        Args:
            count: how many.
            random: draws.
            discount: of a step.
            share: how far the run has come, from 0 to 1; importance weights grow to full with it.
        """
        places, weights = self._draw(count, random, share)
        rows, size = places.copy(), self.length * self.games
        rewards, factor, alive = np.zeros(count, np.float32), np.ones(count, np.float32), np.ones(count, bool)
        terminal = np.zeros(count, bool)
        for _ in range(self.n_step):
            rewards += np.where(alive, factor * self._rewards[rows], 0).astype(np.float32)
            factor = np.where(alive, factor * discount, factor).astype(np.float32)
            terminal |= alive & (self._flags[rows] & TERMINAL > 0)
            following = (rows + self.games) % size
            rows = np.where(alive, following, rows)
            alive &= ~terminal & (self._flags[following] & ENDED == 0)
        both = self._gather(self._stacked(np.concatenate([places, rows])))
        factor[terminal] = 0
        return Sample(
            both[:count],
            both[count:],
            torch.from_numpy(self._actions[places].astype(np.int64)),
            torch.from_numpy(rewards),
            torch.from_numpy(factor),
            torch.from_numpy(weights),
            places,
        )

    def _draw(self, count: int, random: np.random.Generator, share: float) -> tuple[Array, Array]:
        first = max(0, self.position - self.capacity) + self.stack  # rows before it are being overwritten
        many = (self.position - self.n_step - first) * self.games
        if self.priorities is not None:
            return self.priorities.draw(count, random, len(self), share)
        found = np.empty(0, np.int64)
        while len(found) < count:
            drawn = random.integers(0, many, count) + first * self.games
            drawn %= self.length * self.games
            found = np.concatenate([found, drawn[self._flags[drawn] & ENDED == 0]])
        return found[:count], np.ones(count, np.float32)

    def state(self) -> Tree:
        """The positions; what stands in the file is flushed to the disk."""
        self._file.flush()
        self.saved = self.position
        priorities = {} if self.priorities is None else {"priorities": self.priorities.state()}
        return {"position": self.position, **priorities}

    def restore(self, state: Tree) -> None:
        """Goes on from `state`; what was written after it does not count."""
        self.position = self.saved = state["position"]
        self._flags[self._at(self.position)] &= BEGINS
        if self.priorities is not None:
            self.priorities.restore(state["priorities"])


def round_of(recipe: PlayRecipe, rules: Rules) -> int:
    """Steps of the game in one step of the run, a multiple of the games."""
    most = ROUND_OF_FRAMES if rules.stack > 1 else ROUND
    return max(1, min(most, recipe.evaluate_every) // recipe.environments) * recipe.environments


def _lengths(rules: Rules, recipe: PlayRecipe) -> tuple[int, int]:
    """Rows of each game that are kept, and of the ring."""
    capacity = recipe.replay_size // recipe.environments
    slack = max(int(SLACK * capacity), 2 * round_of(recipe, rules) // recipe.environments)
    return capacity, capacity + slack + rules.stack


def _sizes(rules: Rules, recipe: PlayRecipe) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Type of a frame's numbers; bytes of all frames, actions, flags and rewards."""
    kind, rows = np.dtype(np.uint8 if rules.stack > 1 else np.float32), _lengths(rules, recipe)[1] * recipe.environments
    return kind, (rows * kind.itemsize * math.prod(rules.shape), rows, rows, 4 * rows)


def require_room(rules: Rules, recipe: PlayRecipe, folder: Path) -> None:
    """Refuses a replay that the disk of a folder has no room for.

    Raises:
        GlassworkError: with what it takes.
    """
    size, free = sum(_sizes(rules, recipe)[1]), shutil.disk_usage(folder).free
    if size > free:
        raise GlassworkError(
            f"The replay of this run takes {size / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free: choose a "
            "smaller --replay-size, or another folder with --out"
        )


def _make_file(path: Path, size: int) -> None:
    """Makes the file as long as it will be, if it is not there yet."""
    if not path.exists():
        with path.open("wb") as file:
            file.truncate(size)
    elif path.stat().st_size != size:
        raise damaged(path, "it is not as long as it was", "train again")


class Priorities:
    """How often each row is to be drawn: a tree of sums over a power of two of leaves."""

    def __init__(self, rows: int) -> None:
        self._leaves = 1 << (rows - 1).bit_length()
        self._sums = np.zeros(2 * self._leaves)
        self._rows, self.largest = rows, 1.0

    def add(self, rows: Array, ended: Array) -> None:
        """New rows have the largest priority so far, so that each is learned from once; last frames have none."""
        self._set(rows, np.where(ended, 0.0, self.largest**PRIORITY))

    def remove(self, rows: Array) -> None:
        """Rows that are no longer kept are not drawn."""
        self._set(rows, np.zeros(len(rows)))

    def update(self, rows: Array, errors: Array) -> None:
        """Sets priorities to the errors of prediction; rows that were dropped meanwhile stay dropped."""
        errors = np.abs(errors).astype(np.float64) + 1e-6
        self.largest = max(self.largest, float(errors.max()))
        self._set(rows, np.where(self._sums[rows + self._leaves] > 0, errors**PRIORITY, 0.0))

    def _set(self, rows: Array, values: Array) -> None:
        nodes = rows + self._leaves
        self._sums[nodes] = values
        while nodes[0] > 1:
            nodes = np.unique(nodes >> 1)
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def draw(self, count: int, random: np.random.Generator, kept: int, share: float) -> tuple[Array, Array]:
        """Rows by their priorities, one from each of `count` equal parts, and their weights, at most 1."""
        wanted = (np.arange(count) + random.random(count)) * self._sums[1] / count
        nodes = np.ones(count, np.int64)
        while nodes[0] < self._leaves:
            nodes *= 2
            left = self._sums[nodes]
            right = (wanted >= left) & (self._sums[nodes + 1] > 0)
            wanted -= np.where(right, left, 0)
            nodes += right
        chances = self._sums[nodes] / self._sums[1]
        weights = (kept * chances) ** -(IMPORTANCE + (1 - IMPORTANCE) * share)
        return nodes - self._leaves, (weights / weights.max()).astype(np.float32)

    def state(self) -> Tree:
        """The leaves; the sums follow from them."""
        return {"leaves": torch.from_numpy(self._sums[self._leaves :][: self._rows].copy()), "largest": self.largest}

    def restore(self, state: Tree) -> None:
        """Goes on from `state`."""
        self.largest = state["largest"]
        self._sums[self._leaves :][: self._rows] = state["leaves"].numpy()
        start = self._leaves
        while start > 1:
            start //= 2
            self._sums[start : 2 * start] = (
                self._sums[2 * start : 4 * start : 2] + self._sums[2 * start + 1 : 4 * start : 2]
            )
