"""Speech to text carried out: it learns, hears files, folders and streams, and says why."""

import io
import json
import os
import signal
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import glasswork as gw
from glasswork import stopping
from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.data.formats.audio_files import read_standard_input
from glasswork.data.spoken_batches import SoundAugmentation, augment, warp
from glasswork.run.request import make_request
from glasswork.systems.speech.network import SpeechNetwork
from glasswork.systems.speech.system import write_tones
from made_data import PLAIN, mistake, said, train

SMALL = {"hidden_size": 32, "layers": 1, "filters": 4, "bands": 16, "subsampling": 4, "dropout": 0}
PLAINLY = {**PLAIN, "warp": 0, "time_masks": 0, "band_masks": 0}


def recordings(folder: Path) -> Path:
    asked = make_request("speech", {})
    return Path(make_system(asked.system, asked.recipe).sample(folder).data)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a network that has learned to tell the tones of the sample apart."""
    folder = tmp_path_factory.mktemp("speech")
    data, run = recordings(folder), folder / "run"
    options = {**PLAINLY, **SMALL, "epochs": 40, "batch_size": 8, "learning_rate": 0.01, "test": 0.25}
    gw.train("speech", data=str(data), out=str(run), **options)
    return run


def test_tones_are_told_apart(learned: Path) -> None:
    result = json.loads((learned / "result.json").read_text(encoding="utf-8"))
    assert result["test"]["cer"] < 0.1 and result["test"]["wer"] < 0.2
    assert result["majority_wer"] > 0.5
    low, high = result["wer_interval"]
    assert low <= result["test"]["wer"] <= high
    page = (learned / "report.html").read_text(encoding="utf-8")
    assert "always answering" in page and "the best path (greedy)" in page


def test_an_answer_shows_why(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = learned.parent / "new.wav"
    write_tones(sound, "ab ba", 8000, 99)
    assert main(["predict", str(learned), str(sound), "--out", "why.html", "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    assert answer["answer"] == "ab ba"
    assert "".join(one["token"] for one in answer["tokens"]) == "ab baEND"
    assert all(0 < one["probability"] <= 1 and one["others"] for one in answer["tokens"])
    assert len(answer["alternatives"]) > 1 and answer["alternatives"][0]["text"] == "ab ba"
    page = Path("why.html").read_text(encoding="utf-8")
    assert "Where each word was heard" in page and "What the answer rests on most" in page and "image/png" in page


def test_words_lie_where_they_are_said(learned: Path) -> None:
    sound = learned.parent / "placed.wav"
    write_tones(sound, "ab ba", 8000, 98)
    answer = gw.load(str(learned)).predict(str(sound))
    assert not isinstance(answer, list)
    (table,) = [block for block in answer.evidence if getattr(block, "caption", "") == "Where each word was heard"]
    (first, begin, end, _), (second, then, last, _) = table.rows
    assert (first, second) == ("1 ab", "2 ba")
    assert float(begin) < 0.3 and 0.15 < float(end) < 0.6 and 0.5 < float(then) < 0.95 and float(last) <= 1.05


def test_files_folders_and_streams_are_heard(
    learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some").mkdir()
    for name, word in (("1", "ab"), ("2", "ba")):
        write_tones(tmp_path / "some" / f"{name}.wav", word, 8000, 7)
    (tmp_path / "some" / "3.wav").write_bytes(b"nothing")
    assert main(["predict", str(learned), str(tmp_path / "some"), "--json"]) == 0
    out, err = capsys.readouterr()
    answers = json.loads(out)["answers"]
    assert [one["answer"] for one in answers] == ["ab", "ba", ""] and "left out" in err
    with wave.open(str(tmp_path / "some" / "1.wav")) as file:
        raw = file.readframes(file.getnframes())
    for content in (raw, (tmp_path / "some" / "1.wav").read_bytes()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["predict", str(learned), "-", "--json"]) == 0
        assert said(capsys)["answers"][0]["answer"] == "ab"
    assert "There is no file or folder gone.wav" in mistake(capsys, "predict", learned, "gone.wav")
    assert "holds no sound that can be read" in mistake(capsys, "predict", learned, tmp_path / "some" / "3.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "it is a pipe" in mistake(capsys, "predict", learned, tmp_path / "pipe.wav")
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "pip install sounddevice" in mistake(capsys, "predict", learned, "microphone")


class Pressed(io.BytesIO):
    """A stream that is interrupted by Ctrl-C after what it holds."""

    def read1(self, size: int | None = -1) -> bytes:
        if found := super().read1(size):
            return found
        raise KeyboardInterrupt


MICROPHONE = """
import numpy as np

