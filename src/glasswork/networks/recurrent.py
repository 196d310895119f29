"""Recurrent networks (Kovashka and Kolter, "Recurrent networks"): vanilla RNN, GRU and LSTM of any depth and direction.

One network, two ways to compute it: `forward` by torch's kernels for whole sequences, `step_by_step` by the textbook's
cells, one time after the other, which is the slide's unrolled picture. Both use the same weights.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.textbook.recurrent import GRUStep, LSTMStep, RecurrentStep, RNNStep

State = tuple[Tensor, ...]
"""What is handed from one time to the next: (h,), or (h, c) for the LSTM; each (layers x directions, batch, units)."""


class Cell(NamedTuple):
    """A kind of recurrent unit.

    Attributes:
        kernel: torch's layer for whole sequences.
        nonlinearity: of the vanilla kinds.
        step: the textbook's.
        states: how many tensors one time hands to the next.
    """

    kernel: Callable[..., nn.RNNBase]
    nonlinearity: str | None
    step: RecurrentStep
    states: int


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(nn.RNN, "tanh", RNNStep("tanh"), 1),
    "relu-rnn": Cell(nn.RNN, "relu", RNNStep("relu"), 1),
    "gru": Cell(nn.GRU, None, GRUStep(), 1),
    "lstm": Cell(nn.LSTM, None, LSTMStep(), 2),
}


class Recurrent(nn.Module):
    """Layers of recurrent units over sequences: h_t = f(x_t, h_(t-1)).

    Weights of inputs are drawn after Glorot, those from state to state are orthogonal, so that errors neither vanish
    nor explode at once (Saxe et al. 2014; the identity for the ReLU network, Le et al. 2015); the LSTM's forget gates
    begin open, with a bias of 1 (Gers et al. 2000; Jozefowicz et al. 2015).

    Args:
        cell: a name in `CELLS`.
        features: numbers of one input x_t.
        hidden_size: numbers of one state h_t.
        layers: how many lie above one another.
        bidirectional: every layer reads the sequence from both ends, and hands on both states side by side.
        dropout: share of the units turned off between one layer and the next while training.

    Raises:
        GlassworkError: an unknown cell.
    """

    def __init__(
        self,
        cell: str,
        features: int,
        hidden_size: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        if cell not in CELLS:
            raise GlassworkError(f"There is no recurrent cell named '{cell}'; choose from {', '.join(CELLS)}")
        self.cell = cell
        kind = CELLS[cell]
        options = {} if kind.nonlinearity is None else {"nonlinearity": kind.nonlinearity}
        between = dropout if layers > 1 else 0.0  # torch warns of a dropout that has no place
        self.kernel = kind.kernel(
            features,
            hidden_size,
            layers,
            batch_first=True,
            bidirectional=bidirectional,
            dropout=between,
            **options,
        )
        self._initialise()

    @property
    def outputs(self) -> int:
        """Numbers given out per time: units x directions."""
        return self.kernel.hidden_size * (2 if self.kernel.bidirectional else 1)

    def _initialise(self) -> None:
        units = self.kernel.hidden_size
        for name, parameter in self.kernel.named_parameters():
            if name.startswith("weight_ih"):
                for gate in torch.split(parameter.data, units):
                    nn.init.xavier_uniform_(gate)
            elif name.startswith("weight_hh"):
                for gate in torch.split(parameter.data, units):
                    nn.init.eye_(gate) if self.cell == "relu-rnn" else nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(parameter)
                if self.cell == "lstm" and name.startswith("bias_ih"):
                    nn.init.ones_(parameter.data[units : 2 * units])

    def beginning(self, batch: int) -> State:
        """The state before the first time, zeros: a tuple of (layers x directions, batch, units)."""
        weight = self.kernel.weight_hh_l0
        shape = (self.kernel.num_layers * (2 if self.kernel.bidirectional else 1), batch, self.kernel.hidden_size)
        assert isinstance(weight, Tensor)
        return tuple(weight.new_zeros(shape) for _ in range(CELLS[self.cell].states))

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """States of the last layer at every time, and the state after the last time.

        Args:
            inputs: (batch, time, features).
            state: before the first time; None: zeros.

        Returns:
            (batch, time, units x directions), and the state to continue from.
        """
        before = self.beginning(inputs.shape[0]) if state is None else state
        outputs, after = self.kernel(inputs, before if len(before) > 1 else before[0])
        return outputs, after if isinstance(after, tuple) else (after,)

    def step_by_step(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The same by the textbook's cells, one time after the other; dropout is left out.

        Args:
            inputs: (batch, time, features).
            state: before the first time; None: zeros.
        """
        step, before = CELLS[self.cell].step, self.beginning(inputs.shape[0]) if state is None else state
        ends: list[tuple[Tensor, ...]] = []
        for layer in range(self.kernel.num_layers):
            read = []
            for direction in range(2 if self.kernel.bidirectional else 1):
                weights = self.weights_of(layer, direction)
                now = tuple(each[len(ends)] for each in before)
                times = range(inputs.shape[1])
                shown: dict[int, Tensor] = {}
                for time in reversed(times) if direction else times:
                    new = step.forward(inputs[:, time], *now, *weights)
                    now = new if isinstance(new, tuple) else (new,)
                    shown[time] = now[0]
                ends.append(now)
                read.append(torch.stack([shown[time] for time in times], 1))  # (batch, time, units)
            inputs = torch.cat(read, 2)  # (batch, time, units x directions)
        return inputs, tuple(torch.stack(parts) for parts in zip(*ends, strict=True))

    def weights_of(self, layer: int, direction: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """w_ih, w_hh, b_ih and b_hh of a layer; direction 1 reads from the end."""
        suffix = f"_l{layer}{'_reverse' if direction else ''}"
        names = (f"{kind}{suffix}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        w_ih, w_hh, b_ih, b_hh = (getattr(self.kernel, name) for name in names)
        return w_ih, w_hh, b_ih, b_hh


class ManyToOne(nn.Module):
    """Symbols as one-hot rows, recurrent units over them, and a score for each class out of the last state.

    Args:
        cell: a name in `recurrent.CELLS`.
        symbols: how many different ones there are.
        hidden_size: numbers of one state.
        classes: how many scores come out.
    """

    def __init__(self, cell: str, symbols: int, hidden_size: int, classes: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.recurrent = Recurrent(cell, symbols, hidden_size)
        self.output = nn.Linear(hidden_size, classes)

    def forward(self, codes: Tensor) -> Tensor:
        """Scores (batch, classes) of sequences of codes (batch, time), whole numbers of any type."""
        states, _ = self.recurrent(self.one_hot(codes))  # (batch, time, units)
        scores: Tensor = self.output(states[:, -1])
        return scores

    def one_hot(self, codes: Tensor) -> Tensor:
        """Rows of zeros with a one at each code, (batch, time, symbols)."""
        return torch.nn.functional.one_hot(codes.long(), self.symbols).to(self.output.weight.dtype)
