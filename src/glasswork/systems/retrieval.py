"""What lies nearest to an image, in an embedding or in the last hidden layer of any network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset
from glasswork.execution import Execution
from glasswork.glassbox.features.layer_features import layer_features
from glasswork.networks.embedding import Embedding
from glasswork.objectives.retrieval import Neighbours, nearest
from glasswork.systems.evaluation import EVALUATION_ROWS


def embeddings_on(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
    """What a network makes of some rows, to be compared by distance: its embeddings, or its features.

    Args:
        network: one that embeds, or any other, of which is taken what goes into the last layer with weights.
        dataset: all examples, with the network's schema.
        rows: which of them, int64.
        execution: how the arithmetic is carried out.

    Returns:
        float32 (rows, units) of length 1, on the CPU.
    """
    network.eval()
    collate = Rows(dataset, execution)
    parts = []
    for start in range(0, len(rows), EVALUATION_ROWS):
        inputs = collate(rows[start : start + EVALUATION_ROWS]).inputs
        with torch.no_grad(), execution.arithmetic():
            found = network.embed(inputs) if isinstance(network, Embedding) else layer_features(network, inputs)
        parts.append(F.normalize(found.float(), dim=1).cpu())
    return torch.cat(parts)


def neighbours(network: nn.Module, queries: Dataset, gallery: Dataset, count: int, execution: Execution) -> Neighbours:
    """The nearest of a gallery to each query, by the distance of what the network makes of them.

    Args:
        network: as for `embeddings_on`.
        queries: images under the network's schema.
        gallery: images under the network's schema.
        count: how many.
        execution: how the arithmetic is carried out.
    """
    asked = embeddings_on(network, queries, torch.arange(len(queries)), execution)
    return nearest(asked, embeddings_on(network, gallery, torch.arange(len(gallery)), execution), count)


def measure(network: nn.Module) -> str:
    """What the distance is, in words."""
    if isinstance(network, Embedding):
        return "distance of the embeddings"
    return "distance of what goes into the last layer, scaled to length 1"
