"""Activations: what a unit makes of its score a, and dropout, which turns units off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.textbook.operation import Operation, Pointwise, Write, alone, sum_to


class Identity(Pointwise):
    """The identity, the output unit of regression."""

    name = "identity"
    formula = "h(a) = a"
    latex = r"h(a) = a"
    source = "Kovashka, 'Example': identity function at output"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1: the error passes as it is."""
        return upstream

    def words(self, write: Write, a: Tensor) -> str:
        return write(a)


class StopGradient(Pointwise):
    """The same numbers again, through which no error flows back."""

    name = "stop_gradient"
    formula = "y = x, dE/dx = 0"
    latex = r"y = \mathrm{sg}(x)"
    source = "van den Oord et al. 2017, 'Neural discrete representation learning', equation 3"

    def forward(self, x: Tensor) -> Tensor:
        return x

    def chain(self, upstream: Tensor, x: Tensor) -> None:
        """None: x is treated as a constant."""

    def words(self, write: Write, x: Tensor) -> str:
        return write(x)


class Threshold(Pointwise):
    """The step unit: the neuron fires or it does not."""

    name = "threshold"
    formula = "h(a) = 1 if a > 0 else 0"
    latex = r"h(a) = \begin{cases} 1 & \text{if } a > 0 \\ 0 & \text{if } a \le 0 \end{cases}"
    source = "Kovashka, 'Inspiration: Neuron cells': if output of function over threshold, neuron 'fires'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return (a > 0).to(a.dtype)

    def chain(self, upstream: Tensor, a: Tensor) -> None:
        """None: h'(a) is 0 wherever it exists, so no error flows back."""

    def words(self, write: Write, a: Tensor) -> str:
        number = alone(write, a)
        return f"max(0, {number}) / abs({number})" if a else "0"


class Sigmoid(Pointwise):
    """The logistic sigmoid."""

    name = "sigmoid"
    formula = "h(a) = 1 / (1 + e^-a)"
    latex = r"h(a) = \sigma(a) = \frac{1}{1 + e^{-a}}"
    source = "Kovashka, 'Neural network definition' (binary) and 'Activation functions'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return 1 / (1 + (-a).exp())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = y (1 - y)."""
        y = self.forward(a)
        return upstream * y * (1 - y)

    def words(self, write: Write, a: Tensor) -> str:
        return f"1 / (1 + exp(-{write(a)}))"


class LogSigmoid(Pointwise):
    """The logarithm of the sigmoid: a log probability."""

    name = "log_sigmoid"
    formula = "h(a) = log sigma(a) = -log(1 + e^-a)"
    latex = r"h(a) = \log \sigma(a) = -\log(1 + e^{-a})"
    source = "Bishop 2006, section 5.2: log likelihood of binary outputs"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a.clamp(max=0) - (1 + (-a.abs()).exp()).log()

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """d(log sigma)/da = 1 - sigma(a)."""
        return upstream / (1 + a.exp())

    def words(self, write: Write, a: Tensor) -> str:
        return f"-log(1 + exp({alone(write, -a)}))"


class Tanh(Pointwise):
    """The hyperbolic tangent."""

    name = "tanh"
    formula = "h(a) = (e^a - e^-a) / (e^a + e^-a)"
    latex = r"h(a) = \tanh(a) = \frac{e^a - e^{-a}}{e^a + e^{-a}}"
    source = "Kovashka, 'Neural network definition'; 'Example': h'(a) = 1 - h(a)^2"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        # Reduced by e^|a|, which would overflow, and by expm1, exact near 0 where the slide's terms cancel.
        shrunk = -2 * a.abs()
        return a.sign() * -shrunk.expm1() / (1 + shrunk.exp())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 - h(a)^2."""
        return upstream * (1 - self.forward(a) ** 2)

    def words(self, write: Write, a: Tensor) -> str:
        rising, falling = f"exp({alone(write, a)})", f"exp(-{write(a)})"
        return f"({rising} - {falling}) / ({rising} + {falling})"


class ReLU(Pointwise):
    """The rectified linear unit."""

    name = "relu"
    formula = "h(a) = max(0, a)"
    latex = r"h(a) = \max(0, a)"
    source = "Kovashka, 'Activation functions'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a.clamp(min=0)

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 where a > 0, else 0."""
        return upstream * (a > 0)

    def words(self, write: Write, a: Tensor) -> str:
        return f"max(0, {write(a)})"


