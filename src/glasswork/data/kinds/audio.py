"""Inputs that are sound: waveforms, which a network sees as log-mel features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.formats.audio_files import (
    Samples,
    UnreadableSoundError,
    is_sound,
    read_sounds,
    read_standard_input,
    record,
)
from glasswork.data.kinds.kind import TIMES, Inputs, Port, Reading, as_numbers
from glasswork.data.listing import files_below, natural
from glasswork.data.log_mel import LogMel
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

MOST = 10.0
"""Scaled features are limited to this many deviations from their mean."""
AT_ONCE = 64
"""Sounds that are read or turned into features at once."""
STANDARD_INPUT, MICROPHONE = "-", "microphone"


@dataclass(frozen=True)
class Audio(Inputs):
    """Sounds of one channel, int16 (samples,), of different lengths, their peaks at full scale.

    Attributes:
        rate: samples per second.
        bands: of the log-mel features that a network sees.
        subsampling: how many frames become one output of a network.
        mean: what is subtracted from each band.
        deviation: what it is divided by after that.
    """

    tag: ClassVar[str] = "audio"
    word: ClassVar[str] = "sound"
    words: ClassVar[str] = "recordings"
    trained: ClassVar[str] = "recordings"
    preset: ClassVar[str] = "speech"
    noun: ClassVar[str] = "recordings"
    step: ClassVar[str] = "frame"
    file: ClassVar[str] = "FILE.wav"
    asked: ClassVar[str] = "a recording"
    checked: ClassVar[int] = 3

    rate: int
    bands: int = 64
    subsampling: int = 1
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @property
    @override
    def shape(self) -> tuple[int, ...]:
        return (self.bands + 1,)

    @override
    def zeros(self, count: int) -> Tensor:
        """`count` inputs of zeros, as long as `TIMES` outputs are."""
        return torch.nn.functional.pad(torch.zeros(count, TIMES * self.subsampling, self.bands), (0, 1), value=1.0)

    @property
    @override
    def fitted(self) -> bool:
        return bool(self.mean)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        """With mean and deviation of each band over all frames of the training rows."""
        features, total = LogMel(self.rate, self.bands), torch.zeros(3, self.bands, dtype=torch.float64)
        waveforms, offsets = dataset.columns["inputs"], dataset.offsets["inputs"]
        lengths = ragged.lengths(offsets)[rows]
        for part in torch.split(rows[lengths.argsort()], AT_ONCE):
            padded, counts = ragged.pad(waveforms, offsets, part)
            frames, _ = ragged.unpad(features(padded), features.frames(counts))
            values = frames.double()
            total += torch.stack([torch.ones_like(values[0]) * len(values), values.sum(0), values.square().sum(0)])
        mean = total[1] / total[0]
        deviation = (total[2] / total[0] - mean.square()).clamp(min=1e-6).sqrt()
        return replace(self, mean=as_numbers(mean), deviation=as_numbers(deviation))

    @override
    def scaler(self) -> nn.Module:
        """Features as the network takes them: waveforms become features where batches are made."""
        return nn.Identity()

    @override
    def read(self, paths: Sequence[Path], task: "Task") -> Iterator[Reading]:
        """Sound files, the sound files in folders, standard input (`-`) or the microphone."""
        for path in paths:
            if not path.exists() and str(path) in (STANDARD_INPUT, MICROPHONE):
                yield self._heard(path, task)
                continue
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}: name a sound file, or - for standard input")
            files = sorted(filter(is_sound, files_below(path)), key=natural) if path.is_dir() else [path]
            if not files:
                raise GlassworkError(f"{path} holds no sound file: WAV, FLAC, OGG and MP3 can be read")
            for start in range(0, len(files), AT_ONCE):
                part = [Path(file) for file in files[start : start + AT_ONCE]]
                sounds, problems = read_sounds(part, self.rate)
                yield _reading(task, list(map(str, part)), sounds, problems)

    def _heard(self, path: Path, task: "Task") -> Reading:
        if str(path) == MICROPHONE:
            return _reading(task, ["the microphone"], [record(self.rate)], {})
        try:
            return _reading(task, ["standard input"], [read_standard_input(self.rate)], {})
        except UnreadableSoundError as error:
            return _reading(task, ["standard input"], [np.zeros(0, np.int16)], {0: str(error)})

    @override
    def align(self, dataset: Dataset) -> Tensor | None:
        found = dataset.task.inputs
        same = isinstance(found, Audio) and found.rate == self.rate
        return dataset.columns["inputs"] if same else None

    @override
    def describe(self, dataset: Dataset) -> str:
        seconds = ragged.lengths(dataset.offsets["inputs"]).sort().values / self.rate
        least, middle, most = seconds[[0, len(seconds) // 2, -1]].tolist()
        span = f"{least:.1f} s" if least == most else f"{least:.1f} to {most:.1f} s (median {middle:.1f} s)"
        return f"recordings of {span}, {self.rate:,} samples per second"

    @override
    def port(self) -> Port:
        meaning = (
            f"log-mel features of sound at {self.rate:,} samples per second, scaled by the task's mean and deviation, "
            "and 1; behind the end of a shorter one all are 0"
        )
        return Port("features", "float32", ("batch", "times", self.bands + 1), meaning)


class Features(nn.Module):
    """Waveforms of one kind to the features that a network takes.

    Args:
        kind: with mean and deviation.
    """

    def __init__(self, kind: Audio) -> None:
        super().__init__()
        self.log_mel = LogMel(kind.rate, kind.bands)
        mean, deviation = kind.mean or (0.0,) * kind.bands, kind.deviation or (1.0,) * kind.bands
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation), persistent=False)

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, frames, bands), 0 behind the end of a shorter sound, and the frames of each, int64.

        Args:
            waveforms: (batch, samples).
            lengths: samples of each, int64 (batch,).
        """
        found = (self.log_mel(waveforms) - self.mean) / self.deviation
        counts = self.log_mel.frames(lengths)
        inside = torch.arange(found.shape[1], device=found.device) < counts[:, None]
        return found.clamp(-MOST, MOST) * inside[:, :, None], counts


def _reading(task: "Task", names: list[str], sounds: Sequence[Samples], problems: dict[int, str]) -> Reading:
    """New sounds as examples whose texts are unknown; those with a problem are left out."""
    kept = [place for place in range(len(names)) if place not in problems]
    samples, offsets = ragged.pack([torch.zeros(0, dtype=torch.int16), *(torch.from_numpy(sounds[k]) for k in kept)])
    columns = {"inputs": samples, "targets": torch.zeros(len(kept), dtype=torch.int64)}
    dataset = Dataset(columns, task, "predict", [names[place] for place in kept], offsets={"inputs": offsets[1:]})
    return Reading(names, dataset, problems)
