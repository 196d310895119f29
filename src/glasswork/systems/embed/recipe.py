"""The recipe of metric learning: embeddings that are near for one class and far for two (Kovashka: FaceNet)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glasswork.recipe.base import Recipe, Words, words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


def names_or_share(value: object) -> object:
    """Names out of words, or one share as its word."""
    return (str(value),) if isinstance(value, int | float) and not isinstance(value, bool) else words(value)


class EmbedRecipe(Recipe):
    """An embedding of images by the triplet loss, judged on classes that it was never trained on."""

    network: str = Field(
        "convnet-small",
        description="what turns an image into its embedding: convnet-small, lenet, resnet18, ... or file.py:Class",
    )
    embedding: int = Field(64, ge=2, description="numbers in an embedding, which is scaled to length 1 (FaceNet: 128)")
    mining: Annotated[Literal["semi-hard", "batch-hard", "all"], Choices(("semi-hard", "batch-hard", "all"))] = Field(
        "semi-hard", description="which triplets of a batch count"
    )
    margin: Annotated[float, Range(0.05, 0.8, log=True)] = Field(
        0.2, ge=0, description="alpha, how much farther the negative shall be, squared; 0: softly, without an end"
    )
    classes_per_batch: int | None = Field(None, ge=2, description="P, classes in a batch; absent: what batch_size has")
    examples_per_class: int | None = Field(
        None, ge=2, description="K, examples of each; absent: 4, more of few classes"
    )
    held_out_classes: Annotated[tuple[str, ...], BeforeValidator(names_or_share)] = Field(
        ("0.2",),
        description="classes kept for the test, by name or as a share; 0 keeps examples of all classes instead",
    )
    size: int | None = Field(None, ge=1, description="side of the square that images are brought to, in pixels")
    augment: Words = Field((), description="virtual examples, such as flip,crop:2,rotation:10,scale:0.1,color,elastic")
    target: str | None = Field(None, description="the column that names the class, where there are several")
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


EMBED = {"epochs": 20, "patience": 10}

PRESETS = (
    Preset(
        "embed",
        "embed",
        EMBED,
        "mnist-5k",
        "an embedding by the triplet loss, in which near means alike (Kovashka: FaceNet)",
    ),
)
