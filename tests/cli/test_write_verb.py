"""A character model by the command line: it writes, and mistakes are one sentence."""

from pathlib import Path

import pytest

import glasswork as gw
from glasswork.cli import main
from made_data import mistake, said, train, write_table, write_text

LENGTH = 40


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    made = train(
        "char-rnn", data=write_text(tmp_path / "a.txt"), epochs=2, batch_size=8, hidden_size=16, bptt_length=20
    )
    capsys.readouterr()
    return made


def test_it_writes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["write", str(run), "--prompt", "hello", "--length", str(LENGTH), "--temperature", "0.7", "--seed", "3"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("hello") and len(printed) == 5 + LENGTH + 1
    assert main([*words, "--json"]) == 0
    found = said(capsys)
    assert found == {"run": "run", "prompt": "hello", "seed": 3, "texts": [printed[5:-1]]}
    model = gw.load(run)
    written = model.write("hello", LENGTH, 0.7, seed=3)
    assert next(written) == printed[5]
    assert "".join(written) == printed[6:-1]
    assert set(printed) <= {*model.classes, "\n"} - {model.classes[0]}
    assert "".join(model.write("hello", LENGTH, 0.7, seed=4)) != printed[5:-1]


@pytest.mark.parametrize("choice", [["--top-k", "3"], ["--top-p", "0.9"], ["--beam", "4"], ["--temperature", "0"]])
def test_every_way_to_choose(choice: list[str], run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", str(run), "--length", str(LENGTH), *choice, "--json"]) == 0
    (written,) = said(capsys)["texts"]
    assert len(written) == LENGTH
    if choice[0] in {"--beam", "--temperature"}:  # nothing is drawn
        assert main(["write", str(run), "--length", str(LENGTH), *choice, "--seed", "9", "--json"]) == 0
        assert said(capsys)["texts"] == [written]


def test_several_samples(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", str(run), "--length", str(LENGTH), "--samples", "5", "--json"]) == 0
    texts = said(capsys)["texts"]
    assert len(set(texts)) == 5 and {len(written) for written in texts} == {LENGTH}
    assert main(["write", str(run), "--length", str(LENGTH), "--samples", "2"]) == 0
    assert "--- 2 ---" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--prompt", "h\u00f1 h\u00f1Z"], "The prompt has characters that the model was not trained on: '\u00f1Z'"),
        (["--length", "0"], "length = 0 does not fit: it has to be at least 1"),
        (["--temperature", "-1"], "temperature = -1 does not fit: it has to be at least 0"),
        (["--top-p", "0"], "top_p = 0 does not fit: it has to be above 0 and at most 1"),
        (["--top-k", "0"], "top_k = 0 does not fit: it has to be at least 1"),
        (
            ["--beam", "2", "--top-k", "3"],
            "Beam search takes the most probable text: leave out temperature, top_k and top_p",
        ),
        (
            ["--beam", "2", "--samples", "3"],
            "Beam search finds only one text, the most probable: leave out --beam or --samples",
        ),
        (["--samples", "0"], "--samples has to be at least 1, not 0"),
        (["--seed", "-1"], "--seed has to be a whole number from 0 on, not -1"),
    ],
)
def test_mistakes(words: list[str], sentence: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mistake(capsys, "write", run, *words) == sentence


def test_a_model_that_does_not_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("mlp", data=write_table(tmp_path / "data.csv", "class"), epochs=1)
    said_so = "This model does not write text: train one with glasswork train char-rnn"
    assert mistake(capsys, "write", run) == said_so


def test_text_that_cannot_be_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_text(tmp_path / "short.txt", 60)
    said_so = mistake(capsys, "train", "char-rnn", "--data", tmp_path / "short.txt", "--out", "short")
    assert "has 54 characters to train on, fewer than one sequence of 100" in said_so
    (tmp_path / "empty.txt").write_text("")
    assert mistake(capsys, "train", "char-rnn", "--data", tmp_path / "empty.txt").endswith("the files are empty")
    (tmp_path / "broken.txt").write_bytes("caf\u00e9 ".encode() * 500 + b"caf\xe9 ")
    assert "is not text in UTF-8: byte 3,004" in mistake(capsys, "train", "char-rnn", "--data", tmp_path / "broken.txt")
    asked = ("train", "char-rnn", "--data", write_text(tmp_path / "a.txt"), "--prompt", "\u00f1")
    assert "The prompt has characters that are not in" in mistake(capsys, *asked)
    assert "holds text" in mistake(capsys, "train", "lenet", "--data", tmp_path / "a.txt")
    assert not Path("short").exists()


def test_text_without_a_preset_is_read_by_the_character_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data=write_text(tmp_path / "a.txt"), epochs=1)
    assert said(capsys)["preset"] == "char-rnn"


def test_asked_about_a_text(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("h")
    (tmp_path / "strange.txt").write_text("hello \u4e2d\u6587 how")
    assert main(["predict", str(run), str(tmp_path / "one.txt"), str(tmp_path / "strange.txt")]) == 0
    printed = capsys.readouterr().out
    assert "one.txt" in printed and "strange.txt" in printed
    assert main(["predict", str(run), str(tmp_path / "one.txt"), "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    assert "bits_per_character" not in answer and len(answer["probabilities"]) == len(gw.load(run).classes)
    assert (
        mistake(capsys, "predict", run, tmp_path / "nothing.txt")
        == f"There is no file or folder {tmp_path}/nothing.txt"
    )
    said_so = mistake(capsys, "open", run, tmp_path / "one.txt")
    assert said_so == f"{tmp_path}/one.txt has a single character: there is no next one to predict"
    asked = ("open", run, tmp_path / "strange.txt", "--target", "x")
    assert mistake(capsys, *asked) == "The target of this model is the text itself: leave out the target"


def test_samples_at_stages_of_training_stand_in_the_run(run: Path) -> None:
    samples = (run / "samples.txt").read_text(encoding="utf-8")
    assert samples.startswith("=== step 1, epoch 1: ")
    assert 3 <= samples.count("=== step ") <= 8
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Text at stages of training" in page and "bits per character" in page
