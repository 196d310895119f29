"""Transfer: features computed once, only what shall learn learns, stages that are stopped anywhere and go on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import glasswork as gw
from glasswork.catalogue import order
from glasswork.data.splits import split
from glasswork.device import Numerics, seed_everything
from glasswork.networks.transferred import Transferred
from glasswork.networks.weights import load_weights
from glasswork.recipes.transfer import TransferRecipe
from glasswork.run.finish import finish
from glasswork.run.training import prepare
from glasswork.systems.transfer import Transfer
from glasswork.training.clocks import Clock
from glasswork.training.fit import fit
from made_data import PLAIN, broken_off, mistake, pictures, require_same, resume, said, train, write_folder, write_npz

HEAD_STEPS = 40 * 6  # epochs of the head, of 43 pictures in batches of 8
LAST = "backbone.stages.2."


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small network that the others begin with."""
    folder = tmp_path_factory.mktemp("former")
    data = write_npz(folder / "former.npz", "class", 90)
    gw.train("convnet-small", data=data, epochs=3, out=str(folder / "run"), **PLAIN)  # type: ignore[arg-type]
    return folder / "run"


@pytest.fixture
def asked(former: Path, tmp_path: Path) -> dict[str, Any]:
    path = write_npz(tmp_path / "data.npz", "class")
    return {"data": str(path), "network": "convnet-small", "weights": str(former), "batch_size": 8, "seed": 3}


def made(asked: dict[str, Any], **options: Any) -> tuple[Transfer, Any, Any]:
    """The system with everything derived, examples and splits."""
    draft = Transfer(TransferRecipe.parse({**asked, **options}))
    examples = draft.read(asked["data"])
    splits = split(examples, 0.1, 0.2, 0)
    examples = examples.with_schema(draft.scaled(examples, splits.training))
    return Transfer(draft.resolve(examples, splits)), examples, splits


def test_training_over_features_is_training_over_images(asked: dict[str, Any]) -> None:
    system, examples, splits = made(asked, hidden=(8,), epochs=2, learning_rate=0.003)
    losses = []
    for over_features in (True, False):
        seed_everything(0)
        network = system.pretrained(examples.schema)
        [stage] = system.stages(network, examples, splits, Clock(total=12), Numerics())
        stage = system.over_features(stage) if over_features else stage
        losses.append([(float(step.loss), step.judgement and step.judgement.error) for step in fit(stage)])
    for (loss, error), (other, another) in zip(*losses, strict=True):
        assert loss == pytest.approx(other, rel=1e-4)
        assert error == pytest.approx(another, rel=1e-4) if error is not None else another is None
    assert len(losses[0]) == 12


def test_every_image_passes_once_in_the_whole_training(asked: dict[str, Any]) -> None:
    for expected in (60, 0):  # the second run has the features of the first one
        training = prepare(order("transfer", {**asked, **PLAIN, "epochs": 3}))
        assert isinstance(training.network, Transferred)
        seen: list[int] = []
        first = training.network.backbone.get_submodule("stages.0.convolution_1")
        first.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))  # noqa: B023
        for _ in training.steps():
            pass
        result = finish(training)
        assert sum(seen) - 1 == expected  # the report's table of layers asks with one image
        assert result["examples"] == {"train": 43, "validation": 5, "test": 12}


def weights_of(run: Path) -> dict[str, Tensor]:
    return dict(gw.load(run).network.state_dict())


@pytest.mark.parametrize("way", ["frozen", "fine-tuned", "scratch"])
def test_what_shall_stay_stays(way: str, asked: dict[str, Any], former: Path) -> None:
    given = {f"backbone.{name}": one for name, one in load_weights(str(former), "convnet-small").tensors.items()}
    if way == "scratch":
        del asked["weights"]
    after = weights_of(train("transfer", way=way, epochs=2, dropout=0.2, hidden=8, **asked))
    changed = {name for name, one in after.items() if name in given and not torch.equal(one, given[name])}
    learnt = {name for name in changed if "running" not in name and "batches" not in name}
    if way == "scratch":
        assert LAST.replace("2", "0") + "convolution_1.weight" in changed
        assert any("running" in name for name in changed)
    else:
        assert changed == learnt, "the statistics of normalisations stay those of the weights"
        assert all(name.startswith(LAST) for name in changed)
        assert bool(changed) is (way == "fine-tuned")
    assert {"head.layers.dense_1.weight", "head.layers.output.bias"} <= set(after)


