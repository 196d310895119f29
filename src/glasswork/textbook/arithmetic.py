"""Arithmetic number by number: elementary functions, and operations on tensors that broadcast together."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.textbook.operation import Broadcast, Pointwise, Write, alone


class Negate(Pointwise):
    """The other sign."""

    name = "negate"
    formula = "y = -x"
    latex = r"y = -x"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P"

    def forward(self, x: Tensor) -> Tensor:
        return -x

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = -1."""
        return -upstream

    def words(self, write: Write, x: Tensor) -> str:
        return f"-{write(x)}"


@dataclass(frozen=True)
class Power(Pointwise):
    """A power with a fixed exponent; x > 0 if the exponent is not whole."""

    name = "power"
    formula = "y = x^n"
    latex = r"y = x^n"
    source = "Kovashka, 'Weight Regularization': the W_kl^2 of L2"

    exponent: float = 2.0

    def forward(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = exponent x^(exponent - 1)."""
        # x^0 is 1 everywhere; the rule would make 0 * inf of it at x = 0.
        return upstream * 0 if self.exponent == 0 else upstream * self.exponent * x ** (self.exponent - 1)

    def words(self, write: Write, x: Tensor) -> str:
        return f"{write(x)} ** {write(self.exponent)}"


class Exponential(Pointwise):
    """The exponential function."""

    name = "exponential"
    formula = "y = e^x"
    latex = r"y = e^x"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': e^(s_k)"

    def forward(self, x: Tensor) -> Tensor:
        return x.exp()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = e^x."""
        return upstream * x.exp()

    def words(self, write: Write, x: Tensor) -> str:
        return f"exp({alone(write, x)})"


class Logarithm(Pointwise):
    """The natural logarithm."""

    name = "logarithm"
    formula = "y = log x"
    latex = r"y = \log x"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P"

    def forward(self, x: Tensor) -> Tensor:
        return x.log()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = 1 / x."""
        return upstream / x

    def words(self, write: Write, x: Tensor) -> str:
        return f"log({alone(write, x)})"


class Log1p(Pointwise):
    """The natural logarithm of 1 + x, exact for small x too."""

    name = "log1p"
    formula = "y = log(1 + x)"
    latex = r"y = \log(1 + x)"
    source = "Kovashka, 'Another loss: Softmax (cross-entropy)': L_i = -log P"

    def forward(self, x: Tensor) -> Tensor:
        return x.log1p()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = 1 / (1 + x)."""
        return upstream / (1 + x)

    def words(self, write: Write, x: Tensor) -> str:
        return f"log(1 + {write(x)})"


class SquareRoot(Pointwise):
    """The square root."""

    name = "square_root"
    formula = "y = sqrt(x)"
    latex = r"y = \sqrt{x}"
    source = "Ioffe and Szegedy 2015, algorithm 1: sqrt(variance + epsilon)"

    def forward(self, x: Tensor) -> Tensor:
        return x.sqrt()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = 1 / (2 sqrt(x))."""
        return upstream / (2 * x.sqrt())

    def words(self, write: Write, x: Tensor) -> str:
        return f"sqrt({alone(write, x)})"


class Absolute(Pointwise):
    """The absolute value."""

    name = "absolute"
    formula = "y = |x|"
    latex = r"y = |x|"
    source = "Kovashka, 'Weight Regularization': the |W_kl| of L1"

    def forward(self, x: Tensor) -> Tensor:
        return x.abs()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = sign(x), 0 at 0."""
        return upstream * x.sign()

    def words(self, write: Write, x: Tensor) -> str:
        return f"abs({alone(write, x)})"


class Sine(Pointwise):
    """The sine, of radians."""

    name = "sine"
    formula = "y = sin x"
    latex = r"y = \sin x"
    source = "Vaswani et al. 2017, section 3.5: positional encoding"

    def forward(self, x: Tensor) -> Tensor:
        return x.sin()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = cos x."""
        return upstream * x.cos()

    def words(self, write: Write, x: Tensor) -> str:
        return f"sin({alone(write, x)})"


class Cosine(Pointwise):
    """The cosine, of radians."""

    name = "cosine"
    formula = "y = cos x"
    latex = r"y = \cos x"
    source = "Vaswani et al. 2017, section 3.5: positional encoding"

    def forward(self, x: Tensor) -> Tensor:
        return x.cos()

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = -sin x."""
        return -upstream * x.sin()

    def words(self, write: Write, x: Tensor) -> str:
        return f"cos({alone(write, x)})"


@dataclass(frozen=True)
class Clamp(Pointwise):
    """Values held between two bounds; None for no bound."""

    name = "clamp"
    formula = "y = min(maximum, max(minimum, x))"
    latex = r"y = \min(b, \max(a, x))"
    source = "Sandler et al. 2018, 'MobileNetV2': ReLU6 is min(6, max(0, x))"

    minimum: float | None = None
    maximum: float | None = None

    def forward(self, x: Tensor) -> Tensor:
        raised = x if self.minimum is None else x.clamp(min=self.minimum)
        return raised if self.maximum is None else raised.clamp(max=self.maximum)

    def chain(self, upstream: Tensor, x: Tensor) -> Tensor:
        """dy/dx = 1 where minimum < x < maximum, else 0; at the bounds too, as torch has it."""
        inside = torch.ones_like(x, dtype=torch.bool)
        if self.minimum is not None:
            inside &= x > self.minimum
        if self.maximum is not None:
            inside &= x < self.maximum
        return upstream * inside

    def words(self, write: Write, x: Tensor) -> str:
        value = alone(write, x)
        raised = value if self.minimum is None else f"max({alone(write, self.minimum)}, {value})"
        return raised if self.maximum is None else f"min({alone(write, self.maximum)}, {raised})"


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
