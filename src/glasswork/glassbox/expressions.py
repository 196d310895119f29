"""Arithmetic as the user types it: read with `ast` and never executed, worked out in IEEE 754 double precision.

An expression knows numbers, names, `+ - * / **`, unary minus, parentheses, the functions in `FUNCTIONS`, and `pi`,
`inf` and `nan` where no value of that name is given.
"""

import ast
import difflib
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glasswork.errors import GlassworkError

LONGEST = 100_000
CONSTANTS = {"pi": math.pi, "inf": math.inf, "nan": math.nan}

_BINARY: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_OTHER_BINARY: dict[type[ast.operator], str] = {
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitAnd: "&",
}
_FOREIGN: dict[type[ast.expr], str] = {
    ast.Compare: "a comparison",
    ast.Attribute: "an attribute",
    ast.Subscript: "an index",
    ast.Tuple: "a list (a decimal point is written as a point)",
    ast.List: "a list",
    ast.BoolOp: "a condition",
    ast.IfExp: "a condition",
    ast.Lambda: "a function of its own",
    ast.NamedExpr: "an assignment",
    ast.JoinedStr: "text",
}
_RAISED = re.compile("\N{SUPERSCRIPT MINUS}?[\N{SUPERSCRIPT ZERO}¹²³\N{SUPERSCRIPT FOUR}-\N{SUPERSCRIPT NINE}]+")
"""A power in raised digits, such as x², which would become x2 if it were read as plain ones."""
_OTHER_NAMES = {"ln": "log", "logistic": "sigmoid", "pow": "**", "power": "**"}


@dataclass(frozen=True)
class Number:
    """A number that stands in the expression, with the sign and the letters it was written with."""

    value: float
    text: str


@dataclass(frozen=True)
class Name:
    """A place for a value that is given later."""

    name: str


@dataclass(frozen=True)
class Applied:
    """An operation: `+`, `-`, `*`, `/`, `**`, `negate` or the name of a function; operands are places in the tree."""

    operation: str
    operands: tuple[int, ...]


Part = Number | Name | Applied


@dataclass(frozen=True)
class Expression:
    """An expression taken apart.

    Attributes:
        text: as it was written.
        parts: the tree in the order of evaluation, operands before what uses them, left before right; every name once
            for each time it is used; the last part is the whole.
    """

    text: str
    parts: tuple[Part, ...]


def divide(a: float, b: float) -> float:
    """A / b; a / 0 is inf with the sign of both, 0 / 0 is nan."""
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """A ** b; 0 to a negative power is inf.

    Raises:
        GlassworkError: for a negative a and a b that is no whole number: the result would be complex.
    """
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        if a != 0:
            raise _not_real(f"{write_number(a, inside=True)} ** {write_number(b, inside=True)}") from None
        return math.copysign(math.inf, a) if b % 2 == 1 else math.inf


def _exp(a: float) -> float:
    try:
        return math.exp(a)
    except OverflowError:
        return math.inf


def _log(a: float) -> float:
    if a < 0:
        raise _not_real(f"log({write_number(a)})")
    return -math.inf if a == 0 else math.log(a)


def _sqrt(a: float) -> float:
    if a < 0:
        raise _not_real(f"sqrt({write_number(a)})")
    return math.sqrt(a)


def _sigmoid(a: float) -> float:
    # Two ways to write it, so that exp never overflows.
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


def _extreme(pick: Callable[[Sequence[float]], float]) -> Callable[..., float]:
    return lambda *numbers: math.nan if any(math.isnan(number) for number in numbers) else pick(numbers)


_ONE_ARGUMENT: dict[str, Callable[[float], float]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "sin": lambda a: math.nan if math.isinf(a) else math.sin(a),
    "cos": lambda a: math.nan if math.isinf(a) else math.cos(a),
    "tanh": math.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda a: 0.0 if a <= 0 else a,
    "abs": abs,
    "erf": math.erf,
}
_ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divide,
    "**": power,
    "negate": lambda a: -a,
    "max": _extreme(max),
    "min": _extreme(min),
    **_ONE_ARGUMENT,
}
FUNCTIONS = (*_ONE_ARGUMENT, "max", "min")
"""What may be called; log is the natural logarithm; max and min take any number of arguments."""


