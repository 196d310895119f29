"""The recipe of frame-level video classification: a label for every frame of a clip."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class VideoRecipe(Recipe):
    """A label for every frame from all frames up to it, such as which way a ball goes."""

    target: str | None = Field(None, description="the column to predict in the tables of labels")
    size: int | None = Field(
        None, ge=8, description="side of the square that frames are resized to, in pixels; None: 80"
    )
    strict: bool = Field(False, description="stop at a clip that cannot be read instead of skipping it")
    cell: Literal["rnn", "relu-rnn", "gru", "lstm", "none"] = Field(
        "gru", description="the recurrent unit; none: every frame is classified on its own"
    )
    bptt_length: int = Field(
        40, ge=1, description="frames per step of truncated back-propagation; clips are cut into pieces of this length"
    )
    embedding: Annotated[int, Choices((32, 64, 128))] = Field(64, ge=1, description="size of a frame's embedding")
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(64, ge=1, description="hidden units per layer")
    layers: int = Field(1, ge=1, description="number of stacked recurrent layers")
    dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.2, ge=0, lt=1, description="dropout probability, on frame embeddings and hidden states"
    )


VIDEO = {"epochs": 20, "patience": 5, "gradient_clip": 1.0}

PRESETS = (
    Preset(
        "video",
        "video",
        VIDEO,
        None,
        "a label for every frame of a clip, by convolutions and a recurrent network over time (Kovashka)",
    ),
)
