"""Every verb of the command line: what it prints, its exit code, and one sentence for every mistake."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

import glasswork as gw
from glasswork.cli import main
from glasswork.run.folder import FORMAT
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from made_data import (
    PLAIN,
    SIDE,
    broken_off,
    flags,
    mistake,
    resume,
    said,
    train,
    write_folder,
    write_network,
    write_npz,
    write_table,
)

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and two finished runs, which tests only read."""
    folder = tmp_path_factory.mktemp("world")
    write_npz(folder / "images.npz", "class")
    write_folder(folder / "pictures")
    write_table(folder / "table.csv", "class")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSWORK_CACHE", str(folder / "cache"))
        train("lenet", data="pictures", epochs=2, batch_size=8, out="runs/images")
        train("mlp", data="table.csv", epochs=2, out="runs/table", seed=5)
    return folder


@pytest.fixture
def in_world(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(world)
    return world


def test_train_tells_what_came_out(tmp_path: Path, capsys: Captured) -> None:
    write_npz(tmp_path / "data.npz", "class")
    train("lenet", data="data.npz", epochs=2)
    result = said(capsys)
    assert set(result) >= {"run", "seconds", "steps", "epochs", "best_epoch", "validation", "test", "examples"}
    assert (result["run"], result["preset"], result["data"], result["epochs"]) == ("run", "lenet", "data.npz", 2)
    assert result["best_epoch"] in (1, 2)
    assert result["seconds"] > 0
    assert 0 <= result["test"]["accuracy"] <= 1
    assert result["examples"] == {"train": 43, "validation": 5, "test": 12}
    written = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in written.items() if key not in {"digest", "run_key"}} == result


def test_train_for_people(tmp_path: Path, capsys: Captured) -> None:
    write_npz(tmp_path / "data.npz", "class")
    assert main(["train", "lenet", "--data", "data.npz", *flags({**PLAIN, "epochs": 2})]) == 0
    printed = capsys.readouterr()
    assert "43 train, 5 validation, 12 test" in printed.err
    assert "12 x 12 grey images; one of 3 classes: 0, 1, 2" in printed.err
    assert "epoch 2  loss" in printed.err
    assert "test accuracy" in printed.out
    assert "run: runs/lenet-1 " in printed.out
    for verb in ("predict", "evaluate", "compare"):
        assert f"glasswork {verb} runs/lenet-1" in printed.out
    assert main(["train", "lenet", "--data", "data.npz", *flags({**PLAIN, "epochs": 1})]) == 0
    assert "run: runs/lenet-2 " in capsys.readouterr().out


@pytest.mark.parametrize(("kind", "preset"), [("images", "lenet"), ("rows", "mlp"), ("own", "own")])
def test_train_chooses_what_fits_the_data(kind: str, preset: str, tmp_path: Path, capsys: Captured) -> None:
    data = write_table(tmp_path / "data.csv", "class") if kind == "rows" else write_npz(tmp_path / "d.npz", "class")
    network = {"network": write_network(tmp_path)} if kind == "own" else {}
    train("--data", data, "--size", SIDE, epochs=1, **network)
    assert said(capsys)["preset"] == preset
    assert main(["train", "--data", str(data), "--out", "told", *flags({**PLAIN, "epochs": 1, **network})]) == 0
    assert (f": training {preset}" in " ".join(capsys.readouterr().err.split())) == (kind != "own")


