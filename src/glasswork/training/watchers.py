"""Generators over steps that log, save and stop; composed as a pipe around `fit`."""

import errno
import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch
from torch import Tensor

from glasswork import stopping
from glasswork.errors import GlassworkError
from glasswork.files import STEPS, read_regular
from glasswork.training.checkpoints import save_checkpoint
from glasswork.training.stage import Best, Step, Tree

SAVE_SECONDS = 5.0
SAVING_SHARE = 0.05
LOG_STEPS = 50


def logged(steps: Iterator[Step], folder: Path, run: str) -> Iterator[Step]:
    """Writes a line per step to `steps.jsonl`, which holds no clock, and now and then one to `timing.jsonl`.

    Both are written every `LOG_STEPS` steps, after a judgement and after the last step. Before the state of a step is
    given out, they are flushed to the disk, so that they never lag behind a checkpoint; the state has an entry `log`
    with the run's key and the digest of all lines so far.

    Args:
        steps: the steps.
        folder: of the run; lines that stand there are those of the steps before.
        run: the run's key.
    """
    waiting: list[Step] = []
    digest = hashlib.sha256()
    if (folder / STEPS).is_file():
        digest.update(read_regular(folder / STEPS))
    with (
        (folder / STEPS).open("ab", buffering=0) as lines,
        (folder / "timing.jsonl").open("ab", buffering=0) as times,
    ):

        def flush() -> None:
            if not waiting:
                return
            written, time_ = _lines(waiting), {"step": waiting[-1].number, "seconds": round(waiting[-1].elapsed, 4)}
            waiting.clear()  # first, so that a failure is not repeated while it is handed up
            with _explained(folder):
                text = "".join(written)
                _append(lines, text)
                digest.update(text.encode())
                _append(times, json.dumps(time_) + "\n")

        try:
            for step in steps:
                waiting.append(step)
                if len(waiting) == LOG_STEPS or step.judgement is not None or step.last:
                    flush()

                def state(step: Step = step) -> Tree:
                    flush()
                    with _explained(folder):
                        for file in (lines, times):
                            if not file.closed:  # after the last step
                                os.fsync(file.fileno())
                    return {**step.state(), "log": {"run": run, "lines": digest.hexdigest()}}

                yield step._replace(state=state)
        finally:
            flush()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GlassworkError(
            f"{folder} cannot be written ({error.strerror}): free some space, then resume the run"
        ) from error


def _append(file: FileIO, text: str) -> None:
    data = text.encode()
    if file.write(data) < len(data):  # a disk takes what it has room for and refuses only what comes after
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _lines(steps: list[Step]) -> list[str]:
    losses = torch.stack([step.loss for step in steps]).tolist()
    return [json.dumps(_line(step, loss)) + "\n" for step, loss in zip(steps, losses, strict=True)]


def _line(step: Step, loss: float) -> dict[str, Any]:
    line: dict[str, Any] = {
        "step": step.number,
        "stage": step.stage,
        "epoch": step.epoch,
        "examples": step.examples,
        "progress": step.progress,
        "learning_rate": step.learning_rate,
        "loss": loss,
    }
    for name, value in (("penalty", step.penalty), ("gradient_norm", step.gradient_norm)):
        if value is not None:
            line[name] = value.item()
    if step.judgement is not None:
        line["validation"] = dict(step.judgement.metrics)
    return line


def saved(
    steps: Iterator[Step], folder: Callable[[], Path], every: float = SAVE_SECONDS
) -> Generator[Step, None, None]:
    """Writes a checkpoint every `every` seconds, after the last step, and where whoever watches stops asking.

    A large state is written less often, so that saving takes at most a twentieth of the time.

    An error inside a step leaves the last checkpoint as it is: the weights may be half updated.

    Args:
        steps: the steps.
        folder: says where the checkpoints are kept now, as a run may be renamed.
        every: seconds.
    """
    written, since = 0, time.monotonic()
    last: Step | None = None
    try:
        for step in steps:
            last = step
            began = time.monotonic()
            if step.last or step.save or began - since >= every:
                save_checkpoint(folder(), _finite(step))
                written, since = step.number, time.monotonic()
                every = max(every, (since - began) / SAVING_SHARE)
            yield step
    except GeneratorExit:
        if last is not None and last.number != written:
            save_checkpoint(folder(), _finite(last))
        raise


def _finite(step: Step) -> dict[str, Any]:
    tree = step.state()
    for name, tensor in tree["network"].items():
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise GlassworkError(
                f"After step {step.number} the weights '{name}' hold inf or nan: the last good checkpoint is kept; "
                "try a lower learning rate or --gradient-clip 1"
            )
    return tree


def stopped_early(steps: Iterator[Step], patience: int | None) -> Iterator[Step]:
    """Ends after `patience` judgements in a row that were no better than the best (Kovashka: over-training)."""
    for step in steps:
        yield step
        if stale(step.best, patience):
            return


def stale(best: Best | None, patience: int | None) -> bool:
    """Whether `patience` judgements in a row were no better than the best."""
    return patience is not None and best is not None and best.stale >= patience


class Interruption:
    """Turns the first Ctrl-C, SIGTERM or SIGHUP into a wish to stop after the step under way; the second is as usual.

    Inside `stopping.promptly` it raises KeyboardInterrupt. In the command line's own process the second one ends the
    process at once. A context manager; outside the main thread it does nothing.
    """

    def __init__(self) -> None:
        self.wished = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = stopping.handle(self._wish)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _wish(self, number: int, frame: FrameType | None) -> None:
        self.wished = True
        stopping.note(number)
        if stopping.interrupt in self._before.values():
            self._before.clear()
            stopping.let_end()
        else:
            self.__exit__(None, None, None)
        if stopping.is_prompt():
            raise KeyboardInterrupt


def interruptible(steps: Iterator[Step], wished: Callable[[], bool]) -> Iterator[Step]:
    """Ends after a step during which a stop was requested."""
    for step in steps:
        yield step
        if wished():
            return
