"""What recipes of recurrent decoders have in common: attention, how tokens are learned, how answers are found."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.search import Range


class DecoderRecipe(Recipe):
    """An answer that is written token by token."""

    attention: Literal["none", "luong", "bahdanau"] = Field(
        "luong",
        description="how the decoder looks at what was read; none: it starts from the encoder's last state alone",
    )
    label_smoothing: Annotated[float, Range(0.0, 0.2)] = Field(
        0.0, ge=0, lt=1, description="fraction of the target spread over all tokens"
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
    coverage_penalty: float = Field(0.0, ge=0, description="weight of the places that attention did not look at")
