"""Recurrent networks: the new state out of the input x_t and the state before, and layers of such steps over time.

As in torch, the weights of all gates lie below one another in w_ih (of the input) and w_hh (of the state), and the bias
comes in two parts, b_ih + b_hh. In formulas * multiplies number by number.
"""

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write
from glasswork.textbook.scores import Linear

_LINEAR = Linear()


class RecurrentStep(Operation):
    """One step: of x_t (N, D), the state before, (N, H), and the weights w_ih, w_hh, b_ih, b_hh.

    With G gates w_ih is (G H, D), w_hh (G H, H), and the biases are (G H,) each; None, or left out, for no biases.
    """

    inputs: ClassVar[tuple[str, ...]] = ("x", "h", "w_ih", "w_hh", "b_ih", "b_hh")

    @abc.abstractmethod
    def gates(self, *tensors: Any, **named: Any) -> dict[str, Tensor]:
        """The activations of the step by symbol, each (N, H), of the tensors that `forward` takes."""


def _scores(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> list[Tensor]:
    """W_ih x + b_ih and W_hh h + b_hh."""
    return [_LINEAR.forward(x, w_ih, b_ih), _LINEAR.forward(h, w_hh, b_hh)]


def _back(
    deltas: Sequence[Tensor], x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None
) -> tuple[Tensor | None, ...]:
    """From the errors of the two scores to x, h, w_ih, w_hh, b_ih and b_hh."""
    d_x, d_w_ih, d_b_ih = _LINEAR.backward(deltas[0], x, w_ih, b_ih)
    d_h, d_w_hh, d_b_hh = _LINEAR.backward(deltas[1], h, w_hh, b_hh)
    return d_x, d_h, d_w_ih, d_w_hh, d_b_ih, d_b_hh


def _worked(
    write: Write,
    example: int,
    rows: Sequence[int],
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Any = None,
    b_hh: Any = None,
) -> Iterator[tuple[str, str]]:
    """Both scores of each row in numbers."""
    for row in rows:
        cell = (example, row)
        yield _LINEAR.worked(write, cell, x, w_ih, b_ih), _LINEAR.worked(write, cell, h, w_hh, b_hh)


@dataclass(frozen=True)
class RNNStep(RecurrentStep):
    """One step of the vanilla recurrent network.

    Kolter writes z^(t) = f_z(W_xz x^(t) + W_zz z^(t-1) + b_z), Kovashka h_t = tanh(W_hh h_(t-1) + W_xh x_t). Here w_ih
    is W_xz = W_xh, and w_hh is W_zz = W_hh.

    Attributes:
        nonlinearity: f, 'tanh' or 'relu'.

    Raises:
        ValueError: another nonlinearity.
    """

    name = "rnn_step"
    formula = "h_t = f(W_xh x_t + W_hh h_(t-1) + b_h)"
    latex = r"h_t = f(W_{xh} x_t + W_{hh} h_{t-1} + b_h)"
    source = "Kolter, 'Recurrent neural networks'; Kovashka, '(Vanilla) Recurrent Neural Network'"

    nonlinearity: str = "tanh"

    def __post_init__(self) -> None:
        if self.nonlinearity not in {"tanh", "relu"}:
            raise ValueError(f"the nonlinearity of a recurrent step is 'tanh' or 'relu', not '{self.nonlinearity}'")

    def forward(self, x: Tensor, h: Tensor, *weights: Any) -> Tensor:
        of_input, of_state = _scores(x, h, *weights)
        a = of_input + of_state
        return a.tanh() if self.nonlinearity == "tanh" else a.clamp(min=0)

    def gates(self, x: Tensor, h: Tensor, *weights: Any) -> dict[str, Tensor]:
        """A vanilla step has no gates: only its new state, h."""
        return {"h": self.forward(x, h, *weights)}

    def backward(self, upstream: Tensor, x: Tensor, h: Tensor, *weights: Any) -> tuple[Tensor | None, ...]:
        """With delta = f'(a) dE/dh_t: dE/dh_(t-1) = W_hh^T delta, dE/dW_hh = delta h_(t-1)^T, and with x likewise.

        f' is 1 - h_t^2 for tanh; for the rectified linear unit 1 where h_t > 0, else 0.
        """
        new = self.forward(x, h, *weights)
        delta = upstream * (1 - new.square()) if self.nonlinearity == "tanh" else upstream * (new > 0)
        return _back([delta, delta], x, h, *weights)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, h: Tensor, *weights: Any) -> str:
        ((of_input, of_state),) = _worked(write, cell[0], [cell[1]], x, h, *weights)
        return f"{self.nonlinearity}({of_input} + {of_state})"


