"""The games: Atari's by ale-py with DeepMind's preprocessing, and small control problems by gymnasium."""

import abc
import difflib
import importlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from typing_extensions import override

from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.training.stage import Tree

Array = npt.NDArray[Any]
SIDE, STACK = 84, 4
LONGEST = 108_000
"""Frames of an episode of an Atari game at most: half an hour (Machado et al. 2018)."""
CONTROL = {"CartPole": "CartPole-v1", "Acrobot": "Acrobot-v1", "MountainCar": "MountainCar-v0"}
LONGEST_CONTROL = {"CartPole": 500, "Acrobot": 500, "MountainCar": 200}
ACTIONS = {
    "CartPole": ("left", "right"),
    "Acrobot": ("pull left", "nothing", "pull right"),
    "MountainCar": ("left", "nothing", "right"),
}
FEATURES = {
    "CartPole": ("position", "speed", "angle", "angular speed"),
    "Acrobot": ("cos 1", "sin 1", "cos 2", "sin 2", "speed 1", "speed 2"),
    "MountainCar": ("position", "speed"),
}


class Turn(NamedTuple):
    """What an action led to.

    Attributes:
        frame: the next frame or vector.
        reward: as the game gives it.
        terminal: whether nothing can be won after it: the game is over, or a life is lost if that counts.
        over: whether the episode has ended, by its rules or by its time limit.
    """

    frame: Array
    reward: float
    terminal: bool
    over: bool


@dataclass(frozen=True)
class Rules:
    """What is known of a game before it is played.

    Attributes:
        shape: of a frame.
        stack: frames that the network sees.
        actions: their names, in the order of the network's outputs.
        features: names of the numbers of a vector; empty for pictures.
    """

    shape: tuple[int, ...]
    stack: int
    actions: tuple[str, ...]
    features: tuple[str, ...] = ()


class Game(abc.ABC):
    """One game being played; what is random in it is drawn from its own generator."""

    rules: Rules
    fps: ClassVar[int]

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    @abc.abstractmethod
    def reset(self) -> Array:
        """Begins an episode; its first frame."""

    @abc.abstractmethod
    def act(self, action: int) -> Turn:
        """Takes an action, by its place in `rules.actions`."""

    @abc.abstractmethod
    def picture(self) -> Array:
        """What a person would see, uint8 (height, width, 3)."""

    @abc.abstractmethod
    def state(self) -> Tree:
        """Everything needed to go on."""

    @abc.abstractmethod
    def restore(self, state: Tree) -> None:
        """Goes on from `state`."""


class Atari(Game):
    """An Atari game: grey frames of 84 x 84, the maximum of the last two of each action (Mnih et al. 2015).

    Sticky actions are drawn here, frame by frame: the emulator's own last action is not part of its state.
    """

    fps = 15

    def __init__(self, recipe: PlayRecipe, seed: int) -> None:
        super().__init__(seed)
        ale_py, self._recipe = _ale(), recipe
        self._emulator = ale_py.ALEInterface()
        self._emulator.setInt("random_seed", int(self.random.integers(2**31 - 1)))
        self._emulator.setFloat("repeat_action_probability", 0.0)
        self._emulator.loadROM(ale_py.roms.get_rom_path(ale_name(recipe.game)))
        self._actions = self._emulator.getMinimalActionSet()
        self.rules = Rules((SIDE, SIDE), STACK, tuple(action.name.lower() for action in self._actions))
        self._screen, self._before = (np.empty(self._emulator.getScreenDims(), np.uint8) for _ in range(2))
        self._shrink = Shrink(*self._screen.shape)
        self._held, self._lives, self._frames = self._actions[0], 0, 0
        self._longest = longest_of(recipe)

    @override
    def reset(self) -> Array:
        self._emulator.reset_game()
        self._held, self._frames = self._actions[0], 0
        for _ in range(int(self.random.integers(self._recipe.no_ops + 1)) if self._recipe.no_ops else 0):
            self._emulator.act(self._actions[0])
            if self._emulator.game_over():
                self._emulator.reset_game()
        self._lives = self._emulator.lives()
        self._emulator.getScreenGrayscale(self._screen)
        return self._shrink(self._screen)

    @override
    def act(self, action: int) -> Turn:
        emulator, recipe, reward = self._emulator, self._recipe, 0.0
        sticks = self.random.random(recipe.frame_skip) < recipe.sticky_actions if recipe.sticky_actions else None
        for frame in range(recipe.frame_skip):
            if sticks is None or not sticks[frame]:
                self._held = self._actions[action]
            reward += emulator.act(self._held)
            if frame == recipe.frame_skip - 2:
                emulator.getScreenGrayscale(self._before)
        emulator.getScreenGrayscale(self._screen)
        if recipe.frame_skip > 1:
            np.maximum(self._screen, self._before, out=self._screen)
        self._frames += recipe.frame_skip
        lives, ended = emulator.lives(), emulator.game_over()
        lost, self._lives = recipe.life_loss and lives < self._lives, lives
        return Turn(self._shrink(self._screen), reward, ended or lost, ended or self._frames >= self._longest)

    @override
    def picture(self) -> Array:
        found: Array = self._emulator.getScreenRGB()
        return found

    @override
    def state(self) -> Tree:
        emulated = np.frombuffer(self._emulator.cloneSystemState().serialize(), np.uint8)
        return {
            "emulator": torch.from_numpy(emulated.copy()),
            "held": self._actions.index(self._held),
            "lives": self._lives,
            "frames": self._frames,
            "random": self.random.bit_generator.state,
        }

    @override
    def restore(self, state: Tree) -> None:
        self._emulator.restoreSystemState(_ale().ALEState(state["emulator"].numpy().tobytes()))
        self._held, self._lives, self._frames = self._actions[state["held"]], state["lives"], state["frames"]
        self.random.bit_generator.state = state["random"]


