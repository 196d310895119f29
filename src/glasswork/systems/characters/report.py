"""What the report of a character model says: bits per character, and its writing at stages of training."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.report.blocks import Text
from glasswork.report.report import Score, Section
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.findings import Findings
from glasswork.systems.system import Context
from glasswork.training.step import Tree

COUNTED = 1 << 20


def report_text(context: Context, evaluation: Evaluation[Mapping[str, float]], last: Tree | None) -> Findings:
    """What is said about a text that was learnt.

    Args:
        context: what was trained on, for the baseline.
        evaluation: of the part that is measured on.
        last: the state of the last step; None if not one was made.
    """
    dataset, training = context.dataset, context.splits.training
    score = Score(
        "bits per character",
        evaluation.metrics.values["bits_per_character"],
        in_percent=False,
        higher_is_better=False,
        baseline="a model that knows only how often each character comes",
        baseline_value=single_characters(dataset, training, evaluation.rows),
    )
    samples = last["samples"] if last is not None else []
    if not samples:
        return Findings(score)
    return Findings(score, sections=[_stages(samples)], files={"samples.txt": _file(samples).encode()})


def single_characters(dataset: Dataset, training: Tensor, rows: Tensor) -> float:
    """Bits per character on `rows` of a model that knows only how often each character comes in `training`."""
    size = len(dataset.task.target.names)
    known, asked = (_counts(dataset, part, size) for part in (training, rows))
    logs = ((known + 1) / (known + 1).sum()).log2()
    return float(-(asked * logs).sum() / asked.sum())


def _counts(dataset: Dataset, rows: Tensor, size: int) -> Tensor:
    counts = torch.zeros(size, dtype=torch.float64)
    tokens, offsets = dataset.columns["inputs"], dataset.offsets["inputs"]
    for begin, end in zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True):
        counts += torch.bincount(tokens[begin:end].to(torch.int64), minlength=size)
    return counts


def _stages(samples: list[Tree]) -> Section:
    return Section(
        "Text at stages of training",
        "What the network writes when it is left to go on by itself, at temperature 0.7: first letters in about the "
        "right shares, then words and lines, then what belongs together over more than a line.",
        [Text(sample["text"], "quotation", _caption(sample)) for sample in samples],
    )


def _caption(sample: Tree) -> str:
    bits = sample["loss"] / math.log(2)
    blank = "" if sample["text"].strip() else "; white space alone"
    return f"step {sample['step']:,}, epoch {sample['epoch']}: {bits:.2f} bits per character in training{blank}"


def _file(samples: list[Tree]) -> str:
    return "\n\n".join(f"=== {_caption(sample)} ===\n{sample['text']}" for sample in samples) + "\n"
