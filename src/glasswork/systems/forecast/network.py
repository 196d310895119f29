"""A recurrent network that forecasts a series: quantiles of all future values at once, from a window of the past."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.networks.recurrent import Recurrent

MOST_STEPS = 48
"""Of the recurrent layer: times of longer windows are read several at once (Lin et al. 2023, SegRNN)."""
SPREAD = 0.8
"""Of the quantiles before training: the standard deviation, in scales of the window, of what comes."""


class Forecaster(nn.Module):
    """Reads a window with a recurrent layer and answers every quantile of every value to come at once.

    q = W dropout(h_T) + b + A d: the last state's part (Wen et al. 2017, a direct multi-horizon quantile head) and,
    next to it, a linear autoregression on the last deviations d from the season before, which moves all quantiles alike
    (Lai et al. 2018, LSTNet). A and W begin at 0 and b with the quantiles of a normal distribution: before training the
    median is the seasonal-naive forecast.

    Args:
        cell: a name in `recurrent.CELLS`.
        window: times of the input.
        features: numbers per time, the deviation from the season before first.
        horizon: how many values are predicted.
        quantiles: how many quantiles of each.
        hidden_size: of the recurrent layer.
        dropout: share of the last state's units turned off while training.
    """

    def __init__(
        self, cell: str, window: int, features: int, horizon: int, quantiles: int, hidden_size: int, dropout: float
    ) -> None:
        super().__init__()
        self.segment = -(-window // MOST_STEPS)
        self.segments = window // self.segment
        self.lags = min(window, max(2, horizon))
        self.shape = (horizon, quantiles)
        self.encoder = Recurrent(cell, features * self.segment, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, horizon * quantiles)
        self.autoregression = nn.Linear(self.lags, horizon, bias=False)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.autoregression.weight)
        levels = torch.arange(1, quantiles + 1) / (quantiles + 1)
        normal = SPREAD * 2**0.5 * torch.erfinv(2 * levels - 1)  # (quantiles,)
        self.head.bias.data.copy_(normal.repeat(horizon))

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        """Quantiles in the scale of each window.

        Args:
            inputs: (batch, window, features).

        Returns:
            (batch, horizon, quantiles).
        """
        read = inputs[:, inputs.shape[1] - self.segment * self.segments :]
        states, _ = self.encoder(read.reshape(-1, self.segments, self.segment * inputs.shape[2]))
        quantiles = self.head(self.dropout(states[:, -1])).reshape(-1, *self.shape)  # (batch, horizon, quantiles)
        shift = self.autoregression(inputs[:, -self.lags :, 0])  # (batch, horizon)
        found: Tensor = quantiles + shift.unsqueeze(2)
        return found


class Forecasters(nn.Module):
    """Several forecasters from different first weights; what they say is the mean of their quantiles.

    Attributes:
        margins: what calibration adds to each quantile, (quantiles,), in the scale of the window; 0 until then.

    Args:
        members: how many.
        cell, window, features, horizon, quantiles, hidden_size, dropout: of each.
    """

    margins: Tensor

    def __init__(
        self,
        members: int,
        cell: str,
        window: int,
        features: int,
        horizon: int,
        quantiles: int,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            Forecaster(cell, window, features, horizon, quantiles, hidden_size, dropout) for _ in range(members)
        )
        self.register_buffer("margins", torch.zeros(quantiles))

    def each(self, inputs: Tensor) -> Tensor:
        """What each member says, (members, batch, horizon, quantiles), without the margins."""
        return torch.stack([member(inputs) for member in self.members])

    @override
    def forward(self, inputs: Tensor) -> Tensor:
        """Calibrated quantiles, (batch, horizon, quantiles), of windows (batch, window, features)."""
        calibrated: Tensor = self.each(inputs).mean(0) + self.margins
        return calibrated