def test_evaluate(in_world: Path, capsys: Captured) -> None:
    assert main(["evaluate", "images", "--json"]) == 0
    own = said(capsys)
    assert own["metrics"] == json.loads(Path("runs/images/result.json").read_text(encoding="utf-8"))["test"]
    assert (own["run"], own["data"]) == ("runs/images", None)
    assert main(["evaluate", "runs/images", "--data", "pictures", "--json"]) == 0
    assert said(capsys)["data"] == "pictures"
    assert main(["evaluate", "images"]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_predict(in_world: Path, capsys: Captured) -> None:
    assert main(["predict", "images", "pictures/left/0.png", "pictures/right", "--json"]) == 0
    found = said(capsys)
    assert found["run"] == "runs/images"
    assert [answer["input"] for answer in found["answers"]][:2] == ["pictures/left/0.png", "pictures/right/2.png"]
    assert len(found["answers"]) == 11
    assert set(found["answers"][0]["probabilities"]) == {"left", "middle", "right"}
    assert main(["predict", "images", "pictures/left/0.png"]) == 0
    assert "pictures/left/0.png" in capsys.readouterr().out
    assert main(["predict", "table", "table.csv", "--json"]) == 0
    assert said(capsys)["answers"][1]["input"] == "table.csv row 2"


def test_runs_and_compare(in_world: Path, capsys: Captured) -> None:
    assert main(["runs", "--json"]) == 0
    found = said(capsys)["runs"]
    assert [run["run"] for run in found] == ["runs/images", "runs/table"]
    assert found[0]["result"]["test"].keys() >= {"accuracy", "loss"}
    assert main(["runs"]) == 0
    assert "runs/table" in capsys.readouterr().out
    assert main(["compare", "images", "table", "--json"]) == 0
    first, second = said(capsys)["runs"]
    assert (first["differing"]["preset"], second["differing"]["preset"]) == ("lenet", "mlp")
    assert (first["differing"]["seed"], second["differing"]["seed"]) == (0, 5)
    assert first["finished"]
    assert second["test"]["accuracy"] == found[1]["result"]["test"]["accuracy"]
    assert main(["compare", "images", "table"]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_runs_where_there_are_none_and_unfinished_ones(tmp_path: Path, capsys: Captured) -> None:
    assert main(["runs"]) == 0
    assert "there are no runs here yet" in capsys.readouterr().out
    broken_off("lenet", 2, out="runs/half", data=str(write_npz(tmp_path / "d.npz", "class")))
    assert main(["runs"]) == 0
    assert "glasswork resume runs/half" in capsys.readouterr().out
    assert main(["runs", "--json"]) == 0
    assert said(capsys)["runs"] == [{"run": "runs/half", "result": None}]


def test_systems(capsys: Captured) -> None:
    assert main(["systems", "--json"]) == 0
    assert [system["preset"] for system in said(capsys)["systems"]] == [preset.name for preset in gw.presets()]
    assert main(["systems"]) == 0
    assert "LeNet-5" in capsys.readouterr().out
    assert main(["systems", "show", "lenet", "--json"]) == 0
    shown = said(capsys)
    assert (shown["preset"], shown["patience"], shown["network"]) == ("lenet", 10, "lenet")


def test_help_shows_every_field_with_its_sentence(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    for words in (
        "--learning-rate NUMBER, --lr NUMBER learning rate (eta)",
        "--budget TIME",
        "--out TEXT",
        "--no-strict",
    ):
        assert words in printed
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0


MISTAKES: dict[str, tuple[list[str], str]] = {
    "verb": (["trian"], "There is no verb 'trian': did you mean 'train'?"),
    "flag": (["train", "lenet", "--learning-rat", "1"], "did you mean '--learning-rate'?"),
    "flag of an earlier version": (["train", "char-rnn", "--units", "8"], "--units is now called --hidden-size"),
    "flag of another verb": (["predict", "images", "a.png", "--epochs", "1"], "no recipe key or flag '--epochs'"),
    "word too many": (["train", "lenet", "mlp"], "'mlp' is one word too many"),
    "preset": (["train", "lenett"], "did you mean 'lenet'?"),
    "preset to show": (["systems", "show", "lenett"], "did you mean 'lenet'?"),
    "no number": (["train", "lenet", "--epochs", "many"], "epochs = 'many' does not fit"),
    "too small": (["train", "lenet", "--epochs", "0"], "epochs = '0' does not fit: input should be greater than"),
    "negative": (["train", "lenet", "--learning-rate", "-1"], "learning_rate = '-1' does not fit"),
    "choice": (["train", "lenet", "--optimizer", "adamm"], "invalid choice: 'adamm'"),
    "time": (["train", "lenet", "--budget", "soon"], "expected a time such as 90s, 2m or 1h30m"),
    "value missing": (["train", "lenet", "--epochs"], "expected one argument"),
    "device": (["train", "lenet", "--data", "images.npz", "--device", "quantum"], "There is no device 'quantum'"),
    "augmentation": (["train", "lenet", "--data", "images.npz", "--augment", "flop"], "flip"),
    "weight decay": (
        ["train", "mlp", "--data", "images.npz", "--optimizer", "sgd", "--weight-decay", "0.1"],
        "weight_decay belongs to the optimizer adamw",
    ),
    "loss": (["train", "mlp", "--data", "images.npz", "--loss", "hinge", "--label-smoothing", "0.1"], "hinge"),
    "recipe missing": (["train", "none.toml"], "There is no file none.toml"),
    "data missing": (["train", "lenet", "--data", "nothing"], "nothing"),
    "data missing, no preset": (["train", "--data", "nothing"], "nothing"),
    "target missing": (["train", "mlp", "--data", "table.csv", "--target", "colur"], "colour"),
    "run missing": (["resume", "imagse"], "There is no run at imagse"),
    "run missing to evaluate": (["evaluate", "nothing"], "There is no run at nothing"),
    "run missing to predict": (["predict", "nothing", "a.png"], "There is no run at nothing"),
    "run missing to compare": (["compare", "images", "nothing"], "There is no run at nothing"),
    "run missing to replay": (["train", "--replay", "nothing"], "There is no run at nothing"),
    "one run to compare": (["compare", "images"], "at least two runs"),
    "file missing": (["predict", "images", "a.png"], "a.png"),
    "no image": (["predict", "images", "table.csv"], "table.csv"),
    "table missing": (["predict", "table", "a.csv"], "There is no file a.csv"),
    "table for images": (["predict", "table", "pictures"], "pictures"),
    "data of another kind": (["evaluate", "images", "--data", "table.csv"], "does not fit this model"),
    "network file": (["train", "--data", "images.npz", "--network", "none.py:Net"], "There is no file none.py"),
    "network name": (["train", "lenet", "--data", "images.npz", "--network", "lenett"], "There is no network 'lenett'"),
    "strength of nothing": (["train", "lenet", "--strength", "x"], "strength = 'x' does not fit"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_sentence_for_every_mistake(name: str, in_world: Path, capsys: Captured) -> None:
    words, sentence = MISTAKES[name]
    before = sorted(Path().rglob("*"))
    assert sentence in mistake(capsys, *words)
    assert [path for path in sorted(Path().rglob("*")) if "cache" not in path.parts] == [
        path for path in before if "cache" not in path.parts
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'preset = "lenet"\nlerning_rate = 0.1\n',
            "There is no recipe key 'lerning_rate': did you mean 'learning_rate'?",
        ),
        ('preset = "embed"\nheld_out = "0"\n', "The recipe key 'held_out' is now called 'held_out_classes'"),
        ('preset = "lenet"\nepochs = "many"\n', "epochs = 'many' does not fit"),
        ('preset = "lenet"\n[machine]\nthread = 1\n', "did you mean 'threads'?"),
        ('preset = "lenett"\n', "did you mean 'lenet'?"),
        ("epochs = 1\n", "does not name a preset"),
        ("preset = \n", "is not TOML"),
        ("preset = 3\n", "does not name a preset"),
    ],
)
def test_mistakes_in_a_recipe_file(text: str, sentence: str, capsys: Captured) -> None:
    Path("mine.toml").write_text(text, encoding="utf-8")
    assert sentence in mistake(capsys, "train", "mine.toml")
    assert sorted(Path().iterdir()) == [Path("mine.toml")]


def test_nothing_of_the_user_s_is_overwritten(world: Path, tmp_path: Path, capsys: Captured) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    words = ["train", "linear", "--data", world / "images.npz", *flags({**PLAIN, "epochs": 1})]
    assert "already holds files" in mistake(capsys, *words, "--out", mine)
    assert sorted(mine.iterdir()) == [mine / "thesis.txt"]
    assert "is a file" in mistake(capsys, *words, "--out", mine / "thesis.txt")
    assert "cannot be written" in mistake(capsys, *words, "--out", mine / "thesis.txt" / "run")
    before = {path: path.read_bytes() for path in (world / "runs" / "images").rglob("*") if path.is_file()}
    assert "already holds a run: continue it with glasswork resume" in mistake(
        capsys, *words, "--out", world / "runs" / "images"
    )
    assert before == {path: path.read_bytes() for path in (world / "runs" / "images").rglob("*") if path.is_file()}
    answers = ["predict", world / "runs" / "images", world / "pictures" / "left", "--csv", mine / "thesis.txt"]
    assert "already exists" in mistake(capsys, *answers)
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main([*map(str, words), "--out", str(empty), "--json"]) == 0


def test_an_unfinished_run_has_no_model(tmp_path: Path, capsys: Captured) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    run = broken_off("lenet", 3, data=str(data), epochs=2)
    for words in (["predict", run, "a.png"], ["evaluate", run]):
        assert f"finish it with glasswork resume {run}" in mistake(capsys, *words)


def test_changed_data_is_refused(tmp_path: Path, capsys: Captured) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    run = broken_off("lenet", 3, data=str(data), epochs=2)
    shutil.copy(data, tmp_path / "kept.npz")
    write_npz(data, "class", count=66)
    assert "has changed since" in mistake(capsys, "resume", run)
    shutil.move(tmp_path / "kept.npz", data)
    resume(run)


@pytest.mark.parametrize("file", ["recipe.toml", "resolved.toml", "model/model.json"])
def test_another_version_s_files_are_refused(file: str, tmp_path: Path, capsys: Captured) -> None:
    run = train("linear", data=write_npz(tmp_path / "data.npz", "class"), epochs=1)
    text = (run / file).read_text(encoding="utf-8")
    (run / file).write_text(
        text.replace(f"format = {FORMAT}", "format = 99").replace(f'"format": {FORMAT}', '"format": 99')
    )
    verb = ["evaluate"] if file.startswith("model") else ["resume"]
    assert f"has format 99, this version of glasswork reads {FORMAT}" in mistake(capsys, *verb, run)


@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_a_damaged_checkpoint_is_named(damage: str, tmp_path: Path, capsys: Captured) -> None:
    run = broken_off("lenet", 3, data=str(write_npz(tmp_path / "data.npz", "class")), epochs=2)
    (checkpoint,) = checkpoints(run / "checkpoints")
    data = checkpoint.read_bytes()
    checkpoint.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "noise": b"\x00\xff" * 500}[damage])
    assert "000000003.safetensors is damaged" in mistake(capsys, "resume", run)
    checkpoint.unlink()
    resume(run)


def test_a_loss_that_is_no_number_stops_before_the_update(tmp_path: Path, capsys: Captured) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    run = broken_off("lenet", 5, data=str(data), epochs=2, batch_size=8, optimizer="sgd", schedule="constant")
    resolved = (run / "resolved.toml").read_text(encoding="utf-8")
    line = next(line for line in resolved.splitlines() if line.startswith("learning_rate"))
    changed = resolved.replace(line, "learning_rate = 1e30")
    (run / "resolved.toml").write_text(changed, encoding="utf-8")
    assert 'let its line with the digest say digest = "edited"' in mistake(capsys, "resume", run)
    changed = changed.replace(changed.splitlines()[0], 'digest = "edited"')
    (run / "resolved.toml").write_text(changed, encoding="utf-8")
    assert "learning_rate 0.1 before, 1e+30 now" in mistake(capsys, "resume", run)
    sentence = mistake(capsys, "resume", run, "--accept", "recipe", "--json")
    assert "batch 1 of epoch 2" in sentence
    assert "layer '" in sentence
    assert "try a lower learning rate" in sentence
    state = load_checkpoint(checkpoints(run / "checkpoints")[-1])
    assert state["number"] == 5
    assert all(math.isfinite(float(tensor.sum())) for tensor in state["network"].values())
    (run / "resolved.toml").write_text(resolved, encoding="utf-8")
    assert main(["resume", str(run), "--accept", "recipe", "--json"]) == 0


@pytest.mark.parametrize("kind", ["images", "rows"])
def test_too_high_a_learning_rate_is_said(kind: str, tmp_path: Path, capsys: Captured) -> None:
    data = write_table(tmp_path / "d.csv", "class") if kind == "rows" else write_npz(tmp_path / "d.npz", "class")
    words = ["mlp", "--data", data, "--learning-rate", "1e30", "--optimizer", "sgd", "--batch-size", "8"]
    sentence = mistake(capsys, "train", *words, "--json", *flags(PLAIN), "--out", "run")
    assert "The loss is not a finite number at batch " in sentence
    assert "layer '" in sentence or "The weights '" in sentence
    assert not Path("run/model").exists()
    steps = Path("run/steps.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(math.isfinite(json.loads(line)["loss"]) for line in steps)


def test_inputs_that_are_no_numbers_are_named(tmp_path: Path, capsys: Captured) -> None:
    draws = np.random.default_rng(0)
    inputs = draws.normal(size=(60, 4)).astype(np.float32)
    inputs[7, 2] = np.nan
    np.savez(tmp_path / "data.npz", x=inputs, y=np.arange(60) % 2)
    assert "data.npz" in mistake(capsys, "train", "mlp", "--data", "data.npz", "--out", "run", *flags(PLAIN))


OWN_MISTAKES = {
    "no class": ("class Net: pass", "Other", "has no class 'Other'"),
    "no module": ("class Net: pass", "Net", "makes a Net, not a torch.nn.Module"),
    "import": ("import nothing_of_that_name", "Net", "cannot be imported: ModuleNotFoundError"),
    "syntax": ("class Net(:", "Net", "cannot be imported: SyntaxError"),
    "needs more": ("class Net:\n    def __init__(self, depth): pass", "Net", "cannot be made: TypeError"),
    "outputs": (
        "from torch import nn\ndef Net(features): return nn.Sequential(nn.Flatten(), nn.Linear(features, 7))",
        "Net",
        "returns (2, 7) for two inputs, and these targets need (2, 3): one output for each of 0, 1, 2",
    ),
    "inputs": (
        "from torch import nn\ndef Net(): return nn.Sequential(nn.Flatten(), nn.Linear(5, 3))",
        "Net",
        "does not take inputs of shape (1, 12, 12)",
    ),
    "no weights": (
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x.flatten(1)[:, :3]",
        "Net",
        "has no weights to train",
    ),
    "several outputs": (
        "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x, x",
        "Net",
        "returns tuple",
    ),
}


@pytest.mark.parametrize("name", OWN_MISTAKES)
def test_mistakes_in_the_user_s_own_network(name: str, tmp_path: Path, capsys: Captured) -> None:
    code, wanted, sentence = OWN_MISTAKES[name]
    write_npz(tmp_path / "data.npz", "class")
    Path("net.py").write_text(code + "\n", encoding="utf-8")
    assert sentence in mistake(capsys, "train", "--network", f"net.py:{wanted}", "--data", "data.npz", "--out", "run")
    assert not Path("run").exists()
