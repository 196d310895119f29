"""Virtual training examples: flips, crops, colour casts and geometric distortions (Kovashka, "Data augmentation").

A whole batch is changed at once. Every change of an image is a function of its own pixels and of its own row of random
draws, and all draws are made before the first change, always as many and in the same order for a given shape and
augmentation. Columns of draws have a fixed place: asking for `color` too does not change which images are flipped.

Beyond the stored margin images are extended with the pixels of their edge: black if the background is, as on digits,
and no foreign black wedge on a photograph.
"""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.errors import GlassworkError

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))  # down and right


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed at most; 0 or False is not at all. Amounts are drawn uniformly in both directions.

    Attributes:
        flip: mirror left and right, every other image.
        crop: shift by up to so many whole pixels, down or up and left or right.
        rotation: turn by up to so many degrees, 0 to 180.
        scale: enlarge or shrink by up to this share of the size, below 1.
        color: multiply each channel by up to 1 +- this share, and add up to this share of half the range to all of
            them; at most 1.
        elastic: move each pixel along a smooth random field, by so many pixels in the root mean square of each
            direction.
    """

    flip: bool = False
    crop: int = 0
    rotation: float = 0.0
    scale: float = 0.0
    color: float = 0.0
    elastic: float = 0.0


# Per word: the amount when no number is given, the greatest amount, and what the amount is, for messages.
AMOUNTS: dict[str, tuple[float, float, str]] = {
    "crop": (2, 1024, "whole pixels"),
    "rotation": (10, 180, "degrees"),
    "scale": (0.1, 0.9, "a share of the size"),
    "color": (0.2, 1, "a share of the range"),
    "elastic": (1, 64, "pixels"),
}
WORDS = ("flip", *AMOUNTS)

# Columns of the uniform draws, a row per image; from GAINS on there is one column per channel.
FLIP, DOWN, RIGHT, ANGLE, ZOOM, BRIGHTNESS, GAINS = range(7)


def parse(words: Sequence[str]) -> Augmentation:
    """The augmentation that words such as `flip`, `crop:2`, `rotation:10` ask for.

    A word without a number takes its default: crop:2, rotation:10, scale:0.1, color:0.2, elastic:1.

    Raises:
        GlassworkError: an unknown word, named with the nearest known one; a word twice; or an amount that is no number
            or out of range.
    """
    found: dict[str, float] = {}
    for text in words:
        word, colon, number = text.strip().partition(":")
        if word not in WORDS:
            nearest = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]}?" if nearest else f"choose from {', '.join(WORDS)}."
            raise GlassworkError(f"There is no augmentation named {word!r}; {hint}")
        if word in found:
            raise GlassworkError(f"The augmentation {word} is given twice; remove one.")
        if word == "flip" and colon:
            raise GlassworkError(f"The augmentation flip takes no amount; write flip for {text}.")
        found[word] = parse_amount(word, number) if colon else AMOUNTS[word][0] if word in AMOUNTS else 1
    return Augmentation(
        flip=bool(found.get("flip", 0)),
        crop=int(found.get("crop", 0)),
        rotation=found.get("rotation", 0.0),
        scale=found.get("scale", 0.0),
        color=found.get("color", 0.0),
        elastic=found.get("elastic", 0.0),
    )


def parse_amount(word: str, number: str) -> float:
    """The amount behind the colon.

    Raises:
        GlassworkError: it is not a number, or out of range.
    """
    _, greatest, meaning = AMOUNTS[word]
    try:
        amount = float(number)
    except ValueError:
        amount = math.nan
    # NaN is in no range.
    if not 0 <= amount <= greatest or (word == "crop" and not amount.is_integer()):
        raise GlassworkError(
            f"The amount of {word} is {meaning} from 0 to {greatest:g}, as in {word}:{AMOUNTS[word][0]:g}; "
            f"it is {number!r}."
        )
    return amount


def least_margin(augmentation: Augmentation, size: int) -> int:
    """The margin worth storing: with it an augmented image shows real pixels only, or nearly so.

    Args:
        augmentation: what will be done.
        size: side of the images as the network sees them, in pixels.

    Returns:
        Pixels on each side; at most a quarter of the size, as an image of twice the area is enough to store.
    """
    angle = math.radians(min(augmentation.rotation, 45))  # a square reaches out furthest at 45 degrees
    reach = (math.sin(angle) + math.cos(angle)) / (1 - augmentation.scale)  # of the corners, in half sides
    elastic = 2 * augmentation.elastic  # twice the root mean square holds 95 % of the pixels
    margin = augmentation.crop + math.ceil((reach - 1) * size / 2 + elastic - 1e-9)
    return min(margin, size // 4)


def centre(images: Tensor, margin: int) -> Tensor:
    """The images without their margin, as a view: (batch, channels, height, width). For evaluation."""
    if not margin:
        return images
    return images[:, :, margin:-margin, margin:-margin]


def augment(images: Tensor, augmentation: Augmentation, margin: int, generator: torch.Generator) -> Tensor:
    """A batch of images, each changed at random.

    Args:
        images: uint8 (batch, channels, height + 2 margin, width + 2 margin); not written to.
        augmentation: how far to change them.
        margin: pixels stored on each side; shifts and turns bring them into view.
        generator: gives all random draws.

    Returns:
        (batch, channels, height, width): uint8 if there are at most flips and crops, which move pixels whole and
        are fast so; else float32 from 0 to 255.
    """
    batch, channels = images.shape[:2]
    draws = torch.rand(batch, GAINS + channels, generator=generator, device=generator.device).to(images.device)
    if augmentation.rotation or augmentation.scale or augmentation.elastic:
        height, width = images.shape[2] - 2 * margin, images.shape[3] - 2 * margin
        field = displacements(batch, height, width, augmentation.elastic, generator).to(images.device)
        result = warp(images, augmentation, draws, field)
    else:
        result = crop_and_flip(images, augmentation, margin, draws)
    return cast_colors(result, augmentation.color, draws) if augmentation.color else result


def signed(draws: Tensor, amount: float) -> Tensor:
    """Draws uniform in [0, 1) as amounts uniform in [-amount, amount)."""
    return (2 * draws - 1) * amount


def shifts(draws: Tensor, crop: int) -> Tensor:
    """Draws uniform in [0, 1) as whole numbers from -crop to crop, int64, all equally likely."""
    # Of 1 - 2^-24, the greatest draw, the product may round up to one number too many.
    return (draws * (2 * crop + 1)).long().clamp(max=2 * crop) - crop


def crop_and_flip(images: Tensor, augmentation: Augmentation, margin: int, draws: Tensor) -> Tensor:
    """Shifts and mirrors by whole pixels, in the type of the images."""
    crop, batch = augmentation.crop, len(images)
    result = centre(images, margin)
    if crop:
        height, width = result.shape[2:]
        framed = reframe(images, crop - margin)
        # A view of all windows, of which each image takes one: (batch, channels, 2 crop + 1, 2 crop + 1, height, width)
        windows = framed.unfold(2, height, 1).unfold(3, width, 1)
        down, right = shifts(draws[:, DOWN], crop) + crop, shifts(draws[:, RIGHT], crop) + crop
        result = windows[torch.arange(batch, device=images.device), :, down, right]
    if augmentation.flip:
        flipped = draws[:, FLIP] < 0.5
        result = torch.where(flipped[:, None, None, None], result.flip(3), result)
    return result


def reframe(images: Tensor, extra: int) -> Tensor:
    """Images with `extra` more pixels on each side, copies of their edge; with less where it is negative."""
    if extra <= 0:
        return centre(images, -extra)
    batch, channels, height, width = images.shape
    framed = images.new_empty(batch, channels, height + 2 * extra, width + 2 * extra)
    # Copies of slices work for uint8 on every device, and a gather takes five times as long.
    framed[:, :, extra:-extra, extra:-extra] = images
    framed[:, :, extra:-extra, :extra] = images[:, :, :, :1]
    framed[:, :, extra:-extra, -extra:] = images[:, :, :, -1:]
    framed[:, :, :extra] = framed[:, :, extra : extra + 1]
    framed[:, :, -extra:] = framed[:, :, -extra - 1 : -extra]
    return framed


def warp(images: Tensor, augmentation: Augmentation, draws: Tensor, field: Tensor) -> Tensor:
    """Every geometric change in one bilinear reading of the pixels, as each reading blurs a little.

    Args:
        images: (batch, channels, height + 2 margin, width + 2 margin).
        augmentation: how far.
        draws: (batch, at least GAINS), uniform in [0, 1).
        field: displacements in pixels, (batch, 2, height, width), x first.

    Returns:
        float32 (batch, channels, height, width).
    """
    height, width = field.shape[2:]
    x = torch.arange(width, device=images.device) - (width - 1) / 2  # pixels from the centre
    y = torch.arange(height, device=images.device) - (height - 1) / 2
    x, y = x + field[:, 0], y[:, None] + field[:, 1]  # (batch, height, width)
    angle = signed(draws[:, ANGLE], math.radians(augmentation.rotation))[:, None, None]
    zoom = 1 + signed(draws[:, ZOOM], augmentation.scale)[:, None, None]
    cosine, sine = angle.cos() / zoom, angle.sin() / zoom
    x, y = cosine * x - sine * y, sine * x + cosine * y
    if augmentation.flip:
        x = torch.where(draws[:, FLIP, None, None] < 0.5, -x, x)
    x = x + shifts(draws[:, RIGHT], augmentation.crop)[:, None, None]
    y = y + shifts(draws[:, DOWN], augmentation.crop)[:, None, None]
    # grid_sample's coordinates go from -1, the left edge of the first pixel, to 1, the right edge of the last one.
    grid = torch.stack([x * (2 / images.shape[3]), y * (2 / images.shape[2])], dim=3)  # (batch, height, width, 2)
    return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def displacements(batch: int, height: int, width: int, amplitude: float, generator: torch.Generator) -> Tensor:
    """Smooth random fields (Simard, Steinkraus and Platt 2003): noise under a Gaussian, scaled to an amplitude.

    Differs from the paper in two ways: its sigma of 4 pixels on 28 becomes a seventh of the side; and the noise is
    drawn on a grid of one sigma, not per pixel, which no field that smooth can show but which is much less to draw.

    Args:
        batch: how many fields.
        height: pixels.
        width: pixels.
        amplitude: root mean square of the displacement in each direction, pixels; at 0 nothing is drawn.
        generator: gives the draws.

    Returns:
        float32 (batch, 2, height, width), on the generator's device.
    """
    if not amplitude:
        return torch.zeros(batch, 2, height, width, device=generator.device)
    sigma = min(height, width) / 7
    down, across = (bumps(side, sigma).to(generator.device) for side in (height, width))
    noise = torch.rand(batch, 2, down.shape[1], across.shape[1], generator=generator, device=generator.device)
    noise = signed(noise, amplitude * math.sqrt(3))  # sqrt 3: the variance of the uniform draws is 1/3
    return down @ noise @ across.T  # (height, points) (batch, 2, points, points) (points, width)


def bumps(side: int, sigma: float) -> Tensor:
    """Gaussians of width sigma around points one sigma apart, at each of `side` pixels: (side, points).

    Each row has the squared length 1, so that noise of variance 1 at the points gives variance 1 at every pixel.
    """
    points = torch.arange(-2, math.ceil((side - 1) / sigma) + 3) * sigma  # two beyond the edges, as bumps reach over
    distances = torch.arange(side)[:, None] - points
    return F.normalize(torch.exp(-distances.square() / (2 * sigma**2)), dim=1)


def cast_colors(images: Tensor, amount: float, draws: Tensor) -> Tensor:
    """Multiplies each channel by a gain of its own and adds one brightness to all; float32, limited to 0 to 255."""
    gains = 1 + signed(draws[:, GAINS:], amount)[:, :, None, None]
    brightness = signed(draws[:, BRIGHTNESS], amount * 127.5)[:, None, None, None]
    return torch.addcmul(brightness, images.float(), gains).clamp_(0, 255)


def framed(images: Tensor, reach: int) -> Tensor:
    """Images on a larger ground, so that a shift by up to `reach` pixels loses nothing.

    Args:
        images: uint8 (rows, channels, height, width).
        reach: pixels more on each side, copies of the edge.

    Returns:
        uint8 (rows, channels, height + 2 reach, width + 2 reach).
    """
    return reframe(images, reach)


def shifted(images: Tensor, pixels: int, seed: int = 0) -> Tensor:
    """Every image moved by so many pixels down, up, to the right or to the left, drawn for each.

    Args:
        images: uint8 (rows, channels, height, width).
        pixels: how far; what comes into view is a copy of the edge.
        seed: of the directions.

    Returns:
        The same shape and type.
    """
    height, width = images.shape[2:]
    ground = reframe(images, pixels)
    draws = torch.randint(0, len(DIRECTIONS), (len(images),), generator=torch.Generator().manual_seed(seed))
    result = images.clone()
    for place, (down, right) in enumerate(DIRECTIONS):
        top, left = pixels - down * pixels, pixels - right * pixels
        chosen = draws == place
        result[chosen] = ground[chosen][:, :, top : top + height, left : left + width]
    return result


def scaled(images: Tensor, factor: float) -> Tensor:
    """Every image enlarged about its centre, or made smaller where the factor is less than 1.

    Args:
        images: uint8 (rows, channels, height, width).
        factor: how much; beyond the edge the image is extended with copies of it.

    Returns:
        The same shape and type.
    """
    if factor == 1:
        return images
    grid = F.affine_grid(torch.eye(2, 3)[None] / factor, [1, 1, *images.shape[2:]], align_corners=False)
    found = F.grid_sample(
        images.float(), grid.expand(len(images), -1, -1, -1), padding_mode="border", align_corners=False
    )
    return found.round().clamp(0, 255).to(torch.uint8)
