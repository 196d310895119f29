"""The computation graph of an expression: values forward, gradients backward by the chain rule, one edge at a time.

Source: Kovashka, 'Generic example' (after Karpathy): f(x, y, z) = (x + y)z at x = -2, y = 5, z = -4.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from glasswork.errors import GlassworkError
from glasswork.glassbox.derivatives import Local, local_gradient, write_operation
from glasswork.glassbox.expressions import (
    CONSTANTS,
    Applied,
    Expression,
    Name,
    Part,
    match_values,
    parse,
    results,
    write_number,
)
from glasswork.record import Record

MOST_NODES = 500


@dataclass(frozen=True)
class Node(Record):
    """A node of the graph.

    Attributes:
        name: an input keeps its own; what is worked out is called q, r, s, ..., the last one f; numbers that stand in
            the expression are `constant 1`, `constant 2`, ...
        operation: `input`, `constant`, `+`, `-`, `*`, `/`, `**`, `negate` or the name of a function.
        operands: the names of the nodes that it is made from, in order; one may come twice.
        value: what it is.
        gradient: df/d(node), summed over all its uses; None where no input has a part in it.
        formula: `x + y`; an input's name; a constant as it was written.
    """

    name: str
    operation: str
    operands: tuple[str, ...]
    value: float
    gradient: float | None
    formula: str


@dataclass(frozen=True)
class ForwardStep(Record):
    """One operation worked out.

    Attributes:
        node: whose value it is.
        formula: `q = x + y`.
        numbers: the right side with the numbers put in, `-2 + 5`.
        value: the result.
        explanation: `q = x + y = -2 + 5 = 3`.
    """

    node: str
    formula: str
    numbers: str
    value: float
    explanation: str


@dataclass(frozen=True)
class BackwardStep(Record):
    """The gradient goes back along one edge, from a node to one of its operands.

    Attributes:
        node: the operation that the gradient comes from.
        operand: the node that it reaches.
        place: which operand of the operation that is, from 0.
        formula: the local gradient as a formula of names, `z`.
        local: the local gradient d(node)/d(operand).
        upstream: df/d(node).
        product: upstream times local.
        gradient: df/d(operand) so far: the sum of the products that have reached it.
        explanation: `d(q * z)/dq = z = -4`.
        chain: `df/df * d(q * z)/dq = 1 * (-4) = -4`.
        result: `df/dq = -4`; where a node is used several times, the sum: `df/dx = -4 + 3 = -1 (2 of 2 uses)`.
    """

    node: str
    operand: str
    place: int
    formula: str
    local: float
    upstream: float
    product: float
    gradient: float
    explanation: str
    chain: str
    result: str


@dataclass(frozen=True)
class Stop(Record):
    """How far one has come after some steps.

    Attributes:
        step: how many steps were taken, 0 to `last`.
        last: how many there are.
        phase: `inputs` (only they are known), `forward`, `output` (df/df = 1, where backward begins), `backward`.
        node: the node whose operation is worked out, or that the gradient comes from; empty at step 0.
        operand: the node that the gradient reaches; empty unless backward.
        place: which operand of `node` that is; -1 unless backward.
        title: `Forward 1 of 2`.
        lines: what happens in this step, in formulas.
        values: the names of the nodes whose value is known.
        gradients: df/d(node) as far as it has come, for the nodes that it has reached.
    """

    step: int
    last: int
    phase: str
    node: str
    operand: str
    place: int
    title: str
    lines: tuple[str, ...]
    values: tuple[str, ...]
    gradients: Mapping[str, float]


@dataclass(frozen=True)
class Graph(Record):
    """A computation graph, worked out forward and backward.

    Attributes:
        expression: as it was written.
        output: the name of the last node, `f`.
        value: of the output.
        gradients: df/d(input) by the name of the input.
        nodes: the inputs as they were given, then constants and operations in the order of evaluation.
        forward_steps: one for each operation.
        backward_steps: one for each edge that leads back to an input, from the last operation to the first.
        remarks: sentences about what is out of the ordinary: division by zero, overflow, a gradient at a kink.
    """

    expression: str
    output: str
    value: float
    gradients: Mapping[str, float]
    nodes: tuple[Node, ...]
    forward_steps: tuple[ForwardStep, ...]
    backward_steps: tuple[BackwardStep, ...]
    remarks: tuple[str, ...]

    def node(self, name: str) -> Node:
        """The node called `name`.

        Raises:
            KeyError: if there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def last_step(self) -> int:
        """How many steps there are: each operation, then df/df = 1 and each edge back if there are gradients."""
        backward = 1 + len(self.backward_steps) if self.gradients else 0
        return len(self.forward_steps) + backward

    def stopped(self, step: int) -> Stop:
        """How far one has come after `step` steps, 0 to `last_step`.

        Raises:
            GlassworkError: for a step that there is not.
        """
        if not 0 <= step <= self.last_step:
            raise GlassworkError(f"The graph has steps 0 to {self.last_step}, not {step}.")
        forward = self.forward_steps[:step]
        found = {one.node for one in forward} | {n.name for n in self.nodes if n.operation in ("input", "constant")}
        values = tuple(node.name for node in self.nodes if node.name in found)
        edges = self.backward_steps[: max(0, step - len(self.forward_steps) - 1)]
        gradients = {self.output: 1.0} if step > len(self.forward_steps) else {}
        gradients |= {edge.operand: edge.gradient for edge in edges}
        return Stop(step, self.last_step, *self._happening(step, forward, edges), values, gradients)

    def _happening(
        self, step: int, forward: Sequence[ForwardStep], edges: Sequence[BackwardStep]
    ) -> tuple[str, str, str, int, str, tuple[str, ...]]:
        """Phase, node, operand, place, title and lines of a step."""
        if step == 0:
            inputs = [f"{node.name} = {write_number(node.value)}" for node in self.nodes if node.operation == "input"]
            return "inputs", "", "", -1, "The inputs", (", ".join(inputs) or "There are none.",)
        if step == len(forward):
            title = f"Forward {step} of {len(self.forward_steps)}"
            return "forward", forward[-1].node, "", -1, title, (forward[-1].explanation,)
        if not edges:
            return "output", self.output, "", -1, "Backward begins", (f"d{self.output}/d{self.output} = 1",)
        edge = edges[-1]
        title = f"Backward {len(edges)} of {len(self.backward_steps)}: from {edge.node} to {edge.operand}"
        lines = (edge.explanation, edge.chain, edge.result)
        return "backward", edge.node, edge.operand, edge.place, title, lines


