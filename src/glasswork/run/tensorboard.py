"""TensorBoard events beside the run's own files (extra: watch)."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from glasswork.errors import GlassworkError
from glasswork.training.stage import Step


def record_events(steps: Iterator[Step], folder: Path, start: int, said: list[str]) -> Iterator[Step]:
    """Writes loss, learning rate and validation figures of each step as TensorBoard events under `folder`.

    If they cannot be written, as on a full disk, the steps go on without them.

    Args:
        steps: the steps.
        folder: the run's folder.
        start: the number of the last step of an earlier sitting; later events of it are overwritten.
        said: takes a sentence if events cannot be written.

    Raises:
        GlassworkError: where tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise GlassworkError("--tensorboard needs tensorboard: pip install 'glasswork[watch]'") from None
    place, writer = folder / "tensorboard", None
    try:
        writer = SummaryWriter(str(place), purge_step=start + 1)
    except OSError as error:
        said.append(_stopped(place, error))
    try:
        for step in steps:
            if writer is not None:
                try:
                    _record(writer, step)
                except OSError as error:
                    said.append(_stopped(place, error, step.number))
                    writer = None
            yield step
    finally:
        if writer is not None:
            with suppress(OSError):
                writer.close()


def _record(writer: Any, step: Step) -> None:
    writer.add_scalar("loss/training", step.loss.item(), step.number)
    writer.add_scalar("learning_rate", step.learning_rate, step.number)
    if step.judgement is not None:
        for name, value in step.judgement.metrics.items():
            writer.add_scalar(f"validation/{name}", value, step.number)


def _stopped(place: Path, error: OSError, number: int = 0) -> str:
    where = f" from step {number:,} on" if number else ""
    return f"{place} cannot be written ({error.strerror or error}): TensorBoard has no events{where}"
