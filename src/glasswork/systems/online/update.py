"""One update of the online delta rule, worked out line by line: the slide's formula with the numbers put in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glasswork.glassbox.expressions import write_number
from glasswork.record import Record
from glasswork.textbook.operation import sum_of
from glasswork.training.delta_rule import Rows, update
from glasswork.training.online import Before

LINES = 6
"""Lines of each kind; a wide network has more units and weights than anybody reads."""
WEIGHTS = 1000
SIDE = 30

Z = "z_j = sigmoid(sum_i w_ji x_i)"
Y = "y_k = sigmoid(sum_j w_kj z_j)"
OUTPUT_DELTA = "delta_k = y_k (1 - y_k) (y_k - t_k)"
HIDDEN_DELTA = "delta_j = z_j (1 - z_j) sum_k w_kj delta_k"
OUTPUT_WEIGHT = "w_kj - eta delta_k z_j"
HIDDEN_WEIGHT = "w_ji - eta delta_j x_i"


@dataclass(frozen=True)
class Line(Record):
    """One number and how it comes about.

    Attributes:
        symbol: `z_j`, `y_k`, `delta_k`, `delta_j`, `w_kj` or `w_ji`, as on the slide.
        index: which one, such as `k = 1, j = 0`; units and inputs count from 1, and 0 is the constant unit.
        formula: the slide's.
        numbers: the formula with the numbers put in, rounded; an expression, but for a long sum that is shortened.
        value: what comes out, not rounded.
    """

    symbol: str
    index: str
    formula: str
    numbers: str
    value: float


@dataclass(frozen=True)
class OnlineUpdate(Record):
    """What one example did to the network (Kovashka, 'Example: algorithm for sigmoid, sqerror').

    Attributes:
        epoch: in which pass over the training examples, from 1.
        example: its name.
        learning_rate: eta.
        x: the inputs as the network sees them (D).
        t: what the outputs should be (K).
        z: what the hidden units said (M).
        y: the outputs (K), before the update.
        delta_k: the errors of the output units (K).
        delta_j: the errors of the hidden units (M).
        hidden_before, hidden_after: w_ji, a row of 1 + D for each hidden unit, its bias first.
        output_before, output_after: w_kj, a row of 1 + M for each output unit, its bias first.
        whole: whether all weights are here; of a layer of more than 1,000 weights at most 30 rows of 30 are.
        lines: the numbers worked out in the algorithm's order: at most six z_j, y_k, delta_k, delta_j, w_kj and w_ji.
    """

    epoch: int
    example: str
    learning_rate: float
    x: tuple[float, ...]
    t: tuple[float, ...]
    z: tuple[float, ...]
    y: tuple[float, ...]
    delta_k: tuple[float, ...]
    delta_j: tuple[float, ...]
    hidden_before: tuple[tuple[float, ...], ...]
    output_before: tuple[tuple[float, ...], ...]
    hidden_after: tuple[tuple[float, ...], ...]
    output_after: tuple[tuple[float, ...], ...]
    whole: bool
    lines: tuple[Line, ...]


def online_update(before: Before, example: str, x: Sequence[float], t: Sequence[float], rate: float) -> OnlineUpdate:
    """The update that an example made, by the same arithmetic as in training.

    Args:
        before: the weights that the example met, and when.
        example: its name.
        x: its inputs as the network sees them (D).
        t: what the outputs should be (K).
        rate: eta.
    """
    with_constant = [1.0, *x]
    made = update(before.hidden, before.output, with_constant, t, rate)
    layers = (before.hidden, before.output, made.hidden, made.output)
    lines = [
        *_forward("z_j", "j", Z, before.hidden, with_constant, made.z[1:]),
        *_forward("y_k", "k", Y, before.output, made.z, made.y),
        *_output_deltas(made.y, t, made.output_delta),
        *_hidden_deltas(made.z[1:], before.output, made.output_delta, made.hidden_delta),
        *_weights("w_kj", "kj", OUTPUT_WEIGHT, before.output, made.output_delta, made.z, made.output, rate),
        *_weights("w_ji", "ji", HIDDEN_WEIGHT, before.hidden, made.hidden_delta, with_constant, made.hidden, rate),
    ]
    return OnlineUpdate(
        epoch=before.epoch,
        example=example,
        learning_rate=rate,
        x=tuple(x),
        t=tuple(t),
        z=tuple(made.z[1:]),
        y=tuple(made.y),
        delta_k=tuple(made.output_delta),
        delta_j=tuple(made.hidden_delta),
        hidden_before=_kept(before.hidden),
        output_before=_kept(before.output),
        hidden_after=_kept(made.hidden),
        output_after=_kept(made.output),
        whole=not any(map(_large, layers)),
        lines=tuple(lines),
    )


def _write(value: float) -> str:
    return write_number(value + 0.0, inside=True)  # + 0.0 turns -0 into 0


def _large(rows: Rows) -> bool:
    return len(rows) * len(rows[0]) > WEIGHTS


def _kept(rows: Rows) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row[:SIDE]) for row in rows[:SIDE]) if _large(rows) else tuple(map(tuple, rows))


def _products(first: Sequence[float], second: Sequence[float]) -> str:
    return sum_of(len(first), lambda i: f"{_write(first[i])} * {_write(second[i])}")


def _forward(
    symbol: str, letter: str, formula: str, weights: Rows, below: Sequence[float], said: Sequence[float]
) -> Iterator[Line]:
    for place, value in enumerate(said[:LINES]):
        yield Line(symbol, f"{letter} = {place + 1}", formula, f"sigmoid({_products(weights[place], below)})", value)


def _output_deltas(y: Sequence[float], t: Sequence[float], deltas: Sequence[float]) -> Iterator[Line]:
    for place, delta in enumerate(deltas[:LINES]):
        said = _write(y[place])
        numbers = f"{said} * (1 - {said}) * ({said} - {_write(t[place])})"
        yield Line("delta_k", f"k = {place + 1}", OUTPUT_DELTA, numbers, delta)


def _hidden_deltas(z: Sequence[float], above: Rows, errors: Sequence[float], deltas: Sequence[float]) -> Iterator[Line]:
    for place, delta in enumerate(deltas[:LINES]):
        said, weights = _write(z[place]), [row[place + 1] for row in above]
        numbers = f"{said} * (1 - {said}) * ({_products(weights, errors)})"
        yield Line("delta_j", f"j = {place + 1}", HIDDEN_DELTA, numbers, delta)


def _weights(
    symbol: str,
    letters: str,
    formula: str,
    before: Rows,
    deltas: Sequence[float],
    below: Sequence[float],
    after: Rows,
    rate: float,
) -> Iterator[Line]:
    cells = ((upper, lower) for upper in range(len(after)) for lower in range(len(after[0])))
    for _, (upper, lower) in zip(range(LINES), cells, strict=False):
        numbers = f"{_write(before[upper][lower])} - {_write(rate)} * {_write(deltas[upper])} * {_write(below[lower])}"
        index = f"{letters[0]} = {upper + 1}, {letters[1]} = {lower}"
        yield Line(symbol, index, formula, numbers, after[upper][lower])
