"""What every preset promises for every kind of target: it trains, answers, is measured, is stopped and goes on."""

import csv
import json
import math
import re
from pathlib import Path

import pytest
from PIL import Image

import glasswork as gw
from glasswork.catalogue import PRESETS
from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from glasswork.run.carry_out import reopen
from glasswork.run.folder import RunFolder
from glasswork.run.request import make_request, read_request
from glasswork.systems.supervised.recipe import DEEP
from made_data import (
    PLAIN,
    broken_off,
    mistake,
    require_same,
    resume,
    said,
    train,
    write_clips,
    write_network,
    write_npz,
    write_sentences,
    write_series,
    write_table,
    write_text,
    write_texts,
)

TARGETS = ("class", "classes", "number")
LENET = {"epochs": 3, "batch_size": 8}
STEPS = 18

# Of the system that lenet and convnet-small stand for, with up to a gigabyte of weights and moments in a checkpoint.
LARGE = set(DEEP)

# Of the systems whose target is in the inputs themselves.
TEXTS = {"char-rnn"}
SERIES = {"forecast"}

# Of the systems that label every frame of a clip.
CLIPS = {"video"}

# Of the systems whose inputs are texts with answers.
LABELLED = {"sentiment", "tagger"}

every_preset = pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset not in LARGE])
every_targeted_preset = pytest.mark.parametrize(
    "preset", [preset for preset in PRESETS if preset not in LARGE | TEXTS | SERIES | LABELLED | CLIPS]
)
every_target = pytest.mark.parametrize("target", TARGETS)


def fitting(preset: str, folder: Path) -> dict[str, object]:
    """The options without which a preset cannot be trained, or holds nothing out."""
    if preset == "xor":
        return {"test": 0.2, "validation": 0.1}
    if preset == "transfer":
        return {"size": 64}
    if preset == "embed":
        return {"held_out": "0", "embedding": 8, "network": "lenet"}
    if preset == "char-rnn":
        return {"units": 8, "sequence": 20, "dropout": 0.1, "test": 0.1, "validation": 0.1}
    if preset == "forecast":
        return {"target": "demand", "horizon": 3, "window": 8, "units": 4, "members": 2, "quantiles": 5}
    if preset == "video":
        return {"units": 4, "embedding": 5, "sequence": 4, "size": 16, "test": 0.2}
    if preset == "tagger":
        return {"units": 4, "embedding": 3, "layers": 2, "test": 0.2}
    if preset == "sentiment":
        return {"units": 4, "embedding": 5, "layers": 2}
    return {"network": write_network(folder)} if preset == "own" else {}


def write_data(preset: str, inputs: str, target: str, folder: Path) -> Path:
    if inputs == "text":
        return write_text(folder / "data.txt")
    if inputs == "series":
        return write_series(folder / "data.csv")
    if inputs == "clips":
        return write_clips(folder / "clips")
    if inputs == "sentences":
        return write_sentences(folder / "data.conll")
    if inputs == "texts":
        return write_texts(folder / "data.csv", target)
    write = write_npz if inputs == "images" else write_table
    path = write(folder / ("data.npz" if inputs == "images" else "data.csv"), target)
    if preset == "xor" and (inputs, target) == ("rows", "number"):
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        cells = [line.rpartition(",") for line in lines]
        squeezed = [f"{rest},{1 / (1 + math.exp(-float(number))):.4f}" for rest, _, number in cells]
        path.write_text("\n".join([header, *squeezed]) + "\n", encoding="utf-8")
    return path


FOR_IMAGES = {"lenet", "convnet-small", "transfer", "heatmap", "embed"}
REFUSED = {**{(name, "rows"): "use mlp" for name in FOR_IMAGES}, ("xor", "images"): "use lenet"}
REFUSED_TARGETS = {
    (preset, target): "of one class each" for preset in ("embed", "tagger", "video") for target in ("classes", "number")
}
FIGURES = {"embed": "recall_at_1"}
INPUTS = {
    "xor": "rows",
    "char-rnn": "text",
    "forecast": "series",
    "sentiment": "texts",
    "tagger": "sentences",
    "video": "clips",
}
LENGTHS = {"xor": {"epochs": 9}}


