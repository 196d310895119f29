"""The character model: what it minimises, what it is measured by, and that it learns."""

import json
import math
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from closeness import assert_same_numbers
from glasswork.data.batches import Batch
from glasswork.data.bptt import Stretches
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.splits import split
from glasswork.data.vocabulary import CharacterCounts
from glasswork.execution import Execution, seed_everything
from glasswork.run.request import make_request
from glasswork.systems.characters import report as characters_measured
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.systems.characters.report import following, measure_text, single_characters
from glasswork.systems.characters.system import Characters
from glasswork.training.stage import START
from made_data import said, train, write_text


def hello() -> Dataset:
    """1,240 characters in 40 rows."""
    counts, words = CharacterCounts(), "hello, hello. how low? hollow! " * 40
    counts.add(words)
    vocabulary, _ = counts.vocabulary(256)
    tokens = torch.from_numpy(vocabulary.encode(words)).to(torch.uint8)
    offsets = torch.arange(0, len(tokens) + 1, len(tokens) // 40)
    task = Task(Text(vocabulary), NextToken(vocabulary.tokens))
    return Dataset({"inputs": tokens}, task, "hello", offsets={"inputs": offsets}, ordered=True)


def made(**options: object) -> tuple[Characters, Dataset, CharacterNetwork]:
    """A system, a text of 1,240 characters, and a fresh network."""
    recipe = make_request("char-rnn", {"hidden_size": 12, "bptt_length": 10, "batch_size": 4, **options}).recipe
    draft = Characters(recipe)  # type: ignore[arg-type]
    dataset = hello()
    system = Characters(draft.resolve(dataset, split(dataset, 0.1, 0.1, 0)))
    seed_everything(0)
    network = system.network(dataset.task)
    assert isinstance(network, CharacterNetwork)
    return system, dataset, network


def nats(network: CharacterNetwork, dataset: Dataset, rows: torch.Tensor) -> torch.Tensor:
    """-log p of every character but the first, in one reading from the beginning to the end."""
    text = Stretches(dataset, rows)
    tokens = text.at(torch.arange(len(text)))[None]
    with torch.no_grad():
        scores, _ = network.eval().advance(tokens[:, :-1])
    return functional.cross_entropy(scores[0], tokens[0, 1:], reduction="none")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_measured_as_in_one_reading(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, dataset, network = made(cell=cell)
    rows = torch.arange(len(dataset))
    expected = float(nats(network, dataset, rows).mean())
    one = measure_text(network, dataset, rows, Execution())
    assert one["loss"] == pytest.approx(expected, rel=1e-5)
    assert one["bits_per_character"] == pytest.approx(expected / math.log(2), rel=1e-5)
    assert one["perplexity"] == pytest.approx(math.exp(expected), rel=1e-4)
    monkeypatch.setattr(characters_measured, "LEAST", 100)  # in twelve lanes, which each begin 200 characters early
    several = measure_text(network, dataset, rows, Execution())
    assert several["loss"] == pytest.approx(expected, rel=1e-4)
    assert several["accuracy"] == pytest.approx(one["accuracy"], abs=0.002)


def test_a_chunk_goes_on_where_the_one_before_ended() -> None:
    system, dataset, network = made()
    network.eval()
    text = Stretches(dataset, torch.arange(len(dataset)))
    tokens = text.at(torch.arange(41))[None]
    loss = partial(system.loss, moment=START, objective=system.objective(dataset.task))
    whole, _ = loss(network, Batch(tokens[:, :-1], tokens[:, 1:]), {})
    first, state = loss(network, Batch(tokens[:, :20], tokens[:, 1:21]), {})
    second, _ = loss(network, Batch(tokens[:, 20:40], tokens[:, 21:41], begins=False), state)
    anew, _ = loss(network, Batch(tokens[:, 20:40], tokens[:, 21:41]), state)
    assert (first + second).item() / 2 == pytest.approx(whole.item(), rel=1e-5)
    assert anew.item() != pytest.approx(second.item(), rel=1e-5)
    assert not any(part.requires_grad for part in state.values())


def test_the_next_character_follows_from_the_whole_row() -> None:
    _, dataset, network = made()
    tokens = Stretches(dataset, torch.tensor([3])).at(torch.arange(31))[None]
    with torch.no_grad():
        expected = network.eval()(tokens)[0, :, -1].softmax(0)
    assert_same_numbers(following(network, dataset, 3, Execution()), expected)


def test_the_baseline_is_the_entropy_of_single_characters() -> None:
    _, dataset, _ = made()
    rows = torch.arange(len(dataset))
    counts = Counter(dataset.columns["inputs"].tolist())
    entropy = -sum(count / 1240 * math.log2(count / 1240) for count in counts.values())
    assert single_characters(dataset, rows, rows) == pytest.approx(entropy, abs=0.02)


def test_what_is_left_open_is_derived() -> None:
    system, _, network = made()
    recipe = system.recipe
    assert (recipe.embedding, recipe.learning_rate, recipe.epochs) == (0, 0.004, 10)
    assert network.recurrent.kernel.input_size == len(hello().task.target.names)
    assert made(cell="relu-rnn")[0].recipe.learning_rate == 0.0005
    assert made(embedding=5)[2].recurrent.kernel.input_size == 5


def test_it_learns_more_than_how_often_characters_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_text(tmp_path / "a.txt", 8000)
    run = train(
        "char-rnn", data=data, epochs=6, batch_size=16, hidden_size=48, layers=1, bptt_length=25, learning_rate=0.02
    )
    bits = said(capsys)["test"]["bits_per_character"]
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert (
        bits < 1.3 < 2.5 < report["headline"]["baseline_value"]
    )  # a word of six and an end of two: at least 0.7 for a character
    assert report["headline"]["value"] == bits
    [stages] = [section for section in report["sections"] if section["title"] == "Text at stages of training"]
    assert len(stages["blocks"]) >= 4
    assert all(block["look"] == "quotation" for block in stages["blocks"])
