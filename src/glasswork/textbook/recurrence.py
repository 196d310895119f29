"""A step carried through time: the layers and directions that the RNN, the GRU and the LSTM have in common.

"Unroll" the network (Kolter, 'Training recurrent networks'): the same step with the same weights at every time. Errors
go the same way back, from the last time to the first (back-propagation through time, Werbos 1990), and the gradient of
the weights is the sum over all times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Write

State = tuple[Tensor, ...]
"""What one time hands to the next: (h,), or (h, c) for the LSTM; each (N, H)."""


@dataclass(frozen=True)
class Layout:
    """How steps are put together, in torch's words.

    Attributes:
        num_layers: each layer reads what the one below it puts out.
        bidirectional: each layer reads the sequence from both ends and puts out both states side by side.
        batch_first: sequences are (N, T, D) rather than (T, N, D).
        has_biases: each direction of each layer has w_ih, w_hh, b_ih, b_hh rather than w_ih, w_hh.
        dropout: the rate between layers; nothing is dropped unless `train`.
        train: whether the network is being trained.

    Raises:
        ValueError: units are dropped between the layers: nobody knows which.
    """

    num_layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    has_biases: bool = True
    dropout: float = 0.0
    train: bool = False

    def __post_init__(self) -> None:
        if self.train and self.dropout > 0 and self.num_layers > 1:
            raise ValueError(
                "which units dropout drops between recurrent layers is not known; set dropout=0 or train=False"
            )

    @property
    def directions(self) -> int:
        """1 or 2."""
        return 2 if self.bidirectional else 1


@dataclass(frozen=True)
class Pass:
    """One direction of one layer, carried through time.

    Attributes:
        inputs: (T, N, D), in the order in which they are read.
        states: T + 1 of them: the initial one, then the one after each input.
        weights: w_ih, w_hh and, where there are biases, b_ih, b_hh.
        from_end: whether the sequence is read from its end, so that input 0 is that of the last time.
    """

    inputs: Tensor
    states: tuple[State, ...]
    weights: tuple[Tensor, ...]
    from_end: bool

    def outputs(self) -> Tensor:
        """The state h at each time, (T, N, H)."""
        return _turned(torch.stack([state[0] for state in self.states[1:]]), self.from_end)


def unroll(
    step: Operation, layout: Layout, x: Tensor, initial: State, weights: Sequence[Tensor], **settings: Any
) -> list[Pass]:
    """Carries the step through time, layer by layer.

    Args:
        step: makes the next state out of (x_t, *state, *weights of one direction).
        layout: how many layers and directions.
        x: (T, N, D), or (N, T, D) where the batch comes first.
        initial: each (layers * directions, N, H).
        weights: of layer 0 forwards, layer 0 from the end, layer 1 forwards and so on.
        settings: the step's own.

    Returns:
        A pass for each direction of each layer, in the order of the weights.

    Raises:
        ValueError: more or fewer weights than that.
    """
    each = 4 if layout.has_biases else 2
    wanted = layout.num_layers * layout.directions * each
    if len(weights) != wanted:
        raise ValueError(
            f"{layout.num_layers} layers in {layout.directions} directions have {wanted} weight tensors, "
            f"but {len(weights)} were given; projected states (proj_size) are not supported"
        )
    passes: list[Pass] = []
    below = x.transpose(0, 1) if layout.batch_first else x  # (T, N, D)
    for _ in range(layout.num_layers):
        for from_end in (False, True)[: layout.directions]:
            place = len(passes)
            own = tuple(weights[place * each : (place + 1) * each])
            state = tuple(part[place] for part in initial)
            passes.append(_carried(step, _turned(below, from_end), state, own, from_end, settings))
        below = torch.cat([read.outputs() for read in passes[-layout.directions :]], -1)  # (T, N, directions * H)
    return passes


def forward(
    step: Operation, layout: Layout, x: Tensor, initial: State, weights: Sequence[Tensor], **settings: Any
) -> tuple[Tensor, ...]:
    """What the top layer puts out at each time, and the last state of each pass; arguments as for `unroll`.

    Returns:
        The output, (T, N, directions * H), or (N, T, ..) where the batch comes first; then for each part of the state
        the last one, (layers * directions, N, H).
    """
    passes = unroll(step, layout, x, initial, weights, **settings)
    output = torch.cat([read.outputs() for read in passes[-layout.directions :]], -1)
    last = (torch.stack(parts) for parts in zip(*(read.states[-1] for read in passes), strict=True))
    return (output.transpose(0, 1) if layout.batch_first else output, *last)


def backward(
    step: Operation,
    layout: Layout,
    upstream: Sequence[Tensor],
    x: Tensor,
    initial: State,
    weights: Sequence[Tensor],
    **settings: Any,
) -> tuple[Tensor, ...]:
    """Back-propagation from the top layer to the lowest, in each of them through time.

    Returns:
        dE/dx, dE/d(initial) for each part of the state, dE/dw for each of the weights.
    """
    passes = unroll(step, layout, x, initial, weights, **settings)
    error, *of_last = upstream
    error = error.transpose(0, 1) if layout.batch_first else error  # (T, N, directions * H)
    of_initial: list[State] = [()] * len(passes)
    of_weights: list[tuple[Tensor, ...]] = [()] * len(passes)
    for layer in reversed(range(layout.num_layers)):
        below = torch.zeros((), dtype=error.dtype, device=error.device)
        for direction, of_output in enumerate(error.chunk(layout.directions, -1)):
            place = layer * layout.directions + direction
            last = tuple(part[place] for part in of_last)
            of_input, of_initial[place], of_weights[place] = through_time(
                step, passes[place], of_output, last, **settings
            )
            below = below + of_input
        error = below
    of_states = (torch.stack(parts) for parts in zip(*of_initial, strict=True))
    of_x = error.transpose(0, 1) if layout.batch_first else error
    return (of_x, *of_states, *(weight for own in of_weights for weight in own))


def through_time(
    step: Operation, read: Pass, of_outputs: Tensor, of_last: State, **settings: Any
) -> tuple[Tensor, State, tuple[Tensor, ...]]:
    """Back-propagation through time: the step's backward at the last time, the one before, and so on to the first.

    Args:
        step: the step that was carried through time.
        read: the pass.
        of_outputs: dE/dh of what is put out at each time, (T, N, H).
        of_last: dE/d(last state), each (N, H).
        settings: the step's own.

    Returns:
        dE/d(inputs) (T, N, D), dE/d(initial state), and dE/d(weights).
    """
    of_outputs = _turned(of_outputs, read.from_end)
    of_inputs = torch.zeros_like(read.inputs)
    of_weights = [torch.zeros_like(weight) for weight in read.weights]
    error = of_last
    for t in reversed(range(len(read.inputs))):
        # h_t is put out and is also remembered: its error is the sum of what comes back both ways.
        arriving = (error[0] + of_outputs[t], *error[1:])
        back = step.backward(
            arriving if len(arriving) > 1 else arriving[0],
            read.inputs[t],
            *read.states[t],
            *read.weights,
            **settings,
        )
        # Biases that are not there have no gradient.
        of_inputs[t], *rest = [gradient for gradient in back if gradient is not None]
        error = tuple(rest[: len(error)])
        # The weights are the same at every time, so their gradients add up.
        for total, part in zip(of_weights, rest[len(error) :], strict=True):
            total += part
    return _turned(of_inputs, read.from_end), error, tuple(of_weights)


def put_in(
    step: Operation,
    layout: Layout,
    write: Write,
    cell: Sequence[int],
    x: Tensor,
    initial: State,
    weights: Sequence[Tensor],
    **settings: Any,
) -> str:
    """One cell of the output in numbers: the top layer's step at that time, out of the state before it."""
    time, example, feature = (cell[1], cell[0], cell[2]) if layout.batch_first else cell
    width = initial[0].shape[-1]
    passes = unroll(step, layout, x, initial, weights, **settings)
    read = passes[-layout.directions :][feature // width]
    t = len(read.inputs) - 1 - time if read.from_end else time
    return step.put_in(write, (example, feature % width), read.inputs[t], *read.states[t], *read.weights, **settings)


def _carried(
    step: Operation, inputs: Tensor, initial: State, weights: tuple[Tensor, ...], from_end: bool, settings: Any
) -> Pass:
    states = [initial]
    for x_t in inputs:
        new = step.forward(x_t, *states[-1], *weights, **settings)
        states.append(new if isinstance(new, tuple) else (new,))
    return Pass(inputs, tuple(states), weights, from_end)


def _turned(sequence: Tensor, from_end: bool) -> Tensor:
    return sequence.flip(0) if from_end else sequence
