"""The operation contract: every operation of the textbook equals torch, in value and in gradient, in float64."""

import inspect
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

import glasswork.textbook
from glasswork.glassbox.expressions import evaluate
from glasswork.textbook import OPERATIONS, find_operation
from glasswork.textbook.operation import Operation
from textbook import cases_losses, cases_pointwise, cases_reductions, cases_sequences, cases_shapes, cases_spatial
from textbook.case import Case

CASES: dict[str, Case] = {
    **cases_pointwise.CASES,
    **cases_losses.CASES,
    **cases_spatial.CASES,
    **cases_shapes.CASES,
    **cases_reductions.CASES,
    **cases_sequences.CASES,
}
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def test_every_operation_is_tried() -> None:
    assert sorted(CASES) == sorted(OPERATIONS)


def test_every_operation_of_the_chapters_is_in_the_table() -> None:
    chapters = sorted(Path(glasswork.textbook.__file__).parent.glob("[!_]*.py"))
    found = {}
    for chapter in chapters:
        module = import_module(f"glasswork.textbook.{chapter.stem}")
        for name, member in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(member, Operation)
                and member.__module__ == module.__name__
                and not inspect.isabstract(member)
            ):
                found[member.name] = f"{chapter.stem}.{name}"
    assert found == OPERATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_is(name: str) -> None:
    found = find_operation(name)
    assert found.name == name
    assert found.formula and found.latex and found.source and found.inputs


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_operation_equals_torch(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    inputs, options = case.draw(data.draw)
    ours = find_operation(name)(**options)
    leaves = [_leaf(value, place in case.constant) for place, value in enumerate(inputs)]
    theirs = _tuple(case.torch(*leaves, **options))
    outputs = _tuple(ours.forward(*inputs))
    assert len(outputs) == len(theirs)
    for output, wanted in zip(outputs, theirs, strict=True):
        torch.testing.assert_close(output, wanted.detach(), **CLOSE)
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**31 - 1), label="upstream"))
    upstream = tuple(torch.randn(o.shape, generator=generator, dtype=torch.float64) for o in outputs)
    gradients = ours.backward(upstream if len(upstream) > 1 else upstream[0], *inputs)
    assert len(gradients) == len(inputs)
    assert ours.inputs[-1] == "..." or len(ours.inputs) == len(inputs)
    _check_gradients(name, theirs, upstream, leaves, gradients)
    cell = tuple(data.draw(st.integers(0, size - 1)) for size in outputs[0].shape)
    _check_numbers(ours.worked(_write, cell, *inputs), float(outputs[0][cell]))


def _check_gradients(name: str, theirs: Any, upstream: Any, leaves: list[Any], gradients: Any) -> None:
    pairs = [(t, u) for t, u in zip(theirs, upstream, strict=True) if t.requires_grad]
    wanted = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.requires_grad]
    made = [torch.zeros_like(leaf) for leaf in wanted]
    if pairs:
        outs, ups = zip(*pairs, strict=True)
        found = torch.autograd.grad(outs, wanted, ups, allow_unused=True)
        made = [zero if g is None else g for g, zero in zip(found, made, strict=True)]
    expected = iter(made)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        if isinstance(leaf, Tensor) and leaf.requires_grad:
            right = next(expected)
            torch.testing.assert_close(torch.zeros_like(right) if gradient is None else gradient, right, **CLOSE)
        else:
            assert gradient is None, f"{name} has a gradient for an input without one"


def _check_numbers(expression: str, value: float) -> None:
    """The numbers put in give the cell's value, unless the sum is too long to be written out."""
    assert expression
    if "..." not in expression:
        found = evaluate(expression)
        assert math.isclose(found, value, rel_tol=1e-8, abs_tol=1e-8) or found == value, expression


def _leaf(value: Tensor | None, constant: bool) -> Tensor | None:
    if value is None or constant or not value.is_floating_point():
        return value
    return value.clone().requires_grad_()


def _tuple(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def _write(value: Any) -> str:
    number = float(value)
    return repr(number) if number >= 0 else f"({number!r})"
