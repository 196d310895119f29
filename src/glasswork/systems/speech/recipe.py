"""The recipe of speech to text."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


class SpeechRecipe(Recipe):
    """The words that are said in a recording, by a bidirectional recurrent network and CTC (Graves et al. 2006)."""

    target: str | None = Field(None, description="the column with the transcripts; None: found by its name")
    strict: bool = Field(False, description="stop at a recording that is missing or cannot be read")
    bands: Annotated[int, Choices((40, 64, 80))] = Field(64, ge=8, le=256, description="number of mel bands")
    filters: int = Field(32, ge=1, description="feature maps of the two convolutions")
    subsampling: Annotated[int, Choices((2, 4))] = Field(
        2, ge=1, le=4, description="hundredths of a second per output of the network: 1, 2 or 4"
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field("lstm", description="the recurrent unit")
    hidden_size: Annotated[int, Choices((128, 256, 384))] = Field(
        256, ge=1, description="hidden units per layer and direction"
    )
    layers: int = Field(3, ge=1, description="number of stacked recurrent layers")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.3, ge=0, lt=1, description="dropout probability, between the recurrent layers and before the output layer"
    )
    time_masks: int = Field(2, ge=0, description="stretches of time that are blanked in training (SpecAugment)")
    band_masks: int = Field(2, ge=0, description="ranges of mel bands that are blanked in training (SpecAugment)")
    warp: Annotated[float, Range(0.0, 0.3)] = Field(
        0.15, ge=0, lt=1, description="training recordings are made up to this much faster or slower, higher or lower"
    )
    beam: int = Field(16, ge=1, description="hypotheses kept by prefix beam search; 1: the best path (greedy)")
    language_order: int = Field(
        5, ge=0, description="characters of an n-gram of the character language model; 0: no language model"
    )
    language_weight: Annotated[float, Range(0.0, 1.0)] = Field(
        0.6, ge=0, description="weight of the language model in beam search"
    )
    language_model: str | None = Field(
        None, description="a text file to count characters in; None: the training transcripts"
    )


SPEECH = {"gradient_clip": 1.0}

PRESETS = (
    Preset(
        "speech",
        "speech",
        SPEECH,
        None,
        "the words of a recording, from log-mel features by a bidirectional network and CTC (Graves et al. 2006)",
    ),
)
