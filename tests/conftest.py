from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# How long an example takes says nothing on a shared machine.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session")


@pytest.fixture(autouse=True)
def apart(session_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Every test in a folder of its own, with the session's cache; one thread, for this machine is shared."""
    monkeypatch.setenv("GLASSWORK_CACHE", str(session_folder / "cache"))
    monkeypatch.setenv("GLASSWORK_DATA", str(session_folder / "downloads"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
