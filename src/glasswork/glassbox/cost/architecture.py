"""Architectures written out in words, such as "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10", layer by layer.

The notation is that of Kolter's quiz ("Number of parameters"): sizes are height x width x channels, a convolution is
zero-padded so that the size stays. Kovashka's unpadded one is `conv5x5x6/valid`; `/2` is a stride.
"""

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from glasswork.errors import GlassworkError

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
        products: the factors of its number of multiply-adds; empty where there are none.
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


def written(shape: Sequence[int]) -> str:
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
            f"all from 1 up; '{written(size)}' is none of these."
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
        note = f"{word.text} is more than twice as large as its input {written(shape)}: most of it only sees zeros."
        return tuple(math.ceil(size / stride) for size in across), (note,) if larger else ()
    if any(side > size for side, size in zip(sides, across, strict=True)):
        what = "filter" if word.name == "conv" else "window"
        remedy = "write it without /valid, which puts zeros around" if word.name == "conv" else "pool less before it"
        raise word.wrong(f"has a {what} larger than its input {written(shape)}: {remedy}")
    rest = max((size - side) % stride for size, side in zip(across, sides, strict=True))
    pixels = "1 pixel at the end is" if rest == 1 else f"up to {rest} pixels at the end are"
    note = f"The windows of {word.text} do not fill its input {written(shape)}: {pixels} left out."
    out = tuple((size - side) // stride + 1 for size, side in zip(across, sides, strict=True))
    return out, (note,) if rest else ()


def _convolution(word: _Word, shape: Shape) -> Planned:
    directions = _directions(word, shape)
    if len(word.sizes) != directions + 1:
        form = "conv5x5x64" if directions == 2 else "conv5x8"
        grey = f"; a grey image is {written(shape)}x1" if directions == 1 and len(word.sizes) == 3 else ""
        raise word.wrong(
            f"does not fit its input {written(shape)} ({ORDERS[len(shape)]}): write the sides of the filter and how "
            f"many filters there are, such as {form}{grey}"
        )
    *sides, filters = word.sizes
    stride, padded = _options(word, padded=True)
    stride = stride or 1
    out, notes = _fitted(word, shape, tuple(sides), stride, padded)
    step = f", stride {stride}" if stride > 1 else ""
    return Planned(
        word.text,
        f"convolution {written(sides)}{step}, {'zero-padded' if padded else 'unpadded'}",
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
        kind = f"{sort} pooling {written(sides)}, stride {strides[0]}{overlap}{', padded' if padded else ''}"
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
