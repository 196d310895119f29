"""The slide's two baselines on the same regions: visual words in a spatial pyramid, and HOG templates."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.oriented_gradients import oriented_gradients
from glasswork.objectives.detection import Detections
from glasswork.systems.rcnn.machines import fit_machines
from glasswork.systems.rcnn.network import pool_regions
from glasswork.systems.rcnn.recipe import DetectionRecipe
from glasswork.systems.rcnn.regions import Describe, detect
from glasswork.systems.system import Context

TEMPLATE, CELL = 64, 8
"""Sides of a HOG template and of its cells, in pixels."""
WORDS, SPACING, PATCH = 128, 6, 12
"""Visual words, and pixels between and across the patches that are described."""
LEVELS = (1, 2, 4)
PATCHES_OF_A_PICTURE, PICTURES, ITERATIONS = 40, 300, 15


def hog_templates(context: Context) -> Describe:
    """Histograms of oriented gradients of each region, warped to a template (Dalal and Triggs 2005; Felzenszwalb et
    al. 2010 without parts that move)."""
    dataset = context.dataset
    side = dataset.task.inputs.shape[-1]

    def describe(row: int, regions: Tensor) -> Tensor:
        image = dataset.columns["inputs"][row : row + 1].float()
        found = [
            oriented_gradients(pool_regions(image, part[None], side, TEMPLATE, largest=False)[0].transpose(0, 1), CELL)
            for part in torch.split(regions, 256)
        ]
        return torch.cat(found)

    return describe


def visual_words(context: Context) -> Describe:
    """Histograms of visual words in a spatial pyramid (Uijlings et al. 2013; Lazebnik et al. 2006).

    SIFT's descriptors of patches on a grid are assigned to the nearest of the words, the centres of k-means; the
    counts of each of the pyramid's 21 cells come from summed tables. Their square root stands in for the histogram
    intersection kernel.
    """
    dataset, words = context.dataset, _words(context)
    known: dict[int, Tensor] = {}

    def describe(row: int, regions: Tensor) -> Tensor:
        if row not in known:
            known.clear()  # the regions of one picture are asked about together
            known[row] = _summed(_assign(_descriptors(dataset, row), words), dataset, row)
        table = known[row]
        parts = [_counts(table, regions, cells) for cells in LEVELS]
        return torch.cat(parts, 1).sqrt()

    return describe


BASELINES: dict[str, Callable[[Context], Describe]] = {"visual words": visual_words, "HOG templates": hog_templates}


def baseline_detections(
    describe: Describe, context: Context, rows: Tensor, recipe: DetectionRecipe
) -> Sequence[Detections]:
    """What linear support vector machines find on features without a network."""
    found = fit_machines(
        describe, context.dataset, context.splits.training, recipe.negatives, recipe.svm_strength, recipe.seed
    )
    rate = lambda row, regions: (found.margins(describe(row, regions)).sigmoid(), None)  # noqa: E731
    return detect(context.dataset, rows, rate, recipe.overlap)[0]


def _grid(dataset: Dataset, row: int) -> tuple[int, int]:
    height, width = dataset.columns["extents"][row].tolist()
    return max(1, height // SPACING), max(1, width // SPACING)


def _descriptors(dataset: Dataset, row: int) -> Tensor:
    """SIFT's descriptors on a grid, float32 (rows x columns, 128); RootSIFT (Arandjelovic and Zisserman 2012)."""
    import cv2

    height, width = dataset.columns["extents"][row].tolist()
    picture = dataset.columns["inputs"][row][:, :height, :width].float().mean(0).to(torch.uint8).numpy()
    down, right = _grid(dataset, row)
    points = [
        cv2.KeyPoint(SPACING * (x + 0.5), SPACING * (y + 0.5), float(PATCH), 0.0)
        for y in range(down)
        for x in range(right)
    ]
    found = torch.from_numpy(cv2.SIFT.create().compute(picture, points)[1])
    return (found / found.sum(1, keepdim=True).clamp(min=1e-6)).sqrt()


def _words(context: Context) -> Tensor:
    """The centres of k-means on patches of training pictures, (words, 128)."""
    rows = context.splits.training
    generator = torch.Generator().manual_seed(0)
    rows = rows[torch.randperm(len(rows), generator=generator)[:PICTURES]]
    patches = []
    for row in rows.tolist():
        found = _descriptors(context.dataset, row)
        patches.append(found[torch.randperm(len(found), generator=generator)[:PATCHES_OF_A_PICTURE]])
    every = torch.cat(patches)
    centres = every[torch.randperm(len(every), generator=generator)[:WORDS]].clone()
    for _ in range(ITERATIONS):
        nearest = _assign(every, centres)
        counts = torch.bincount(nearest, minlength=len(centres))
        sums = torch.zeros_like(centres).index_add_(0, nearest, every)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centres)
    return centres


def _assign(descriptors: Tensor, words: Tensor) -> Tensor:
    """The nearest word of each, int64."""
    return (descriptors @ words.T - words.square().sum(1) / 2).argmax(1)


def _summed(words: Tensor, dataset: Dataset, row: int) -> Tensor:
    """How often each word occurs above and left of each corner of the grid, (rows + 1, columns + 1, words)."""
    down, right = _grid(dataset, row)
    marks = torch.nn.functional.one_hot(words, WORDS).view(down, right, WORDS).float()
    return torch.nn.functional.pad(marks.cumsum(0).cumsum(1), (0, 0, 1, 0, 1, 0))


def _counts(table: Tensor, regions: Tensor, cells: int) -> Tensor:
    """Shares of the words in each of cells x cells parts of regions, (regions, cells x cells x words)."""
    steps = torch.arange(cells + 1) / cells
    across = regions[:, 0:1] + (regions[:, 2:3] - regions[:, 0:1]) * steps
    down = regions[:, 1:2] + (regions[:, 3:4] - regions[:, 1:2]) * steps
    x = (across / SPACING).round().long().clamp(0, table.shape[1] - 1)
    y = (down / SPACING).round().long().clamp(0, table.shape[0] - 1)
    corners = table[y[:, :, None], x[:, None, :]]  # (regions, cells + 1, cells + 1, words)
    found = corners[:, 1:, 1:] - corners[:, :-1, 1:] - corners[:, 1:, :-1] + corners[:, :-1, :-1]
    return (found / found.sum(-1, keepdim=True).clamp(min=1)).flatten(1)
