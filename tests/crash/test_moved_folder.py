"""The folder of a run is renamed or deleted while it trains; TensorBoard's events cannot be written."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.run.carry_out import Run, begin_run
from glasswork.run.finish import finish
from glasswork.run.request import make_request
from made_data import PLAIN, write_npz


def begun(tmp_path: Path, preset: str = "mlp", **options: object) -> Run:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    return begin_run(
        make_request(preset, {**PLAIN, "data": data, "batch_size": 8, "epochs": 2, "out": "run", **options})
    )


@pytest.mark.parametrize("preset", ["mlp", "points"])
def test_a_run_that_is_renamed_goes_on(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = {"data": "spiral"} if preset == "points" else {}
    run = begun(tmp_path, preset, **data)
    steps = run.steps()
    next(steps)
    Path("run").rename("other")
    assert len(list(steps)) > 2
    result = finish(run)
    assert result["run"] == "other" and not Path("run").exists()
    assert result["warnings"] == ["run was renamed while it trained: it is other now"]
    assert json.loads(Path("other/result.json").read_text(encoding="utf-8"))["steps"] == result["steps"]
    assert main(["evaluate", "other", "--json"]) == 0
    assert main(["resume", "other", "--json"]) == 0


def test_a_run_that_is_deleted_says_so(tmp_path: Path) -> None:
    run = begun(tmp_path)
    steps = run.steps()
    next(steps)
    shutil.rmtree("run")
    with pytest.raises(GlassworkError, match="run was deleted, or moved to another disk, while it was in use"):
        list(steps)
    assert not Path("run").exists()


def test_events_that_cannot_be_written_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tensorboard.SummaryWriter, "add_scalar", full)
    run = begun(tmp_path, tensorboard=True)
    assert len(list(run.steps())) > 2
    (said,) = finish(run)["warnings"]
    assert (
        said == "run/tensorboard cannot be written (No space left on device): TensorBoard has no events from step 1 on"
    )
