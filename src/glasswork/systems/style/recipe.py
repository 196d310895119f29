"""The recipe of neural style: two pictures, what of each is wanted, and how the third is painted."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glasswork.recipe.base import ProcessRecipe, Repeatable, Repeated, Words, words
from glasswork.recipe.preset import Preset

LEAST_SIDE = 32

Shares = Annotated[tuple[float, ...], BeforeValidator(words)]


class StyleRecipe(ProcessRecipe):
    """A picture with the content of one and the style of others (Gatys, Ecker and Bethge 2016)."""

    data: None = Field(None, description="no data set: a picture is painted")
    budget: None = Field(None, description="no time limit: see iterations")
    content: str = Field("china", description="the picture whose content is kept: a file, or china or flower")
    style: Annotated[Repeated, Repeatable("FILE")] = Field(
        ("flower",), description="the picture whose style is taken: a file, or china or flower; repeatable"
    )
    shares: Shares = Field((), description="how much each of several styles counts, such as 2,1; empty: equally")
    size: int = Field(512, ge=LEAST_SIDE, description="longer side of the painting in pixels")
    coarse: int = Field(
        256,
        ge=LEAST_SIDE,
        description="longer side that painting begins with; it doubles until `size`; as much as that: painted at once",
    )
    iterations: int = Field(300, ge=1, description="iterations at the first size; each larger one has a third of them")
    optimizer: Literal["lbfgs", "adam"] = Field("lbfgs", description="the rule that turns gradients into updates")
    learning_rate: float | None = Field(None, gt=0, description="learning rate; None: 1 for lbfgs, 0.02 for adam")
    content_weight: float = Field(0.03, ge=0, description="what the content loss counts")
    style_weight: float = Field(1.0, gt=0, description="what the style loss counts")
    variation_weight: float = Field(0.3, ge=0, description="what differences of neighbouring pixels count")
    colors: Literal["style", "content"] = Field(
        "style", description="content: the styles are given the colours of the content first"
    )
    begin: Literal["content", "noise"] = Field("content", description="the picture that painting begins with")
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
    memory: float | None = Field(
        None, gt=0, description="gigabytes that may be used; None: half of what is free when the run starts"
    )
    tile: int | None = Field(
        None, ge=0, description="side of the tiles that are looked at one by one; 0: all at once; None: by the memory"
    )


PRESETS = (
    Preset("style", "style", {}, None, "a picture with the content of one and the style of another (Kolter, Gatys)"),
)
