"""The recipe of heat maps over large images: patches out of annotated regions (Kolter: tumour detection)."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Activation, Loss, Recipe, Words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Range


class HeatmapRecipe(Recipe):
    """Patches of annotated images against other patches; you can also give patches in class folders."""

    network: str = Field("patchnet", description="patchnet, convnet-small, lenet, or your own as file.py:Class")
    size: int | None = Field(
        None, ge=4, description="side of a patch in pixels; None: 32, or the size of the patches you give"
    )
    level: int = Field(0, ge=0, description="pyramid level that patches are cut from; 0 is the finest")
    patches: int = Field(8000, ge=2, description="maximum number of patches per split, half of them annotated")
    activation: Activation = Field("relu", description="activation function h of the hidden units")
    dropout: Annotated[float, Range(0.0, 0.6)] = Field(
        0.0, ge=0, lt=1, description="dropout probability of the hidden units"
    )
    target: str | None = Field(None, description="the column to predict, if you give arrays or a table")
    loss: Loss | None = Field(
        None,
        description="cross-entropy, hinge, binary-cross-entropy, squared-error, or your own as file.py:function; None: "
        "chosen from the target",
    )
    label_smoothing: Annotated[float, Range(0.0, 0.2)] = Field(
        0.0, ge=0, lt=1, description="fraction of the target spread evenly over all classes"
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="balanced: rare classes count as much; annotated pictures give as many patches of each anyway",
    )
    augment: Words = Field((), description="data augmentation, such as flip,rotation:90,color")
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


HEATMAP = {"epochs": 20, "patience": 5}

PRESETS = (
    Preset(
        "heatmap",
        "heatmap",
        HEATMAP,
        "mnist-5k",
        "patches of annotated pictures, for heat maps over large images (Kolter: tumour detection)",
    ),
)
