"""The local gradients of arithmetic: d(result)/d(operand) of each operation, as formula and as number."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from glasswork.glassbox.expressions import CONSTANTS, Expression, apply, divide, parse, power, results, write_number


@dataclass(frozen=True)
class Local:
    """A local gradient.

    Attributes:
        formula: in the names of the operands, `1 / y`; itself an expression.
        number: its value.
        explanation: `1 / y = 1 / 4 = 0.25`, with the reason where the function has several pieces.
        reason: `x > 0`: which piece of the function holds; empty for smooth functions.
        kink: whether two pieces meet here, so that the number is a subgradient.
    """

    formula: str
    number: float
    explanation: str
    reason: str = ""
    kink: bool = False


def write_operation(operation: str, words: Sequence[str]) -> str:
    """An operation on operands that are names or numbers already in words: `x + y`, `3 * (-4)`, `max(0, x)`."""
    if operation == "negate":
        return f"-{_apart(words[0])}"
    if operation in ("+", "-", "*", "/", "**"):
        left = _apart(words[0]) if operation == "**" else words[0]
        return f"{left} {operation} {_apart(words[1])}"
    return f"{operation}({', '.join(words)})"


def local_gradient(
    operation: str, place: int, words: Sequence[str], numbers: Sequence[float], fixed: bool = False
) -> Local:
    """d(result)/d(operand at `place`).

    Args:
        operation: as in `expressions.Applied`.
        place: which operand, from 0.
        words: how the operands are called; constants as they are written.
        numbers: their values.
        fixed: the last operand is a constant: a power of it is written with its number.

    Returns:
        The derivative; at a kink the subgradient that torch takes: 0 for relu and abs at 0; for max and min equal
        shares of 1 for the operands that tie.
    """
    if operation in ("max", "min"):
        return _of_extreme(operation, place, words, numbers)
    if operation in ("relu", "abs"):
        return _of_piece(operation, words[0], numbers[0])
    template = _of_power(place, numbers, fixed) if operation == "**" else _RULES[operation][place]
    formula, in_numbers = (
        template.format(x=names[0], **dict(zip("ab", map(_apart, names), strict=False)))
        for names in (words, [write_number(number) for number in numbers])
    )
    if operation == "**":
        number = _by_exponent(*numbers) if place == 1 else _by_base(*numbers)
    elif operation == "/" and place == 1:
        number = -divide(divide(*numbers), numbers[1])  # twice, for b ** 2 leaves the range of numbers earlier
    else:
        number = results(_parsed(template), CONSTANTS | dict(zip("ab", numbers, strict=False)))[-1]
    return Local(formula, number, _chained(formula, in_numbers, number))


def _apart(word: str) -> str:
    """A negative number in parentheses."""
    return f"({word})" if word.startswith("-") else word


def _chained(formula: str, in_numbers: str, number: float) -> str:
    """Formula = numbers put in = result, each once."""
    shown = write_number(number)
    pieces = [formula, in_numbers, shown] if in_numbers != _apart(shown) else [formula, shown]
    return " = ".join(dict.fromkeys(pieces))


def _of_power(place: int, numbers: Sequence[float], fixed: bool) -> str:
    """The formula of a ** b by a or b."""
    exponent = numbers[1]
    if place == 1:
        return "{a} ** {b} * log({x})"
    if not fixed or not math.isfinite(exponent) or exponent != int(exponent) or abs(exponent) > 999:
        return "{b} * {a} ** ({b} - 1)"
    if exponent in (0, 1):
        return write_number(exponent)
    return f"{int(exponent)} * {{a}}" + ("" if exponent == 2 else f" ** {_apart(str(int(exponent) - 1))}")


def _by_base(a: float, b: float) -> float:
    return 0.0 if b == 0 else b * power(a, b - 1)


def _by_exponent(a: float, b: float) -> float:
    """As torch has it: 0 for a = 0 and b >= 0, undefined for negative a."""
    if a == 0 and b >= 0:
        return 0.0
    return math.nan if a < 0 else power(a, b) * apply("log", [a])


def _of_extreme(operation: str, place: int, words: Sequence[str], numbers: Sequence[float]) -> Local:
    extreme = apply(operation, numbers)
    if math.isnan(extreme):
        return Local("nan", math.nan, "nan")
    tied = sum(number == extreme for number in numbers)
    kind = "largest" if operation == "max" else "smallest"
    word = words[place]
    if numbers[place] != extreme:
        return Local("0", 0.0, f"0, as {word} is not the {kind}", f"{word} is not the {kind}")
    if tied == 1:
        return Local("1", 1.0, f"1, as {word} is the {kind}", f"{word} is the {kind}")
    formula, reason = f"1 / {tied}", f"{tied} operands are the {kind}"
    return Local(formula, 1 / tied, f"{formula} = {write_number(1 / tied)}, as {reason}", reason, kink=True)


def _of_piece(operation: str, word: str, number: float) -> Local:
    """Relu and abs: a slope on each side of zero."""
    if math.isnan(number):
        return Local("nan", math.nan, "nan")
    below = "-1" if operation == "abs" else "0"
    slope, sign = ("1", ">") if number > 0 else (below, "<") if number < 0 else ("0", "=")
    reason = f"{word} {sign} 0"
    return Local(slope, float(slope), f"{slope}, as {reason}", reason, kink=number == 0)


@functools.cache
def _parsed(formula: str) -> Expression:
    return parse(formula.format(x="a", a="a", b="b"))


# {a} and {b} are the operands, negative numbers in parentheses; {x} is the first one as it is.
_RULES = {
    "+": ("1", "1"),
    "-": ("1", "-1"),
    "*": ("{b}", "{a}"),
    "/": ("1 / {b}", "-{a} / {b} ** 2"),
    "negate": ("-1",),
    "exp": ("exp({x})",),
    "log": ("1 / {a}",),
    "sqrt": ("1 / (2 * sqrt({x}))",),
    "sin": ("cos({x})",),
    "cos": ("-sin({x})",),
    "tanh": ("1 - tanh({x}) ** 2",),
    "sigmoid": ("sigmoid({x}) * (1 - sigmoid({x}))",),
    "erf": ("2 / sqrt(pi) * exp(-{a} ** 2)",),
}
"""The derivative of an operation by each of its operands; its number is what the formula gives."""
