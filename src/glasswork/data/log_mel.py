"""Log-mel features: how much power a sound has in bands as wide as the ear tells them apart, every hundredth second."""

import math

import torch
from torch import Tensor, nn

WINDOW, HOP = 0.025, 0.010
"""Seconds that a frame looks at, and from one frame to the next."""
LOWEST = 20.0
FLOOR = 1e-10


class LogMel(nn.Module):
    """Waveforms to the logarithm of their power in bands that are evenly spread on the mel scale.

    Args:
        rate: samples per second.
        bands: how many.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, rate: int, bands: int) -> None:
        super().__init__()
        self.hop, length = round(HOP * rate), round(WINDOW * rate)
        self.size = 1 << max(1, math.ceil(math.log2(length)))
        self.register_buffer("window", torch.hann_window(length), persistent=False)
        self.register_buffer("filters", mel_filters(rate, bands, self.size), persistent=False)

    def frames(self, samples: Tensor) -> Tensor:
        """How many frames so many samples become, int64; each stands in the middle of its window."""
        return samples // self.hop + 1

    def forward(self, waveforms: Tensor) -> Tensor:
        """Waveforms int16 or float (batch, samples) to float32 (batch, frames, bands)."""
        values = waveforms.float() / 32768 if waveforms.dtype == torch.int16 else waveforms.float()
        values = nn.functional.pad(values, (self.size // 2, self.size // 2))
        length = len(self.window)
        spectrum = torch.stft(
            values, self.size, self.hop, length, self.window, center=False, return_complex=True
        )  # (batch, size / 2 + 1, frames)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power.transpose(1, 2) @ self.filters).clamp(min=FLOOR).log()


def mel_filters(rate: int, bands: int, size: int) -> Tensor:
    """Triangles over the frequencies of a Fourier transform, float32 (size / 2 + 1, bands).

    Their corners are evenly spread on the mel scale, m = 2595 log10(1 + f / 700) (O'Shaughnessy 1987), from 20 Hz to
    half of the rate. A band too narrow for any frequency takes the nearest one.
    """
    frequencies = torch.linspace(0, rate / 2, size // 2 + 1, dtype=torch.float64)
    ends = torch.tensor([LOWEST, rate / 2], dtype=torch.float64)
    low, high = (2595 * torch.log10(1 + ends / 700)).tolist()
    corners = 700 * (10 ** (torch.linspace(low, high, bands + 2, dtype=torch.float64) / 2595) - 1)
    left, middle, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (frequencies[:, None] - left) / (middle - left)
    falling = (right - frequencies[:, None]) / (right - middle)
    filters = torch.minimum(rising, falling).clamp(min=0)
    empty = (filters.sum(0) == 0).nonzero()[:, 0]
    filters[(frequencies[:, None] - middle[empty]).abs().argmin(0), empty] = 1.0
    return filters.float()
