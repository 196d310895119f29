"""A classifier of patches without padding, made to be slid over large images."""

from collections.abc import Sequence

from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks import activations

WIDTHS = (32, 64, 128)
LEAST_SIDE = 4


class PatchNet(nn.Module):
    """Stages of an unpadded 3x3 convolution and a 2x2 pooling, the mean of each map, one dense layer.

    Without padding a map over a whole image holds exactly what the network says about each patch (Long, Shelhamer and
    Darrell 2015). A patch too small for all of the stages gets as many as it has room for: 32 pixels suffice for three.

    Args:
        shape: (channels, height, width) of a patch.
        outputs: scores, one per class or number predicted.
        widths: maps of each stage.
        activation: a name in `ACTIVATIONS` that keeps the number of maps: any but maxout.
        dropout: probability to turn an input of the dense layer off while training.

    Raises:
        GlassworkError: a patch too small, an unknown activation, or maxout.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        outputs: int,
        widths: Sequence[int] = WIDTHS,
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        channels, height, width = shape
        if min(height, width) < LEAST_SIDE:
            raise GlassworkError(
                f"PatchNet needs patches of at least {LEAST_SIDE} by {LEAST_SIDE} pixels; these are {height} by {width}"
            )
        chosen = activations.find_activation(activation)
        if chosen.pieces > 1:
            raise GlassworkError(f"PatchNet needs an activation that keeps the number of maps, not {activation}")
        stages: list[nn.Module] = []
        side = min(height, width)
        for maps in widths:
            if side < LEAST_SIDE:
                break
            # Pooling stands before normalisation and activation, which then have a quarter of the values to work on.
            stages += [activations.convolution(channels, maps, 3, activation, pooled=True), nn.MaxPool2d(2)]
            stages += [nn.BatchNorm2d(maps), chosen.build()]
            channels, side = maps, (side - 2) // 2
        self.stages = nn.Sequential(*stages)
        self.dropout = activations.dropout_layer(dropout)
        self.output = activations.linear(channels, outputs)

    def forward(self, patches: Tensor) -> Tensor:
        """Scores of shape (batch, outputs) for patches of shape (batch, channels, height, width)."""
        maps = self.stages(patches)  # (batch, 128, 6, 6) for 64 x 64
        units = self.dropout(maps.mean(dim=(2, 3)))  # (batch, 128)
        scores: Tensor = self.output(units)  # (batch, outputs)
        return scores
