"""The network that paints (Johnson, Alahi and Fei-Fei 2016), with instance normalisation (Ulyanov et al. 2016)."""

import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4


class Painter(nn.Module):
    """Convolutions that halve the side twice, residual blocks, and convolutions that double it twice.

    Sides are doubled by repeating pixels before a convolution, which leaves no checkerboard (Odena et al. 2016). Each
    map of each picture is normalised by itself, so that a picture's contrast does not matter.

    Args:
        width: maps of the first layer.
        blocks: residual blocks.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.down = nn.Sequential(
            _convolution(3, width, 9), _convolution(width, 2 * width, 3, 2), _convolution(2 * width, 4 * width, 3, 2)
        )
        self.middle = nn.Sequential(*(Block(4 * width) for _ in range(blocks)))
        self.up = nn.ModuleList([_convolution(4 * width, 2 * width, 3), _convolution(2 * width, width, 3)])
        self.output = nn.Conv2d(width, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, pictures: Tensor) -> Tensor:
        """Paintings from 0 to 1 of pictures from 0 to 1, (batch, 3, height, width), of any size from 32 pixels on."""
        height, width = pictures.shape[-2:]
        padded = F.pad(pictures, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        maps = self.middle(self.down(padded))  # (batch, 4 width, height / 4, width / 4)
        for layer in self.up:
            maps = layer(F.interpolate(maps, scale_factor=2.0, mode="nearest"))
        painted: Tensor = self.output(maps).sigmoid()
        return painted[..., :height, :width]


class Block(nn.Module):
    """Two 3x3 convolutions that are added to what they were given."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.first = _convolution(maps, maps, 3)
        self.second = nn.Conv2d(maps, maps, 3, padding=1, padding_mode="reflect")
        self.normalisation = nn.GroupNorm(maps, maps)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, maps, height, width) to the same shape."""
        changed: Tensor = self.normalisation(self.second(self.first(maps)))
        return maps + changed


def _convolution(inputs: int, maps: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution, the normalisation of each map by itself (as many groups as maps), and ReLU."""
    convolution = nn.Conv2d(inputs, maps, size, stride, padding=size // 2, padding_mode="reflect")
    return nn.Sequential(convolution, nn.GroupNorm(maps, maps), nn.ReLU())
