"""The recipe of image captioning: a convolutional network looks, a recurrent one writes."""

from typing import Annotated, Literal

from pydantic import Field

from glasswork.recipe.base import PixelRange, Words
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Choices, Range
from glasswork.systems.decoder_recipe import DecoderRecipe


class CaptionRecipe(DecoderRecipe):
    """Sentences about pictures, from pretrained features and a recurrent decoder with attention."""

    network: str = Field(
        "efficientnet-lite0",
        description="the convolutional network that looks: efficientnet-lite0, resnet18, vgg11, convnet-small",
    )
    weights: str | None = Field(
        None, description="pretrained weights: a file or a published name; None: those published for the network"
    )
    mode: Literal["frozen", "fine-tuned", "scratch"] = Field(
        "frozen",
        description="frozen: only the decoder is trained; fine-tuned: then also the network's last stage, at a lower "
        "rate; scratch: everything, from random weights",
    )
    size: int | None = Field(
        None, ge=1, description="side of the square images in pixels; None: as published, at most 224"
    )
    pixel_range: PixelRange = Field(
        None, description="black and white of images of more than 8 bits, such as 0,4095; None: from the data"
    )
    augment: Words = Field(
        (), description="data augmentation, such as crop:8,color; only if images and not stored features train"
    )
    pieces: Literal["word", "bpe", "character"] = Field("word", description="what captions are split into")
    vocabulary: int = Field(10_000, ge=2, description="maximum vocabulary size; rarer words become unknown")
    min_count: int = Field(
        2, ge=1, description="minimum count of a word in the training captions; rarer ones become unknown"
    )
    max_length: int = Field(40, ge=1, description="maximum number of tokens of a caption; the rest is ignored")
    cell: Literal["rnn", "gru", "lstm"] = Field("lstm", description="the recurrent unit")
    embedding: Annotated[int, Choices((64, 128, 256))] = Field(
        128, ge=1, description="size of a word's learned embedding"
    )
    hidden_size: Annotated[int, Choices((128, 256, 512))] = Field(256, ge=1, description="hidden units per layer")
    layers: int = Field(1, ge=1, description="number of stacked recurrent layers")
    dropout: Annotated[float, Range(0.0, 0.7)] = Field(
        0.4, ge=0, lt=1, description="dropout probability, on features, embeddings and before the output layer"
    )
    finetune_rate: Annotated[float, Range(0.01, 1.0, log=True, only=("mode", ("fine-tuned",)))] = Field(
        0.1, gt=0, le=1, description="learning rate of the second stage, as a fraction of the first"
    )
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


CAPTION = {"patience": 5, "gradient_clip": 1.0, "weight_decay": 0.3, "beam": 2, "length_penalty": 1.0}

PRESETS = (
    Preset(
        "caption",
        "caption",
        CAPTION,
        "scenes",
        "a sentence about a picture: a convolutional network looks, a recurrent one writes (Kovashka, Kolter)",
    ),
)
