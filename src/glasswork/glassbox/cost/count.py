"""What a network costs: parameters, multiply-adds, memory and receptive field, layer by layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.glassbox.cost import receptive_field
from glasswork.glassbox.cost.architecture import ORDERS, Planned, read_architecture
from glasswork.glassbox.cost.receptive_field import Reach
from glasswork.record import Record

BYTES = 4
COUNTED = (
    "Multiply-adds are those of convolutions, fully connected layers and matrix products; adding biases, pooling, "
    "activations and normalisation are small beside them and not counted."
)
MEMORY = "Memory is that of one pass forward, 4 bytes a number, without the input; training keeps gradients too."


@dataclass(frozen=True)
class Layer(Record):
    """One layer, or one operation between layers.

    Attributes:
        name: the word of a written-out architecture, or the path of a module (`layer1.0.conv1`), or of the module whose
            code makes a call with the function's name (`layer1.0 add`).
        kind: what it does.
        output: shape of what comes out, without the batch of one.
        parameters: learned numbers that no layer before it holds already.
        parameters_formula: how they come about, `5*5*3*64 + 64 = 4,864`; empty where there are none.
        multiply_adds: for one pass forward.
        multiply_adds_formula: how they come about; empty where there are none.
        memory: bytes of new numbers that it puts out; 0 where it writes over its input or is a view of it.
        receptive_field: side of what one number of its output sees, in pixels of the input, in each direction (height,
            width); zero-padding counts as seen. None where it sees everything, or where it is not known.
        jump: pixels of the input between the fields of neighbours.
        sees_all: each number of its output depends on the whole input.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    parameters_formula: str
    multiply_adds: int
    multiply_adds_formula: str
    memory: int
    receptive_field: tuple[int, ...] | None
    jump: tuple[int, ...] | None
    sees_all: bool


@dataclass(frozen=True)
class Count(Record):
    """The layers of a network and what they add up to.

    Attributes:
        what: the architecture as written, or the name of the network.
        input: shape of the input, without the batch of one.
        order: what the sizes in a shape are.
        layers: in the order of the data's way through them.
        parameters: all learned numbers, each once.
        multiply_adds: of one pass forward.
        activation_bytes: memory of all layers' outputs.
        weight_bytes: memory of the parameters.
        notes: sentences on how it was counted and what to mind.
    """

    what: str
    input: tuple[int, ...]
    order: str
    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int
    weight_bytes: int
    notes: tuple[str, ...]


def count(what: str, size: str | Sequence[int] | None = None) -> Count:
    """Counts a written-out architecture, such as "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10".

    That one is Kolter's quiz ("Number of parameters"): 160,650 of them.

    Args:
        what: the words: the size of the input, `conv5x5x64` (zero-padded; `/2` is a stride, `/valid` unpadded),
            `pool2`, `pool3/2`, `avgpool2`, `sumpool2`, `globalpool`, `fc10`, `relu`, `tanh`, `sigmoid`, `softmax`,
            `bn`, `dropout`, `flatten`. An input such as 100x1 (length x channels) takes `conv5x8`.
        size: of the input, instead of the one in the text.

    Raises:
        GlassworkError: an unknown word, a window larger than its input, or sizes that do not fit.
    """
    architecture = read_architecture(what, size)
    reach: Reach = receptive_field.at_input(len(architecture.input) + 1)
    layers = []
    for planned in architecture.layers:
        if planned.mixes:
            reach = receptive_field.WHOLE
        elif planned.sides:
            reach = receptive_field.through_window(reach, planned.sides, planned.strides, (1,) * len(planned.sides))
        layers.append(_layer(planned, reach))
    notes = [note for planned in architecture.layers for note in planned.notes]
    return summed(what, architecture.input, ORDERS[len(architecture.input)], layers, notes)


def _layer(planned: Planned, reach: Reach) -> Layer:
    parameters, sum_of_weights = formula(planned.weights)
    products, product = formula((planned.products,) if planned.products else ())
    memory = 0 if planned.keeps else BYTES * math.prod(planned.output)
    return Layer(
        planned.word, planned.kind, planned.output, parameters, sum_of_weights, products, product, memory, *seen(reach)
    )


def summed(what: str, shape: tuple[int, ...], order: str, layers: Sequence[Layer], notes: Sequence[str]) -> Count:
    """The count whose totals are those of its layers."""
    parameters = sum(layer.parameters for layer in layers)
    return Count(
        what=what,
        input=shape,
        order=order,
        layers=tuple(layers),
        parameters=parameters,
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        activation_bytes=sum(layer.memory for layer in layers),
        weight_bytes=BYTES * parameters,
        notes=(*notes, COUNTED, MEMORY),
    )


def formula(terms: Sequence[Sequence[int]]) -> tuple[int, str]:
    """A sum of products and how it is written: `5*5*3*64 + 64 = 4,864`; nothing where there are no terms."""
    value = sum(math.prod(factors) for factors in terms)
    words = " + ".join("*".join(map(str, factors)) for factors in terms)
    single = len(terms) == 1 and len(terms[0]) == 1
    return value, f"{value:,}" if single else f"{words} = {value:,}" if terms else ""


def seen(reach: Reach | None) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None, bool]:
    """A reach as the last three fields of a `Layer`."""
    if reach is None or reach.whole or not reach.size:
        return None, None, reach is not None and reach.whole
    return reach.size, reach.jump, False
