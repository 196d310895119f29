"""Arithmetic number by number on tensors that broadcast together."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.textbook.operation import Broadcast, Write, alone


@dataclass(frozen=True)
class Add(Broadcast):
    """The sum of two tensors, q = x + alpha y."""

    name = "add"
    formula = "q = x + y"
    latex = r"q = x + y"
    source = "Kovashka, 'Generic example': q = x + y, dq/dx = 1, dq/dy = 1"
    inputs = ("x", "y")

    alpha: float = 1.0

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + self.alpha * y

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dq/dx = 1, dq/dy = alpha: addition hands the error on to both."""
        return upstream, self.alpha * upstream

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        factor = "" if self.alpha == 1 else f"{write(self.alpha)} * "
        return f"{write(x)} + {factor}{write(y)}"


@dataclass(frozen=True)
class Subtract(Broadcast):
    """The difference of two tensors, q = x - alpha y."""

    name = "subtract"
    formula = "q = x - y"
    latex = r"q = x - y"
    source = "Kovashka, 'Example': delta_k = y_k - t_k"
    inputs = ("x", "y")

    alpha: float = 1.0

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x - self.alpha * y

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dq/dx = 1, dq/dy = -alpha."""
        return upstream, -self.alpha * upstream

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        factor = "" if self.alpha == 1 else f"{write(self.alpha)} * "
        return f"{write(x)} - {factor}{write(y)}"


class Multiply(Broadcast):
    """The product of two tensors, number by number."""

    name = "multiply"
    formula = "f = x y"
    latex = r"f = x y"
    source = "Kovashka, 'Generic example': f = qz, df/dq = z, df/dz = q"
    inputs = ("x", "y")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """df/dx = y, df/dy = x: multiplication hands the error on times the other factor."""
        return upstream * y, upstream * x

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        return f"{write(x)} * {write(y)}"


class Divide(Broadcast):
    """The quotient of two tensors, number by number."""

    name = "divide"
    formula = "q = x / y"
    latex = r"q = \frac{x}{y}"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': the fraction of the softmax"
    inputs = ("x", "y")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x / y

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dq/dx = 1 / y, dq/dy = -x / y^2."""
        return upstream / y, -upstream * x / y**2

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        return f"{write(x)} / {write(y)}"


class Maximum(Broadcast):
    """The greater of two tensors, number by number."""

    name = "maximum"
    formula = "m = max(x, y)"
    latex = r"m = \max(x, y)"
    source = "Kovashka, 'Activation functions': Maxout"
    inputs = ("x", "y")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x.where(x > y, y)

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dm/dx = 1 where x > y, else 0, and so for y: the error goes to the greater; equal ones get half each."""
        share = (x > y).to(upstream.dtype) + (x == y) / 2
        return upstream * share, upstream * (1 - share)

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        return f"max({alone(write, x)}, {alone(write, y)})"


class Minimum(Broadcast):
    """The smaller of two tensors, number by number."""

    name = "minimum"
    formula = "m = min(x, y)"
    latex = r"m = \min(x, y)"
    source = "Howard et al. 2019, 'Searching for MobileNetV3': min(6, a + 3)"
    inputs = ("x", "y")

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x.where(x < y, y)

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dm/dx = 1 where x < y, else 0, and so for y: the error goes to the smaller; equal ones get half each."""
        share = (x < y).to(upstream.dtype) + (x == y) / 2
        return upstream * share, upstream * (1 - share)

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        return f"min({alone(write, x)}, {alone(write, y)})"


RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Comparison(Broadcast):
    """Which of two numbers is greater, or whether they are equal: 1 where the relation holds, else 0, in float64.

    Attributes:
        relation: `>`, `<`, `>=`, `<=`, `==` or `!=`.
    """

    name = "comparison"
    formula = "z = 1 where x > y, else 0"
    latex = r"z = \begin{cases} 1 & x > y \\ 0 & \text{else} \end{cases}"
    source = "Kovashka, 'Inspiration: Neuron cells': if output of function over threshold, neuron 'fires'"
    inputs = ("x", "y")

    relation: str = ">"

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        holds = RELATIONS[self.relation](x, y)
        assert isinstance(holds, Tensor)
        return holds.double()

    def chain(self, upstream: Tensor, x: Tensor, y: Tensor) -> tuple[None, None]:
        """No error flows back: the slope of a step is 0 wherever it has one."""
        return None, None

    def words(self, write: Write, x: Tensor, y: Tensor) -> str:
        return write(RELATIONS[self.relation](x, y))


class Where(Broadcast):
    """One of two tensors, number by number: x where the condition (bool) holds, else y."""

    name = "where"
    formula = "z = x where the condition holds, else y"
    latex = r"z = \begin{cases} x & \text{where the condition holds} \\ y & \text{elsewhere} \end{cases}"
    source = "Kovashka, 'Activation functions': the cases of ELU"
    inputs = ("condition", "x", "y")

    def forward(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return torch.where(condition, x, y)

    def chain(self, upstream: Tensor, condition: Tensor, x: Tensor, y: Tensor) -> tuple[None, Tensor, Tensor]:
        """dz/dx = 1 where the condition holds, else 0; dz/dy the other way round: the error goes to what was taken."""
        return None, torch.where(condition, upstream, 0.0), torch.where(condition, 0.0, upstream)

    def words(self, write: Write, condition: Tensor, x: Tensor, y: Tensor) -> str:
        return write(x if condition else y)