@pytest.mark.parametrize("way", ["frozen", "fine-tuned", "scratch"])
@pytest.mark.parametrize("patience", [None, 2])
def test_goes_on_in_every_stage(way: str, patience: int | None, asked: dict[str, Any]) -> None:
    options = {**asked, "way": way, "epochs": 3, "dropout": 0.3, "hidden": (8,), "augment": ("flip", "crop:1")}
    if way == "scratch":
        del options["weights"]
    options.update({} if patience is None else {"patience": patience})
    whole = train("transfer", out="whole", **options)
    lines = [json.loads(line) for line in (whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    stages = [line["stage"] for line in lines]
    middle = [stages.index(stage) + 3 for stage in dict.fromkeys(stages)]
    borders = [stages.count("head")] if way == "fine-tuned" else []
    assert list(dict.fromkeys(stages)) == {
        "frozen": ["head"], "fine-tuned": ["head", "last-stage"], "scratch": ["train"]
    }[way]  # fmt: skip
    for after in (*middle, *borders):
        run = broken_off("transfer", after, out=f"stopped-{after}", **options)
        require_same(whole, resume(run))
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        assert way == "scratch" or result["remarks"][0].startswith("it began with the weights of")


def test_the_last_stage_learns_at_the_lower_rate(asked: dict[str, Any]) -> None:
    run = train("transfer", way="fine-tuned", epochs=2, learning_rate=0.01, lower_rate=0.2, **asked)
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    highest = {
        stage: max(one["learning_rate"] for one in lines if one["stage"] == stage) for stage in ("head", "last-stage")
    }
    assert highest["head"] == pytest.approx(0.01, rel=0.01)
    assert highest["last-stage"] == pytest.approx(0.002, rel=0.1)
    assert [one["step"] for one in lines] == list(range(1, HEAD_STEPS + 12 + 1))


def test_a_head_that_fits_is_kept(asked: dict[str, Any], former: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("transfer", epochs=1, out="kept", **asked)
    assert "their head was kept" in said(capsys)["remarks"][0]
    train("transfer", epochs=1, out="new", hidden=8, **asked)
    assert "their head for 3 classes does not fit, and a new one was begun" in said(capsys)["remarks"][0]
    asked["weights"] = "kept"
    asked["network"] = "convnet-small"
    train("transfer", epochs=1, out="again", **asked)
    assert "their head was kept" in said(capsys)["remarks"][0]


def test_inputs_are_scaled_as_in_the_run_that_the_weights_are_from(asked: dict[str, Any], former: Path) -> None:
    schema = gw.load(train("transfer", epochs=1, **asked)).schema
    before = gw.load(former).schema
    assert (schema.mean, schema.deviation, schema.shape) == (before.mean, before.deviation, before.shape)


def test_answers_need_the_weights_no_more(asked: dict[str, Any], former: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(former, tmp_path / "copied")
    folder = write_folder(tmp_path / "folder")
    run = train("transfer", epochs=2, **{**asked, "weights": str(copied), "data": str(folder)})
    before = gw.load(run).predict(folder)
    shutil.rmtree(copied)
    assert gw.load(run).predict(folder) == before
    assert isinstance(before, list) and len(before) == 30


def test_the_answer_to_an_image_is_the_head_s_to_its_features(asked: dict[str, Any]) -> None:
    model = gw.load(train("transfer", epochs=2, **asked))
    raw = torch.from_numpy(pictures(5, seed=9)[0])[:, None]
    features = torch.from_numpy(model.features(raw.numpy()))
    network = model.network
    assert isinstance(network, Transferred) and features.shape == (5, network.units)
    said = model.system.answer_inputs(network, model.schema, raw, list("abcde"), Numerics())
    with torch.no_grad():
        chances = network.head(features).softmax(1)
    for answer, row in zip(said, chances, strict=True):
        assert [answer.probabilities[name] for name in model.classes] == pytest.approx(row.tolist(), abs=1e-5)


def test_features_follow_images_and_weights(asked: dict[str, Any], tmp_path: Path) -> None:
    system, examples, _ = made(asked)
    network = system.pretrained(examples.schema)
    first = system.features(network, examples, Numerics()).columns["inputs"]
    assert torch.equal(first, system.features(network, examples, Numerics()).columns["inputs"])
    changed = replace(examples, columns={**examples.columns, "fingerprints": examples.columns["fingerprints"] + 1})
    changed.columns["inputs"][0] += 9  # type: ignore[index]
    assert not torch.equal(first[0], system.features(network, changed, Numerics()).columns["inputs"][0])
    with torch.no_grad():
        network.backbone.get_parameter("stages.1.convolution_1.weight").mul_(1.01)
    assert not torch.equal(first, system.features(network, examples, Numerics()).columns["inputs"])


def test_a_budget_holds_both_stages(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run = train("transfer", way="fine-tuned", budget="3s", **asked)
    assert said(capsys)["seconds"] < 3
    stages = {json.loads(line)["stage"] for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()}
    assert stages == {"head", "last-stage"}


def test_a_deep_network_learns_from_pictures_made_smaller(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", 12)
    run = train("resnet18", data=folder, size=96, epochs=1, optimizer="sgd", batch_size=8)
    assert gw.load(run).schema.shape == (1, 96, 96)


MISTAKES = {
    "no last layer": ({"network": "lenet"}, "Transfer knows no network 'lenet' to give a new head: use convnet-small"),
    "random weights": ({"way": "scratch"}, "The way scratch begins with random weights"),
    "other network": ({"network": "resnet18", "size": 64}, "is a run of the network convnet-small"),
    "no weights": ({"weights": "nothing.pth"}, "There is no file nothing.pth"),
    "unpublished": ({"weights": None}, "There are no weights called 'convnet-small'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_sentences(name: str, asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    changed, sentence = MISTAKES[name]
    words = [f"--{key.replace('_', '-')}={value}" for key, value in {**asked, **changed}.items() if value is not None]
    assert sentence in mistake(capsys, "train", "transfer", *words, "--out", "run")
    assert not Path("run").exists()


def test_small_pictures_are_told_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "data.npz", x=pictures(30)[0], y=pictures(30)[1])
    sentence = mistake(capsys, "train", "lenet", "--network", "vgg11", "--data", tmp_path / "data.npz")
    assert sentence == (
        "vgg11 needs images of at least 64 by 64 pixels, and these are 12 by 12: enlarge them with --size 64 "
        "(usual for it: 224), or use convnet-small"
    )