@dataclass(frozen=True)
class LeakyReLU(Pointwise):
    """The rectified linear unit with a small slope below zero."""

    name = "leaky_relu"
    formula = "h(a) = max(0, a) + slope min(0, a)"
    latex = r"h(a) = \max(0, a) + 0.01 \min(0, a)"
    source = "Kovashka, 'Activation functions': max(0.1 a, a) for a slope of 0.1"
    inputs = ("a",)

    slope: float = 0.01

    def forward(self, a: Tensor) -> Tensor:
        return a.where(a > 0, self.slope * a)

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 where a > 0, else the slope."""
        return upstream.where(a > 0, self.slope * upstream)

    def words(self, write: Write, a: Tensor) -> str:
        value = alone(write, a)
        return f"max(0, {value}) + {write(self.slope)} * min(0, {value})"


@dataclass(frozen=True)
class ELU(Pointwise):
    """The exponential linear unit."""

    name = "elu"
    formula = "h(a) = a if a > 0 else alpha (e^a - 1)"
    latex = r"h(a) = \begin{cases} a & \text{if } a > 0 \\ \alpha (e^a - 1) & \text{if } a \le 0 \end{cases}"
    source = "Kovashka, 'Activation functions'"
    inputs = ("a",)

    alpha: float = 1.0

    def forward(self, a: Tensor) -> Tensor:
        return a.where(a > 0, self.alpha * a.expm1())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 where a > 0, else alpha e^a."""
        return upstream.where(a > 0, upstream * self.alpha * a.clamp(max=0).exp())

    def words(self, write: Write, a: Tensor) -> str:
        return write(a) if a > 0 else f"{write(self.alpha)} * (exp({alone(write, a)}) - 1)"


@dataclass(frozen=True)
class CELU(Pointwise):
    """The continuously differentiable exponential linear unit: its slope is 1 at 0 for every alpha."""

    name = "celu"
    formula = "h(a) = a if a > 0 else alpha (e^(a / alpha) - 1)"
    latex = r"h(a) = \max(0, a) + \min(0, \alpha (e^{a / \alpha} - 1))"
    source = "Barron 2017, 'Continuously differentiable exponential linear units', equation 2"
    inputs = ("a",)

    alpha: float = 1.0

    def forward(self, a: Tensor) -> Tensor:
        return a.where(a > 0, self.alpha * (a / self.alpha).expm1())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 where a > 0, else e^(a / alpha)."""
        return upstream.where(a > 0, upstream * (a.clamp(max=0) / self.alpha).exp())

    def words(self, write: Write, a: Tensor) -> str:
        alpha = write(self.alpha)
        return write(a) if a > 0 else f"{alpha} * (exp({write(a)} / {alpha}) - 1)"


class SELU(Pointwise):
    """The self-normalizing exponential linear unit, which keeps mean 0 and variance 1 from layer to layer."""

    name = "selu"
    formula = "h(a) = 1.0507 (a if a > 0 else 1.6733 (e^a - 1))"
    latex = r"h(a) = \lambda \begin{cases} a & a > 0 \\ \alpha (e^a - 1) & a \le 0 \end{cases}"
    source = "Klambauer et al. 2017, 'Self-normalizing neural networks', equations 2 and 14"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return _SELU_SCALE * _SELU_ELU.forward(a)

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = lambda where a > 0, else lambda alpha e^a."""
        return _SELU_SCALE * _SELU_ELU.chain(upstream, a)

    def words(self, write: Write, a: Tensor) -> str:
        raised = f"{_SELU_ELU.alpha!r} * (exp({alone(write, a)}) - 1)"
        return f"{_SELU_SCALE!r} * {write(a) if a > 0 else raised}"


_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ELU = ELU(1.6732632423543772848170429916717)


class Softsign(Pointwise):
    """A sigmoid that approaches its limits slowly."""

    name = "softsign"
    formula = "h(a) = a / (1 + |a|)"
    latex = r"h(a) = \frac{a}{1 + |a|}"
    source = "Glorot and Bengio 2010, 'Understanding the difficulty of training deep feedforward neural networks'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a / (1 + a.abs())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 / (1 + |a|)^2."""
        return upstream / (1 + a.abs()) ** 2

    def words(self, write: Write, a: Tensor) -> str:
        return f"{write(a)} / (1 + abs({alone(write, a)}))"


