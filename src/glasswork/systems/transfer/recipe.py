"""The recipe of transfer learning: a trained network, a new head, and how much of the rest is trained with it."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Numbers, Recipe, Words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Layers, Range


class TransferRecipe(Recipe):
    """Classes, several classes at once, or numbers from images, beginning with weights that somebody trained."""

    network: str = Field(
        "efficientnet-lite0", description="alexnet, vgg16, resnet18, efficientnet-lite0, convnet-small: see train"
    )
    weights: str | None = Field(
        None, description="a file, one of our runs, or a published name; absent: what is published for the network"
    )
    mode: Literal["frozen", "fine-tuned", "scratch"] = Field(
        "frozen",
        description="frozen: only the head is trained; fine-tuned: then the last stage too, at a lower rate; scratch: "
        "everything, from random weights",
    )
    hidden: Annotated[Numbers, Layers(2, 16, 512)] = Field(
        (), description="units of each hidden layer of the head, such as 128; empty: a linear classifier"
    )
    dropout: Annotated[float, Range(0.0, 0.6)] = Field(
        0.0, ge=0, lt=1, description="share of the head's hidden units turned off at random in training"
    )
    size: int | None = Field(
        None, ge=1, description="side of the square that images are brought to, in pixels; absent: as published"
    )
    augment: Words = Field(
        (), description="virtual examples such as flip,crop:8,color, where images and not their features train"
    )
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
    finetune_rate: Annotated[float, Range(0.01, 1.0, log=True, only=("mode", ("fine-tuned",)))] = Field(
        0.1, gt=0, le=1, description="the last stage's learning rate as a share of the head's"
    )
    weight_decay: Annotated[float, Range(0.1, 10.0, log=True, only=("optimizer", ("adamw",)))] = Field(
        0.0, ge=0, description="AdamW's decoupled shrinking of the head's weights per step, while it alone is trained"
    )
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


TRANSFER = {"augment": ("flip", "crop:8", "scale:0.1", "color:0.1"), "weight_decay": 3.0}

PRESETS = (
    Preset(
        "transfer",
        "transfer",
        TRANSFER,
        None,
        "a trained network with a new head: frozen, fine-tuned or from scratch (Kovashka)",
    ),
)
