"""Detection end to end on made squares, its pooling beside torchvision's, and its machines beside scikit-learn's."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torchvision.ops import nms, roi_align

from glasswork.cli import main
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.task import Task
from glasswork.data.ragged import pack
from glasswork.objectives.detection import suppress
from glasswork.systems.rcnn.machines import fit_machines
from glasswork.systems.rcnn.network import pool_regions
from glasswork.systems.rcnn.system import write_boxes
from made_data import said, train


def test_regions_are_pooled_as_by_torchvision() -> None:
    draws = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 16, 16, generator=draws)
    corners = 8 + torch.rand(2, 5, 2, generator=draws) * 20
    regions = torch.cat([corners, corners + 4 + torch.rand(2, 5, 2, generator=draws) * 25], -1)
    ours = pool_regions(maps, regions, 64, 4, largest=False)
    theirs = roi_align(maps, list(regions), 4, 16 / 64, 2, aligned=True)
    torch.testing.assert_close(ours.transpose(1, 2).flatten(0, 1), theirs)


def test_suppression_is_torchvision_s() -> None:
    draws = torch.Generator().manual_seed(0)
    corners = torch.rand(80, 2, generator=draws) * 40
    boxes = torch.cat([corners, corners + 10 + torch.rand(80, 2, generator=draws) * 20], 1)
    scores = torch.rand(80, generator=draws)
    assert torch.equal(suppress(boxes, scores, 0.3), nms(boxes, scores, 0.3))


def test_machines_tell_regions_apart_and_boxes_are_moved_onto_things() -> None:
    """Regions whose features are their own places: linear machines and moves suffice."""
    draws = torch.Generator().manual_seed(0)
    boxes = [torch.tensor([[20.0 + row % 5, 20, 40 + row % 5, 40, row % 2, 0]]) for row in range(40)]
    near = [each[:, :4] + torch.randint(-2, 3, (6, 4), generator=draws) for each in boxes]
    far = [torch.tensor([[0.0, 0, 15, 15], [44, 44, 60, 60], [0, 44, 16, 60]]) for _ in boxes]
    (targets, ends), (proposals, begins) = pack(boxes), pack([torch.cat(pair) for pair in zip(near, far, strict=True)])
    columns = {"inputs": torch.zeros(40, 1), "targets": targets, "proposals": proposals}
    task = Task(Images((3, 64, 64)), Boxes(("even", "odd")))
    dataset = Dataset(columns, task, "made", offsets={"targets": ends, "proposals": begins})

    def describe(row: int, regions: torch.Tensor) -> torch.Tensor:
        thing = ((regions[:, :2] > 16) & (regions[:, 2:] < 50)).all(1).float()
        kind = thing * (1 if row % 2 else -1)
        return torch.stack([thing, kind, *(regions - targets[row, :4]).T * thing], 1)

    found = fit_machines(describe, dataset, torch.arange(40), 3, 1e-4, 0)
    features = torch.cat([describe(row, torch.cat([boxes[row][:, :4], far[row]])) for row in range(40)])
    margins = found.margins(features)
    truth = torch.zeros(160, 2, dtype=torch.bool)
    truth[torch.arange(0, 160, 4), torch.arange(40) % 2] = True
    assert torch.equal(margins > 0, truth)
    for number in range(2):
        svc = LinearSVC(loss="hinge", max_iter=20_000).fit(features.numpy(), truth[:, number].numpy())
        assert np.array_equal(svc.decision_function(features.numpy()) > 0, truth[:, number].numpy())
    standard = (describe(0, near[0]) - found.mean) / found.scale
    moves = (standard @ found.box_weight.T + found.box_bias).view(-1, 2, 4)[:, 0]
    wanted = (targets[0, :2] + targets[0, 2:4]) / 2 - (near[0][:, :2] + near[0][:, 2:]) / 2
    before = wanted.abs().mean()
    after = (wanted - moves[:, :2] * (near[0][:, 2:] - near[0][:, :2])).abs().mean()
    assert after < before


def test_boxes_are_found_written_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = write_boxes(tmp_path / "boxes", 24)
    options = {"network": "convnet-small", "mode": "scratch", "proposals": 40, "regions": 16, "batch_size": 4}
    run = train("fast-rcnn", data=tmp_path / "boxes", epochs=20, learning_rate=0.01, **options)
    test = said(capsys)["test"]
    assert test["map50"] > 0.5 and test["map50"] >= test["map"]
    assert main(["predict", str(run), str(picture), "--json"]) == 0
    (answer,) = said(capsys)["answers"]
    assert sorted(answer["answer"]) == ["dark", "light"]
    dark = next(box for box in answer["boxes"] if box["name"] == "dark")
    assert dark["score"] > 0.5 and dark["left"] < 8 and 16 < dark["right"] < 34
    folder = picture.parent
    assert main(["predict", str(run), str(folder), "--csv", "boxes.csv", "--out", "boxes.html"]) == 0
    with Path("boxes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["input", "name", "score", "left", "top", "right", "bottom"]
    assert len({row["input"] for row in rows}) == 24
    page = Path("boxes.html").read_text(encoding="utf-8")
    for words in ("1. input", "2. region proposals", "3. warped regions", "4. classification"):
        assert words in page
    assert "mAP at IoU 0.5" in (run / "report.html").read_text(encoding="utf-8")


def test_a_class_without_a_training_box_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(tmp_path / "boxes", 12)
    lists = tmp_path / "boxes" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(f"{number:02}" for number in range(8)) + "\n", encoding="utf-8")
    (lists / "test.txt").write_text("10\n", encoding="utf-8")
    one = tmp_path / "boxes" / "Annotations" / "10.xml"
    one.write_text(one.read_text(encoding="utf-8").replace("dark", "odd"), encoding="utf-8")
    assert (
        main(["train", "rcnn", "--data", str(tmp_path / "boxes"), "--network", "convnet-small", "--mode", "scratch"])
        == 2
    )
    assert "leaves class 'odd' without a training box" in capsys.readouterr().err


def test_json_of_a_run_has_the_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_boxes(tmp_path / "boxes", 24)
    options = {"network": "convnet-small", "mode": "scratch", "region_size": 16, "proposals": 30, "negatives": 10}
    run = train("rcnn", data=tmp_path / "boxes", epochs=2, **options)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert {"baseline_visual_words_map50", "baseline_HOG_templates_map50"} <= result.keys()
    assert result["test"]["map50"] > 0.2
