"""LeNet-5 in PyTorch for the peers that use it, and our schedule for it."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEAN, DEVIATION = 0.2860, 0.3530  # of Fashion-MNIST's training pixels in [0, 1]


class LeNet(nn.Module):
    """LeNet-5 (6, 16, 120, 84, 10) with ReLU and 2x2 max pooling: 61,706 parameters."""

    def __init__(self):
        super().__init__()
        self.convolution1 = nn.Conv2d(1, 6, 5, padding=2)
        self.convolution2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(16 * 5 * 5, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def forward(self, images: Tensor) -> Tensor:
        """The scores of the ten classes."""
        maps = F.max_pool2d(F.relu(self.convolution1(images)), 2)  # (N, 6, 14, 14)
        maps = F.max_pool2d(F.relu(self.convolution2(maps)), 2)  # (N, 16, 5, 5)
        hidden = F.relu(self.dense1(torch.flatten(maps, 1)))  # (N, 120)
        return self.dense3(F.relu(self.dense2(hidden)))  # (N, 10)


class LeNetProbabilities(LeNet):
    """LeNet-5 that ends in a softmax, as skorch's NeuralNetClassifier expects it."""

    def forward(self, images: Tensor) -> Tensor:
        """The probabilities of the ten classes."""
        return torch.softmax(super().forward(images), dim=-1)


def one_cycle(
    parameters: Iterable[nn.Parameter], peak: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW and the one-cycle schedule over so many steps; the scheduler steps after each batch."""
    optimizer = torch.optim.AdamW(parameters, lr=peak)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, cycle_momentum=False)
