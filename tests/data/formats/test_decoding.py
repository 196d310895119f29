"""Pixels that come out of image files of every kind, asserted against the values that went in."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.numpy import arrays
from PIL import Image

from glasswork.data.dataset import ReadingOptions
from glasswork.data.formats.decoding import UnreadableImageError, decode, decode_files

GREY = np.array([[0, 100, 200], [50, 150, 250]], dtype=np.uint8)


def saved(image: Image.Image, path: Path, **settings: object) -> Path:
    image.save(path, **settings)
    return path


def pixels(path: Path, channels: int = 1, height: int = 2, width: int = 3) -> list[object]:
    result = decode(path, height, width, channels)
    assert result.dtype == torch.uint8
    return result.squeeze(0).tolist()


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "webp", "tiff", "pgm"])
def test_grey_images_of_every_format(ending: str, tmp_path: Path) -> None:
    path = saved(Image.fromarray(GREY), tmp_path / f"a.{ending}", **({"lossless": True} if ending == "webp" else {}))
    assert pixels(path) == GREY.tolist()
    assert decode(path, 2, 3, 3).tolist() == [GREY.tolist()] * 3


def test_colour_keeps_its_channels(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    path = saved(Image.fromarray(colours), tmp_path / "a.png")
    assert decode(path, 1, 3, 3).permute(1, 2, 0).tolist() == colours.tolist()
    assert pixels(path, 1, 1, 3) == [[76, 150, 29]]


def test_jpeg_is_near(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (40, 30), (200, 100, 50)), tmp_path / "a.jpg", quality=95)
    result = decode(path, 8, 8, 3, margin=1)
    assert result.shape == (3, 10, 10)
    assert (result.float().mean((1, 2)) - torch.tensor([200.0, 100, 50])).abs().max() < 3


def test_cmyk_jpeg(tmp_path: Path) -> None:
    ink = Image.merge("CMYK", [Image.new("L", (8, 8), value) for value in (0, 255, 255, 0)])
    red = decode(saved(ink, tmp_path / "a.jpg", quality=95), 8, 8, 3)[:, 4, 4]
    assert (red.int() - torch.tensor([255, 0, 0])).abs().max() < 6


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32896], [25700, 65278, 65535]], dtype=np.uint16)
    for ending in ("png", "tiff", "pgm"):
        path = saved(Image.fromarray(values), tmp_path / f"a.{ending}")
        assert pixels(path) == [[0, 1, 128], [100, 254, 255]], ending


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.uint16, (3, 4)))
def test_sixteen_bits_are_the_nearest_eight(tmp_path: Path, values: np.ndarray) -> None:
    path = saved(Image.fromarray(values), tmp_path / "a.png")
    result = decode(path, 3, 4, 1)[0].numpy().astype(float)
    assert np.abs(result - values / 257).max() <= 0.5 + 1e-4


def png16(colours: np.ndarray) -> bytes:
    """A PNG of 16-bit colours, which Pillow reads but does not write."""
    height, width, _ = colours.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in colours)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_sixteen_bit_colours(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(np.array([[[65535, 0, 32896], [257, 65535, 0]]], dtype=np.uint16)))
    assert decode(tmp_path / "a.png", 1, 2, 3).permute(1, 2, 0).tolist() == [[[255, 0, 128], [1, 255, 0]]]


def test_one_bit_and_float(tmp_path: Path) -> None:
    assert pixels(saved(Image.fromarray(GREY > 100), tmp_path / "a.png")) == [[0, 0, 255], [0, 255, 255]]
    fractions = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    assert pixels(saved(fractions, tmp_path / "a.tiff"), 1, 1, 3) == [[0, 128, 255]]


def test_palettes(tmp_path: Path) -> None:
    indexed = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="L").convert("P")
    indexed.putpalette([255, 0, 0, 0, 255, 0, 10, 20, 30])
    assert decode(saved(indexed, tmp_path / "a.png"), 1, 3, 3).permute(1, 2, 0).tolist() == [
        [[255, 0, 0], [0, 255, 0], [10, 20, 30]]
    ]
    path = saved(indexed, tmp_path / "b.png", transparency=1)
    assert decode(path, 1, 3, 3).permute(1, 2, 0).tolist() == [[[255, 0, 0], [255, 255, 255], [10, 20, 30]]]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    colours = np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    path = saved(Image.fromarray(colours), tmp_path / "a.png")
    assert decode(path, 1, 3, 3).permute(1, 2, 0).tolist() == [[[200, 0, 0], [255, 255, 255], [204, 204, 204]]]
    grey = Image.fromarray(np.array([[[90, 255], [90, 0]]], dtype=np.uint8), mode="LA")
    assert pixels(saved(grey, tmp_path / "b.png"), 1, 1, 2) == [[90, 255]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_cameras_held_in_every_way(orientation: int, tmp_path: Path) -> None:
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    # What a camera stores so that the turn said in its EXIF makes the picture upright.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / "a.png", exif=exif)
    assert pixels(path) == upright.tolist()


def test_the_centre_is_cut_out(tmp_path: Path) -> None:
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 255
    path = saved(Image.fromarray(wide), tmp_path / "a.png")
    assert (decode(path, 10, 10, 1) == 255).all()
    assert (decode(path, 5, 5, 1)[0, :, 1:4] == 255).all()
    margin = decode(path, 6, 6, 1, margin=2)
    assert margin.shape == (1, 10, 10)


def test_shrinking_averages(tmp_path: Path) -> None:
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))
    result = decode(saved(Image.fromarray(stripes), tmp_path / "a.png"), 8, 8, 1)
    assert (result.int() - 127).abs().max() <= 6  # taking every eighth pixel would give 0 or 255


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for ending in ("jpg", "png", "tiff", "gif", "bmp", "webp"):
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, format={"jpg": "jpeg"}.get(ending, ending))
        path = tmp_path / f"cut.{ending}"
        path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
        with pytest.raises(UnreadableImageError, match=f"cut.{ending}"):
            decode(path, 8, 8, 3)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM" + bytes(60)])
def test_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(UnreadableImageError, match=r"odd\.png is not readable as an image: .+\."):
        decode(tmp_path / "odd.png", 8, 8, 3)
    with pytest.raises(UnreadableImageError, match=r"gone\.png cannot be read: No such file"):
        decode(tmp_path / "gone.png", 8, 8, 3)


def bomb(side: int) -> bytes:
    """A PNG that says it is large, and is small."""
    data = png16(np.zeros((1, 1, 3), dtype=np.uint16))
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 16, 2, 0, 0, 0)
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused(side: int, tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(side))
    with pytest.raises(UnreadableImageError, match=r"bomb\.png.*pixels"):
        decode(tmp_path / "bomb.png", 8, 8, 3)


def test_many_files_leave_out_the_unreadable(tmp_path: Path) -> None:
    paths = []
    for row in range(100):
        path = tmp_path / f"{row}.png"
        path.write_bytes(b"no") if row in (0, 40, 41, 99) else Image.new("L", (4, 3), row).save(path)
        paths.append(path)
    decoded = decode_files(paths, ReadingOptions())
    assert decoded.inputs.shape == (96, 1, 3, 4)
    assert decoded.inputs[:, 0, 0, 0].tolist() == decoded.kept.tolist()
    assert [sentence.split(" ")[0] for sentence in decoded.skipped] == [str(paths[row]) for row in (0, 40, 41, 99)]
    assert len(decoded.fingerprints.unique()) == 96
    with pytest.raises(UnreadableImageError, match=r"/0\.png"):
        decode_files(paths, ReadingOptions(strict=True))
    with pytest.raises(UnreadableImageError, match="None of the 2 images"):
        decode_files([paths[0], paths[40]], ReadingOptions())


def test_size_and_channels_of_many_files(tmp_path: Path) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    Image.new("L", (20, 10)).save(small)
    Image.new("RGB", (100, 80)).save(large)
    assert decode_files([small], ReadingOptions(margin=2)).inputs.shape == (1, 1, 10, 20)
    assert decode_files([large, large], ReadingOptions()).inputs.shape == (2, 3, 64, 64)
    assert decode_files([small, large], ReadingOptions(margin=2)).inputs.shape == (2, 3, 68, 68)
    assert decode_files([small, large], ReadingOptions(size=32, margin=4, channels=1)).inputs.shape == (2, 1, 40, 40)
    assert decode_files([small, large], ReadingOptions(size=32, margin=4)).margin == 4
    palette = tmp_path / "palette.png"
    Image.new("L", (20, 10), 7).convert("P").save(palette)
    assert decode_files([palette], ReadingOptions()).inputs[0].unique().tolist() == [7]
    assert decode_files([palette], ReadingOptions()).inputs.shape[1] == 1