class PReLU(Operation):
    """The rectified linear unit whose slope below zero is learned, one for all channels or one for each."""

    name = "prelu"
    formula = "h(a) = max(0, a) + w min(0, a)"
    latex = r"h(a) = \max(0, a) + w_c \min(0, a)"
    source = "He et al. 2015, 'Delving deep into rectifiers', equation 1"
    inputs = ("a", "w")

    def forward(self, a: Tensor, w: Tensor) -> Tensor:
        """Of a (N, C, ...) and the slopes w (C,) or (1,)."""
        return a.where(a > 0, self._slopes(a, w) * a)

    def backward(self, upstream: Tensor, a: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """dE/da = delta where a > 0, else w delta; dE/dw = sum of delta min(0, a) over the numbers of its channel."""
        slopes = self._slopes(a, w)
        below = sum_to(upstream * a.clamp(max=0), slopes.shape)
        return upstream.where(a > 0, slopes * upstream), below.reshape(w.shape)

    def worked(self, write: Write, cell: Sequence[int], a: Tensor, w: Tensor) -> str:
        value = alone(write, a[tuple(cell)])
        slope = w.reshape(-1)[0] if w.numel() == 1 else w[cell[1]]
        return f"max(0, {value}) + {write(slope)} * min(0, {value})"

    def _slopes(self, a: Tensor, w: Tensor) -> Tensor:
        """w as it broadcasts to a."""
        return w.reshape(-1, *[1] * (a.dim() - 2)) if w.numel() > 1 else w.reshape([1] * a.dim())


@dataclass(frozen=True)
class GLU(Operation):
    """The gated linear unit: the first half of the numbers, as far as the second half lets it through.

    Attributes:
        dim: the axis that is cut in half.
    """

    name = "glu"
    formula = "y = a sigma(b), x = (a, b)"
    latex = r"y = a \odot \sigma(b), \quad x = (a, b)"
    source = "Dauphin et al. 2017, 'Language modeling with gated convolutional networks', equation 1"
    inputs = ("x",)

    dim: int = -1

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, self.dim)
        return a * _SIGMOID.forward(b)

    def backward(self, upstream: Tensor, x: Tensor) -> tuple[Tensor]:
        """dE/da = delta sigma(b), dE/db = delta a sigma(b) (1 - sigma(b))."""
        a, b = x.chunk(2, self.dim)
        return (torch.cat([upstream * _SIGMOID.forward(b), _SIGMOID.chain(upstream * a, b)], self.dim),)

    def worked(self, write: Write, cell: Sequence[int], x: Tensor) -> str:
        a, b = x.chunk(2, self.dim)
        return f"{write(a[tuple(cell)])} * {_SIGMOID.words(write, b[tuple(cell)])}"


_SIGMOID = Sigmoid()


@dataclass(frozen=True)
class Softplus(Pointwise):
    """Softplus: a relu without the kink.

    Attributes:
        beta: how sharply it bends.
        threshold: where beta a is greater, h(a) = a, from which it cannot be told apart.
    """

    name = "softplus"
    formula = "h(a) = log(1 + e^(beta a)) / beta"
    latex = r"h(a) = \frac{1}{\beta} \log(1 + e^{\beta a})"
    source = "Dugas et al. 2001; Glorot, Bordes and Bengio 2011"
    inputs = ("a",)

    beta: float = 1.0
    threshold: float = 20.0

    def forward(self, a: Tensor) -> Tensor:
        scaled = self.beta * a
        bent = (scaled.clamp(min=0) + (1 + (-scaled.abs()).exp()).log()) / self.beta
        return torch.where(scaled > self.threshold, a, bent)

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = sigma(beta a), and 1 beyond the threshold."""
        scaled = self.beta * a
        return upstream * torch.where(scaled > self.threshold, 1.0, 1 / (1 + (-scaled).exp()))

    def words(self, write: Write, a: Tensor) -> str:
        if self.beta * float(a) > self.threshold:
            return write(a)
        if self.beta == 1:
            return f"log(1 + exp({write(a)}))"
        return f"log(1 + exp({write(self.beta)} * {write(a)})) / {write(self.beta)}"


class Mish(Pointwise):
    """Mish."""

    name = "mish"
    formula = "h(a) = a tanh(log(1 + e^a))"
    latex = r"h(a) = a \tanh(\log(1 + e^a))"
    source = "Misra 2019, 'Mish: a self regularized non-monotonic activation function'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a * Softplus().forward(a).tanh()

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = t + a (1 - t^2) sigma(a) with t = tanh(log(1 + e^a))."""
        t = Softplus().forward(a).tanh()
        return upstream * (t + a * (1 - t**2) / (1 + (-a).exp()))

    def words(self, write: Write, a: Tensor) -> str:
        return f"{write(a)} * tanh({Softplus().words(write, a)})"


