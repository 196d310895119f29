"""Text classification carried out: every kind of target, counted words, and going on."""

from pathlib import Path

import pytest

import glasswork as gw
from glasswork.cli import main
from made_data import broken_off, require_same, resume, said, train, write_texts
from required import require_answer, require_open

SMALL = {"hidden_size": 4, "embedding": 5, "layers": 2}


@pytest.mark.parametrize("target", ["class", "classes", "number"])
def test_texts_are_learnt_and_asked_about(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_texts(tmp_path / "data.csv", target)
    run = train("sentiment", data=data, epochs=2, batch_size=8, **SMALL)
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, "sentiment", 12)
    assert 0 <= result["padding_waste"] < 0.1
    assert {"class": "accuracy", "classes": "f1", "number": "r2"}[target] in result["test"]
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert set(said(capsys)["metrics"]) == set(result["test"])
    assert main(["predict", str(run), str(data), "some words nobody knows", "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) == 61
    for answer in answers:
        figures = {answer.pop(key) for key in ("unknown_pieces",) if key in answer}
        assert figures == ({4} if answer["input"] == "the text" else set())
        require_answer(answer, target, gw.load(run).classes)
    require_open(run, data, "1.5" if target == "number" else gw.load(run).classes[0], capsys)


def test_counted_words_judge_beside_what_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_texts(tmp_path / "data.csv", "class")
    options = {"data": data, "epochs": 2, "batch_size": 8, **SMALL}
    run = train("sentiment", out="both", **options)
    result = said(capsys)
    assert result["counted_accuracy"] == 1 and 0 <= result["learnt_share"] <= 1
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "Learnt and counted" in report and "was lovely" in report
    train("sentiment", "--no-counted", out="alone", **options)
    alone = said(capsys)
    assert "counted_accuracy" not in alone
    assert result["validation"]["loss"] < alone["validation"]["loss"]


def test_a_sentence_without_spaces_is_many_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    things, answers = ("手机", "iPhone", "ภาพยนตร์"), (("好", "很棒"), ("坏", "讨厌"))
    rows = [f"{things[row % 3]}{answers[row % 2][1]}{row}。,{answers[row % 2][0]}" for row in range(60)]
    data = tmp_path / "data.csv"
    data.write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    run = train("sentiment", data=data, epochs=1, **SMALL)
    assert "is cut into characters" in (run / "report.json").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", str(run), "手机很棒", "手机讨厌", "--json"]) == 0
    found = said(capsys)["answers"]
    assert [answer["answer"] for answer in found] == ["好", "坏"]
    assert not any("unknown_pieces" in answer for answer in found)
    assert [piece for piece, _ in found[0]["moved"]] == list("手机很棒")
    assert main(["predict", str(run), "手机.txt"]) == 2


@pytest.mark.parametrize("after", [1, 4, 5, 6, 17, 18])
def test_texts_are_gone_on_with_from_wherever_it_was_stopped(after: int, tmp_path: Path) -> None:
    data = write_texts(tmp_path / "data.csv", "class")
    options = {"data": str(data), "epochs": 3, "batch_size": 8, **SMALL}
    whole = train("sentiment", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 18
    require_same(whole, resume(broken_off("sentiment", after, **options)))