def graph(expression: str, /, **values: float) -> Graph:
    """The computation graph of an expression, with every value and every gradient.

    Every number of `+ - * / **` and the functions is worked out in double precision. Where a function has a kink, a
    subgradient is taken, the one that torch takes: relu and abs have 0 at 0; the operands of max and min that tie
    share the gradient equally. Division by zero and overflow give inf or nan and a sentence among the remarks.

    Args:
        expression: such as `(x+y)*z`; what it may hold: `glasswork.glassbox.expressions`.
        values: a number for every name in it.

    Raises:
        GlassworkError: for what cannot be read, a name without a value, a value without a use, a complex result, or
            more than 500 nodes.
    """
    parsed = parse(expression)
    known = match_values(parsed, values)
    drafts = _drafts(parsed, known, {name for name in known if name not in CONSTANTS or name in values})
    if len(drafts) > MOST_NODES:
        raise GlassworkError(
            f"The expression has {len(drafts)} nodes, and a graph can have at most {MOST_NODES}: draw a part of it."
        )
    output = drafts[-1].name
    backward, gradients = _backward(drafts)
    nodes = tuple(
        Node(one.name, one.operation, one.operands, one.value, gradients.get(one.name), one.formula) for one in drafts
    )
    return Graph(
        expression=parsed.text,
        output=output,
        value=drafts[-1].value,
        gradients={node.name: gradients[node.name] for node in nodes if node.operation == "input"},
        nodes=nodes,
        forward_steps=tuple(_forward(drafts)),
        backward_steps=tuple(step for step, _ in backward),
        remarks=tuple(dict.fromkeys(_remarks(drafts, backward))),
    )


