"""A convolutional network that looks at regions: at each alone (Girshick et al. 2014), or at its part of shared maps
(Girshick 2015)."""

import abc
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.data.kinds.boxes import WINDOWS
from glasswork.errors import GlassworkError
from glasswork.networks.efficientnet_lite import EfficientNetLite
from glasswork.objectives.losses import class_probabilities

DEVIATIONS = (0.1, 0.1, 0.2, 0.2)
"""Of the moves of boxes, by which what is learned of them is divided."""
CELLS = 4
HIDDEN = 256
SAMPLES = 2  # along each side of a cell


def windows(side: int) -> Tensor:
    """The regions of a picture if none are proposed: all of it, four overlapping quarters, and nine smaller ones."""
    found = [(0.0, 0.0, 1.0, 1.0)]
    for size, starts in ((0.6, (0.0, 0.4)), (0.4, (0.0, 0.3, 0.6))):
        found += [(x, y, x + size, y + size) for y in starts for x in starts]
    assert len(found) == WINDOWS
    return side * torch.tensor(found)


def pool_regions(maps: Tensor, regions: Tensor, side: int, cells: int, largest: bool) -> Tensor:
    """What lies under regions, in cells x cells parts; zeros beyond the borders.

    Each cell is sampled at 2 x 2 points between which the maps are interpolated, so that the borders of regions are not
    rounded to cells of the maps (He et al. 2017; the paper of Fast R-CNN rounds them).

    Args:
        maps: (pictures, maps, height, width), of square pictures.
        regions: (pictures, regions, 4), in pixels of the picture.
        side: of the picture, in pixels.
        cells: parts along each side.
        largest: whether a cell is the largest of its samples (Fast R-CNN's pooling); else their mean.

    Returns:
        (pictures, maps, regions, cells, cells).
    """
    points = (torch.arange(cells * SAMPLES, device=maps.device) + 0.5) / (cells * SAMPLES)
    scaled = 2 * regions / side - 1
    across = scaled[..., 0:1] + (scaled[..., 2:3] - scaled[..., 0:1]) * points  # (pictures, regions, samples)
    down = scaled[..., 1:2] + (scaled[..., 3:4] - scaled[..., 1:2]) * points
    count, samples = regions.shape[1], cells * SAMPLES
    grid = torch.stack(
        [across[:, :, None, :].expand(-1, -1, samples, -1), down[:, :, :, None].expand(-1, -1, -1, samples)], -1
    ).flatten(1, 2)  # (pictures, regions x samples, samples, 2)
    found = F.grid_sample(maps, grid.to(maps.dtype), align_corners=False)
    pooled = F.max_pool2d(found, SAMPLES) if largest else F.avg_pool2d(found, SAMPLES)
    return pooled.reshape(-1, maps.shape[1], count, cells, cells)


class Detector(nn.Module, abc.ABC):
    """A class, and a better box, for every region of a picture.

    Args:
        body: the convolutional network.
        side: of the square pictures, in pixels.
        classes: how many, without the background.
        fixed: whether the first half of the body, and all of its normalisations, stay as they are.
    """

    windows: Tensor
    output: nn.Module

    def __init__(self, body: nn.Module, side: int, classes: int, fixed: bool) -> None:
        super().__init__()
        self.body, self.side, self.number, self.fixed = body, side, classes, fixed
        self.register_buffer("windows", windows(side), persistent=False)

    def train(self, mode: bool = True) -> "Detector":
        """Into training mode, but for normalisations that are fixed: regions of a few pictures say little of others."""
        super().train(mode)
        for layer in self.body.modules():
            if self.fixed and isinstance(layer, nn.BatchNorm2d | nn.Dropout):
                layer.eval()
        return self

    @abc.abstractmethod
    def look(self, images: Tensor) -> list[Tensor]:
        """What is computed of pictures before regions are asked about."""

    @abc.abstractmethod
    def pool(self, seen: Sequence[Tensor], regions: Tensor) -> Tensor:
        """Features of regions, (pictures, regions, units), from what `look` gave."""

    @abc.abstractmethod
    def move(self, features: Tensor) -> Tensor:
        """How the boxes of each class move, (pictures, regions, classes, 4), see `objectives.detection.encode`."""

    def score(self, features: Tensor) -> Tensor:
        """Scores of all classes and the background, (pictures, regions, classes + 1), as they are trained."""
        scores: Tensor = self.output(features)
        return scores

    def rate(self, features: Tensor) -> Tensor:
        """How sure a region is of each class, from 0 to 1, (pictures, regions, classes)."""
        return class_probabilities(self.score(features).transpose(1, 2), "cross-entropy")[:, :-1].transpose(1, 2)

    def read(self, images: Tensor, regions: Tensor) -> Tensor:
        """Features of regions of pictures, (pictures, regions, units)."""
        return self.pool(self.look(images), regions)

    def trained(self) -> list[nn.Parameter]:
        """What training changes."""
        kept = {id(each) for each in first_half(self.body)} if self.fixed else set[int]()
        return [each for each in self.parameters() if id(each) not in kept]

    def forward(self, images: Tensor, regions: Tensor | None = None, wanted: Tensor | None = None) -> Tensor:
        """Scores (pictures, classes + 1, regions) of images (pictures, channels, side, side).

        Args:
            images: scaled.
            regions: (pictures, regions, 4); None: `windows`.
            wanted: boxes that the regions should have become; only the loss looks at them.
        """
        asked = self.windows.expand(images.shape[0], -1, -1) if regions is None else regions
        return self.score(self.read(images, asked)).transpose(1, 2)


