"""VGG (Simonyan and Zisserman 2015; Kovashka, "Case study: VGGNet"): 3x3 convolutions only, deeper and deeper."""

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

# Filters of each convolution; 0 is a pooling. The paper's configurations A, B, D and E.
CONFIGURATIONS: dict[str, tuple[int, ...]] = {
    "vgg11": (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0),
    "vgg13": (64, 64, 0, 128, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0),
    "vgg16": (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0),
    "vgg19": (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512, 0),
}

LEAST_SIDE = 32  # five poolings leave one cell


class VGG(nn.Module):
    """Convolutions of 3x3 in five blocks with a pooling after each, then three dense layers.

    VGG-16 has 138,357,544 parameters for 1,000 classes, 123,642,856 of them dense. Layers are named and sized as in
    torchvision, whose weights (`vgg16`, or `vgg16_bn` with normalisation) load with `strict=True`.

    Args:
        configuration: a name in `CONFIGURATIONS`.
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.
        dropout: probability to turn a unit of the two hidden dense layers off while training.
        normalised: batch normalisation after each convolution (Ioffe and Szegedy 2015), which the paper had not yet.

    Raises:
        GlassworkError: an image too small.
    """

    def __init__(
        self,
        configuration: str,
        shape: tuple[int, int, int],
        outputs: int,
        dropout: float = 0.5,
        normalised: bool = False,
    ):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"VGG needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} by {width}. "
                "Enlarge them with --size 224, or choose convnet-small."
            )
        layers: list[nn.Module] = []
        for filters in CONFIGURATIONS[configuration]:
            if not filters:
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers.append(_initialise(nn.Conv2d(channels, filters, 3, padding=1)))
            layers += [nn.BatchNorm2d(filters)] if normalised else []
            layers.append(nn.ReLU(inplace=True))
            channels = filters
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        maps = self.features(images)  # (batch, 512, height / 32, width / 32): 7x7 for 224 x 224
        units = torch.flatten(self.avgpool(maps), 1)  # (batch, 25088)
        scores: Tensor = self.classifier(units)  # (batch, outputs)
        return scores


def _initialise(layer: nn.Conv2d) -> nn.Conv2d:
    """He et al. 2015, without which the deeper ones do not begin to learn."""
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