@dataclass(frozen=True)
class _Draft:
    """A node before its gradient is known; `words` is how it stands in formulas, `varies` whether an input moves it."""

    name: str
    operation: str
    operands: tuple[str, ...]
    value: float
    formula: str
    words: str
    varies: bool
    made_from: tuple["_Draft", ...] = ()

    @property
    def numbers(self) -> list[float]:
        return [operand.value for operand in self.made_from]


def _drafts(parsed: Expression, known: Mapping[str, float], inputs: set[str]) -> list[_Draft]:
    """The nodes in order; the output last, even where it is one of the inputs."""
    names, constants = _names(inputs), (f"constant {count}" for count in itertools.count(1))
    leaves = {name: _Draft(name, "input", (), known[name], name, name, True) for name in known if name in inputs}
    drafts, found = list(leaves.values()), list[_Draft]()
    last = len(parsed.parts) - 1
    for place, (part, value) in enumerate(zip(parsed.parts, results(parsed, known), strict=True)):
        if isinstance(part, Name) and part.name in leaves:
            found.append(leaves[part.name])
            continue
        if isinstance(part, Applied):
            draft = _applied(part, value, found, _last_name(inputs) if place == last else next(names))
        else:
            words = _constant(part)
            draft = _Draft(next(constants), "constant", (), value, words, words, False)
        found.append(draft)
        drafts.append(draft)
    return drafts


def _applied(part: Applied, value: float, found: Sequence[_Draft], name: str) -> _Draft:
    operands = tuple(found[place] for place in part.operands)
    formula = write_operation(part.operation, [operand.words for operand in operands])
    varies = any(operand.varies for operand in operands)
    below = tuple(operand.name for operand in operands)
    return _Draft(name, part.operation, below, value, formula, name, varies, operands)


def _constant(part: Part) -> str:
    assert not isinstance(part, Applied)
    return part.name if isinstance(part, Name) else part.text


def _names(taken: set[str]) -> Iterator[str]:
    """q, r, s, ... without the user's names and without those that look like other things."""
    letters = "qrstuvabcghjkmnp"
    numbered = (f"{letter}{count}" for count in itertools.count(1) for letter in letters)
    return (name for name in itertools.chain(letters, numbered) if name not in taken)


def _last_name(taken: set[str]) -> str:
    names = itertools.chain(("f", "F", "out"), (f"f{count}" for count in itertools.count(1)))
    return next(name for name in names if name not in taken)


def _forward(drafts: Iterable[_Draft]) -> Iterator[ForwardStep]:
    for draft in drafts:
        if draft.made_from:
            formula = f"{draft.name} = {draft.formula}"
            numbers = write_operation(draft.operation, [write_number(number) for number in draft.numbers])
            explanation = f"{formula} = {write_number(draft.value)}"
            if numbers not in (draft.formula, write_number(draft.value)):
                explanation = f"{formula} = {numbers} = {write_number(draft.value)}"
            yield ForwardStep(draft.name, formula, numbers, draft.value, explanation)


def _backward(drafts: Sequence[_Draft]) -> tuple[list[tuple[BackwardStep, Local]], dict[str, float]]:
    """A step for each edge, with its local gradient, and df/d(node) for every node that varies."""
    output = drafts[-1]
    gradients = {output.name: 1.0} if output.varies else {}
    edges = Counter(operand.name for draft in drafts for operand in draft.made_from if operand.varies)
    reached: Counter[str] = Counter()
    steps = []
    for draft in reversed(drafts):
        for place, operand in enumerate(draft.made_from):
            if operand.varies:
                reached[operand.name] += 1
                count = (reached[operand.name], edges[operand.name])
                step, local = _edge(draft, place, output.name, gradients, count)
                gradients[operand.name] = step.gradient
                steps.append((step, local))
    return steps, gradients


