"""The recipe of text classification: a text is read word by word and judged as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class SentimentRecipe(Recipe):
    """The class of a text (or a number), such as whether a review is kind, by a network that reads it both ways."""

    text: str | None = Field(None, description="the column of a table that holds the text; absent: the longest texts")
    target: str | None = Field(None, description="the column to predict")
    pieces: Literal["word", "bpe", "character"] = Field(
        "word", description="what a text is cut into; bpe: byte pairs, which are frequent parts of words (extra: text)"
    )
    vocabulary: int = Field(20_000, ge=2, description="the most different pieces; the rarest of more become unknown")
    min_count: int = Field(2, ge=1, description="how often a piece has to come in training not to become unknown")
    max_length: int = Field(1000, ge=1, description="pieces that are read of one text; the rest is left out")
    counted: bool = Field(
        True,
        description="let counts of pieces and of neighbours (naive Bayes) judge beside the recurrent layers",
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field("lstm", description="the recurrent unit")
    embedding: Annotated[int, Choices((50, 100, 200))] = Field(
        100, ge=1, description="numbers that stand for a piece, learnt"
    )
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(
        64, ge=1, description="numbers of the state of a layer, in each direction"
    )
    layers: int = Field(1, ge=1, description="recurrent layers, one above the other")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.5, ge=0, lt=1, description="share of the numbers turned off at random, of embeddings and before the scores"
    )
    token_dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="share of the pieces that become unknown at random while training"
    )


SENTIMENT = {"epochs": 12, "patience": 4, "gradient_clip": 1.0}

PRESETS = (
    Preset(
        "sentiment",
        "sentiment",
        SENTIMENT,
        None,
        "the class of a text, read word by word from both ends (Kovashka: sentiment, many to one)",
    ),
)
