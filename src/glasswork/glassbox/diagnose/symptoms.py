"""Symptoms of a faulty network: thresholds with their reasons, and a sentence for each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from glasswork.glassbox.diagnose.activity import ActivityOfLayer
from glasswork.glassbox.diagnose.finding import Finding, listed
from glasswork.record import Record

DEAD_SHARE = 0.4
"""Of a layer. Training kills a few units in most ReLU networks; CS231n's warning sign is `as much as 40 %`."""
SATURATED_SHARE = 0.5
"""Of a layer. Single saturated units do no harm; with half of them the error is lost on most ways through the layer."""
VANISHING = 1e-3
"""Gradient per weight in the first layer over that in the last: below, it would learn a thousand times more slowly."""
EXPLODING_WITH_DEPTH = 1e4
"""The same upwards. Larger than 1 / VANISHING: filters used at thousands of places gather gradient from all of them."""
EXPLODING_UPDATE = 1000.0
"""Gradient norm over weight norm: a step even at the small learning rate 0.001 would be as long as the weights."""
CONSTANT = 1e-4
"""Spread of the outputs over their size: no loss tells apart what differs by less than a ten-thousandth."""
FAR_SCALE = 10.0
"""Mean or deviation of the inputs: initialisations count on about 0 and 1; pixels from 0 to 255 have 30 to 80."""
NEAR_SCALE = 0.01
"""Deviation of the inputs: below, the first layer hears hardly anything but its biases."""
EXPLODING_NORM = 10.0
"""And the gradient itself beyond what gradients are usually clipped to, 1 to 10: tiny weights alone are no fault."""
FEW_INPUTS = 32
"""A unit that answers to one input in ten looks dead on 32 of them in 3 cases of 100; with fewer that is no news."""
LARGE_GAIN = 4.0
"""Root mean square of a layer's weights times the root of what each unit adds up: initialisations give 0.6 to 1.4."""
SAME = 1e-6


@dataclass(frozen=True)
class LayerGradient(Record):
    """The weights of a layer and the error that reaches them.

    Attributes:
        layer: its name.
        kind: the class of the module.
        weights: how many there are, biases left out if there are others.
        weight_norm: |w|.
        gradient_norm: |dE/dw|.
        ratio: |dE/dw| / |w|: by what share a step of gradient descent at learning rate 1 changes the layer.
        size: |dE/dw| / sqrt(weights): the gradient of a typical weight, to compare layers of different sizes.
        in_depth: whether it counts where layers are compared; biases, normalisation and embeddings do not.
    """

    layer: str
    kind: str
    weights: int
    weight_norm: float
    gradient_norm: float
    ratio: float
    size: float
    in_depth: bool


@dataclass(frozen=True)
class Measured:
    """What the findings are drawn from.

    Attributes:
        inputs: how many.
        scales: name, mean and standard deviation of the inputs and of each feature of a table.
        not_finite_weights: names of weights that hold inf or nan.
        not_finite_outputs: whether an output is inf or nan.
        loss: on these inputs.
        output_spread: of the outputs over the inputs, as a share of their size.
        activity: of the activation functions.
        gradients: of the layers, in the order of use.
        unused: names of weights that the loss does not depend on, of layers that were not used.
        detached: the same of layers that were used.
        below: for each activation, the layers with weights used before it.
        frozen: names of weights that the optimizer holds, and that no gradient is taken by.
        not_optimised: names of weights with a gradient that the optimizer does not hold; empty if it is not known.
        identical: layers whose units all have the same weights and get the same gradient.
        gains: root mean square of the weights of each layer in depth times the root of what each unit adds up.
        rectified: how many times smaller the first layer's gradient per weight is than the last's, measured with ReLU
            in place of sigmoid and tanh; None where it was not tried.
    """

    inputs: int
    scales: Sequence[tuple[str, float, float]]
    not_finite_weights: tuple[str, ...]
    not_finite_outputs: bool
    loss: float
    output_spread: float
    activity: tuple[ActivityOfLayer, ...]
    gradients: tuple[LayerGradient, ...]
    unused: tuple[str, ...]
    detached: tuple[str, ...] = ()
    below: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frozen: tuple[str, ...] = ()
    not_optimised: tuple[str, ...] = ()
    identical: tuple[str, ...] = ()
    gains: Mapping[str, float] = field(default_factory=dict)
    rectified: float | None = None


