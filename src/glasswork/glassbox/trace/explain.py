"""Explains a recording: compares the textbook's forward and backward with torch's, in float64."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from glasswork.glassbox.tensor_summary import Values, cell_at, in_formula, largest_cell, values_of
from glasswork.glassbox.trace import trace
from glasswork.glassbox.trace.calls import Known
from glasswork.glassbox.trace.calls import Operand as KnownOperand
from glasswork.glassbox.trace.recognise import recognise
from glasswork.glassbox.trace.recorder import Input, Kept, Output, Recorded
from glasswork.glassbox.trace.trace import Comparison, Delta, Operand, Result, Traced
from glasswork.textbook.losses import SquaredError

TOLERANCES = {torch.float64: 1e-8, torch.float32: 1e-3, torch.bfloat16: 2e-2, torch.float16: 2e-2}
ROUNDINGS = 32
"""A difference is rounding, where large terms cancel, up to so many times what a few roundings of the inputs change."""

Gradients = dict[int, Tensor]
"""The textbook's gradient of each recorded input, by its identity."""


def explain(entry: Recorded, weights: frozenset[str]) -> Traced:
    """What one recorded operation did, with the textbook's own numbers where it has the operation.

    Args:
        entry: what was recorded, after the backward pass.
        weights: the names that are weights rather than buffers.
    """
    known = recognise(entry) if _all_there(entry) else ()
    one_each = len(known) > 1
    if known and one_each and len(known) != len(entry.outputs):
        known = ()
    if not known:
        return _unknown(entry, weights)
    gradients: Gradients = {}
    results: list[Result] = []
    for place, call in enumerate(known):
        outputs = [entry.outputs[place]] if one_each else entry.outputs
        results += _forward(call, outputs)
        for tensor, gradient in _backward(call, outputs):
            gradients[id(tensor)] = gradients[id(tensor)] + gradient if id(tensor) in gradients else gradient
    call, book = known[0], known[0].operation
    operands = _operands(call, entry, gradients, weights)
    cell, numbers = _numbers(call, entry.outputs[0])
    made = entry.outputs[0].kept.tensor
    return Traced(
        number=entry.number,
        name=book.name,
        call=entry.name,
        module=entry.module,
        known=True,
        formula=book.formula,
        latex=book.latex,
        source=book.source,
        settings={key: _written(value) for key, value in call.settings.items()},
        operands=operands,
        results=tuple(results),
        cell=cell,
        numbers=numbers,
        number_there=float(made[cell]) if numbers and made is not None else None,
        delta=delta_of(call, [_wide(o) for o in call.operands], entry.outputs[0].error),
        verdict=_verdict(operands, results),
        remark=entry.not_compared or _remark(operands, results),
        parts=_parts(entry),
    )


def _all_there(entry: Recorded) -> bool:
    kept = [input.kept for input in entry.inputs] + [output.kept for output in entry.outputs]
    return all(one.tensor is not None for one in kept)


def _unknown(entry: Recorded, weights: frozenset[str]) -> Traced:
    remark = (
        entry.not_compared if _all_there(entry) else "its tensors were overwritten by a call that could not be recorded"
    )
    operands = tuple(
        Operand("", _source(input, weights), summarize(input.kept), _sent(input), None) for input in entry.inputs
    )
    results = tuple(
        Result(summarize(output.kept), _upstream(output), _strides(output), None) for output in entry.outputs
    )
    return Traced(
        number=entry.number,
        name=entry.name,
        call=entry.name,
        module=entry.module,
        known=False,
        formula="",
        latex="",
        source="",
        settings={},
        operands=operands,
        results=results,
        cell=(),
        numbers="",
        number_there=None,
        delta=None,
        verdict="unknown",
        remark=remark,
        parts=_parts(entry),
    )


def _forward(call: Known, outputs: Sequence[Output]) -> list[Result]:
    """The textbook's outputs beside torch's."""
    made = call.operation.forward(*map(_wide, call.operands))
    ours = made if isinstance(made, tuple) else (made,)
    results = []
    for output, mine in zip(outputs, ours, strict=True):
        theirs = output.kept.tensor
        assert theirs is not None
        comparison = compare(mine, theirs, None)
        results.append(Result(summarize(output.kept), _upstream(output), _strides(output), comparison))
    return results


def _backward(call: Known, outputs: Sequence[Output]) -> list[tuple[Input, Tensor]]:
    """The textbook's gradient of every recorded input that has one."""
    if all(output.error is None for output in outputs):
        return []
    errors = []
    for output in outputs:
        assert output.kept.tensor is not None
        shape = output.kept.tensor.shape
        errors.append(torch.zeros(shape, dtype=torch.float64) if output.error is None else output.error.double())
    upstream = tuple(errors) if len(errors) > 1 else errors[0]
    gradients = call.operation.backward(upstream, *map(_wide, call.operands))
    pairs = zip(call.operands, gradients, strict=True)
    return [(operand, g) for operand, g in pairs if isinstance(operand, Input) and g is not None]


