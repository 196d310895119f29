"""Weights that others trained: read without running anything, fitted by name, or refused."""

from pathlib import Path

import pytest
import torch
import torchvision.models
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torch.nn.functional import interpolate

from closeness import assert_same_numbers
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.errors import GlassworkError
from glasswork.networks.resnet import ResNet
from glasswork.networks.weights import (
    IMAGENET,
    fitting,
    imagenet_classes,
    input_images,
    input_scaling,
    load_weights,
)
from glasswork.systems.networks import NETWORKS
from glasswork.systems.supervised.recipe import NAMES
from glasswork.systems.supervised.system import published


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None, num_classes=7).eval()


@pytest.mark.parametrize("form", ["safetensors", "state dict", "nested", "parallel"])
def test_files_of_every_form_give_torchvision_s_outputs(form: str, theirs: nn.Module, tmp_path: Path) -> None:
    state = {name: tensor.clone() for name, tensor in theirs.state_dict().items()}
    path = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pth")
    if form == "safetensors":
        save_file(state, path)
    elif form == "nested":
        torch.save({"epoch": 3, "state_dict": state}, path)
    else:
        torch.save({f"module.{name}" if form == "parallel" else name: one for name, one in state.items()}, path)
    ours = ResNet("resnet18", (3, 64, 64), 7).eval()
    found, taken = fitting(ours.state_dict(), load_weights(str(path), "resnet18").tensors, "fc.", str(path))
    ours.load_state_dict(found)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert_same_numbers(ours(images), theirs(images))
    assert taken


def test_a_file_of_another_pickle_protocol_is_one_sentence(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.ones(2, 3)}, tmp_path / "four.pt", pickle_protocol=4)
    with pytest.raises(GlassworkError, match=r"four.pt is pickled by a protocol .*: save it again with torch.save"):
        load_weights(str(tmp_path / "four.pt"), "resnet18")


def test_a_head_for_other_classes_stays_as_it_is(theirs: nn.Module) -> None:
    ours = ResNet("resnet18", (3, 64, 64), 3)
    before = ours.fc.weight.detach().clone()
    found, taken = fitting(ours.state_dict(), theirs.state_dict(), "fc.", "them")
    assert not taken
    assert torch.equal(found["fc.weight"], before)
    assert torch.equal(found["layer4.1.conv2.weight"], theirs.state_dict()["layer4.1.conv2.weight"])
    with pytest.raises(GlassworkError, match=r"of another shape is fc\.weight, fc\.bias"):
        fitting(ours.state_dict(), theirs.state_dict(), "", "them")


def test_what_does_not_fit_is_named(theirs: nn.Module) -> None:
    state: dict[str, Tensor] = dict(theirs.state_dict())
    state["conv1.weight"] = state["conv1.weight"][:, :1]
    state["mystery"] = state.pop("bn1.weight")
    ours = ResNet("resnet18", (3, 64, 64), 7)
    with pytest.raises(GlassworkError) as error:
        fitting(ours.state_dict(), state, "fc.", "odd.pth")
    assert str(error.value) == (
        "The weights of odd.pth do not fit: it lacks bn1.weight; the network has no mystery; "
        "of another shape is conv1.weight"
    )
    with pytest.raises(GlassworkError, match=r"it lacks conv1\.weight, .* and \d+ more"):
        fitting(ours.state_dict(), {}, "fc.", "empty.pth")


