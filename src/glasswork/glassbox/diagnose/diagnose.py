"""What is wrong with a network, in sentences, and what to try."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.diagnose.activity import ActivityOfLayer, Rectified, Watch, watch_run
from glasswork.glassbox.diagnose.data_symptoms import data_findings
from glasswork.glassbox.diagnose.finding import ORDER, Finding
from glasswork.glassbox.diagnose.loss_symptoms import LossMeasured, loss_findings, measure_loss
from glasswork.glassbox.diagnose.symptoms import SAME, VANISHING, LayerGradient, Measured, network_findings
from glasswork.glassbox.diagnose.training import Training
from glasswork.glassbox.diagnose.training_symptoms import training_findings
from glasswork.glassbox.inspect import require_inputs, rows_of, run, undisturbed
from glasswork.record import Record
from glasswork.report.blocks import Bars, Block, Facts, Table, Text
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import number, percent

MILD = frozenset({"duplicated-features", "constant-features", "dead-units", "unused", "worse-than-chance"})
"""Findings beside which it is still worth asking how fast the network learns."""


@dataclass(frozen=True)
class Diagnosis(Record):
    """The state of a network on some inputs.

    Attributes:
        findings: what is wrong, the most serious first; empty where nothing was found.
        sentences: the same as text, each with what to try; a single one if nothing was found.
        inputs: how many were looked at.
        input_mean, input_deviation: over all their numbers; None for inputs that are not floating point.
        loss: on these inputs.
        output_spread: how far the outputs differ from input to input, as a share of their size.
        activity: every ReLU, tanh and sigmoid in the order of use.
        gradients: every layer with weights in the order of use.
        remarks: sentences about how it was looked at.
        chance: the cross-entropy of guessing by the frequencies of the classes, ln K for K equal ones; None for other
            losses, or where the targets are not known.
    """

    findings: tuple[Finding, ...]
    sentences: tuple[str, ...]
    inputs: int
    input_mean: float | None
    input_deviation: float | None
    loss: float
    output_spread: float
    activity: tuple[ActivityOfLayer, ...]
    gradients: tuple[LayerGradient, ...]
    remarks: tuple[str, ...] = ()
    chance: float | None = None


def diagnose(
    network: nn.Module,
    inputs: Tensor,
    loss: Callable[[Tensor], Tensor],
    further: tuple[Tensor, ...] = (),
    training: Training | None = None,
) -> Diagnosis:
    """Runs a network forward and backward, and says what is wrong with it; rehearses its training if that is known.

    The network runs in the mode in which it stands: put it in training mode to see what training sees. Weights,
    buffers, gradients, mode and random generators are left as they were.

    Args:
        network: any module; activation functions are seen as modules, functions and methods.
        inputs: (N, ...), as the network is given them in training; a few dozen to a few hundred tell most.
        loss: from the network's outputs (N, ...) for these inputs to a scalar.
        further: what else its `forward` takes, behind the inputs.
        training: targets, loss, batches, optimizer, held-out examples, as far as they are known.

    Raises:
        GlassworkError: the inputs do not fit the network, or the loss is not a scalar.
    """
    require_inputs(inputs)
    found = list(data_findings(inputs, training))
    chance: float | None = None
    remarks: tuple[str, ...] = ()
    with undisturbed(network, evaluate=False):
        returned, watch = watch_run(network, inputs.detach(), *further)
        outputs = rows_of(returned, inputs)
        value = loss(outputs)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise GlassworkError("The loss must be one number in a tensor; take the mean over the examples.")
        gradients = _gradients(network, value)
        layers = tuple(_layers(network, gradients, watch.order))
        measured = _measured(network, inputs, (outputs, value), (gradients, layers), watch, returned)
    if training is not None:
        measured = replace(measured, **_optimised(network, gradients, training))
    with undisturbed(network, evaluate=False):
        measured = replace(measured, rectified=_rectified(network, inputs, further, loss, measured))
    found += network_findings(measured)
    if training is not None and bool(outputs.isfinite().all()) and not measured.not_finite_weights:
        answered = measure_loss(outputs.detach(), training)
        chance = answered.chance
        found += loss_findings(outputs.detach(), training, answered, measured.activity)
        found = [one for one in found if one.kind != "large-weights" or _does_harm(found, answered)]
        explained = bool(set(kind_of(found)) - MILD)
        rehearsed = training_findings(network, inputs, training, answered, explained)
        found = [*(one for one in found if not rehearsed.passes(one)), *rehearsed.findings]
        remarks = rehearsed.remarks
    elif "exploding" not in kind_of(found):
        found = [one for one in found if one.kind != "large-weights"]
    found.sort(key=lambda one: ORDER.index(one.kind))
    sentences = tuple(f"{one.what} {one.try_this}" for one in found) or (_nothing(measured),)
    mean, deviation = _mean_and_deviation(inputs)
    return Diagnosis(
        tuple(found),
        sentences,
        len(inputs),
        mean,
        deviation,
        measured.loss,
        measured.output_spread,
        measured.activity,
        layers,
        remarks=remarks,
        chance=chance,
    )


def _does_harm(found: Sequence[Finding], answered: LossMeasured) -> bool:
    """Whether large weights are a fault: trained weights may be large where the loss is small."""
    above = answered.chance is not None and answered.value > answered.chance
    return above or "exploding" in kind_of(found)


def kind_of(findings: Iterable[Finding]) -> list[str]:
    """The short names of the findings."""
    return [one.kind for one in findings]


def _measured(
    network: nn.Module,
    inputs: Tensor,
    answer: tuple[Tensor, Tensor],
    errors: tuple[dict[str, Tensor | None], tuple[LayerGradient, ...]],
    watch: Watch,
    returned: Any,
) -> Measured:
    (outputs, value), (gradients, layers) = answer, errors
    without = [name for name, gradient in gradients.items() if gradient is None]
    used = {name for name in without if name.rpartition(".")[0] in watch.order and "." in name}
    modules = dict(network.named_modules())
    matrices = {
        f"{layer}.{name}" if layer else name: weight
        for layer in (one.layer for one in layers if one.in_depth and one.layer in modules)
        for name, weight in modules[layer].named_parameters(recurse=False)
        if weight.dim() >= 2
    }
    return Measured(
        inputs=len(inputs),
        scales=_scales(inputs),
        not_finite_weights=tuple(
            name for name, weight in network.named_parameters() if not bool(weight.isfinite().all())
        ),
        not_finite_outputs=not bool(outputs.detach().isfinite().all()),
        loss=float(value.detach()),
        output_spread=_spread(inputs, outputs.detach()),
        activity=watch.found(returned),
        gradients=layers,
        unused=tuple(name for name in without if name not in used),
        detached=tuple(name for name in without if name in used),
        below=watch.below,
        identical=tuple(
            dict.fromkeys(
                name.rpartition(".")[0]
                for name, weight in matrices.items()
                if _same_rows(weight) and _same_rows(gradients.get(name))
            )
        ),
        gains={name.rpartition(".")[0]: _gain(weight) for name, weight in matrices.items()},
    )


def _same_rows(weight: Tensor | None) -> bool:
    """Whether all rows of a matrix are one row, and not of zeros."""
    if weight is None or len(weight) < 2 or weight.is_sparse:
        return False
    rows = weight.detach().flatten(1).double()
    size = float(rows.abs().max())
    return size > 0 and bool(((rows - rows[:1]).abs() <= SAME * size).all())


def _gain(weight: Tensor) -> float:
    rows = weight.detach().flatten(1).double()
    return float(rows.square().mean().sqrt()) * math.sqrt(rows.shape[1])


def _optimised(network: nn.Module, gradients: dict[str, Tensor | None], training: Training) -> dict[str, Any]:
    if training.optimizer is None:
        return {}
    held = {id(weight) for group in training.optimizer.param_groups for weight in group["params"]}
    named = dict(network.named_parameters())
    return {
        "frozen": tuple(name for name, weight in named.items() if not weight.requires_grad and id(weight) in held),
        "not_optimised": tuple(
            name for name, found in gradients.items() if found is not None and id(named[name]) not in held
        ),
    }


def _rectified(
    network: nn.Module,
    inputs: Tensor,
    further: tuple[Tensor, ...],
    loss: Callable[[Tensor], Tensor],
    measured: Measured,
) -> float | None:
    """The first layer's gradient per weight over the last one's, with ReLU for sigmoid and tanh if they are there."""
    layers = [one for one in measured.gradients if one.in_depth]
    curved = any(one.kind in ("sigmoid", "tanh") and not one.is_output for one in measured.activity)
    if len(layers) < 2 or not curved or not layers[0].size < VANISHING * layers[-1].size:
        return None
    with Rectified():
        value = loss(rows_of(run(network, inputs.detach(), *further), inputs))
        again = {one.layer: one.size for one in _layers(network, _gradients(network, value), {})}
    first, last = again.get(layers[0].layer, 0.0), again.get(layers[-1].layer, 0.0)
    return first / last if last else 0.0


def _nothing(measured: Measured) -> str:
    return (
        f"Nothing found on {measured.inputs} inputs: all weights are finite, no layer is dead or saturated, errors "
        "reach every layer and answers differ from input to input. This means that the network can learn, not that it "
        "has learned well: for that, look at its validation loss."
    )


def _gradients(network: nn.Module, loss: Tensor) -> dict[str, Tensor | None]:
    """dE/dw of every weight that may be trained; None for those that the loss does not depend on."""
    named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    if not named:
        return {}
    if not loss.requires_grad:
        return dict.fromkeys(named)
    found = torch.autograd.grad(loss.reshape(()), list(named.values()), allow_unused=True)
    return dict(zip(named, found, strict=True))


def _layers(network: nn.Module, gradients: dict[str, Tensor | None], order: dict[str, int]) -> Iterator[LayerGradient]:
    """Norms by layer, in the order in which the layers were used; of the weights, or if there are none, of the rest."""

    def place(name: str) -> int:
        while name and name not in order:  # a module whose weights its parent uses
            name = name.rpartition(".")[0]
        return order.get(name, len(order))

    modules = dict(network.named_modules())
    for name in sorted(modules, key=place):
        own = dict(modules[name].named_parameters(name, recurse=False))
        known = {key: weight for key, weight in own.items() if gradients.get(key) is not None}
        matrices = {key: weight for key, weight in known.items() if weight.dim() >= 2} or known
        if not matrices:
            continue
        weight_norm = math.hypot(*(_norm(weight) for weight in matrices.values()))
        gradient_norm = math.hypot(*(_norm(gradients[key]) for key in matrices))
        count = sum(weight.numel() for weight in matrices.values())
        yield LayerGradient(
            layer=name or "weights of its own",
            kind=type(modules[name]).__name__,
            weights=count,
            weight_norm=weight_norm,
            gradient_norm=gradient_norm,
            ratio=gradient_norm / weight_norm if weight_norm else (math.inf if gradient_norm else 0.0),
            size=gradient_norm / math.sqrt(count),
            in_depth=_maps_inputs(modules[name], matrices.values()),
        )


def _norm(tensor: Tensor | None) -> float:
    assert tensor is not None
    held = tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()
    return float(torch.linalg.vector_norm(held, dtype=torch.float64))


def _maps_inputs(module: nn.Module, weights: Iterable[Tensor]) -> bool:
    """Whether a layer's weights are the matrix or the filters of a map; scales, shifts and embeddings are not."""
    if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.RNNBase)):
        return True
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return False
    return any(weight.dim() >= 2 and 1 < len(weight) < weight.numel() for weight in weights)


