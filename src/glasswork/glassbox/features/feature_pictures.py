"""What a network looks for and finds in one input, over all of its layers."""

import contextlib
from collections.abc import Sequence

from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.features.deconvolution import deconvolution
from glasswork.glassbox.features.features import feature_maps, first_filters, strongest_unit, templates
from glasswork.record import Record


def feature_pictures(network: nn.Module, inputs: Tensor, shape: Sequence[int]) -> tuple[Record, ...]:
    """Templates or first filters, what each layer makes of an input, and what drives the strongest maps.

    Of every convolution the map that the input excites most is followed back to the pixels (Zeiler and Fergus 2013).

    Args:
        network: any module.
        inputs: (1, ...), as the network takes them.
        shape: of one input as it was read, (channels, height, width) for images.

    Raises:
        GlassworkError: the inputs do not fit.
    """
    found: list[Record] = []
    with contextlib.suppress(GlassworkError):  # a network that does not begin with a layer of filters has none
        found.append(_filters(network, shape))
    found.append(feature_maps(network, inputs))
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            unit = strongest_unit(network, inputs, name)
            found.append(deconvolution(network, inputs, name, unit))
    return tuple(found)


def _filters(network: nn.Module, shape: Sequence[int]) -> Record:
    """The templates of a linear classifier, or the filters of the first layer."""
    matrices = [weight for weight in network.parameters() if weight.dim() >= 2]
    linear = len(matrices) == 1 and matrices[0].dim() == 2
    return templates(network, shape) if linear else first_filters(network, shape)
