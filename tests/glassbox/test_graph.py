import itertools
import json
import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.expressions import Name, evaluate, parse
from glasswork.glassbox.graph import Graph, graph

SLIDE = graph("(x+y)*z", x=-2, y=5, z=-4)
NEURON = graph("1/(1+exp(-(w0*x0+w1*x1+w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)


def test_the_slide() -> None:
    """Kovashka, 'Generic example': q = 3, f = -12 and the four derivatives."""
    assert {node.name: node.value for node in SLIDE.nodes} == {"x": -2, "y": 5, "z": -4, "q": 3, "f": -12}
    assert {node.name: node.gradient for node in SLIDE.nodes} == {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1}
    assert SLIDE.output == "f" and SLIDE.value == -12
    assert SLIDE.gradients == {"x": -4, "y": -4, "z": 3}
    assert SLIDE.remarks == ()
    assert [step.explanation for step in SLIDE.forward_steps] == [
        "q = x + y = -2 + 5 = 3",
        "f = q * z = 3 * (-4) = -12",
    ]
    lines = [(step.explanation, step.chain, step.result) for step in SLIDE.backward_steps]
    assert lines == [
        ("d(q * z)/dq = z = -4", "df/df * d(q * z)/dq = 1 * (-4) = -4", "df/dq = -4"),
        ("d(q * z)/dz = q = 3", "df/df * d(q * z)/dz = 1 * 3 = 3", "df/dz = 3"),
        ("d(x + y)/dx = 1", "df/dq * d(x + y)/dx = -4 * 1 = -4", "df/dx = -4"),
        ("d(x + y)/dy = 1", "df/dq * d(x + y)/dy = -4 * 1 = -4", "df/dy = -4"),
    ]


def test_the_sigmoid_neuron() -> None:
    """CS231n's example, with the values printed there."""
    assert NEURON.value == pytest.approx(0.73, abs=0.005)
    printed = {"w0": -0.20, "x0": 0.39, "w1": -0.39, "x1": -0.59, "w2": 0.20}
    assert NEURON.gradients == pytest.approx(printed, abs=0.01)
    assert [node.formula for node in NEURON.nodes if node.operation == "constant"] == ["1", "1"]


def test_a_node_used_several_times_gets_the_sum() -> None:
    found = graph("x * x + x", x=3)
    assert found.gradients == {"x": 7}
    results = [step.result for step in found.backward_steps if step.operand == "x"]
    assert results == ["df/dx = 1 (1 of 3 uses)", "df/dx = 1 + 3 = 4 (2 of 3 uses)", "df/dx = 4 + 3 = 7 (3 of 3 uses)"]
    assert found.backward_steps[-1].explanation == "d(x * x)/dx (right x) = x = 3"


def test_names_do_not_collide_with_the_users() -> None:
    found = graph("(q + f) * (r + F) - s * 2", q=1, f=2, r=3, F=4, s=5)
    names = [node.name for node in found.nodes]
    assert len(set(names)) == len(names)
    assert names[:5] == ["q", "f", "r", "F", "s"]
    assert found.output == "out" and found.node("out").formula == "v - a"
    with pytest.raises(KeyError):
        found.node("nobody")


def test_constants_have_no_gradient() -> None:
    found = graph("2 * 3 * x + pi", x=5)
    assert found.value == 30 + math.pi and found.gradients == {"x": 6}
    assert [node.gradient for node in found.nodes if node.formula in ("2", "3", "pi", "2 * 3")] == [None] * 4
    assert {step.operand for step in found.backward_steps} == {"x", "r"}
    alone = graph("2 + 3")
    assert alone.value == 5 and alone.gradients == {} and alone.backward_steps == ()
    assert alone.last_step == 1 and alone.stopped(1).gradients == {}
    assert alone.remarks == ("The expression does not depend on any input, so there are no gradients.",)


def test_an_input_alone_is_a_graph() -> None:
    found = graph("x", x=4)
    assert (found.output, found.value, found.gradients) == ("x", 4, {"x": 1})
    assert [found.stopped(step).phase for step in range(found.last_step + 1)] == ["inputs", "output"]


@pytest.mark.parametrize(
    ("expression", "values", "gradients", "remark"),
    [
        ("relu(x)", {"x": 0}, {"x": 0}, "relu(x) has a kink here, where x = 0: its gradient is a subgradient."),
        ("abs(x)", {"x": 0}, {"x": 0}, "abs(x) has a kink here, where x = 0: its gradient is a subgradient."),
        ("max(x, y)", {"x": 2, "y": 2}, {"x": 0.5, "y": 0.5}, "max(x, y) has a kink here, where 2 operands are the l"),
        ("min(x, y, 1, z)", {"x": 1, "y": 1, "z": 4}, {"x": 1 / 3, "y": 1 / 3, "z": 0}, "where 3 operands are the s"),
        ("max(x, x)", {"x": 2}, {"x": 1}, "kink"),
        ("x / y", {"x": 1, "y": 0}, {"x": math.inf, "y": -math.inf}, "x / y divides by zero: inf."),
        ("x ** y", {"x": 0, "y": -1}, {"x": -math.inf, "y": -math.inf}, "x ** y divides by zero: inf."),
        ("exp(x)", {"x": 1000}, {"x": math.inf}, "exp(x) is too large for a 64-bit number: inf."),
        ("log(x)", {"x": 0}, {"x": math.inf}, "log(x) is the logarithm of zero: -inf."),
        ("sqrt(x)", {"x": 0}, {"x": math.inf}, "The local gradient d(sqrt(x))/dx is infinite here: inf."),
        ("0 * sqrt(x)", {"x": 0}, {"x": math.nan}, "The local gradient d(sqrt(x))/dx is infinite here: inf."),
        ("x ** y", {"x": -2, "y": 2}, {"x": -4, "y": math.nan}, "d(x ** y)/dy is not defined here: nan."),
        ("x - y", {"x": math.inf, "y": math.inf}, {"x": 1, "y": -1}, "x - y is not defined (inf - inf): nan."),
        ("x ** 0", {"x": 0}, {"x": 0}, None),
        ("x ** y", {"x": 0, "y": 2}, {"x": 0, "y": 0}, None),
        ("x / y", {"x": 1e-200, "y": 1e-200}, {"x": 1e200, "y": -1e200}, None),
    ],
)
def test_edges_and_kinks_are_as_in_torch_and_said(
    expression: str, values: dict[str, float], gradients: dict[str, float], remark: str | None
) -> None:
    found = graph(expression, **values)
    assert found.gradients == pytest.approx(gradients, rel=1e-15, nan_ok=True)
    assert (remark is None and not found.remarks) or any(remark is not None and remark in one for one in found.remarks)
    if "1" not in expression:
        _, theirs = in_torch(TORCH[expression], values)
        assert found.gradients == pytest.approx(theirs, rel=1e-12, nan_ok=True)


TORCH: dict[str, Callable[..., Tensor]] = {
    "relu(x)": lambda x: torch.relu(x),
    "abs(x)": lambda x: x.abs(),
    "max(x, y)": lambda x, y: torch.maximum(x, y),
    "max(x, x)": lambda x: torch.maximum(x, x),
    "x / y": lambda x, y: x / y,
    "x ** y": lambda x, y: x**y,
    "exp(x)": lambda x: x.exp(),
    "log(x)": lambda x: x.log(),
    "sqrt(x)": lambda x: x.sqrt(),
    "0 * sqrt(x)": lambda x: 0 * x.sqrt(),
    "x - y": lambda x, y: x - y,
    "x ** 0": lambda x: x**0,
}


def in_torch(function: Callable[..., Tensor], values: dict[str, float]) -> tuple[float, dict[str, float]]:
    leaves = {
        name: torch.tensor(float(value), dtype=torch.float64, requires_grad=True) for name, value in values.items()
    }
    result = function(**leaves)
    found = torch.autograd.grad(result, list(leaves.values()), allow_unused=True)
    gradients = {name: 0.0 if one is None else one.item() for name, one in zip(leaves, found, strict=True)}
    return result.item(), gradients


Tree = tuple[str, Callable[..., Tensor]]
"""An expression as text, and the same for torch; it gets the leaves by name and a list for distances to kinks."""

UNARY = {
    "-({0})": lambda a, near: -a,
    "exp(sin({0}))": lambda a, near: a.sin().exp(),
    "cos({0})": lambda a, near: a.cos(),
    "tanh({0})": lambda a, near: a.tanh(),
    "sigmoid({0})": lambda a, near: a.sigmoid(),
    "erf({0})": lambda a, near: a.erf(),
    "relu({0})": lambda a, near: (near.append(a), a.relu())[1],
    "abs({0})": lambda a, near: (near.append(a), a.abs())[1],
    "log(1.5 + ({0}) ** 2)": lambda a, near: (1.5 + a**2).log(),
    "sqrt(({0}) ** 2 + 0.25)": lambda a, near: (a**2 + 0.25).sqrt(),
    "({0}) ** 3": lambda a, near: a**3,
    "(2 + cos({0})) ** -1.5": lambda a, near: (2 + a.cos()) ** -1.5,
    "-1.25 * ({0}) - 2": lambda a, near: -1.25 * a - 2,
}
BINARY = {
    "({0}) + ({1})": lambda a, b, near: a + b,
    "({0}) - ({1})": lambda a, b, near: a - b,
    "({0}) * ({1})": lambda a, b, near: a * b,
    "({0}) / (0.5 + ({1}) ** 2)": lambda a, b, near: a / (0.5 + b**2),
    "(1.1 + sin({0})) ** tanh({1})": lambda a, b, near: (1.1 + a.sin()) ** b.tanh(),
    "max({0}, 0.3, {1})": lambda a, b, near: extreme(torch.amax, a, b, near),
    "min({0}, {1}, 0.3)": lambda a, b, near: extreme(torch.amin, a, b, near),
}


def extreme(pick: Callable[..., Tensor], a: Tensor, b: Tensor, near: list[Tensor]) -> Tensor:
    near += [a - b, a - 0.3, b - 0.3]
    return pick(torch.stack([a, b, torch.tensor(0.3, dtype=torch.float64)]), dim=0)


def leaf(name: str) -> Tree:
    return name, lambda leaves, near: leaves[name]


def unary(form: str, inner: Tree) -> Tree:
    return form.format(inner[0]), lambda leaves, near: UNARY[form](inner[1](leaves, near), near)


def binary(form: str, left: Tree, right: Tree) -> Tree:
    function = BINARY[form]
    return form.format(left[0], right[0]), lambda leaves, near: function(
        left[1](leaves, near), right[1](leaves, near), near
    )


def grown(smaller: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    ones = st.builds(unary, st.sampled_from(sorted(UNARY)), smaller)
    return ones | st.builds(binary, st.sampled_from(sorted(BINARY)), smaller, smaller)


TREES = st.recursive(st.sampled_from([leaf("x"), leaf("y"), leaf("w0")]), grown, max_leaves=8)
NUMBERS = st.floats(-3, 3, allow_subnormal=False)


@settings(max_examples=150)
@given(tree=TREES, x=NUMBERS, y=NUMBERS, w0=NUMBERS)
def test_random_expressions_equal_autograd(tree: Tree, x: float, y: float, w0: float) -> None:
    text, function = tree
    used = {part.name for part in parse(text).parts if isinstance(part, Name)}
    values = {name: value for name, value in (("x", x), ("y", y), ("w0", w0)) if name in used}
    near: list[Tensor] = []
    value, gradients = in_torch(lambda **leaves: function(leaves, near), values)
    assume(all(abs(distance.item()) > 1e-6 for distance in near))
    assume(all(math.isfinite(number) and abs(number) < 1e9 for number in (value, *gradients.values())))
    found = graph(text, **values)
    assert found.value == pytest.approx(value, rel=1e-10, abs=1e-10)
    scale = max(1.0, *(abs(step.product) for step in found.backward_steps)) if found.backward_steps else 1.0
    assert found.gradients == pytest.approx(gradients, rel=1e-10, abs=1e-10 * scale)
    check_steps(found)
    assert Graph.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def check_steps(found: Graph) -> None:
    """Every formula shown gives the number shown, every product is one, every sum is complete."""
    known = {node.name: node.value for node in found.nodes}

    def worked_out(formula: str) -> float:
        names = {part.name for part in parse(formula).parts if isinstance(part, Name)}
        return evaluate(formula, **{name: known[name] for name in names if name in known})

    for step in found.forward_steps:
        assert worked_out(step.formula.partition(" = ")[2]) == step.value == known[step.node]
    sums = {found.output: 1.0}
    for back in found.backward_steps:
        assert worked_out(back.formula) == pytest.approx(back.local, rel=1e-9, abs=1e-12)
        assert back.product == back.upstream * back.local
        assert back.upstream == found.node(back.node).gradient == sums[back.node]
        assert found.node(back.node).operands[back.place] == back.operand
        sums[back.operand] = back.gradient
    assert sums == {node.name: node.gradient for node in found.nodes if node.gradient is not None}


@pytest.mark.parametrize("found", [SLIDE, NEURON, graph("x*x + x", x=2), graph("2 + 3")])
def test_stops_lead_from_the_inputs_to_everything(found: Graph) -> None:
    stops = [found.stopped(step) for step in range(found.last_step + 1)]
    assert stops[0].gradients == {}
    assert stops[0].values == tuple(node.name for node in found.nodes if not node.operands)
    for before, after in itertools.pairwise(stops):
        assert set(before.values) <= set(after.values) and set(before.gradients) <= set(after.gradients)
        assert (before.values, before.gradients) != (after.values, after.gradients)
    assert stops[-1].values == tuple(node.name for node in found.nodes)
    assert stops[-1].gradients == {node.name: node.gradient for node in found.nodes if node.gradient is not None}
    for step in (-1, found.last_step + 1):
        with pytest.raises(GlassworkError, match=f"has steps 0 to {found.last_step}, not {step}"):
            found.stopped(step)


def test_a_stop_says_what_happens() -> None:
    assert SLIDE.last_step == 7
    assert SLIDE.stopped(0).lines == ("x = -2, y = 5, z = -4",)
    assert SLIDE.stopped(2).title == "Forward 2 of 2"
    assert SLIDE.stopped(3).lines == ("df/df = 1",)
    stop = SLIDE.stopped(4)
    assert (stop.phase, stop.node, stop.operand, stop.place) == ("backward", "f", "q", 0)
    assert stop.title == "Backward 1 of 4: from f to q"
    assert stop.gradients == {"f": 1, "q": -4}
    assert type(stop).from_json(json.loads(json.dumps(stop.to_json()))) == stop


@pytest.mark.parametrize("found", [SLIDE, NEURON, graph("x / y + 0 * log(y)", x=1, y=0)])
def test_a_graph_comes_back_from_json(found: Graph) -> None:
    stored = json.dumps(found.to_json(), allow_nan=False)
    again = Graph.from_json(json.loads(stored))
    assert isinstance(again.nodes, tuple) and isinstance(again.nodes[0].operands, tuple)
    assert json.dumps(again.to_json()) == stored
    with pytest.raises(FrozenInstanceError):
        again.value = 0.0  # type: ignore[misc]


def test_json_holds_full_precision() -> None:
    stored = json.loads(json.dumps(NEURON.to_json()))
    assert stored["value"] == 1 / (1 + math.exp(-1))
    assert stored["gradients"]["w2"] == NEURON.gradients["w2"] != pytest.approx(0.1966, abs=1e-6)


def test_mistakes_are_one_sentence() -> None:
    with pytest.raises(GlassworkError, match="has 503 nodes"):
        graph("+".join(["x"] * 503), x=1)
    assert len(graph("+".join(["x"] * 500), x=1).nodes) == 500
    with pytest.raises(GlassworkError, match="uses 'z'"):
        graph("(x+y)*z", x=1, y=2)
    with pytest.raises(GlassworkError, match="'w' is given"):
        graph("(x+y)*z", x=1, y=2, z=3, w=4)
    with pytest.raises(GlassworkError, match="not a real number"):
        graph("sqrt(x)", x=-1)