@dataclass(frozen=True)
class GELU(Pointwise):
    """The Gaussian error linear unit; Phi(a) is the probability that a draw from N(0, 1) is at most a.

    Attributes:
        approximate: `none`, or `tanh` for Phi(a) = 1/2 (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))).
    """

    name = "gelu"
    formula = "h(a) = a Phi(a) = a / 2 (1 + erf(a / sqrt(2)))"
    latex = r"h(a) = a \Phi(a) = \frac{a}{2} \left(1 + \operatorname{erf} \frac{a}{\sqrt 2}\right)"
    source = "Hendrycks and Gimpel 2016"
    inputs = ("a",)

    approximate: str = "none"

    def forward(self, a: Tensor) -> Tensor:
        return a * self._share_below(a)

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = Phi(a) + a Phi'(a), Phi' the density of N(0, 1) or the derivative of what stands for Phi."""
        if self.approximate == "tanh":
            bent = (_SCALE * (a + _CUBIC * a**3)).tanh()
            density = (1 - bent**2) * _SCALE * (1 + 3 * _CUBIC * a**2) / 2
        else:
            density = (-(a**2) / 2).exp() / math.sqrt(2 * math.pi)
        return upstream * (self._share_below(a) + a * density)

    def words(self, write: Write, a: Tensor) -> str:
        value = write(a)
        if self.approximate == "tanh":
            return f"{value} * 0.5 * (1 + tanh(sqrt(2 / {math.pi!r}) * ({value} + {_CUBIC} * {value} ** 3)))"
        return f"{value} * 0.5 * (1 + erf({value} / sqrt(2)))"

    def _share_below(self, a: Tensor) -> Tensor:
        """Phi(a)."""
        bent = (_SCALE * (a + _CUBIC * a**3)).tanh() if self.approximate == "tanh" else (a / math.sqrt(2)).erf()
        return (1 + bent) / 2


_CUBIC = 0.044715
_SCALE = math.sqrt(2 / math.pi)


class SiLU(Pointwise):
    """The sigmoid linear unit, also called swish."""

    name = "silu"
    formula = "h(a) = a sigma(a) = a / (1 + e^-a)"
    latex = r"h(a) = a \, \sigma(a) = \frac{a}{1 + e^{-a}}"
    source = "Elfwing, Uchibe and Doya 2018; Ramachandran, Zoph and Le 2017"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a / (1 + (-a).exp())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = y + a y (1 - y) with y = sigma(a)."""
        y = 1 / (1 + (-a).exp())
        return upstream * y * (1 + a * (1 - y))

    def words(self, write: Write, a: Tensor) -> str:
        return f"{write(a)} / (1 + exp(-{write(a)}))"


class HardSigmoid(Pointwise):
    """The sigmoid drawn with three straight lines."""

    name = "hard_sigmoid"
    formula = "h(a) = max(0, min(6, a + 3)) / 6"
    latex = r"h(a) = \frac{\max(0, \min(6, a + 3))}{6}"
    source = "Howard et al. 2019, 'Searching for MobileNetV3'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return (a + 3).clamp(0, 6) / 6

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1/6 where -3 < a < 3, else 0."""
        return upstream * (a.abs() < 3) / 6

    def words(self, write: Write, a: Tensor) -> str:
        return f"max(0, min(6, {write(a)} + 3)) / 6"


class HardSwish(Pointwise):
    """Swish with the sigmoid drawn with three straight lines."""

    name = "hard_swish"
    formula = "h(a) = a max(0, min(6, a + 3)) / 6"
    latex = r"h(a) = a \, \frac{\max(0, \min(6, a + 3))}{6}"
    source = "Howard et al. 2019, 'Searching for MobileNetV3'"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a * (a + 3).clamp(0, 6) / 6

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 0 where a <= -3, 1 where a >= 3, (2 a + 3) / 6 between."""
        between = upstream * (2 * a + 3) / 6
        return between.where(a.abs() < 3, upstream * (a > 0))

    def words(self, write: Write, a: Tensor) -> str:
        return f"{write(a)} * max(0, min(6, {write(a)} + 3)) / 6"


@dataclass(frozen=True)
class Dropout(Operation):
    """Dropout: some units are turned off, and the others made larger by as much, so that the mean stays.

    Attributes:
        rate: p, the probability to be turned off; at 1 all are.
    """

    name = "dropout"
    formula = "y = x m / (1 - p)"
    latex = r"y = \frac{x\, m}{1 - p}"
    source = "Kovashka, 'Dropout'; Srivastava et al. 2014, with the scale moved from testing to training"
    inputs = ("x", "m")

    rate: float

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Of x and a mask m of its shape, drawn already: 1 (or True) where the unit stays on."""
        return x * self._scaled(x, mask)

    def backward(self, upstream: Tensor, x: Tensor, mask: Tensor) -> tuple[Tensor, None]:
        """The error goes through the units that stayed on: dE/dx = delta m / (1 - p)."""
        return upstream * self._scaled(x, mask), None

    def worked(self, write: Write, cell: Sequence[int], x: Tensor, mask: Tensor) -> str:
        product = f"{write(x[tuple(cell)])} * {write(mask[tuple(cell)])}"
        return product if self.rate >= 1 else f"{product} / (1 - {write(self.rate)})"

    def _scaled(self, x: Tensor, mask: Tensor) -> Tensor:
        """m / (1 - p)."""
        return mask.to(x) * (0.0 if self.rate >= 1 else 1 / (1 - self.rate))
