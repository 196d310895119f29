"""The frames of a clip, out of a video file or a folder of pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glasswork.data.formats.decoding import Pixels, opened_picture
from glasswork.data.formats.picture_files import UnreadableImageError
from glasswork.data.listing import image_files
from glasswork.errors import GlassworkError
from glasswork.files import open_regular
from glasswork.limits import within

SUFFIXES = frozenset(".mp4 .m4v .mkv .webm .avi .mov .mpg .mpeg .wmv .flv .ogv .ts .gif".split())  # noqa: SIM905

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,ogg,asf,gif,m4v,h264,hevc"
"""What FFmpeg may take a file for. Others, such as lists of files and addresses, open files that nobody named."""


class UnreadableClipError(GlassworkError):
    """A clip that is damaged, cut off, or none."""


def is_clip(path: Path) -> bool:
    """Whether a file is named as videos are."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def frames(path: Path, side: int, channels: int) -> Iterator[Pixels]:
    """The frames of a clip in their order, each as a whole brought to a square, whatever its shape was.

    Nothing is cut off: what counts may be anywhere in a frame.

    Args:
        path: a video file of any kind that PyAV reads, or a folder of pictures in the order of their names.
        side: of the square, in pixels.
        channels: 1 (grey) or 3 (red, green, blue).

    Yields:
        uint8 (channels, side, side).

    Raises:
        UnreadableClipError: there is no such clip, or it breaks off.
    """
    for image in _pictures(path) if path.is_dir() else _decoded(path):
        plain = image.convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(plain.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0))
        yield pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _pictures(folder: Path) -> Iterator[Image.Image]:
    try:
        for path in image_files(folder):
            yield opened_picture(path)
    except UnreadableImageError as error:
        raise UnreadableClipError(str(error)) from None


def _decoded(path: Path) -> Iterator[Image.Image]:
    av = _library()
    try:
        open_regular(path).close()  # a pipe would wait for ever
        with av.open(str(path), options={"format_whitelist": CONTAINERS}) as container:
            if not container.streams.video:
                raise UnreadableClipError(f"{path} has no images: it is only sound, or not a video.")
            context = container.streams.video[0].codec_context
            if context is not None:  # of a damaged stream there is none
                within(path, "PIXELS", context.width * context.height)
            for number, frame in enumerate(container.decode(video=0), 1):
                within(path, "FRAMES", number)
                image = frame.to_image()
                yield image.rotate(frame.rotation, expand=True) if frame.rotation else image
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableClipError(f"{path} is not readable as a video, or is cut off: {reason}.") from None


def _library() -> Any:
    try:
        import av
    except ModuleNotFoundError:
        raise GlassworkError("Reading videos needs PyAV, which is missing: pip install 'glasswork[video]'") from None
    return av