def _mean_and_deviation(inputs: Tensor) -> tuple[float | None, float | None]:
    if not inputs.is_floating_point():
        return None, None
    numbers = inputs.detach().double()
    return float(numbers.mean()), float(numbers.std(correction=0))


def _scales(inputs: Tensor) -> tuple[tuple[str, float, float], ...]:
    """Name, mean and standard deviation of the inputs: of each feature of a table, else of all numbers together."""
    mean, deviation = _mean_and_deviation(inputs)
    if mean is None or deviation is None:
        return ()
    if inputs.dim() != 2:
        return (("the inputs", mean, deviation),)
    numbers = inputs.detach().double()
    columns = zip(numbers.mean(0).tolist(), numbers.std(0, correction=0).tolist(), strict=True)
    return (
        ("the inputs", mean, deviation),
        *((f"feature {index}", one, other) for index, (one, other) in enumerate(columns)),
    )


def _spread(inputs: Tensor, outputs: Tensor) -> float:
    """Greatest standard deviation of an output over the inputs, by the outputs' size; 1 if all inputs are the same."""
    if len(inputs) < 2 or bool((inputs == inputs[:1]).all()):
        return 1.0
    rows = outputs.double().flatten(1)
    size = float(rows.square().mean().sqrt())
    deviation = float(rows.std(0, correction=0).max())
    return deviation / size if size else 0.0


