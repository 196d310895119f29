"""Where a run's own data is, read from its folder."""

from torch import Tensor

from glasswork.catalogue import make_system
from glasswork.run.folder import RunFolder
from glasswork.run.request import Request
from glasswork.run.start import read_start
from glasswork.systems.own_data import OwnData


def own_data(folder: RunFolder, request: Request, seen: Tensor) -> OwnData:
    """The data of a run that was asked for in these words.

    Args:
        folder: the run's.
        request: what was asked for.
        seen: fingerprints of the examples that its model was trained on; empty if it has no model yet.

    Raises:
        GlassworkError: if the run has not noted what it was.
    """
    fingerprint, path = folder.read_data()
    system = make_system(request.system, folder.with_kept_network(request.recipe), request.network)
    start = read_start(folder, request.start, system) if request.start is not None else None
    return OwnData(folder.name, system, path, fingerprint, start, seen)
