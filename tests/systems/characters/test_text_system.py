"""The character model carried out: a text, and going on."""

import math
from pathlib import Path

import pytest

import glasswork as gw
from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from made_data import broken_off, require_same, resume, said, train, write_text
from required import require_answer

SMALL = {"hidden_size": 8, "bptt_length": 20, "dropout": 0.1, "test": 0.1, "validation": 0.1}


def test_a_text_is_learnt_and_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_text(tmp_path / "data.txt")
    run = train("char-rnn", data=data, epochs=2, batch_size=8, **SMALL)
    result = said(capsys)
    assert (result["epochs"], result["preset"]) == (2, "char-rnn")
    assert sum(result["examples"].values()) == 3000
    other = write_text(tmp_path / "other.txt", 900)  # of the run's own data only the test part counts
    for extra in ([], ["--data", str(other)]):
        assert main(["evaluate", str(run), *extra, "--json"]) == 0
        metrics = said(capsys)["metrics"]
        assert metrics["bits_per_character"] == pytest.approx(metrics["loss"] / math.log(2))
        if not extra:
            assert metrics == pytest.approx(result["test"])
    assert main(["predict", str(run), str(other), "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    require_answer(answer, "class", gw.load(run).classes)
    assert answer["bits_per_character"] == pytest.approx(metrics["bits_per_character"], rel=1e-3)
    assert main(["open", str(run), str(data), "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert trace.descent is not None and not trace.differing
    assert all(operation.known for operation in trace.operations if operation.carries_weights)


@pytest.mark.parametrize("cell", ["rnn", "relu-rnn", "gru", "lstm"])
@pytest.mark.parametrize("after", [1, 7, 8, 9, 23, 24])
def test_a_text_is_gone_on_with_from_wherever_it_was_stopped(cell: str, after: int, tmp_path: Path) -> None:
    data = write_text(tmp_path / "data.txt")
    options = {"data": str(data), "cell": cell, "epochs": 3, "batch_size": 14, **SMALL}
    whole = train("char-rnn", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 24
    require_same(whole, resume(broken_off("char-rnn", after, **options)))
