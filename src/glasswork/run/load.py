"""A run's model, read from its folder."""

import json
from pathlib import Path

import safetensors
from safetensors.torch import load
from torch import nn

from glasswork.catalogue import make_system, row_of
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.networks.weights import run_folder
from glasswork.run.folder import RunFolder
from glasswork.run.own_data import own_data
from glasswork.systems.model import Model
from glasswork.systems.supervised.system import PUBLISHED, published


def load_model(run: str | Path, network: nn.Module | None = None, device: str = "auto") -> Model:
    """The model of a run.

    Args:
        run: the run's folder, or its name under runs/; or a network with published weights, such as efficientnet-lite0.
        network: the user's module, for a run that was trained on a module object rather than a named one.
        device: where it shall answer.

    Raises:
        GlassworkError: if there is no run, it is not finished, or its files do not fit.
    """
    if str(run) in PUBLISHED and run_folder(str(run)) is None:
        return Model(*published(str(run)), str(run), Execution(choose_device(device), usable_cores()))
    folder = RunFolder.find(run)
    if not (folder.model / "model.json").is_file():
        raise GlassworkError(f"{folder.name} has no model yet: finish it with glasswork resume {folder.name}")
    try:
        description = json.loads((folder.model / "model.json").read_text(encoding="utf-8"))
        weights = load((folder.model / "model.safetensors").read_bytes())
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise GlassworkError(f"The model in {folder.name} cannot be read: {error}") from None
    folder.check_format("model/model.json", {"format": description.get("format")})
    recipe = folder.with_kept_network(row_of(description["system"]).recipe.parse(description["recipe"]))
    system = make_system(description["system"], recipe, network)
    task = Task.from_json(description["task"], system.takes, system.answers)
    made = system.network(task)
    try:
        made.load_state_dict(weights)
    except RuntimeError as error:
        raise GlassworkError(
            f"The weights in {folder.name} do not fit the network: {str(error).splitlines()[-1].strip()}"
        ) from None
    execution = Execution(choose_device(device), usable_cores())
    return system.model_class()(
        made, task, system, folder.name, execution, own_data(folder, folder.read_request(network))
    )
