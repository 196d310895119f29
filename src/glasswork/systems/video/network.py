"""A label for every frame of a clip (Kovashka, "Recurrent networks": frame-level video classification)."""

import torch
from torch import Tensor, nn

from glasswork.networks.recurrent import Recurrent, State

CHANNELS = (16, 32, 32)


class FrameEncoder(nn.Sequential):
    """A frame as a vector: three convolutions that halve the sides, and a dense layer that knows where things are.

    Args:
        shape: (channels, height, width) of a frame.
        size: numbers that stand for it.
    """

    def __init__(self, shape: tuple[int, int, int], size: int) -> None:
        channels, height, width = shape
        layers: list[nn.Module] = []
        for maps in CHANNELS:
            layers += [nn.Conv2d(channels, maps, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(maps), nn.ReLU()]
            channels, height, width = maps, -(-height // 2), -(-width // 2)
        super().__init__(*layers, nn.Flatten(), nn.Linear(channels * height * width, size), nn.ReLU())


class VideoNetwork(nn.Module):
    """Scores of the labels at every frame: s_t = W [h_t; x_t] + b, where x_t is the encoded frame.

    h_t is the state of recurrent layers that have read the frames up to this one; nothing is known of those to come, as
    in a film that is being watched.

    Args:
        cell: `rnn`, `relu-rnn`, `gru` or `lstm`; `none`: every frame is judged on its own.
        shape: (channels, height, width) of a frame.
        classes: labels.
        embedding: size of a frame's embedding.
        hidden_size: of each recurrent layer.
        layers: one above the other.
        dropout: share of the numbers turned off before and after the recurrent layers, while training.
    """

    def __init__(
        self,
        cell: str,
        shape: tuple[int, int, int],
        classes: int,
        embedding: int,
        hidden_size: int,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = FrameEncoder(shape, embedding)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = None if cell == "none" else Recurrent(cell, embedding, hidden_size, layers, dropout=dropout)
        self.output = nn.Linear(embedding + (0 if cell == "none" else hidden_size), classes)

    def forward(self, frames: Tensor) -> Tensor:
        """Scores (batch, classes, times), as cross-entropy takes them.

        Args:
            frames: (batch, times, channels, height, width).
        """
        return self.read(frames, None)[0]

    def read(self, frames: Tensor, state: State | None) -> tuple[Tensor, State | None]:
        """Scores as above, and the state to continue the clip from."""
        vectors = self.encoder(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])  # (batch, times, embedding)
        vectors = self.dropout(vectors)
        if self.recurrent is None:
            return self.output(vectors).transpose(1, 2), None
        read, after = self.recurrent(vectors, state)
        scores = self.output(torch.cat([self.dropout(read), vectors], 2))  # (batch, times, classes)
        return scores.transpose(1, 2), after
