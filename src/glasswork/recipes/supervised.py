"""The recipe of supervised learning: an input, a network, a target that is known for the training examples."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from glasswork.recipes.base import Numbers, Recipe, words
from glasswork.recipes.search import Layers, Range


def _changes(value: object) -> object:
    return () if value == "none" else words(value)


Changes = Annotated[tuple[str, ...], BeforeValidator(_changes)]
"""How images are augmented; the word `none` for not at all, where nothing said means something else."""

Activation = Literal["identity", "threshold", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "maxout"]

NAMES = (
    *("linear", "dense", "lenet", "convnet-small", "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11-bn"),
    *("vgg13-bn", "vgg16-bn", "vgg19-bn", "resnet18", "resnet34", "resnet50", "efficientnet-lite0"),
)
"""The networks that a recipe may name; `systems.networks` makes them."""


class SupervisedRecipe(Recipe):
    """Classes, several classes at once, or numbers from images or from the columns of a table."""

    network: str = Field("lenet", description=f"{', '.join(NAMES)}, or your own as file.py:Class")
    hidden: Annotated[Numbers, Layers(3, 16, 512, only=("network", ("dense",)))] = Field(
        (),
        description="units of each hidden layer of the dense network, such as 256,128; maps of convnet-small",
    )
    activation: Activation = Field("relu", description="h, the nonlinearity of the hidden units")
    dropout: Annotated[float, Range(0.0, 0.6, only=("network", ("dense", "lenet")))] = Field(
        0.0, ge=0, lt=1, description="share of the hidden units turned off at random in training"
    )
    size: int | None = Field(None, ge=1, description="side of the square that images are brought to, in pixels")
    target: str | None = Field(None, description="the column to predict; several, separated by commas")
    loss: Literal["cross-entropy", "hinge", "binary-cross-entropy", "squared-error"] | None = Field(
        None, description="what is minimised; absent: what fits the target"
    )
    label_smoothing: Annotated[float, Range(0.0, 0.2, only=("loss", ("cross-entropy", "binary-cross-entropy")))] = (
        Field(0.0, ge=0, lt=1, description="share of the target spread evenly over all classes")
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count as much as frequent ones"
    )
    augment: Changes | None = Field(
        None,
        description="virtual examples, such as flip,crop:2,rotation:10,scale:0.1,color,elastic, or none; absent: "
        "slight turns, sizes and shifts where a convolutional network for small images has few of them",
    )
    restarts: int = Field(1, ge=1, description="how many networks to train from different random weights; one is kept")
    select: Literal["validation", "training"] | None = Field(
        None,
        description="which restart is kept: the least loss on these examples (Kovashka: training); None: validation if "
        "any example is held out, else training",
    )
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


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
