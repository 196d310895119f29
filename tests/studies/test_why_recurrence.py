"""Brackets to be closed: the comparison and the vanishing gradient, by their verbs, their figures and their pages."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from glasswork.cli import main
from glasswork.data.brackets import CLOSING
from glasswork.execution import Execution
from glasswork.studies.vanishing_gradient import VanishingGradient
from glasswork.studies.why_recurrence import HUES, accuracies, bracket_reader, prepare, train_reader, training_texts


def carried_out(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_lstm_learns_to_close_near_brackets() -> None:
    network = bracket_reader("lstm", 24, seed=0)
    before = dict(accuracies(network, 6, seed=0))
    state = torch.random.get_rng_state()
    for _ in train_reader(network, training_texts(6, seed=0), 250, 0, Execution()):
        pass
    assert torch.equal(state, torch.random.get_rng_state())
    after = dict(accuracies(network, 6, seed=0))
    assert before[2] < 0.4 and after[2] > 0.9 and after[6] > 0.6


def test_the_same_seed_is_the_same_network_and_another_is_not() -> None:
    found = []
    for seed in (4, 4, 5):
        network = bracket_reader("gru", 5, seed)
        for _ in train_reader(network, training_texts(5, seed), 3, seed, Execution()):
            pass
        found.append(network.output.weight.detach().clone())
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_the_comparison_and_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "why.html"
    small = ("--distance", "8", "--hidden-size", "4", "--steps", "3", "--repeats", "2", "--seed", "7")
    found = carried_out(capsys, "why-recurrence", *small, "--out", str(page))
    assert [(one["cell"], one["seed"]) for one in found["networks"]] == [
        ("rnn", 7),
        ("lstm", 7),
        ("rnn", 8),
        ("lstm", 8),
    ]
    for one in found["networks"]:
        assert [distance for distance, _ in one["accuracy"]] == [1, 2, 3, 4, 5, 6, 8, 10, 12, 16]
        assert all(0 <= share <= 1 for _, share in one["accuracy"])
    assert found["networks"][0]["parameters"] == 4 * 16 + 4 * 4 + 8 + 4 * 4 + 4
    first, second = (dict(one["accuracy"]) for one in found["networks"][1::2])
    lstm = found["curves"][1]
    assert lstm["cell"] == "lstm"
    for distance, mean, lowest, highest in lstm["accuracy"]:
        assert [lowest, highest] == sorted([first[distance], second[distance]])
        assert mean == pytest.approx((lowest + highest) / 2)
    text, answer = found["example"]
    assert len(text) == 40 and answer in CLOSING
    drawn = page.read_text(encoding="utf-8")
    assert (
        drawn.count("<svg") == 1 and f'class="line {HUES["rnn"]}"' in drawn and f'class="line {HUES["lstm"]}"' in drawn
    )
    assert main(["why-recurrence", *small, "--out", str(page)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["why-recurrence", "--cells", "gru", *small]) == 0
    assert "16, beyond training" in capsys.readouterr().out


def test_the_vanishing_gradient_and_its_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "vanishing.html"
    small = ("--length", "12", "--hidden-size", "6", "--steps", "2")
    found = carried_out(capsys, "vanishing-gradient", *small, "--out", str(page))
    record = VanishingGradient.from_json(found)
    assert record.to_json() == found
    order = [(one.gradient.cell, one.trained) for one in record.curves]
    assert order == [(cell, after) for cell in ("rnn", "relu-rnn", "gru", "lstm") for after in (False, True)]
    for one in record.curves:
        assert len(one.gradient.hidden) == 12
        assert (one.gradient.memory is None) == (one.gradient.cell != "lstm")
        assert one.arriving == tuple(map(max, one.gradient.hidden, one.gradient.memory or one.gradient.hidden))
    gru = record.curves[4].gradient.hidden
    assert gru[11] < gru[1] / 20
    drawn = page.read_text(encoding="utf-8")
    assert drawn.count("<svg") == 4
    for cell in ("rnn", "relu-rnn", "gru", "lstm"):
        assert f'class="line {HUES[cell]}"' in drawn
    untrained = carried_out(capsys, "vanishing-gradient", "--cells", "rnn", "lstm", *small[:4], "--steps", "0")
    assert [one["trained"] for one in untrained["curves"]] == [False, False]
    assert main(["vanishing-gradient", "--cells", "gru", *small[:4], "--steps", "0"]) == 0
    assert "k = 11" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["why-recurrence", "--cells", "ltsm"], "no recurrent cell named 'ltsm': choose from rnn, relu-rnn, gru, lstm"),
        (["why-recurrence", "--distance", "2"], "--distance 2 has to be at least 5"),
        (["why-recurrence", "--out", "why.pdf"], "--out writes .html or .json, and why.pdf ends in neither"),
        (["vanishing-gradient", "--length", "1"], "--length 1 has to be at least 2"),
        (["vanishing-gradient", "--steps", "-1"], "--steps -1 has to be at least 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert sentence in capsys.readouterr().err


def test_a_comparison_is_asked_for_each_cell_once() -> None:
    assert prepare(["gru", "gru"], farthest=5, hidden_size=2, updates=1, repeats=1).cells == ("gru",)
