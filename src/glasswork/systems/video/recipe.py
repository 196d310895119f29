"""The recipe of frame-level video classification: a label for every frame of a clip."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class VideoRecipe(Recipe):
    """A label for every frame from all frames up to it, such as which way a ball goes."""

    target: str | None = Field(None, description="the column of the tables of labels to predict")
    size: int | None = Field(None, ge=8, description="side of the square that frames are brought to; absent: 80 pixels")
    strict: bool = Field(False, description="refuse a clip that cannot be read rather than leave it out")
    cell: Literal["rnn", "relu-rnn", "gru", "lstm", "none"] = Field(
        "gru", description="the recurrent unit; none: every frame is judged on its own"
    )
    bptt_length: int = Field(40, ge=1, description="frames over which errors flow back; clips are cut into such pieces")
    embedding: Annotated[int, Choices((32, 64, 128))] = Field(64, ge=1, description="numbers that stand for a frame")
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(64, ge=1, description="numbers of the state of a layer")
    layers: int = Field(1, ge=1, description="recurrent layers, one above the other")
    dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.2, ge=0, lt=1, description="share of the numbers turned off at random, of encoded frames and states"
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
