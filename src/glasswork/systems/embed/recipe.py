"""The recipe of metric learning: embeddings that are near for one class and far for two (Kovashka: FaceNet)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from glasswork.recipe.base import PixelRange, Recipe, Words, words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range


def names_or_share(value: object) -> object:
    """Names out of words, or one share as its word."""
    return (str(value),) if isinstance(value, int | float) and not isinstance(value, bool) else words(value)


class EmbedRecipe(Recipe):
    """An embedding of images by the triplet loss, evaluated on classes it was not trained on."""

    network: str = Field(
        "convnet-small",
        description="the network that embeds an image: convnet-small, lenet, resnet18, ... or file.py:Class",
    )
    embedding: int = Field(64, ge=2, description="size of an embedding, which is scaled to length 1 (FaceNet: 128)")
    mining: Annotated[Literal["semi-hard", "batch-hard", "all"], Choices(("semi-hard", "batch-hard", "all"))] = Field(
        "semi-hard", description="which triplets of a batch count"
    )
    margin: Annotated[float, Range(0.05, 0.8, log=True)] = Field(
        0.2, ge=0, description="margin alpha between squared distances of positive and negative; 0: the soft margin"
    )
    classes_per_batch: int | None = Field(None, ge=2, description="P, classes per batch; None: chosen from batch_size")
    examples_per_class: int | None = Field(
        None, ge=2, description="K, examples per class; None: 4, or more if there are few classes"
    )
    held_out_classes: Annotated[tuple[str, ...], BeforeValidator(names_or_share)] = Field(
        ("0.2",),
        description="classes held out for the test, by name or as a fraction; 0: hold out examples, not classes",
    )
    size: int | None = Field(None, ge=1, description="side of the square that images are resized to, in pixels")
    pixel_range: PixelRange = Field(
        None, description="black and white of images of more than 8 bits, such as 0,4095; None: from the data"
    )
    augment: Words = Field((), description="data augmentation, such as flip,crop:2,rotation:10,scale:0.1,color,elastic")
    target: str | None = Field(None, description="the column with the class, if there are several")
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


EMBED = {"epochs": 20, "patience": 10}

PRESETS = (
    Preset(
        "embed",
        "embed",
        EMBED,
        "mnist-5k",
        "an embedding learned by the triplet loss: similar images lie close together (Kovashka: FaceNet)",
    ),
)
