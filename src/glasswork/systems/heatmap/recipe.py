"""The recipe of heat maps over large images: patches out of annotated regions (Kolter: tumour detection)."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Activation, Recipe, Words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Range


class HeatmapRecipe(Recipe):
    """Patches of annotated pictures against patches of other tissue; ready patches in class folders work too."""

    network: str = Field("patchnet", description="patchnet, convnet-small, lenet, or your own as file.py:Class")
    size: int | None = Field(
        None, ge=4, description="side of a patch in pixels; absent: 32, or what ready patches have"
    )
    level: int = Field(0, ge=0, description="resolution of pyramids that patches are cut from; 0 is the finest")
    patches: int = Field(8000, ge=2, description="the most patches of each split, half of them annotated")
    activation: Activation = Field("relu", description="h, the nonlinearity of the hidden units")
    dropout: Annotated[float, Range(0.0, 0.6)] = Field(
        0.0, ge=0, lt=1, description="share of the hidden units turned off at random in training"
    )
    target: str | None = Field(None, description="of arrays or tables of your own: the column to predict")
    loss: Literal["cross-entropy", "hinge", "binary-cross-entropy", "squared-error"] | None = Field(
        None, description="what is minimised; absent: what fits the target"
    )
    label_smoothing: Annotated[float, Range(0.0, 0.2)] = Field(
        0.0, ge=0, lt=1, description="share of the target spread evenly over all classes"
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: rare classes count as much; annotated pictures give both equally anyway"
    )
    augment: Words = Field((), description="virtual examples, such as flip,rotation:90,color")
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


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
