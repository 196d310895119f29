"""The online delta rule of a two-layer sigmoid network: the slide's arithmetic, in plain numbers and in arrays.

Kovashka, 'Example: algorithm for sigmoid, sqerror'. It is that of `textbook.delta_rules.online_update` and of
autograd's gradient of 1/2 sum_k (y_k - t_k)^2. A net of a few units makes several times as many updates a second in
plain Python floats as with arrays, and a wider one the other way round. Both are of double precision.
"""

import abc
import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from torch import Tensor
from typing_extensions import override

FEW_WEIGHTS = 40
"""Up to about so many weights plain numbers are faster than arrays."""

Array = npt.NDArray[np.float64]

Rows = list[list[float]]
"""Weights, a row per unit; in place 0 of each row the bias, the weight of the constant unit x_0 = 1 or z_0 = 1."""


class Update(NamedTuple):
    """What one example did.

    Attributes:
        z: what the hidden units said, z_0 = 1 before them (1 + M numbers).
        y: the outputs before the update (K).
        output_delta: delta_k (K).
        hidden_delta: delta_j (M).
        hidden: w_ji after the update (M rows of 1 + D).
        output: w_kj after the update (K rows of 1 + M).
    """

    z: list[float]
    y: list[float]
    output_delta: list[float]
    hidden_delta: list[float]
    hidden: Rows
    output: Rows


def sigmoid(a: float) -> float:
    """1 / (1 + e^-a), written in two ways so that the exponential never overflows."""
    if a >= 0:
        return 1 / (1 + math.exp(-a))
    power = math.exp(a)
    return power / (1 + power)


def outputs(hidden: Rows, output: Rows, x: Sequence[float]) -> tuple[list[float], list[float]]:
    """What the hidden units say (1 + M numbers, z_0 = 1 first) and the outputs (K), for x (1 + D, x_0 = 1 first)."""
    z = [1.0]
    for weights in hidden:
        z.append(sigmoid(sum(map(mul, weights, x))))
    return z, [sigmoid(sum(map(mul, weights, z))) for weights in output]


def update(hidden: Rows, output: Rows, x: Sequence[float], t: Sequence[float], learning_rate: float) -> Update:
    """One example of the slide's algorithm: outputs, then all errors, and only then the weights.

    delta_k = y_k (1 - y_k) (y_k - t_k), delta_j = z_j (1 - z_j) sum_k w_kj delta_k with the w_kj of before;
    w_kj <- w_kj - eta delta_k z_j, w_ji <- w_ji - eta delta_j x_i.

    Args:
        hidden: w_ji, M rows of 1 + D; they stay as they are.
        output: w_kj, K rows of 1 + M; likewise.
        x: 1 + D numbers, x_0 = 1 first.
        t: what the outputs should be (K).
        learning_rate: eta.
    """
    z, y = outputs(hidden, output, x)
    output_delta = [y_k * (1 - y_k) * (y_k - t_k) for y_k, t_k in zip(y, t, strict=True)]
    hidden_delta = []
    for place in range(1, len(z)):
        z_j, error = z[place], 0.0
        for weights, delta in zip(output, output_delta, strict=True):
            error += weights[place] * delta
        hidden_delta.append(z_j * (1 - z_j) * error)
    return Update(
        z,
        y,
        output_delta,
        hidden_delta,
        _descend(hidden, hidden_delta, x, learning_rate),
        _descend(output, output_delta, z, learning_rate),
    )


def _descend(rows: Rows, deltas: Sequence[float], below: Sequence[float], learning_rate: float) -> Rows:
    """The weights less eta times delta of the unit above times what the unit below said."""
    after = []
    for row, delta in zip(rows, deltas, strict=True):
        step = learning_rate * delta
        after.append([w - step * said for w, said in zip(row, below, strict=True)])
    return after


class Learner(abc.ABC):
    """A network that learns from one example at a time, and the examples."""

    @abc.abstractmethod
    def learn(self, order: Sequence[int], error: float) -> tuple[float, float]:
        """Updates the weights after each of the examples.

        Args:
            order: the place of every example, in the order of training.
            error: a sum to continue from.

        Returns:
            `error` plus all E_n = 1/2 sum_k (y_k - t_k)^2, and the largest |y_k - t_k|; each is taken before its own
            update.
        """

    @abc.abstractmethod
    def largest_miss(self) -> float:
        """The largest |y_k - t_k| over all examples, under the weights as they are."""

    @abc.abstractmethod
    def weights(self) -> tuple[Rows, Rows]:
        """The weights w_ji and w_kj."""

    @abc.abstractmethod
    def met(self) -> tuple[Rows, Rows]:
        """The weights before the last update."""


