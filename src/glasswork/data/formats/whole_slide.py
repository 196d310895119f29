"""Reads images of any size, a region at a time: whole-slide pyramids, TIFF by strips or tiles, anything else whole."""

import abc
import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
import numpy.typing as npt
from PIL import Image
from typing_extensions import override

from glasswork.data.formats.decoding import SUFFIXES
from glasswork.data.formats.picture_files import UnreadableImageError
from glasswork.errors import GlassworkError
from glasswork.files import open_regular

Pixels = npt.NDArray[np.uint8]

SLIDE_SUFFIXES = SUFFIXES | frozenset((".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide"))
MOST_PIXELS_AT_ONCE = 178_000_000
"""A picture that cannot be read in parts may have this many pixels: 540 MB in colour."""

DECODED = (1, 8, 32946)
"""TIFF's numbers for what Python itself decodes: plain and deflated."""

STRIP = 512
SAMPLES = 4
BRIGHT, COLOURLESS, BLACK = 0.86, 0.06, 0.04


class Slide(abc.ABC):
    """A picture at one resolution, as red, green and blue from 0 to 255.

    Attributes:
        path: the file.
        width: pixels.
        height: pixels.
        level: which resolution of the file; 0 is the finest.
        downsample: how many pixels of level 0, in each direction, one pixel here stands for.
        micrometres: side of one pixel; None where the file does not say.
        grey: whether the three colours are always equal.
    """

    def __init__(self, path: Path, width: int, height: int, grey: bool) -> None:
        self.path = path
        self.width = width
        self.height = height
        self.grey = grey
        self.level = 0
        self.downsample = 1.0
        self.micrometres: float | None = None

    @abc.abstractmethod
    def read(self, left: int, top: int, width: int, height: int) -> Pixels:
        """A region that lies within the picture, as (height, width, 3).

        Raises:
            GlassworkError: where the file turns out to be damaged.
        """

    def coarser(self, cell: float) -> "Slide":
        """The same picture at the coarsest resolution of the file in which `cell` pixels of this one are still four."""
        return self

    def reduced(self, cell: float) -> npt.NDArray[np.float32]:
        """The picture in cells of `cell` x `cell` pixels: the mean of up to 4 x 4 pixels of each, in 0 to 255.

        Args:
            cell: side of a cell in pixels; those at the right and lower edge may be cut off.

        Returns:
            (rows, columns, 3); memory is bounded however large the picture is.
        """
        rows, columns = max(1, int(self.height / cell + 1e-6)), max(1, int(self.width / cell + 1e-6))
        return self.divided(rows, columns, cell)

    def divided(self, rows: int, columns: int, cell: float, above_zero: bool = False) -> npt.NDArray[np.float32]:
        """The same for so many cells; `above_zero` counts what is above 0 as 1 before the mean is taken, for masks."""
        source = self.coarser(cell)
        across, down = source.width / self.width * cell, source.height / self.height * cell
        x, y = _sampled(columns, across, source.width), _sampled(rows, down, source.height)
        result = np.zeros((rows, columns, 3), np.float32)
        each = len(y) // rows
        at_once = max(1, STRIP // max(1, round(down)))
        for first in range(0, rows, at_once):
            last = min(rows, first + at_once)
            lines = y[first * each : last * each]
            part = source.read(0, int(lines[0]), source.width, int(lines[-1] - lines[0]) + 1)
            taken = part[lines - lines[0]][:, x].astype(np.float32)
            taken = (taken > 0).astype(np.float32) if above_zero else taken
            result[first:last] = taken.reshape(last - first, each, columns, len(x) // columns, 3).mean((1, 3))
        return result


def _sampled(cells: int, cell: float, limit: int) -> npt.NDArray[np.int64]:
    """Places of the pixels that stand for each of the cells, up to `SAMPLES` of each, evenly within it."""
    each = min(SAMPLES, max(1, int(cell)))
    within = (np.arange(each) + 0.5) / each * cell
    places: npt.NDArray[np.int64] = (np.arange(cells)[:, None] * cell + within).astype(np.int64).ravel()
    return np.minimum(places, limit - 1)


def tissue(cells: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Which cells of `Slide.reduced` are tissue: neither bright and without colour (glass) nor black (never scanned).

    Bright is above 86 % in the mean of the three colours, without colour is less than 6 % between the greatest and the
    least of them, black is below 4 %.

    Args:
        cells: (rows, columns, 3), 0 to 255.
    """
    shares = cells / 255
    brightness, colour = shares.mean(2), shares.max(2) - shares.min(2)
    result: npt.NDArray[np.bool_] = ~((brightness > BRIGHT) & (colour < COLOURLESS)) & (brightness >= BLACK)
    return result


@final
class _Pyramid(Slide):
    """What openslide reads: whole-slide formats and tiled TIFF."""

    def __init__(self, path: Path, opened: Any, level: int) -> None:
        _require_level(path, level, opened.level_count)
        width, height = opened.level_dimensions[level]
        super().__init__(path, width, height, grey=False)
        self._opened = opened
        self.level = level
        self.downsample = float(opened.level_downsamples[level])
        stated = opened.properties.get("openslide.mpp-x")
        self.micrometres = float(stated) * self.downsample if stated else None

    @override
    def coarser(self, cell: float) -> Slide:
        least = self.downsample * max(1.0, cell / SAMPLES) * 1.01
        best = max(i for i, factor in enumerate(self._opened.level_downsamples) if i == 0 or factor <= least)
        return self if best <= self.level else _Pyramid(self.path, self._opened, best)

    @override
    def read(self, left: int, top: int, width: int, height: int) -> Pixels:
        place = (round(left * self.downsample), round(top * self.downsample))
        try:
            region = self._opened.read_region(place, self.level, (width, height))
        except Exception as error:  # openslide's own, or of the library that decodes its tiles
            raise UnreadableImageError(f"{self.path} is damaged at {place}: {error}.") from error
        white = Image.new("RGBA", region.size, "white")
        return np.asarray(Image.alpha_composite(white, region).convert("RGB"))


@final
class _Tiff(Slide):
    """A TIFF whose strips or tiles are decoded one by one."""

    def __init__(self, path: Path, page: Any) -> None:
        super().__init__(path, page.imagewidth, page.imagelength, grey=page.samplesperpixel < 3)
        self._page = page
        # Taken while the file is open, as tifffile reads them late.
        self._offsets, self._counts, self._decode = page.dataoffsets, page.databytecounts, page.decode
        self._plain = bool(page.is_contiguous) and page.compression == 1 and not page.is_tiled

    @override
    def read(self, left: int, top: int, width: int, height: int) -> Pixels:
        samples = self._page.samplesperpixel
        out = np.zeros((height, width, samples), np.uint8)
        try:
            with open_regular(self.path) as file:
                if self._plain:
                    for row in range(height):
                        file.seek(self._offsets[0] + ((top + row) * self.width + left) * samples)
                        out[row] = np.frombuffer(file.read(width * samples), np.uint8).reshape(width, samples)
                else:
                    self._segments(file, out, left, top)
        except Exception as error:  # tifffile raises what it happens upon, and zlib its own
            raise UnreadableImageError(f"{self.path} cannot be read at {left}, {top}: {error}.") from error
        return np.repeat(out[..., :1], 3, axis=2) if samples < 3 else out[..., :3]

    def _segments(self, file: BinaryIO, out: Pixels, left: int, top: int) -> None:
        """Decodes the strips or tiles that meet the region, and no others."""
        page = self._page
        height, width = out.shape[:2]
        high = page.tilelength if page.is_tiled else page.rowsperstrip
        wide = page.tilewidth if page.is_tiled else self.width
        across = -(-self.width // wide)
        for row in range(top // high, -(-(top + height) // high)):
            for column in range(left // wide, -(-(left + width) // wide)):
                index = row * across + column
                file.seek(self._offsets[index])
                decoded, _, _ = self._decode(file.read(self._counts[index]), index)
                y, x = row * high, column * wide
                if decoded is None:
                    continue
                block = decoded[0]
                y0, x0 = max(top, y), max(left, x)
                y1, x1 = min(top + height, y + block.shape[0]), min(left + width, x + block.shape[1])
                out[y0 - top : y1 - top, x0 - left : x1 - left] = block[y0 - y : y1 - y, x0 - x : x1 - x]


@final
class _Whole(Slide):
    """A picture that is decoded at once."""

    def __init__(self, path: Path, pixels: Pixels) -> None:
        super().__init__(path, pixels.shape[1], pixels.shape[0], grey=pixels.ndim == 2)
        self._pixels = pixels

    @override
    def read(self, left: int, top: int, width: int, height: int) -> Pixels:
        part = self._pixels[top : top + height, left : left + width]
        return np.repeat(part[..., None], 3, axis=2) if part.ndim == 2 else part


def open_slide(path: str | Path, level: int = 0) -> Slide:
    """Opens a picture of any size.

    Whole-slide formats and tiled TIFF are read through openslide, other TIFF strip by strip, the rest (PNG and JPEG
    cannot be entered in the middle) at once, up to 178 million pixels.

    Args:
        path: the file.
        level: which resolution of a pyramid, 0 the finest.

    Raises:
        GlassworkError: for a missing or unreadable file, a level that is not there, or a picture too large for its
            format.
    """
    path = Path(path)
    if not path.is_file():
        raise GlassworkError(f"There is no file {path}")
    suffix = path.suffix.lower()
    if suffix in SLIDE_SUFFIXES - SUFFIXES or suffix in (".tif", ".tiff"):
        slide = _pyramid(path, level) or _tiff(path, level)
        if slide:
            return slide
    if suffix in SLIDE_SUFFIXES - SUFFIXES:
        raise GlassworkError(
            f"{path} is a whole-slide image: install its reader with pip install openslide-python openslide-bin"
        )
    _require_level(path, level, 1)
    return _whole(path)


def _pyramid(path: Path, level: int) -> Slide | None:
    try:
        import openslide
    except ImportError:
        return None
    try:
        if openslide.OpenSlide.detect_format(os.fspath(path)) is None:
            return None
        opened = openslide.OpenSlide(os.fspath(path))
    except openslide.OpenSlideError as error:
        raise UnreadableImageError(f"{path} is not readable as a slide: {error}.") from error
    return _Pyramid(path, opened, level)


def _tiff(path: Path, level: int) -> Slide | None:
    """The TIFF in parts; None where its coding or its kind of numbers is Pillow's matter."""
    try:
        import tifffile
    except ImportError:
        return None
    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            simple = page.dtype == np.uint8 and page.planarconfig == 1 and page.photometric in (1, 2)
            slide = _Tiff(path, page) if simple and page.compression in DECODED and page.imagedepth == 1 else None
    except Exception as error:  # tifffile raises what it happens upon
        raise UnreadableImageError(f"{path} is not readable as a TIFF: {error}.") from error
    if slide is not None:
        _require_level(path, level, 1)
    return slide


def _whole(path: Path) -> Slide:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of pictures half as large as the limit
            open_regular(path).close()
            opened = Image.open(path)
        with opened as image:
            if image.width * image.height > MOST_PIXELS_AT_ONCE:
                raise Image.DecompressionBombError
            grey = image.mode in ("1", "L", "LA")
            return _Whole(path, np.asarray(image.convert("L" if grey else "RGB")))
    except Image.DecompressionBombError:
        raise GlassworkError(
            f"{path} has over {MOST_PIXELS_AT_ONCE:,} pixels in a format that has to be decoded at once: save it as a "
            "tiled TIFF, and have openslide-python, openslide-bin and tifffile installed"
        ) from None
    except Exception as error:  # Pillow's parsers raise what they happen upon
        raise UnreadableImageError(f"{path} is not readable as an image: {error}.") from error


def _require_level(path: Path, level: int, count: int) -> None:
    if not 0 <= level < count:
        there = "only level 0" if count == 1 else f"levels 0 to {count - 1}"
        raise GlassworkError(f"{path} has {there}: give --level within that")