def longest_of(recipe: PlayRecipe) -> int:
    """Frames of an episode of an Atari game at most."""
    return LONGEST if recipe.max_steps is None else recipe.max_steps * recipe.frame_skip


class Shrink:
    """Brings grey frames to 84 x 84 by the mean over areas, as two matrix products."""

    def __init__(self, height: int, width: int) -> None:
        self._rows, self._columns = _areas(height), _areas(width).T.copy()

    def __call__(self, frame: Array) -> Array:
        """The frame, uint8 (height, width), as uint8 (84, 84)."""
        found: Array = (self._rows @ frame.astype(np.float32) @ self._columns + 0.5).astype(np.uint8)
        return found


@cache
def _areas(length: int) -> Array:
    """Which share of each of `length` pixels lies in each of 84, float32 (84, length)."""
    ends = np.linspace(0, length, SIDE + 1)
    low, high = np.maximum.outer(ends[:-1], np.arange(length)), np.minimum.outer(ends[1:], np.arange(length) + 1)
    found: Array = (np.clip(high - low, 0, None) * SIDE / length).astype(np.float32)
    return found


class Control(Game):
    """A control problem of gymnasium, whose state is a few numbers."""

    fps = 30

    def __init__(self, recipe: PlayRecipe, seed: int) -> None:
        super().__init__(seed)
        gymnasium, game = _gymnasium(), recipe.game
        self._game = game
        self._problem = gymnasium.make(CONTROL[game]).unwrapped
        self._problem.np_random = self.random
        features = FEATURES[game]
        self.rules = Rules((len(features),), 1, ACTIONS[game], features)
        self._longest, self._taken = recipe.max_steps or LONGEST_CONTROL[game], 0

    @override
    def reset(self) -> Array:
        self._taken = 0
        frame: Array = self._problem.reset()[0]
        return frame

    @override
    def act(self, action: int) -> Turn:
        frame, reward, terminal, _, _ = self._problem.step(action)
        self._taken += 1
        return Turn(frame, float(reward), terminal, terminal or self._taken >= self._longest)

    @override
    def picture(self) -> Array:
        return draw_control(self._game, np.asarray(self._problem.state))

    @override
    def state(self) -> Tree:
        numbers = torch.from_numpy(np.array(self._problem.state, dtype=np.float64))
        return {"numbers": numbers, "taken": self._taken, "random": self.random.bit_generator.state}

    @override
    def restore(self, state: Tree) -> None:
        self._problem.reset()  # also clears what it remembers of the end of an episode
        self._problem.state, self._taken = state["numbers"].numpy().copy(), state["taken"]
        self.random.bit_generator.state = state["random"]