def learner(hidden: Rows, output: Rows, inputs: Tensor, targets: Tensor, learning_rate: float) -> Learner:
    """The faster way for a network of this size; which one it is depends on the size alone.

    Args:
        hidden: w_ji, M rows of 1 + D.
        output: w_kj, K rows of 1 + M.
        inputs: float64 (N, D).
        targets: float64 (N, K).
        learning_rate: eta.
    """
    few = sum(map(len, hidden)) + sum(map(len, output)) <= FEW_WEIGHTS
    return (_InNumbers if few else _InArrays)(hidden, output, inputs, targets, learning_rate)


@final
class _InNumbers(Learner):
    """In plain Python floats; weights are replaced."""

    def __init__(self, hidden: Rows, output: Rows, inputs: Tensor, targets: Tensor, learning_rate: float) -> None:
        self._now = self._before = hidden, output
        self._examples = [([1.0, *x], t) for x, t in zip(inputs.tolist(), targets.tolist(), strict=True)]
        self._rate = learning_rate

    @override
    def learn(self, order: Sequence[int], error: float) -> tuple[float, float]:
        (hidden, output), largest = self._now, 0.0
        for place in order:
            x, t = self._examples[place]
            self._before = hidden, output
            _, y, _, _, hidden, output = update(hidden, output, x, t, self._rate)
            for y_k, t_k in zip(y, t, strict=True):
                miss = y_k - t_k
                error += miss * miss / 2
                largest = max(largest, abs(miss))
        self._now = hidden, output
        return error, largest

    @override
    def largest_miss(self) -> float:
        hidden, output = self._now
        largest = 0.0
        for x, t in self._examples:
            for y_k, t_k in zip(outputs(hidden, output, x)[1], t, strict=True):
                largest = max(largest, abs(y_k - t_k))
        return largest

    @override
    def weights(self) -> tuple[Rows, Rows]:
        return self._now

    @override
    def met(self) -> tuple[Rows, Rows]:
        return self._before


@final
class _InArrays(Learner):
    """In NumPy arrays, whose calls on few numbers take half of torch's time; weights change in place."""

    def __init__(self, hidden: Rows, output: Rows, inputs: Tensor, targets: Tensor, learning_rate: float) -> None:
        self._hidden, self._output = np.array(hidden), np.array(output)
        self._before = self._hidden.copy(), self._output.copy()
        self._changes = np.empty_like(self._hidden), np.empty_like(self._output)
        self._x = np.insert(inputs.numpy(), 0, 1, axis=1)  # (N, 1 + D)
        self._t = targets.numpy()
        self._misses = np.empty_like(self._t)  # y_k - t_k of each example, before its update
        self._examples = list(zip(self._x, self._t, self._misses, strict=True))
        self._rate = learning_rate

    @override
    def learn(self, order: Sequence[int], error: float) -> tuple[float, float]:
        hidden, output, rate, last = self._hidden, self._output, self._rate, order[-1]
        hidden_change, output_change = self._changes
        z = np.ones(len(hidden) + 1)
        units, above = z[1:], output[:, 1:].T  # views: what changes here changes there
        with np.errstate(all="ignore"):  # e^-a may overflow, which is a sigmoid of 0
            for place in order:
                if place == last:
                    self._before = hidden.copy(), output.copy()
                x, t, miss = self._examples[place]
                _become_sigmoid(np.dot(hidden, x, out=units))
                y = _become_sigmoid(np.dot(output, z))
                output_delta = y * (1 - y) * np.subtract(y, t, out=miss)
                hidden_delta = units * (1 - units) * np.dot(above, output_delta)
                np.subtract(output, np.multiply.outer(rate * output_delta, z, out=output_change), out=output)
                np.subtract(hidden, np.multiply.outer(rate * hidden_delta, x, out=hidden_change), out=hidden)
        misses = self._misses.ravel()
        return error + float(np.dot(misses, misses)) / 2, float(np.abs(misses).max())

    @override
    def largest_miss(self) -> float:
        with np.errstate(all="ignore"):
            z = _become_sigmoid(self._x @ self._hidden.T)  # (N, M)
            y = _become_sigmoid(z @ self._output[:, 1:].T + self._output[:, 0])  # (N, K)
        return float(np.abs(y - self._t).max())

    @override
    def weights(self) -> tuple[Rows, Rows]:
        return self._hidden.tolist(), self._output.tolist()

    @override
    def met(self) -> tuple[Rows, Rows]:
        hidden, output = self._before
        return hidden.tolist(), output.tolist()


def _become_sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), written over a."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    np.add(a, 1, out=a)
    return np.reciprocal(a, out=a)
