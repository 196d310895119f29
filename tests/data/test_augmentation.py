import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as vision

from glasswork.data import augmentation
from glasswork.data.augmentation import GAINS, WORDS, Augmentation, augment, centre, least_margin, parse
from glasswork.errors import GlassworkError

EVERYTHING = [[], ["flip"], ["crop:3"], ["flip", "crop"], ["color"], ["rotation", "scale"], ["elastic"], list(WORDS)]
SEEDS = st.integers(0, 10_000)


def images_of(seed, batch=6, channels=2, height=12, width=9, margin=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, channels, height + 2 * margin, width + 2 * margin)
    return torch.randint(256, shape, generator=generator, dtype=torch.uint8)


def augmented(images, words, margin=2, seed=0):
    return augment(images, parse(words), margin, torch.Generator().manual_seed(seed))


def smooth_images(batch, side):
    """Slow waves: bilinear readings of them agree whatever the order of the arithmetic."""
    waves = torch.arange(side) / side * 2 * math.pi
    image = 127 + 60 * waves.sin()[:, None] + 60 * (waves + 1).cos()
    return image.expand(batch, 1, side, side).to(torch.uint8)


def test_words_become_amounts():
    assert parse([]) == Augmentation()
    assert parse(["flip", "crop:2", "rotation:10", "scale:0.1", "color:0.2", "elastic:1"]) == parse(WORDS)
    assert parse(["crop:4", " elastic:1.5 "]) == Augmentation(crop=4, elastic=1.5)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("flipp", "did you mean flip"),
        ("colour:0.1", "did you mean color"),
        ("rotate:10", "did you mean rotation"),
        ("zzz", "choose from flip, crop"),
        ("", "choose from flip, crop"),
        ("crop:1.5", "whole pixels"),
        ("crop:-1", "from 0"),
        ("crop:many", "it is 'many'"),
        ("crop:nan", "it is 'nan'"),
        ("crop:", "it is ''"),
        ("rotation:inf", "to 180"),
        ("scale:1", "to 0.9"),
        ("color:2", "to 1"),
        ("flip:2", "takes no amount"),
    ],
)
def test_a_wrong_word_is_told_what_is_right(word, message):
    with pytest.raises(GlassworkError, match=message):
        parse([word])


def test_a_word_twice_is_refused():
    with pytest.raises(GlassworkError, match="crop is given twice"):
        parse(["crop:2", "crop:4"])


