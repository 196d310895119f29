"""What a network costs: parameters, multiply-adds, memory and receptive field, layer by layer."""

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost import receptive_field
from glasswork.glassbox.cost.receptive_field import Reach
from glasswork.record import Record

Shape = tuple[int, ...]

EXAMPLE = "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10"
ORDERS = {1: "numbers", 2: "length x channels", 3: "height x width x channels"}
_INPUT = re.compile(r"\d{1,9}(x\d{1,9})*")
_WORD = re.compile(r"([a-z]+(?:-[a-z]+)*)(\d{1,9}(?:x\d{1,9})*|0?\.\d{1,9})?((?:/[a-z0-9]+)*)")


@dataclass(frozen=True)
class Planned:
    """One word of an architecture, worked out.

    Attributes:
        word: as it was written.
        kind: what it stands for.
        output: shape of what comes out.
        weights: the factors of each product in its number of parameters.
        products: the factors of its number of multiply-adds; empty if there are none.
        sides, strides: of its windows, in each direction; empty where it has none.
        mixes: each output depends on all inputs.
        keeps: it holds no new numbers in memory.
        notes: what the reader should mind.
    """

    word: str
    kind: str
    output: Shape
    weights: tuple[tuple[int, ...], ...] = ()
    products: tuple[int, ...] = ()
    sides: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    mixes: bool = False
    keeps: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Architecture:
    """A written-out architecture: the shape of its input, and its layers."""

    input: Shape
    layers: tuple[Planned, ...]


@dataclass(frozen=True)
class _Word:
    text: str
    place: int
    name: str
    sizes: tuple[int, ...]
    options: tuple[str, ...]

    def wrong(self, what: str) -> GlassworkError:
        end = "" if what.endswith("?") else "."
        return GlassworkError(f"Word {self.place} of the architecture, '{self.text}', {what}{end}")


def write_shape(shape: Sequence[int]) -> str:
    """A shape as people write it: 28x28x6."""
    return "x".join(map(str, shape))


def read_architecture(text: str, size: str | Sequence[int] | None = None) -> Architecture:
    """Works out an architecture.

    Args:
        text: words with spaces between them; the first is the size of the input unless `size` is given.
        size: of the input, (height, width, channels), (length, channels), or how many numbers; it takes the place of
            the one that the text starts with.

    Raises:
        GlassworkError: an unknown word, a window larger than its input, or sizes that do not fit.
    """
    words = text.lower().split()
    start = 1
    if words and _INPUT.fullmatch(words[0]):
        size, start, words = size or words[0], 2, words[1:]
    if size is None:
        raise GlassworkError(
            f"An architecture starts with the size of its input, height x width x channels, as in '{EXAMPLE}'."
        )
    shape = first = _input_shape(size)
    layers = []
    for place, word in enumerate(words, start):
        layer = _planned(_parsed(word, place), shape)
        layers.append(layer)
        shape = layer.output
    if not layers:
        raise GlassworkError(f"The architecture '{text}' has no layers: write them after the input, as in '{EXAMPLE}'.")
    return Architecture(first, tuple(layers))


def _input_shape(size: str | Sequence[int]) -> Shape:
    if isinstance(size, str):
        if not _INPUT.fullmatch(size.lower()):
            raise GlassworkError(f"The size of an input is height x width x channels, 32x32x3; '{size}' is not.")
        size = tuple(map(int, size.lower().split("x")))
    if len(size) not in ORDERS or min(size) < 1:
        raise GlassworkError(
            "An input is height x width x channels (32x32x3), length x channels (100x1), or how many numbers (784), "
            f"all from 1 up; '{write_shape(size)}' is none of these."
        )
    return tuple(size)


def _parsed(text: str, place: int) -> _Word:
    found = _WORD.fullmatch(text)
    if found is None or found[1] not in WORDS:
        raise _Word(text, place, "", (), ()).wrong(f"is not known; {_hint(text)}")
    sizes = () if found[2] is None or "." in found[2] else tuple(map(int, found[2].split("x")))
    return _Word(text, place, found[1], sizes, tuple(found[3].split("/")[1:]))


def _hint(text: str) -> str:
    head = re.match(r"[a-z-]*", text)
    name = head[0] if head else ""
    near = difflib.get_close_matches(name, WORDS, n=1)
    return f"did you mean {near[0]}{text[len(name) :]}?" if near else f"the words are {', '.join(EXAMPLES)}"


