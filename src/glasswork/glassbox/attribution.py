"""Attributes an output to parts of the input: saliency, Grad-CAM and integrated gradients.

All run the network in evaluation mode and leave it as they found it, hooks, modes and gradients included.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.inspect import (
    CHUNK,
    Target,
    differentiable,
    find_layer,
    hooked,
    outputs_of,
    rows_of,
    run,
    scores_of,
    targets_of,
    undisturbed,
)
from glasswork.glassbox.tensor_summary import Image, Values, image_of, values_of
from glasswork.record import Record

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
QUADRATURE = "Gauss-Legendre"


@dataclass(frozen=True)
class Attribution(Record):
    """What each part of each input contributes to one output.

    Attributes:
        method: its name.
        source: who described it, and where.
        reading: how to read the maps, in a sentence.
        targets: the chosen output of each input; empty for a hidden unit.
        scores: that output, for each input.
        values: all attributions in full.
        signed: whether attributions against the output are negative; else none is below 0.
        inputs: the inputs as images.
        maps: the attributions of each input as an image; over its channels they are summed, unless said otherwise.
    """

    method: str
    source: str
    reading: str
    targets: tuple[int, ...]
    scores: tuple[float, ...]
    values: Values
    signed: bool
    inputs: tuple[Image, ...]
    maps: tuple[Image, ...]


@dataclass(frozen=True)
class GradCam(Record):
    """The result of Grad-CAM.

    Attributes:
        attribution: values (N, height, width) of the layer's maps; the images are enlarged to the inputs' size.
        layer: whose maps they are.
        chosen: whether that is the last convolution because no layer was asked for.
        weights: alpha_k of each map, for each input.
    """

    attribution: Attribution
    layer: str
    chosen: bool
    weights: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Completeness(Record):
    """Whether the attributions of one input add up (Sundararajan et al. 2017, proposition 1).

    Attributes:
        total: the sum of the attributions.
        difference: f(x) - f(baseline), which they ought to sum to.
        gap: total - difference: the error of the numerical integration; more steps make it smaller.
    """

    total: float
    difference: float
    gap: float


@dataclass(frozen=True)
class IntegratedGradients(Record):
    """The result of integrated gradients.

    Attributes:
        attribution: values in the inputs' shape.
        steps: at how many points of the way from the baseline to the input the gradient was taken.
        quadrature: how the points were chosen and weighted.
        completeness: for each input.
    """

    attribution: Attribution
    steps: int
    quadrature: str
    completeness: tuple[Completeness, ...]


def saliency(network: nn.Module, inputs: Tensor, target: Target = None) -> Attribution:
    """|d score / d input|: which numbers of the input, changed a little, change the score most (Simonyan et al. 2013).

    Args:
        network: any module that returns a row of scores for each input.
        inputs: (N, ...) in floating point.
        target: the output, one for all inputs or one each; absent for a network with a single output.

    Returns:
        Values in the inputs' shape. The maps show the greatest of the channels (their section 3.1).

    Raises:
        GlassworkError: inputs or target do not fit the network.
    """
    with undisturbed(network, evaluate=True):
        x = differentiable(inputs)
        outputs = outputs_of(network, x)
        targets = targets_of(target, outputs)
        scores = scores_of(outputs, targets)
        gradient = gradient_of(scores, x).abs()
    maps = gradient.amax(1) if gradient.dim() >= 3 else gradient
    return Attribution(
        "saliency",
        "Simonyan, Vedaldi and Zisserman 2013, Deep Inside Convolutional Networks, section 3",
        "The stronger a pixel, the more a small change in it would change the score, up or down.",
        **common_fields(targets, scores, gradient, maps, x),
        signed=False,
    )


def grad_cam(network: nn.Module, inputs: Tensor, target: Target = None, layer: str | None = None) -> GradCam:
    """Where the feature maps that speak for an output are active: ReLU(sum_k alpha_k A^k) (Selvaraju et al. 2017).

    alpha_k = 1/Z sum_ij d score / d A^k_ij, equations 1 and 2.

    Args:
        network: any module that returns a row of scores for each input.
        inputs: (N, channels, ...) in floating point.
        target: the output, one for all inputs or one each; absent for a network with a single output.
        layer: whose output maps A are, as `named_modules` calls it; None: the last convolution whose maps have several
            places; behind pooling over all places there is nothing to see.

    Returns:
        Values (N, height, width) in the resolution of the layer.

    Raises:
        GlassworkError: inputs, target or layer do not fit the network, or the score does not depend on the layer.
    """
    with undisturbed(network, evaluate=True):
        x = differentiable(inputs)
        name, maps, returned = run_to(network, x, layer or _last_convolution(network, x))
        if maps.dim() < 3 or (x.dim() >= 3 and maps.dim() != x.dim()):
            raise GlassworkError(
                f"Layer {name} has no feature maps: its output has the shape {tuple(maps.shape)}; choose a convolution."
            )
        outputs = rows_of(returned, x)
        targets = targets_of(target, outputs)
        scores = scores_of(outputs, targets)
        alpha = gradient_of(scores, maps, name).flatten(2).mean(2)  # (N, K)
        heat = torch.einsum("nk,nk...->n...", alpha, maps).relu().detach()  # (N, height, width)
    enlarged = heat
    if x.dim() == 4 and heat.dim() == 3:
        size = list(x.shape[2:])
        enlarged = nn.functional.interpolate(heat[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    attribution = Attribution(
        "Grad-CAM",
        "Selvaraju et al. 2017, Grad-CAM, equations 1 and 2",
        f"Brighter places contribute more to this output through the feature maps of {name}.",
        **common_fields(targets, scores, heat, enlarged, x),
        signed=False,
    )
    return GradCam(attribution, name, layer is None, tuple(tuple(row) for row in alpha.tolist()))


def integrated_gradients(
    network: nn.Module,
    inputs: Tensor,
    target: Target = None,
    baseline: float | Tensor | None = None,
    steps: int = 50,
) -> IntegratedGradients:
    """(x - x') times the mean gradient on the straight way from a baseline x' to x (Sundararajan et al. 2017).

    The mean is taken by Gauss-Legendre quadrature of `steps` points, as Captum does by default.

    Args:
        network: any module that returns a row of scores for each input.
        inputs: (N, ...) in floating point.
        target: the output, one for all inputs or one each; absent for a network with a single output.
        baseline: the input that stands for nothing, a number or a tensor that broadcasts to the inputs; None: 0.
        steps: points of the way; more bring the completeness gap nearer to 0.

    Returns:
        Values in the inputs' shape, and for each input by how much their sum misses f(x) - f(x').

    Raises:
        GlassworkError: inputs, target or baseline do not fit the network, or there is no step.
    """
    if steps < 1:
        raise GlassworkError(f"Integrated gradients needs at least 1 step; steps is {steps}.")
    with undisturbed(network, evaluate=True):
        x = differentiable(inputs).detach()
        origin = broadcast_baseline(0.0 if baseline is None else baseline, x)
        outputs = outputs_of(network, x)
        targets = targets_of(target, outputs)
        scores = scores_of(outputs, targets).detach()
        difference = scores - scores_of(outputs_of(network, origin), targets).detach()
        values = (x - origin) * _mean_gradient(network, x, origin, targets, steps)
    totals = values.flatten(1).sum(1)
    attribution = Attribution(
        "integrated gradients",
        "Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep Networks, equation 1",
        "What each pixel adds to the score (positive) or takes from it (negative), compared with the baseline.",
        **common_fields(targets, scores, values, values.sum(1) if values.dim() >= 3 else values, x),
        signed=True,
    )
    rows = zip(totals.tolist(), difference.tolist(), strict=True)
    return IntegratedGradients(
        attribution, steps, QUADRATURE, tuple(Completeness(total, wanted, total - wanted) for total, wanted in rows)
    )


def common_fields(
    targets: Tensor | None, scores: Tensor, values: Tensor, maps: Tensor, inputs: Tensor
) -> dict[str, Any]:
    """The fields that all attributions fill alike."""
    return {
        "targets": () if targets is None else tuple(targets.tolist()),
        "scores": tuple(scores.detach().double().tolist()),
        "values": values_of(values, all_numbers=True),
        "inputs": tuple(image_of(one) for one in inputs),
        "maps": tuple(image_of(one) for one in maps),
    }


def gradient_of(scores: Tensor, by: Tensor, layer: str = "the input") -> Tensor:
    """D score_n / d by_n, in the shape of `by`; the inputs of a batch do not see each other in evaluation mode."""
    try:
        (gradient,) = torch.autograd.grad(scores.sum(), by, allow_unused=True)
    except RuntimeError as error:
        raise GlassworkError(
            f"No error flows back from the output: {str(error).splitlines()[0].rstrip('.')}."
        ) from error
    if gradient is None:
        raise GlassworkError(f"The output does not depend on {layer}: no error flows back to it.")
    return gradient


def _last_convolution(network: nn.Module, x: Tensor) -> str | None:
    """Name of the convolution applied last whose output has several places; None if there is none."""
    named = network.named_modules()
    names: dict[nn.Module, str] = {module: name for name, module in named if isinstance(module, CONVOLUTIONS)}
    found: list[str] = []

    def look(module: nn.Module, arguments: Any, output: Any) -> None:
        if output.shape[2:].numel() > 1:
            found[:] = [names[module]]

    with hooked(list(names), look), torch.no_grad():
        run(network, x)
    return found[0] if found else None


def run_to(network: nn.Module, x: Tensor, layer: str | None) -> tuple[str, Tensor, Any]:
    """Name and output of a layer (None: of the convolution applied last), and what the network returned.

    Raises:
        GlassworkError: there is no such layer, or it has no part in the outputs.
    """
    names = {module: name for name, module in network.named_modules()}
    if layer is None:
        watched: list[nn.Module] = [module for module in names if isinstance(module, CONVOLUTIONS)]
        if not watched:
            raise GlassworkError("This network has no convolution layers; name the layer to look at.")
    else:
        watched = [find_layer(network, layer)]
    seen: list[tuple[str, Any]] = []

    def keep(module: nn.Module, arguments: Any, output: Any) -> Any:
        seen[:] = [(names[module] or "the network", output)]
        # What follows may work in place: it shall not change what was kept.
        return output.clone() if isinstance(output, Tensor) else None

    with hooked(watched, keep):
        returned = run(network, x)
    if not seen:
        raise GlassworkError(f"Layer {layer or 'of convolution'} is not used when the network runs; choose another.")
    name, output = seen[0]
    if not isinstance(output, Tensor):
        raise GlassworkError(f"Layer {name} returns a {type(output).__name__}; choose one that returns one tensor.")
    return name, output, returned


def broadcast_baseline(baseline: float | Tensor, x: Tensor) -> Tensor:
    """The baseline in the shape of the inputs.

    Raises:
        GlassworkError: it does not fit them.
    """
    given = torch.as_tensor(baseline, dtype=x.dtype, device=x.device)
    try:
        return given.expand_as(x).clone()
    except RuntimeError:
        raise GlassworkError(
            f"The baseline has the shape {tuple(given.shape)} and does not fit inputs of shape {tuple(x.shape)}."
        ) from None


def _mean_gradient(network: nn.Module, x: Tensor, origin: Tensor, targets: Tensor, steps: int) -> Tensor:
    """The gradient on the way from origin to x, weighted by Gauss-Legendre quadrature on [0, 1]; in x's shape."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    alphas, shares = (torch.as_tensor(one, dtype=x.dtype, device=x.device) for one in ((points + 1) / 2, weights / 2))
    total = torch.zeros_like(x)
    at_once = max(1, CHUNK // len(x))
    for start in range(0, steps, at_once):
        alpha = alphas[start : start + at_once].reshape(-1, *[1] * x.dim())  # (k, 1, ...)
        way = (origin + alpha * (x - origin)).flatten(0, 1).requires_grad_()  # (k N, ...)
        scores = scores_of(outputs_of(network, way), targets.repeat(len(alpha)))
        gradient = gradient_of(scores, way).reshape(len(alpha), *x.shape)
        total += (shares[start : start + at_once].reshape(alpha.shape) * gradient).sum(0)
    return total
