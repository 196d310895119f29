from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a folder of downloads of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("GLASSWORK_CACHE", str(folder))
    monkeypatch.setenv("GLASSWORK_DATA", str(tmp_path_factory.mktemp("downloads")))
    return folder