def _planned(word: _Word, shape: Shape) -> Planned:
    if any(size < 1 for size in word.sizes):
        raise word.wrong("has a size of 0; sizes start from 1")
    return WORDS[word.name](word, shape)


def _options(word: _Word, padded: bool) -> tuple[int, bool]:
    """The stride, 0 where none is written, and whether zeros are put around."""
    stride = 0
    for option in word.options:
        if option.isdecimal() and int(option) > 0 and not stride:
            stride = int(option)
        elif option in ("same", "valid"):
            padded = option == "same"
        else:
            raise word.wrong(f"has an option '/{option}' that is not known: write a stride such as /2, /same or /valid")
    return stride, padded


def _without_options(word: _Word, sizes: int = 0) -> None:
    if word.options or len(word.sizes) > sizes:
        raise word.wrong(f"takes no {'option' if word.options else 'size'}: write {word.name}{'10' if sizes else ''}")


def _directions(word: _Word, shape: Shape) -> int:
    if len(shape) == 1:
        raise word.wrong(f"needs an image, but it gets {shape[0]:,} numbers in a row: put it before flatten and fc")
    return len(shape) - 1


def _fitted(word: _Word, shape: Shape, sides: Shape, stride: int, padded: bool) -> tuple[Shape, tuple[str, ...]]:
    """How many windows there are in each direction, and what they leave out."""
    across = shape[:-1]
    if padded:
        larger = any(side > 2 * size for side, size in zip(sides, across, strict=True))
        note = (
            f"{word.text} is more than twice as large as its input {write_shape(shape)}: most of it covers only zeros."
        )
        return tuple(math.ceil(size / stride) for size in across), (note,) if larger else ()
    if any(side > size for side, size in zip(sides, across, strict=True)):
        what = "filter" if word.name == "conv" else "window"
        remedy = "write it without /valid, which puts zeros around" if word.name == "conv" else "pool less before it"
        raise word.wrong(f"has a {what} larger than its input {write_shape(shape)}: {remedy}")
    rest = max((size - side) % stride for size, side in zip(across, sides, strict=True))
    pixels = "1 pixel at the end is" if rest == 1 else f"up to {rest} pixels at the end are"
    note = f"The windows of {word.text} do not fill its input {write_shape(shape)}: {pixels} left out."
    out = tuple((size - side) // stride + 1 for size, side in zip(across, sides, strict=True))
    return out, (note,) if rest else ()


def _convolution(word: _Word, shape: Shape) -> Planned:
    directions = _directions(word, shape)
    if len(word.sizes) != directions + 1:
        form = "conv5x5x64" if directions == 2 else "conv5x8"
        grey = f"; a grey image is {write_shape(shape)}x1" if directions == 1 and len(word.sizes) == 3 else ""
        raise word.wrong(
            f"does not fit its input {write_shape(shape)} ({ORDERS[len(shape)]}): write the sides of the filter and "
            f"how many filters there are, such as {form}{grey}"
        )
    *sides, filters = word.sizes
    stride, padded = _options(word, padded=True)
    stride = stride or 1
    out, notes = _fitted(word, shape, tuple(sides), stride, padded)
    step = f", stride {stride}" if stride > 1 else ""
    return Planned(
        word.text,
        f"convolution {write_shape(sides)}{step}, {'zero-padded' if padded else 'unpadded'}",
        (*out, filters),
        weights=((*sides, shape[-1], filters), (filters,)),
        products=(*out, filters, *sides, shape[-1]),
        sides=tuple(sides),
        strides=(stride,) * directions,
        notes=notes,
    )


def _pooling(sort: str) -> Callable[[_Word, Shape], Planned]:
    def plan(word: _Word, shape: Shape) -> Planned:
        directions = _directions(word, shape)
        if len(word.sizes) not in (1, directions):
            form = f"write {word.name}2, or {word.name}3/2 for overlapping ones"
            raise word.wrong(f"needs the side of its window: {form}")
        sides = word.sizes * directions if len(word.sizes) == 1 else word.sizes
        stride, padded = _options(word, padded=False)
        strides = (stride,) * directions if stride else sides
        if len(set(strides)) > 1:
            raise word.wrong("needs a stride, as its window is not square: write /2 after it")
        out, notes = _fitted(word, shape, sides, strides[0], padded)
        overlap = ", overlapping" if strides[0] < max(sides) else ""
        kind = f"{sort} pooling {write_shape(sides)}, stride {strides[0]}{overlap}{', padded' if padded else ''}"
        return Planned(word.text, kind, (*out, shape[-1]), sides=sides, strides=strides, notes=notes)

    return plan


def _global_pooling(word: _Word, shape: Shape) -> Planned:
    _without_options(word)
    directions = _directions(word, shape)
    return Planned(word.text, "average over each map", (*(1,) * directions, shape[-1]), mixes=True)


def _dense(word: _Word, shape: Shape) -> Planned:
    _without_options(word, sizes=1)
    if len(word.sizes) != 1:
        raise word.wrong(f"needs how many outputs it has: write {word.name}10")
    units = word.sizes[0]
    weights = ((*shape, units), (units,))
    return Planned(word.text, "fully connected", (units,), weights, (*shape, units), mixes=True)


def _flatten(word: _Word, shape: Shape) -> Planned:
    _without_options(word)
    return Planned(word.text, "all numbers in one row", (math.prod(shape),), keeps=True)


def _batch_norm(word: _Word, shape: Shape) -> Planned:
    _without_options(word)
    return Planned(word.text, "batch normalisation", shape, weights=((shape[-1],), (shape[-1],)))


def _dropout(word: _Word, shape: Shape) -> Planned:
    _without_options(word, sizes=1)
    return Planned(word.text, "dropout, in training only", shape, keeps=True)


def _activation(word: _Word, shape: Shape) -> Planned:
    _without_options(word)
    return Planned(word.text, "activation", shape, mixes=word.name == "softmax" and len(shape) == 1)


WORDS: dict[str, Callable[[_Word, Shape], Planned]] = {
    "conv": _convolution,
    "pool": _pooling("maximum"),
    "maxpool": _pooling("maximum"),
    "avgpool": _pooling("average"),
    "sumpool": _pooling("sum"),
    "globalpool": _global_pooling,
    "fc": _dense,
    "dense": _dense,
    "flatten": _flatten,
    "bn": _batch_norm,
    "dropout": _dropout,
    **dict.fromkeys(("relu", "leaky-relu", "elu", "gelu", "tanh", "sigmoid", "softmax"), _activation),
}
"""What each word plans; `pool` is Kolter's 2x2 maximum pooling, `fc` and `dense` are one."""

EXAMPLES = (
    "conv5x5x64 (with /2 for a stride, /valid for no padding)",
    "pool2",
    "pool3/2",
    *(name for name in WORDS if name not in ("conv", "pool", "fc")),
    "fc10",
)


BYTES = 4
COUNTED = (
    "Multiply-adds are those of convolutions, fully connected layers and matrix products; adding biases, pooling, "
    "activations and normalisation are small in comparison and not counted."
)
MEMORY = "Memory is for one forward pass, 4 bytes a number, without the input; training keeps gradients too."


@dataclass(frozen=True)
class Layer(Record):
    """One layer, or one operation between layers.

    Attributes:
        name: the word of a written-out architecture, or the path of a module (`layer1.0.conv1`), or of the module whose
            code makes a call with the function's name (`layer1.0 add`).
        kind: what it does.
        output: shape of what comes out, without the batch of one.
        parameters: learned numbers that no layer before it holds already.
        parameters_formula: how they come about, `5*5*3*64 + 64 = 4,864`; empty if there are none.
        multiply_adds: for one forward pass.
        multiply_adds_formula: how they come about; empty if there are none.
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
    return sum_layers(what, architecture.input, ORDERS[len(architecture.input)], layers, notes)


def _layer(planned: Planned, reach: Reach) -> Layer:
    parameters, sum_of_weights = formula(planned.weights)
    products, product = formula((planned.products,) if planned.products else ())
    memory = 0 if planned.keeps else BYTES * math.prod(planned.output)
    return Layer(
        planned.word,
        planned.kind,
        planned.output,
        parameters,
        sum_of_weights,
        products,
        product,
        memory,
        *describe_reach(reach),
    )


def sum_layers(what: str, shape: tuple[int, ...], order: str, layers: Sequence[Layer], notes: Sequence[str]) -> Count:
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
    """A sum of products and how it is written: `5*5*3*64 + 64 = 4,864`; nothing if there are no terms."""
    value = sum(math.prod(factors) for factors in terms)
    words = " + ".join("*".join(map(str, factors)) for factors in terms)
    single = len(terms) == 1 and len(terms[0]) == 1
    return value, f"{value:,}" if single else f"{words} = {value:,}" if terms else ""


def describe_reach(reach: Reach | None) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None, bool]:
    """A reach as the last three fields of a `Layer`."""
    if reach is None or reach.whole or not reach.size:
        return None, None, reach is not None and reach.whole
    return reach.size, reach.jump, False
