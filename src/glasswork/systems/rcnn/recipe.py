"""The recipes of detection: R-CNN, which computes features of every region, and Fast R-CNN, which shares them."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class DetectionRecipe(Recipe):
    """Boxes around things: proposed regions, features of a convolutional network, a class and a better box for each."""

    features: Literal["per-region", "shared"] = Field(
        "per-region",
        description="per-region: each region is cut out, warped and looked at alone (R-CNN); shared: the picture is "
        "looked at once, and each region pools from its feature maps (Fast R-CNN)",
    )
    network: str = Field(
        "efficientnet-lite0", description="the convolutional network: efficientnet-lite0, convnet-small"
    )
    weights: str | None = Field(
        None, description="pretrained weights: a file or a published name; None: those published for the network"
    )
    mode: Literal["fine-tuned", "scratch"] = Field(
        "fine-tuned",
        description="fine-tuned: from pretrained weights, whose first half stays; scratch: from random ones",
    )
    size: int | None = Field(
        None,
        ge=32,
        description="longer side that pictures are brought to, in pixels; None: as they are, at most 640",
    )
    search: Literal["fast", "quality"] = Field("fast", description="how thoroughly selective search proposes regions")
    segment_size: int = Field(
        150, ge=1, description="size of the first segments of selective search (k); smaller finds smaller things"
    )
    proposals: Annotated[int, Choices((300, 1000, 2000))] = Field(
        2000, ge=1, le=3000, description="maximum number of regions of a picture"
    )
    region_size: Annotated[int, Choices((64, 96, 128))] = Field(
        64, ge=16, description="side that a region is warped to, in pixels; only for features per region"
    )
    context: float = Field(
        0.07, ge=0, lt=0.4, description="share of a warped region that shows its surroundings, at each border"
    )
    regions: int | None = Field(
        None, ge=4, description="regions of a picture that a step looks at; None: 16, or 64 shared"
    )
    flip: bool = Field(True, description="also learn from mirrored pictures")
    overlap: Annotated[float, Range(0.2, 0.6)] = Field(
        0.3, gt=0, lt=1, description="boxes of a class that overlap a surer one by more are suppressed"
    )
    negatives: int = Field(48, ge=1, description="regions without things of a picture that hard ones are mined from")
    svm_strength: Annotated[float, Range(1e-4, 1e-1, log=True)] = Field(
        2.5e-3, ge=0, description="L2 penalty of the linear support vector machines"
    )
    baselines: bool | None = Field(
        None, description="also measure visual words and HOG on the same regions; None: for features per region"
    )
    strict: bool = Field(False, description="stop at an unreadable picture instead of skipping it with a message")


PRESETS = (
    Preset(
        "rcnn",
        "rcnn",
        {"features": "per-region", "gradient_clip": 5.0},
        "scattered-digits",
        "boxes around things: proposed regions, each warped and looked at, linear SVMs (Kovashka: R-CNN)",
    ),
    Preset(
        "fast-rcnn",
        "rcnn",
        {"features": "shared", "gradient_clip": 5.0},
        "scattered-digits",
        "the same with features that all regions of a picture share (Fast R-CNN)",
    ),
)
"""What each picture costs at test is the difference between them."""
