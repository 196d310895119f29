"""The findings of an opened network: what each operation did, forward and backward, free of torch's types."""

from dataclasses import dataclass

from glasswork.glassbox.tensor_summary import Values
from glasswork.record import Record


@dataclass(frozen=True)
class Comparison(Record):
    """The textbook's numbers beside torch's.

    Attributes:
        largest_difference: max |textbook - torch|.
        scale: max |value| of either.
        cell: where they differ most.
        textbook, torch: the two numbers there.
        differs: whether it is more than tolerance * scale, and more than rounding can explain.
        tolerance: 1e-3 for float32, 2e-2 for 16-bit arithmetic, 1e-8 for float64.
    """

    largest_difference: float
    scale: float
    cell: tuple[int, ...]
    textbook: float
    torch: float
    differs: bool
    tolerance: float


@dataclass(frozen=True)
class Operand(Record):
    """A tensor or number that went into an operation.

    Attributes:
        symbol: in the formula; empty for an unknown operation.
        source: `operation 3`, `weight conv1.weight`, `input`, or `constant`.
        values: what it held.
        gradient: dE/d(operand) by the textbook's rule from the recorded inputs and upstream error, in float64; by
            autograd for an unknown operation; None if there is none.
        comparison: with what autograd sent; None where it sent nothing or the textbook has nothing.
    """

    symbol: str
    source: str
    values: Values
    gradient: Values | None
    comparison: Comparison | None


@dataclass(frozen=True)
class Result(Record):
    """A tensor that came out of an operation.

    Attributes:
        values: what it held.
        upstream: dE/d(output), the error that flowed back into it; None where none did.
        upstream_strides: how that error lay in memory, in numbers; what backward really received.
        comparison: of the textbook's output with torch's; None for an unknown operation.
    """

    values: Values
    upstream: Values | None
    upstream_strides: tuple[int, ...] | None
    comparison: Comparison | None


@dataclass(frozen=True)
class Delta(Record):
    """The error of units as the slide names it, delta_j = dE/da_j.

    Attributes:
        formula: the slide's rule.
        numbers: the rule with the numbers of one unit put in.
        value: of that unit.
        cell: which unit.
    """

    formula: str
    numbers: str
    value: float
    cell: tuple[int, ...]


@dataclass(frozen=True)
class Part(Record):
    """One of the kernels that an operation is made of, with the shapes and strides of what it was given."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Traced(Record):
    """One operation, forward and backward.

    Attributes:
        number: in the order of the calls, from 1.
        name: the textbook's, or torch's where the textbook does not know it.
        call: torch's name of the function.
        module: path of the module that made the call, such as `layer1.0.conv1`; empty for the network itself.
        known: whether the textbook has it.
        formula, latex, source: the textbook's; empty for an unknown operation.
        settings: such as `stride`, written out.
        operands: what went in.
        results: what came out.
        cell: the cell of the first output that `numbers` works out.
        numbers: the formula with the numbers of that cell put in; an expression.
        number_there: what torch has in that cell; None for an unknown operation.
        delta: the slide's error, where the lecture names one.
        verdict: `equal`, `differs`, `forward only` (no error reached it), `unknown`, or `not compared` (with the reason
            in `remark`).
        remark: one sentence if there is something to say; else empty.
        parts: the kernels, where they were asked for.
    """

    number: int
    name: str
    call: str
    module: str
    known: bool
    formula: str
    latex: str
    source: str
    settings: dict[str, str]
    operands: tuple[Operand, ...]
    results: tuple[Result, ...]
    cell: tuple[int, ...]
    numbers: str
    number_there: float | None
    delta: Delta | None
    verdict: str
    remark: str
    parts: tuple[Part, ...]

    @property
    def carries_weights(self) -> bool:
        """Whether a weight of the network goes in."""
        return any(operand.source.startswith("weight ") for operand in self.operands)


@dataclass(frozen=True)
class WeightStep(Record):
    """What one step of gradient descent would do to a weight: w <- w - eta dE/dw.

    Attributes:
        name: of the weight.
        values: before the step.
        gradient: dE/dw, summed over every use of the weight; None where no error reaches it.
        first: the first number before, its gradient, and after the step.
    """

    name: str
    values: Values
    gradient: Values | None
    first: tuple[float, float, float]


@dataclass(frozen=True)
class Descent(Record):
    """What one step of gradient descent on these examples would do.

    Attributes:
        learning_rate: eta.
        loss_before, loss_after: measured, before and after the step.
        predicted_change: -eta * |gradient|^2, what the slope alone promises.
    """

    learning_rate: float
    loss_before: float
    loss_after: float
    predicted_change: float


@dataclass(frozen=True)
class Trace(Record):
    """A network opened on one input.

    Attributes:
        network: the class of the network.
        mode: `evaluation` or `training`, as the network was.
        inputs: what it was given.
        output: what it answered.
        loss: name of the loss; empty if there is none.
        target: what the answer should have been, in words.
        loss_value: E.
        operations: in the order of the calls, the loss last.
        weights: every weight with its gradient.
        descent: what one step of gradient descent would do; None without a loss.
        remarks: sentences about what was found and what was assumed.
    """

    network: str
    mode: str
    inputs: Values
    output: Values
    loss: str
    target: str
    loss_value: float | None
    operations: tuple[Traced, ...]
    weights: tuple[WeightStep, ...]
    descent: Descent | None
    remarks: tuple[str, ...]

    @property
    def differing(self) -> tuple[Traced, ...]:
        """The operations in which textbook and torch differ."""
        return tuple(operation for operation in self.operations if operation.verdict == "differs")

    @property
    def unknown(self) -> tuple[Traced, ...]:
        """The operations that the textbook does not have."""
        return tuple(operation for operation in self.operations if not operation.known)

    def operation(self, number_or_module: int | str) -> Traced:
        """An operation by its number, or the first one of a module by its path.

        Raises:
            KeyError: if there is none.
        """
        for operation in self.operations:
            if number_or_module in (operation.number, operation.module):
                return operation
        raise KeyError(f"the trace has no operation {number_or_module!r}")
