"""One filter over one image, against scipy, on arrays and on files of every kind."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy.signal import convolve2d, correlate2d

from glasswork import cli
from glasswork.errors import GlassworkError
from glasswork.glassbox.convolve import Convolved, convolve
from glasswork.glassbox.filters import KERNELS, find_kernel

CUSTOM = "1 0 -1; 2 0 -2; 1 0 -1"
Array = Any


def weights(name: str, place: int = 0) -> Array:
    kernel = find_kernel(name).kernels[place]
    return np.array(kernel.numbers) / kernel.divisor


def picture(encoded: str) -> Array:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded)))).astype(int)


def made(height: int = 12, width: int = 10, channels: int = 1) -> Array:
    image = np.random.default_rng(7).integers(0, 256, (height, width, channels))
    return image[..., 0] if channels == 1 else image


def scipys(image: Array, kernel: Array, stride: int, padding: str | int) -> Array:
    """Of scipy the full correlation, cut to the padding and the stride."""
    if padding == "same":
        around = [((side - 1) // 2, side // 2) for side in kernel.shape]
    else:
        around = [(0 if padding == "valid" else int(padding),) * 2] * 2
    return correlate2d(np.pad(image, around), kernel, mode="valid")[::stride, ::stride]


@settings(max_examples=40)
@given(data=st.data())
def test_any_kernel_stride_and_padding_equals_scipy(data: st.DataObject) -> None:
    sides = st.integers(1, 5)
    kernel = data.draw(hnp.arrays(np.int64, (data.draw(sides), data.draw(sides)), elements=st.integers(-4, 4)))
    shape = (data.draw(st.integers(5, 9)), data.draw(st.integers(5, 9)))
    image = data.draw(hnp.arrays(np.uint8, shape))
    stride, padding = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(["same", "valid", 0, 1, 3]))
    expected = scipys(image.astype(float), kernel.astype(float), stride, padding)
    cell = data.draw(st.integers(1, expected.shape[0])), data.draw(st.integers(1, expected.shape[1]))
    found = convolve(image, kernel.tolist(), stride, padding, cell=cell)
    assert (found.rows, found.columns) == expected.shape
    assert found.worked.value == pytest.approx(expected[cell[0] - 1, cell[1] - 1], abs=1e-9)
    assert (found.lowest, found.highest) == pytest.approx((expected.min(), expected.max()), abs=1e-9)
    assert sum(value for row in found.worked.terms[0] for value in row) == pytest.approx(found.worked.value, abs=1e-9)
    check_matrix(found, expected)


def check_matrix(found: Convolved, expected: Array) -> None:
    part = found.matrix
    numbers, pixels = np.array(part.numbers), np.array(part.pixels)
    assert numbers.shape == (part.rows * part.columns, part.height * part.width)
    np.testing.assert_allclose(numbers @ pixels / part.divisor, part.results, atol=1e-9)
    rows = slice(part.first_row - 1, part.first_row - 1 + part.rows)
    columns = slice(part.first_column - 1, part.first_column - 1 + part.columns)
    results = np.array(part.results).reshape(part.rows, part.columns)
    np.testing.assert_allclose(results, expected[rows, columns], atol=1e-9)
    assert part.first_row <= found.worked.row < part.first_row + part.rows
    assert part.first_column <= found.worked.column < part.first_column + part.columns


def test_the_matrix_of_a_crop() -> None:
    found = convolve(made(), "sobel-x")
    assert np.array(found.matrix.numbers).shape == (16, 36)
    assert (found.matrix.rows, found.matrix.height) == (4, 6)
    strided = convolve(made(), "sobel-x", stride=2)
    assert np.array(strided.matrix.numbers).shape == (4, 25)
    check_matrix(strided, scipys(made(), weights("sobel-x"), 2, "same"))


def test_the_slides_cell_with_the_right_indices() -> None:
    """Kolter prints y_23 = z_23 w_11 + z_23 w_12 + z_23 w_13 + ...; of z the second index goes on."""
    found = convolve(made(5, 5), CUSTOM, padding="valid", cell=(2, 3))
    assert found.worked.symbols == (
        "y_23 = z_23 w_11 + z_24 w_12 + z_25 w_13 + z_33 w_21 + z_34 w_22 + z_35 w_23 "
        "+ z_43 w_31 + z_44 w_32 + z_45 w_33"
    )
    z, w = made(5, 5), np.array(find_kernel(CUSTOM).kernels[0].numbers)
    assert np.array_equal(found.worked.patch, z[1:4, 2:5])
    (line,) = found.worked.numbers
    pairs = re.findall(r"(\d+)\*\(?(-?\d+)\)?", line)
    assert sum(int(pixel) * int(weight) for pixel, weight in pairs) == found.worked.value == (z[1:4, 2:5] * w).sum()
    assert line.endswith(f"= {found.worked.value:g}")


def test_indices_above_nine_are_parted_by_commas() -> None:
    assert convolve(made(), CUSTOM, cell=(11, 4)).worked.symbols.startswith("y_11,4 = z_10,3 w_1,1 + z_10,4 w_1,2 + ")


def test_edges_are_found_in_the_brightness() -> None:
    image = made(9, 9, 3)
    grey = (image @ [0.299, 0.587, 0.114]).round()
    across, down = (correlate2d(grey, weights("gradient", place), mode="valid") for place in (0, 1))
    found = convolve(image, "gradient", padding="valid")
    assert found.channels == ("grey",) and found.made_grey and len(found.kernels) == 2
    assert found.highest == pytest.approx(np.hypot(across, down).max())
    place = np.unravel_index(np.hypot(across, down).argmax(), across.shape)
    assert (found.worked.row - 1, found.worked.column - 1) == place
    assert found.worked.sums == pytest.approx((across[place], down[place]))
    assert found.worked.value == pytest.approx(np.hypot(*found.worked.sums))


@pytest.mark.parametrize("name", ["gaussian", "box", "sharpen"])
def test_colours_are_filtered_each_on_its_own(name: str) -> None:
    image = made(9, 11, 3)
    found = convolve(image, name)
    expected = np.stack([scipys(image[..., colour], weights(name), 1, "same") for colour in range(3)], axis=-1)
    assert found.channels == ("red", "green", "blue")
    assert np.array_equal(picture(found.result), np.clip(np.rint(expected), 0, 255))
    assert np.array_equal(picture(found.before), image)
    if name == "sharpen":
        beyond = ((expected < -0.5) | (expected > 255.5)).sum()
        assert f"{beyond} of {expected.size} numbers lie outside" in found.mapping


def test_the_gaussian_and_the_box_are_means() -> None:
    assert weights("gaussian").sum() == pytest.approx(1) and weights("gaussian").shape == (5, 5)
    assert weights("box").sum() == pytest.approx(1)
    assert all(weights(name).sum() == 0 for name in ("sobel-x", "sobel-y", "laplacian"))


def test_nothing_is_mid_grey_for_edges_and_black_for_their_strength() -> None:
    image = np.zeros((20, 20), np.uint8)
    image[:, 10:] = 200
    signed = convolve(image, "sobel-x", padding="valid")
    drawn = picture(signed.result)
    assert drawn[0, 0] in (127, 128) and drawn[5, 8] == 255 and signed.highest == 800
    assert "0 is mid grey" in signed.mapping
    assert picture(convolve(image[:, ::-1], "sobel-x", padding="valid").result)[5, 8] == 0
    length = convolve(image, "gradient", padding="valid")
    assert picture(length.result)[0, 0] == 0 and "0 is black" in length.mapping
    other = convolve(image, "1 1; 1 1", padding="valid")
    assert "The lowest number, 0, is black, the highest, 800, white" in other.mapping


@pytest.mark.parametrize("name", [*KERNELS, CUSTOM, "1 2; 3 4"])
def test_what_flipping_would_change_is_true(name: str) -> None:
    image = made(9, 9).astype(float)
    kernels = [np.array(one.numbers) for one in find_kernel(name).kernels]
    ours = [correlate2d(image, kernel, mode="valid") for kernel in kernels]
    flipped = [convolve2d(image, kernel, mode="valid") for kernel in kernels]
    remark = convolve(image, name).remark
    if len(kernels) > 1:
        assert np.allclose(np.hypot(*ours), np.hypot(*flipped)) == ("changes nothing" in remark)
        return
    same, opposite = np.allclose(ours, flipped), np.allclose(ours, np.negative(flipped))
    assert same == ("changes nothing" in remark)
    assert opposite == ("changes only the sign" in remark)
    assert (not same and not opposite) == ("another result" in remark)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_photos_of_any_mode(mode: str, tmp_path: Path) -> None:
    source = Image.fromarray(made(8, 10, 3).astype(np.uint8))
    if mode == "I;16":
        Image.fromarray((made(8, 10) * 256).astype(np.uint16)).save(tmp_path / "x.png")
    else:
        source.convert(mode).save(tmp_path / ("x.tiff" if mode == "CMYK" else "x.png"))
    (path,) = tmp_path.iterdir()
    found = convolve(path, "gaussian")
    assert (found.height, found.width, found.source) == (8, 10, str(path))
    assert found.channels == (("grey",) if mode in ("1", "L", "LA", "I;16") else ("red", "green", "blue"))


def test_a_photo_is_turned_as_the_camera_was_held(tmp_path: Path) -> None:
    image = Image.fromarray(made(8, 12, 3).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    found = convolve(tmp_path / "turned.png", "gaussian")
    assert (found.height, found.width) == (12, 8)
    assert np.array_equal(picture(found.before), np.rot90(np.asarray(image), -1))


def test_a_file_and_its_pixels_give_the_same(tmp_path: Path) -> None:
    image = made(9, 9, 3).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "x.png")
    assert convolve(tmp_path / "x.png", "laplacian").worked == convolve(image, "laplacian").worked
    assert convolve(image / 255, "sharpen").result == convolve(image, "sharpen").result


def test_large_pictures_are_shown_smaller_and_kept_whole() -> None:
    image = made(300, 1280)
    found = convolve(image, "box", stride=2)
    assert picture(found.before).shape == (150, 640)
    assert picture(found.after).shape == (75, 320)
    assert picture(found.result).shape == (150, 640)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kernel": "sobelx"}, "no kernel named 'sobelx'; did you mean sobel-x"),
        ({"kernel": "q"}, "choose from sobel-x"),
        ({"kernel": "1 0; 2"}, "rows of 2, 1"),
        ({"kernel": "1 a 0"}, "'a' in the kernel is not a number"),
        ({"kernel": "1/0 1"}, "'1/0' in the kernel is not a number"),
        ({"kernel": "1 inf"}, "finite numbers"),
        ({"kernel": ""}, "no kernel named ''"),
        ({"kernel": "gaussian", "image": made(4, 4), "padding": "valid"}, "5x5 numbers, more than the image's 4x4"),
        ({"stride": 0}, "stride is a whole number"),
        ({"padding": "some"}, "padding is same, valid, or"),
        ({"padding": -1}, "padding is same, valid, or"),
        ({"cell": (13, 1)}, "12 rows and 10 columns, counted from 1; there is no cell 13, 1"),
        ({"cell": (0, 1)}, "there is no cell 0, 1"),
        ({"crop": 13}, "1 to 12 pixels a side; not 13"),
        ({"image": "nowhere.jpg"}, "nowhere.jpg cannot be read"),
        ({"image": np.zeros((4, 4, 2))}, "this is of shape 4x4x2"),
        ({"image": np.full((4, 4), np.nan)}, "all finite"),
        ({"image": object()}, "a path or an array of numbers"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GlassworkError, match=sentence):
        convolve(**{"image": made(), "kernel": "sobel-x", **arguments})


def test_a_file_that_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("words")
    with pytest.raises(GlassworkError, match=r"x\.png is not readable as an image"):
        convolve(tmp_path / "x.png", "box")


def test_no_file_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(made().astype(np.uint8)).save(tmp_path / "x.png")
    words = ["convolve", str(tmp_path / "x.png"), "--kernel", "box", "--out"]
    assert cli.main([*words, str(tmp_path / "y.png")]) == 0
    found = convolve(tmp_path / "x.png", "box")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "y.png")), picture(found.result))
    for name, sentence in (
        ("y.png", "y.png already exists"),
        ("y.jpg", ".png"),
        ("none/y.html", "cannot be written"),
    ):
        capsys.readouterr()
        assert cli.main([*words, str(tmp_path / name)]) == 2
        assert sentence in capsys.readouterr().err


def test_a_result_goes_through_json() -> None:
    found = convolve(made(9, 9, 3), "gradient", stride=2)
    assert Convolved.from_json(json.loads(json.dumps(found.to_json()))) == found
