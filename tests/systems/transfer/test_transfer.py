"""Transfer: what each way trains, features computed once, a run that goes on from disk, mistakes in words."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.task import Task
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.run.carry_out import Run, begin_run
from glasswork.run.finish import finish
from glasswork.run.request import make_request
from glasswork.systems.learning import Learning
from glasswork.systems.transfer.network import Transferred
from glasswork.systems.transfer.recipe import TransferRecipe
from glasswork.systems.transfer.system import HEAD_EPOCHS, Transfer
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from made_data import PLAIN, SIDE, broken_off, mistake, require_same, resume, said, train, write_folder, write_npz

SHORT = {"batch_size": 16, "epochs": 3, "network": "convnet-small"}
HEAD_STEPS = 3 * HEAD_EPOCHS  # 43 pictures train in batches of 16


@pytest.fixture(scope="module")
def source(session_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run of convnet-small on pictures of three classes: the weights that the tests begin with."""
    folder = tmp_path_factory.mktemp("source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSWORK_CACHE", str(session_folder / "cache"))
        patch.chdir(folder)
        data = write_npz(folder / "source.npz", "class", 90)
        return str(train("convnet-small", data=data, out=str(folder / "source"), epochs=3))


@pytest.fixture
def data(tmp_path: Path) -> str:
    """Other pictures, of classes with other names."""
    return str(write_folder(tmp_path / "pictures", 60))


def weights_of(run: str | Path) -> dict[str, Tensor]:
    return load_file(Path(run) / "model" / "model.safetensors")


def changed_from(run: Path, source: str) -> set[str]:
    """Which parts of a run's backbone differ from the network that it began with, buffers too."""
    before = weights_of(source)
    found = set()
    for name, tensor in weights_of(run).items():
        part, _, own = name.partition(".")
        if part == "backbone" and not torch.equal(tensor, before[own]):
            found.add(".".join(own.split(".")[:2]))
    return found


def said_in_report(run: Path) -> dict[str, str]:
    sections = json.loads((run / "report.json").read_text(encoding="utf-8"))["sections"]
    [trained] = [section for section in sections if section["title"] == "What was trained"]
    return {name: state for name, _, state in trained["blocks"][0]["rows"]}


def test_frozen_trains_the_head_alone(source: str, data: str) -> None:
    run = train("transfer", data=data, weights=source, **SHORT)
    assert changed_from(run, source) == set()
    assert said_in_report(run) == {"stages": "as they were", "head": "trained"}


def test_fine_tuned_trains_the_last_stage_at_a_lower_rate(source: str, data: str) -> None:
    run = train("transfer", data=data, weights=source, mode="fine-tuned", finetune_rate=0.05, **SHORT)
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter(line["stage"] for line in lines) == {"head": HEAD_STEPS, "last-stage": 9}
    rates = {
        name: max(line["learning_rate"] for line in lines if line["stage"] == name) for name in ("head", "last-stage")
    }
    assert rates["last-stage"] == pytest.approx(0.05 * rates["head"], rel=0.15)  # nine steps may miss the peak
    tuned = load_checkpoint(checkpoints(run / "checkpoints")[-1])["network"]
    before = weights_of(source)
    for name, tensor in tuned.items():
        own = name.removeprefix("backbone.")
        if not name.startswith("head."):
            learnt = own.startswith("stages.2.") and own.rpartition(".")[2] in {"weight", "bias"}
            assert torch.equal(tensor, before[own]) != learnt, name  # statistics of normalisations stay as they were
    assert said_in_report(run) == {"stages": "221,952 of them trained", "head": "trained"}


@pytest.mark.parametrize(
    ("depth", "stages"), [(2, {"stages.1", "stages.2"}), ("all", {"stages.0", "stages.1", "stages.2"})]
)
def test_more_stages_are_tuned_if_asked(depth: object, stages: set[str], source: str, data: str) -> None:
    run = train("transfer", data=data, weights=source, unfreeze=depth, **{**SHORT, "epochs": 1})
    last, before = load_checkpoint(checkpoints(run / "checkpoints")[-1])["network"], weights_of(source)
    own = {name.removeprefix("backbone."): tensor for name, tensor in last.items() if not name.startswith("head.")}
    assert {".".join(name.split(".")[:2]) for name in own if not torch.equal(own[name], before[name])} == stages
    recipe = json.loads((run / "model" / "model.json").read_text(encoding="utf-8"))["recipe"]
    assert (recipe["mode"], recipe["unfreeze"]) == ("fine-tuned", depth)


