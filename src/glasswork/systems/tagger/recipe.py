"""The recipe of sequence labelling: a label for every word of a sentence."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class TaggerRecipe(Recipe):
    """A label for every word from the whole sentence, such as parts of speech or names."""

    vocabulary: int = Field(30_000, ge=2, description="maximum number of different words, endings and shapes")
    min_count: int = Field(2, ge=1, description="minimum count in the training texts; rarer ones become unknown")
    cell: Literal["rnn", "relu-rnn", "gru", "lstm", "none"] = Field(
        "lstm", description="the recurrent unit; none: every word is classified on its own"
    )
    embedding: Annotated[int, Choices((25, 50, 100))] = Field(
        50, ge=1, description="size of the embedding of a word and of each of its endings"
    )
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(
        100, ge=1, description="hidden units per layer and direction"
    )
    layers: int = Field(1, ge=1, description="number of stacked recurrent layers")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.3, ge=0, lt=1, description="dropout probability, on embeddings and before the output layer"
    )
    token_dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="fraction of words and endings replaced by the unknown token at random in training"
    )


TAGGER = {"epochs": 8, "patience": 3, "gradient_clip": 1.0}

PRESETS = (
    Preset(
        "tagger",
        "tagger",
        TAGGER,
        None,
        "a label for every word of a sentence, such as its part of speech (Kolter: sentence labelling)",
    ),
)
