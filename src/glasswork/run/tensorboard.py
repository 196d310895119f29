"""TensorBoard events beside the run's own files (extra: watch)."""

from collections.abc import Iterator
from pathlib import Path

from glasswork.errors import GlassworkError
from glasswork.training.stage import Step


def record_events(steps: Iterator[Step], folder: Path, start: int) -> Iterator[Step]:
    """Writes loss, learning rate and validation figures of each step as TensorBoard events under `folder`.

    Args:
        steps: the steps.
        folder: the run's folder.
        start: the number of the last step of an earlier sitting; later events of it are overwritten.

    Raises:
        GlassworkError: where tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise GlassworkError("--tensorboard needs tensorboard: pip install 'glasswork[watch]'") from None
    writer = SummaryWriter(str(folder / "tensorboard"), purge_step=start + 1)
    try:
        for step in steps:
            writer.add_scalar("loss/training", step.loss.item(), step.number)
            writer.add_scalar("learning_rate", step.learning_rate, step.number)
            if step.judgement is not None:
                for name, value in step.judgement.metrics.items():
                    writer.add_scalar(f"validation/{name}", value, step.number)
            yield step
    finally:
        writer.close()
