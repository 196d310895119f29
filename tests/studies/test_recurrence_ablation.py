"""Recurrent against independent predictions on words and frames, by the verb."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswork.cli import main
from glasswork.studies.intervals import share_difference
from made_data import mistake, said, write_clips, write_npz, write_sentences, write_text


def test_words_that_depend_on_others_need_recurrence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_sentences(tmp_path / "data.conll", 150)
    page = tmp_path / "page.html"
    words = ["why-recurrence", "--data", str(data), "--epochs", "6", "--threads", "1"]
    assert main([*words, "--out", str(page), "--json"]) == 0
    found = said(capsys)
    assert (found["preset"], found["rows"], found["times"]) == ("tagger", "sentences", "words")
    recurrent, alone = found["ways"]
    assert (recurrent["cell"], alone["cell"]) == ("lstm", "none")
    assert recurrent["accuracy"] > alone["accuracy"]
    mean, low, high = found["difference"]
    assert mean == pytest.approx(recurrent["accuracy"] - alone["accuracy"])
    assert 0 < low < mean < high
    assert recurrent["labels"][0]["label"] == "all"
    drawn = page.read_text(encoding="utf-8")
    assert "What gains most" in drawn and "every one on its own" in drawn
    assert main([*words, "--cell", "gru"]) == 0
    printed = capsys.readouterr().out
    assert "with GRU" in printed and "95 % interval" in printed


def test_frames_of_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_clips(tmp_path / "clips")
    assert main(["why-recurrence", "--data", str(data), "--target", "direction", "--epochs", "1", "--json"]) == 0
    found = said(capsys)
    assert (found["preset"], found["times"], found["counts"]) == ("video", "frames", [3, 18])
    assert [way["cell"] for way in found["ways"]] == ["gru", "none"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_the_interval_is_that_of_the_mean_where_rows_are_equally_long(pairs: list[tuple[int, int]]) -> None:
    differences = [one - other for one, other in pairs]
    mean, low, high = share_difference(differences, [5] * len(pairs))
    assert mean == pytest.approx(sum(differences) / (5 * len(pairs)))
    scatter = sum((one / 5 - mean) ** 2 for one in differences) / (len(pairs) - 1)
    assert high - low == pytest.approx(2 * 1.959964 * math.sqrt(scatter / len(pairs)), abs=1e-9)


def test_mistakes_are_told_before_anything_is_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_sentences(tmp_path / "data.conll")
    images = write_npz(tmp_path / "images.npz", "class")
    cases = [
        (["--data", str(data), "--distance", "30"], "--distance goes without --data"),
        (["--cell", "gru"], "--cell goes with --data"),
        (["--data", str(data), "--cell", "none"], "choose another cell"),
        (["--data", str(data), "--cell", "ltsm"], "cell = 'ltsm' does not fit"),
        (["--data", str(data), "--target", "x"], "sentences have their own"),
        (["--data", str(images)], "has neither"),
    ]
    for words, sentence in cases:
        assert sentence in mistake(capsys, "why-recurrence", *words)


def test_a_text_is_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "label" in mistake(capsys, "why-recurrence", "--data", write_text(tmp_path / "plain.txt"))
