"""How well clips are labelled frame by frame, and what the report shows of it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.data import ragged
from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.pictures import as_png
from glasswork.execution import Execution
from glasswork.networks.recurrent import State
from glasswork.objectives.metrics import confusion_matrix, grouped_share_interval
from glasswork.objectives.spans import marks_spans, measure_labels, span_f1
from glasswork.report.blocks import Timeline
from glasswork.report.report import Score, Section
from glasswork.report.sections import LabelFigures, Mistake, mistakes
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.system import Context, Findings
from glasswork.systems.video.network import VideoNetwork

AT_ONCE = 256
"""Frames of a clip that are encoded together; the state is carried on from one such stretch to the next."""
MISTAKES, OF_ONE_CLIP = 24, 3
SHOWN = 4
BASELINE = "always predicting the most frequent label"


def watch(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> list[Tensor]:
    """Scores at every frame of each clip, float32 (frames, classes) on the CPU, from its first frame on."""
    assert isinstance(network, VideoNetwork)
    network.eval()
    scaling, offsets = Scaling(dataset.task, execution), dataset.offsets["inputs"]
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


def measure_frames(dataset: Dataset, rows: Tensor, scores: Sequence[Tensor]) -> dict[str, float]:
    """`loss` (mean of a frame), `accuracy`, `f1` and `macro_f1`."""
    truths, names = _truths(dataset, rows), dataset.task.target.names
    loss = functional.cross_entropy(torch.cat(list(scores)), torch.cat(truths))
    answers = [each.argmax(1) for each in scores]
    return measure_labels(_words(truths, names), _words(answers, names), names, float(loss))


def _truths(dataset: Dataset, rows: Tensor) -> list[Tensor]:
    """The true labels of each clip, int64 (frames,)."""
    return ragged.split(dataset.columns["targets"], dataset.offsets["targets"], rows)


def _words(labels: Sequence[Tensor], names: Sequence[str]) -> list[list[str]]:
    return [[names[number] for number in part.tolist()] for part in labels]


def report_frames(context: Context, evaluation: Evaluation[Sequence[Tensor]]) -> Findings:
    """What is said about labelled clips.

    Args:
        context: what was trained on, for the baseline.
        evaluation: scores at every frame of the clips that are measured on.
    """
    dataset, rows, scores = context.dataset, evaluation.rows, evaluation.outputs
    where, names = measured_rows(context.splits)[0], dataset.task.target.names
    accuracy = evaluation.metrics.values["accuracy"]
    answers, truths = [each.argmax(1) for each in scores], _truths(dataset, rows)
    shares = [float((answer == truth).float().mean()) for answer, truth in zip(answers, truths, strict=True)]
    count = sum(map(len, truths))
    usual = int(torch.bincount(torch.cat(_truths(dataset, context.splits.training))).argmax())
    baseline = float((torch.cat(truths) == usual).float().mean())
    matrix = confusion_matrix(torch.cat(answers), torch.cat(truths), len(names))
    score = Score(
        "accuracy",
        accuracy,
        f"{round(accuracy * count):,} of {count:,} frames of {len(rows)} {where} clips",
        grouped_share_interval(shares, accuracy),
        baseline=BASELINE,
        baseline_value=baseline,
    )
    figures = span_f1(_words(truths, names), _words(answers, names), marks_spans(names))
    return Findings(
        score,
        sections=[
            _over_time(dataset, rows, answers, shares),
            mistakes(
                (names, matrix.tolist()),
                labels=[LabelFigures(one.label, one.count, one.precision, one.recall, one.f1) for one in figures],
                examples=_mistakes(dataset, rows, scores),
            ),
        ],
        results={"most_frequent_label_accuracy": baseline},
    )


def _mistakes(dataset: Dataset, rows: Tensor, scores: Sequence[Tensor]) -> list[Mistake]:
    """The frames that were answered wrongly with most confidence, a few of each clip at most."""
    names, found = dataset.task.target.names, []
    for row, each, truth in zip(rows.tolist(), scores, _truths(dataset, rows), strict=True):
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
    truths = _truths(dataset, rows)
    return Section(
        "Frame by frame",
        f"{len(chosen)} of the {len(rows):,} clips, from the lowest to the highest accuracy.",
        [
            Timeline(
                f"{dataset.name(int(rows[place]))}: {shares[place]:.1%} of its frames",
                dataset.task.target.names,
                truths[place].tolist(),
                answers[place].tolist(),
            )
            for place in chosen
        ],
    )
