"""Recordings in every layout, rate and number of channels, and what is wrong with some of them."""

import builtins
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from glasswork.data import ragged
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats import audio
from glasswork.data.formats.audio_files import one_channel, read_sound, read_standard_input
from glasswork.data.kinds.audio import Audio
from glasswork.data.log_mel import LogMel
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.systems.sequences import references_of

OPTIONS = ReadingOptions(pieces="character", vocabulary=100)


def tone(rate: int, pitch: float = 440.0, seconds: float = 0.5) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)


def write(path: Path, rate: int = 8000, seconds: float = 0.5) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(rate, seconds=seconds), rate)
    return path.name


def transcripts(folder: Path) -> Path:
    lines = ["file\ttext"] + [f"{write(folder / f'{name}.wav')}\tSay {name}!" for name in "abcd"]
    (folder / "transcripts.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def without_header(folder: Path) -> Path:
    lines = [f"{write(folder / 'wavs' / f'{name}.wav')[:-4]}|Say {name}!|say {name}" for name in "abcd"]
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def audio_folder(folder: Path) -> Path:
    """Of Hugging Face, with a folder for each split."""
    for split, names in (("train", "ab"), ("validation", "c"), ("test", "d")):
        lines = [
            json.dumps({"file_name": write(folder / split / f"{name}.flac"), "transcription": f"say {name}"})
            for name in names
        ]
        (folder / split / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def with_split_column(folder: Path) -> Path:
    splits = {"a": "train", "b": "train", "c": "val", "d": "test"}
    rows = [f'{write(folder / f"{name}.ogg")},"Say, {name}",{split}' for name, split in splits.items()]
    (folder / "metadata.csv").write_text("\n".join(["file_name,text,split", *rows]), encoding="utf-8")
    return folder


def librispeech(folder: Path) -> Path:
    for part, names in (("train-clean-100", "ab"), ("dev-other", "c"), ("test-clean", "d")):
        place = folder / part / "19" / "198"
        lines = [f"19-198-{name} SAY {name.upper()}" for name in names]
        for name in names:
            write(place / f"19-198-{name}.flac")
        (place / "19-198.trans.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def common_voice(folder: Path) -> Path:
    for part, names in (("train", "ab"), ("dev", "c"), ("test", "d"), ("other", "e")):
        lines = ["client_id\tpath\tsentence"]
        for name in names:
            soundfile.write(folder / write(folder / "clips" / f"{name}.mp3", 16_000), tone(16_000), 16_000)
            lines.append(f'0\t{name}.mp3\t"Say {name}.')
        (folder / f"{part}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


LAYOUTS: dict[str, tuple[Callable[[Path], Path], bool]] = {
    one.__name__: (one, split)
    for one, split in (
        (transcripts, False),
        (without_header, False),
        (audio_folder, True),
        (with_split_column, True),
        (librispeech, True),
        (common_voice, True),
    )
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read(layout: str, tmp_path: Path) -> None:
    make, split = LAYOUTS[layout]
    dataset = read(str(make(tmp_path)), OPTIONS, audio)
    assert audio.claims(tmp_path)
    rows = torch.tensor(sorted(range(4), key=lambda row: references_of(dataset, torch.tensor([row]))))
    dataset = dataset.take(rows)  # folders are read in the order of their names
    assert references_of(dataset, torch.arange(4)) == [[f"say {name}"] for name in "abcd"]
    assert set(dataset.task.target.names) >= set("say ab")
    assert not split or dataset.columns["split"].tolist() == [TRAINING, TRAINING, VALIDATION, TEST]
    assert split or "split" not in dataset.columns
    lengths = ragged.lengths(dataset.offsets["inputs"]) / Audio.of(dataset.task).rate
    assert lengths.tolist() == pytest.approx([0.5] * 4, abs=0.08)  # MP3 has pieces of its own length
    tokens = ragged.split(dataset.columns["targets"], dataset.offsets["targets"], torch.tensor([0]))[0]
    assert "".join(dataset.task.target.names[number] for number in tokens.tolist()) == "say aEND"


def loudest(samples: torch.Tensor, rate: int) -> float:
    """The pitch with the most power."""
    power = torch.fft.rfft(samples.double()).abs()
    return float(power.argmax()) * rate / len(samples)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(("subtype", "ending"), [("PCM_16", "wav"), ("PCM_24", "flac"), ("FLOAT", "wav")])
def test_any_rate_and_width_becomes_one(rate: int, subtype: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.stack([tone(rate), tone(rate)], 1), rate, subtype=subtype)
    samples = torch.from_numpy(read_sound(path, 16_000))
    assert abs(len(samples) - 8000) <= 1 and int(samples.abs().max()) == 32_767
    assert loudest(samples, 16_000) == pytest.approx(440, abs=4)


def test_a_silent_channel_takes_nothing_away() -> None:
    sound, noise = tone(8000).astype(np.float32), np.random.default_rng(0).normal(size=4000).astype(np.float32)
    both = np.stack([sound, np.zeros_like(sound)], 1)
    assert np.array_equal(one_channel(both), sound)
    assert np.array_equal(one_channel(np.stack([1e-5 * noise, sound], 1)), sound)
    assert np.allclose(one_channel(np.stack([sound, noise], 1)), (sound + noise) / 2, atol=1e-6)
    assert np.array_equal(one_channel(np.stack([sound, -sound], 1)), sound)  # of opposite sign: the mean is nothing
    assert not one_channel(np.zeros((10, 2), np.float32)).any()


def read_with(folder: Path, lines: list[str], **options: Any) -> Dataset:
    table = folder / "transcripts.tsv"
    table.write_text("\n".join(["file\ttext", *lines]), encoding="utf-8")
    return read(str(folder), ReadingOptions(pieces="character", vocabulary=100, **options), audio)


def test_what_is_wrong_with_some_recordings_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan]), 8000, subtype="FLOAT")
    (tmp_path / "broken.mp3").write_bytes(b"no sound at all")
    lines = [f"{good}\tone word", "empty.wav\tone", "nan.wav\ttwo", "broken.mp3\tthree", "gone.wav\tfour", f"{good}\t!"]
    dataset = read_with(tmp_path, lines)
    assert list(dataset.names) == ["good.wav"]
    said = " ".join(dataset.skipped)
    for words in (
        "empty.wav holds no sound: it is 0 seconds long",
        "nan.wav holds values that are no numbers",
        "broken.mp3 holds no sound that can be read",
        "1 recording is not there, and left out: gone.wav",
        "1 recording is without words, and left out: good.wav",
    ):
        assert words in said
    with pytest.raises(GlassworkError, match=r"There is no sound file .*gone\.wav"):
        read_with(tmp_path, lines, strict=True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file\ttext\ngone.wav\tone", r"There is no sound file .*gone\.wav, which .* lists"),
        ("sound\tlabel\na.wav\tone", "has no column of sound files"),
        ("file\tlabel\na.wav\tone", "has no column of transcripts"),
        ("file\ttext\na.wav", "Line 2 of .* has fewer cells than the header"),
        ("file\ttext\na.wav\t...", "every transcript is empty"),
        ("", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    (tmp_path / "transcripts.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(GlassworkError, match=sentence):
        read(str(tmp_path), OPTIONS, audio)


def test_a_folder_without_transcripts_says_what_is_expected(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    with pytest.raises(GlassworkError, match=r"holds no transcripts: expected .*transcripts\.tsv"):
        read(str(tmp_path), OPTIONS, audio)


def test_the_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.wav")
    imported = builtins.__import__

    def refuse(name: str, *others: Any) -> Any:
        if name == "soundfile":
            raise ImportError(name)
        return imported(name, *others)

    monkeypatch.delitem(sys.modules, "soundfile", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(GlassworkError, match=r"pip install 'glasswork\[speech\]'"):
        read_with(tmp_path, ["a.wav\tone"])


def test_standard_input_is_a_file_or_raw_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.wav", 16_000)
    raw = (20_000 * tone(8000)).astype("<i2")
    for content in ((tmp_path / "a.wav").read_bytes(), raw.tobytes(), raw.tobytes() + b"\0"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        samples = torch.from_numpy(read_standard_input(8000))
        assert len(samples) == 4000 and loudest(samples, 8000) == pytest.approx(440, abs=4)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(GlassworkError, match="standard input holds no sound: it is 0 seconds long"):
        read_standard_input(8000)


def test_features_are_the_power_in_bands_whatever_stands_beside() -> None:
    features = LogMel(8000, 20)
    low, high = (torch.from_numpy(32_000 * tone(8000, pitch)).to(torch.int16) for pitch in (300.0, 3000.0))
    found = features(torch.stack([low, high]))
    assert found.shape == (2, int(features.frames(torch.tensor(len(low)))), 20)
    bands = found[:, 10].argmax(1).tolist()
    assert bands[0] < 6 and bands[1] > 14
    torch.testing.assert_close(features(torch.nn.functional.pad(low[None], (0, 900)))[:, :49], found[:1, :49])
    assert features(torch.zeros(1, 3, dtype=torch.int16)).shape == (1, 1, 20)
    window = torch.hann_window(200, dtype=torch.float64)
    frame = (low[700:900].double() / 32_768) * window  # the window in the middle of frame 10 begins 100 before it
    power = torch.fft.rfft(frame, 256).abs().square()
    torch.testing.assert_close(found[0, 10].double(), (power @ features.filters.double()).log(), rtol=1e-3, atol=1e-3)
