"""A trained network with a new head (Kovashka, "Transfer learning"), and its features, computed once and kept."""

import hashlib
import json
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn

from glasswork.data import cache
from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.execution import Execution
from glasswork.networks.dense import Dense

CHUNK = 64

_in_use: WeakValueDictionary[str, Tensor] = WeakValueDictionary()  # where nothing can be kept on disk


class Transferred(nn.Module):
    """A network without its last layer, the backbone, and a dense network in that layer's place, the head.

    Args:
        network: the backbone's network, changed in place: its last layer passes on what it is given.
        last_layer: name of that layer, such as `fc`; a dense one.
        hidden: units of each hidden layer of the head; empty for the linear classifier.
        outputs: scores, one per class or number predicted.
        dropout: probability to turn a hidden unit of the head off while training.
        fixed: the backbone works in training as in evaluation: the statistics of its normalisations stay those of the
            weights that it was given, and none of its units is turned off.
    """

    def __init__(
        self, network: nn.Module, last_layer: str, hidden: Sequence[int], outputs: int, dropout: float, fixed: bool
    ):
        super().__init__()
        layer = network.get_submodule(last_layer)
        assert isinstance(layer, nn.Linear)
        network.set_submodule(last_layer, nn.Identity())
        self.units = layer.in_features
        self.fixed = fixed
        self.backbone = network
        self.head = Dense(self.units, hidden, outputs, dropout=dropout)

    def train(self, mode: bool = True) -> "Transferred":
        """Into training mode, and the backbone with it where it is not fixed."""
        super().train(mode)
        if self.fixed:
            self.backbone.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """What goes into the head: shape (batch, units) for images of shape (batch, channels, height, width)."""
        return torch.flatten(self.backbone(images), 1)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        scores: Tensor = self.head(self.features(images))
        return scores


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
    return Dataset({"inputs": features, "targets": dataset.columns["targets"]}, task, dataset.source)


def _compute(compute: Callable[[Tensor], Tensor], dataset: Dataset, execution: Execution) -> Tensor:
    rows = torch.arange(len(dataset))
    collate = Rows(dataset, execution)
    parts = []
    with torch.inference_mode(), execution.arithmetic():
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
