"""A run's model, read from its folder."""

from pathlib import Path

from torch import nn

from glasswork.catalogue import make_system, row_of
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.files import parsing
from glasswork.networks.weights import run_folder
from glasswork.run.folder import RunFolder
from glasswork.run.own_data import own_data
from glasswork.run.start import read_model
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
        if folder.read_result() is not None and not row_of(folder.read_request().system).data:
            raise GlassworkError(f"{folder.name} leaves no model: what it made is in its folder, see its report.html")
        raise GlassworkError(f"{folder.name} has no model yet: finish it with glasswork resume {folder.name}")
    execution = Execution(choose_device(device), usable_cores())
    file, remedy = folder.model / "model.json", f"glasswork resume {folder.name} makes it again"
    found = read_model(folder, folder.model, folder.path, remedy)
    with parsing(file, remedy):
        name = found.description["system"]
        recipe, row = folder.with_kept_network(row_of(name).recipe.parse(found.description["recipe"])), row_of(name)
        if not row.data:
            return row.process_class().load(recipe, found.weights, folder.name, execution)
        system = make_system(name, recipe, network)
        task = Task.from_json(found.description["task"], system.takes, system.answers)
    made = system.network(task)
    try:
        made.load_state_dict(found.weights)
    except RuntimeError as error:
        raise GlassworkError(
            f"The weights in {folder.name} do not fit the network: {str(error).splitlines()[-1].strip()}"
        ) from None
    return system.model_class()(
        made, task, system, folder.name, execution, own_data(folder, folder.read_request(network), found.seen)
    )
