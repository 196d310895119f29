"""Where a run's own data is, read from its folder."""

from glasswork.catalogue import make_system
from glasswork.run.folder import RunFolder
from glasswork.run.request import Request
from glasswork.run.start import read_seen, read_start
from glasswork.systems.own_data import OwnData


def own_data(folder: RunFolder, request: Request) -> OwnData:
    """The data of a run that was asked for in these words.

    Raises:
        GlassworkError: if the run has not noted what it was.
    """
    fingerprint, path = folder.read_data()
    system = make_system(request.system, folder.with_kept_network(request.recipe), request.network)
    start = read_start(folder.start, request.start, system) if request.start is not None else None
    return OwnData(folder.name, system, path, fingerprint, start, read_seen(folder.path))