class GRUStep(RecurrentStep):
    """One step of the gated recurrent unit.

        r = sigma(W_xr x_t + b_xr + W_hr h_(t-1) + b_hr)        reset: how much of the memory the proposal may see
        z = sigma(W_xz x_t + b_xz + W_hz h_(t-1) + b_hz)        update: how much of the memory is kept
        n = tanh(W_xn x_t + b_xn + r * (W_hn h_(t-1) + b_hn))   the proposal for the new memory
        h_t = (1 - z) * n + z * h_(t-1)

    As in torch, w_ih is W_xr, W_xz and W_xn below one another, w_hh likewise, and r stands outside the matrix product;
    Cho et al. 2014 have it inside, W_hn (r * h_(t-1)).
    """

    name = "gru_step"
    formula = (
        "r = sigma(W_xr x_t + W_hr h_(t-1) + b_r); z = sigma(W_xz x_t + W_hz h_(t-1) + b_z); "
        "n = tanh(W_xn x_t + b_xn + r * (W_hn h_(t-1) + b_hn)); h_t = (1 - z) * n + z * h_(t-1)"
    )
    latex = (
        r"\begin{aligned} r &= \sigma(W_{xr} x_t + W_{hr} h_{t-1} + b_r) \\ "
        r"z &= \sigma(W_{xz} x_t + W_{hz} h_{t-1} + b_z) \\ "
        r"n &= \tanh(W_{xn} x_t + b_{xn} + r \odot (W_{hn} h_{t-1} + b_{hn})) \\ "
        r"h_t &= (1 - z) \odot n + z \odot h_{t-1} \end{aligned}"
    )
    source = "Kovashka, 'Extensions' (RNNs with gates); Cho et al. 2014"

    def forward(self, x: Tensor, h: Tensor, *weights: Any) -> Tensor:
        gate = self.gates(x, h, *weights)
        return (1 - gate["z"]) * gate["n"] + gate["z"] * h

    def gates(self, x: Tensor, h: Tensor, *weights: Any) -> dict[str, Tensor]:
        """The gates r (reset) and z (update), between 0 and 1, and the proposal n, between -1 and 1."""
        (x_r, x_z, x_n), (h_r, h_z, h_n) = (scores.chunk(3, -1) for scores in _scores(x, h, *weights))  # each (N, H)
        r = (x_r + h_r).sigmoid()
        return {"r": r, "z": (x_z + h_z).sigmoid(), "n": (x_n + r * h_n).tanh()}

    def backward(self, upstream: Tensor, x: Tensor, h: Tensor, *weights: Any) -> tuple[Tensor | None, ...]:
        """The error of h_t goes to n, z and h_(t-1), from n on to r, and through the scores to x and h_(t-1)."""
        gate = self.gates(x, h, *weights)
        r, z, n = gate["r"], gate["z"], gate["n"]
        h_n = _scores(x, h, *weights)[1].chunk(3, -1)[2]  # (N, H)
        delta_n = upstream * (1 - z) * (1 - n.square())  # tanh' = 1 - tanh^2
        delta_z = upstream * (h - n) * z * (1 - z)  # sigma' = sigma (1 - sigma)
        delta_r = delta_n * h_n * r * (1 - r)
        of_input = torch.cat([delta_r, delta_z, delta_n], -1)  # (N, 3 H)
        of_state = torch.cat([delta_r, delta_z, delta_n * r], -1)  # (N, 3 H)
        d_x, d_h, *d_weights = _back([of_input, of_state], x, h, *weights)
        assert d_h is not None
        return d_x, d_h + upstream * z, *d_weights

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, h: Tensor, *weights: Any) -> str:
        """One unit of the new state in numbers, its gates written out."""
        example, unit = cell
        rows = range(unit, 3 * h.shape[-1], h.shape[-1])
        (x_r, h_r), (x_z, h_z), (x_n, h_n) = _worked(write, example, rows, x, h, *weights)
        r, z = f"sigmoid({x_r} + {h_r})", f"sigmoid({x_z} + {h_z})"
        n = f"tanh({x_n} + {r} * ({h_n}))"
        return f"(1 - {z}) * {n} + {z} * {write(h[example, unit])}"


