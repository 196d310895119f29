"""The recipe of transfer learning: a trained network, a new head, and how much of the rest is trained with it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from glasswork.recipe.base import Loss, Numbers, PixelRange, Recipe, Words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Layers, Range


def depth(value: object) -> object:
    """A number of stages, or `all`."""
    if value is None or value == "all":
        return value
    if str(value).isdecimal() and int(str(value)) >= 1:
        return int(str(value))
    raise ValueError("give a number of stages from 1 on, or all")


Depth = Annotated[int | str, BeforeValidator(depth)]


class TransferRecipe(Recipe):
    """Classes, several classes at once, or numbers from images, starting from pretrained weights."""

    network: str = Field(
        "efficientnet-lite0", description="alexnet, vgg16, resnet18, efficientnet-lite0, convnet-small: see train"
    )
    weights: str | None = Field(
        None,
        description="pretrained weights: a file, a run, or a published name; None: those published for the network",
    )
    mode: Literal["frozen", "fine-tuned", "scratch"] = Field(
        "frozen",
        description="frozen: only the head is trained; fine-tuned: then also the last stage, or those of --unfreeze, "
        "at a lower rate; scratch: everything, from random weights",
    )
    unfreeze: Depth | None = Field(
        None, description="how many of the last stages are tuned, or all; it implies --mode fine-tuned; None: 1"
    )
    hidden: Annotated[Numbers, Layers(2, 16, 512)] = Field(
        (), description="sizes of the head's hidden layers, such as 128; empty: a linear classifier"
    )
    dropout: Annotated[float, Range(0.0, 0.6)] = Field(
        0.0, ge=0, lt=1, description="dropout probability of the head's hidden units"
    )
    size: int | None = Field(None, ge=1, description="side of the square images in pixels; None: as published")
    pixel_range: PixelRange = Field(
        None, description="black and white of images of more than 8 bits, such as 0,4095; None: from the data"
    )
    augment: Words = Field(
        (), description="data augmentation, such as flip,crop:8,color; only if images and not stored features train"
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
    finetune_rate: Annotated[float, Range(0.01, 1.0, log=True, only=("mode", ("fine-tuned",)))] = Field(
        0.1, gt=0, le=1, description="learning rate of the unfrozen stages, as a fraction of the head's"
    )
    weight_decay: Annotated[float, Range(0.1, 10.0, log=True, only=("optimizer", ("adamw",)))] = Field(
        0.0, ge=0, description="AdamW's decoupled weight decay of the head, while it alone is trained"
    )
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")

    @model_validator(mode="before")
    @classmethod
    def _tune_what_is_unfrozen(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"mode": "fine-tuned", **values} if values.get("unfreeze") is not None else values

    @field_validator("unfreeze")
    @classmethod
    def _require_fine_tuning(cls, value: Depth | None, others: ValidationInfo) -> Depth | None:
        if value is not None and others.data.get("mode") != "fine-tuned":
            raise ValueError(f"stages are unfrozen by --mode fine-tuned, and not by {others.data.get('mode')}")
        return value


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
