"""The recipe of translation: which pieces texts are made of, how they are read, written and searched for."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range
from glasswork.systems.decoder_recipe import DecoderRecipe

Piece = Literal["word", "bpe", "character"]


class TranslateRecipe(DecoderRecipe):
    """A text from a text: a translation, a pronunciation, another way to write it; encoder, attention, decoder."""

    source: str | None = Field(
        None, description="the column or language of the texts; None: `source` or the first one of two"
    )
    target: str | None = Field(None, description="the column or language of their translations; None: the other one")
    pieces: Piece | None = Field(
        None,
        description="what texts are split into; bpe: byte pairs, frequent parts of words (needs glasswork[text]); "
        "None: character if all texts are short, else bpe",
    )
    target_pieces: Piece | None = Field(None, description="what translations are made of; None: as the texts")
    vocabulary: int = Field(8000, ge=2, description="maximum vocabulary size, of each side")
    min_count: int = Field(2, ge=1, description="minimum token count in the training texts; rarer ones become unknown")
    max_length: int = Field(
        120, ge=1, description="maximum number of tokens on each side; longer pairs are left out of the training"
    )
    cell: Literal["rnn", "relu-rnn", "gru", "lstm"] = Field("lstm", description="the recurrent unit")
    encoder: Literal["bidirectional", "forwards", "reversed"] = Field(
        "bidirectional", description="how the text is read; reversed: from its end (Sutskever)"
    )
    embedding: Annotated[int | None, Choices((64, 128, 256))] = Field(
        None, ge=1, description="size of a token's embedding; None: 64 for characters, else 256"
    )
    hidden_size: Annotated[int | None, Choices((64, 128, 256, 512))] = Field(
        None, ge=1, description="hidden units per layer; None: 128 for characters, else 256"
    )
    layers: int = Field(1, ge=1, description="number of stacked recurrent layers, in encoder and decoder")
    residual: bool = Field(True, description="from the second layer on, add a layer's input to its output (GNMT)")
    dropout: Annotated[float, Range(0.0, 0.6)] = Field(
        0.3, ge=0, lt=1, description="dropout probability, on embeddings, between layers and before the output"
    )


TRANSLATE = {"label_smoothing": 0.1, "patience": 5, "gradient_clip": 1.0}

PRESETS = (
    Preset(
        "translate",
        "translate",
        TRANSLATE,
        "dates",
        "a text into another language or form, read by one network and written by another (Kolter: sequence to "
        "sequence)",
    ),
)
