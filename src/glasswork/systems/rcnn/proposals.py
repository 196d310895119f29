"""Region proposals by selective search (Uijlings et al. 2013), computed once for each picture and kept."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from glasswork.data import cache, ragged
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import usable_cores

LEAST = 8  # pixels of a region's shorter side
MOST = 3000  # regions of a picture that are kept at all


@dataclass(frozen=True)
class SelectiveSearch:
    """How regions are proposed.

    Attributes:
        mode: `fast` (two measures of similarity in two colour spaces) or `quality` (four in five).
        scale: base size of the first segments (Felzenszwalb's k); smaller gives more regions.
        most: regions of a picture, the first ones of the search's own order.
    """

    mode: str
    scale: int
    most: int


def add_proposals(dataset: Dataset, search: SelectiveSearch) -> Dataset:
    """The pictures with a column `proposals`, float32 (regions, 4), any number for each.

    Args:
        dataset: pictures with a column `extents`.
        search: how regions are proposed.
    """
    _segmentation()

    def read() -> Dataset:
        rows = range(len(dataset))
        with ThreadPoolExecutor(usable_cores()) as pool:  # OpenCV works without Python's lock
            found = list(pool.map(lambda row: search_picture(dataset, row, search), rows))
        values, ends = ragged.pack(found) if found else (torch.zeros(0, 4), torch.zeros(1, dtype=torch.int64))
        return Dataset({"inputs": values}, Task(Table((4,)), Numbers(())), "proposals", offsets={"inputs": ends})

    found = cache.remember(f"proposals {_key(dataset, search)}", [], ReadingOptions(), read)
    ends = found.offsets["inputs"]
    counts = ragged.lengths(ends).clamp(max=search.most)
    places = ragged.offsets_of(counts)
    kept = torch.arange(int(places[-1])) + torch.repeat_interleave(ends[:-1] - places[:-1], counts)
    columns = {**dataset.columns, "proposals": found.columns["inputs"][kept]}
    return replace(dataset, columns=columns, offsets={**dataset.offsets, "proposals": places})


def _picture(dataset: Dataset, row: int) -> Tensor:
    height, width = dataset.columns["extents"][row].tolist()
    return dataset.columns["inputs"][row][:, :height, :width]


def search_picture(dataset: Dataset, row: int, search: SelectiveSearch) -> Tensor:
    """The regions of one picture, float32 (regions, 4); the whole picture if there are none."""
    import cv2

    picture = _picture(dataset, row)
    cv2.setRNGSeed(0)  # of this thread: the order of the regions is partly drawn
    searcher = _segmentation().createSelectiveSearchSegmentation()
    searcher.setBaseImage(picture.flip(0).permute(1, 2, 0).contiguous().numpy())  # blue, green, red
    switch = searcher.switchToSelectiveSearchFast if search.mode == "fast" else searcher.switchToSelectiveSearchQuality
    switch(search.scale, search.scale, 0.8)
    found = torch.from_numpy(searcher.process()).float().view(-1, 4)
    found = found[(found[:, 2:] >= LEAST).all(1)][:MOST]
    boxes = torch.cat([found[:, :2], found[:, :2] + found[:, 2:]], 1)
    whole = torch.tensor([[0.0, 0.0, picture.shape[2], picture.shape[1]]])
    return boxes if len(boxes) else whole


def _segmentation() -> Any:
    try:
        import cv2

        return cv2.ximgproc.segmentation
    except (ImportError, AttributeError):
        raise GlassworkError(
            "Selective search needs opencv-contrib-python-headless: pip install 'glasswork[detection]'"
        ) from None


def _key(dataset: Dataset, search: SelectiveSearch) -> str:
    import cv2

    facts = [search.mode, search.scale, MOST, cv2.__version__, list(dataset.columns["inputs"].shape)]
    digest = hashlib.blake2b(json.dumps(facts).encode(), digest_size=20)
    for name in ("fingerprints", "extents"):
        digest.update(dataset.columns[name].contiguous().numpy().data)
    return digest.hexdigest()
