"""Inputs that are sequences of things of one shape, such as the frames of clips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.dataset import Dataset
from glasswork.data.formats.video import UnreadableClipError, frames
from glasswork.data.kinds.kind import TIMES, Affine, Inputs, Port, Reading, as_numbers, image_moments, moments
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

CHECKED_FRAMES = 32


@dataclass(frozen=True)
class Clips(Inputs):
    """Sequences of different lengths: of frames, uint8 (times, channels, height, width), or of other numbers, float32.

    Attributes:
        shape: at one time.
        mean: what is subtracted, per channel of frames (divided by 255) or per number.
        deviation: what they are divided by after that.
    """

    tag: ClassVar[str] = "sequence"
    word: ClassVar[str] = "sequence"
    words: ClassVar[str] = "clips"
    trained: ClassVar[str] = "sequences"
    preset: ClassVar[str] = "video"
    step: ClassVar[str] = "frame"
    file: ClassVar[str] = "FILE"
    asked: ClassVar[str] = "a sequence"
    checked: ClassVar[int] = 3
    kept_in: ClassVar[tuple[str, ...]] = ("clips",)

    shape: tuple[int, ...]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, TIMES, *self.shape)

    @property
    @override
    def fitted(self) -> bool:
        return bool(self.mean)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        inputs, places = dataset.columns["inputs"], ragged.places(dataset.offsets["inputs"], rows)
        if len(self.shape) == 3:
            mean, deviation = image_moments(inputs, places)
        else:
            mean, deviation = moments(inputs[places].to(torch.float64))
        return replace(self, mean=as_numbers(mean), deviation=as_numbers(deviation))

    @override
    def scaler(self) -> nn.Module:
        return Affine(self.mean, self.deviation, pictures=len(self.shape) == 3)

    @override
    def raw(self, dataset: Dataset, rows: Tensor) -> Tensor:
        inputs, offsets = dataset.columns["inputs"], dataset.offsets["inputs"]
        return ragged.pad(inputs, offsets, rows[: self.checked])[0][:, :CHECKED_FRAMES]

    @override
    def read(self, paths: Sequence[Path], task: "Task") -> Iterator[Reading]:
        """Video files and folders of pictures, a clip each."""
        channels, side, _ = self.shape
        for path in paths:
            if not path.exists():
                raise GlassworkError(f"There is no file or folder {path}: name a video, or a folder of its frames")
            problems, read = {}, torch.zeros(0, *self.shape, dtype=torch.uint8)
            try:
                read = torch.stack([torch.from_numpy(pixels.copy()) for pixels in frames(path, side, channels)])
            except UnreadableClipError as error:
                problems[0] = str(error)
            columns = {"inputs": read, "targets": torch.zeros(len(read), dtype=torch.int64)}
            offsets = ragged.offsets_of(torch.tensor([] if problems else [len(read)]))
            names = () if problems else (str(path),)
            ends = {"inputs": offsets, "targets": offsets}
            yield Reading([str(path)], Dataset(columns, task, "predict", names, offsets=ends), problems)

    @override
    def describe(self, dataset: Dataset) -> str:
        lengths = ragged.spread_of_lengths(dataset.offsets["inputs"])
        if len(self.shape) == 3:
            _, height, width = self.shape
            return f"clips of {lengths} frames, resized to {height} x {width}"
        shape = " x ".join(map(str, self.shape))
        return f"sequences of {lengths} time steps with {shape} numbers each"

    @override
    def port(self) -> Port:
        meaning = "frames of clips, raw values from 0 to 255 (channels, height, width)"
        return Port("frames", "uint8", ("batch", "times", *self.shape), meaning)
