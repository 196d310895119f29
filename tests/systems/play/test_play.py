"""Playing: it learns, goes on bit for bit, and says in one sentence what cannot be."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from glasswork.cli import main
from glasswork.execution import Execution
from glasswork.run.carry_out import begin_run
from glasswork.run.request import make_request
from glasswork.systems.play.environments import Rules
from glasswork.systems.play.games import Turns
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.systems.play.replay import Priorities, Replay
from glasswork.systems.play.system import Play, Playing
from glasswork.training.stage import Clock
from made_data import PLAIN, broken_off, flags, mistake, require_same, resume, said, train
from required import require_open

SMALL = {
    "steps": 1600,
    "learning_starts": 200,
    "evaluate_every": 400,
    "evaluation_episodes": 2,
    "test_episodes": 3,
    "replay_size": 600,
    "batch_size": 16,
    "target_every": 100,
}
PONG = {
    "game": "Pong",
    "steps": 240,
    "environments": 2,
    "learning_starts": 120,
    "evaluate_every": 120,
    "evaluation_episodes": 1,
    "test_episodes": 1,
    "replay_size": 200,
    "batch_size": 4,
    "update_every": 20,
    "max_steps": 60,
}


def flag(name: str) -> list[str]:
    """A flag without a value."""
    return [f"--{name.replace('_', '-')}"]


@pytest.mark.parametrize("options", [("double",), ("duelling", "prioritised"), ("noisy",)])
def test_goes_on_as_if_never_stopped(options: tuple[str, ...], tmp_path: Path) -> None:
    asked = {**SMALL, "n_step": 3, "environments": 2}
    whole = train("cartpole", *(word for option in options for word in flag(option)), out="whole", **asked)
    require_same(whole, resume(broken_off("cartpole", 2, **asked, **dict.fromkeys(options, True))))


def test_a_game_of_frames_goes_on_as_if_never_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = train("atari", out="whole", **PONG)
    result = said(capsys)
    assert result["played"] == 240 and result["test"]["mean_length"] == 60
    require_same(whole, resume(broken_off("atari", 1, **PONG)))
    assert (whole / "replay.bin").stat().st_size == (100 + 120 + 4) * 2 * (84 * 84 + 6)
    capsys.readouterr()
    assert main(["predict", str(whole), "0", "30", "--json"]) == 0
    answers = said(capsys)["answers"]
    assert [answer["input"] for answer in answers] == ["0", "30"] and "Q(fire)" in answers[0]
    assert main(["open", str(whole), "30", "--attribution", "--out", "look.html"]) == 0


def test_ale_s_own_environment_begins_new_episodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = resume(broken_off("atari", 1, emulator="ale", **PONG))
    assert "a resumed run begins new episodes" in said(capsys)["warnings"][0]
    assert len((run / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_what_was_tested_is_measured_again_and_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train("cartpole", **SMALL)
    result = said(capsys)
    assert result["test"]["mean_return"] >= 8 and result["episodes"] == 3
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == result["test"]
    require_open(run, "5", "1,2", capsys)
    require_played(run, capsys, monkeypatch)
    assert "such as 100, not x.png" in mistake(capsys, "predict", run, "x.png")
    assert "plays" in mistake(capsys, "evaluate", run, "--data", "digits")


def require_played(run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The network plays the same again; a person's keys take over and give back; a video holds a frame per action."""
    words = ["play", str(run), "--seed", "3", "--json"]
    assert main([*words, "--episodes", "2", "--out", "game.mp4"]) == 0
    played = said(capsys)
    with av.open("game.mp4") as video:
        assert sum(1 for _ in video.decode(video=0)) == sum(played["lengths"])
    assert main([*words, "--out", "game.gif"]) == 0
    assert said(capsys)["returns"] == played["returns"][:1]
    typed = "adoo" + "d" * 30  # two actions, away and back, and then only to the right: it falls
    done = subprocess.run(
        [sys.executable, "-m", "glasswork", *words, "--take-over"], input=typed, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert found["lengths"][0] == found["taken_over"] < 16
    for typed, ended in (("adoq", True), ("ad", False)):  # the person ends it; the network goes on
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        assert main([*words, "--take-over"]) == 0
        found = said(capsys)
        assert found["taken_over"] == 2 and (found["lengths"] == [2]) == ended
    assert mistake(capsys, "play", run, "--out", "game.mp4").endswith("choose another name or move it away")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["atari", "--game", "Pongg"], "There is no game 'Pongg': did you mean Pong"),
        (["cartpole", "--sticky-actions", "0.2"], "CartPole has neither frames nor lives: leave out --sticky-actions"),
        (["cartpole", "--emulator", "ale"], "CartPole has no emulator"),
        (["cartpole", "--replay-size", "100", "--environments", "50"], "A replay of 100 steps is too short"),
        (["cartpole", "--learning-starts", "5"], "raise --learning-starts to 128"),
        (["cartpole", "--data", "digits"], "there is no recipe key or flag '--data'"),
        (["atari", "--replay-size", "1000000000"], "GB of disk"),
    ],
)
def test_what_cannot_work_is_one_sentence(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentence in mistake(capsys, "train", *words)


def test_studies_and_other_verbs_say_that_there_is_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["count", "cartpole"],
        ["tune", "cartpole"],
        ["crossvalidate", "cartpole"],
        ["vary", "cartpole", "hidden", "8"],
    ):
        assert "learn from none" in mistake(capsys, *words)


