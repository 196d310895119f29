"""Playing a game: the process of deep Q-learning, from the first random action to the test of the best network."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.kinds.images import Images
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.summary import Summary
from glasswork.execution import Execution, choose_device, fast_bfloat16, mixed, seed_everything
from glasswork.recipe.base import Machine
from glasswork.systems.attempts import Attempts
from glasswork.systems.play.environments import Rules, check_recipe, make_game
from glasswork.systems.play.episodes import ACTING, JUDGING, LEARNING, TESTING, play_episodes
from glasswork.systems.play.games import Games, make_games
from glasswork.systems.play.learner import Learner, require_finite
from glasswork.systems.play.network import draw_noise, make_network
from glasswork.systems.play.policy import values_of
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.systems.play.replay import Replay, require_room, round_of
from glasswork.systems.play.report import report_play
from glasswork.systems.process import Outcome, OwnProcess, Trained
from glasswork.training.fit import best_of, best_tree
from glasswork.training.stage import Best, Judgement, Step, Tree

if TYPE_CHECKING:
    from glasswork.systems.model import Model

SECONDS_PER_EPISODE = {True: 1.5, False: 0.03}
"""What of a budget is kept for each episode of the test."""
RECENT = 100
"""Episodes of which the mean return is followed while learning."""


class Play(OwnProcess[PlayRecipe]):
    """A network that learns to play by playing."""

    @classmethod
    @override
    def resolve(cls, recipe: PlayRecipe) -> PlayRecipe:
        check_recipe(recipe)
        if recipe.steps is None and recipe.budget is None:
            return recipe.model_copy(update={"steps": 100_000})
        return recipe

    @classmethod
    @override
    def choose_execution(cls, recipe: PlayRecipe, machine: Machine) -> Execution:
        chosen, folder = super().choose_execution(recipe, machine), Path(machine.out or ".").absolute()
        rules = make_game(recipe, 0).rules
        require_room(rules, recipe, next(place for place in (folder, *folder.parents) if place.is_dir()))
        if rules.stack == 1:  # a network this small is slower on two threads, and on a GPU
            device = "cpu" if machine.device == "auto" else choose_device(machine.device)
            return replace(chosen, device=device, threads=machine.threads or 1)
        # By the hardware and not by the clock, so that the same command makes the same steps.
        if machine.memory_format == "auto":
            chosen = replace(chosen, memory_format="channels-last")
        if machine.precision == "auto" and fast_bfloat16(chosen.device):
            chosen = replace(chosen, precision="bfloat16")
        return chosen

    @classmethod
    @override
    def load(cls, recipe: PlayRecipe, weights: Mapping[str, Tensor], run: str, execution: Execution) -> "Model":
        from glasswork.systems.play.player import Player

        process = cls(recipe, execution)
        process.network.load_state_dict(dict(weights))
        return Player(process.network, process.task, recipe, run, execution)

    @cached_property
    def rules(self) -> Rules:
        """What is known of the game."""
        return make_game(self.recipe, 0).rules

    @cached_property
    def network(self) -> nn.Sequential:
        """The network, changed in place by the steps."""
        seed_everything(self.recipe.seed)
        network = make_network(self.recipe, self.rules)
        self.execution.place(network)
        return network

    @property
    def task(self) -> Task:
        """What the network's inputs and outputs mean."""
        rules = self.rules
        target = Numbers(tuple(f"Q({action})" for action in rules.actions), *_plain(len(rules.actions)))
        if rules.stack > 1:
            return Task(Images((rules.stack, *rules.shape), *_plain(rules.stack)), target)  # type: ignore[arg-type]
        return Task(Table((len(rules.features),), rules.features, *_plain(len(rules.features))), target)

    @property
    def round(self) -> int:
        """Steps of the game in one step of the run, a multiple of the games."""
        return round_of(self.recipe, self.rules)

    @property
    @override
    def total(self) -> int | None:
        return None if self.recipe.steps is None else math.ceil(self.recipe.steps / self.round)

    @property
    @override
    def finishing_seconds(self) -> float:
        return self.recipe.test_episodes * SECONDS_PER_EPISODE[self.rules.stack > 1] + 1

    @property
    @override
    def summary(self) -> Summary:
        rules, recipe = self.rules, self.recipe
        frames = f"{rules.stack} grey frames of {rules.shape[0]} x {rules.shape[1]}" if rules.stack > 1 else ""
        inputs = frames or f"{len(rules.features)} numbers: {', '.join(rules.features)}"
        warnings: tuple[str, ...] = ()
        if recipe.emulator == "ale":
            warnings = ("the state of ale-py's vector environment cannot be saved: a resumed run begins new episodes",)
        counts = {"steps": recipe.steps} if recipe.steps is not None else {}
        actions = f"the value of {len(rules.actions)} actions: {', '.join(rules.actions)}"
        return Summary(recipe.game, counts, inputs, actions, {}, 1.0, 0, warnings, "steps")

    @override
    def next_commands(self, run: str) -> list[tuple[str, str]]:
        return [
            (f"glasswork play {run}", "watch it play, or take over: o lets you play, q ends"),
            (f"glasswork play {run} --out game.mp4", "records an episode"),
            (f"glasswork open {run} 100 --out look.html", "the network on the state after 100 actions, in numbers"),
        ]

    @override
    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        playing = Playing(self, folder(), start)
        clock = self.clock
        clock.start(playing.elapsed)
        progress = clock.progress(playing.number)
        while progress < 1:
            loss = playing.play_round(progress)
            judgement = playing.judge_if_due()
            before, progress = progress, clock.progress(playing.number)
            if progress >= 1 and judgement is None:
                judgement = playing.judge()
            yield Step(
                stage="play",
                number=playing.number,
                epoch=playing.epoch,
                epoch_ended=judgement is not None,
                last=progress >= 1,
                progress=before,
                examples=self.round,
                loss=loss,
                penalty=None,
                learning_rate=self.recipe.learning_rate,
                gradient_norm=None,
                judgement=judgement,
                best=playing.best,
                elapsed=clock.elapsed(),
                state=playing.state,
                save=playing.replay.due,
            )

    @override
    def complete(self, last: Tree | None) -> Trained | None:
        best = best_of(last) if last is not None else None
        if best is not None:
            self.network.load_state_dict(dict(best.weights))
        elif last is not None:
            self.network.load_state_dict(last["network"])
        draw_noise(self.network, None)
        return Trained(self.network.eval(), self.task)

    @override
    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        recipe = self.recipe
        with torch.no_grad():
            episodes = play_episodes(
                values_of(self.network, self.execution), recipe, recipe.test_episodes, recipe.seed, TESTING
            )
        best = best_of(last) if last is not None else None
        return report_play(recipe, episodes, best, last, self.summary.warnings)