def draw_control(game: str, state: Array) -> Array:
    """A control problem as a picture: gymnasium draws with pygame, which is not needed for two lines."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (240, 160), "white")
    pen = ImageDraw.Draw(image)

    def link(x: float, y: float, angle: float, length: float, colour: str) -> tuple[float, float]:
        """Draws a link that hangs down at angle 0; where it ends."""
        end = (x + length * np.sin(angle), y + length * np.cos(angle))
        pen.line((x, y, *end), colour, 6)
        return end

    if game == "CartPole":
        x = 120 + 45 * float(state[0])
        pen.line((0, 130, 240, 130), "black")
        pen.rectangle((x - 20, 120, x + 20, 140), "#335")
        link(x, 122, np.pi - float(state[2]), 80, "#c63")
    elif game == "Acrobot":
        pen.line((0, 80 - 35, 240, 80 - 35), "gray")
        middle = link(120, 80, float(state[0]), 35, "#335")
        link(*middle, float(state[0] + state[1]), 35, "#c63")
    else:
        places = np.linspace(-1.2, 0.6, 100)
        points = [(120 + 130 * (at + 0.3), 120 - 40 * np.sin(3 * at)) for at in (*places, float(state[0]))]
        pen.line(points[:-1], "black")
        x, y = points[-1]
        pen.ellipse((x - 6, y - 12, x + 6, y), "#c63")
    return np.asarray(image)


def make_game(recipe: PlayRecipe, *seeds: int) -> Game:
    """A game of the recipe, which draws from these seeds.

    Raises:
        GlassworkError: for an unknown game, with the nearest names, or a missing package.
    """
    seed = mixed(*seeds)
    return Control(recipe, seed) if recipe.game in CONTROL else Atari(recipe, seed)


def check_recipe(recipe: PlayRecipe) -> None:
    """Refuses a game that is not there, and settings that it does not have or that do not go together.

    Raises:
        GlassworkError: in one sentence.
    """
    least = recipe.environments * (recipe.n_step + 8)
    if recipe.replay_size < least:
        raise GlassworkError(
            f"A replay of {recipe.replay_size:,} steps is too short for games side by side ({recipe.environments}) and "
            f"rewards that are added up ({recipe.n_step}): raise --replay-size to {least:,} or more"
        )
    least = max(recipe.batch_size, least)
    if recipe.learning_starts < least:
        raise GlassworkError(
            f"A batch has to be played before it is learned from: raise --learning-starts to {least:,}"
        )
    if recipe.game not in CONTROL:
        ale_name(recipe.game)
        return
    _gymnasium()
    if recipe.emulator == "ale":
        raise GlassworkError(f"{recipe.game} has no emulator: leave out --emulator, or name an Atari game with --game")
    for field, plain in {"no_ops": 0, "sticky_actions": 0.0, "life_loss": False}.items():
        if getattr(recipe, field) != plain:
            flag = field.replace("_", "-")
            raise GlassworkError(
                f"{recipe.game} has neither frames nor lives: leave out --{flag}, or use the preset atari"
            )


def ale_name(game: str) -> str:
    """The file's name of an Atari game: ms_pacman for MsPacman."""
    roms = [*_ale().roms.get_all_rom_ids()]
    plain = re.sub(r"(?:ALE/)?(.*?)(?:-v\d|NoFrameskip-v\d)?$", r"\1", game)
    wanted = plain.replace("_", "").lower()
    found: str | None = next((rom for rom in roms if rom.replace("_", "") == wanted), None)
    if found is None:
        names = {name.lower(): name for name in [*(_title(rom) for rom in roms), *CONTROL]}
        near = [names[each] for each in difflib.get_close_matches(wanted, names, 3, 0.5)]
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(names.values())[:8])}, ..."
        )
        raise GlassworkError(f"There is no game '{game}': {hint}")
    return found


def _title(rom: str) -> str:
    """A game's name as gymnasium writes it: MsPacman."""
    return "".join(part.capitalize() for part in rom.split("_"))


def _needed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise GlassworkError("Playing games needs gymnasium and ale-py: pip install 'glasswork[games]'") from None


@cache
def _ale() -> Any:
    ale_py = _needed("ale_py")
    _needed("ale_py.roms")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    return ale_py


@cache
def _gymnasium() -> Any:
    return _needed("gymnasium")
