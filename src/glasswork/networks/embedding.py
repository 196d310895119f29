"""A network that places images on a sphere, so that near means alike (FaceNet: Schroff et al. 2015)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAST_SPREAD = 0.05  # distances go up to 4: at less than this, most probabilities would be too small for a float32


class Embedding(nn.Module):
    """An embedding of length 1, and how near it is to the mean embedding of each class.

    Means of examples are set once training has ended, for classes not seen in training too; a new class takes
    its mean and no training (nearest class mean: Mensink et al. 2013).

    Args:
        body: gives (batch, size) for a batch of images.
        size: numbers in an embedding.
        classes: how many classes have a mean.
    """

    means: Tensor
    spread: Tensor

    def __init__(self, body: nn.Module, size: int, classes: int):
        super().__init__()
        self.body = body
        self.register_buffer("means", torch.zeros(classes, size))
        self.register_buffer("spread", torch.ones(()))

    def embed(self, images: Tensor) -> Tensor:
        """f(x) of length 1, (batch, size), for images (batch, channels, height, width)."""
        return F.normalize(self.body(images), dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """-|f(x) - m_k|^2 / (2 v) for every class k, (batch, classes), but for what is the same of all of them.

        m_k is the mean of the class, v the mean of |f(x) - m_k|^2 over its examples. The greatest is the nearest; the
        softmax of the scores is an order in words of probability and no frequency.
        """
        scale = 1 / self.spread
        return F.linear(self.embed(images), self.means * scale, -scale / 2 * self.means.square().sum(1))

    @torch.no_grad()
    def remember(self, embeddings: Tensor, classes: Tensor) -> None:
        """Sets the mean of each class, and how far examples lie from it.

        Args:
            embeddings: f(x) of examples of every class, (N, size).
            classes: int64 (N,).
        """
        sums = torch.zeros_like(self.means).index_add_(0, classes, embeddings.to(self.means))
        counts = torch.bincount(classes, minlength=len(self.means))[:, None]
        self.means.copy_(sums / counts.clamp(min=1))
        distances = (embeddings.to(self.means) - self.means[classes]).square().sum(1)
        self.spread.copy_(distances.mean().clamp(min=LEAST_SPREAD))