class PortAudioError(Exception):
    pass

class InputStream:
    def __init__(self, samplerate=None, blocksize=None, device=None, channels=None, dtype="float32"):
        if FAILS:
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        assert (samplerate, channels, dtype) == (8000, 1, "float32")
        self.sound, self.place = np.load(SOUND), 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def read(self, frames):
        if self.place >= len(self.sound):
            raise KeyboardInterrupt
        self.place += frames
        return self.sound[self.place - frames : self.place, None], self.place == frames
"""


def test_a_live_stream_is_heard_until_it_is_interrupted(
    learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sounddevice` is a small module with its interface (0.5): no microphone is needed."""
    write_tones(tmp_path / "1.wav", "ab", 8000, 7)
    with wave.open(str(tmp_path / "1.wav")) as file:
        raw = file.readframes(file.getnframes())
    endless = b"RIFF\xff\xff\xff\x7fWAVE" + (tmp_path / "1.wav").read_bytes()[12:40] + b"\xff\xff\xff\x7f" + raw
    for content in (raw, endless):  # as `arecord` pipes them: raw, or with a header that leaves the length open
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pressed(content)))
        assert main(["predict", str(learned), "-", "--json"]) == 0
        assert said(capsys)["answers"][0]["answer"] == "ab"
    np.save(tmp_path / "sound.npy", np.frombuffer(raw, dtype="<i2").astype(np.float32) / 32768)
    for fails in (False, True):
        text = MICROPHONE.replace("SOUND", repr(str(tmp_path / "sound.npy"))).replace("FAILS", str(fails))
        (tmp_path / "sounddevice.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
        if fails:
            sentence = mistake(capsys, "predict", learned, "microphone")
            assert "The microphone cannot be used: Invalid sample rate" in sentence
            continue
        assert main(["predict", str(learned), "microphone", "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["answers"][0]["answer"] == "ab"
        assert "press Ctrl-C" in err and "parts of the sound were lost" in err
    stopping.note(signal.SIGTERM)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pressed(raw)))
    with pytest.raises(KeyboardInterrupt):
        read_standard_input(8000)
    stopping.forget()


def test_bad_recordings_are_said_by_every_verb(
    learned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["file\ttext", "gone.wav\tab"]
    for name, text in (("good", "ab ba"), ("short", "ab " * 20), ("silent", " "), ("greek", "αβ")):
        write_tones(tmp_path / f"{name}.wav", "ab ba", 8000, 99)
        lines.append(f"{name}.wav\t{text}")
    samples, rate = soundfile.read(tmp_path / "good.wav", dtype="int16")
    soundfile.write(tmp_path / "stereo.wav", np.stack([0 * samples, samples], 1), rate)
    soundfile.write(tmp_path / "zero.wav", samples[:0], rate)
    lines += ["stereo.wav\tab ba", "zero.wav\tab"]
    (tmp_path / "transcripts.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["evaluate", str(learned), "--data", str(tmp_path), "--json"]) == 0
    out, err = capsys.readouterr()
    for sentence in (
        "1 recording is not there, and left out: gone.wav",
        "1 recording is without words, and left out: silent.wav",
        "zero.wav holds no sound: it is 0 seconds long",
        "1 of the recordings is too short for the text (short.wav), and nothing is learned from it",
        "1 transcript has characters that this model does not know: greek.wav",
    ):
        assert sentence in err
    assert json.loads(out)["metrics"]["wer"] == pytest.approx((0 + 20 + 2 + 0) / (2 + 20 + 1 + 2), abs=0.2)
    assert (
        main(["predict", str(learned), *(str(tmp_path / f"{name}.wav") for name in ("good", "stereo")), "--json"]) == 0
    )
    good, stereo = said(capsys)["answers"]
    assert good["answer"] == stereo["answer"] == "ab ba" and good["tokens"] == stereo["tokens"]
    assert "zero.wav holds no sound: it is 0 seconds long" in mistake(capsys, "predict", learned, tmp_path / "zero.wav")


def test_without_data_it_says_what_to_get(capsys: pytest.CaptureFixture[str]) -> None:
    assert "get some, such as LibriSpeech" in mistake(capsys, "train", "speech")


def test_texts_without_room_are_said_and_not_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = recordings(tmp_path)
    write_tones(tmp_path / "sounds" / "short.wav", "a", 8000, 1)
    with (tmp_path / "transcripts.tsv").open("a", encoding="utf-8") as file:
        file.write("sounds/short.wav\t" + "ab" * 60 + "\n")
    run = train("speech", data=data, epochs=1, test=0, validation=0, **SMALL)
    result = said(capsys)
    assert any("1 of the recordings is too short for the text (sounds/short.wav)" in one for one in result["warnings"])
    assert result["examples"]["train"] == 41
    counted = [json.loads(line)["examples"] for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(counted) == 40
    table = tmp_path / "transcripts.tsv"
    table.write_text("file\ttext\nsounds/short.wav\t" + "ab" * 60 + "\n", encoding="utf-8")
    assert "Every training recording" in mistake(capsys, "train", "speech", "--data", data, "--test", 0)


def test_the_language_model_is_counted_in_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, text = recordings(tmp_path), tmp_path / "lines.txt"
    text.write_text("Ab, ba!\nab ab\n", encoding="utf-8")
    options = {"data": data, "epochs": 1, **SMALL}
    train("speech", language_model=text, out="counted", **options)
    assert "counted in 2 lines of lines.txt" in " ".join(said(capsys)["remarks"])
    language = gw.load("counted").network.language
    assert len(language.keys) > 5
    text.write_text("...", encoding="utf-8")
    assert "holds no words" in mistake(capsys, "train", "speech", "--data", data, "--language-model", text)
    assert "There is no text file" in mistake(capsys, "train", "speech", "--data", data, "--language-model", "gone")


@pytest.mark.parametrize("subsampling", [1, 2, 4])
def test_a_sound_is_heard_alike_alone_and_beside_a_longer_one(subsampling: int) -> None:
    torch.manual_seed(0)
    network = SpeechNetwork(16, 5, 3, subsampling, "lstm", 6, 2, 0.0).eval()
    sounds = torch.nn.functional.pad(torch.randn(2, 23, 16), (0, 1), value=1.0)
    padded = sounds.clone()
    padded[0, 14:] = 0
    with torch.no_grad():
        both, alone = network(padded).softmax(1), network(sounds[:1, :14]).softmax(1)
    assert alone.shape[2] == -(-14 // subsampling)
    torch.testing.assert_close(both[:1, :, : alone.shape[2]], alone)
    assert (both[0, 4, alone.shape[2] :] == 1).all()


def test_masks_and_warping_depend_on_the_draw_alone() -> None:
    inputs, counts = torch.randn(3, 50, 20), torch.tensor([50, 30, 7])
    wanted = SoundAugmentation(2, 1, 0.2)

    def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        return augment(inputs, counts, wanted, torch.Generator().manual_seed(seed))

    assert all(map(torch.equal, drawn(1), drawn(1)))
    assert drawn(1)[0].shape != drawn(2)[0].shape
    masked, same = augment(inputs, counts, SoundAugmentation(1, 1), torch.Generator().manual_seed(5))
    assert torch.equal(same, counts) and ((masked == inputs) | (masked == 0)).all() and (masked == 0).any()
    longer, lengths = warp(inputs, counts, 1.2, 1.0)
    assert longer.shape == (3, 60, 20) and lengths.tolist() == [60, 36, 8]
    higher, _ = warp(torch.eye(20)[None, 5:6].expand(1, 8, 20), torch.tensor([8]), 1.0, 1.4)
    assert int(higher[0, 0].argmax()) == 7


def test_padding_is_no_fault_and_the_loss_has_its_name(learned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", str(learned)]) == 0
    assert "not scaled" not in capsys.readouterr().out
    assert main(["open", str(learned), str(learned.parent / "sounds" / "0.wav"), "--target", "ab", "--json"]) == 0
    assert said(capsys)["loss"] == "ctc"