def _operands(call: Known, entry: Recorded, gradients: Gradients, weights: frozenset[str]) -> tuple[Operand, ...]:
    inputs = call.operation.inputs
    symbols = [inputs[min(place, len(inputs) - 1)] for place in range(len(call.operands))]
    found = []
    for symbol, operand in zip(symbols, call.operands, strict=True):
        if operand is None:
            continue
        if not isinstance(operand, Input):
            found.append(Operand(symbol, "constant", values_of(torch.tensor(operand, dtype=torch.float64)), None, None))
            continue
        gradient = gradients.get(id(operand))
        shown = None if gradient is None or operand.edge is None else values_of(gradient)
        comparison = None
        if shown is not None and gradient is not None and operand.errors:
            sent = operand.errors[0] if len(operand.errors) == 1 else torch.stack(operand.errors).sum(0)
            comparison = compare(gradient, sent, partial(_jitter, call, entry, operand, sent.dtype))
        found.append(Operand(symbol, _source(operand, weights), summarize(operand.kept), shown, comparison))
    return tuple(found)


def compare(ours: Tensor, theirs: Tensor, jitter: Callable[[], float] | None) -> Comparison:
    """The textbook's tensor beside torch's.

    Args:
        ours: in float64.
        theirs: of the same shape.
        jitter: () -> how far `ours` moves when its inputs move by a few roundings: this tells a difference from
            rounding where large terms cancel, such as in the gradient of a bias in front of batch norm; None: not
            asked.
    """
    ours = ours.double()
    if ours.numel() == 0:
        return Comparison(0.0, 0.0, (), 0.0, 0.0, False, 0.0)
    difference = (theirs.double() - ours).abs_()
    scale = max(_size(ours), _size(theirs))
    if not math.isfinite(scale):  # the same inf or nan on both sides is no difference
        same = (ours == theirs) | (ours.isnan() & theirs.isnan())
        difference = torch.where(same, 0.0, difference).nan_to_num(math.inf)
        scale = max(_size(ours[ours.isfinite()]), _size(theirs[theirs.isfinite()]))
    place = int(difference.argmax())
    cell = cell_at(place, ours.shape)
    largest = float(difference.reshape(-1)[place])
    tolerance = TOLERANCES.get(theirs.dtype, 0.0)
    differs = largest > tolerance * scale
    if differs and jitter is not None:
        differs = largest > ROUNDINGS * jitter()
    mine, its = float(ours.reshape(-1)[place]), float(theirs.reshape(-1)[place])
    return Comparison(largest, scale, cell, mine, its, bool(differs), tolerance)


def _size(tensor: Tensor) -> float:
    """The largest |number| of a tensor; nan where one is nan."""
    if not tensor.numel():
        return 0.0
    least, most = tensor.float().aminmax() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor.aminmax()
    return max(abs(float(least)), abs(float(most))) if float(least) == float(least) else math.nan


def _jitter(call: Known, entry: Recorded, operand: Input, dtype: torch.dtype) -> float:
    """How far an operand's gradient moves when all that it is made of moves by a few roundings."""
    generator = torch.Generator().manual_seed(entry.number)
    step = 16 * torch.finfo(dtype).eps
    place = next(place for place, one in enumerate(call.operands) if one is operand)
    errors = [output.error.double() for output in entry.outputs if output.error is not None]
    if len(errors) < len(entry.outputs):
        return 0.0

    def moved(tensor: Tensor | None) -> Tensor | None:
        if tensor is None or not tensor.is_floating_point():
            return tensor
        return tensor * (1 + step * torch.randn(tensor.shape, generator=generator, dtype=torch.float64))

    def gradient(move: Callable[[Tensor | None], Tensor | None]) -> Tensor | None:
        upstream = tuple(map(move, errors))
        operands = [move(_wide(one)) for one in call.operands]
        return call.operation.backward(upstream if len(upstream) > 1 else upstream[0], *operands)[place]

    before, after = gradient(lambda tensor: tensor), gradient(moved)
    return 0.0 if before is None or after is None else float((after - before).abs().max())


def _numbers(call: Known, output: Output) -> tuple[tuple[int, ...], str]:
    """The cell whose error is largest, or else whose value is, and how it comes about."""
    made = output.kept.tensor
    if made is None or made.numel() == 0:
        return (), ""
    guide = made if output.error is None or not output.error.any() else output.error
    cell = largest_cell(guide.detach().double())
    return cell, call.operation.worked(in_formula, cell, *map(_wide, call.operands))


