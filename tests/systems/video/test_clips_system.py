"""Frame labelling carried out."""

import re
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from made_data import said, train, write_clips

SMALL = {"hidden_size": 4, "embedding": 5, "bptt_length": 4, "size": 16, "test": 0.2}


@pytest.mark.parametrize("cell", ["gru", "none"])
def test_clips_are_learnt_and_asked_about(cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_clips(tmp_path / "clips")
    run = train("video", data=data, cell=cell, epochs=2, batch_size=8, **SMALL)
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, "video", 3)
    assert result["most_frequent_label_accuracy"] * 3 == pytest.approx(
        round(result["most_frequent_label_accuracy"] * 3)
    )
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert set(said(capsys)["metrics"]) == set(result["test"])
    clips = [data / "clip0", data / "clip1"]
    assert main(["predict", str(run), *map(str, clips), "--json"]) == 0
    answers = said(capsys)["answers"]
    assert [len(answer["answer"]) for answer in answers] == [6, 6]
    assert {label for answer in answers for label in answer["answer"]} <= {"left", "right"}
    assert main(["predict", str(run), str(clips[0]), "--csv", "answers.csv"]) == 0
    assert len(Path("answers.csv").read_text(encoding="utf-8").splitlines()) == 7
    assert main(["predict", str(run), str(clips[0])]) == 0
    assert re.search(r"\b0(-\d)? (left|right)", capsys.readouterr().out)
    assert main(["open", str(run), str(clips[0]), "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert not trace.differing
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
