"""Translating through the command line: lines that cannot be answered are named, and what shows why is there."""

import json
from pathlib import Path

import pytest

from glasswork.cli import main
from made_data import mistake, said, train

SHAPE = {"pieces": "word", "min_count": 1, "hidden_size": 6, "embedding": 6, "epochs": 1, "batch_size": 8}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    things, numbers = {"dog": "perro", "cat": "gato", "boat": "barco"}, {"one": "un", "some": "algún", "no": "ningún"}
    colours = {"old": "viejo", "red": "rojo", "small": "pequeño"}
    lines = [
        f"{n} {c} {t}\t{m} {s} {d}" for n, m in numbers.items() for t, s in things.items() for c, d in colours.items()
    ]
    data = tmp_path / "pairs.tsv"
    data.write_text("\n".join(["en\tes", *lines]) + "\n", encoding="utf-8")
    return train("translate", data=data, **SHAPE)


def test_every_line_has_its_answer_or_its_reason(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    Path("new.txt").write_text(f"one red dog\n\n{'one ' * 5000}\nодин\nno cat\n", encoding="utf-8")
    assert main(["predict", str(run), "new.txt", "--json"]) == 0
    answers = said(capsys)["answers"]
    assert [answer.get("problem", "").partition(":")[0] for answer in answers] == [
        "",
        "new.txt line 2 is empty",
        "new.txt line 3 has 5,000 pieces, and the model was trained on texts of at most 120",
        "new.txt line 4 has no character that came in training",
        "",
    ]
    first = answers[0]
    assert len(first["alternatives"]) == 4 and first["alternatives"][0]["text"] == first["answer"]
    assert first["tokens"][-1]["token"] == "END" and len(first["tokens"][0]["others"]) == 3
    assert [word for word, _ in first["moved"]] == ["one ", "red ", "dog"]


def test_an_answer_is_shown_with_what_led_to_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", str(run), "one small boat", "--out", "page.html", "--csv", "answers.csv"]) == 0
    assert main(["predict", str(run), "one small boat"]) == 0
    printed = capsys.readouterr().out
    assert "Bits by which the answer is less probable" in printed and "START" in printed and "END" in printed
    page = Path("page.html").read_text(encoding="utf-8")
    assert "What each token of the answer looked at" in page and 'title="small"' in page
    header, line = Path("answers.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",")[:3] == ["input", "answer", "probability"] and "answer 2" in header
    assert line.startswith("the text,")


@pytest.mark.parametrize(("asked", "sentence"), [("gone.txt", "There is no file gone.txt"), (".", "is a folder")])
def test_what_is_no_text_is_said(asked: str, sentence: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["predict", str(run), asked]) == 2
    assert sentence in capsys.readouterr().err


def test_bad_pairs_are_said_by_evaluate_too(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["en\tes", "one red dog\tun perro rojo", "one dog\t", "", f"{'dog ' * 5000}\tperro", "один\tun"]
    Path("other.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["evaluate", str(run), "--data", "other.tsv", "--json"]) == 0
    err = capsys.readouterr().err
    for sentence in (
        "1 pair has an empty side and was left out: other.tsv line 3",
        "1 pair is longer than 120 pieces, and nothing is learned from such: other.tsv line 5",
        "1 text has no character that came in training, such as other.tsv line 6",
    ):
        assert sentence in err
    assert "this model does not know its script" in mistake(capsys, "predict", run, "один дом")
    assert "An input is empty: name a text" in mistake(capsys, "predict", run, "")
    train("--from", run, data="other.tsv", epochs=1, test=0.34, out="further")
    Path("all.en").write_text("one\n\nno dog\n", encoding="utf-8")
    Path("all.es").write_text("un\n\n", encoding="utf-8")
    assert "all.en has 3 lines and all.es has 2" in mistake(capsys, "evaluate", run, "--data", "all.en")


def test_figures_stand_beside_those_of_less(run: Path) -> None:
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert {"loss", "chrf", "exact_match", "word_error_rate"} == set(result["test"])  # BLEU counts runs of four words
    assert {"dictionary_exact_match", "greedy_exact_match"} <= set(result)
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "Compared with less" in report and "Answers to read" in report
    assert report.count("decoder.output (Linear)") == 1  # the decoder goes on from its own tokens, again and again