class PerRegion(Detector):
    """Every region is warped to a square and looked at alone.

    The softmax layer is what the network is fine-tuned with. Support vector machines and the regression of boxes are
    set when training is complete, on features of mean length 1.

    Args:
        body: makes features (regions, units) of warped regions.
        units: how many.
        side: of the pictures.
        classes: how many.
        fixed: as for `Detector`.
        warped: side of a warped region.
        context: share of it that shows the surroundings, at each border.
    """

    mean: Tensor
    scale: Tensor
    svm_weight: Tensor
    svm_bias: Tensor
    box_weight: Tensor
    box_bias: Tensor

    def __init__(
        self, body: nn.Module, units: int, side: int, classes: int, fixed: bool, warped: int, context: float
    ) -> None:
        super().__init__(body, side, classes, fixed)
        self.warped, self.context = warped, context
        self.output = nn.Linear(units, classes + 1)
        self.register_buffer("mean", torch.zeros(units))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("svm_weight", torch.zeros(classes, units))
        self.register_buffer("svm_bias", torch.zeros(classes))
        self.register_buffer("box_weight", torch.zeros(classes * 4, units))
        self.register_buffer("box_bias", torch.zeros(classes * 4))

    def warp(self, images: Tensor, regions: Tensor) -> Tensor:
        """The regions with their context, (pictures, regions, channels, warped, warped); means beyond the borders."""
        half = (regions[..., 2:] - regions[..., :2]) * (0.5 / (1 - 2 * self.context))
        centre = (regions[..., 2:] + regions[..., :2]) / 2
        around = torch.cat([centre - half, centre + half], -1)
        return pool_regions(images, around, self.side, self.warped, largest=False).transpose(1, 2)

    def look(self, images: Tensor) -> list[Tensor]:
        """The pictures themselves."""
        return [images]

    def pool(self, seen: Sequence[Tensor], regions: Tensor) -> Tensor:
        """Features of regions, each looked at alone."""
        found: Tensor = self.body(self.warp(seen[0], regions).flatten(0, 1))
        return found.reshape(-1, regions.shape[1], self.mean.shape[0])

    def rate(self, features: Tensor) -> Tensor:
        """The margins of the support vector machines, brought to 0 to 1; at 1/2 a machine is undecided."""
        return F.linear(self._scale_features(features), self.svm_weight, self.svm_bias).sigmoid()

    def move(self, features: Tensor) -> Tensor:
        """The moves of the ridge regression."""
        found = F.linear(self._scale_features(features), self.box_weight, self.box_bias)
        return found.view(*features.shape[:2], self.number, 4)

    def _scale_features(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.scale


class Shared(Detector):
    """The picture is looked at once; each region pools from the feature maps of several depths.

    Args:
        body: makes feature maps of several depths of pictures.
        maps: how many in all.
        side: of the pictures.
        classes: how many.
        fixed: as for `Detector`.
    """

    deviations: Tensor

    def __init__(self, body: "Trunk", maps: int, side: int, classes: int, fixed: bool) -> None:
        super().__init__(body, side, classes, fixed)
        self.hidden = nn.Linear(maps * CELLS**2, HIDDEN)
        self.output = nn.Linear(HIDDEN, classes + 1)
        self.boxes = nn.Linear(HIDDEN, classes * 4)
        nn.init.normal_(self.boxes.weight, std=0.001)
        nn.init.zeros_(self.boxes.bias)
        self.register_buffer("deviations", torch.tensor(DEVIATIONS), persistent=False)

    def look(self, images: Tensor) -> list[Tensor]:
        """Feature maps of the pictures."""
        found: list[Tensor] = self.body(images)
        return found

    def pool(self, seen: Sequence[Tensor], regions: Tensor) -> Tensor:
        """Features of regions, pooled from the pictures' maps."""
        pooled = torch.cat([pool_regions(each, regions, self.side, CELLS, largest=True) for each in seen], 1)
        return F.relu(self.hidden(pooled.transpose(1, 2).flatten(2)))

    def move(self, features: Tensor) -> Tensor:
        """The moves of the boxes of each class."""
        found: Tensor = self.boxes(features)
        return found.view(*features.shape[:2], self.number, 4) * self.deviations


class Trunk(nn.Module):
    """A network for images up to its last feature maps, which also gives out those of two depths before.

    Args:
        network: ends in pooling and dense layers, which are left out.

    Raises:
        GlassworkError: for a network whose feature maps are not known.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        if isinstance(network, EfficientNetLite):
            for name in ("_conv_head", "_bn1", "_dropout", "_fc"):
                delattr(network, name)
        elif hasattr(network, "stages"):
            network = nn.ModuleDict({"stages": network.get_submodule("stages")})
        else:
            raise GlassworkError("Shared features take efficientnet-lite0 or convnet-small as --network")
        self.network = network

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of three depths, each (pictures, maps, height, width)."""
        network, found, maps = self.network, list[Tensor](), images
        if isinstance(network, EfficientNetLite):
            maps = F.relu6(network._bn0(network._conv_stem(images)))
            layers = list(network._blocks)
        else:
            layers = list(network.get_submodule("stages").children())
        for place, layer in enumerate(layers):
            before, maps = maps, layer(maps)
            if place and before.shape[2] > maps.shape[2]:
                found.append(before)
        return [*found, maps][-3:]


def first_half(network: nn.Module) -> list[nn.Parameter]:
    """The parameters of the first half of a network, which see edges and textures rather than things."""
    body = network.network if isinstance(network, Trunk) else network
    if isinstance(body, EfficientNetLite):
        layers = [body._conv_stem, body._bn0, *list(body._blocks)[: len(body._blocks) // 2]]
        return [each for layer in layers for each in layer.parameters()]
    every = list(network.parameters())
    return every[: len(every) // 2]
