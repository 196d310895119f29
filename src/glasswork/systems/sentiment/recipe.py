"""The recipe of text classification: a text is read word by word and judged as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class SentimentRecipe(Recipe):
    """The class of a text (or a number), such as whether a review is positive, by a bidirectional recurrent network."""

    text: str | None = Field(None, description="the column with the texts; None: the one with the longest texts")
    target: str | None = Field(None, description="the column to predict")
    pieces: Literal["word", "bpe", "character"] = Field(
        "word",
        description="what a text is split into; bpe: byte pairs, frequent parts of words (needs glasswork[text])",
    )
    vocabulary: int = Field(20_000, ge=2, description="maximum vocabulary size; rarer tokens become unknown")
    min_count: int = Field(
        2, ge=1, description="minimum token count in the training texts; rarer tokens become unknown"
    )
    max_length: int = Field(1000, ge=1, description="maximum number of tokens read of a text; the rest is ignored")
    counted: bool = Field(
        True,
        description="combine the recurrent network with naive Bayes on counts of tokens and token pairs",
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field("lstm", description="the recurrent unit")
    embedding: Annotated[int, Choices((50, 100, 200))] = Field(
        100, ge=1, description="size of a token's learned embedding"
    )
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(
        64, ge=1, description="hidden units per layer and direction"
    )
    layers: int = Field(1, ge=1, description="number of stacked recurrent layers")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.5, ge=0, lt=1, description="dropout probability, on embeddings and before the output layer"
    )
    token_dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="fraction of the tokens replaced by the unknown token at random in training"
    )


SENTIMENT = {"epochs": 12, "patience": 4, "gradient_clip": 1.0}

PRESETS = (
    Preset(
        "sentiment",
        "sentiment",
        SENTIMENT,
        None,
        "the class of a text, read word by word in both directions (Kovashka: sentiment, many to one)",
    ),
)
