"""How well clips are labelled frame by frame, and what the report shows of it."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.execution import Execution
from glasswork.networks.recurrent import State
from glasswork.objectives.metrics import confusion_matrix
from glasswork.report.blocks import Timeline
from glasswork.report.report import Section
from glasswork.report.sections import LabelFigures, Mistake
from glasswork.systems.sequence_metrics import by_label, measured, targets_of
from glasswork.systems.supervised_findings import as_png
from glasswork.systems.video.network import VideoNetwork

AT_ONCE = 256
"""Frames of a clip that are encoded together; the state is carried on from one such stretch to the next."""
MISTAKES, OF_ONE_CLIP = 24, 3
SHOWN = 4
BASELINE = "always answering the most frequent label"


def watched(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> list[Tensor]:
    """Scores at every frame of each clip, float32 (frames, classes) on the CPU, from its first frame on."""
    assert isinstance(network, VideoNetwork)
    network.eval()
    scaling, offsets = Scaling(dataset.schema, execution), dataset.offsets["inputs"]
    found = []
    with torch.inference_mode(), execution.arithmetic():
        for begin, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True):
            state: State | None = None
            parts = []
            for start in range(begin, end, AT_ONCE):
                frames = scaling.inputs(dataset.columns["inputs"][start : min(end, start + AT_ONCE)])
                scores, state = network.read(frames[None], state)
                parts.append(scores[0].T.float().cpu())
            found.append(torch.cat(parts))
    return found


def figures(dataset: Dataset, rows: Tensor, scores: Sequence[Tensor]) -> dict[str, float]:
    """`loss` (mean of a frame), `accuracy`, `f1` and `macro_f1`."""
    loss = functional.cross_entropy(torch.cat(list(scores)), torch.cat(targets_of(dataset, rows)))
    return measured(dataset, rows, [each.argmax(1) for each in scores], float(loss))


def findings(dataset: Dataset, training: Tensor, rows: Tensor, where: str, scores: Sequence[Tensor]) -> dict[str, Any]:
    """Fields of the report.

    Args:
        dataset: all clips.
        training: rows that were trained on, for the baseline.
        rows: rows that were answered.
        where: which part they are, in words.
        scores: at every frame of each, (frames, classes).
    """
    metrics, names = figures(dataset, rows, scores), dataset.schema.classes
    answers, truths = [each.argmax(1) for each in scores], targets_of(dataset, rows)
    shares = [float((answer == truth).float().mean()) for answer, truth in zip(answers, truths, strict=True)]
    count = sum(map(len, truths))
    low, high = _interval(shares, metrics["accuracy"])
    usual = int(torch.bincount(torch.cat(targets_of(dataset, training))).argmax())
    baseline = float((torch.cat(truths) == usual).float().mean())
    matrix = confusion_matrix(torch.cat(answers), torch.cat(truths), len(names))
    return {
        "headline_metric": "accuracy",
        "headline_value": metrics["accuracy"],
        "headline_count": f"{round(metrics['accuracy'] * count):,} of {count:,} frames of {len(rows)} {where} clips",
        "headline_low": low,
        "headline_high": high,
        "baseline_name": BASELINE,
        "baseline_value": baseline,
        "per_label": [
            LabelFigures(one.label, one.count, one.precision, one.recall, one.f1)
            for one in by_label(dataset, rows, answers)
        ],
        "confusion": (names, matrix.tolist()),
        "mistakes": _mistakes(dataset, rows, scores),
        "test_metrics": metrics,
        "parts": [_over_time(dataset, rows, answers, shares)],
        "result": {"most_frequent_label_accuracy": baseline},
    }


def _interval(shares: Sequence[float], mean: float) -> tuple[float | None, float | None]:
    """The 95 % interval of the accuracy, from how much clips differ: frames of one clip are no independent examples."""
    if len(shares) < 2:
        return None, None
    from scipy import stats

    half = float(stats.t.ppf(0.975, len(shares) - 1)) * statistics.stdev(shares) / math.sqrt(len(shares))
    return max(0.0, mean - half), min(1.0, mean + half)


def _mistakes(dataset: Dataset, rows: Tensor, scores: Sequence[Tensor]) -> list[Mistake]:
    """The frames that were answered wrongly with most confidence, a few of each clip at most."""
    names, found = dataset.schema.classes, []
    for row, each, truth in zip(rows.tolist(), scores, targets_of(dataset, rows), strict=True):
        chances, answers = each.softmax(1).max(1)
        wrong = (answers != truth).nonzero()[:, 0]
        begin = int(dataset.offsets["inputs"][row])
        for frame in wrong[chances[wrong].argsort(descending=True)][:OF_ONE_CLIP].tolist():
            place = f"{dataset.name(row)}, frame {frame}"
            said = names[int(truth[frame])], names[int(answers[frame])]
            found.append((float(chances[frame]), begin + frame, place, said))
    ranked = sorted(found, reverse=True)[:MISTAKES]
    frames = dataset.columns["inputs"]
    return [Mistake(as_png(frames[at]), place, *said, chance) for chance, at, place, said in ranked]


def _over_time(dataset: Dataset, rows: Tensor, answers: Sequence[Tensor], shares: Sequence[float]) -> Section:
    """The clips from the worst to the best, a few of them."""
    order = sorted(range(len(rows)), key=lambda place: shares[place])
    chosen = [order[place * (len(order) - 1) // max(1, SHOWN - 1)] for place in range(min(SHOWN, len(order)))]
    truths = targets_of(dataset, rows)
    return Section(
        "Frame by frame",
        f"{len(chosen)} of the {len(rows):,} clips, from the one with fewest right answers to the one with most.",
        [
            Timeline(
                f"{dataset.name(int(rows[place]))}: {shares[place]:.1%} of its frames",
                dataset.schema.classes,
                truths[place].tolist(),
                answers[place].tolist(),
            )
            for place in chosen
        ],
    )