def apply(operation: str, numbers: Sequence[float]) -> float:
    """One operation on numbers, like IEEE 754: dividing by zero and overflow give inf or nan, never an exception.

    Raises:
        GlassworkError: where the result would be complex.
    """
    return float(_ARITHMETIC[operation](*numbers))


def write_number(value: float, inside: bool = False) -> str:
    """A number for people, with about four digits; negative ones in parentheses where they stand `inside` a formula."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        text = str(int(value))
    else:
        text = f"{value:.4g}" if not math.isfinite(value) or abs(value) < 1e4 else f"{value:.6g}"
    return f"({text})" if inside and text.startswith("-") else text


def evaluate(expression: str, /, **values: float) -> float:
    """The value of an expression, such as `evaluate("max(0, 2.9) + w * 0.25", w=-1.5)`.

    Raises:
        GlassworkError: for what cannot be read, a name without a value, a value without a use, a complex result.
    """
    parsed = parse(expression)
    return results(parsed, match_values(parsed, values))[-1]


def results(expression: Expression, values: Mapping[str, float]) -> list[float]:
    """The value of every part, in order.

    Raises:
        GlassworkError: where a result would be complex.
    """
    numbers: list[float] = []
    for part in expression.parts:
        if isinstance(part, Applied):
            numbers.append(apply(part.operation, [numbers[place] for place in part.operands]))
        else:
            numbers.append(values[part.name] if isinstance(part, Name) else part.value)
    return numbers


def read_values(words: Sequence[str]) -> dict[str, float]:
    """Values as they are typed in a terminal: `x=-2`, `y=5`.

    Raises:
        GlassworkError: for a word that is not NAME=NUMBER, or a name that comes twice.
    """
    values: dict[str, float] = {}
    for word in words:
        name, equals, number = (piece.strip() for piece in word.partition("="))
        if not equals or not name.isidentifier():
            raise GlassworkError(f"'{word}' is not of the form NAME=NUMBER, such as x=-2.")
        if name in values:
            raise GlassworkError(f"The value of '{name}' is given twice; leave one out.")
        values[name] = _number(name, number)
    return values


def _as_power(raised: re.Match[str]) -> str:
    return "**" + unicodedata.normalize("NFKC", raised[0]).replace("\N{MINUS SIGN}", "-")


def match_values(expression: Expression, values: Mapping[str, object]) -> dict[str, float]:
    """The values as floats under the names that the expression uses, `pi`, `inf` and `nan` filled in.

    Raises:
        GlassworkError: for a name without a value, a value without a use, a value that is no number.
    """
    numbers = {unicodedata.normalize("NFKC", name): _number(name, value) for name, value in values.items()}
    used = dict.fromkeys(part.name for part in expression.parts if isinstance(part, Name))
    for name in used:
        if name not in numbers and name not in CONSTANTS:
            raise GlassworkError(_without_value(name, list(numbers), set(used)))
    for name in numbers:
        if name not in used:
            raise GlassworkError(
                f"A value for '{name}' is given, but the expression {_quoted(expression.text)} does not use it; "
                "leave it out or correct the name."
            )
    return {name: CONSTANTS[name] for name in used if name not in numbers} | numbers


def parse(expression: str) -> Expression:
    """Takes an expression apart; nothing in it is executed.

    Raises:
        GlassworkError: for what is not arithmetic, with its position.
    """
    # Names are compared as Python compares them, and a line break means no more than a space; ^ is a power on paper.
    text = " ".join(unicodedata.normalize("NFKC", _RAISED.sub(_as_power, expression)).replace("^", "**").split())
    if len(text) > LONGEST:
        raise GlassworkError(f"The expression has {len(text):,} characters; at most {LONGEST:,} can be read.")
    if not text:
        raise GlassworkError('The expression is empty; write one such as "(x+y)*z".')
    order, waiting = [], [_syntax(text)]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(_operands(node, text))
    # Each node before its operands, the right one first: turned round, that is the order of evaluation.
    parts: list[Part] = []
    places: dict[int, int] = {}
    for node in reversed(order):
        made = _part(node, [places[id(operand)] for operand in _operands(node, text)], parts, text)
        if isinstance(made, int):
            places[id(node)] = made
        else:
            places[id(node)] = len(parts)
            parts.append(made)
    return Expression(text, tuple(parts))


def _syntax(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        place = error.offset or len(text) + 1  # 0 stands for the end
        rest = text[place - 1 :]
        where = f"at position {place}, '{rest[:12]}'" if rest else "at its end"
        reason = (error.msg or "invalid syntax").partition(". ")[0]
        raise GlassworkError(
            f"The expression {_quoted(text)} cannot be read {where}: {reason}; "
            "write out every operation, as in 2 * (x + y)."
        ) from None
    except (ValueError, RecursionError, MemoryError):
        raise GlassworkError(
            f"The expression {_quoted(text)} cannot be read: it is nested too deeply or holds unreadable characters."
        ) from None


def _operands(node: ast.expr, text: str) -> list[ast.expr]:
    """What a node of the syntax tree is made of.

    Raises:
        GlassworkError: where it is not arithmetic.
    """
    if isinstance(node, ast.BinOp):
        if type(node.op) not in _BINARY:
            symbol = _OTHER_BINARY[type(node.op)]
            raise GlassworkError(f"{_place(node, text)} uses {symbol}, but an expression knows only + - * / **.")
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return [node.operand]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _arguments(node, node.func.id, text)
    if isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        return []
    kind = _FOREIGN.get(type(node), "not arithmetic")
    if isinstance(node, ast.Constant):
        kind = "a complex number" if isinstance(node.value, complex) else "no number"
    raise GlassworkError(
        f"{_place(node, text)} is {kind}; an expression is made of numbers, names, + - * / **, parentheses and "
        f"the functions {', '.join(FUNCTIONS)}."
    )


def _arguments(node: ast.Call, name: str, text: str) -> list[ast.expr]:
    where = _place(node, text)
    if name not in FUNCTIONS:
        near = difflib.get_close_matches(name, FUNCTIONS, 1)
        meant = _OTHER_NAMES.get(name) or (near[0] if near else "")
        hint = f"did you mean {meant}?" if meant else f"choose from {', '.join(FUNCTIONS)}."
        raise GlassworkError(f"{where} calls '{name}', which is not a function (a product needs a *); {hint}")
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise GlassworkError(f"{where} names or unpacks its arguments; write them plainly, as in {name}(x).")
    if not node.args or (len(node.args) > 1 and name in _ONE_ARGUMENT):
        wanted = "one argument" if name in _ONE_ARGUMENT else "at least one argument"
        raise GlassworkError(f"{where} has {len(node.args)} arguments, but {name} takes {wanted}.")
    return node.args


def _part(node: ast.expr, operands: list[int], parts: list[Part], text: str) -> Part | int:
    """The part that a node stands for, or the place of one that says the same; a minus sign goes into its number."""
    if isinstance(node, ast.Name):
        return Name(node.id)
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, (int, float))
        return Number(_double(node.value), ast.get_source_segment(text, node) or repr(node.value))
    if isinstance(node, ast.BinOp):
        return Applied(_BINARY[type(node.op)], tuple(operands))
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return Applied(node.func.id, tuple(operands))
    assert isinstance(node, ast.UnaryOp)
    inner = parts[operands[0]]
    if isinstance(node.op, ast.UAdd):
        return operands[0]
    if isinstance(inner, Number) and not inner.text.startswith("-"):
        # Of all parts the number came last, for nothing stands between it and its sign.
        parts[operands[0]] = Number(-inner.value, f"-{inner.text}")
        return operands[0]
    return Applied("negate", tuple(operands))


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        raise GlassworkError(f"The value of '{name}' must be a number, but it is {value!r}.") from None


def _without_value(name: str, names: list[str], used: set[str]) -> str:
    if name in FUNCTIONS and name not in names:
        return f"'{name}' is a function; write what it is applied to in parentheses, as in {name}(x)."
    free = [one for one in names if one not in used]
    near = difflib.get_close_matches(name, free or names, 1, cutoff=0.5)
    hint = f"did you mean '{near[0]}', or is {name}=NUMBER missing?" if near else f"add {name}=NUMBER."
    there = f"given are {', '.join(names)}" if names else "no values are given"
    return f"The expression uses '{name}', which has no value: {there}; {hint}"


def _not_real(what: str) -> GlassworkError:
    return GlassworkError(f"{what} is not a real number; change the values so that the result stays real.")


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= 80 else f"'{text[:77]}...'"


def _place(node: ast.expr, text: str) -> str:
    """The piece of the expression and where it stands, counted in characters from 1."""
    piece = ast.get_source_segment(text, node) or text
    before = len(text.encode()[: node.col_offset].decode())
    return f"{_quoted(piece)} at position {before + 1}"