ACTIVITY = ("Layer", "Function", "Dead or saturated units", "At the limit")
GRADIENT = ("Layer", "Kind", "Weights", "|w|", "|dE/dw|", "|dE/dw| / |w|", "Per weight")


def report_of(diagnosis: Diagnosis, title: str) -> Report:
    """The diagnosis as a page, and as what a terminal shows."""
    count = len(diagnosis.findings)
    found = "Nothing found" if not count else f"{count} thing{'s' if count > 1 else ''} to fix"
    guessing = "" if diagnosis.chance is None else f"; guessing has {number(_short(diagnosis.chance))}"
    verdict = f"{found[:1].lower()}{found[1:]} on {diagnosis.inputs} inputs (loss {number(diagnosis.loss)}{guessing})"
    said = [verdict, *(f"note: {remark}" for remark in diagnosis.remarks)]
    lines = [f"{place}. {one.what}\n   Try: {one.try_this}" for place, one in enumerate(diagnosis.findings, 1)]
    activity, gradients = _activity_table(diagnosis.activity), _gradient_table(diagnosis.gradients)
    return Report(
        title,
        sections_of(diagnosis),
        headline=Headline("", found, f"on {number(diagnosis.inputs)} inputs"),
        summary=[
            Text("\n\n".join(["\n".join(said), *(lines or diagnosis.sentences)])),
            *([activity] if activity.rows else []),
            *([gradients] if gradients.rows else []),
        ],
        footer="Drawn by Glasswork from what the network did with these inputs; the page computed none of the numbers.",
    )


