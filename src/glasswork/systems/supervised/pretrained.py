"""Networks with the weights that others published, ready to answer: ImageNet's 1,000 classes."""

from torch import nn

from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.networks.weights import LITE0, fitting, input_scaling, load_weights
from glasswork.systems.networks import NETWORKS, Architecture, build_network
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.systems.supervised.system import Supervised

PUBLISHED = tuple(name for name, entry in NETWORKS.items() if entry.side is not None)
"""Names that `published` knows; all but efficientnet-lite0 are downloaded the first time."""
OFFLINE = LITE0


def published(name: str) -> tuple[nn.Module, Task, Supervised]:
    """A network with its published weights, what its inputs and outputs mean, and the system that words its answers.

    Args:
        name: one of `PUBLISHED`.

    Raises:
        GlassworkError: where the weights are neither installed nor to be downloaded.
    """
    entry, weights, scaling = NETWORKS[name], load_weights(name, name), input_scaling(name, name)
    assert entry.side is not None and scaling is not None
    task = Task(Images((3, entry.side, entry.side), *scaling), OneClass(weights.classes))
    recipe = SupervisedRecipe.parse({"network": name, "size": entry.side, "loss": "cross-entropy"})
    network = build_network(Architecture(name), task)
    state, _ = fitting(network.state_dict(), weights.tensors, "", name)
    network.load_state_dict(state)
    return network.eval(), task, Supervised(recipe)