def network_findings(measured: Measured) -> Iterator[Finding]:
    """What is wrong; where nothing is finite, only that, as it hides the rest."""
    if measured.not_finite_weights:
        yield _not_finite_weights(measured.not_finite_weights)
        return
    yield from _unscaled(measured)
    if measured.not_finite_outputs or not math.isfinite(measured.loss):
        yield _not_finite_outputs(measured)
        return
    dead = [one for one in measured.activity if one.kind == "relu" and one.dead == one.units]
    if dead:
        yield _dead_layers(dead, measured)
    zero = tuple(one.layer for one in measured.gradients if one.in_depth and one.weight_norm == 0)
    yield from _weights(measured)
    yield from _depth(measured, blocked=bool(dead or zero))
    if zero:
        yield _zero(zero)
    elif measured.output_spread < CONSTANT:
        yield _constant(measured)
    yield from _units(measured, dead)
    yield from _without_gradient(measured)


def _not_finite_weights(names: tuple[str, ...]) -> Finding:
    return Finding(
        "not-finite-weights",
        names,
        f"Weights hold inf or nan: {listed(names)}; the output is meaningless for any input.",
        "Training diverged: go back to an earlier checkpoint, and train with a tenth of the learning rate or "
        "with gradient clipping.",
    )


def _not_finite_outputs(measured: Measured) -> Finding:
    what = "The outputs" if measured.not_finite_outputs else "The loss"
    return Finding(
        "not-finite-outputs",
        (),
        f"{what} on these inputs hold inf or nan, though all weights are finite."
        if measured.not_finite_outputs
        else "The loss on these inputs is inf or nan, though all weights and outputs are finite.",
        "Look for inf or nan in the inputs first, then for a division by 0, a logarithm of 0 or an exponential of a "
        "large number; with weights this large, make their initialisation smaller.",
    )


def _dead_layers(dead: Sequence[ActivityOfLayer], measured: Measured) -> Finding:
    names = tuple(one.layer for one in dead)
    inputs = measured.inputs
    few = "" if inputs >= FEW_INPUTS else f" (only {inputs} inputs were checked; check again with more)"
    verb = "is" if len(names) == 1 else "are"
    below = [one for one in measured.gradients if one.layer in measured.below.get(names[-1], ())]
    reached = [one for one in below if one.gradient_norm > 0]
    follows = "no error passes it"
    if below and not reached:
        follows += ": the gradient of every layer below it is 0, and nothing there learns"
    elif reached:
        follows += (
            f"; the layers below learn only by other ways ({listed([one.layer for one in reached])} get a gradient)"
        )
    return Finding(
        "dead-layer",
        names,
        f"Every unit of {listed(names)} {verb} dead: the ReLU gives 0 for all {inputs} inputs{few}, so {follows}.",
        "Such a layer does not recover: start again with a smaller learning rate and biases of 0, or with leaky-relu, "
        "which lets a little error through.",
    )


def _weights(measured: Measured) -> Iterator[Finding]:
    """Weights that are too large everywhere, or the same for all units."""
    large = [layer for layer, gain in measured.gains.items() if gain > LARGE_GAIN]
    if len(large) > 1 and len(large) * 2 >= len(measured.gains):
        worst = max(large, key=lambda layer: measured.gains[layer])
        yield Finding(
            "large-weights",
            tuple(large),
            f"The weights are too large in {listed(large)}: {worst} makes what it is given "
            f"{measured.gains[worst]:.3g} times as large, where initialisations keep to about 1.",
            "Divide the initial weights by the square root of the number of inputs of a unit (as torch's layers do on "
            "their own); in a trained network use weight decay or a smaller learning rate.",
        )
    if measured.identical:
        yield Finding(
            "identical-units",
            measured.identical,
            f"All units of {listed(measured.identical)} have the same weights and get the same gradient, so they stay "
            "the same and count as one.",
            "Initialise the weights at random; only biases may start at one value.",
        )


