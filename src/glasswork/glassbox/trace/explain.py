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
from glasswork.glassbox.trace.rounding import Call, Rounding
from glasswork.glassbox.trace.trace import Comparison, Delta, Operand, Result, Traced
from glasswork.textbook.losses import SquaredError

TOLERANCES = {torch.float64: 1e-8, torch.float32: 1e-3, torch.bfloat16: 2e-2, torch.float16: 2e-2}
"""The share of a tensor's largest number by which others may be off without a closer look."""
ROUNDINGS = 32
"""A larger difference is still rounding, up to so many times what rounding every step of the textbook changes."""


def explain(entry: Recorded, weights: frozenset[str]) -> Traced:
    """What one recorded operation did, with the textbook's own numbers where it has the operation.

    Args:
        entry: what was recorded, after the backward pass.
        weights: the names that are weights rather than buffers.
    """
    if not _all_there(entry):
        return _unknown(entry, weights, _unreadable(entry))
    try:
        known = recognise(entry)
        if len(known) > 1 and len(known) != len(entry.outputs):
            known = ()
        return _explain(entry, known, weights) if known else _unknown(entry, weights, entry.not_compared)
    except Exception as error:  # one operation that the textbook cannot take does not end the trace
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        return _unknown(entry, weights, f"the textbook cannot take it: {words}")


def _explain(entry: Recorded, known: Sequence[Known], weights: frozenset[str]) -> Traced:
    one_each = len(known) > 1
    precision = precision_of(entry)
    groups = [[output] for output in entry.outputs] if one_each else [entry.outputs]
    calls = [_call(one, outputs) for one, outputs in zip(known, groups, strict=True)]
    roundings = [Rounding(call, precision) for call in calls]
    results: list[Result] = []
    for rounding, outputs in zip(roundings, groups, strict=True):
        results += _forward(rounding, outputs)
    operands = _operands(roundings, weights)
    call, book = known[0], known[0].operation
    cell, numbers = _numbers(calls[0], entry.outputs[0])
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
        delta=delta_of(call, calls[0].operands, entry.outputs[0].error),
        verdict=_verdict(operands, results),
        remark=entry.not_compared or _remark(operands, results),
        parts=_parts(entry),
    )


def _all_there(entry: Recorded) -> bool:
    kept = [input.kept for input in entry.inputs] + [output.kept for output in entry.outputs]
    return all(one.tensor is not None for one in kept)


def _unreadable(entry: Recorded) -> str:
    kept = [input.kept for input in entry.inputs] + [output.kept for output in entry.outputs]
    reasons = [one.unreadable for one in kept if one.unreadable]
    return reasons[0] if reasons else "its tensors were overwritten by a call that could not be recorded"


def _unknown(entry: Recorded, weights: frozenset[str], remark: str) -> Traced:
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


def precision_of(entry: Recorded) -> torch.dtype:
    """The coarsest precision that a call met, which under autocast is not that of its weights."""
    kept = [input.kept for input in entry.inputs] + [output.kept for output in entry.outputs]
    dtypes = {one.tensor.dtype for one in kept if one.tensor is not None and one.tensor.is_floating_point()}
    return max(dtypes, key=lambda dtype: torch.finfo(dtype).eps, default=torch.float64)


def _call(known: Known, outputs: Sequence[Output]) -> Call:
    """The operation with its numbers in float64; where several errors flow back, those that are missing are 0."""
    upstream: tuple[Tensor, ...] = ()
    if any(output.error is not None for output in outputs):
        for output in outputs:
            assert output.kept.tensor is not None
            nothing = torch.zeros(output.kept.tensor.shape, dtype=torch.float64, device=output.kept.tensor.device)
            upstream += (nothing if output.error is None else output.error.double(),)
    errors = None if not upstream else upstream if len(upstream) > 1 else upstream[0]
    return Call(known, [_wide(operand) for operand in known.operands], errors)


def _forward(rounding: Rounding, outputs: Sequence[Output]) -> list[Result]:
    """The textbook's outputs beside torch's."""
    results = []
    for place, (output, ours) in enumerate(zip(outputs, rounding.call.forward(), strict=True)):
        theirs = output.kept.tensor
        assert theirs is not None
        comparison = compare(ours, theirs, rounding.precision, partial(rounding.of_output, place))
        results.append(Result(summarize(output.kept), _upstream(output), _strides(output), comparison))
    return results


def _operands(roundings: Sequence[Rounding], weights: frozenset[str]) -> tuple[Operand, ...]:
    """What went in, with the textbook's gradient of each recorded tensor beside torch's."""
    gradients: dict[int, Tensor] = {}
    for rounding in roundings:
        for operand, gradient in zip(rounding.call.known.operands, rounding.call.backward(), strict=False):
            if isinstance(operand, Input) and gradient is not None:
                before = gradients.get(id(operand))
                gradients[id(operand)] = gradient if before is None else before + gradient
    call = roundings[0].call.known
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
            change = partial(_of_gradient, operand, roundings)
            comparison = compare(gradient, sent, roundings[0].precision, change)
        found.append(Operand(symbol, _source(operand, weights), summarize(operand.kept), shown, comparison))
    return tuple(found)


def _of_gradient(operand: Input, roundings: Sequence[Rounding]) -> float:
    return sum(rounding.of_gradient(operand) for rounding in roundings)


def compare(ours: Tensor, theirs: Tensor, precision: torch.dtype, rounding: Callable[[], float]) -> Comparison:
    """The textbook's tensor beside torch's.

    Args:
        ours: in float64.
        theirs: of the same shape.
        precision: in which torch worked it out.
        rounding: () -> how far `ours` moves if every step is rounded in that precision; asked only if the two are
            further apart than a share of the largest number.
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
    tolerance = TOLERANCES.get(precision, 0.0)
    differs = largest > max(tolerance * scale, torch.finfo(precision).tiny) and largest > ROUNDINGS * rounding()
    mine, its = float(ours.reshape(-1)[place]), float(theirs.reshape(-1)[place])
    return Comparison(largest, scale, cell, mine, its, bool(differs), tolerance)


def _size(tensor: Tensor) -> float:
    """The largest |number| of a tensor; nan where one is nan."""
    if not tensor.numel():
        return 0.0
    least, most = tensor.float().aminmax() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor.aminmax()
    return max(abs(float(least)), abs(float(most))) if float(least) == float(least) else math.nan


def _numbers(call: Call, output: Output) -> tuple[tuple[int, ...], str]:
    """The cell whose error is largest, or else whose value is, and how it comes about."""
    made = output.kept.tensor
    if made is None or made.numel() == 0:
        return (), ""
    guide = made if output.error is None or not output.error.any() else output.error
    cell = largest_cell(guide.detach().double())
    return cell, call.known.operation.worked(in_formula, cell, *call.operands)


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
