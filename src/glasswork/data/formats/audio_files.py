"""Sound files as one channel of 16-bit samples at one rate, whatever their rate, width and number of channels."""

import io
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import gcd
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from glasswork import stopping
from glasswork.errors import GlassworkError
from glasswork.execution import usable_cores
from glasswork.files import open_regular
from glasswork.limits import within

SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"))
SILENT = 1e-3
"""A channel whose mean power is that of the loudest times this squared holds nothing that was recorded."""
CANCELLED = 0.1
"""Channels whose mean is this much quieter than the loudest are of opposite sign."""
PEAK = 32767

_AT_ONCE = 1 << 16  # bytes of standard input
Samples = npt.NDArray[np.int16]
Waveform = npt.NDArray[np.float32]
Part = TypeVar("Part", bytes, Waveform)


class UnreadableSoundError(GlassworkError):
    """A file that holds no sound that can be read; the sentence names it."""


def is_sound(name: str) -> bool:
    """Whether a file is named as sound."""
    return Path(name).suffix.lower() in SUFFIXES


def rate_of(path: Path) -> int:
    """The samples per second of a file, from its header.

    Raises:
        UnreadableSoundError: if it holds no sound.
    """
    soundfile = _package()
    try:
        with open_regular(path) as file:
            return int(soundfile.info(file).samplerate)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise UnreadableSoundError(_unreadable(str(path), error)) from None


def read_sound(path: Path, rate: int) -> Samples:
    """The samples of a file, (samples,), with their peak at full scale.

    Raises:
        UnreadableSoundError: if it holds no sound, none at all, or values that are no numbers.
    """
    try:
        with open_regular(path) as file:
            return _decode(file, str(path), rate)
    except OSError as error:
        raise UnreadableSoundError(f"{path} cannot be read: {error.strerror or error}") from None


def read_standard_input(rate: int) -> Samples:
    """The sound on standard input until its end or Ctrl-C: a file of any format, else raw samples.

    Raw samples have 16 bits, one channel and `rate`.

    Raises:
        UnreadableSoundError: if nothing comes.
    """
    stream = cast("io.BufferedReader", sys.stdin.buffer)
    content = b"".join(_until_interrupted(partial(stream.read1, _AT_ONCE)))
    if content[:4] in (b"RIFF", b"fLaC", b"OggS", b"FORM", b".snd", b"caff") or content[:3] == b"ID3":
        return _decode(io.BytesIO(content), "standard input", rate)
    samples = np.frombuffer(content[: len(content) // 2 * 2], dtype="<i2")
    channels: Waveform = samples.astype(np.float32)[:, None] / np.float32(32768)
    return _finished(channels, rate, rate, "standard input")


def record(rate: int) -> Samples:
    """What the microphone hears until Ctrl-C is pressed.

    Raises:
        GlassworkError: without the package that records, or a microphone.
    """
    try:
        import sounddevice  # type: ignore[import-not-found,unused-ignore]
    except (ImportError, OSError):
        raise GlassworkError(
            "Recording needs sounddevice, which is not installed: pip install sounddevice, or pipe sound in, such as "
            f"arecord -f S16_LE -r {rate} | glasswork predict RUN -"
        ) from None
    lost = 0

    def hear() -> Waveform:
        nonlocal lost
        heard, overflowed = stream.read(rate // 10)
        lost += overflowed
        return np.asarray(heard, dtype=np.float32)

    try:
        with sounddevice.InputStream(samplerate=rate, channels=1, dtype="float32") as stream:
            print("glasswork: listening; press Ctrl-C at the end", file=sys.stderr)
            parts = _until_interrupted(hear)
    except sounddevice.PortAudioError as error:
        raise GlassworkError(f"The microphone cannot be used: {error}") from None
    if lost:
        print("glasswork: note: this machine was too slow, so parts of the sound were lost", file=sys.stderr)
    return _finished(np.concatenate(parts or [np.zeros((0, 1), np.float32)]), rate, rate, "the microphone")


def _until_interrupted(read: Callable[[], Part]) -> list[Part]:
    """What can be read, until an empty part comes or Ctrl-C; any other signal still ends the process."""
    parts = []
    try:
        while len(part := read()):
            parts.append(part)
    except KeyboardInterrupt:
        if stopping.exit_code() != 128 + signal.SIGINT:
            raise
        stopping.forget()
    return parts


def read_sounds(paths: Sequence[Path], rate: int) -> tuple[list[Samples], dict[int, str]]:
    """The samples of several files, decoded on all cores; and why one cannot be read, by its place."""
    problems: dict[int, str] = {}

    def decode(place: int) -> Samples:
        try:
            return read_sound(paths[place], rate)
        except UnreadableSoundError as error:
            problems[place] = str(error)
            return np.zeros(0, np.int16)

    _package()
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = list(pool.map(decode, range(len(paths))))
    return found, dict(sorted(problems.items()))


def one_channel(channels: Waveform) -> Waveform:
    """The mean of the channels (samples, channels) that hold something; of opposite ones the loudest."""
    powers = np.square(channels, dtype=np.float64).mean(0)
    loudest = powers.max(initial=0.0)
    mean: Waveform = channels[:, powers >= SILENT**2 * loudest].mean(1)
    if np.square(mean, dtype=np.float64).mean() < CANCELLED**2 * loudest:
        return channels[:, int(powers.argmax())]
    return mean


def resample(waveform: Waveform, rate: int, wanted: int) -> Waveform:
    """A waveform (samples,) at another rate, by a windowed sinc that keeps what lies below half of both rates."""
    if rate == wanted:
        return waveform
    from scipy.signal import resample_poly

    shared = gcd(rate, wanted)
    found: Waveform = resample_poly(waveform, wanted // shared, rate // shared).astype(np.float32)
    return found


def _decode(file: IO[bytes], name: str, rate: int) -> Samples:
    soundfile = _package()
    try:
        with soundfile.SoundFile(file) as opened:
            _require_within(name, opened, rate)
            channels, found = opened.read(dtype="float32", always_2d=True), opened.samplerate
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        raise UnreadableSoundError(_unreadable(name, error)) from None
    return _finished(channels, int(found), rate, name)


def _require_within(name: str, opened: Any, wanted: int) -> None:
    """Refuses a file whose header declares more than the limits; a low rate makes many samples out of few."""
    try:
        within(name, "RATE", opened.samplerate)
        samples = max(0, opened.frames)
        within(name, "SAMPLES", max(samples * opened.channels, samples * wanted // max(1, opened.samplerate)))
    except GlassworkError as error:
        raise UnreadableSoundError(str(error)) from None


def _finished(channels: Waveform, rate: int, wanted: int, name: str) -> Samples:
    if not channels.size:
        raise UnreadableSoundError(f"{name} holds no sound: it is 0 seconds long")
    if not np.isfinite(channels).all():
        raise UnreadableSoundError(f"{name} holds values that are no numbers: it is damaged")
    waveform = resample(one_channel(channels), rate, wanted)
    peak = float(np.abs(waveform).max(initial=0.0))
    return np.round(waveform * (PEAK / peak) if peak else waveform).astype(np.int16)


def _unreadable(name: str, error: Exception) -> str:
    reason = str(error).rpartition(": ")[2].strip().rstrip(".") or type(error).__name__
    return f"{name} holds no sound that can be read ({reason}): WAV, FLAC, OGG and MP3 can be"


def _package() -> Any:
    try:
        import soundfile
    except (ImportError, OSError):
        raise GlassworkError(
            "Sound files need soundfile, which is not installed: pip install 'glasswork[speech]'"
        ) from None
    return soundfile