def _wide(operand: KnownOperand) -> Tensor | None:
    """An operand in float64; whole numbers and truth values stay as they are."""
    if operand is None:
        return None
    if not isinstance(operand, Input):
        return torch.tensor(operand, dtype=torch.float64)
    tensor = operand.kept.tensor
    assert tensor is not None
    return tensor.double() if tensor.is_floating_point() else tensor


def _verdict(operands: Sequence[Operand], results: Sequence[Result]) -> str:
    found = [operand.comparison for operand in operands] + [result.comparison for result in results]
    if any(comparison is not None and comparison.differs for comparison in found):
        return "differs"
    if not any(operand.comparison is not None for operand in operands):
        return "forward only"
    return "equal"


def _remark(operands: Sequence[Operand], results: Sequence[Result]) -> str:
    """Both numbers where they differ most."""
    named = [(f"dE/d{operand.symbol}", operand.comparison) for operand in operands]
    named.extend(("output", result.comparison) for result in results)
    worst = [(name, comparison) for name, comparison in named if comparison is not None and comparison.differs]
    if not worst:
        return ""
    name, comparison = max(worst, key=lambda pair: pair[1].largest_difference)
    where = f" at {list(comparison.cell)}" if comparison.cell else ""
    return f"{name}{where} differs: {comparison.textbook:.6g} by the textbook, {comparison.torch:.6g} by torch"


def _source(input: Input, weights: frozenset[str]) -> str:
    if input.name == "input" or input.name == "target":
        return input.name
    if input.name:
        return f"{'weight' if input.name in weights else 'buffer'} {input.name}"
    return "constant" if input.made_by is None else f"operation {input.made_by}"


def summarize(kept: Kept) -> Values:
    """What a recorded tensor held; worked out once, as most come out of one operation and go into the next."""
    if kept.summary is None:
        tensor = kept.tensor
        kept.summary = values_of(torch.empty(0) if tensor is None else tensor, picture=True)
    return kept.summary


def _sent(input: Input) -> Values | None:
    return values_of(torch.stack(input.errors).sum(0)) if input.errors else None


def _upstream(output: Output) -> Values | None:
    return None if output.error is None else values_of(output.error, picture=True)


def _strides(output: Output) -> tuple[int, ...] | None:
    return None if output.error is None else tuple(output.error.stride())


def _parts(entry: Recorded) -> tuple[trace.Part, ...]:
    return tuple(trace.Part(part.name, part.shapes, part.strides) for part in entry.parts)


def _written(value: Any) -> str:
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop, value.step)]
        return ":".join(ends[:2] if not ends[2] else ends)
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_written, value)) + ")"
    return f"tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else str(value)


HIDDEN = {
    "tanh": ("delta_j = (1 - z_j^2) sum_k w_kj delta_k", "(1 - {z} ** 2) * {error}"),
    "sigmoid": ("delta_j = z_j (1 - z_j) sum_k w_kj delta_k", "{z} * (1 - {z}) * {error}"),
    "relu": ("delta_j = h'(a_j) sum_k w_kj delta_k, h'(a_j) = 1 where a_j > 0", "{slope} * {error}"),
    "identity": ("delta_j = sum_k w_kj delta_k", "{error}"),
}
"""Activation -> the slide's rule and the same with places for numbers; the error of z_j is sum_k w_kj delta_k."""


def delta_of(call: Known, operands: Sequence[Tensor | None], error: Tensor | None) -> Delta | None:
    """The slide's delta of an activation or of the loss's inputs, with the numbers of its largest one put in.

    Args:
        call: the operation.
        operands: its tensors, float64.
        error: dE/d(output).
    """
    if error is None or not operands or operands[0] is None or operands[0].numel() == 0:
        return None
    a = operands[0]
    if call.operation.name in HIDDEN:
        formula, pattern = HIDDEN[call.operation.name]
        z = call.operation.forward(a)
        deltas = call.operation.backward(error.double(), a)[0]
        assert deltas is not None
        cell = largest_cell(deltas)
        slope = 1 if float(a[cell]) > 0 else 0
        numbers = pattern.format(z=in_formula(z[cell]), error=in_formula(error[cell]), slope=slope)
        return Delta(formula, numbers, float(deltas[cell]), cell)
    t = operands[1] if isinstance(call.operation, SquaredError) and call.operation.is_halved else None
    return None if t is None or a.shape != t.shape else _output_delta(a, t, error, "delta_k = y_k - t_k")


def _output_delta(y: Tensor, t: Tensor, error: Tensor, formula: str) -> Delta | None:
    if y.dim() > 1 and len(y) > 1:
        return None
    cell = largest_cell(y - t)
    value = float(error.double()) * float((y - t)[cell])
    return Delta(formula, f"{in_formula(y[cell])} - {in_formula(t[cell])}", value, cell)
