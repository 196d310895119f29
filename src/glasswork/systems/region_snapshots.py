"""The answers over the plane at some moments of a run, for a picture that moves."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.regions import Plane, answers_over
from glasswork.training.checkpoints import write_atomically
from glasswork.training.step import Step, Tree

FORMAT = 1
FILE = "frames.safetensors"
CELLS = 40
MOST = 24
APART = 400
"""Examples between two frames, so that the frames of a short run do not take longer than its steps."""


@dataclass(frozen=True)
class Frame:
    """The answers after a step.

    Attributes:
        number: of the step.
        epoch: of the step.
        progress: of the step.
        answers: as `glassbox.regions.answers_over` gives them, (CELLS, CELLS, outputs).
    """

    number: int
    epoch: int
    progress: float
    answers: Tensor


def framed(steps: Iterator[Step], folder: Path, network: nn.Module, plane: Plane | None, before: int) -> Iterator[Step]:
    """Looks at the network at up to `MOST` moments, more of them early, as learning is fast there.

    The network, the random generators and the steps are left as they are. Frames are written before the state of a
    step is given out, so that they never lag behind a checkpoint.

    Args:
        steps: the steps of the run.
        folder: of the run; its frames up to the step `before` are kept, later ones are dropped.
        network: of the kind that the steps change.
        plane: what is looked at; None: nothing, and the steps are given on as they are.
        before: number of the step after which this sitting goes on.
    """
    return steps if plane is None else _framed(steps, folder / FILE, network, plane, before)


def read(file: Path) -> list[Frame]:
    """The frames in a file, oldest first; none where there is no file.

    Raises:
        GlassworkError: for a damaged file or one of another format.
    """
    if not file.is_file():
        return []
    try:
        with safetensors.safe_open(str(file), "pt") as opened:
            header = json.loads((opened.metadata() or {})["frames"])
        if header["format"] != FORMAT:
            raise GlassworkError(
                f"{file} has format {header['format']}, this version of glasswork reads {FORMAT}: "
                "resume the run with the version that wrote it, or delete the file"
            )
        answers = load(file.read_bytes())["answers"]
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise GlassworkError(
            f"{file} cannot be read ({error}): delete it, and the moving picture begins anew"
        ) from None
    return [
        Frame(number, epoch, progress, one)
        for (number, epoch, progress), one in zip(header["steps"], answers, strict=True)
    ]


def _framed(steps: Iterator[Step], file: Path, network: nn.Module, plane: Plane, before: int) -> Iterator[Step]:
    frames, waiting = [frame for frame in read(file) if frame.number <= before], False
    viewed = copy.deepcopy(network)  # with the weights of a step's state: of several networks those that lead

    def flush() -> None:
        nonlocal waiting
        if waiting:
            waiting = False  # first, so that a failure is not repeated while it is handed up
            _write(file, frames)

    try:
        for step in steps:
            if step.last or not frames or _due(step, frames[-1]):
                viewed.load_state_dict(step.state()["network"])
                frames.append(Frame(step.number, step.epoch, step.progress, answers_over(viewed, plane, CELLS)))
                waiting = True

            def state(step: Step = step) -> Tree:
                flush()
                return step.state()

            yield step._replace(state=state)
    finally:
        flush()


def _due(step: Step, last: Frame) -> bool:
    """Whether the next moment has come; a function of step and last frame alone, so that resuming changes nothing."""
    later = _moment(step.progress) > _moment(last.progress)
    return later and (step.number - last.number) * step.examples >= APART


def _moment(progress: float) -> int:
    """Which of the moments of a run came last: moment k is at progress (k / (MOST - 1))^2."""
    return int((MOST - 1) * progress**0.5)


def _write(file: Path, frames: list[Frame]) -> None:
    header = {"format": FORMAT, "steps": [(frame.number, frame.epoch, frame.progress) for frame in frames]}
    answers = torch.stack([frame.answers for frame in frames])
    # One entry, as safetensors writes several in an order of its own, and equal runs shall have equal files.
    write_atomically(file, save({"answers": answers}, {"frames": json.dumps(header)}))