def _plain(count: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A mean of 0 and a deviation of 1 for each of some numbers."""
    return (0.0,) * count, (1.0,) * count


class Playing:
    """Where a run stands between two of its steps.

    What is random in a round is a function of the seed and its number alone.

    Attributes:
        number: of the last round.
        played: steps of the game so far.
        best: the best judgement so far.
        elapsed: seconds of former sittings.
    """

    def __init__(self, process: Play, folder: Path, start: Tree | None) -> None:
        recipe = process.recipe
        self._process, self._recipe = process, recipe
        self.games: Games = make_games(recipe)
        self.learner = Learner(process.network, recipe, process.execution)
        self.values = values_of(process.network, process.execution)
        self.replay = Replay(folder, process.rules, recipe)
        self.number = self.played = self.judged = 0
        self.best: Best | None = None
        self.elapsed = 0.0
        self.totals = np.zeros(recipe.environments)
        self.returns: list[float] = []
        self.curve: list[tuple[int, float]] = []
        if start is None:
            self.replay.begin(self.games.reset(), np.ones(recipe.environments, bool))
        else:
            self._restore(start)

    @property
    def epoch(self) -> int:
        """Which stretch between two evaluations this is, from 1."""
        return max(1, math.ceil(self.played / self._recipe.evaluate_every))

    def play_round(self, progress: float) -> Tensor:
        """Plays one round and learns beside it; the mean loss of its updates, 0 before the first."""
        recipe, learner = self._recipe, self.learner
        self.number += 1
        random = np.random.default_rng(mixed(recipe.seed, LEARNING, self.number))
        noise = torch.Generator().manual_seed(mixed(recipe.seed, ACTING, self.number)) if recipe.noisy else None
        epsilon = self._epsilon(progress)
        losses: list[Tensor] = []
        for _ in range(self._process.round // recipe.environments):
            self._act(random, 1.0 if self.played < recipe.learning_starts else epsilon, noise)
            before, self.played = self.played, self.played + recipe.environments
            if self.played < recipe.learning_starts:
                continue
            for _ in range(self.played // recipe.update_every - before // recipe.update_every):
                sample = self.replay.sample(recipe.batch_size, random, recipe.discount, progress)
                loss, errors = learner.update(sample, noise)
                losses.append(loss)
                if self.replay.priorities is not None:
                    self.replay.priorities.update(sample.places, errors.cpu().numpy())
            if self.played // recipe.target_every > before // recipe.target_every:
                learner.copy_to_target()
        loss = torch.stack(losses).mean() if losses else torch.zeros(())
        require_finite(float(loss), self.played)
        return loss

    def _epsilon(self, progress: float) -> float:
        recipe = self._recipe
        if recipe.noisy:
            return 0.0
        fallen = min(1.0, progress / recipe.exploration) if recipe.exploration else 1.0
        return 1 + (recipe.epsilon - 1) * fallen

    def _act(self, random: np.random.Generator, epsilon: float, noise: torch.Generator | None) -> None:
        recipe, count = self._recipe, self._recipe.environments
        by_chance = random.random(count) < epsilon
        actions = random.integers(0, len(self._process.rules.actions), count)
        if not by_chance.all():
            if noise is not None:
                draw_noise(self._process.network, noise)
            chosen = self.values(self.replay.current()).argmax(1)
            actions = np.where(by_chance, actions, chosen)
        turns = self.games.act(actions)
        self.replay.end(actions, turns, np.sign(turns.rewards) if recipe.clip_rewards else turns.rewards)
        self.totals += turns.rewards
        for place in np.flatnonzero(turns.over):
            self.returns = [*self.returns, float(self.totals[place])][-RECENT:]
            self.totals[place] = 0.0

    def judge_if_due(self) -> Judgement | None:
        """Judges the network if it has played as far as an evaluation is asked for."""
        return self.judge() if self.played // self._recipe.evaluate_every > self.judged else None

    def judge(self) -> Judgement:
        """How well the network plays now; the best is kept, of equal ones the later."""
        recipe, network = self._recipe, self._process.network
        self.judged = self.played // recipe.evaluate_every
        draw_noise(network, None)
        episodes = play_episodes(self.values, recipe, recipe.evaluation_episodes, recipe.seed, JUDGING, self.number)
        mean = float(np.mean([episode.total for episode in episodes]))
        judgement = Judgement(-mean, {"mean_return": mean})
        if self.best is None or judgement.error <= self.best.judgement.error:
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            self.best = Best(judgement, self.epoch, weights)
        else:
            self.best = replace(self.best, stale=self.best.stale + 1)
        if self.returns:
            self.curve.append((self.played, float(np.mean(self.returns))))
        return judgement

    def state(self) -> Tree:
        """Everything needed to go on."""
        return {
            "stage": "play",
            "number": self.number,
            "network": {name: tensor.clone() for name, tensor in self._process.network.state_dict().items()},
            "learner": self.learner.state(),
            "replay": self.replay.state(),
            "games": self.games.state(),
            "played": self.played,
            "judged": self.judged,
            "totals": torch.from_numpy(self.totals.copy()),
            "returns": self.returns,
            "curve": self.curve,
            "best": best_tree(self.best),
            "elapsed": self._process.clock.elapsed(),
        }

    def _restore(self, tree: Tree) -> None:
        self.number, self.played, self.judged = tree["number"], tree["played"], tree["judged"]
        self.best, self.elapsed = best_of(tree), tree["elapsed"]
        self.totals, self.returns = tree["totals"].numpy().copy(), list(tree["returns"])
        self.curve = [(int(played), float(mean)) for played, mean in tree["curve"]]
        self.learner.restore(tree["network"], tree["learner"])
        self.replay.restore(tree["replay"])
        if not self.games.restore(tree["games"]):
            self.replay.begin_again(self.games.reset())
            self.totals[:] = 0
