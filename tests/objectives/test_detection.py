"""Overlap, suppression and mean average precision: by hand, and beside faster-coco-eval."""

import contextlib
import io

import pytest
import torch

from glasswork.objectives.detection import Detections, Truth, decode, encode, mean_average_precision, overlap, suppress


def box(*corners: float) -> torch.Tensor:
    return torch.tensor([corners])


def test_overlap_and_suppression_by_hand() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [20, 20, 30, 30], [1, 0, 11, 10]])
    shared = overlap(boxes, boxes[:1])[:, 0]
    torch.testing.assert_close(shared, torch.tensor([1.0, 0.5, 0.0, 90 / 110]))
    scores = torch.tensor([0.5, 0.9, 0.1, 0.8])
    assert suppress(boxes, scores, 0.6).tolist() == [1, 3, 2]  # 3 overlaps 1 by 0.43, and takes 0 away
    assert suppress(boxes, scores, 0.3).tolist() == [1, 2]


def test_moves_come_back() -> None:
    draws = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 20, 2, generator=draws) * 50
    sizes = 5 + torch.rand(2, 20, 2, generator=draws) * 40
    boxes, wanted = torch.cat([corners, corners + sizes], -1)
    torch.testing.assert_close(decode(boxes, encode(boxes, wanted), 100, 100), wanted)


def test_the_three_rules_by_hand() -> None:
    """Two things; the first and the third detection are right: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1."""
    there = Truth(torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10]]), torch.zeros(2).long(), torch.zeros(2).long())
    found = Detections(
        torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 10]]),
        torch.zeros(3).long(),
        torch.tensor([3.0, 2, 1]),
    )
    expected = {"voc": (1 + 2 / 3) / 2, "voc11": (6 + 5 * 2 / 3) / 11, "coco": (51 + 50 * 2 / 3) / 101}
    for rule, value in expected.items():
        assert float(mean_average_precision([found], [there], 2, rule)["ap50"][0]) == pytest.approx(value)
        assert bool(mean_average_precision([found], [there], 2, rule)["ap50"][1].isnan())
    difficult = there._replace(ignored=torch.tensor([0, 1]))
    assert float(mean_average_precision([found], [difficult], 1, "voc")["ap50"][0]) == 1
    twice = Detections(there.boxes[[0, 0, 1]], torch.zeros(3).long(), torch.tensor([3.0, 2, 1]))
    assert float(mean_average_precision([twice], [there], 1, "voc")["ap50"][0]) == pytest.approx((1 + 2 / 3) / 2)


def test_as_faster_coco_eval() -> None:
    faster = pytest.importorskip("faster_coco_eval")
    draws = torch.Generator().manual_seed(1)
    found, truth = [], []
    for _ in range(30):
        count = int(torch.randint(0, 6, (), generator=draws))
        corners = torch.rand(count, 2, generator=draws) * 60
        boxes = torch.cat([corners, corners + 10 + torch.rand(count, 2, generator=draws) * 40], 1).double()
        classes = torch.randint(0, 3, (count,), generator=draws)
        ignored = torch.where(torch.rand(count, generator=draws) < 0.2, 2, 0)
        truth.append(Truth(boxes, classes, ignored))
        near = boxes.repeat(3, 1) + torch.randn(3 * count, 4, generator=draws) * 4
        near[:, 2:] = torch.maximum(near[:, 2:], near[:, :2] + 2)
        far = torch.tensor([[5.0, 5, 40, 40]]).double().repeat(3, 1) + torch.arange(3)[:, None]
        kinds = torch.cat([classes.repeat(3), torch.arange(3)])
        scores = torch.rand(len(kinds), generator=draws, dtype=torch.float64)
        found.append(Detections(torch.cat([near, far]), kinds, scores))
    ours = mean_average_precision(found, truth, 3)
    theirs = evaluated(faster, found, truth)
    assert float(ours["ap"].mean()) == pytest.approx(theirs[0], abs=1e-9)
    assert float(ours["ap50"].mean()) == pytest.approx(theirs[1], abs=1e-9)
    assert float(ours["ap75"].mean()) == pytest.approx(theirs[2], abs=1e-9)


def evaluated(faster: object, found: list[Detections], truth: list[Truth]) -> list[float]:
    annotations, answers = [], []
    for number, (there, one) in enumerate(zip(truth, found, strict=True), 1):
        for corners, kind, ignored in zip(
            there.boxes.tolist(), there.classes.tolist(), there.ignored.tolist(), strict=True
        ):
            x, y, right, bottom = corners
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": kind + 1,
                    "bbox": [x, y, right - x, bottom - y],
                    "area": (right - x) * (bottom - y),
                    "iscrowd": int(ignored == 2),
                }
            )
        for (x, y, right, bottom), kind, score in zip(
            one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True
        ):
            answers.append(
                {"image_id": number, "category_id": kind + 1, "bbox": [x, y, right - x, bottom - y], "score": score}
            )
    images = [{"id": number + 1, "width": 120, "height": 120} for number in range(len(truth))]
    categories = [{"id": number, "name": str(number)} for number in (1, 2, 3)]
    with contextlib.redirect_stdout(io.StringIO()):
        whole = faster.COCO({"images": images, "annotations": annotations, "categories": categories})  # type: ignore[attr-defined]
        evaluation = faster.COCOeval_faster(whole, whole.loadRes(answers), "bbox")  # type: ignore[attr-defined]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats)
