"""Turns a patch classifier into a fully convolutional network, which predicts for all places of an image at once.

A dense layer over maps of h x w cells is a convolution with h x w filters, and pooling over all cells is pooling over a
sliding window of h x w (Sermanet et al. 2014, "OverFeat", section 3.5; Long, Shelhamer and Darrell 2015). The value at
a place is then what the network says about the patch there, computed once for what patches share.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from typing_extensions import override

from glasswork.errors import GlassworkError


@dataclass(frozen=True)
class Extent:
    """What one cell sees: pixels from jump * place - before to jump * place + after, in one direction."""

    jump: int = 1
    before: int = 0
    after: int = 0

    def through(self, side: int, stride: int, padding: int, dilation: int) -> "Extent":
        """After a window of `side` cells."""
        reach = (side - 1) * dilation - padding
        return Extent(self.jump * stride, self.before + padding * self.jump, self.after + reach * self.jump)


@dataclass(frozen=True)
class _Value:
    """What is known of a value on its way.

    Attributes:
        extents: in the directions of height and width.
        window: cells (height, width) of a patch's maps that the next dense layer is to see; None within the maps.
        average: (pixels of an adaptive average, height * width), to be folded into that layer; None without one.
        padded: zeros were put around the maps somewhere.
    """

    extents: tuple[Extent, Extent]
    window: tuple[int, int] | None = None
    average: Tensor | None = None
    padded: bool = False


@final
class FullyConvolutional(nn.Module):
    """A network for patches, applied to images of any size.

    Attributes:
        patch: height and width of a patch.
        stride: pixels from one value of the map to the next, down and across.
        before: pixels above and left of a patch on which its value depends; 0 for a network without padding.
        after: pixels below and right of it.
        padded: whether the network pads inside. Without padding each value equals the network's on that patch. With
            padding it is the head applied to the features of the whole image, around which alone zeros were put: at
            the border of a patch the features then see what really is beside it.
    """

    def __init__(self, graph: fx.GraphModule, values: Mapping[fx.Node, _Value], patch: tuple[int, int]) -> None:
        super().__init__()
        self._graph = graph
        self._values = values
        self.patch = patch
        end = next(node for node in graph.graph.nodes if node.op == "output")
        down, across = values[end.args[0]].extents
        self.stride = (down.jump, across.jump)
        self.before = (down.before, across.before)
        self.after = (max(0, down.after - patch[0] + 1), max(0, across.after - patch[1] + 1))
        self.padded = any(value.padded for value in values.values())

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the map of an image: one for each place where a whole patch fits, stride by stride."""
        down, across = (
            (side - patch) // stride + 1
            for side, patch, stride in zip((height, width), self.patch, self.stride, strict=True)
        )
        return max(0, down), max(0, across)

    @override
    def forward(self, images: Tensor) -> Tensor:
        """Scores (batch, outputs, rows, columns) for images (batch, channels, height, width), of a patch's size up."""
        return _Sliding(self._graph, self._values)(images, self.size(*images.shape[2:]))


def fully_convolutional(network: nn.Module, shape: tuple[int, int, int]) -> FullyConvolutional:
    """The network as one that slides over images; the weights are shared with it.

    Args:
        network: a classifier of patches: convolutions, pooling and what works cell by cell, then flattening or global
            pooling, then dense layers. It is put into evaluation mode.
        shape: (channels, height, width) of a patch.

    Raises:
        GlassworkError: for an operation that does not slide, such as layer or group normalisation, or padding that
            depends on the size of the input (EfficientNet-Lite); it is named.
    """
    network.eval()
    try:
        graph = fx.symbolic_trace(network)
    except Exception as error:  # control flow over data or shapes fails in whatever way it fails
        raise GlassworkError(
            f"{type(network).__name__} cannot slide over an image: what it does depends on its input's size or values; "
            "train with --network patchnet, convnet-small or lenet"
        ) from error
    graph.eval()
    parameter = next(network.parameters())
    example = torch.zeros(1, *shape, device=parameter.device, dtype=parameter.dtype)
    with torch.no_grad():
        ShapeProp(graph).propagate(example)
        values: dict[fx.Node, _Value] = {}
        for node in graph.graph.nodes:
            known = _followed(graph, node, values)
            if known is not None:
                values[node] = known
        sliding = FullyConvolutional(graph, values, (shape[1], shape[2]))
        given = torch.rand(example.shape, generator=torch.Generator().manual_seed(0)).to(example)
        expected, found = network(given), sliding(given)
    if found.shape[2:] != (1, 1) or not torch.allclose(found[..., 0, 0], expected, atol=1e-4, rtol=1e-4):
        raise GlassworkError(
            f"{type(network).__name__} cannot slide over an image: its head has operations that are not supported"
        )
    return sliding


