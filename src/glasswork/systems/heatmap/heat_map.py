"""Heat maps over large images: a run's patch classifier slid over whole pictures, and how well it finds what it should.

Kolter's slide on tumour detection; Liu et al. 2017, "Detecting cancer metastases on gigapixel pathology images".
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswork.data.batches import Scaling
from glasswork.data.formats.whole_slide import Slide, open_slide, tissue
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import suits
from glasswork.errors import GlassworkError
from glasswork.glassbox.fully_convolutional import FullyConvolutional, fully_convolutional, tile_scores, tiles
from glasswork.glassbox.heat_map import Find, Floats, HeatMap, HeatMaps
from glasswork.objectives.froc import area_under_roc, froc, lesions, matched, peaks, smoothed
from glasswork.systems.heatmap.annotations import (
    LEAST_TISSUE,
    annotated_by_split,
    annotated_share,
    as_channels,
    window_means,
)
from glasswork.systems.heatmap.recipe import HeatmapRecipe
from glasswork.systems.model import Model

MOST_VALUES = 16_000_000
TILE = 1024


@dataclass(frozen=True)
class HeatMapOptions:
    """How pictures are gone over.

    Attributes:
        tile: side of what is computed at once, in pixels; the result does not depend on it.
        level: resolution of pyramids; None: the one that the run was trained on, else 0.
        target: class whose probability is mapped; None: the last one.
        picture: longer side of the small picture to be made, in pixels; 0: none.
    """

    tile: int = TILE
    level: int | None = None
    target: str | None = None
    picture: int = 0


def heat_map(
    model: Model,
    image: str | Path,
    mask: str | Path | None = None,
    options: HeatMapOptions | None = None,
    advanced: Callable[[int, int], None] | None = None,
) -> HeatMap:
    """Slides a classifier of patches over one picture of any size.

    Args:
        model: of images with one class each.
        image: PNG, JPEG, TIFF, or a whole-slide pyramid (extra `vision`).
        mask: its annotation, to measure against: a mask, CAMELYON16's XML or GeoJSON.
        options: how.
        advanced: told after each tile how many of how many are done.

    Raises:
        GlassworkError: for a model that does not classify images, a network that cannot slide, or an unreadable file.
    """
    options = options or HeatMapOptions()
    sliding = _Sliding(model, options)
    return sliding.over(Path(image), Path(mask) if mask else None, advanced)[0]


def heat_maps(
    model: Model,
    folder: str | Path,
    options: HeatMapOptions | None = None,
    advanced: Callable[[int, int], None] | None = None,
) -> HeatMaps:
    """Slides a classifier of patches over every annotated picture of a folder and measures it.

    Args:
        model: of images with one class each.
        folder: pictures with annotations beside them (see `data.annotations`); an empty one is of a picture without
            lesions.
        options: how.
        advanced: told after each tile how many of how many of that picture are done.

    Raises:
        GlassworkError: as `heat_map`, or where no picture has an annotation.
    """
    found = annotated_by_split(Path(folder))
    if not found:
        raise GlassworkError(
            f"{folder} has no pictures with annotations next to them (name_mask.png, name.xml or name.geojson)"
        )
    sliding = _Sliding(model, options or HeatMapOptions())
    maps, scores, truths = [], [], []
    for _, one in found:
        made, score, truth = sliding.over(one.image, one.annotation, advanced)
        maps.append(made)
        scores.append(score)
        truths.append(truth)
    kinds = torch.tensor([bool(made.lesions) for made in maps])
    marks = torch.tensor([made.score for made in maps])
    matches = [made.matched for made in maps if made.matched is not None]
    return HeatMaps(
        maps[0].run,
        maps[0].target,
        tuple(maps),
        _area(torch.cat(scores), torch.cat(truths)),
        _area(marks, kinds),
        froc(matches) if any(match.hits for match in matches) else None,
    )


def _area(scores: Tensor, truth: Tensor) -> float | None:
    return area_under_roc(scores, truth) if 0 < int(truth.sum()) < len(truth) else None


class _Sliding:
    """A network made ready to slide."""

    def __init__(self, model: Model, options: HeatMapOptions) -> None:
        self.model = model
        self.options = options
        task = self.model.task
        if not suits(task, (Images,), (OneClass, Labels)):
            raise GlassworkError(f"{self.model.run} does not classify images, which a heat map needs")
        target = options.target or task.target.names[-1]
        self.place = task.target.place(target)
        if options.tile < 1:
            raise GlassworkError("A tile has at least one pixel: give, for example, --tile 1024")
        self.target = task.target.names[self.place]
        channels, height, width = task.inputs.shape
        self.channels = channels
        self.network: FullyConvolutional = fully_convolutional(self.model.network, (channels, height, width))
        if height != width or self.network.stride[0] != self.network.stride[1]:
            raise GlassworkError(f"{self.model.run} was trained on patches that are not square: train with --size 32")
        self.patch = height
        self.scaling = Scaling(task, self.model.execution)
        recipe = self.model.system.recipe
        trained = recipe.level if isinstance(recipe, HeatmapRecipe) else 0
        self.level = trained if options.level is None else options.level

    def over(
        self, image: Path, mask: Path | None, advanced: Callable[[int, int], None] | None
    ) -> tuple[HeatMap, Tensor, Tensor]:
        """The map of one picture, and scores and truth of its places that are no background."""
        slide = open_slide(image, self.level)
        rows, columns = self.network.size(slide.height, slide.width)
        if not rows or not columns:
            raise GlassworkError(
                f"{image} has {slide.width} x {slide.height} pixels, less than a patch of {self.patch} x {self.patch}"
            )
        every = 1
        while -(-rows // every) * -(-columns // every) > MOST_VALUES:
            every += 1
        step = every * self.network.stride[0]
        stained = self._find_tissue(slide, step, (-(-rows // every), -(-columns // every)))
        values, tiled, skipped = self._values(slide, every, stained, advanced)
        light = smoothed(torch.from_numpy(values))
        found = peaks(light)
        half = self.patch / 2
        finds = tuple(
            Find(
                round((one.column * step + half) * slide.downsample),
                round((one.row * step + half) * slide.downsample),
                one.score,
            )
            for one in found
        )
        truth, match, count = torch.zeros(0, dtype=torch.bool), None, None
        scores = torch.from_numpy(values[stained])
        if mask is not None:
            annotated = annotated_share(mask, slide, step) > 0.5
            micrometres = slide.micrometres * step if slide.micrometres else None
            regions = lesions(annotated, micrometres)
            down, across = (self._middles(number, step, annotated.shape[i]) for i, number in enumerate(values.shape))
            truth = torch.from_numpy(annotated[down][:, across][stained])
            match = matched([(int(down[one.row]), int(across[one.column]), one.score) for one in found], regions)
            count = regions.count - len(regions.isolated)
        made = HeatMap(
            image=str(image),
            run=self.model.run,
            target=self.target,
            level=slide.level,
            downsample=slide.downsample,
            width=slide.width,
            height=slide.height,
            patch=self.patch,
            stride=step,
            exact=not self.network.padded,
            background=float(1 - stained.mean()),
            tiles=tiled,
            skipped=skipped,
            score=float(light.max()),
            finds=finds,
            area_under_roc=_area(scores, truth),
            lesions=count,
            micrometres=slide.micrometres,
            values=values,
            picture=self._small(slide),
            matched=match,
        )
        return made, scores, truth

    def _middles(self, count: int, step: int, limit: int) -> npt.NDArray[np.int64]:
        """Of each place along one direction the cell of the annotation in which the patch's middle lies."""
        return np.minimum((np.arange(count) * step + self.patch // 2) // step, limit - 1)

    def _find_tissue(self, slide: Slide, step: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Which places have tissue in at least a quarter of their patch, as in training."""
        span = max(1, self.patch // step)
        cells = tissue(slide.reduced(step)).astype(np.float32)
        means = window_means(np.pad(cells, ((0, span), (0, span)), mode="edge"), span)
        stained: npt.NDArray[np.bool_] = means[: shape[0], : shape[1]] >= LEAST_TISSUE
        return stained

    def _values(
        self, slide: Slide, every: int, stained: npt.NDArray[np.bool_], advanced: Callable[[int, int], None] | None
    ) -> tuple[Floats, int, int]:
        """The map, how many tiles it took, and how many were background."""
        model, network = self.model, self.network

        def read(left: int, top: int, width: int, height: int) -> Tensor:
            raw = as_channels(slide.read(left, top, width, height), self.channels)
            return self.scaling.inputs(raw[None].to(model.execution.device))[0]

        values = np.full(stained.shape, np.nan, np.float32)
        tile = max(1, self.options.tile // (every * network.stride[0])) * every * network.stride[0]
        parts = list(tiles(network, slide.height, slide.width, tile))
        skipped = 0
        with torch.inference_mode():
            for done, part in enumerate(parts, 1):
                rows, columns = (slice(one.start // every, -(-one.stop // every)) for one in part)
                if stained[rows, columns].any():
                    scores = tile_scores(network, read, slide.height, slide.width, part)[:, ::every, ::every]
                    flat = scores.flatten(1).T.float().cpu()
                    loss = model.system.objective(model.task).name
                    chances = model.task.target.probabilities(flat, loss)[:, self.place]
                    values[rows, columns] = chances.view(scores.shape[1:]).numpy()
                else:
                    skipped += 1
                if advanced:
                    advanced(done, len(parts))
        values[~stained] = np.nan
        return values, len(parts), skipped

    def _small(self, slide: Slide) -> npt.NDArray[np.uint8]:
        if not self.options.picture:
            return np.zeros((0, 0, 3), np.uint8)
        cell = max(1.0, max(slide.width, slide.height) / self.options.picture)
        return np.rint(slide.reduced(cell)).astype(np.uint8)
