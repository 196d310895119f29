"""Metric learning: classes kept from training, embeddings that find them, a run that goes on, mistakes in words."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

import glasswork as gw
from glasswork.cli import main
from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, fingerprints
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.data.splits import UNUSED, hold_classes_out
from glasswork.errors import GlassworkError
from glasswork.glassbox.trace.trace import Trace
from glasswork.networks.embedding import Embedding
from glasswork.run.carry_out import reopen
from glasswork.run.folder import RunFolder
from glasswork.systems.learning import Learning
from made_data import broken_off, mistake, require_same, resume, said, train, write_npz, write_table

SIDE = 16
CLASSES = 8
QUICK = {"epochs": 2, "embedding": 8, "held_out_classes": "0.3", "network": "lenet"}


def drawn(count: int, seed: int = 0, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of a bright bar: upright or lying, in one of four places."""
    draws = np.random.default_rng(seed)
    labels = first + np.arange(count) % (CLASSES - first)
    images = draws.integers(0, 130, (count, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        place = slice(4 * (label % 4), 4 * (label % 4) + 3)
        image[(slice(None), place) if label < 4 else (place, slice(None))] += 100
    return images, labels


def bars(path: Path, count: int = 96, first: int = 0) -> Path:
    images, labels = drawn(count, first=first)
    np.savez(path, x=images, y=labels)
    return path


def folders(path: Path, count: int = 48) -> Path:
    images, labels = drawn(count)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        (path / f"kind {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path / f"kind {label}" / f"{place}.png")
    return path


def marked(classes: int, each: int, given_test: bool = False) -> Dataset:
    inputs = torch.zeros(classes * each, 1, 8, 8, dtype=torch.uint8)
    columns = {
        "inputs": inputs,
        "targets": torch.arange(classes * each) % classes,
        "fingerprints": fingerprints(inputs),
    }
    if given_test:
        columns["split"] = torch.where(torch.arange(len(inputs)) < classes * each // 2, TEST, TRAINING).to(torch.uint8)
    task = Task(Images((1, 8, 8)), OneClass(tuple(f"kind {place}" for place in range(classes))))
    return Dataset(columns, task, "made")


@given(some.integers(4, 60), some.integers(1, 4), some.floats(0.01, 0.4), some.floats(0, 0.3), some.integers(0, 99))
def test_a_class_is_of_one_part(classes: int, each: int, share: float, validation: float, seed: int) -> None:
    found = hold_classes_out(marked(classes, each), (str(share),), validation, seed)
    again = hold_classes_out(marked(classes, each), (str(share),), validation, seed)
    assert (found.columns["split"] == again.columns["split"]).all()
    parts = [set(found.columns["targets"][found.columns["split"] == part].tolist()) for part in range(3)]
    assert sum(map(len, parts)) == classes == len(set().union(*parts))
    assert len(parts[TEST]) == max(2, round(share * classes))
    assert len(parts[VALIDATION]) in {0, round(validation * (classes - len(parts[TEST])))} - set(range(1, 5))


def test_named_classes_are_the_test() -> None:
    found = hold_classes_out(marked(6, 2), ("kind 4", "kind 1"), 0.1, 0)
    test = found.columns["targets"][found.columns["split"] == TEST]
    assert sorted(set(test.tolist())) == [1, 4]


def test_other_draws_hold_other_classes_out() -> None:
    splits = [hold_classes_out(marked(30, 1), ("0.2",), 0, seed).columns["split"].tolist() for seed in range(5)]
    assert len({tuple(split) for split in splits}) == 5


def test_a_given_test_set_is_kept_from_training() -> None:
    dataset = marked(6, 4, given_test=True)
    split = hold_classes_out(dataset, ("kind 0", "kind 1"), 0, 0).columns["split"]
    held, given = dataset.columns["targets"] < 2, dataset.columns["split"] == TEST
    assert (split[held & given] == TEST).all() and (split[~held & ~given] == TRAINING).all()
    assert (split[held != given] == UNUSED).all()


@pytest.mark.parametrize("held_out", [("0",), ()])
def test_nothing_held_out_leaves_the_examples_alone(held_out: tuple[str, ...]) -> None:
    dataset = marked(3, 2)
    assert hold_classes_out(dataset, held_out, 0.1, 0) is dataset


@pytest.mark.parametrize(
    ("classes", "held_out", "words"),
    [
        (3, ("0.2",), "3 classes, and at least 2 .* --held-out-classes 0"),
        (6, ("kind 1",), "at least 2 are needed for the test"),
        (6, ("0.9",), "and 2 for training"),
        (6, ("kid 1", "kind 2"), "no class 'kid 1' to hold out: did you mean 'kind 1'"),
    ],
)
def test_too_few_or_unknown_classes(classes: int, held_out: tuple[str, ...], words: str) -> None:
    with pytest.raises(GlassworkError, match=words):
        hold_classes_out(marked(classes, 2), held_out, 0, 0)


def test_it_finds_classes_that_it_was_not_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(
        "embed", data=bars(tmp_path / "bars.npz", 240), epochs=5, embedding=8, held_out_classes="2,5,6", batch_size=20
    )
    result = said(capsys)
    assert result["examples"] == {"train": 135, "validation": 15, "test": 90}
    assert result["test"]["recall_at_1"] > 0.9
    assert result["test"]["recall_at_5"] >= result["test"]["recall_at_1"]
    assert result["test"]["verification_auc"] > 0.8
    assert 0 <= result["test"]["true_accepts_at_1_percent"] <= 1
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    page = (run / "report.html").read_text(encoding="utf-8")
    for words in ("What lies nearest", "Finding and verifying", "A map of the embedding", "3 classes never trained on"):
        assert words in page
    model = gw.load(run)
    images, labels = drawn(8, seed=9)
    right = 0
    for image, label in zip(images, labels, strict=True):
        Image.fromarray(image).save("asked.png")
        answer = model.predict("asked.png")
        assert not isinstance(answer, list)
        right += answer.answer == str(label)
        assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert right >= 7  # the three unseen classes too, by the mean of their embeddings


def test_classes_that_the_data_did_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, labels = drawn(80)
    few = labels < 6
    np.savez("few.npz", x=images[few], y=labels[few])
    run = train("embed", data="few.npz", **QUICK)
    np.savez("others.npz", x=images[~few], y=labels[~few])
    capsys.readouterr()
    assert main(["evaluate", str(run), "--data", "others.npz", "--json"]) == 0
    metrics = said(capsys)["metrics"]
    assert 0 <= metrics["recall_at_1"] <= 1 and metrics["verification_auc"] >= 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mining": "batch-hard", "margin": 0.0, "augment": ("flip", "crop:1", "rotation:10")},
        {"mining": "all", "network": "convnet-small", "seed": 3},
        {"held_out_classes": "0", "validation": 0},
    ],
)
def test_it_goes_on_as_if_never_stopped(options: dict[str, object], tmp_path: Path) -> None:
    settings = {"data": str(bars(tmp_path / "bars.npz")), **QUICK, "batch_size": 12, **options}
    whole = train("embed", out="whole", **settings)
    require_same(whole, resume(broken_off("embed", 3, **settings)))


def test_a_finished_run_leaves_the_same_model_again(tmp_path: Path) -> None:
    run = train("embed", data=bars(tmp_path / "bars.npz"), **QUICK)
    weights = (run / "model" / "model.safetensors").read_bytes()
    resume(run)
    assert (run / "model" / "model.safetensors").read_bytes() == weights


def test_batches_are_of_classes_that_are_trained_on(tmp_path: Path) -> None:
    broken_off("embed", 1, data=str(bars(tmp_path / "bars.npz")), **QUICK)
    run = reopen(RunFolder.find("stopped"))
    learning = run.process
    assert isinstance(learning, Learning)
    unseen = set(learning.dataset.columns["targets"][learning.splits.test].tolist())
    assert len(unseen) == 2
    [stage] = learning.stages
    for index in range(len(stage.batches)):
        assert not unseen & set(stage.batches.batch(0, index).targets.tolist())
    run.folder.unlock()


def test_validation_examples_that_cannot_find_each_other_judge_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("embed", data=bars(tmp_path / "bars.npz"), validation=0.01, **QUICK)
    result = said(capsys)
    assert result["examples"]["validation"] == 1 and result["best_epoch"] is None
    assert any("nothing could be judged" in warning for warning in result["warnings"])


def test_two_examples_of_each_class_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("embed", data=bars(tmp_path / "bars.npz", 2 * CLASSES), validation=0, **QUICK)
    result = said(capsys)
    assert result["examples"]["test"] == 4 and 0 <= result["test"]["recall_at_1"] <= 1


def test_what_is_opened_is_the_nearest_class_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = folders(tmp_path / "pictures")
    run = train("embed", data=data, **QUICK)
    image = str(next((data / "kind 3").iterdir()))
    capsys.readouterr()
    assert main(["open", str(run), image, "--target", "kind 3", "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert not trace.differing
    assert all(operation.known for operation in trace.operations)
    model = gw.load(run)
    network, inputs = model.network, model.inputs([image])
    assert isinstance(network, Embedding)
    with torch.no_grad():
        embedding = network.embed(inputs)
        assert float(embedding.norm()) == pytest.approx(1, abs=1e-5)
        order = torch.cdist(embedding, network.means)[0].argsort()
        scores = network(inputs)[0]
    assert scores.argsort(descending=True).tolist() == order.tolist()
    note = "this network was trained by the triplet loss; shown is the cross-entropy of its scores"
    assert (trace.loss, trace.remarks[-1:]) == ("cross-entropy", (note,))
    assert main(["diagnose", str(run), "--json"]) == 0
    assert said(capsys)["remarks"] == [note]
    assert main(["diagnose", str(run)]) == 0
    assert f"note: {note}" in capsys.readouterr().out
    assert main(["diagnose", str(run), "--out", "page.html"]) == 0
    assert note in Path("page.html").read_text(encoding="utf-8")


def test_the_curve_of_over_training_is_of_the_loss_that_is_minimised(tmp_path: Path) -> None:
    found = gw.vary(
        "embed", "epochs", [2], {"data": str(bars(tmp_path / "bars.npz")), "network": "lenet", "threads": 1}
    )
    assert found.curve is not None and found.curve.loss == "triplet loss"


def test_the_resolved_recipe_holds_the_batch(tmp_path: Path) -> None:
    run = train("embed", data=bars(tmp_path / "bars.npz"), **QUICK)
    recipe = json.loads((run / "model" / "model.json").read_text(encoding="utf-8"))["recipe"]
    assert (recipe["classes_per_batch"], recipe["examples_per_class"], recipe["batch_size"]) == (6, 11, 66)


def test_mistakes_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, several = write_table(tmp_path / "data.csv", "class"), write_npz(tmp_path / "several.npz", "classes")
    data = bars(tmp_path / "bars.npz")
    alone = bars(tmp_path / "alone.npz", CLASSES)
    asked: list[tuple[list[object], str]] = [
        (["--data", table], "rows of numbers: use mlp"),
        (["--data", several], "targets of kind 'classes'"),
        (["--data", write_npz(tmp_path / "three.npz", "class")], "hold out examples of all classes instead"),
        (["--data", data, "--held-out-classes", "3,nine"], "no class 'nine' to hold out"),
        (["--data", alone, "--validation", "0"], "a triplet needs two of the same class"),
        (["--data", data, "--classes-per-batch", 2, "--examples-per-class", 3, "--batch-size", 9], "does not give 9"),
        (["--data", data, "--network", "lenett"], "did you mean 'lenet'"),
        (["--data", data, "--mining", "hardest"], "invalid choice"),
    ]
    for words, sentence in asked:
        assert sentence in mistake(capsys, "train", "embed", *words, "--out", "run"), words
        assert not Path("run").exists()