@every_targeted_preset
@every_target
@pytest.mark.parametrize("inputs", ["images", "rows"])
def test_trains_answers_and_is_measured(
    preset: str, target: str, inputs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(preset, inputs, target, tmp_path)
    refused = REFUSED.get((preset, inputs)) or REFUSED_TARGETS.get((preset, target))
    if refused:
        assert refused in mistake(capsys, "train", preset, "--data", data, "--out", "run")
        assert not Path("run").exists()
        return
    run = train(preset, data=data, epochs=2, **fitting(preset, tmp_path))
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, preset, 12)
    figure = FIGURES.get(preset) or {"class": "accuracy", "classes": "f1", "number": "r2"}[target]
    assert figure in result["test"]
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert figure in said(capsys)["metrics"]
    asked = data
    if inputs == "images":
        asked = tmp_path / "one.png"
        Image.new("L", (30, 20), 77).save(asked)
    assert main(["predict", str(run), str(asked), "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) == (1 if inputs == "images" else 60)
    model = gw.load(run)
    for answer in answers:
        require_answer(answer, target, model.classes)
    require_open(run, asked, "1.5" if target == "number" else model.classes[0], capsys)


def require_open(run: Path, asked: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It opens: every operation that carries weights is known, and the textbook's gradients are torch's."""
    assert main(["open", str(run), str(asked), "--target", target, "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert trace.descent is not None and not trace.differing
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
    assert main(["count", str(run), "--json"]) == 0
    assert said(capsys)["parameters"] == sum(math.prod(step.values.shape) for step in trace.weights)


def require_answer(answer: dict[str, object], target: str, classes: tuple[str, ...]) -> None:
    chances = answer["probabilities"]
    assert isinstance(chances, dict)
    if target == "number":
        assert isinstance(answer["answer"], float)
        assert (answer["probability"], chances) == (None, {})
        return
    assert set(chances) == set(classes)
    assert list(chances.values()) == sorted(chances.values(), reverse=True)
    if target == "class":
        assert answer["answer"] == next(iter(chances))
        assert answer["probability"] == max(chances.values())
        assert sum(chances.values()) == pytest.approx(1)
    else:
        assert answer["answer"] == [name for name, chance in chances.items() if chance > 0.5]


@pytest.mark.parametrize(
    ("target", "preset"),
    [
        (target, preset)
        for target in TARGETS
        for preset in PRESETS
        if preset not in LARGE | TEXTS | SERIES and (preset, target) not in REFUSED_TARGETS
    ],
)
def test_goes_on_as_if_never_stopped(preset: str, target: str, tmp_path: Path) -> None:
    data = write_data(preset, INPUTS.get(preset, "images"), target, tmp_path)
    options = {"data": str(data), **LENGTHS.get(preset, {"epochs": 2, "batch_size": 8}), **fitting(preset, tmp_path)}
    whole = train(preset, out="whole", **options)
    require_same(whole, resume(broken_off(preset, 4, **options)))


@every_target
def test_texts_are_learnt_and_asked_about(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_texts(tmp_path / "data.csv", target)
    run = train("sentiment", data=data, epochs=2, batch_size=8, **fitting("sentiment", tmp_path))
    result = said(capsys)
    assert (result["epochs"], result["preset"], result["examples"]["test"]) == (2, "sentiment", 12)
    assert 0 <= result["padding_waste"] < 0.1
    assert {"class": "accuracy", "classes": "f1", "number": "r2"}[target] in result["test"]
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert set(said(capsys)["metrics"]) == set(result["test"])
    assert main(["predict", str(run), str(data), "some words nobody knows", "--json"]) == 0
    answers = said(capsys)["answers"]
    assert len(answers) == 61
    for answer in answers:
        figures = {answer.pop(key) for key in ("unknown_pieces",) if key in answer}
        assert figures == ({4} if answer["input"] == "the text" else set())
        require_answer(answer, target, gw.load(run).classes)
    require_open(run, data, "1.5" if target == "number" else gw.load(run).classes[0], capsys)


def test_counted_words_judge_beside_what_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_texts(tmp_path / "data.csv", "class")
    options = {"data": data, "epochs": 2, "batch_size": 8, **fitting("sentiment", tmp_path)}
    run = train("sentiment", out="both", **options)
    result = said(capsys)
    assert result["counted_accuracy"] == 1 and 0 <= result["learnt_share"] <= 1
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "Learnt and counted" in report and "was lovely" in report
    train("sentiment", "--no-counted", out="alone", **options)
    alone = said(capsys)
    assert "counted_accuracy" not in alone
    assert result["validation"]["loss"] < alone["validation"]["loss"]


@pytest.mark.parametrize("cell", ["lstm", "none"])
def test_sentences_are_learnt_and_asked_about(cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_sentences(tmp_path / "data.conll")
    run = train("tagger", data=data, cell=cell, epochs=2, batch_size=8, **fitting("tagger", tmp_path))
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


@pytest.mark.parametrize("cell", ["gru", "none"])
def test_clips_are_learnt_and_asked_about(cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data("video", "clips", "class", tmp_path)
    run = train("video", data=data, cell=cell, epochs=2, batch_size=8, **fitting("video", tmp_path))
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


@pytest.mark.parametrize("preset", sorted(LABELLED))
@pytest.mark.parametrize("after", [1, 4, 5, 6, 17, 18])
def test_texts_are_gone_on_with_from_wherever_it_was_stopped(preset: str, after: int, tmp_path: Path) -> None:
    data = write_data(preset, INPUTS[preset], "class", tmp_path)
    options = {"data": str(data), "epochs": 3, "batch_size": 8, **fitting(preset, tmp_path)}
    whole = train(preset, out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 18
    require_same(whole, resume(broken_off(preset, after, **options)))


@pytest.mark.parametrize("preset", sorted(TEXTS))
def test_a_text_is_learnt_and_asked_about(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(preset, "text", "", tmp_path)
    run = train(preset, data=data, epochs=2, batch_size=8, **fitting(preset, tmp_path))
    result = said(capsys)
    assert (result["epochs"], result["preset"]) == (2, preset)
    assert sum(result["examples"].values()) == 3000
    for extra in ([], ["--data", str(data)]):
        assert main(["evaluate", str(run), *extra, "--json"]) == 0
        metrics = said(capsys)["metrics"]
        assert metrics["bits_per_character"] == pytest.approx(metrics["loss"] / math.log(2))
        if not extra:
            assert metrics == pytest.approx(result["test"])
    assert main(["predict", str(run), str(data), "--json"]) == 0
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
    data = write_data("char-rnn", "text", "", tmp_path)
    options = {"data": str(data), "cell": cell, "epochs": 3, "batch_size": 14, **fitting("char-rnn", tmp_path)}
    whole = train("char-rnn", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 24
    require_same(whole, resume(broken_off("char-rnn", after, **options)))


def test_series_are_learnt_and_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data("forecast", "series", "", tmp_path)
    run = train("forecast", data=data, epochs=2, batch_size=16, **fitting("forecast", tmp_path))
    result = said(capsys)
    assert (result["epochs"], result["preset"]) == (2, "forecast")
    assert sum(result["examples"].values()) == 120
    figures = {"loss", "mae", "mase", "smape", "mape", "coverage", "seasonal_naive_mae", "ets_mae"}
    assert figures <= set(result["test"])
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["evaluate", str(run), "--data", str(data), "--json"]) == 0
    assert said(capsys)["metrics"]["mae"] > 0
    assert main(["predict", str(run), str(data), "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    assert (answer["input"], answer["probability"], answer["probabilities"]) == ("demand", None, {})
    assert len(answer["answer"]) == 3
    assert main(["open", str(run), str(data), "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert trace.descent is not None and not trace.differing
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
    assert main(["diagnose", str(run), "--json"]) == 0


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("after", [1, 4, 5, 6, 14, 15])
def test_series_are_gone_on_with_from_wherever_it_was_stopped(cell: str, after: int, tmp_path: Path) -> None:
    data = write_data("forecast", "series", "", tmp_path)
    options = {"data": str(data), "cell": cell, "epochs": 3, "batch_size": 14, **fitting("forecast", tmp_path)}
    whole = train("forecast", out="whole", **options)
    assert len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines()) == 15
    require_same(whole, resume(broken_off("forecast", after, **options)))


SETTINGS: dict[str, dict[str, object]] = {
    "sgd": {"optimizer": "sgd", "schedule": "constant"},
    "momentum": {"optimizer": "momentum", "schedule": "cosine"},
    "adam": {"optimizer": "adam", "schedule": "step"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "l1": {"penalty": "l1", "strength": 0.001},
    "l2": {"penalty": "l2", "strength": 0.001},
    "clip": {"gradient_clip": 0.5},
    "class weights": {"class_weights": "balanced"},
    "smoothing": {"label_smoothing": 0.1},
    "hinge": {"loss": "hinge"},
    "dropout": {"dropout": 0.3},
    "augmentation": {"augment": ("flip", "crop:1", "rotation:10", "elastic:1")},
    "dropout and augmentation": {"dropout": 0.3, "augment": ("crop:1",), "seed": 3},
    "no validation": {"validation": 0},
    "no test": {"test": 0},
    "tensorboard": {"tensorboard": True},
    "channels last": {"memory_format": "channels-last", "optimizer": "adamw"},
    "bfloat16": {"precision": "bfloat16"},
    "memory kept": {"allocator": "keep"},
    "two threads": {"threads": 2},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_goes_on_under_every_setting(setting: str, tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **LENET, **SETTINGS[setting]}
    gw.train("lenet", out="whole", **{**PLAIN, **options})  # type: ignore[arg-type]
    require_same(Path("whole"), resume(broken_off("lenet", 8, **options)))


@pytest.mark.parametrize("after", [1, 5, 6, 12, STEPS - 1, STEPS])
def test_goes_on_from_wherever_it_was_stopped(after: int, tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, "augment": ("crop:1",), **LENET}
    whole = train("lenet", out="whole", **options)
    require_same(whole, resume(broken_off("lenet", after, **options)))


def test_goes_on_twice(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 4, **options)
    steps = reopen(RunFolder.find(run)).steps()
    assert [next(steps).number for _ in range(5)] == [5, 6, 7, 8, 9]
    steps.close()  # type: ignore[attr-defined]
    require_same(whole, resume(run))


def test_a_finished_run_is_finished_again_without_a_step(tmp_path: Path) -> None:
    run = train("lenet", data=write_npz(tmp_path / "data.npz", "class"), **LENET)
    before = finished(run)
    assert finished(resume(run)) == before


def finished(run: Path) -> list[object]:
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    del result["seconds"]
    return [result, *((run / name).read_bytes() for name in ("steps.jsonl", "model/model.safetensors"))]


def test_goes_on_from_the_start_where_nothing_was_saved(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.3, **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 8, **options)
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.unlink()
    require_same(whole, resume(run))


def test_lines_of_the_log_after_the_checkpoint_are_made_anew(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), **LENET}
    whole = train("lenet", out="whole", **options)
    run = broken_off("lenet", 8, **options)
    lines = (whole / "steps.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "steps.jsonl").write_text("".join(lines[:11]) + lines[11][:20], encoding="utf-8")
    require_same(whole, resume(run))


def test_an_early_stop_comes_at_the_same_step(tmp_path: Path) -> None:
    options = {
        "data": str(write_npz(tmp_path / "data.npz", "class")),
        "batch_size": 8,
        "epochs": 40,
        "patience": 2,
        "schedule": "constant",
        "dropout": 0.2,
        "learning_rate": 0.01,
    }
    whole = train("lenet", out="whole", **options)
    made = len((whole / "steps.jsonl").read_text(encoding="utf-8").splitlines())
    assert 12 < made < 240
    for after in (made - 7, made - 1, made):
        require_same(whole, resume(broken_off("lenet", after, out=f"stopped-{after}", **options)))


@every_preset
def test_the_printed_recipe_is_read_back(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["systems", "show", preset]) == 0
    Path("mine.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_request(Path("mine.toml"), {}).recipe == make_request(preset, {}).recipe
    data = write_data(preset, INPUTS.get(preset, "images"), "class", tmp_path)
    options = {"data": str(data), "epochs": 1, **fitting(preset, tmp_path)}
    run = RunFolder(train("mine.toml", **options))
    asked = run.read_request()
    assert asked.recipe == make_request(preset, options).recipe
    assert (asked.preset, asked.machine.threads) == (preset, 1)
    used, execution = run.read_resolved(type(asked.recipe))
    derived = {key for key, value in used.model_dump().items() if value != getattr(asked.recipe, key)}
    assert all(getattr(asked.recipe, key) is None for key in derived)
    assert (execution.threads, execution.precision, execution.memory_format) == (1, "float32", "contiguous")


def test_a_run_s_recipe_trains_the_same_run_again(tmp_path: Path) -> None:
    options = {"data": str(write_npz(tmp_path / "data.npz", "class")), "dropout": 0.1, "augment": ("crop:1",), **LENET}
    first = train("lenet", out="first", **options)
    require_same(first, train(first / "recipe.toml", out="second"))


def test_answers_as_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    run = train("mlp", data=data, epochs=2)
    assert main(["predict", str(run), str(data), "--csv", "answers.csv"]) == 0
    capsys.readouterr()
    with Path("answers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert list(rows[0]) == ["input", "answer", "probability", "high", "low", "middle"]
    for row in rows:
        assert row["probability"] == row[row["answer"]]
        assert sum(float(row[name]) for name in ("high", "low", "middle")) == pytest.approx(1)


@pytest.mark.parametrize("options", [{"test": 0}, {"test": 0, "validation": 0}])
def test_evaluated_on_what_the_run_was_measured_on(
    options: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("mlp", data=write_table(tmp_path / "data.csv", "class"), epochs=2, **options)
    result = said(capsys)
    assert result["measured_on"] == ("training" if "validation" in options else "validation")
    assert any("no example is held out" in warning for warning in result["warnings"]) == ("validation" in options)
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
