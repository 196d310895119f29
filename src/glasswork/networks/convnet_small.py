"""A convolutional network for images of 28 to 64 pixels: stages of 3x3 convolutions, normalised, with shortcuts.

After D. Page, "How to train your ResNet" (2018), who trained such a network on CIFAR-10 in seconds.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks import activations

WIDTHS = (32, 64, 128)


class Stage(nn.Module):
    """A convolution and a 2x2 pooling, then a convolution whose result is added to what it was given.

    The pooling stands before normalisation and activation, which then have a quarter of the values to work on.
    """

    def __init__(self, channels: int, width: int, activation: str):
        super().__init__()
        build = activations.find_activation(activation).build
        self.convolution_1 = activations.convolution(channels, width, 3, activation, padding=1)
        self.normalisation_1 = nn.BatchNorm2d(width)
        self.activation_1 = build()
        self.convolution_2 = activations.convolution(width, width, 3, activation, padding=1)
        self.normalisation_2 = nn.BatchNorm2d(width)
        self.activation_2 = build()

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, width, height / 2, width / 2), rounded down."""
        maps = F.max_pool2d(self.convolution_1(maps), 2)
        maps = self.activation_1(self.normalisation_1(maps))
        summed: Tensor = maps + self.activation_2(self.normalisation_2(self.convolution_2(maps)))
        return summed


class ConvNetSmall(nn.Module):
    """Stages that halve the side and widen the maps, the greatest value of each map, one dense layer.

    With the usual widths 32, 64 and 128 it has 288,618 parameters for grey images of ten classes.

    Args:
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.
        widths: maps of each stage.
        activation: a name in `ACTIVATIONS` that keeps the number of maps: any but maxout.
        dropout: probability to turn an input of the dense layer off while training.

    Raises:
        GlassworkError: an image too small for that many stages, an unknown activation, or maxout.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        widths: Sequence[int] = WIDTHS,
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < 2 ** len(widths):
            raise GlassworkError(
                f"A convnet-small of {len(widths)} stages needs images of at least {2 ** len(widths)} by "
                f"{2 ** len(widths)} pixels; these are {height} by {width}. Use fewer stages with --hidden 32,64"
            )
        if activations.find_activation(activation).pieces > 1:
            raise GlassworkError(f"convnet-small needs an activation that keeps the number of maps, not {activation}")
        before = (channels, *widths[:-1])
        self.stages = nn.Sequential(
            *(Stage(inputs, maps, activation) for inputs, maps in zip(before, widths, strict=True))
        )
        self.dropout = activations.dropout_layer(dropout)
        self.output = activations.linear(widths[-1], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        maps = self.stages(images)  # (batch, 128, height / 8, width / 8): 3x3 for 28 x 28
        units = self.dropout(maps.amax(dim=(2, 3)))  # (batch, 128)
        scores: Tensor = self.output(units)  # (batch, outputs)
        return scores
