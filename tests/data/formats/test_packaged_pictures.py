"""Pictures of HEIC, AVIF, JPEG 2000, SVG and DICOM, decoded by the packages themselves: trained on and asked about."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from glasswork.cli import main
from made_data import said, train

SIDE = 24
Pixels = NDArray[np.uint8]


def save_heic(path: Path, pixels: Pixels) -> None:
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(path)


def save_image(path: Path, pixels: Pixels) -> None:
    Image.fromarray(pixels).save(path)


def save_svg(path: Path, pixels: Pixels) -> None:
    grey = int(pixels.mean())
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE}" height="{SIDE}">'
        f'<rect width="{SIDE}" height="{SIDE}" fill="rgb({grey},{grey},{grey})"/></svg>',
        encoding="utf-8",
    )


def save_dicom(path: Path, pixels: Pixels) -> None:
    facts = FileMetaDataset()
    facts.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    facts.MediaStorageSOPInstanceUID = generate_uid()
    facts.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(None, {}, file_meta=facts, preamble=b"\0" * 128)
    file.Rows = file.Columns = SIDE
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 0
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.PixelData = (pixels[:, :, 0].astype("<u2") * 10).tobytes()
    pydicom.dcmwrite(path, file, enforce_file_format=True)


SAVE: dict[str, Callable[[Path, Pixels], None]] = {
    ".heic": save_heic,
    ".avif": save_image,
    ".jp2": save_image,
    ".svg": save_svg,
    ".dcm": save_dicom,
}


@pytest.mark.parametrize("suffix", SAVE)
def test_it_is_trained_on_and_asked_about(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draws = np.random.default_rng(0)
    for name, least in (("dark", 40), ("light", 180)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for place in range(12):
            pixels = draws.integers(least, least + 40, (SIDE, SIDE, 3), dtype=np.uint8)
            SAVE[suffix](tmp_path / "photos" / name / f"{place}{suffix}", pixels)
    run = train("lenet", data=tmp_path / "photos", epochs=6)
    assert said(capsys)["examples"] == {"train": 17, "validation": 2, "test": 5}
    for name in ("dark", "light"):
        assert main(["predict", str(run), str(tmp_path / "photos" / name), "--json"]) == 0
        answers = [answer["answer"] for answer in said(capsys)["answers"]]
        assert answers == [name] * 12
