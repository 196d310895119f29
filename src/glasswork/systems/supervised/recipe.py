"""The recipe of supervised learning: an input, a network, a target that is known for the training examples."""

from typing import Annotated, Any, Literal

from pydantic import Field

from glasswork.recipe.base import Activation, Changes, Loss, Numbers, PixelRange, Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Layers, Range

NAMES = (
    *("linear", "dense", "lenet", "convnet-small", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11-bn"),
    *("vgg13-bn", "vgg16-bn", "vgg19-bn", "resnet18", "resnet34", "resnet50", "efficientnet-lite0"),
)
"""The networks that a recipe may name; `systems.networks` makes them."""


class SupervisedRecipe(Recipe):
    """Classes, several classes at once, or numbers from images or from the columns of a table."""

    network: str = Field("lenet", description=f"{', '.join(NAMES)}, or your own as file.py:Class")
    weights: str | None = Field(
        None,
        description="trained weights to begin with: a file, a run, or a published name such as resnet18; None: random "
        "ones; transfer tunes only a part of them",
    )
    hidden: Annotated[Numbers, Layers(3, 16, 512, only=("network", ("dense",)))] = Field(
        (),
        description="sizes of the hidden layers of the dense network, such as 256,128; or of convnet-small's maps",
    )
    activation: Activation = Field("relu", description="activation function h of the hidden units")
    dropout: Annotated[float, Range(0.0, 0.6, only=("network", ("dense", "lenet")))] = Field(
        0.0, ge=0, lt=1, description="dropout probability of the hidden units"
    )
    size: int | None = Field(None, ge=1, description="side of the square that images are resized to, in pixels")
    pixel_range: PixelRange = Field(
        None, description="black and white of images of more than 8 bits, such as 0,4095; None: from the data"
    )
    target: str | None = Field(None, description="the column to predict; separate several by commas")
    loss: Loss | None = Field(
        None,
        description="cross-entropy, hinge, binary-cross-entropy, squared-error, or your own as file.py:function; None: "
        "chosen from the target",
    )
    label_smoothing: Annotated[float, Range(0.0, 0.2, only=("loss", ("cross-entropy", "binary-cross-entropy")))] = (
        Field(0.0, ge=0, lt=1, description="fraction of the target spread evenly over all classes")
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count as much as frequent ones"
    )
    augment: Changes | None = Field(
        None,
        description="data augmentation, such as flip,crop:2,rotation:10,scale:0.1,color,elastic, or none; None: "
        "slight rotation, scaling and shifts for a convolutional network with few small images",
    )
    restarts: int = Field(
        1, ge=1, description="number of networks trained from different random weights; the best is kept"
    )
    select_by: Literal["validation", "training"] | None = Field(
        None,
        description="keep the restart with the lowest loss on these examples (Kovashka: training); None: validation if "
        "any example is held out, else training",
    )
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


LINEAR = {"network": "linear", "epochs": 60, "batch_size": 128, "learning_rate": 0.03, "penalty": "l2"}
MLP = {"network": "dense", "hidden": (256, 128), "epochs": 30}
LENET = {"network": "lenet", "epochs": 20, "patience": 10}
OWN = {"network": "", "epochs": 20, "patience": 5}
POINTS = {
    "network": "dense",
    "hidden": (8, 8),
    "activation": "tanh",
    "epochs": 300,
    "batch_size": 64,
    "learning_rate": 0.05,
    "validation": 0.0,
}
CONVNET_SMALL = {"network": "convnet-small", "epochs": 20, "patience": 10}


def deep(network: str) -> dict[str, Any]:
    """The preset of a deep network for photographs: enlarged to what it was made for, with virtual examples."""
    return {
        "network": network,
        "size": 224,
        "epochs": 60,
        "patience": 15,
        "augment": ("flip", "crop:8", "scale:0.1", "color:0.2"),
    }


DEEP = {
    "alexnet": "AlexNet: five convolutions, three dense layers, for photographs (Kovashka, Krizhevsky 2012)",
    "vgg11": "VGG of 11 layers: 3x3 convolutions only (Kovashka, Simonyan and Zisserman 2015)",
    "vgg13": "VGG of 13 layers",
    "vgg16": "VGG of 16 layers, 138 million weights",
    "vgg19": "VGG of 19 layers",
    "resnet18": "residual network of 18 layers, for photographs (He et al. 2016)",
    "resnet34": "residual network of 34 layers",
    "resnet50": "residual network of 50 layers, in bottlenecks",
    "efficientnet-lite0": "small deep network for photographs, from random weights; transfer has its ImageNet weights",
}

PRESETS = (
    Preset(
        "linear",
        "supervised",
        LINEAR,
        "mnist-5k",
        "linear classifier f(x, W) = Wx + b (Kovashka)",
    ),
    Preset(
        "mlp",
        "supervised",
        MLP,
        "mnist-5k",
        "multilayer perceptron, any depth and width (Kovashka)",
    ),
    Preset("own", "supervised", OWN, "mnist-5k", "your own torch.nn.Module: --network file.py:Class"),
    Preset(
        "lenet",
        "supervised",
        LENET,
        "mnist-5k",
        "LeNet-5, the first convolutional network (Kolter)",
    ),
    Preset(
        "convnet-small",
        "supervised",
        CONVNET_SMALL,
        "mnist-5k",
        "small convolutional network with shortcuts, for images of 28 to 64 pixels",
    ),
    *(Preset(name, "supervised", deep(name), None, sentence) for name, sentence in DEEP.items()),
    Preset(
        "points",
        "supervised",
        POINTS,
        "spiral",
        "points in the plane, and what each unit computes over it (Kovashka: ConvNetJS)",
    ),
)
