"""What every peer script shares: its arguments, and the clock that reads a training run off after each epoch.

A run whose learning rate does not depend on the number of epochs is the beginning of every longer one, so one run gives
the seconds and the accuracy for any number of epochs: the seconds of a reading are those that a run of just so many
epochs would have taken, with its model saved and evaluated once, at the end.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def process_start() -> float:
    """What `time.monotonic()` was when this process started, as Linux recorded it to a hundredth of a second."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    seconds_after_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - seconds_after_boot)


def read_arguments(description: str) -> argparse.Namespace:
    """The command line that all peer scripts understand."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"), help="the IDX files")
    parser.add_argument("--schedule", choices=["default", "one-cycle"], default="default", help="theirs or ours")
    parser.add_argument("--epochs", type=int, default=14, help="at most; for one-cycle the length of the schedule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--peak", type=float, default=8e-3, help="highest learning rate of one-cycle")
    parser.add_argument("--save", type=Path, default=Path.cwd(), help="folder for the model")
    parser.add_argument("--target", type=float, help="stop some epochs after reaching this accuracy (default schedule)")
    parser.add_argument("--extra", type=int, default=0, help="how many epochs after")
    parser.add_argument("--at-least", type=int, default=1, help="but not before this epoch")
    parser.add_argument("--started", type=float, default=process_start(), help="time.monotonic() at the spawning")
    parser.add_argument("--backend", choices=["jax", "torch"], default="jax", help="of Keras")
    return parser.parse_args()


class EpochClock:
    """Seconds since the process was spawned, less those that are not the peer's."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.seconds_set_aside = 0.0
        self.reached_in_epoch: int | None = None

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Do not count what happens within."""
        begun = time.monotonic()
        yield
        self.seconds_set_aside += time.monotonic() - begun

    def epoch_ended(self, epoch: int, save: Callable[[], object], evaluate: Callable[[], float]) -> bool:
        """Save and evaluate the model, print the reading, and say whether this epoch (from 1) was the last.

        One-cycle is read only at its end, since before it the model is not finished.
        """
        arguments = self.arguments
        if arguments.schedule == "one-cycle" and epoch < arguments.epochs:
            return False
        begun = time.monotonic()
        save()
        accuracy = float(evaluate())
        ended = time.monotonic()
        reading = {
            "epoch": epoch,
            "accuracy": round(accuracy, 4),
            "seconds": round(ended - arguments.started - self.seconds_set_aside, 3),
            "set_aside": round(self.seconds_set_aside, 3),
        }
        print(json.dumps(reading), flush=True)
        self.seconds_set_aside += ended - begun
        return self._was_last(epoch, accuracy)

    def _was_last(self, epoch: int, accuracy: float) -> bool:
        arguments = self.arguments
        if epoch >= arguments.epochs:
            return True
        if arguments.target is None:
            return False
        if self.reached_in_epoch is None and accuracy >= arguments.target:
            self.reached_in_epoch = epoch
        reached = self.reached_in_epoch is not None and epoch >= self.reached_in_epoch + arguments.extra
        return reached and epoch >= arguments.at_least