def sections_of(diagnosis: Diagnosis) -> list[Section]:
    """The sections of the page, to stand in any page."""
    state: list[tuple[str, str | int | float]] = [("inputs looked at", diagnosis.inputs), ("loss", diagnosis.loss)]
    if diagnosis.chance is not None:
        state.append(("loss of guessing by the frequencies of the classes", diagnosis.chance))
    if diagnosis.input_mean is not None and diagnosis.input_deviation is not None:
        state.append(("mean of the inputs", diagnosis.input_mean))
        state.append(("their standard deviation", diagnosis.input_deviation))
    state.append(("spread of the outputs", percent(diagnosis.output_spread) + " of their size"))
    errors = _layers_with(diagnosis, {"vanishing", "exploding"})
    units = _layers_with(diagnosis, {"dead-layer", "dead-units", "saturated"})
    in_depth = [(one.layer, _short(one.size)) for one in diagnosis.gradients if one.in_depth]
    bars = Bars("Gradient per weight", in_depth, "layers", logarithmic=True)
    return [
        _wrong(diagnosis),
        Section(
            "Do errors reach every layer?",
            "The gradient of a typical weight in each layer, from the first to the last, on a logarithmic scale. "
            "Values within a factor of about a hundred are healthy. Bars that shrink towards the top mean that the "
            "first layers hardly learn.",
            [*([bars] if any(size > 0 for _, size in in_depth) else []), _gradient_table(diagnosis.gradients, errors)],
        ),
        Section(
            "Do the units respond?",
            "A dead unit is a ReLU that gives 0 for every input; a saturated one sits at the limits of tanh or sigmoid "
            "for most of what it is given. Neither passes errors on, so the layers below it do not learn. “At the "
            "limit” is the share of all outputs that are 0 (ReLU) or at the ends of tanh or sigmoid.",
            [_activity_table(diagnosis.activity, units)],
        ),
        Section(
            "What was checked",
            "The network was run forward and backward once; it is unchanged.",
            [Facts(state), *map(Text, diagnosis.remarks)],
        ),
    ]


def _wrong(diagnosis: Diagnosis) -> Section:
    if not diagnosis.findings:
        reading = "What was checked, and what was not."
        return Section("All is well", reading, [Text(one) for one in diagnosis.sentences])
    blocks: list[Block] = []
    for one in diagnosis.findings:
        blocks += [Text(one.what, "warning"), Text(one.try_this, "remedy")]
    reading = "The most serious problem comes first. Fix it and look again: it often causes the others."
    return Section("What is wrong", reading, blocks)


def _layers_with(diagnosis: Diagnosis, kinds: Collection[str]) -> set[str]:
    """The layers in which something of these kinds was found."""
    return {layer for one in diagnosis.findings if one.kind in kinds for layer in one.layers}


def _activity_table(activity: Sequence[ActivityOfLayer], wrong: Collection[str] = ()) -> Table:
    rows = []
    for one in activity:
        stuck = f"{number(one.dead)} of {number(one.units)} dead"
        if one.kind != "relu":
            stuck = f"{number(one.saturated)} of {number(one.units)} saturated"
        kind = f"{one.kind}, the output" if one.is_output else one.kind
        rows.append((one.layer, kind, stuck, percent(one.at_limits)))
    return Table(ACTIVITY, rows, noun="layers", wrong=[k for k, one in enumerate(activity) if one.layer in wrong])


def _gradient_table(gradients: Sequence[LayerGradient], wrong: Collection[str] = ()) -> Table:
    rows = [
        (
            one.layer,
            one.kind,
            number(one.weights),
            *(number(_short(norm)) for norm in (one.weight_norm, one.gradient_norm, one.ratio, one.size)),
        )
        for one in gradients
    ]
    return Table(GRADIENT, rows, noun="layers", wrong=[k for k, one in enumerate(gradients) if one.layer in wrong])


def _short(value: float) -> float:
    return float(f"{value:.3g}") if math.isfinite(value) else value