def test_counts_of_batches_may_be_missing(theirs: nn.Module) -> None:
    state = {name: one for name, one in theirs.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert fitting(ResNet("resnet18", (3, 64, 64), 7).state_dict(), state, "fc.", "old.pth")[1]


def write_odd(kind: str, path: Path) -> None:
    if kind == "objects":
        torch.save(nn.Linear(2, 2), path)
    elif kind == "no dictionary":
        torch.save([torch.zeros(2)], path)
    elif kind == "numbers":
        torch.save({"weight": 3}, path)
    else:
        path.write_bytes({"text": b"hello, world", "empty": b"", "cut off": b"PK\x03\x04" + bytes(50)}[kind])


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("objects", "pickled objects, which could run any program"),
        ("no dictionary", "holds no state dict"),
        ("numbers", "holds no state dict"),
        ("text", "cannot be read as weights"),
        ("empty", "cannot be read as weights"),
        ("cut off", "cannot be read as weights"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_odd_files_are_refused_in_a_sentence(kind: str, sentence: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"odd{suffix}"
    write_odd(kind, path)
    with pytest.raises(GlassworkError, match=sentence if suffix == ".pth" else "cannot be read as weights") as error:
        load_weights(str(path), "resnet18")
    assert "\n" not in str(error.value)


class Runs:
    """What runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


def test_nothing_is_run_by_reading(tmp_path: Path) -> None:
    torch.save({"weight": Runs()}, tmp_path / "evil.pth")
    with pytest.raises(GlassworkError, match="pickled objects"):
        load_weights(str(tmp_path / "evil.pth"), "resnet18")
    assert not Path("ran").exists()


def test_torchvision_s_names_are_downloaded_once(
    theirs: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
    with pytest.raises(
        GlassworkError, match=r"resnet18\.IMAGENET1K_V1 cannot be downloaded \(.*\): efficientnet-lite0"
    ):
        load_weights("resnet18", "resnet18")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(theirs.state_dict(), folder / "resnet18-f37072fd.pth")
    for source in ("resnet18", "resnet18.IMAGENET1K_V1"):
        found = load_weights(source, "resnet18")
        assert torch.equal(found.tensors["fc.bias"], theirs.state_dict()["fc.bias"])
        assert found.classes[281] == "tabby"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("resnet81", "There are no weights called 'resnet81'"),
        ("resnet18.V7", "has no weights 'V7', only IMAGENET1K_V1"),
        ("somewhere/weights.pth", "There is no file somewhere/weights.pth"),
        ("weights.safetensors", "There is no file weights.safetensors"),
        ("timm:resnet18", "need the package timm"),
    ],
)
def test_missing_weights_are_told(source: str, sentence: str) -> None:
    with pytest.raises(GlassworkError, match=sentence):
        load_weights(source, "resnet18")


def test_inputs_are_scaled_as_the_weights_expect() -> None:
    assert input_scaling("resnet18", "resnet18") == input_scaling("any.pth", "vgg16-bn") == IMAGENET
    lite = input_scaling("efficientnet-lite0", "efficientnet-lite0")
    assert lite is not None
    pixels = torch.arange(256) / 255
    torch.testing.assert_close((pixels - lite[0][0]) / lite[1][0], (torch.arange(256) - 127) / 128)
    assert input_scaling("any.pth", "convnet-small") is None
    assert input_images("resnet18") == (3, None)


def test_a_published_network_recognises_a_photograph() -> None:
    network, task, _ = published("efficientnet-lite0")
    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)[None, :, :, 106:533].float()
    mean, deviation = (torch.tensor(one)[:, None, None] for one in (task.inputs.mean, task.inputs.deviation))
    with torch.no_grad():
        scores = network((interpolate(photo, (224, 224), mode="bilinear", antialias=True) / 255 - mean) / deviation)
    assert task.target.names[int(scores.argmax())] == "palace"


def test_imagenet_s_classes_have_a_name_each() -> None:
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[281], names[999]) == ("tench", "tabby", "toilet tissue")
    assert (names[134], names[517]) == ("crane bird", "crane")


def test_the_recipe_names_every_network() -> None:
    assert tuple(NETWORKS) == NAMES


@pytest.mark.parametrize("name", [name for name, entry in NETWORKS.items() if entry.head])
def test_the_last_stage_and_the_head_are_where_the_table_says(name: str) -> None:
    from glasswork.data.kinds.task import Task
    from glasswork.systems.supervised.recipe import SupervisedRecipe

    entry = NETWORKS[name]
    with torch.device("meta"):
        network = entry.build(
            SupervisedRecipe.parse({"network": name}), Task(Images((3, 224, 224)), OneClass(("a", "b")))
        )
    assert isinstance(network.get_submodule(entry.head), nn.Linear)
    names = [name for name, layer in network.named_modules() if not list(layer.children()) and list(layer.parameters())]
    tuned = [each for each in names if any(f"{each}.".startswith(f"{stage}.") for stage in entry.last_stage)]
    without = [each for each in names if each != entry.head]
    # As far as the layers stand in the order in which they work, the last stage is the end of them.
    ends = {"_conv_head", "_bn1"} & set(tuned)
    ordered = [each for each in without if each not in ends] + [each for each in without if each in ends]
    assert [each for each in tuned if each != entry.head] != []
    assert set(tuned) - {entry.head} == set(ordered[-len(set(tuned) - {entry.head}) :])
    stages = [each for stage in entry.stages for each in stage]
    assert {each for each in names if any(f"{each}.".startswith(f"{stage}.") for stage in stages)} | {
        entry.head
    } == set(names)
    assert len(stages) == len(set(stages))