def _kind(graph: fx.GraphModule, node: fx.Node) -> Any:
    return type(graph.get_submodule(str(node.target))) if node.op == "call_module" else node.target


def _sides(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(node.meta["tensor_meta"].shape)


def _followed(graph: fx.GraphModule, node: fx.Node, values: Mapping[fx.Node, _Value]) -> _Value | None:
    """What is known of a node's value from what is known of its inputs."""
    if node.op == "placeholder":
        return _Value((Extent(), Extent()))
    if node.op in ("get_attr", "output"):
        return None
    given = [values[one] for one in node.all_input_nodes if one in values]
    kind = _kind(graph, node)
    rule = _RULES.get(kind)
    if rule is None and kind not in _CELL_BY_CELL:
        name = kind if isinstance(kind, str) else kind.__name__
        raise GlassworkError(f"The network cannot slide over an image: it does not support the operation '{name}'")
    if not given:
        return None
    if rule is not None:
        return rule(_Call(graph, node, given[0]))
    return _joined(given)


def _joined(given: list[_Value]) -> _Value:
    """Where values meet cell by cell: each sees what any of them sees."""
    pairs = zip(*(value.extents for value in given), strict=True)
    extents = []
    for directions in pairs:
        if len({one.jump for one in directions}) > 1:
            raise GlassworkError("The network cannot slide over an image: it joins maps of different strides")
        most = (max(one.before for one in directions), max(one.after for one in directions))
        extents.append(Extent(directions[0].jump, *most))
    first = given[0]
    return _Value((extents[0], extents[1]), first.window, first.average, any(value.padded for value in given))


@dataclass(frozen=True)
class _Call:
    """One operation with what goes into it."""

    graph: fx.GraphModule
    node: fx.Node
    value: _Value

    @property
    def module(self) -> Any:
        return self.graph.get_submodule(str(self.node.target))

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument by place or name; of a module its attribute."""
        if self.node.op == "call_module":
            return getattr(self.module, name)
        return self.node.args[place] if len(self.node.args) > place else self.node.kwargs.get(name, default)

    @property
    def cells(self) -> tuple[int, ...]:
        """Shape that goes in for one patch."""
        return _shape(self.node.all_input_nodes[0])

    def refuse(self, what: str) -> GlassworkError:
        return GlassworkError(f"The network cannot slide over an image: {what} ({self.node.name})")


def _window(call: _Call) -> _Value:
    """Convolution and pooling."""
    if call.value.window is not None:
        raise call.refuse("a convolution or pooling stands behind its head")
    if call.node.op == "call_module" and getattr(call.module, "ceil_mode", False):
        raise call.refuse("pooling with ceil_mode keeps cells that are cut off")
    convolution = call.node.op == "call_module" and isinstance(call.module, nn.Conv2d)
    if convolution and (call.module.padding_mode != "zeros" or isinstance(call.module.padding, str)):
        raise call.refuse("padding other than a number of zeros")
    if call.node.op == "call_module":
        names = ("kernel_size", "stride", "padding")
        side, stride, padding = (_sides(getattr(call.module, name)) for name in names)
        dilation = _sides(getattr(call.module, "dilation", 1))
    else:
        side = _sides(call.argument(1, "kernel_size"))
        stride = _sides(call.argument(2, "stride") or side)
        padding = _sides(call.argument(3, "padding", 0))
        dilation = (1, 1)
        further = call.node.kwargs
        if further.get("ceil_mode") or further.get("dilation", 1) not in (1, (1, 1)) or len(call.node.args) > 4:
            raise call.refuse("pooling with dilation or ceil_mode")
    each = zip(call.value.extents, side, stride, padding, dilation, strict=True)
    down, across = (extent.through(*numbers) for extent, *numbers in each)
    return replace(call.value, extents=(down, across), padded=call.value.padded or any(padding))


def _slid(value: _Value, cells: tuple[int, int]) -> _Value:
    down, across = (extent.through(side, 1, 0, 1) for extent, side in zip(value.extents, cells, strict=True))
    return replace(value, extents=(down, across))


def _pooled(call: _Call) -> _Value:
    """The mean or the greatest of all cells."""
    dimensions = call.argument(1, "dim")
    asked = {one % 4 for one in dimensions} if isinstance(dimensions, (tuple, list)) else set()
    if len(call.cells) != 4 or asked != {2, 3}:
        raise call.refuse("it pools over other directions than height and width together")
    return _slid(call.value, (call.cells[2], call.cells[3]))


def _adaptive(call: _Call) -> _Value:
    height, width = call.cells[2:]
    asked = [side or own for side, own in zip(_sides(call.argument(1, "output_size")), (height, width), strict=True)]
    if asked == [height, width]:
        return call.value
    if asked == [1, 1]:
        return _slid(call.value, (height, width))
    average = call.node.target is F.adaptive_avg_pool2d or _kind(call.graph, call.node) is nn.AdaptiveAvgPool2d
    if not average:
        raise call.refuse("it takes the greatest value of parts of the patch")
    units = torch.eye(height * width, device=_device(call)).view(height * width, 1, height, width)
    folded = F.adaptive_avg_pool2d(units, (asked[0], asked[1])).flatten(1).T
    return replace(call.value, average=folded, window=(height, width))


def _device(call: _Call) -> torch.device:
    return next(call.graph.parameters()).device


def _flattened(call: _Call) -> _Value:
    shape, result = call.cells, _shape(call.node)
    if len(shape) != 4 and shape == result:
        return call.value
    if len(shape) != 4 or len(result) != 2 or result[0] != shape[0]:
        raise call.refuse("it reshapes in a way that is not flattening")
    if call.value.window is not None:
        return call.value
    return replace(call.value, window=(shape[2], shape[3]))


def _dense(call: _Call) -> _Value:
    if len(call.cells) != 2:
        raise call.refuse("a dense layer is applied to maps")
    value = _slid(call.value, call.value.window) if call.value.window else call.value
    return replace(value, window=(1, 1), average=None)


class _Sliding(fx.Interpreter):
    """Carries the traced network out with its head as a window that slides."""

    def __init__(self, graph: fx.GraphModule, values: Mapping[fx.Node, _Value]) -> None:
        super().__init__(graph)
        self._graph, self._values = graph, values

    def __call__(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        scores: Tensor = self.run(images)
        return scores[:, :, : size[0], : size[1]]

    @override
    def run_node(self, n: fx.Node) -> Any:
        carried = _CARRIED.get(_RULES.get(_kind(self._graph, n))) if n.op.startswith("call") else None
        if carried is None:
            return self._normalised(n) if _kind(self._graph, n) is nn.BatchNorm1d else super().run_node(n)
        given = self.env[n.all_input_nodes[0]]
        call = _Call(self._graph, n, self._values[n.all_input_nodes[0]])
        return carried(call, given)

    def _normalised(self, node: fx.Node) -> Tensor:
        """Batch normalisation of units, at every place."""
        layer: Any = self._graph.get_submodule(str(node.target))
        maps = self.env[node.all_input_nodes[0]]
        known = (layer.running_mean, layer.running_var, layer.weight, layer.bias)
        return F.batch_norm(maps, *known, training=False, eps=layer.eps)


def _carry_pooled(call: _Call, maps: Tensor) -> Tensor:
    cells = (call.cells[2], call.cells[3])
    greatest = call.node.target in ("amax", torch.amax)
    return F.max_pool2d(maps, cells, 1) if greatest else F.avg_pool2d(maps, cells, 1)


def _carry_adaptive(call: _Call, maps: Tensor) -> Tensor:
    cells = (call.cells[2], call.cells[3])
    if _shape(call.node)[2:] != (1, 1):
        return maps
    greatest = call.node.target is F.adaptive_max_pool2d or _kind(call.graph, call.node) is nn.AdaptiveMaxPool2d
    return F.max_pool2d(maps, cells, 1) if greatest else F.avg_pool2d(maps, cells, 1)


def _carry_flattened(call: _Call, maps: Tensor) -> Tensor:
    return maps


def _carry_dense(call: _Call, maps: Tensor) -> Tensor:
    layer, value = call.module, call.value
    height, width = value.window or (1, 1)
    weight = layer.weight
    if value.average is not None:
        weight = weight.view(len(weight), -1, len(value.average)) @ value.average
    return F.conv2d(maps, weight.reshape(len(weight), -1, height, width), layer.bias)


_RULES: dict[Any, Callable[[_Call], _Value]] = {
    **dict.fromkeys((nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, F.max_pool2d, F.avg_pool2d), _window),
    **dict.fromkeys(("mean", "amax", torch.mean, torch.amax), _pooled),
    **dict.fromkeys(
        (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, F.adaptive_avg_pool2d, F.adaptive_max_pool2d), _adaptive
    ),
    **dict.fromkeys((nn.Flatten, torch.flatten, "flatten", "view", "reshape", torch.reshape), _flattened),
    nn.Linear: _dense,
}
_CARRIED: dict[Any, Callable[[_Call, Tensor], Tensor]] = {
    _pooled: _carry_pooled,
    _adaptive: _carry_adaptive,
    _flattened: _carry_flattened,
    _dense: _carry_dense,
}
_CELL_BY_CELL: frozenset[Any] = frozenset(
    (
        *(nn.BatchNorm1d, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU),
        *(nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Softplus, nn.Hardsigmoid),
        *(F.relu, F.relu6, F.leaky_relu, F.elu, F.gelu, F.silu, F.sigmoid, F.tanh, F.dropout, torch.relu),
        *(torch.sigmoid, torch.tanh, operator.add, operator.sub, operator.mul, operator.iadd, torch.add, torch.mul),
        *("relu", "relu_", "sigmoid", "tanh", "add", "mul", "clamp", "contiguous"),
    )
)


Region = Callable[[int, int, int, int], Tensor]


def tiles(network: FullyConvolutional, height: int, width: int, tile: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the map that are computed together, each from about `tile` pixels in a direction."""
    rows, columns = network.size(height, width)
    down, across = (max(1, tile // stride) for stride in network.stride)
    for top in range(0, rows, down):
        for left in range(0, columns, across):
            yield slice(top, min(rows, top + down)), slice(left, min(columns, left + across))


def tile_scores(
    network: FullyConvolutional, read: Region, height: int, width: int, part: tuple[slice, slice]
) -> Tensor:
    """The part of an image's map that one tile makes, from its pixels and a halo of what they depend on.

    Args:
        network: what is applied.
        read: the pixels of a region (left, top, width, height) as the network takes them: (channels, height, width).
        height: of the image, in pixels.
        width: of the image, in pixels.
        part: rows and columns of the map.

    Returns:
        (outputs, rows, columns); equal to that part of the whole image's map.
    """
    spans = []
    for direction, (places, side) in enumerate(zip(part, (height, width), strict=True)):
        stride, patch = network.stride[direction], network.patch[direction]
        # Whole strides, so that pooling windows stand where they do in the whole image.
        halo = -(-network.before[direction] // stride)
        first = max(0, places.start - halo)
        # Cells whose pixels end in the halo are cut off below; what reaches the border of the image keeps its padding.
        end = min(side, (places.stop - 1) * stride + patch + network.after[direction])
        spans.append((first, first * stride, end))
    (row, top, bottom), (column, left, right) = spans
    pixels = read(left, top, right - left, bottom - top)
    scores: Tensor = network(pixels[None])[0]
    rows, columns = part
    return scores[:, rows.start - row : rows.stop - row, columns.start - column : columns.stop - column]
