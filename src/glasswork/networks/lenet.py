"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998; Kovashka, "Convolutional Neural Networks")."""

import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks import activations

LEAST_SIDE = 12  # two poolings and one unpadded 5x5 convolution leave one pixel of 12


class LeNet(nn.Module):
    """LeNet-5: convolve, pool, convolve, pool, then three dense layers; 61,706 parameters on 28x28 grey digits.

    Differs from the paper in what is usual today: maximum for average pooling, every map of the second convolution
    sees all six of the first, scores of a linear layer for the Gaussian connections. The paper's 32x32 frame is had by
    padding the first convolution by 2. Other sizes of image change the width of the first dense layer alone.

    Args:
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.
        activation: a name in `ACTIVATIONS`.
        dropout: probability to turn a unit of the two hidden dense layers off while training.

    Raises:
        GlassworkError: an image too small, an unknown activation, or dropout outside of [0, 1).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"LeNet needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} by {width}. "
                "Enlarge them with --size, or choose a dense network."
            )
        build = activations.find_activation(activation).build
        pixels = ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)  # of each map after the second pooling
        self.convolution_1 = activations.convolution(channels, 6, 5, activation, padding=2, pooled=True)
        self.activation_1 = build()
        self.convolution_2 = activations.convolution(6, 16, 5, activation, pooled=True)
        self.activation_2 = build()
        self.dense_1 = activations.linear(16 * pixels, 120, activation)
        self.activation_3 = build()
        self.dropout_1 = activations.dropout_layer(dropout)
        self.dense_2 = activations.linear(120, 84, activation)
        self.activation_4 = build()
        self.dropout_2 = activations.dropout_layer(dropout)
        self.output = activations.linear(84, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        # Pooling stands before the activation, not after it as on the slide: as all activations here are nondecreasing
        # the maximum is the same, and only a quarter of the values need one.
        maps = F.max_pool2d(self.convolution_1(images), 2)  # (batch, 6, height / 2, width / 2): 14x14
        maps = self.activation_1(maps)
        maps = F.max_pool2d(self.convolution_2(maps), 2)  # (batch, 16, height / 4 - 2, width / 4 - 2): 5x5
        maps = self.activation_2(maps)
        units = maps.flatten(1)  # (batch, 400), channel by channel also where channels are last in memory
        units = self.dropout_1(self.activation_3(self.dense_1(units)))  # (batch, 120)
        units = self.dropout_2(self.activation_4(self.dense_2(units)))  # (batch, 84)
        scores: Tensor = self.output(units)  # (batch, outputs)
        return scores
