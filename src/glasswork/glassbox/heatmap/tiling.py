"""A fully convolutional network over an image that does not fit into memory: in tiles whose results join seamlessly."""

from collections.abc import Callable, Iterator

from torch import Tensor

from glasswork.glassbox.heatmap.fully_convolutional import FullyConvolutional

Region = Callable[[int, int, int, int], Tensor]


def tiles(network: FullyConvolutional, height: int, width: int, tile: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the map that are computed together, each from about `tile` pixels in a direction."""
    rows, columns = network.size(height, width)
    down, across = (max(1, tile // stride) for stride in network.stride)
    for top in range(0, rows, down):
        for left in range(0, columns, across):
            yield slice(top, min(rows, top + down)), slice(left, min(columns, left + across))


def tile_scores(
    network: FullyConvolutional, read: Region, height: int, width: int, part: tuple[slice, slice]
) -> Tensor:
    """The part of an image's map that one tile makes, from its pixels and a halo of what they depend on.

    Args:
        network: what is applied.
        read: the pixels of a region (left, top, width, height) as the network takes them: (channels, height, width).
        height: of the image, in pixels.
        width: of the image, in pixels.
        part: rows and columns of the map.

    Returns:
        (outputs, rows, columns); equal to that part of the whole image's map.
    """
    spans = []
    for direction, (places, side) in enumerate(zip(part, (height, width), strict=True)):
        stride, patch = network.stride[direction], network.patch[direction]
        # Whole strides, so that pooling windows stand where they do in the whole image.
        halo = -(-network.before[direction] // stride)
        first = max(0, places.start - halo)
        # Cells whose pixels end in the halo are cut off below; what reaches the border of the image keeps its padding.
        end = min(side, (places.stop - 1) * stride + patch + network.after[direction])
        spans.append((first, first * stride, end))
    (row, top, bottom), (column, left, right) = spans
    pixels = read(left, top, right - left, bottom - top)
    scores: Tensor = network(pixels[None])[0]
    rows, columns = part
    return scores[:, rows.start - row : rows.stop - row, columns.start - column : columns.stop - column]
