"""The recipe of fast style: photos, one style, and the network that learns to paint it in one pass."""

from pydantic import Field

from glasswork.recipe.base import Recipe, Words
from glasswork.recipe.preset import Preset


class FastStyleRecipe(Recipe):
    """A network that paints any photo in one style (Johnson, Alahi and Fei-Fei 2016)."""

    style: str = Field("flower", description="the picture whose style is learnt: a file, or china or flower")
    style_size: int = Field(256, ge=32, description="its longer side in pixels, as it is looked at")
    size: int = Field(256, ge=32, description="side of the squares of the photos that it is learnt on, in pixels")
    width: int = Field(16, ge=1, description="maps of the first layer; twice and four times as many of the next ones")
    blocks: int = Field(3, ge=0, description="residual blocks in the middle")
    content_weight: float = Field(0.1, ge=0, description="what the content loss counts")
    style_weight: float = Field(1.0, gt=0, description="what the style loss counts")
    variation_weight: float = Field(0.3, ge=0, description="what differences of neighbouring pixels count")
    network: str = Field(
        "efficientnet-lite0", description="the trained network that looks: efficientnet-lite0, a vgg or a resnet"
    )
    weights: str | None = Field(
        None, description="its weights: a file, a run, or a published name; None: those published for the network"
    )
    content_layers: Words | None = Field(
        None, description="layers whose maps are the content; None: usual for the network"
    )
    style_layers: Words | None = Field(None, description="layers whose Gram matrices are the style; None: likewise")
    augment: Words = Field(("flip",), description="data augmentation, such as flip,crop:8")


PRESETS = (
    Preset(
        "fast-style",
        "style.fast",
        {},
        None,
        "a network that paints photos in one style, each in a single pass (Johnson; Kolter, neural style)",
    ),
)