@pytest.mark.parametrize("words", EVERYTHING)
@given(seed=SEEDS, margin=st.integers(0, 3))
@settings(max_examples=5, deadline=None)
def test_the_same_seed_gives_the_same_batch_of_the_right_shape_and_type(words, seed, margin):
    images = images_of(seed, margin=margin)
    before = images.clone()
    first, second = (augmented(images, words, margin, seed) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(images, before)
    assert first.shape == (6, 2, 12, 9)
    assert first.dtype == (torch.uint8 if set(words) <= {"flip", "crop", "crop:3"} else torch.float32)
    assert 0 <= first.min() <= first.max() <= 255


@pytest.mark.parametrize("words", [words for words in EVERYTHING if words])
def test_another_seed_gives_another_batch_and_rows_differ(words):
    images = images_of(0, batch=1).expand(16, -1, -1, -1)
    first, second = augmented(images, words, seed=1), augmented(images, words, seed=2)
    assert not torch.equal(first, second)
    assert len(first.unique(dim=0)) > 1


@pytest.mark.parametrize("words", EVERYTHING)
@given(seed=SEEDS, row=st.integers(0, 5))
@settings(max_examples=5, deadline=None)
def test_a_row_depends_on_no_other_row(words, seed, row):
    images = images_of(seed)
    others = images_of(seed + 1)
    others[row] = images[row]
    assert torch.equal(augmented(images, words)[row], augmented(others, words)[row])


@pytest.mark.parametrize("words", EVERYTHING)
def test_all_draws_come_from_the_one_generator_and_never_depend_on_the_pixels(words):
    states = []
    before = torch.get_rng_state()
    for seed in range(2):
        generator = torch.Generator().manual_seed(5)
        augment(images_of(seed), parse(words), 2, generator)
        states.append(generator.get_state())
    assert torch.equal(*states)
    assert torch.equal(before, torch.get_rng_state())


def test_one_word_more_does_not_change_the_draws_of_another():
    images = images_of(3, batch=32)
    gentle = augmented(images, ["flip", "crop", "rotation:0.0001", "color:0"])
    torch.testing.assert_close(gentle, augmented(images, ["flip", "crop"]).float(), atol=0.1, rtol=0)


def test_flips_mirror_half_of_the_images_and_twice_is_nothing():
    images = images_of(1, batch=400, margin=0)
    once = augmented(images, ["flip"], 0)
    mirrored = (once == images.flip(3)).flatten(1).all(1)
    kept = (once == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 140 < mirrored.sum() < 260
    assert torch.equal(augmented(once, ["flip"], 0), images)


@pytest.mark.parametrize("margin", [0, 1, 2, 4])
def test_a_crop_is_one_of_the_windows_and_each_of_them_comes_up(margin):
    image = images_of(2, batch=1, margin=margin)
    framed = F.pad(image.float(), [max(0, 2 - margin)] * 4, mode="replicate").to(torch.uint8)
    framed = centre(framed, max(0, margin - 2))
    windows = {framed[0, :, y : y + 12, x : x + 9].numpy().tobytes() for y in range(5) for x in range(5)}
    crops = augmented(image.expand(500, -1, -1, -1), ["crop:2"], margin)
    assert {crop.numpy().tobytes() for crop in crops} == windows
    assert len(windows) == 25


def test_the_greatest_draw_stays_within_the_crop():
    greatest = torch.tensor([0.0, 1 - 2**-24])
    for crop in range(1, 40):
        assert augmentation.shifts(greatest, crop).tolist() == [-crop, crop]


def test_turns_and_zooms_are_those_of_torchvision():
    images = smooth_images(8, 40)
    generator = torch.Generator().manual_seed(4)
    draws = torch.rand(8, GAINS + 1, generator=generator)
    ours = augmentation.warp(images, parse(["rotation:30", "scale:0.2"]), draws, torch.zeros(8, 2, 40, 40))
    for image, result, row in zip(images, ours, draws.tolist(), strict=True):
        degrees = (2 * row[augmentation.ANGLE] - 1) * 30  # counterclockwise; theirs is clockwise
        zoom = 1 + (2 * row[augmentation.ZOOM] - 1) * 0.2
        theirs = vision.affine(image.float(), -degrees, [0, 0], zoom, [0.0], InterpolationMode.BILINEAR)
        torch.testing.assert_close(result[:, 10:-10, 10:-10], theirs[:, 10:-10, 10:-10], atol=0.05, rtol=0)


@pytest.mark.parametrize("margin", [0, 3])
def test_shifts_and_flips_are_the_same_by_interpolation_as_by_copying(margin):
    images = images_of(9, batch=40, margin=margin)
    words = parse(["flip", "crop:3"])
    draws = torch.rand(40, GAINS, generator=torch.Generator().manual_seed(1))
    copied = augmentation.crop_and_flip(images, words, margin, draws)
    read = augmentation.warp(images, words, draws, torch.zeros(40, 2, 12, 9))
    torch.testing.assert_close(read, copied.float(), atol=0.01, rtol=0)


def test_a_margin_brings_real_pixels_into_view():
    wide = smooth_images(30, 40)
    words = ["rotation:20", "scale:0.1", "crop:2"]
    margin = least_margin(parse(words), 26)
    assert margin == 26 // 4
    inside = centre(wide, 7)
    whole, cut = augmented(wide, words, 7), augmented(inside, words, 0)
    middle = (..., slice(8, 18), slice(8, 18))
    torch.testing.assert_close(whole[middle], cut[middle])
    assert (whole - cut).abs().max() > 10


@given(rotation=st.integers(0, 60), scale=st.floats(0, 0.1), crop=st.integers(0, 3), seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_the_least_margin_holds_every_pixel_that_is_read(rotation, scale, crop, seed):
    chosen = Augmentation(rotation=rotation, scale=scale, crop=crop)
    margin = least_margin(chosen, 64)
    assume(margin < 16)  # the quarter of the size that is never exceeded
    side = 40 + 2 * margin
    stored = torch.full((1, 1, side, side), 255, dtype=torch.uint8)
    frame = F.pad(stored, [4] * 4)  # black: seen only where the margin is too small
    draws = torch.rand(8, GAINS, generator=torch.Generator().manual_seed(seed))
    draws[4:] = draws[4:].round()  # the extremes
    result = augmentation.warp(frame.expand(8, -1, -1, -1), chosen, draws, torch.zeros(8, 2, 40, 40))
    assert result.min() > 254


def test_margins_by_hand():
    assert least_margin(parse(["flip", "color"]), 32) == 0
    assert least_margin(parse(["crop:4"]), 32) == 4
    assert least_margin(parse(["elastic:1"]), 32) == 2
    assert least_margin(parse(["rotation:180"]), 100) == math.ceil((math.sqrt(2) - 1) * 50)
    assert least_margin(parse(["scale:0.9"]), 100) == 25


@pytest.mark.parametrize(("side", "sigma"), [(28, 4.0), (9, 9 / 7), (1, 1.0)])
def test_elastic_displacements_are_related_by_their_distance_alone_up_to_the_edges(side, sigma):
    rows = augmentation.bumps(side, sigma)
    distances = torch.arange(side)[:, None] - torch.arange(side)
    expected = torch.exp(-distances.square() / (4 * sigma**2))  # a Gaussian over a Gaussian is sqrt 2 as wide
    torch.testing.assert_close(rows @ rows.T, expected, atol=0.02, rtol=0)


@given(seed=SEEDS, amount=st.floats(0.1, 4), side=st.integers(8, 40))
@settings(max_examples=6, deadline=None)
def test_elastic_fields_have_their_amplitude_at_every_pixel_and_are_smooth(seed, amount, side):
    field = augmentation.displacements(300, side, side + 3, amount, torch.Generator().manual_seed(seed))
    assert field.shape == (300, 2, side, side + 3)
    per_pixel = field.square().mean((0, 1)).sqrt()
    assert per_pixel.min() > 0.8 * amount
    assert per_pixel.max() < 1.2 * amount
    steepness = field.diff(dim=2).square().mean().sqrt()
    # exp(-d^2 / 2 sigma^2) has the correlation exp(-d^2 / 4 sigma^2), of slope 1 / (sigma sqrt 2), sigma = side / 7
    assert float(steepness) == pytest.approx(amount * 7 / side / math.sqrt(2), rel=0.2)


def test_a_color_cast_is_one_gain_per_channel_and_one_brightness():
    flat = torch.full((50, 3, 2, 2), 100, dtype=torch.uint8)
    flat[:, :, 0] = 150
    cast = augmented(flat, ["color:0.2"], 0)
    gains = (cast[:, :, 0] - cast[:, :, 1]) / 50  # (50, 3, 2)
    brightness = cast[:, :, 1] - 100 * gains
    torch.testing.assert_close(gains[..., :1].expand(-1, -1, 2), gains, atol=1e-4, rtol=0)
    torch.testing.assert_close(brightness[:, :1].expand(-1, 3, -1), brightness, atol=1e-2, rtol=0)
    assert 0.8 <= gains.min() < 0.83
    assert 1.17 < gains.max() <= 1.2
    assert 20 < brightness.abs().max() <= 25.51


def test_colors_are_limited_to_what_a_pixel_can_be():
    ends = torch.tensor([0, 255], dtype=torch.uint8).expand(40, 3, 1, 2)
    cast = augmented(ends, ["color:1"], 0)
    assert (cast.min(), cast.max()) == (0, 255)


def test_the_centre_is_what_lies_within_the_margin():
    images = images_of(0, margin=3)
    assert torch.equal(centre(images, 3), images[:, :, 3:15, 3:12])
    assert centre(images, 0) is images


def test_no_augmentation_is_the_centre():
    images = images_of(0, margin=3)
    assert torch.equal(augmented(images, [], 3), centre(images, 3))
    assert torch.equal(augmented(images, ["crop:0"], 3), centre(images, 3))
