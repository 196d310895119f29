"""ResNet (He et al. 2016): blocks that add to what they were given, so that hundreds of layers can be trained."""

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

# Blocks of each of the four stages, and whether a block is a bottleneck (table 1 of the paper).
CONFIGURATIONS: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
}

WIDTHS = (64, 128, 256, 512)
GROWTH = 4  # a bottleneck gives out four times the maps that it works with
LEAST_SIDE = 32


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: y = relu(x + F(x))."""

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, width, height / stride, width / stride)."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        change = self.relu(self.bn1(self.conv1(maps)))
        change = self.bn2(self.conv2(change))
        summed: Tensor = self.relu(change + shortcut)
        return summed


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the middle one works on a quarter of the maps given out.

    The stride stands at the 3x3 convolution (torchvision's and NVIDIA's "v1.5"), not at the first one as in the paper.
    """

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, GROWTH * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(GROWTH * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, GROWTH * width, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, 4 width, height / stride, width / stride)."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        change = self.relu(self.bn1(self.conv1(maps)))
        change = self.relu(self.bn2(self.conv2(change)))
        change = self.bn3(self.conv3(change))
        summed: Tensor = self.relu(change + shortcut)
        return summed


class ResNet(nn.Module):
    """A 7x7 convolution, four stages of blocks, the average over all places, one dense layer.

    ResNet-18 has 11,689,512 parameters for 1,000 classes, ResNet-50 25,557,032. Layers are named and sized as in
    torchvision, whose weights load with `strict=True`.

    Args:
        configuration: a name in `CONFIGURATIONS`.
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.

    Raises:
        GlassworkError: an image too small.
    """

    def __init__(self, configuration: str, shape: tuple[int, int, int], outputs: int):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"ResNet needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} by {width}. "
                "Enlarge them with --size 224, or choose convnet-small."
            )
        counts, bottleneck = CONFIGURATIONS[configuration]
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        growth = GROWTH if bottleneck else 1
        inputs = (64, *(growth * wide for wide in WIDTHS[:-1]))
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(inputs[place], WIDTHS[place], counts[place], 1 if place == 0 else 2, bottleneck)
            for place in range(4)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(growth * WIDTHS[-1], outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(images))))  # (batch, 64, height / 4, width / 4)
        maps = self.layer2(self.layer1(maps))  # (batch, growth * 128, height / 8, width / 8)
        maps = self.layer4(self.layer3(maps))  # (batch, growth * 512, height / 32, width / 32)
        units = torch.flatten(self.avgpool(maps), 1)  # (batch, growth * 512)
        scores: Tensor = self.fc(units)  # (batch, outputs)
        return scores


def _stage(channels: int, width: int, count: int, stride: int, bottleneck: bool) -> nn.Sequential:
    block = Bottleneck if bottleneck else BasicBlock
    later = GROWTH * width if bottleneck else width
    return nn.Sequential(block(channels, width, stride), *(block(later, width, 1) for _ in range(count - 1)))


def _shortcut(channels: int, outputs: int, stride: int) -> nn.Sequential | None:
    """None where the input can be added as it is; else a 1x1 convolution that brings it to the same shape."""
    if stride == 1 and channels == outputs:
        return None
    return nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
