"""Features of images, computed once by a network that stays as it is, and kept."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from glasswork.activity import doing
from glasswork.data import cache
from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution
from glasswork.stopping import promptly

CHUNK = 64

_in_use: WeakValueDictionary[str, Tensor] = WeakValueDictionary()  # where nothing can be kept on disk


def features_of(
    network: nn.Module, compute: Callable[[Tensor], Tensor], dataset: Dataset, execution: Execution
) -> Tensor:
    """Features of all images: those that are still in use, those of the cache, else computed and kept there.

    The entry is known by the images (their fingerprints, size and scaling), the network's weights, and how the
    arithmetic is carried out.

    Args:
        network: whose weights the features depend on, and nothing else; in evaluation mode.
        compute: from a batch of scaled images to float features (images, units).
        dataset: the images.
        execution: how the arithmetic is carried out.

    Returns:
        float32 (rows, units), memory-mapped where the cache can be written.
    """

    def read() -> Dataset:
        found = _compute(compute, dataset, execution)
        return Dataset({"inputs": found}, Task(Table((found.shape[1],)), Numbers(())), "features")

    key = _key(network, dataset, execution)
    found = _in_use.get(key)
    if found is None:
        found = cache.remember(f"features {key}", [], ReadingOptions(), read).columns["inputs"]
        _in_use[key] = found
    return found


def with_features(dataset: Dataset, features: Tensor) -> Dataset:
    """The examples with features in place of the images, and the same targets.

    Args:
        dataset: the images.
        features: float32 (rows, units).
    """
    task = Task(Table((features.shape[1],)), dataset.task.target)
    return replace(dataset, columns={**dataset.columns, "inputs": features}, task=task, margin=0)


def _compute(compute: Callable[[Tensor], Tensor], dataset: Dataset, execution: Execution) -> Tensor:
    rows = torch.arange(len(dataset))
    collate = Rows(dataset, execution)
    parts = []
    with torch.inference_mode(), execution.arithmetic(), promptly(), doing(f"features of {len(rows):,} images"):
        for start in range(0, len(rows), CHUNK):
            parts.append(compute(collate(rows[start : start + CHUNK]).inputs).float().cpu())
    return torch.cat(parts)


def _key(network: nn.Module, dataset: Dataset, execution: Execution) -> str:
    digest = hashlib.blake2b(digest_size=20)
    kind, inputs = Images.of(dataset.task), dataset.columns["inputs"]
    way = [execution.device, execution.threads, execution.precision, execution.memory_format]
    facts = [list(inputs.shape), dataset.margin, kind.mean, kind.deviation, way, torch.__version__]
    digest.update(json.dumps([type(network).__name__, facts]).encode())
    digest.update(dataset.columns["fingerprints"].contiguous().numpy().data)
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