class LSTMStep(RecurrentStep):
    """One step of the long short-term memory: of x, h, c and the weights, the new h and c.

        i = sigma(W_xi x_t + b_xi + W_hi h_(t-1) + b_hi)    input gate: how much of the proposal is written
        f = sigma(W_xf x_t + b_xf + W_hf h_(t-1) + b_hf)    forget gate: how much of the memory is kept
        g = tanh(W_xg x_t + b_xg + W_hg h_(t-1) + b_hg)     the proposal for the memory
        o = sigma(W_xo x_t + b_xo + W_ho h_(t-1) + b_ho)    output gate: how much of the memory is shown
        c_t = f * c_(t-1) + i * g                           the memory
        h_t = o * tanh(c_t)                                 what is shown of it

    As in torch, w_ih is W_xi, W_xf, W_xg and W_xo below one another, w_hh likewise.
    """

    name = "lstm_step"
    formula = (
        "i, f, o = sigma(W_x x_t + W_h h_(t-1) + b), each with its own weights; g = tanh(W_xg x_t + W_hg h_(t-1) + "
        "b_g); c_t = f * c_(t-1) + i * g; h_t = o * tanh(c_t)"
    )
    latex = (
        r"\begin{aligned} i &= \sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i) \\ "
        r"f &= \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f) \\ "
        r"g &= \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g) \\ "
        r"o &= \sigma(W_{xo} x_t + W_{ho} h_{t-1} + b_o) \\ "
        r"c_t &= f \odot c_{t-1} + i \odot g \\ h_t &= o \odot \tanh(c_t) \end{aligned}"
    )
    source = "Kolter, 'LSTM networks'; Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000"
    inputs = ("x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh")

    def forward(self, x: Tensor, h: Tensor, c: Tensor, *weights: Any) -> tuple[Tensor, Tensor]:
        gate = self.gates(x, h, c, *weights)
        memory = gate["f"] * c + gate["i"] * gate["g"]
        return gate["o"] * memory.tanh(), memory

    def gates(self, x: Tensor, h: Tensor, c: Tensor, *weights: Any) -> dict[str, Tensor]:
        """The gates i (input), f (forget) and o (output), between 0 and 1, and the proposal g, between -1 and 1.

        The memory c has no part in them.
        """
        of_input, of_state = _scores(x, h, *weights)
        i, f, g, o = (of_input + of_state).chunk(4, -1)
        return {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}

    def backward(
        self, upstream: tuple[Tensor, Tensor], x: Tensor, h: Tensor, c: Tensor, *weights: Any
    ) -> tuple[Tensor | None, ...]:
        """The memory's error dE/dc_t comes from c_t itself and through h_t; times f, it goes on to c_(t-1).

        No weight and no squashing function stands on that way: where f is near 1, the error does not vanish.
        """
        d_h_new, d_c_new = upstream
        gate = self.gates(x, h, c, *weights)
        i, f, g, o = gate["i"], gate["f"], gate["g"], gate["o"]
        shown = (f * c + i * g).tanh()
        d_memory = d_c_new + d_h_new * o * (1 - shown.square())
        delta_i = d_memory * g * i * (1 - i)  # sigma' = sigma (1 - sigma)
        delta_f = d_memory * c * f * (1 - f)
        delta_g = d_memory * i * (1 - g.square())  # tanh' = 1 - tanh^2
        delta_o = d_h_new * shown * o * (1 - o)
        delta = torch.cat([delta_i, delta_f, delta_g, delta_o], -1)  # (N, 4 H)
        d_x, d_h, *d_weights = _back([delta, delta], x, h, *weights)
        return d_x, d_h, d_memory * f, *d_weights

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, h: Tensor, c: Tensor, *weights: Any) -> str:
        """One unit of h_t in numbers, its gates written out."""
        example, unit = cell
        rows = range(unit, 4 * h.shape[-1], h.shape[-1])
        i, f, g, o = map(" + ".join, _worked(write, example, rows, x, h, *weights))
        memory = f"sigmoid({f}) * {write(c[example, unit])} + sigmoid({i}) * tanh({g})"
        return f"sigmoid({o}) * tanh({memory})"


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
