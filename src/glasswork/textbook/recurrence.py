"""Recurrent layers over a sequence: a step carried through time, in layers and directions."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.recurrent import GRUStep, LSTMStep, RecurrentStep, RNNStep

State = tuple[Tensor, ...]
"""What one time hands to the next: (h,), or (h, c) for the LSTM; each (N, H)."""


@dataclass(frozen=True)
class Pass:
    """One direction of one layer, carried through time.

    Attributes:
        inputs: (T, N, D), in the order in which they are read.
        states: T + 1 of them: the initial one, then the one after each input.
        weights: w_ih, w_hh and, if there are biases, b_ih, b_hh.
        from_end: whether the sequence is read from its end, so that input 0 is that of the last time.
    """

    inputs: Tensor
    states: tuple[State, ...]
    weights: tuple[Tensor, ...]
    from_end: bool

    def in_order(self, sequence: Tensor) -> Tensor:
        """A sequence over the times, turned round if this pass reads from the end; and back again."""
        return sequence.flip(0) if self.from_end else sequence

    def outputs(self) -> Tensor:
        """The state h at each time, (T, N, H)."""
        return self.in_order(torch.stack([state[0] for state in self.states[1:]]))


@dataclass(frozen=True)
class Recurrence(Operation):
    """A step carried through time, in layers and directions; settings in torch's words.

    "Unroll" the network (Kolter, 'Training recurrent networks'): the same step with the same weights at every time.
    Errors go the same way back, from the last time to the first (back-propagation through time, Werbos 1990), and the
    gradient of the weights is the sum over all times.

    Attributes:
        num_layers: each layer reads what the one below it puts out.
        bidirectional: each layer reads the sequence from both ends and puts out both states side by side.
        batch_first: sequences are (N, T, D) rather than (T, N, D).
        has_biases: each direction of each layer has w_ih, w_hh, b_ih, b_hh rather than w_ih, w_hh.
        dropout: the rate between layers; nothing is dropped unless `train`.
        train: whether the network is being trained.

    Raises:
        ValueError: dropout between layers in training; which units it drops is not known.
    """

    states: ClassVar[int] = 1
    """How many tensors one time hands to the next."""
    inputs: ClassVar[tuple[str, ...]] = ("x", "h_0", "w", "...")

    num_layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    has_biases: bool = True
    dropout: float = field(default=0.0, repr=False)
    train: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.train and self.dropout > 0 and self.num_layers > 1:
            raise ValueError(
                "which units dropout drops between recurrent layers is not known; set dropout=0 or train=False"
            )

    @property
    @abc.abstractmethod
    def step(self) -> RecurrentStep:
        """What is carried through time."""

    @property
    def directions(self) -> int:
        """1 or 2."""
        return 2 if self.bidirectional else 1

    def forward(self, x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        """What the top layer puts out at each time, and the last state of each direction of each layer.

        Args:
            x: (T, N, D), or (N, T, D) with batch_first.
            tensors: h_0 (and c_0 of the LSTM), (layers * directions, N, H); then w_ih, w_hh, b_ih, b_hh (biases unless
                has_biases=False) for each direction of each layer.

        Returns:
            h of the top layer at each time, (T, N, directions * H); the last h (and the last c) of each,
            (layers * directions, N, H).

        Raises:
            ValueError: projected states.
        """
        passes = self.unroll(x, *tensors)
        output = torch.cat([read.outputs() for read in self._top(passes)], -1)
        last = (torch.stack(parts) for parts in zip(*(read.states[-1] for read in passes), strict=True))
        return (self._times_first(output), *last)

    def backward(self, upstream: Sequence[Tensor], x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Back-propagation from the top layer to the lowest, in each of them through time.

        The error of h_t, times the step's derivative, is that of h_(t-1); so is that of the LSTM's c_t, side by side.
        """
        passes = self.unroll(x, *tensors)
        error, *of_last = upstream
        error = self._times_first(error)  # (T, N, directions * H)
        of_initial: list[State] = [()] * len(passes)
        of_weights: list[tuple[Tensor, ...]] = [()] * len(passes)
        for layer in reversed(range(self.num_layers)):
            below = torch.zeros((), dtype=error.dtype, device=error.device)
            for direction, of_output in enumerate(error.chunk(self.directions, -1)):
                place = layer * self.directions + direction
                last = tuple(part[place] for part in of_last)
                of_input, of_initial[place], of_weights[place] = self._through_time(passes[place], of_output, last)
                below = below + of_input
            error = below
        of_states = (torch.stack(parts) for parts in zip(*of_initial, strict=True))
        return (self._times_first(error), *of_states, *(weight for own in of_weights for weight in own))

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, *tensors: Tensor) -> str:
        """One unit of the top layer's h at one time in numbers, out of the state before."""
        time, example, feature = (cell[1], cell[0], cell[2]) if self.batch_first else cell
        width = tensors[0].shape[-1]
        read = self._top(self.unroll(x, *tensors))[feature // width]
        t = len(read.inputs) - 1 - time if read.from_end else time
        return self.step.worked(write, (example, feature % width), read.inputs[t], *read.states[t], *read.weights)

    def unroll(self, x: Tensor, *tensors: Tensor) -> list[Pass]:
        """Carries the step through time, layer by layer; arguments and errors as for `forward`.

        Returns:
            A pass for each direction of each layer, in the order of the weights: layer 0 forwards, layer 0 from the
            end, layer 1 forwards and so on.
        """
        initial, weights = tensors[: self.states], tensors[self.states :]
        each = 4 if self.has_biases else 2
        wanted = self.num_layers * self.directions * each
        if len(weights) != wanted:
            raise ValueError(
                f"{self.num_layers} layers in {self.directions} directions have {wanted} weight tensors, "
                f"but {len(weights)} were given; projected states (proj_size) are not supported"
            )
        step, passes = self.step, list[Pass]()
        below = self._times_first(x)  # (T, N, D)
        for _ in range(self.num_layers):
            for from_end in (False, True)[: self.directions]:
                place = len(passes)
                own = tuple(weights[place * each : (place + 1) * each])
                inputs, states = below.flip(0) if from_end else below, [tuple(part[place] for part in initial)]
                for x_t in inputs:
                    new = step.forward(x_t, *states[-1], *own)
                    states.append(new if isinstance(new, tuple) else (new,))
                passes.append(Pass(inputs, tuple(states), own, from_end))
            below = torch.cat([read.outputs() for read in self._top(passes)], -1)  # (T, N, directions * H)
        return passes

    def _through_time(self, read: Pass, of_outputs: Tensor, of_last: State) -> tuple[Tensor, State, tuple[Tensor, ...]]:
        """Back-propagation through time: the step's backward at the last time, the one before, and so to the first.

        Args:
            read: the pass.
            of_outputs: dE/dh of what is put out at each time, (T, N, H).
            of_last: dE/d(last state), each (N, H).

        Returns:
            dE/d(inputs) (T, N, D), dE/d(initial state), and dE/d(weights).
        """
        step, of_outputs = self.step, read.in_order(of_outputs)
        of_inputs = torch.zeros_like(read.inputs)
        of_weights = [torch.zeros_like(weight) for weight in read.weights]
        error = of_last
        for t in reversed(range(len(read.inputs))):
            # h_t is put out and is also remembered: its error is the sum of what comes back both ways.
            arriving = (error[0] + of_outputs[t], *error[1:])
            upstream = arriving if len(arriving) > 1 else arriving[0]
            back = step.backward(upstream, read.inputs[t], *read.states[t], *read.weights)
            # Biases that are not there have no gradient.
            of_inputs[t], *rest = [gradient for gradient in back if gradient is not None]
            error = tuple(rest[: len(error)])
            # The weights are the same at every time, so their gradients add up.
            for total, part in zip(of_weights, rest[len(error) :], strict=True):
                total += part
        return read.in_order(of_inputs), error, tuple(of_weights)

    def _times_first(self, sequence: Tensor) -> Tensor:
        """(T, N, ...) of a sequence whose batch may come first; and back again."""
        return sequence.transpose(0, 1) if self.batch_first else sequence

    def _top(self, passes: Sequence[Pass]) -> Sequence[Pass]:
        """The passes of the topmost layer."""
        return passes[-self.directions :]


@dataclass(frozen=True)
class RNN(Recurrence):
    """The vanilla recurrent network over a sequence.

    Attributes:
        nonlinearity: f, 'tanh' or 'relu'.
    """

    name = "rnn"
    formula = "h_t = f(W_xh x_t + W_hh h_(t-1) + b_h), t = 1 .. T"
    latex = r"h_t = f(W_{xh} x_t + W_{hh} h_{t-1} + b_h), \quad t = 1, \dots, T"
    source = "Kolter, 'Recurrent neural networks', 'Training recurrent networks'; Kovashka, 'Recurrent Neural Network'"

    nonlinearity: str = "tanh"

    @property
    def step(self) -> RNNStep:
        return RNNStep(self.nonlinearity)


class GRU(Recurrence):
    """The gated recurrent unit over a sequence; the gates are those of `GRUStep`."""

    name = "gru"
    formula = "h_t = (1 - z_t) * n_t + z_t * h_(t-1), t = 1 .. T"
    latex = r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \quad t = 1, \dots, T"
    source = "Kovashka, 'Extensions' (RNNs with gates); Kolter, 'Training recurrent networks'; Cho et al. 2014"

    @property
    def step(self) -> GRUStep:
        return GRUStep()


class LSTM(Recurrence):
    """The long short-term memory over a sequence; the gates are those of `LSTMStep`."""

    name = "lstm"
    formula = "c_t = f_t * c_(t-1) + i_t * g_t, h_t = o_t * tanh(c_t), t = 1 .. T"
    latex = r"c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t), \quad t = 1, \dots, T"
    source = "Kolter, 'LSTM networks', 'Training recurrent networks'; Hochreiter and Schmidhuber 1997"
    inputs = ("x", "h_0", "c_0", "w", "...")
    states = 2

    @property
    def step(self) -> LSTMStep:
        return LSTMStep()
