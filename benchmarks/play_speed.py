"""Steps per second of Deep Q-learning on Pong while it learns: ours, Stable-Baselines3's DQN, and a plain loop.

    python benchmarks/play_speed.py --steps 2000 --rounds 3

All three have the settings of CleanRL's `dqn_atari.py`: one game, an update of 32 steps for every 4, Adam at 1e-4,
gradients clipped, target network every 1,000 steps, frames of 84 x 84 in stacks of four. The plain loop does what that
script does, with the same wrappers and the same replay buffer of Stable-Baselines3. Each contender is a process of its
own; they take turns, and medians are shown. Random actions are 1 % as after exploration. Asked: at least twice as fast.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import describe_machine, describe_versions

GAME, WARM, KEPT = "PongNoFrameskip-v4", 300, 20_000


def play_ours(steps: int, threads: int) -> float:
    """Our process without a run around it, as `train atari` carries it out."""
    from glasswork.execution import Execution
    from glasswork.recipe.base import Machine
    from glasswork.run.request import make_request
    from glasswork.systems.play.system import Play
    from glasswork.training.stage import Clock

    plain = {"environments": 1, "double": False, "duelling": False, "n_step": 1, "target_every": 1000}
    short = {"learning_starts": 256, "replay_size": KEPT, "exploration": 0.0, "evaluate_every": 10**9}
    recipe = make_request("atari", {**plain, **short, "steps": 10**8, "gradient_clip": 0.5}).recipe
    execution: Execution = Play.choose_execution(recipe, Machine(threads=threads))
    execution.apply()
    process = Play(recipe, execution)
    process.clock = Clock(process.total)
    with tempfile.TemporaryDirectory() as folder:
        made = process.steps(None, lambda: Path(folder))
        next(made)
        began, rounds = time.perf_counter(), max(1, steps // process.round)
        for _ in range(rounds):
            next(made)
        return rounds * process.round / (time.perf_counter() - began)


def _environment() -> Any:
    import ale_py
    import gymnasium
    from stable_baselines3.common.atari_wrappers import AtariWrapper

    gymnasium.register_envs(ale_py)
    return gymnasium.wrappers.FrameStackObservation(AtariWrapper(gymnasium.make(GAME)), 4)


def play_plainly(steps: int, threads: int) -> float:
    """A loop as in CleanRL's script."""
    import numpy as np
    import torch
    from stable_baselines3.common.buffers import ReplayBuffer
    from torch import nn

    torch.set_num_threads(threads)
    environment, draws = _environment(), np.random.default_rng(0)
    space = environment.observation_space
    actions = int(environment.action_space.n)

    def network() -> nn.Module:
        convolutions = (nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3))
        return nn.Sequential(
            *convolutions, nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, actions)
        )

    online, target = network(), network()
    optimizer = torch.optim.Adam(online.parameters(), 1e-4)
    buffer = ReplayBuffer(
        KEPT, space, environment.action_space, "cpu", optimize_memory_usage=True, handle_timeout_termination=False
    )
    seen = np.asarray(environment.reset(seed=0)[0])[..., 0] if space.shape[-1] == 1 else environment.reset(seed=0)[0]
    buffer.observation_space, buffer.obs_shape = space, seen.shape
    buffer.observations = np.zeros((KEPT, 1, *seen.shape), np.uint8)
    began = 0.0
    for step in range(WARM + steps):
        if step == WARM:
            began = time.perf_counter()
        action = draws.integers(actions)
        if step >= WARM and draws.random() > 0.01:
            action = online(torch.Tensor(seen[None]) / 255).argmax(1).item()
        found, reward, ended, truncated, _ = environment.step(action)
        found = np.asarray(found)[..., 0] if found.shape[-1] == 1 else np.asarray(found)
        buffer.add(seen, found, np.array([action]), np.array([reward]), np.array([ended]), [{}])
        seen = found
        if ended or truncated:
            seen = environment.reset()[0]
            seen = np.asarray(seen)[..., 0] if seen.shape[-1] == 1 else np.asarray(seen)
        if step >= WARM and step % 4 == 0:
            drawn = buffer.sample(32)
            with torch.no_grad():
                value = target(drawn.next_observations.float() / 255).max(1).values
                wanted = drawn.rewards.flatten() + 0.99 * value * (1 - drawn.dones.flatten())
            said = online(drawn.observations.float() / 255).gather(1, drawn.actions).squeeze()
            loss = nn.functional.mse_loss(wanted, said)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(online.parameters(), 0.5)
            optimizer.step()
            if step % 1000 == 0:
                target.load_state_dict(online.state_dict())
    return steps / (time.perf_counter() - began)


def play_baselines(steps: int, threads: int) -> float:
    """Stable-Baselines3's DQN."""
    import ale_py
    import gymnasium
    import torch
    from stable_baselines3 import DQN
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

    gymnasium.register_envs(ale_py)
    torch.set_num_threads(threads)
    model = DQN(
        "CnnPolicy",
        VecFrameStack(make_atari_env(GAME, 1, 0), 4),
        learning_rate=1e-4,
        buffer_size=KEPT,
        learning_starts=WARM,
        batch_size=32,
        train_freq=4,
        gradient_steps=1,
        target_update_interval=1000,
        exploration_fraction=1e-9,
        exploration_final_eps=0.01,
        max_grad_norm=0.5,
        device="cpu",
    )
    model.learn(WARM)
    began = time.perf_counter()
    model.learn(steps, reset_num_timesteps=False)
    return steps / (time.perf_counter() - began)


CONTENDERS: dict[str, Callable[[int, int], float]] = {
    "glasswork": play_ours,
    "plain loop (CleanRL's)": play_plainly,
    "Stable-Baselines3": play_baselines,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=[*CONTENDERS], help="one of them, in this process")
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(CONTENDERS[asked.only](asked.steps, asked.threads)))
        return
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(asked.rounds):
        for name in CONTENDERS:
            words = ["--steps", str(asked.steps), "--threads", str(asked.threads), "--only", name]
            done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=True)
            found[name].append(float(done.stdout.splitlines()[-1]))
    ours = statistics.median(found["glasswork"])
    print("| | steps per second | glasswork is so many times as fast |\n|---|---|---|")
    for name, speeds in found.items():
        middle = statistics.median(speeds)
        print(f"| {name} | {middle:.0f} ({min(speeds):.0f} to {max(speeds):.0f}) | {ours / middle:.2f} |")
    print(f"\n{describe_machine()}\n{describe_versions(sys.executable, ('torch', 'ale-py', 'stable_baselines3'))}")


if __name__ == "__main__":
    main()
