"""Networks as the lectures draw them: units with their links, or feature maps as boxes. Data only; `show` draws it.

Sources: Kovashka, 'Multi-layer network' (after Bishop, Figure 5.1) and 'AlexNet', 'LeNet' (the figures of the papers).
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost.count import Count
from glasswork.glassbox.cost.network import count_network
from glasswork.glassbox.trace.trace import Trace, Traced
from glasswork.record import Record

MOST_UNITS = 12
"""Units of a column that are drawn; of more, the first `SHOWN`."""
SHOWN = 7
MOST_COLUMNS = 8
MOST_BOXES = 16
_CHANGES = ("convolution", "pooling", "fully connected", "transposed", "lstm", "gru", "rnn", "attention")
"""What layers do whose output is a box of its own."""
_ALONE = frozenset(
    (
        *("flatten", "reshape", "view", "dropout", "threshold", "relu", "leaky relu", "elu", "selu", "celu", "gelu"),
        *("silu", "mish", "hardswish", "hardtanh", "tanh", "sigmoid", "softplus", "softsign", "softmax", "log softmax"),
    )
)
"""What may stand between dense layers of a drawing, as a count calls it."""
_SHORTCUT = re.compile(r"convolution 1(x1)*, stride")
"""What brings the maps that a block's sum adds to its size, before the block itself is carried out."""
_WINDOW = re.compile(r"\d+(?:x\d+)+")


@dataclass(frozen=True)
class Unit(Record):
    """One unit.

    Attributes:
        name: of an input or a class; empty: it has none.
        value: its activation z; None: no input was given.
        error: delta = dE/da; None: no target was given, or it is an input.
        bias: None: it has none.
    """

    name: str
    value: float | None
    error: float | None
    bias: float | None


@dataclass(frozen=True)
class Column(Record):
    """Units side by side.

    Attributes:
        title: such as `hidden 1`.
        how: the activation, such as `tanh`; empty: none follows.
        count: how many units there are.
        units: those that are drawn, the first ones.
    """

    title: str
    how: str
    count: int
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Nodes(Record):
    """A dense network as units and links.

    Attributes:
        title: what is drawn.
        columns: from the inputs to the outputs.
        weights: of each gap between columns, a row for each unit on the right, of the units drawn.
        loss: E; None without a target.
    """

    tag: ClassVar[str] = "nodes"
    title: str
    columns: tuple[Column, ...]
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    loss: float | None


@dataclass(frozen=True)
class Box(Record):
    """Feature maps, or a column of units.

    Attributes:
        maps: how many.
        height, width: of each; 1 and 1 for units.
        how: what made them, such as `convolution 5x5`; empty for the input.
        window: the window that slides over what comes before, (height, width); empty: none does.
        layers: how many layers of the network it stands for.
        back: how many boxes before this one lies what is added to it; 0: it lies in the same; None: nothing is.
    """

    maps: int
    height: int
    width: int
    how: str
    window: tuple[int, ...]
    layers: int
    back: int | None


@dataclass(frozen=True)
class Boxes(Record):
    """A network as the maps that it makes.

    Attributes:
        title: what is drawn.
        boxes: from the input to the output.
        parameters: of all layers.
        multiply_adds: of one pass forward.
    """

    tag: ClassVar[str] = "boxes"
    title: str
    boxes: tuple[Box, ...]
    parameters: int
    multiply_adds: int


Drawing = Nodes | Boxes


def dense_layers(network: nn.Module) -> list[tuple[str, nn.Linear]]:
    """The layers of a network that is nothing but dense layers one after the other; else none."""
    found = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    owned = {id(weight) for _, layer in found for weight in layer.parameters()}
    chained = all(one.out_features == other.in_features for (_, one), (_, other) in itertools.pairwise(found))
    return found if chained and owned == {id(weight) for weight in network.parameters()} else []


def draw_nodes(
    title: str,
    network: nn.Module,
    example: Tensor,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    trace: Trace | None = None,
) -> Nodes:
    """A dense network as units and links.

    Args:
        title: what is drawn.
        network: of dense layers only.
        example: an input that it takes, (1, ...), of any values.
        inputs: names of the inputs, in the first column.
        outputs: names of the outputs, in the last column.
        trace: the network opened on an input; None: there are no activations.

    Raises:
        GlassworkError: for a network with other layers, or with too many.
    """
    layers = dense_layers(network)
    if not layers:
        raise GlassworkError(f"{title} is not made of dense layers alone: draw it with --as boxes")
    if len(layers) >= MOST_COLUMNS:
        raise GlassworkError(f"{title} has {len(layers)} layers, too many for units and links: draw it with --as boxes")
    _require_chain(title, network, layers, example)
    columns = [_inputs(layers[0][1].in_features, inputs, trace, layers[0][0])]
    weights = []
    for place, (name, layer) in enumerate(layers):
        last = place == len(layers) - 1
        title_of = "output" if last else "hidden" if len(layers) == 2 else f"hidden {place + 1}"
        following = None if last else layers[place + 1][0]
        columns.append(_column(title_of, name, layer, outputs if last else (), trace, following))
        kept = layer.weight[: len(columns[-1].units), : len(columns[-2].units)].detach().double()
        weights.append(tuple(tuple(row) for row in kept.tolist()))
    return Nodes(title, tuple(columns), tuple(weights), None if trace is None else trace.loss_value)


def _drawn(count: int) -> int:
    return count if count <= MOST_UNITS else SHOWN


