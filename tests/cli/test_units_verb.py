"""What the units of a character model track, by the verb."""

from pathlib import Path

import pytest

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.cli import main
from glasswork.systems.characters.model import track
from made_data import mistake, said, train, write_table, write_text

SMALL = {"epochs": 1, "batch_size": 8, "hidden_size": 6, "bptt_length": 20}


def write_source(path: Path) -> Path:
    """Lines with brackets, quotes and indentation, of the characters that `write_text` has."""
    lines = ["how hello", "  who low hollow", "hello how who", "    low"]
    path.write_text("\n".join(lines * 40) + "\n", encoding="utf-8")
    return path


def test_units_are_searched_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("char-rnn", data=write_text(tmp_path / "a.txt"), **SMALL)
    capsys.readouterr()
    source, page = write_source(tmp_path / "source.txt"), tmp_path / "units.html"
    words = ["units", str(run), str(source), "--characters", "600"]
    assert main([*words, "--out", str(page), "--json"]) == 0
    found = said(capsys)
    names = [one["signal"] for one in found["following"]]
    assert names == ["position in line", "indentation"]  # no bracket, quote or comment changes anything
    assert found["following"][0]["searched"] == 2 * 6 * 2
    assert {one["gate"] for one in found["gates"]} == {"input gate", "forget gate", "output gate"}
    best = found["following"][0]["units"][0]
    shown = found["units"][0]
    assert (shown["layer"], shown["unit"], shown["part"]) == (best["layer"], best["unit"], best["part"])
    assert len(shown["values"]) == len(shown["text"]) == 600
    drawn = page.read_text(encoding="utf-8")
    assert "What units follow" in drawn and "Next characters" in drawn and "Gates" in drawn
    assert main([*words, "--unit", "1.3c", "--json"]) == 0
    (unit,) = said(capsys)["units"]
    assert (unit["layer"], unit["unit"], unit["part"]) == (1, 3, "c")
    assert main([*words, "--unit", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert "Layer 0, unit 5" in printed and "position in line" in printed and "forget gate" in printed


def test_a_reading_is_the_network_s_own(tmp_path: Path) -> None:
    run = train("char-rnn", data=write_text(tmp_path / "a.txt"), **SMALL)
    model = gw.load(run)
    tracked = track(model, write_source(tmp_path / "source.txt"), 100)
    inputs = next(iter(model.system.inputs([tmp_path / "source.txt"], model.task))).dataset.columns["inputs"]
    scores = model.network(inputs[None, :100].long())[0].T
    assert_same_numbers(tracked.reading.scores, scores)


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("char-rnn", data=write_text(tmp_path / "a.txt"), **SMALL)
    source = write_source(tmp_path / "source.txt")
    (tmp_path / "short.txt").write_text("hello", encoding="utf-8")
    other = train("mlp", out="other", data=write_table(tmp_path / "b.csv", "class"), epochs=1)
    cases = [
        ([str(run), str(source), "--unit", "9"], "A unit is written as 1.17"),
        ([str(run), str(source), "--unit", "0.9"], "Layer 0 has units 0 to 5"),
        ([str(run), str(source), "--characters", "3"], "has to be at least 20"),
        ([str(run), str(tmp_path / "short.txt")], "has 5 characters"),
        ([str(run), str(tmp_path / "none.txt")], "There is no file or folder"),
        ([str(other), str(source)], "is not a character model"),
    ]
    capsys.readouterr()
    for words, sentence in cases:
        assert sentence in mistake(capsys, "units", *words)
