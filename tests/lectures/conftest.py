from pathlib import Path
from typing import Any

import pytest
from slides import carry_out

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def done(
    request: pytest.FixtureRequest, apart: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, dict[str, Any]]:
    """The command of the test's slide, carried out in a folder with the repository's samples."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    return carry_out(request.function.slide, capsys)


@pytest.fixture
def shown(done: tuple[Any, dict[str, Any]]) -> Any:
    """What the command of the test's slide shows."""
    return done[0]


@pytest.fixture
def names(done: tuple[Any, dict[str, Any]]) -> dict[str, Any]:
    """The names that the command's Python lines made; `lines` holds what each line in the shell printed."""
    return done[1]
