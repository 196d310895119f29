"""Makes batches of sounds and their texts, with what a draw does to the sounds: warping and masks."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from glasswork.data import ragged
from glasswork.data.batches import Batch, Batches, Draw
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.audio import Audio, Features
from glasswork.data.samplers import ByLength
from glasswork.execution import Execution

WIDEST_BAND, WIDEST_TIME, MOST_FRAMES = 0.25, 0.1, 40
"""A mask covers up to this share of the bands, or of the frames, and at most so many frames."""


@dataclass(frozen=True)
class SoundAugmentation:
    """What a draw does to features (SpecAugment, Park et al. 2019).

    Attributes:
        time_masks: stretches of each sound that are blanked.
        band_masks: ranges of bands of each sound that are blanked.
        warp: how much faster or slower, and higher or lower, a batch becomes at most, as a share.
    """

    time_masks: int = 0
    band_masks: int = 0
    warp: float = 0.0


class Spoken:
    """Makes batches of features and, if they are known, texts.

    Inputs are float32 (batch, frames, bands + 1): features and a 1, all 0 behind the end of a shorter sound.
    Targets are int64 (batch, times), each text with its end, and `IGNORED` behind it.

    Args:
        dataset: of sounds.
        execution: how the arithmetic is carried out.
        augmentation: what a draw does.
    """

    def __init__(self, dataset: Dataset, execution: Execution, augmentation: SoundAugmentation | None = None) -> None:
        self.dataset, self.device, self.augmentation = dataset, execution.device, augmentation
        self.features = Features(Audio.of(dataset.task)).to(execution.device)

    def __call__(self, rows: Tensor, draw: Draw | None = None) -> Batch:
        """The examples at `rows` (int64) as one batch."""
        columns, offsets = self.dataset.columns, self.dataset.offsets
        waveforms, lengths = ragged.pad(columns["inputs"], offsets["inputs"], rows)
        with torch.no_grad():
            inputs, counts = self.features(waveforms.to(self.device), lengths.to(self.device))
            if draw is not None and self.augmentation is not None:
                inputs, counts = augment(inputs, counts, self.augmentation, draw.generator(inputs.device))
            inside = torch.arange(inputs.shape[1], device=inputs.device) < counts[:, None]
            inputs = torch.cat([inputs * inside[:, :, None], inside[:, :, None].to(inputs.dtype)], 2)
        if "targets" in offsets:
            targets, _ = ragged.pad(columns["targets"].long(), offsets["targets"], rows, IGNORED)
        else:
            targets = columns["targets"][rows]
        return Batch(inputs, targets.to(self.device), counts)


def augment(
    inputs: Tensor, counts: Tensor, augmentation: SoundAugmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Features (batch, frames, bands), warped together and masked each on its own, and their new lengths."""
    if augmentation.warp:
        drawn = torch.rand(2, generator=generator, device=inputs.device)
        time, pitch = (1 + augmentation.warp * (2 * drawn - 1)).tolist()
        inputs, counts = warp(inputs, counts, time, pitch)
    bands = inputs.shape[2]
    across = torch.full_like(counts, bands)
    widest = torch.full_like(counts, max(1, round(WIDEST_BAND * bands)))
    for _ in range(augmentation.band_masks):
        inputs = inputs.masked_fill(_stretch(across, widest, bands, generator)[:, None], 0.0)
    widest = (WIDEST_TIME * counts).long().clamp(1, MOST_FRAMES)
    for _ in range(augmentation.time_masks):
        inputs = inputs.masked_fill(_stretch(counts, widest, inputs.shape[1], generator)[:, :, None], 0.0)
    return inputs, counts


def warp(inputs: Tensor, counts: Tensor, time: float, pitch: float) -> tuple[Tensor, Tensor]:
    """Features that last `time` times as long, and of a voice `pitch` times as high, by linear interpolation.

    A vocal tract of another length moves all frequencies by one factor (Jaitly and Hinton 2013).
    """
    _, frames, bands = inputs.shape
    size = max(1, round(frames * time)), max(1, round(bands * pitch))
    moved = functional.interpolate(inputs[:, None], size, mode="bilinear", align_corners=False)[:, 0, :, :bands]
    if moved.shape[2] < bands:
        moved = functional.pad(moved, (0, bands - moved.shape[2]), mode="replicate")
    return moved, (counts * time).round().long().clamp(1, size[0])


def _stretch(lengths: Tensor, widest: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """One random stretch of each row, of up to `widest` places within its length; bool (rows, size)."""
    drawn = torch.rand(2, len(lengths), generator=generator, device=lengths.device)
    width = (drawn[0] * (widest + 1)).long()
    begin = (drawn[1] * (lengths - width + 1).clamp(min=1)).long()
    places = torch.arange(size, device=lengths.device)
    return (places >= begin[:, None]) & (places < (begin + width)[:, None])


def spoken_batches(
    dataset: Dataset,
    rows: Tensor,
    batch_size: int,
    seed: int,
    execution: Execution,
    augmentation: SoundAugmentation | None = None,
) -> Batches:
    """Batches of sounds of nearly equal length with their texts, in random order."""
    lengths = ragged.lengths(dataset.offsets["inputs"])[rows]
    return Batches(ByLength(rows, lengths, batch_size, seed), Spoken(dataset, execution, augmentation))
