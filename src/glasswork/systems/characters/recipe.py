"""The recipe of the character model: any text, read character by character, and what comes next at every time."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class CharactersRecipe(Recipe):
    """The next character of a text from all before it, by truncated back-propagation through time."""

    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field(
        "lstm", description="the recurrent unit: f in h_t = f(x_t, h_(t-1))"
    )
    hidden_size: Annotated[int, Choices((64, 128, 256, 512))] = Field(256, ge=1, description="hidden units per layer")
    layers: int = Field(2, ge=1, description="number of stacked recurrent layers")
    bptt_length: int = Field(
        100,
        ge=2,
        description="characters per step of truncated back-propagation; the state carries over to the next step",
    )
    embedding: int | None = Field(
        None,
        ge=0,
        description="size of a character's embedding; 0: one-hot; None: one-hot for up to 512 characters",
    )
    dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.0, ge=0, lt=1, description="dropout probability, between layers and before the output"
    )
    vocabulary: int = Field(
        256,
        ge=2,
        le=65536,
        description="maximum number of different characters; the rarest others become one unknown character",
    )
    samples: int = Field(6, ge=0, description="how often during training the network writes a sample for the report")
    prompt: str = Field("", description="the beginning of these samples")


CHAR_RNN = {
    "epochs": 10,
    "batch_size": 64,
    "gradient_clip": 1.0,
    "validation": 0.05,
    "test": 0.05,
}

PRESETS = (
    Preset(
        "char-rnn",
        "characters",
        CHAR_RNN,
        "python-source",
        "a recurrent network that reads and writes text by characters (Kovashka and Kolter: poetry, C code)",
    ),
)
