"""Elementary functions of a number."""

from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.operation import Pointwise, Write, alone


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