def test_replayed_states_are_those_that_were_played(tmp_path: Path) -> None:
    """Every sample against a list of all that was played, over a ring that goes round several times."""
    rules = Rules((1, 1), 3, ("a", "b"))
    replay = Replay(tmp_path, rules, make_request("atari", {"environments": 1, "replay_size": 100, "n_step": 2}).recipe)
    draws, episodes = np.random.default_rng(0), []
    frame = np.zeros((1, 1, 1), np.uint8)
    replay.begin(frame, np.array([True]))
    frames, rewards, number, begins, ended = [0], [], 1, False, False
    for _ in range(700):
        if begins:  # the episode is over: this row is its last frame
            episodes.append((frames, rewards, ended))
            frames, rewards = [number % 251], []
            turn = (0.0, False, False, True)
        else:
            over = bool(draws.random() < 0.2)
            ended = over and bool(draws.random() < 0.5)
            frames.append(number % 251)
            rewards.append(number)
            turn = (float(number), ended, over, False)
        new = np.full((1, 1, 1), number % 251, np.uint8)
        reward, terminal, over, begun = turn
        replay.end(
            np.array([number % 2]),
            Turns(new, np.float32([reward]), np.array([terminal]), np.array([over]), np.array([begun])),
            np.float32([reward]),
        )
        begins, number = over, number + 1
    known = {}
    for played, won, terminal in episodes:
        for at in range(len(won)):
            last = min(at + 2, len(won))
            total = sum(0.5**step * won[at + step] for step in range(last - at))
            stack = [played[max(0, at - back)] for back in (2, 1, 0)]
            following = [played[max(0, last - back)] for back in (2, 1, 0)]
            counts = 0.0 if terminal and last == len(won) else 0.5 ** (last - at)
            known[won[at]] = (stack, following, total, counts)
    sample = replay.sample(500, draws, 0.5, 0.0)
    assert len(set(sample.states[:, -1, 0, 0].tolist())) > 20
    checked = 0
    for place in range(500):
        found = (
            sample.states[place, :, 0, 0].tolist(),
            sample.next_states[place, :, 0, 0].tolist(),
            float(sample.rewards[place]),
            float(sample.discounts[place]),
        )
        checked += found in known.values()
        assert found in known.values() or float(sample.rewards[place]) > max(known) - 2
    assert checked > 400


def test_drawing_by_priority_is_in_proportion() -> None:
    priorities = Priorities(5)
    priorities.add(np.arange(5), np.array([False, False, True, False, False]))
    priorities.update(np.array([0, 1, 3, 4]), np.array([1.0, 4.0, 9.0, 16.0]))
    places, weights = priorities.draw(1000, np.random.default_rng(0), 4, 1.0)
    assert np.bincount(places, minlength=5) / 100 == pytest.approx([1, 2, 0, 3, 4], abs=0.02)
    assert weights[places == 0].max() == 1 and weights[places == 4] == pytest.approx(0.25, rel=1e-3)


ONE_FIELD = {
    "seed": 7,
    "budget": "60s",
    "steps": 500,
    "game": "Acrobot",
    "environments": 3,
    "max_steps": 40,
    "frame_skip": 2,
    "clip_rewards": True,
    "hidden": "8,4",
    "double": True,
    "duelling": True,
    "prioritised": True,
    "noisy": True,
    "n_step": 4,
    "discount": 0.9,
    "replay_size": 300,
    "learning_starts": 900,
    "update_every": 7,
    "target_every": 30,
    "batch_size": 3,
    "learning_rate": 0.01,
    "gradient_clip": 1.0,
    "epsilon": 0.3,
    "exploration": 0.0,
    "evaluate_every": 90,
    "evaluation_episodes": 1,
    "test_episodes": 1,
}
"""A value of every field that a control problem has, other than the preset's."""


@pytest.mark.parametrize("name", [name for name in PlayRecipe.model_fields if name != "data"])
def test_one_field_is_no_mistake(name: str, tmp_path: Path) -> None:
    if name in {"emulator", "sticky_actions", "no_ops", "life_loss"}:  # of Atari games alone
        value = {"emulator": "ale", "sticky_actions": 0.25, "no_ops": 0, "life_loss": False}[name]
        begin_run(make_request("atari", {name: value})).folder.unlock()
    else:
        begin_run(make_request("cartpole", {name: ONE_FIELD[name]})).folder.unlock()


def test_a_ring_outlives_what_is_played_after_a_checkpoint(tmp_path: Path) -> None:
    """A state that is taken up again after as much as may follow it finds every row that it needs."""
    recipe = make_request("cartpole", {"replay_size": 3000, "evaluate_every": 500, "learning_starts": 200}).recipe
    process = Play(recipe, Execution())
    process.clock = Clock(process.total)
    playing = Playing(process, tmp_path, None)
    for _ in range(9):
        playing.play_round(0.0)
    state, draws = playing.replay.state(), np.random.default_rng(0)
    before = playing.replay.sample(200, draws, 0.99, 0.0)
    while not playing.replay.due:
        playing.play_round(0.0)
    playing.play_round(0.0)  # the checkpoint may be written and lost
    again = Replay(tmp_path, process.rules, recipe)
    again.restore(state)
    after = again.sample(200, np.random.default_rng(0), 0.99, 0.0)
    assert all(torch.equal(one, other) for one, other in zip(before[:6], after[:6], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["cartpole", "atari"])
def test_a_killed_player_goes_on_as_if_never_killed(preset: str, tmp_path: Path) -> None:
    options = {"cartpole": {**SMALL, "steps": 12_000, "evaluate_every": 4000}, "atari": {**PONG, "steps": 1200}}[preset]
    words = [sys.executable, "-m", "glasswork", "train", preset, *flags({**options, **PLAIN})]
    process = subprocess.Popen([*words, "--out", "killed"])
    while process.poll() is None and len(list(Path("killed").glob("checkpoints/*.safetensors"))) < 2:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    require_same(train(preset, out="whole", **options), resume(Path("killed")))
