"""Trained weights that a network begins with: what of them fits, and what they expect of images."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from glasswork.data.kinds.images import Images
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.networks.weights import Weights, fitting, input_scaling
from glasswork.recipe.base import Machine


def scale_as_trained(task: Task, source: str, network: str) -> Task:
    """The task with its images scaled as some weights expect; as it is where that is not known."""
    expected = input_scaling(source, network)
    if expected is None:
        return task
    return Task(replace(Images.of(task), mean=expected[0], deviation=expected[1]), task.target)


def fit_weights(
    network: nn.Module, weights: Weights, head: str, classes: Sequence[str]
) -> tuple[dict[str, Tensor], bool]:
    """The network's state with the weights in it, and whether its head is among them: not one for other classes.

    Raises:
        GlassworkError: if anything else than the head does not fit.
    """
    tensors = weights.tensors
    if head and weights.classes and weights.classes != tuple(classes):
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(head)}
    return fitting(network.state_dict(), tensors, head, weights.source)


def put_weights(network: nn.Module, weights: Weights, head: str, classes: Sequence[str]) -> str:
    """Puts the weights into the network; a sentence about what became of its head."""
    state, taken = fit_weights(network, weights, head, classes)
    network.load_state_dict(state)
    known = f" for {len(weights.classes):,} classes" if weights.classes else ""
    said = "with their output layer" if taken else f"with a new output layer, as theirs{known} does not fit"
    return f"started from the weights of {weights.source}, {said}"


def put_body(network: nn.Module, weights: Weights, name: str) -> None:
    """Puts the weights into a network that has no head, such as one whose feature maps are read.

    Args:
        network: every tensor of which the weights have to hold.
        weights: of a whole network.
        name: of the network, for the sentence.

    Raises:
        GlassworkError: if one is missing.
    """
    wanted = network.state_dict()
    missing = [each for each in wanted if each not in weights.tensors]
    if missing:
        raise GlassworkError(f"The weights of {weights.source} do not fit {name}: they lack {missing[0]}")
    network.load_state_dict({each: weights.tensors[each] for each in wanted})


def plain_arithmetic(machine: Machine) -> Machine:
    """The machine with what it leaves open set to float32 in plain layout, instead of measured."""
    plain = {"precision": "float32", "memory_format": "contiguous", "allocator": "default"}
    return machine.model_copy(update={name: way for name, way in plain.items() if getattr(machine, name) == "auto"})
