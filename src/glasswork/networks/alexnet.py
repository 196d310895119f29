"""AlexNet (Krizhevsky 2014, "One weird trick", the single-tower form; Kovashka, "ImageNet challenge 2012")."""

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError

LEAST_SIDE = 63  # below that nothing is left after the third pooling


class AlexNet(nn.Module):
    """Five convolutions, three dense layers; 61,100,840 parameters for 1,000 classes.

    Layers are named and sized as in torchvision, whose weights load with `strict=True`. Differs from the paper of 2012
    as torchvision does: one tower instead of two, fewer filters, no local response normalisation, and an averaging to
    6 x 6 cells, so that images of other sizes fit the same dense layers.

    Args:
        shape: (channels, height, width) of one image.
        outputs: scores, one per class or number predicted.
        dropout: probability to turn an input of the first two dense layers off while training.

    Raises:
        GlassworkError: an image too small.
    """

    def __init__(self, shape: tuple[int, int, int], outputs: int, dropout: float = 0.5):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"AlexNet needs images of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} by {width}. "
                "Enlarge them with --size 224, or choose convnet-small."
            )
        self.features = nn.Sequential(
            nn.Conv2d(channels, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for images of shape (batch, channels, height, width)."""
        maps = self.features(images)  # (batch, 256, 6, 6) for 224 x 224
        units = torch.flatten(self.avgpool(maps), 1)  # (batch, 9216)
        scores: Tensor = self.classifier(units)  # (batch, outputs)
        return scores
