"""What is asked of a run that plays a game."""

from typing import Literal

from pydantic import Field

from glasswork.recipe.base import Numbers, ProcessRecipe
from glasswork.recipe.preset import Preset


class PlayRecipe(ProcessRecipe):
    """Deep Q-learning (Mnih et al. 2015), with what has been added to it since as options.

    A step is one action of one game, which an Atari game repeats for `frame_skip` frames.
    """

    data: None = Field(None, description="none: a game is played, and no data is read")
    game: str = Field("Pong", description="the game: an Atari game such as Pong or MsPacman, CartPole or Acrobot")
    steps: int | None = Field(None, ge=1, description="steps in all; None: as many as the budget allows")
    environments: int = Field(1, ge=1, le=256, description="games that are played at the same time")
    emulator: Literal["own", "ale"] = Field(
        "own",
        description="own: single emulators, whose state is saved, so that a killed run resumes bit for bit; ale: the "
        "vector environment of ale-py with its threads, with which a resumed run begins new episodes",
    )
    frame_skip: int = Field(4, ge=1, le=60, description="frames that each action of an Atari game lasts")
    sticky_actions: float = Field(
        0.0, ge=0, lt=1, description="probability that an emulator repeats the last action in a frame instead"
    )
    no_ops: int = Field(30, ge=0, description="at most so many frames without an action at the start of an episode")
    max_steps: int | None = Field(None, ge=1, description="longest episode; None: 27,000 steps of Atari, 500 of others")
    clip_rewards: bool = Field(True, description="learn from the sign of a reward, as scores differ between games")
    life_loss: bool = Field(False, description="learn as if the episode ended with each life")
    hidden: Numbers = Field((120, 84), description="units of the hidden layers, of a game without pictures")
    double: bool = Field(False, description="the network chooses the next action, the target network values it")
    duelling: bool = Field(False, description="the value of a state and the advantages of actions are added up")
    prioritised: bool = Field(False, description="replay what was predicted badly more often (Schaul et al. 2016)")
    noisy: bool = Field(False, description="explore by learned noise in the weights instead of random actions")
    n_step: int = Field(1, ge=1, le=50, description="rewards that are added up before the network's own estimate")
    discount: float = Field(0.99, gt=0, lt=1, description="discount (gamma): what a reward a step later is worth")
    replay_size: int = Field(1_000_000, ge=100, description="steps that are kept to learn from, in a file of the run")
    learning_starts: int = Field(80_000, ge=0, description="steps with random actions before the first update")
    update_every: int = Field(4, ge=1, description="steps between two updates of the network")
    target_every: int = Field(1_000, ge=1, description="steps between two updates of the target network")
    batch_size: int = Field(32, ge=1, description="steps that an update learns from")
    learning_rate: float = Field(1e-4, gt=0, description="learning rate (eta) of Adam")
    gradient_clip: float | None = Field(None, gt=0, description="clip the gradient to this norm")
    epsilon: float = Field(0.01, ge=0, le=1, description="share of random actions once exploration has fallen")
    exploration: float = Field(0.1, ge=0, le=1, description="share of the run over which random actions grow fewer")
    evaluate_every: int = Field(50_000, ge=1, description="steps between two evaluations; the best network is kept")
    evaluation_episodes: int = Field(5, ge=1, description="episodes of an evaluation")
    test_episodes: int = Field(30, ge=1, description="episodes that the kept network is tested on")


_CONTROL = {
    "environments": 1,
    "no_ops": 0,
    "clip_rewards": False,
    "replay_size": 10_000,
    "learning_starts": 10_000,
    "update_every": 10,
    "target_every": 500,
    "batch_size": 128,
    "learning_rate": 2.5e-4,
    "steps": 500_000,
    "exploration": 0.5,
    "epsilon": 0.05,
    "evaluate_every": 10_000,
    "evaluation_episodes": 20,
    "test_episodes": 100,
}
PRESETS = (
    Preset(
        "cartpole",
        "play",
        {**_CONTROL, "game": "CartPole"},
        None,
        "a network learns to balance a pole on a cart by playing",
    ),
    Preset(
        "acrobot",
        "play",
        {**_CONTROL, "game": "Acrobot"},
        None,
        "a network learns to swing two links up by playing",
    ),
    Preset(
        "atari",
        "play",
        {
            "steps": 2_500_000,
            "environments": 4,
            "double": True,
            "duelling": True,
            "n_step": 3,
            "learning_starts": 20_000,
            "target_every": 2_000,
            "life_loss": True,
            "gradient_clip": 10.0,
            "replay_size": 500_000,
        },
        None,
        "a convolutional network learns to play an Atari game from its pictures (--game Pong)",
    ),
)