def test_scratch_trains_everything_from_random_weights(source: str, data: str) -> None:
    run = train("transfer", data=data, mode="scratch", **SHORT)
    assert changed_from(run, source) >= {"stages.0", "stages.1", "stages.2"}
    assert "remarks" not in json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert said_in_report(run) == {"stages": "trained", "head": "trained"}


@contextmanager
def rows_through(network: nn.Module) -> Iterator[list[int]]:
    """How many pictures have gone through the backbone, pass by pass."""
    assert isinstance(network, Transferred)
    rows: list[int] = []
    hook = network.backbone.register_forward_pre_hook(
        lambda module, inputs: rows.append(int((inputs[0].flatten(1) != 0).any(1).sum()))  # zeros are no picture
    )
    yield rows
    hook.remove()


def begun(data: str, weights: str, **options: object) -> tuple[Run, Learning]:
    run = begin_run(make_request("transfer", {**PLAIN, **SHORT, "data": data, "weights": weights, **options}))
    assert isinstance(run.process, Learning)
    return run, run.process


@pytest.mark.parametrize("kept", [True, False])
def test_a_picture_goes_through_the_backbone_once(
    kept: bool, source: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    if not kept:
        cache.write_text("a file, so that nothing can be kept", encoding="utf-8")
    monkeypatch.setenv("GLASSWORK_CACHE", str(cache))
    run, learning = begun(data, source, out="first", epochs=5, hidden="8", dropout=0.2)
    with rows_through(learning.network) as rows:
        for _ in run.steps():
            pass
        finish(run)
    assert sum(rows) == 60  # training, five judgements, the test and the report together
    if not kept:
        return
    again, learning = begun(data, source, out="second", epochs=2)
    with rows_through(learning.network) as rows:
        for _ in again.steps():
            pass
        finish(again)
    assert sum(rows) == 0


def test_the_last_stage_s_training_passes_again_and_the_head_s_does_not(
    source: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLASSWORK_CACHE", str(tmp_path / "cache"))
    run, learning = begun(data, source, out="run", mode="fine-tuned")
    with rows_through(learning.network) as rows:
        steps = run.steps()
        for step in steps:
            if step.number == HEAD_STEPS:
                assert (step.stage, sum(rows)) == ("head", 60)
        finish(run)
    assert sum(rows) > 60 + 3 * 43


def test_features_are_what_the_backbone_says(source: str, data: str) -> None:
    run, learning = begun(data, source, out="run")
    network, system = learning.network, learning.system
    assert isinstance(network, Transferred) and isinstance(system, Transfer)
    for _ in run.steps():
        pass
    found = system.features(network, learning.dataset, learning.execution).columns["inputs"]
    task, images = learning.dataset.task, learning.dataset.columns["inputs"]
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (task.inputs.mean, task.inputs.deviation))
    with torch.no_grad():
        expected = network.features((images.float() / 255 - mean) / deviation)
    assert_same_numbers(found, expected)
    described = json.loads((Path(source) / "model" / "model.json").read_text(encoding="utf-8"))["task"]
    assert (list(task.inputs.mean), list(task.inputs.deviation)) == (
        described["inputs"]["mean"],
        described["inputs"]["deviation"],
    )
    finish(run)


@pytest.mark.parametrize("after", [1, HEAD_STEPS - 4, HEAD_STEPS, HEAD_STEPS + 1, HEAD_STEPS + 5, HEAD_STEPS + 9])
def test_goes_on_from_disk_in_either_stage(after: int, source: str, data: str) -> None:
    options = {
        "data": data,
        "weights": source,
        "mode": "fine-tuned",
        "augment": ("flip", "crop:1"),
        "hidden": "8",
        "dropout": 0.3,
        **SHORT,
    }
    whole = train("transfer", out="whole", **options)
    stopped = broken_off("transfer", after, **options)
    state = load_checkpoint(checkpoints(stopped / "checkpoints")[-1])
    assert state["stage"] == ("head" if after <= HEAD_STEPS else "last-stage")
    require_same(whole, resume(stopped))


def test_what_went_on_is_told_the_same(source: str, data: str) -> None:
    options = {"data": data, "weights": source, "mode": "fine-tuned", **SHORT}
    whole, stopped = train("transfer", out="whole", **options), broken_off("transfer", HEAD_STEPS + 4, **options)
    resume(stopped)
    results = [json.loads((run / "result.json").read_text(encoding="utf-8")) for run in (whole, stopped)]
    assert results[0]["remarks"] == results[1]["remarks"] != []
    assert results[0]["test"] == results[1]["test"]


def test_a_head_is_kept_for_its_own_classes_only(source: str, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    train("transfer", data=data, weights=source, out="others", **SHORT)
    assert "with a new output layer, as theirs for 3 classes does not fit" in said(capsys)["remarks"][0]
    names = tuple(
        json.loads((Path(source) / "model" / "model.json").read_text(encoding="utf-8"))["task"]["target"]["names"]
    )
    system = Transfer(TransferRecipe.parse({"network": "convnet-small", "weights": source}))
    before = weights_of(source)["output.weight"]
    for classes, kept in ((names, True), (names[::-1], False)):
        begun = system.pretrained(Task(Images((1, SIDE, SIDE)), OneClass(classes))).state_dict()
        assert torch.equal(begun["head.layers.output.weight"], before) is kept
    assert torch.equal(
        begun["backbone.stages.0.convolution_1.weight"], weights_of(source)["stages.0.convolution_1.weight"]
    )


def test_weights_of_a_run_of_transfer_and_of_a_file(source: str, data: str) -> None:
    first = train("transfer", data=data, weights=source, mode="fine-tuned", out="first", **SHORT)
    second = train("transfer", data=data, weights=first, out="second", **SHORT)
    own, given = weights_of(second), weights_of(first)
    assert all(torch.equal(own[name], given[name]) for name in own if name.startswith("backbone."))
    torch.save(ConvNetSmall((3, SIDE, SIDE), 7).state_dict(), "weights.pth")
    run = train("transfer", data=data, weights="weights.pth", out="of-a-file", **SHORT)
    file = torch.load("weights.pth", weights_only=True)
    assert all(
        torch.equal(tensor, file[name[9:]]) for name, tensor in weights_of(run).items() if name[:9] == "backbone."
    )
    description = json.loads((run / "model" / "model.json").read_text(encoding="utf-8"))
    assert description["task"]["inputs"]["mean"]  # nobody says what the file expects: as the training pictures are


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"weights": "nowhere"}, "There are no weights called 'nowhere'"),
        ({"weights": "nowhere.pth"}, "There is no file nowhere.pth"),
        ({"network": "lenet"}, "Transfer has no network 'lenet': use convnet-small"),
        ({"network": "resnet18", "size": 64}, "source is a run of the network convnet-small"),
        ({"mode": "scratch"}, "starts from random weights: leave out --weights"),
        ({"mode": "thawed"}, "invalid choice"),
        ({"unfreeze": 4}, "convnet-small has 3 stages before its head: give --unfreeze 3 or less, or all"),
        ({"unfreeze": 0}, "give a number of stages from 1 on, or all"),
        ({"unfreeze": 1, "mode": "frozen"}, "stages are unfrozen by --mode fine-tuned, and not by frozen"),
        ({"data": "table.csv"}, "rows of numbers"),
        ({"finetune_rate": 0}, "finetune_rate"),
        ({"size": 4}, "needs images of at least 8 by 8"),
        ({"augment": "flop"}, "flop"),
    ],
)
def test_mistakes_in_words(
    options: dict[str, object], sentence: str, source: str, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("table.csv").write_text("a,b,target\n" + "1,2,x\n2,1,y\n" * 12, encoding="utf-8")
    asked = {"data": data, "weights": source, "network": "convnet-small", **options}
    words = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert sentence in mistake(capsys, "train", "transfer", *words, "--out", "run")
    assert not Path("run").exists()
