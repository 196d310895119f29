"""What a file is, by its first bytes."""

import re
from pathlib import Path
from typing import NamedTuple

from glasswork.files import open_regular

HEAD = 512
"""Bytes at the beginning of a file that tell what it is."""


class Signature(NamedTuple):
    """What a file is.

    Attributes:
        name: in words, such as `HEIC picture`.
        picture: whether it is a picture that can be read, if the package for it is there.
    """

    name: str
    picture: bool = False


_BEGINNINGS: tuple[tuple[bytes, Signature], ...] = (
    (b"\x89PNG\r\n\x1a\n", Signature("PNG picture", True)),
    (b"\xff\xd8\xff", Signature("JPEG picture", True)),
    (b"GIF87a", Signature("GIF picture", True)),
    (b"GIF89a", Signature("GIF picture", True)),
    (b"II*\0", Signature("TIFF picture", True)),
    (b"MM\0*", Signature("TIFF picture", True)),
    (b"II+\0", Signature("TIFF picture", True)),
    (b"MM\0+", Signature("TIFF picture", True)),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Signature("JPEG 2000 picture", True)),
    (b"\xff\x4f\xff\x51", Signature("JPEG 2000 picture", True)),
    (b"8BPS", Signature("Photoshop file")),
    (b"\xff\n", Signature("JPEG XL picture")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", Signature("JPEG XL picture")),
    (b"%PDF", Signature("PDF document")),
    (b"PK\x03\x04", Signature("ZIP archive (or an Office document)")),
    (b"\xd0\xcf\x11\xe0", Signature("Office document")),
    (b"\x1f\x8b", Signature("gzip archive")),
    (b"PAR1", Signature("Parquet table")),
    (b"\x93NUMPY", Signature("NumPy array")),
    (b"\x89HDF\r\n", Signature("HDF5 file")),
    (b"\x7fELF", Signature("program")),
    (b"SQLite format 3", Signature("SQLite data base")),
)
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), Signature("HEIC picture", True)),
    **dict.fromkeys((b"avif", b"avis"), Signature("AVIF picture", True)),
}
_BITMAP = re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL)
_PORTABLE = re.compile(rb"P[1-7f][ \t\r\n]+(#[^\n]*\n\s*)*(\d+[ \t\r\n]|WIDTH )")
_SVG = re.compile(  # comments are looked at once: one that may end in several places makes 2^n ways for n of them
    rb"\s*(\xef\xbb\xbf)?(<\?xml[^>]*>\s*)?((?><!--.*?-->)\s*)*+(<!DOCTYPE svg[^>\[]*(\[[^\]]*\]\s*)?>\s*)?<svg[\s>]",
    re.DOTALL,
)
_HTML = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)


def signature(head: bytes) -> Signature | None:
    """What begins with these bytes; None if it is not known, or is text."""
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), 64), 4))]
        return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), Signature("video"))
    if head[:4] == b"RIFF":
        return Signature("WebP picture", True) if head[8:12] == b"WEBP" else Signature("sound or video")
    for beginning, found in _BEGINNINGS:
        if head.startswith(beginning):
            return found
    if head[128:132] == b"DICM":
        return Signature("DICOM picture", True)
    if _BITMAP.match(head):
        return Signature("BMP picture", True)
    if _PORTABLE.match(head):
        return Signature("Netpbm picture", True)
    if _SVG.match(head):
        return Signature("SVG picture", True)
    return Signature("web page") if _HTML.match(head) else None


def signature_of(path: str | Path) -> Signature | None:
    """What a file is; None if it is not known, is text, or cannot be read."""
    try:
        with open_regular(path) as file:
            return signature(file.read(HEAD))
    except OSError:
        return None


def is_picture_file(path: str | Path) -> bool:
    """Whether a file begins as a picture does that can be read."""
    found = signature_of(path)
    return found is not None and found.picture