def _without_gradient(measured: Measured) -> Iterator[Finding]:
    if measured.detached:
        yield Finding(
            "detached",
            measured.detached,
            f"The layers of {listed(measured.detached)} are used, but no gradient reaches them, so they never learn.",
            "Look behind them for detach(), .data, no_grad, argmax, rounding, or a way through numpy, and take it out.",
        )
    if measured.frozen:
        yield Finding(
            "frozen",
            measured.frozen,
            f"The optimizer holds {listed(measured.frozen)}, but they are frozen (requires_grad=False) and never "
            "change.",
            "Call requires_grad_(True) on them; if they are meant to stay, leave them out of the optimizer.",
        )
    if measured.not_optimised:
        yield Finding(
            "not-optimised",
            measured.not_optimised,
            f"The optimizer does not hold {listed(measured.not_optimised)}: they get a gradient, but no step changes "
            "them.",
            "Give it all parameters, after the last layer was made or replaced; freeze those that are to stay with "
            "requires_grad_(False).",
        )
    if measured.unused:
        yield _unused(measured.unused)


def _depth(measured: Measured, blocked: bool) -> Iterator[Finding]:
    """Gradients that are not finite, too large, or that grow or shrink from the last layer down to the first."""
    lost = tuple(one.layer for one in measured.gradients if not math.isfinite(one.gradient_norm))
    if lost:
        yield Finding(
            "not-finite-gradients",
            lost,
            f"The gradients of {listed(lost)} are inf or nan, so the next step would make the weights inf or nan, too.",
            "Make the initialisation or the learning rate smaller, clip the gradient, and keep logarithms, divisions "
            "and square roots away from 0.",
        )
        return
    layers = [one for one in measured.gradients if one.in_depth]
    if not layers:
        return
    first, last = layers[0], layers[-1]
    large = [one for one in layers if EXPLODING_UPDATE < one.ratio < math.inf and one.gradient_norm > EXPLODING_NORM]
    if large or (last.size and first.size > EXPLODING_WITH_DEPTH * last.size):
        yield _exploding(max(large or [first], key=lambda one: one.ratio))
    if len(layers) > 1 and not blocked and last.size and first.size < VANISHING * last.size:
        weak = tuple(one.layer for one in layers if one.size < VANISHING * last.size)
        times = f"{last.size / first.size:,.0f} times smaller than" if first.size else "0, and not 0"
        yield Finding(
            "vanishing",
            weak,
            f"The gradient vanishes on its way back: that of a weight in {first.layer} is {times} in {last.layer}, so "
            "the first layers hardly learn.",
            _against_vanishing(measured, first.size / last.size),
        )


def _against_vanishing(measured: Measured, share: float) -> str:
    """What to do; relu is advised if the gradient was measured with it, and is larger."""
    others = (
        "use an initialisation made for the activation, batch normalisation or residual connections; or fewer layers."
    )
    if measured.rectified is None:
        return f"{others[:1].upper()}{others[1:]}"
    if measured.rectified < 10 * share:
        return f"Relu in place of sigmoid or tanh would not help by itself (measured); {others}"
    return (
        f"Use relu in place of sigmoid or tanh: measured with it, the first layer has {measured.rectified:.2g} of the "
        f"last one's gradient, in place of {share:.2g}. Or {others}"
    )


def _exploding(layer: LayerGradient) -> Finding:
    return Finding(
        "exploding",
        (layer.layer,),
        f"The gradient explodes: in {layer.layer} its norm is {layer.gradient_norm:,.3g}, {layer.ratio:,.3g} times "
        "that of the weights, so a single step changes the layer completely.",
        "Clip the gradient or make the learning rate smaller at once; then look for weights initialised too large, "
        "inputs or targets that are not scaled, or a loss that is a sum where it should be a mean.",
    )


