"""The recipe of translation: which pieces texts are made of, how they are read, written and searched for."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range

Piece = Literal["word", "bpe", "character"]


class TranslateRecipe(Recipe):
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
    attention: Literal["none", "luong", "bahdanau"] = Field(
        "luong", description="how the decoder looks at the text; none: it starts from the encoder's last state alone"
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
    label_smoothing: Annotated[float, Range(0.0, 0.2)] = Field(
        0.1, ge=0, lt=1, description="fraction of the target spread over all tokens"
    )
    scheduled_sampling: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="fraction of the true tokens before each token that the network's own replace, at the end of "
        "the training; it grows from 0",
    )
    beam: int = Field(4, ge=1, le=100, description="number of hypotheses in beam search; 1: greedy")
    length_penalty: float = Field(0.6, ge=0, description="exponent of the length in scores; higher: longer answers")
    coverage_penalty: float = Field(
        0.0, ge=0, description="weight of the places of the text that attention did not look at"
    )


TRANSLATE = {"patience": 5, "gradient_clip": 1.0}

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
