"""The recipe of sequence labelling: a label for every word of a sentence."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class TaggerRecipe(Recipe):
    """A label for every word from the whole sentence, such as parts of speech or names."""

    vocabulary: int = Field(
        30_000, ge=2, description="the most different words, endings and shapes that are told apart"
    )
    min_count: int = Field(2, ge=1, description="how often one of them has to come in training not to become unknown")
    cell: Literal["rnn", "relu-rnn", "gru", "lstm", "none"] = Field(
        "lstm", description="the recurrent unit; none: every word is judged on its own"
    )
    embedding: Annotated[int, Choices((25, 50, 100))] = Field(
        50, ge=1, description="numbers that stand for a word, and as many for each of its endings"
    )
    hidden_size: Annotated[int, Choices((32, 64, 128))] = Field(
        100, ge=1, description="numbers of the state of a layer, in each direction"
    )
    layers: int = Field(1, ge=1, description="recurrent layers, one above the other")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.3, ge=0, lt=1, description="share of the numbers turned off at random, of embeddings and before the scores"
    )
    token_dropout: Annotated[float, Range(0.0, 0.5)] = Field(
        0.1, ge=0, lt=1, description="share of words and endings that become unknown at random while training"
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