def _edge(
    draft: _Draft, place: int, output: str, gradients: Mapping[str, float], count: tuple[int, int]
) -> tuple[BackwardStep, Local]:
    """The gradient goes from a node to its operand at `place`, which it reaches for the first of `count` times."""
    operand = draft.made_from[place]
    words = [one.words for one in draft.made_from]
    fixed = not draft.made_from[-1].varies
    local = local_gradient(draft.operation, place, words, draft.numbers, fixed)
    upstream, before = gradients[draft.name], gradients.get(operand.name, 0.0)
    product = upstream * local.number
    slope = f"d({draft.formula})/d{operand.name}"
    which = ""
    if draft.operands.count(operand.name) > 1:
        side = ("left", "right")[place] if len(words) == 2 else f"operand {place + 1},"
        which = f" ({side} {operand.name})"
    chain = f"d{output}/d{draft.name} * {slope} = {write_number(upstream)} * {write_number(local.number, True)}"
    nth, uses = count
    total = f"{write_number(before)} + {write_number(product, True)} = " if nth > 1 else ""
    now = product if nth == 1 else before + product
    step = BackwardStep(
        node=draft.name,
        operand=operand.name,
        place=place,
        formula=local.formula,
        local=local.number,
        upstream=upstream,
        product=product,
        gradient=now,
        explanation=f"{slope}{which} = {local.explanation}",
        chain=f"{chain} = {write_number(product)}",
        result=f"d{output}/d{operand.name} = {total}{write_number(now)}"
        + (f" ({nth} of {uses} uses)" if uses > 1 else ""),
    )
    return step, local


def _remarks(drafts: Sequence[_Draft], backward: Iterable[tuple[BackwardStep, Local]]) -> Iterator[str]:
    for draft in drafts:
        if draft.made_from:
            yield from _unusual(draft)
    made = {draft.name: draft for draft in drafts}
    for step, local in backward:
        slope = f"d({made[step.node].formula})/d{step.operand}"
        if local.kink:
            yield f"{made[step.node].formula} has a kink here, where {local.reason}: its gradient is a subgradient."
        numbers = made[step.node].numbers
        if math.isinf(local.number) and all(math.isfinite(number) for number in numbers):
            yield f"The local gradient {slope} is infinite here: {write_number(local.number)}."
        elif math.isnan(local.number) and not any(math.isnan(number) for number in numbers):
            yield f"The local gradient {slope} is not defined here: nan."
        elif math.isnan(step.product) and not math.isnan(step.upstream) and not math.isnan(local.number):
            yield f"The gradient of {step.operand} is 0 * inf on the way from {step.node}: nan."
    if not drafts[-1].varies:
        yield "The expression does not depend on any input, so there are no gradients."


def _unusual(draft: _Draft) -> Iterator[str]:
    """What is worth a sentence about one operation forward."""
    numbers, value = draft.numbers, draft.value
    if (draft.operation == "/" and numbers[1] == 0) or (draft.operation == "**" and numbers[0] == 0 > numbers[1]):
        yield f"{draft.formula} divides by zero: {write_number(value)}."
    elif draft.operation == "log" and numbers[0] == 0:
        yield f"{draft.formula} is the logarithm of zero: {write_number(value)}."
    elif math.isinf(value) and all(math.isfinite(number) for number in numbers):
        yield f"{draft.formula} is too large for a 64-bit number: {write_number(value)}."
    elif math.isnan(value) and not any(math.isnan(number) for number in numbers):
        in_numbers = write_operation(draft.operation, [write_number(number) for number in numbers])
        yield f"{draft.formula} is not defined ({in_numbers}): nan."
