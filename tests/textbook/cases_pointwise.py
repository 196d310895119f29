"""How scores, activations, arithmetic, losses and penalties are tried."""

from typing import Any

import torch.nn.functional as F
from hypothesis import strategies as st
from textbook.case import Case, Drawn, numbers, shape


def draw_linear(draw: Any) -> Drawn:
    inputs, outputs = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    x = numbers(draw, (*shape(draw, 1, 2), inputs))
    b = numbers(draw, (outputs,)) if draw(st.booleans()) else None
    return (x, numbers(draw, (outputs, inputs)), b), {}


def draw_relu(draw: Any) -> Drawn:
    return (numbers(draw, shape(draw), kinks=(0,)),), {}


CASES = {
    "linear": Case(draw_linear, F.linear),
    "relu": Case(draw_relu, F.relu),
}
