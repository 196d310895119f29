"""What a supervised recipe derives where nobody says."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.data.splits import split
from glasswork.run.folder import RunFolder
from glasswork.run.request import make_request
from glasswork.systems.supervised.recipe import SupervisedRecipe
from made_data import mistake, said, train, write_folder, write_npz

SLIGHT = ("rotation:10", "scale:0.1", "crop:2")


def derived(preset: str, **values: object) -> SupervisedRecipe:
    asked = make_request(preset, values)
    system = make_system("supervised", asked.recipe)
    examples = system.read(str(asked.recipe.data))
    recipe = system.resolve(examples, split(examples, 0.1, 0.2, 0))
    assert isinstance(recipe, SupervisedRecipe)
    return recipe


@pytest.mark.parametrize(
    ("preset", "values", "changes"),
    [
        ("lenet", {}, SLIGHT),
        ("convnet-small", {}, SLIGHT),
        ("mlp", {}, ()),
        ("lenet", {"augment": "none"}, ()),
        ("lenet", {"augment": "flip"}, ("flip",)),
        ("lenet", {"restarts": 2}, ()),
        ("lenet", {"size": 20}, ()),
    ],
)
def test_few_small_images_are_augmented_for_a_convolutional_network(
    preset: str, values: dict[str, object], changes: tuple[str, ...], tmp_path: Path
) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    assert derived(preset, data=data, **values).augment == changes


def test_several_labels_and_numbers_are_not_augmented_unasked(tmp_path: Path) -> None:
    for target in ("classes", "number"):
        assert derived("lenet", data=str(write_npz(tmp_path / f"{target}.npz", target))).augment == ()


@pytest.mark.parametrize("options", [[], ["--augment", "rotation:20"], ["--augment", "crop:2", "--size", "24"]])
def test_a_run_is_evaluated_on_the_pictures_as_it_read_them(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path / "pictures")
    assert main(["train", "lenet", "--data", "pictures", "--epochs", "1", "--out", "run", *options, "--json"]) == 0
    capsys.readouterr()
    folder = RunFolder.find("run")
    assert main(["evaluate", "run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == pytest.approx(folder.read("result.json")["test"])


def test_trained_weights_are_what_a_run_begins_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = train("lenet", data=write_npz(tmp_path / "first.npz", "class"), out="first", epochs=2, batch_size=16)
    given = load_file(first / "model" / "model.safetensors")
    save_file(given, "weights.safetensors")
    capsys.readouterr()
    for weights in ("first", "weights.safetensors"):
        options = {"data": "first.npz", "weights": weights, "learning_rate": 1e-9, "epochs": 1}
        run = train("lenet", out=f"from-{Path(weights).stem}", **options)
        assert f"started from the weights of {weights}, with their output layer" in said(capsys)["remarks"]
        for name, tensor in load_file(run / "model" / "model.safetensors").items():
            torch.testing.assert_close(tensor, given[name], rtol=0, atol=1e-6)
    words = ["train", "lenet", "--data", "first.npz", "--weights", "first", "--out", "none"]
    assert "leave out --weights or --restarts" in mistake(capsys, *words, "--restarts", "2")
    assert "use its weights with --network lenet" in mistake(capsys, *words, "--network", "convnet-small")
    assert not Path("none").exists()
