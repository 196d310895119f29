"""The report of a character model: bits per character, and samples at stages of training."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from glasswork.data.bptt import Stretches
from glasswork.data.dataset import Dataset
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.recurrent import State
from glasswork.report.blocks import Text
from glasswork.report.report import Score, Section
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.system import Context, Findings
from glasswork.training.stage import Tree

COUNTED = 1 << 20
LANES, LEAST = 128, 2000
"""Lanes side by side, of at least so many characters each."""
WARMING = 200
"""Characters before a lane that are read without being counted, so that its first ones have context."""
CHUNK = 200


def measure_text(network: CharacterNetwork, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
    """How well the network predicts every character of some rows except the first.

    The text is divided into lanes that are read side by side; each begins `WARMING` characters early, with an empty
    state, so that the figure is that of one reading from beginning to end but for what lies farther back.

    Returns:
        `loss`: mean of -log p in nats; `bits_per_character`: the same in bits; `perplexity`: exp(loss); `accuracy`: the
        share of characters that were the most probable one.
    """
    network.eval()
    text = Stretches(dataset, rows)
    count = len(text) - 1  # characters that are predicted
    if count < 1:
        raise GlassworkError(
            f"{dataset.source} has {len(text)} character{'' if len(text) == 1 else 's'} to measure on, and at least "
            "two are needed: one to read and one to predict"
        )
    lanes = max(1, min(LANES, count // LEAST))
    length = -(-count // lanes)
    ends = torch.clamp(torch.arange(1, lanes + 1) * length, max=count)
    begins = torch.arange(lanes) * length
    total, right = torch.zeros((), dtype=torch.float64), 0
    state: State | None = None
    with torch.inference_mode():
        for start in range(-WARMING if lanes > 1 else 0, length, CHUNK):
            places = begins[:, None] + torch.arange(start, min(start + CHUNK, length))
            tokens = text.at(torch.cat([places, places[:, -1:] + 1], 1).clamp(0, count)).to(execution.device)
            with execution.arithmetic():
                scores, state = network.advance(tokens[:, :-1], state)
            if start < 0:  # the first lane has nothing before it: its state is emptied again
                state = tuple(
                    part.index_fill(1, torch.zeros(1, dtype=torch.int64, device=part.device), 0) for part in state
                )
                continue
            counted = (places < ends[:, None]).to(execution.device)
            losses = functional.cross_entropy(scores.float().transpose(1, 2), tokens[:, 1:], reduction="none")
            total += losses[counted].double().sum().cpu()
            right += int((scores.argmax(2) == tokens[:, 1:])[counted].sum())
    loss = float(total) / count
    return {
        "loss": loss,
        "bits_per_character": loss / math.log(2),
        "perplexity": math.exp(min(loss, 700.0)),
        "accuracy": right / count,
    }


def following(network: CharacterNetwork, dataset: Dataset, row: int, execution: Execution) -> Tensor:
    """The probabilities of the character after a row, (characters,), on the CPU."""
    network.eval()
    text, state = Stretches(dataset, torch.tensor([row])), None
    scores = torch.zeros(0)
    with torch.inference_mode(), execution.arithmetic():
        # What lies farther back than this is forgotten by any of these networks.
        for start in range(max(0, len(text) - 5 * CHUNK), len(text), CHUNK):
            tokens = text.at(torch.arange(start, min(start + CHUNK, len(text))))[None].to(execution.device)
            scores, state = network.advance(tokens, state)
    chances = scores[0, -1].float().softmax(0).cpu()
    return chances


def report_text(context: Context, evaluation: Evaluation[Mapping[str, float]], last: Tree | None) -> Findings:
    """The report's part on the text.

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
        baseline="a model that knows only the frequency of each character",
        baseline_value=single_characters(dataset, training, evaluation.rows),
    )
    samples = last["samples"] if last is not None else []
    if not samples:
        return Findings(score)
    return Findings(score, sections=[_stages(samples)], files={"samples.txt": _file(samples).encode()})


def single_characters(dataset: Dataset, training: Tensor, rows: Tensor) -> float:
    """Bits per character on `rows` of a model that knows only the frequency of each character in `training`."""
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
        "What the network writes by itself, at temperature 0.7: first letters in about the "
        "right proportions, then words and lines, then text that is coherent over more than a line.",
        [Text(sample["text"], "quotation", _caption(sample)) for sample in samples],
    )


def _caption(sample: Tree) -> str:
    bits = sample["loss"] / math.log(2)
    blank = "" if sample["text"].strip() else "; white space alone"
    return f"step {sample['step']:,}, epoch {sample['epoch']}: {bits:.2f} bits per character in training{blank}"


def _file(samples: list[Tree]) -> str:
    return "\n\n".join(f"=== {_caption(sample)} ===\n{sample['text']}" for sample in samples) + "\n"
