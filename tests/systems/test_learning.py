"""The frames of a run: spread over it, kept when it is stopped and goes on, and without effect on what is learnt."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from glasswork.cli import main
from glasswork.data.kinds.table import Table
from glasswork.errors import GlassworkError
from glasswork.glassbox.regions import plane_of
from glasswork.run.carry_out import reopen
from glasswork.run.folder import RunFolder
from glasswork.systems import learning as frames
from glasswork.systems.learning import Learning
from glasswork.training.stage import Step
from made_data import broken_off, mistake, resume, train, write_table

OPTIONS = {"data": "moons", "epochs": 12}
STEPS = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train("points", out=str(tmp_path_factory.mktemp("whole") / "run"), **OPTIONS)


def frames_of(run: Path) -> list[frames.Frame]:
    return frames.read_frames(run / frames.FRAMES_FILE, RunFolder(run).key)


def test_frames_are_spread_over_the_run_more_of_them_early(tmp_path: Path) -> None:
    run = train("points", out="run", data="spiral")
    kept = frames_of(run)
    numbers = [frame.number for frame in kept]
    assert numbers[0] == 1 and numbers[-1] == 1500 and 20 <= len(numbers) <= frames.MOST_FRAMES
    gaps = [later - earlier for earlier, later in itertools.pairwise(numbers)]
    assert gaps[0] < gaps[len(gaps) // 2] < gaps[-1]
    assert all(frame.answers.shape == (frames.CELLS, frames.CELLS, 2) for frame in kept)
    assert not torch.equal(kept[0].answers, kept[-1].answers)
    with Image.open(run / "region.gif") as moving:
        assert getattr(moving, "n_frames", 1) == len(kept)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result["pictures"] == ["region.png", "region.gif", "units.png"]
    assert result["test"]["accuracy"] > 0.95  # the preset learns the spiral


@pytest.mark.parametrize("after", [1, 30, STEPS - 1])
def test_a_run_that_was_stopped_has_the_frames_of_one_that_was_not(after: int, whole: Path) -> None:
    stopped = broken_off("points", after, out="stopped", **OPTIONS)
    assert len(frames_of(stopped)) < len(frames_of(whole))
    resume(stopped)
    for file in (frames.FRAMES_FILE, "region.gif", "region.png", "units.png", "model/model.safetensors", "steps.jsonl"):
        assert (stopped / file).read_bytes() == (whole / file).read_bytes(), file


def test_frames_after_the_checkpoint_are_dropped(whole: Path) -> None:
    """As a run that was killed between two checkpoints leaves them."""
    stopped = broken_off("points", 30, out="stopped", **OPTIONS)
    (stopped / frames.FRAMES_FILE).write_bytes((whole / frames.FRAMES_FILE).read_bytes())
    resume(stopped)
    assert (stopped / frames.FRAMES_FILE).read_bytes() == (whole / frames.FRAMES_FILE).read_bytes()


def test_looking_changes_nothing_that_is_learnt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = {"data": "moons", "epochs": 6, "dropout": 0.3, "validation": 0.2}
    looked = train("points", out="looked", **options)

    def unlooked(steps: Iterator[Step], *_: object) -> Iterator[Step]:
        return steps

    monkeypatch.setattr("glasswork.systems.learning.record_frames", unlooked)
    plain = train("points", out="plain", **options)
    assert not (plain / frames.FRAMES_FILE).exists()
    for file in ("steps.jsonl", "model/model.safetensors"):
        assert (looked / file).read_bytes() == (plain / file).read_bytes()


def test_other_data_has_no_frames_and_no_pictures(tmp_path: Path) -> None:
    run = train("mlp", out="run", data=write_table(tmp_path / "data.csv", "class"), epochs=1)
    assert not list(run.glob("*.png")) and not (run / frames.FRAMES_FILE).exists()
    assert "pictures" not in json.loads((run / "result.json").read_text(encoding="utf-8"))
    steps: Iterator[Step] = iter(())
    assert frames.record_frames(steps, lambda: run, nn.Identity(), None, 0, "") is steps


def test_a_damaged_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = broken_off("points", 30, out="run", **OPTIONS)
    (run / frames.FRAMES_FILE).write_bytes(b"nothing")
    assert "frames.safetensors is damaged" in mistake(capsys, "resume", run, "--json")
    (run / frames.FRAMES_FILE).unlink()
    assert main(["resume", str(run), "--json"]) == 0


@pytest.mark.parametrize(("target", "words"), [("class", "decision boundary"), ("number", "the predicted number")])
def test_the_users_own_two_columns_are_drawn(target: str, words: str, tmp_path: Path) -> None:
    draws = torch.randn(90, 2, generator=torch.Generator().manual_seed(0))
    kinds = ["red", "green", "blue"]
    lines = ["east,north,target"]
    for first, second in draws.tolist():
        answer: object = first * second if target == "number" else kinds[int(first > 0) + int(second > 0)]
        lines.append(f"{first:.4f},{second:.4f},{answer}")
    Path("own.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = train("points", out="run", data="own.csv", epochs=20)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert words in page and "east from left to right, north upwards" in page
    assert {"region.png", "region.gif", "units.png"} <= {path.name for path in run.iterdir()}
    reopened = reopen(RunFolder.find(run))
    reopened.folder.unlock()
    learning = reopened.process
    assert isinstance(learning, Learning)
    plane = learning.plane
    assert plane is not None and Table.of(plane.task).features == ("east", "north")
    assert plane_of(learning.dataset, learning.splits.training[:0], plane.loss, plane.execution) is None


def test_of_several_networks_the_one_that_leads_is_looked_at(tmp_path: Path) -> None:
    kept = frames_of(train("points", out="run", restarts=3, select_by="training", **OPTIONS))
    assert len({frame.answers.numpy().tobytes() for frame in kept}) == len(kept) > 5


def test_the_network_kept_is_the_last_frame(tmp_path: Path) -> None:
    run = train("points", out="run", validation=0.2, **OPTIONS)
    with Image.open(run / "region.gif") as moving:
        assert getattr(moving, "n_frames", 1) == len(frames_of(run)) + 1


def test_the_terminal_shows_the_region(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("points", json=False, **OPTIONS)
    printed = capsys.readouterr().out
    assert "'.' 0   '#' 1   x1 -" in printed and printed.count("#") > 200


def test_a_format_of_another_version_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save

    file = tmp_path / frames.FRAMES_FILE
    file.write_bytes(save({"answers": torch.zeros(1)}, {"format": "9"}))
    with pytest.raises(GlassworkError, match=r"has format 9, this version of glasswork reads 2"):
        frames.read_frames(file, "")
