"""Shallow against deep and dense against convolutional: the features, the moved images, the comparison and its page."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswork.cli import main
from glasswork.data.augmentation import framed, scaled, shifted
from glasswork.data.oriented_gradients import oriented_gradients
from glasswork.errors import GlassworkError
from glasswork.studies.why_convolution import NETWORKS, SHIFTS, count_layers, prepare
from made_data import mistake, write_npz, write_table


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize(("channels", "height", "width", "cell"), [(1, 28, 28, 4), (3, 33, 41, 8), (1, 20, 16, 5)])
def test_oriented_gradients_are_those_of_scikit_image(channels: int, height: int, width: int, cell: int) -> None:
    from skimage.feature import hog

    images = noise(3, channels, height, width)
    found = oriented_gradients(images, cell)
    for image, row in zip(images, found, strict=True):
        pixels = image.permute(1, 2, 0).double().numpy()
        expected = hog(pixels, pixels_per_cell=(cell, cell), cells_per_block=(2, 2), channel_axis=2)
        np.testing.assert_allclose(row.numpy(), expected, atol=2e-5)


@settings(deadline=None, max_examples=25)
@given(pixels=st.integers(0, 6), seed=st.integers(0, 99))
def test_a_shift_loses_nothing_on_a_larger_ground(pixels: int, seed: int) -> None:
    images = noise(6, 1, 9, 7, seed=seed)
    ground = framed(images, 6)
    moved = shifted(ground, pixels, seed)
    assert moved.shape == ground.shape and moved.dtype == torch.uint8
    for image, whole in zip(images, moved, strict=True):
        places = [
            (down, right)
            for down in range(13)
            for right in range(13)
            if torch.equal(whole[:, down : down + 9, right : right + 7], image)
        ]
        assert any(abs(down - 6) + abs(right - 6) == pixels for down, right in places)


def test_scaling_by_one_changes_nothing_and_by_two_shows_the_middle() -> None:
    images = noise(2, 3, 16, 16)
    assert torch.equal(scaled(images, 1.0), images)
    square = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    square[:, :, 4:12, 4:12] = 200
    assert (scaled(square, 2.0)[:, :, 1:-1, 1:-1] == 200).all()
    assert int((scaled(square, 0.5) > 100).sum()) == 16


def test_weights_at_256_pixels_in_three_colours() -> None:
    dense, filters, many, vgg = count_layers()
    assert dense.parameters == 256 * 256 * 3 * 1000 + 1000
    assert filters.parameters == 5 * 5 * 3 * 64 + 64
    assert many.parameters == 5 * 5 * 3 * 1000 + 1000
    assert vgg.parameters == 14_714_688


def test_the_comparison_and_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, page = write_npz(tmp_path / "data.npz", "class"), tmp_path / "why.html"
    words = ["why-convolution", "--data", str(data), "--budget", "1s", "--out", str(page), "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["method"] for one in found["methods"]][1::2] == list(NETWORKS)
    assert (found["side"], found["judged"]) == ([28, 28], 12)
    for one in found["methods"]:
        assert [pixels for pixels, _ in one["shifts"]] == list(SHIFTS)
        assert all(0 <= share <= 1 for _, share in (*one["shifts"], *one["scales"]))
    assert found["methods"][0]["shifts"][0][1] > 0.9
    assert page.read_text(encoding="utf-8").count("<svg") == 4
    assert "already exists" in mistake(capsys, *words)
    assert "--budget soon does not fit" in mistake(capsys, "why-convolution", "--budget", "soon")
    assert "more than 0" in mistake(capsys, "why-convolution", "--budget", "0s")


def test_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="images with one class each, and"):
        prepare(str(write_table(tmp_path / "data.csv", "class")))
