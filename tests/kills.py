"""Runs that are killed over and over, resumed to the end, and compared bit for bit with runs that were not.

`python -m tests.kills --kills 200 --loop fit`: real SIGKILLs of a process that trains, half of them at random moments,
half just before a file in the run's folder is opened for writing, flushed, renamed, cut or deleted.
"""

import argparse
import contextlib
import io
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from glasswork.cli import main
from glasswork.training import watchers
from made_data import PLAIN, flags, remains, write_folder, write_npz, write_text

MOST_KILLS = 12
"""Of one run; then it may come to its end."""
SAVE_SECONDS = 0.01
EVENTS = {"os.rename", "os.remove", "os.truncate", "os.mkdir"}


def _fit() -> list[str]:
    data = write_npz(Path("data.npz"), "class", 120)
    options = {"data": data, "dropout": 0.3, "augment": "crop:1", "batch_size": 8, "epochs": 12}
    return ["lenet", *flags(options)]


def _online() -> list[str]:
    Path("mine.toml").write_text('preset = "xor"\ntolerance = 1e-9\norder = "shuffled"\n', encoding="utf-8")
    return ["mine.toml", "--epochs", "1000"]


def _restarts() -> list[str]:
    data = write_npz(Path("data.npz"), "class", 120)
    return ["mlp", *flags({"data": data, "hidden": 8, "restarts": 4, "batch_size": 8, "epochs": 20})]


def _staged() -> list[str]:
    data = write_folder(Path("photos"), 40)
    small = {"data": data, "network": "convnet-small", "size": 32, "batch_size": 8}
    words = ["transfer", *flags({**small, "mode": "scratch", "epochs": 1, **PLAIN, "out": "source"})]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["train", *words, "--json"]) == 0
    return ["transfer", *flags({**small, "weights": "source", "mode": "fine-tuned", "epochs": 12})]


def _characters() -> list[str]:
    data = write_text(Path("text.txt"), 3000)
    return ["char-rnn", *flags({"data": data, "hidden_size": 16, "bptt_length": 20, "batch_size": 4, "epochs": 2})]


def _play() -> list[str]:
    often = {"evaluate_every": 400, "evaluation_episodes": 1, "test_episodes": 1, "max_steps": 50}
    small = {"steps": 8000, "learning_starts": 200, "replay_size": 900, "batch_size": 8, "n_step": 3, "environments": 2}
    return ["cartpole", *flags({**small, **often}), "--prioritised"]


LOOPS: dict[str, Callable[[], list[str]]] = {
    "fit": _fit,
    "online": _online,
    "restarts": _restarts,
    "staged": _staged,
    "characters": _characters,
    "play": _play,
}


@dataclass
class Outcome:
    """What became of the runs.

    Attributes:
        kills: how many processes were killed.
        at_files: how many of them just before something happened to a file.
        runs: how many runs came to their end after kills.
        failures: a sentence for each that differs or broke.
    """

    kills: int = 0
    at_files: int = 0
    runs: int = 0
    failures: tuple[str, ...] = ()


def kill(loop: str, kills: int, seconds: float = math.inf, seed: int = 0) -> Outcome:
    """Kills runs of one kind of loop in the current folder until there were so many kills, or the time is over."""
    until = time.monotonic() + seconds
    draws, outcome = random.Random(seed), Outcome()
    words = ["train", *LOOPS[loop](), *flags(PLAIN), "--json"]
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([*words, "--out", "warm"]) == 0  # imports what the others need
    whole = Path("whole")
    began = time.monotonic()
    assert _spawn([*words, "--out", str(whole)], None) == 0, _said()
    length, expected = time.monotonic() - began, remains(whole)
    events = int(Path("events").read_text(encoding="utf-8"))
    while outcome.kills < kills and time.monotonic() < until:
        run = Path(f"run-{outcome.runs}")
        killed = 0
        while True:
            began_as_run = (run / "recipe.toml").exists()
            asked = ["resume", str(run), "--json"] if began_as_run else [*words, "--out", str(run)]
            end: int | float | None = draws.uniform(0, length) if draws.random() < 0.5 else draws.randint(1, events)
            code = _spawn(asked, end if killed < MOST_KILLS and outcome.kills < kills else None)
            if code == -signal.SIGKILL:
                killed, outcome.kills = killed + 1, outcome.kills + 1
                outcome.at_files += isinstance(end, int)
                continue
            break
        outcome.runs += 1
        if code != 0:
            outcome.failures += (f"{run} after {killed} kills: code {code}: {_said()}",)
        else:
            found = remains(run)
            differs = [key for key in expected if found[key] != expected[key]]
            if differs:
                outcome.failures += (f"{run} after {killed} kills differs in {', '.join(differs)}",)
            left = [str(path) for path in run.rglob(".*") if path.name != ".lock"]
            if left:
                outcome.failures += (f"{run} after {killed} kills keeps {', '.join(left)}",)
            shutil.rmtree(run)
    return outcome


def _said() -> str:
    return Path("said").read_text(encoding="utf-8").strip()[-2000:]


def _spawn(words: list[str], end: float | None) -> int:
    """Carries a command line out in a process of its own; its exit code, negative for a signal.

    Args:
        words: of the command line.
        end: seconds (float) or the number of an event (int) at which it is killed; None: it is not.
    """
    child = os.fork()
    if child == 0:
        _carry_out(words, end if isinstance(end, int) else None)
    if isinstance(end, float):
        until = time.monotonic() + end
        while time.monotonic() < until:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                break
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _carry_out(words: list[str], end: int | None) -> None:
    """The child's part: it counts what happens to files in the runs' folders; it may kill itself before one of them."""
    count = 0

    def happen() -> None:
        nonlocal count
        count += 1
        if count == end:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in EVENTS or writes) and str(arguments[0]).startswith(("run-", "whole")):
            happen()

    flush = os.fsync

    def fsync(descriptor: int) -> None:
        happen()
        flush(descriptor)

    code = 1
    try:
        watchers.saved.__defaults__ = (SAVE_SECONDS,)  # so that most kills find a checkpoint
        watchers.SAVING_SHARE = 0.5
        sys.addaudithook(watch)
        os.fsync = fsync
        with Path("said").open("w", encoding="utf-8") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            code = main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        Path("events").write_text(str(count), encoding="utf-8")
    finally:
        os._exit(code)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--loop", choices=[*LOOPS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=math.inf, help="for each loop")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    failed = False
    for loop in LOOPS if asked.loop == "all" else [asked.loop]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            found = kill(loop, asked.kills, asked.seconds, asked.seed)
            os.chdir("/")
        took = time.monotonic() - began
        print(
            f"{loop}: {found.kills} kills, {found.at_files} of them at file boundaries, {found.runs} runs to their "
            f"end, {len(found.failures)} differ or failed; {took:.0f} s",
            flush=True,
        )
        for failure in found.failures:
            print(f"  {failure}", flush=True)
        failed |= bool(found.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(_main())
