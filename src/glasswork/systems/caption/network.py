"""A convolutional network that looks, and a recurrent one that writes (Kovashka and Kolter: image captioning)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.networks.attention_decoder import AttentionDecoder
from glasswork.networks.decoding import Memory
from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.networks.encoder_decoder import EncoderDecoder


class Trunk(nn.Module):
    """A network for images up to its last feature maps, under the names that its published weights have.

    Args:
        network: ends in a pooling and dense layers, which are left out.

    Raises:
        GlassworkError: for a network whose feature maps are not known.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        if isinstance(network, EfficientNetLite):
            for name in ("_dropout", "_fc"):
                delattr(network, name)
        elif hasattr(network, "features"):
            self.network = nn.ModuleDict({"features": network.get_submodule("features")})
        elif hasattr(network, "layer4"):
            for name in ("avgpool", "fc"):
                delattr(network, name)
        elif hasattr(network, "stages"):
            self.network = nn.ModuleDict({"stages": network.get_submodule("stages")})
        else:
            raise GlassworkError("Captions take a network with feature maps: use efficientnet-lite0 or convnet-small")

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps (batch, maps, rows, columns) of images (batch, channels, height, width)."""
        network = self.network
        if isinstance(network, EfficientNetLite):
            maps = F.relu6(network._bn0(network._conv_stem(images)))
            for block in network._blocks:
                maps = block(maps)
            return F.relu6(network._bn1(network._conv_head(maps)))
        for layer in network.children():
            images = layer(images)
        return images


class Captioner(EncoderDecoder):
    """Scores of every next word of a sentence about a picture.

    The places of the feature maps are the memory; their mean is what the decoder begins with (Vinyals et al. 2015;
    with attention Xu et al. 2015).

    Args:
        trunk: makes feature maps.
        maps: how many feature maps.
        side: rows and columns of the feature maps.
        decoder: writes; takes `size` numbers for each place.
        size: numbers of one place as the decoder sees it.
        hidden_size: of the decoder's layers.
        dropout: share of the numbers turned off, while training.
        fixed: whether the trunk works in training as in evaluation.
        unrolled: words of a sentence at most.
    """

    def __init__(
        self,
        trunk: Trunk,
        maps: int,
        side: tuple[int, int],
        decoder: AttentionDecoder,
        size: int,
        hidden_size: int,
        dropout: float,
        fixed: bool,
        unrolled: int,
    ) -> None:
        super().__init__(decoder, unrolled)
        self.trunk, self.maps, self.side, self.fixed = trunk, maps, side, fixed
        self.norm = nn.LayerNorm(maps)
        self.project = nn.Linear(maps, size)
        self.start = nn.ModuleList(nn.Linear(size, hidden_size) for _ in range(decoder.summary_sizes))
        self.dropout = nn.Dropout(dropout)

    def train(self, mode: bool = True) -> "Captioner":
        """Into training mode, and the trunk with it if it is not fixed."""
        super().train(mode)
        if self.fixed:
            self.trunk.eval()
        return self

    def features(self, images: Tensor) -> Tensor:
        """The feature maps of images, laid out in a row, place after place: (batch, places x maps)."""
        maps: Tensor = self.trunk(images)
        return maps.flatten(2).transpose(1, 2).flatten(1)

    def encode(self, inputs: Tensor) -> Memory:
        """What is read of images (batch, channels, height, width)."""
        return self.read(self.features(inputs))

    def read(self, features: Tensor) -> Memory:
        """What is read of the features of images, see `features`."""
        places = self.norm(features.reshape(features.shape[0], -1, self.maps))
        values = torch.relu(self.project(self.dropout(places)))  # (batch, places, size)
        mean = values.mean(1)
        inside = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        return Memory(values, inside, tuple(torch.tanh(layer(mean)) for layer in self.start))


class FromFeatures(EncoderDecoder):
    """The same network over features that are known already; it shares all weights.

    Args:
        network: of images.
    """

    def __init__(self, network: Captioner) -> None:
        super().__init__(network.decoder, network.unrolled)
        self.captioner = network

    def encode(self, inputs: Tensor) -> Memory:
        """What is read of features (batch, places x maps)."""
        return self.captioner.read(inputs)
