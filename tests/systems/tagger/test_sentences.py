"""Sequence labelling carried out: sentences, columns, and going on."""

from pathlib import Path

import pytest

import glasswork as gw
from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from made_data import broken_off, mistake, require_same, resume, said, train, write_sentences

SMALL = {"hidden_size": 4, "embedding": 3, "layers": 2, "test": 0.2}


@pytest.mark.parametrize("cell", ["lstm", "none"])
def test_sentences_are_learnt_and_asked_about(cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_sentences(tmp_path / "data.conll")
    run = train("tagger", data=data, cell=cell, epochs=2, batch_size=8, **SMALL)
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, "tagger", 12)
    assert result["test"]["f1"] == pytest.approx(result["test"]["accuracy"])
    assert 0.5 < result["most_frequent_label_accuracy"] < 1
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert set(said(capsys)["metrics"]) == set(result["test"])
    assert main(["predict", str(run), str(data), "nobody knows these", "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) == 61 and answers[-1]["words"] == ["nobody", "knows", "these"]
    assert all(len(answer["answer"]) == len(answer["words"]) for answer in answers)
    assert {label for answer in answers for label in answer["answer"]} <= set(gw.load(run).classes)
    assert main(["open", str(run), "the tea", "--json"]) == 0
    assert not Trace.from_json(said(capsys)).differing
    assert "word by word" in mistake(capsys, "open", run, "the tea", "--target", "DT")


@pytest.mark.parametrize("after", [1, 4, 5, 6, 17, 18])
def test_sentences_are_gone_on_with_from_wherever_it_was_stopped(after: int, tmp_path: Path) -> None:
    data = write_sentences(tmp_path / "data.conll")
    options = {"data": str(data), "epochs": 3, "batch_size": 8, **SMALL}
    whole = train("tagger", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 18
    require_same(whole, resume(broken_off("tagger", after, **options)))