def _zero(layers: tuple[str, ...]) -> Finding:
    return Finding(
        "zero-weights",
        layers,
        f"All weights of {listed(layers)} are 0, so neither inputs nor errors pass through.",
        "This is fine in a new network whose last layer was initialised to 0 on purpose, as its first step fixes it; "
        "otherwise look for a penalty or weight decay that is too strong, or initialise the layer at random.",
    )


def _constant(measured: Measured) -> Finding:
    return Finding(
        "constant-output",
        (),
        f"All {measured.inputs} inputs get the same answer: the outputs differ by less than a "
        "ten-thousandth of their size, so the network ignores its input.",
        "Fix the problems above first, if any. Otherwise check that the inputs really differ and are not scaled to "
        "zero, and start again with a smaller learning rate or weaker regularisation.",
    )


def _unscaled(measured: Measured) -> Iterator[Finding]:
    odd = [
        (name, mean, deviation)
        for name, mean, deviation in measured.scales
        if not (abs(mean) <= FAR_SCALE and deviation <= FAR_SCALE)
    ]
    small = [one for one in measured.scales[:1] if one[2] < NEAR_SCALE]
    features = [one for one in odd if one[0].startswith("feature")]
    worst = max(features or odd or small, key=lambda one: max(abs(one[1]), one[2]), default=None)
    if worst is None:
        return
    name, mean, deviation = worst
    who = f"the values of {name}" if features else "they"
    others = f" ({len(features)} features are far off)" if len(features) > 1 else ""
    yield Finding(
        "unscaled-inputs",
        (),
        f"The inputs are not scaled: {who} have mean {mean:.3g} and standard deviation {deviation:.3g}{others}, where "
        "networks are made for about 0 and 1.",
        "Subtract the mean and divide by the standard deviation of the training data, feature by feature (channel by "
        "channel for images).",
    )


def is_partly_dead(layer: ActivityOfLayer) -> bool:
    """Whether so many units are dead that it is worth a word."""
    return layer.dead >= DEAD_SHARE * layer.units > 0


def _units(measured: Measured, dead: Sequence[ActivityOfLayer]) -> Iterator[Finding]:
    """Layers that are saturated or dead in part."""
    saturated = [one for one in measured.activity if not one.is_output and one.saturated > SATURATED_SHARE * one.units]
    if saturated:
        worst = max(saturated, key=lambda one: one.saturated / one.units)
        names = tuple(one.layer for one in saturated)
        yield Finding(
            "saturated",
            names,
            f"Units are saturated in {listed(names)}: in {worst.layer} {worst.saturated} of {worst.units} sit at the "
            f"limits of {worst.kind} for most inputs, where its slope is almost 0, so hardly any error passes.",
            "Make the weights before them smaller (initialisation, weight decay, learning rate), scale the inputs, or "
            "use relu.",
        )
    partly = [one for one in measured.activity if one not in dead and is_partly_dead(one)]
    if partly and measured.inputs >= FEW_INPUTS:
        worst = max(partly, key=lambda one: one.dead / one.units)
        names = tuple(one.layer for one in partly)
        yield Finding(
            "dead-units",
            names,
            f"Many units are dead in {listed(names)}: in {worst.layer} {worst.dead} of {worst.units} give 0 for all "
            f"{measured.inputs} inputs and learn nothing from them.",
            "Train with a smaller learning rate or with leaky-relu; if the accuracy is good, the layer is merely wider "
            "than it needs to be.",
        )


def _unused(names: tuple[str, ...]) -> Finding:
    return Finding(
        "unused",
        names,
        f"The loss does not depend on {listed(names)}: these weights get no gradient and never change.",
        "Check that forward uses the layer and its result; if the weights are not meant to "
        "change, freeze them with requires_grad_(False).",
    )
