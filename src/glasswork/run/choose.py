"""The request that was asked for: of a preset, of a run to repeat or to train on from, or of a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasswork.errors import GlassworkError
from glasswork.run.folder import OWN_NETWORK, RunFolder
from glasswork.run.request import Request, make_request, read_request
from glasswork.run.suggest import suggest

if TYPE_CHECKING:
    from torch import nn


def choose_request(preset: str | None, values: Mapping[str, Any], network: "nn.Module | None" = None) -> Request:
    """The request for a preset and what was asked; a run to repeat stands under it with all that was asked then.

    Args:
        preset: its name; None: that of the run to repeat, else what fits the data.
        values: fields of recipe and machine; and `start`, a finished run to train on from.
        network: the user's own, if it is given as a module.

    Raises:
        GlassworkError: if the run to repeat has another preset, or nothing fits.
    """
    if (start := values.get("start")) is not None:
        from glasswork.run.start import continue_request

        if values.get("replay") is not None:
            raise GlassworkError("A run is repeated by --replay or trained on by --from, not both")
        values = {key: value for key, value in values.items() if key != "start"}
        return continue_request(start, preset, values, network)
    if values.get("replay") is None:
        return make_request(preset or suggest(values).preset, values, network)
    folder = RunFolder.find(values["replay"])
    former = folder.read_request()
    if preset not in {None, former.preset}:
        raise GlassworkError(f"{values['replay']} is a run of {former.preset}, not of {preset}: leave out the preset")
    return make_request(former.preset, {**former.asked, **folder.kept_network(former.recipe), **values}, network)


def request_in_file(path: Path, values: Mapping[str, Any]) -> Request:
    """The request in a recipe's file, with `values` over it; that of a run takes the run's copy of the user's network.

    Raises:
        GlassworkError: as `read_request`.
    """
    asked = read_request(path, values)
    of_run = path.name == "recipe.toml" and (path.parent / OWN_NETWORK).is_file()
    kept = RunFolder(path.parent).kept_network(asked.recipe) if of_run else {}
    return read_request(path, {**kept, **values}) if kept else asked