def _inputs(count: int, names: Sequence[str], trace: Trace | None, first: str) -> Column:
    values = None if trace is None else _operand(trace, first)
    units = tuple(
        Unit(names[place] if len(names) == count else "", None if values is None else values[place], None, None)
        for place in range(_drawn(count))
    )
    return Column("input", "", count, units)


def _column(
    title: str, name: str, layer: nn.Linear, names: Sequence[str], trace: Trace | None, following: str | None
) -> Column:
    count = layer.out_features
    values = errors = None
    how = ""
    if trace is not None:
        made = _dense_of(trace, name)
        values = made.results[0].values.numbers if following is None else _operand(trace, following)
        errors = None if made.results[0].upstream is None else made.results[0].upstream.numbers
        after = [
            one.name
            for one in trace.operations
            if any(each.source == f"operation {made.number}" for each in one.operands)
        ]
        how = after[0] if after and following is not None else ""
    bias = None if layer.bias is None else layer.bias.detach().double().tolist()
    units = tuple(
        Unit(
            names[place] if len(names) == count else "",
            None if values is None else values[place],
            None if errors is None else errors[place],
            None if bias is None else bias[place],
        )
        for place in range(_drawn(count))
    )
    return Column(title, how, count, units)


def _dense_of(trace: Trace, name: str) -> Traced:
    """What a trace has of a dense layer."""
    source = f"weight {name}.weight" if name else "weight weight"
    return next(one for one in trace.operations if source in (each.source for each in one.operands))


def _operand(trace: Trace, name: str) -> tuple[float, ...]:
    """The numbers that went into a dense layer."""
    operands = _dense_of(trace, name).operands
    return next(each for each in operands if not each.source.startswith("weight ")).values.numbers


def _require_chain(title: str, network: nn.Module, layers: Sequence[tuple[str, nn.Linear]], example: Tensor) -> None:
    """Refuses a network whose dense layers are not one after the other, with functions of single numbers between."""
    called = count_network(network, example, title).layers
    dense = [layer for layer in called if layer.kind == "fully connected"]
    other = next((layer.kind for layer in called if layer not in dense and layer.kind not in _ALONE), None)
    in_order = [layer.name for layer in dense] == [name for name, _ in layers]
    if other is not None or not (in_order or len(layers) == len(dense) == 1):
        why = f"there is {other} among them" if other else "they are used in another order, or several times"
        raise GlassworkError(f"The layers of {title} are not one after the other ({why}): draw it with --as boxes")
    if any(len(layer.output) > 1 for layer in dense):
        raise GlassworkError(f"{title} answers at several times or places at once: draw it with --as boxes")


def draw_boxes(count: Count) -> Boxes:
    """A network as the maps that its layers make, from what was counted."""
    boxes = [_box(count.input, "", 1)]
    for layer in count.layers:
        if "add" in layer.name.split()[-1] and len(layer.output) == 3:
            boxes[-1] = _with_branch(boxes)
        elif any(word in layer.kind.lower() for word in _CHANGES):
            output = [side for side in layer.output if side > 1] if "attention" in layer.kind else layer.output
            boxes.append(_box(output, layer.kind, 1))
    for same in (_shape, _resolution):
        if len(boxes) > MOST_BOXES:
            boxes = _grouped(_without_branches(boxes), same)
    return Boxes(count.what, tuple(boxes), count.parameters, count.multiply_adds)


def _with_branch(boxes: Sequence[Box]) -> Box:
    """The newest box with a way back to the box before the block whose sum it ends."""
    newest = boxes[-1]
    same = [place for place, one in enumerate(boxes[:-1]) if (one.maps, one.height) == (newest.maps, newest.height)]
    back = len(boxes) - 1 - same[-2] if len(same) > 1 else min(2, len(boxes) - 1)
    return replace(newest, back=max(1, back))


def _box(shape: Sequence[int], how: str, layers: int) -> Box:
    maps, *sides = shape
    if len(sides) == 1:  # numbers at each time or place
        (maps, height), width = (sides[0], maps), 1
    else:
        height, width = (sides[0], sides[-1]) if sides else (1, 1)
    window = _WINDOW.search(how) if sides and how else None
    sizes = tuple(int(side) for side in window[0].split("x")) if window else ()
    return Box(maps, height, width, how, sizes, layers, None)


def _without_branches(boxes: Sequence[Box]) -> list[Box]:
    """Without the short ways beside blocks: what fits maps to a sum, and what weighs maps by what all of one say."""
    last = max(place for place, one in enumerate(boxes) if one.height * one.width > 1)
    return [
        one
        for place, one in enumerate(boxes)
        if not _SHORTCUT.match(one.how) and (one.height * one.width > 1 or place > last)
    ]


def _shape(box: Box) -> tuple[int, ...]:
    return box.maps, box.height, box.width


def _resolution(box: Box) -> tuple[int, ...]:
    return (box.height, box.width) if box.height * box.width > 1 else _shape(box)


def _grouped(boxes: Sequence[Box], same: Callable[[Box], tuple[int, ...]]) -> list[Box]:
    """Boxes after each other that are the same in something as one, the last of them, so that there is room."""
    found = []
    for _, some in itertools.groupby(boxes, key=same):
        group = list(some)
        usual = Counter(one.how for one in group).most_common(1)[0][0]
        window = next(one.window for one in group if one.how == usual)
        back = 0 if any(one.back is not None for one in group) else None
        layers = sum(one.layers for one in group)
        found.append(replace(group[-1], how=usual, window=window, layers=layers, back=back))
    return found
