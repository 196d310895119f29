"""How good captions are, what the nearest picture's caption would be, and where the network looked at each word."""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.pictures import as_png, picture
from glasswork.data.prediction import Prediction
from glasswork.data.sequence_batches import Answered
from glasswork.execution import Execution
from glasswork.networks.decoding import Memory
from glasswork.objectives.captions import bleu, cider, cider_of_each
from glasswork.report.blocks import Block, Picture, Pictures, Remark, Table
from glasswork.report.report import Score, Section
from glasswork.report.words import percent
from glasswork.systems.caption.network import Captioner
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.sequences import Answers, follow_answers, leave_out, predictions_of, references_of
from glasswork.systems.system import Context, Findings

BASELINE = "the caption of the nearest training picture"
EXPLAINED = 20
"""Pictures whose words are explained, in one question."""
SHOWN = 12
SIDE = 192  # pixels of a picture in the evidence, at least
DARK = 0.35
DRAWS = 1000


def measure_captions(answers: Answers, dataset: Dataset, rows: Tensor) -> dict[str, float]:
    """Loss, perplexity, CIDEr-D, and BLEU-1 to BLEU-4 from 0 to 100."""
    references = references_of(dataset, rows)
    found = {name: 100 * value for name, value in bleu(answers.texts, references).items()}
    return {"loss": answers.loss, "cider": cider(answers.texts, references), **found}


def nearest_captions(features: Tensor, maps: int, training: Tensor, rows: Tensor) -> Tensor:
    """The training picture that is most like each of some others: the cosine of the means of their feature maps.

    Args:
        features: of all pictures, (pictures, places x maps).
        maps: how many feature maps.
        training: rows to choose from.
        rows: that are asked about.

    Returns:
        int64 (rows,), a training row each.
    """
    pooled = F.normalize(features.view(len(features), -1, maps).mean(1), dim=1)
    known = pooled[training]
    return torch.cat([training[(pooled[part] @ known.T).argmax(1)] for part in torch.split(rows, 512)])


def report_captions(context: Context, evaluation: Evaluation[Answers], near: Tensor, greedy: Answers) -> Findings:
    """What is said about captions of pictures.

    Args:
        context: what was trained on.
        evaluation: the captions of the rows that are measured on.
        near: the nearest training picture of each of them.
        greedy: captions of one word at a time.
    """
    dataset, rows, where = context.dataset, evaluation.rows, measured_rows(context.splits)[0]
    answers, values = evaluation.outputs, evaluation.metrics.values
    references = references_of(dataset, rows)
    borrowed = [texts[0] for texts in references_of(dataset, near)]
    ways = {
        "beam search": values,
        "greedy": measure_captions(greedy, dataset, rows),
        BASELINE: {
            "cider": cider(borrowed, references),
            **{name: 100 * value for name, value in bleu(borrowed, references).items()},
        },
    }
    names = ("cider", "bleu1", "bleu2", "bleu3", "bleu4")
    table = Table(
        ("", "CIDEr", "BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"),
        [(way, f"{one['cider']:.3f}", *(f"{one[name]:.1f}" for name in names[1:])) for way, one in ways.items()],
    )
    shown = _examples(dataset, rows, answers, references, borrowed)
    score = Score(
        "cider",
        values["cider"],
        interval=_interval(answers.texts, references),
        in_percent=False,
        baseline=BASELINE,
        baseline_value=ways[BASELINE]["cider"],
    )
    sections = [
        Section("Captions", f"{len(rows):,} {where} pictures, beside what needs no learning to write.", [table]),
        Section("Examples", "What the network wrote, and what people did.", shown),
    ]
    results = {
        **{f"nearest_{name}": ways[BASELINE][name] for name in ("cider", "bleu4")},
        **{f"greedy_{name}": ways["greedy"][name] for name in ("cider", "bleu4")},
    }
    return Findings(score, sections, results=results)


def _interval(answers: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, float] | None:
    """A 95 % interval of CIDEr by drawing pictures again (Efron 1979), with the weights of words as they are."""
    if len(answers) < 2:
        return None
    each = torch.tensor(cider_of_each(answers, references), dtype=torch.float64)
    draws = torch.Generator().manual_seed(0)
    means = torch.stack([each[torch.randint(len(each), (len(each),), generator=draws)].mean() for _ in range(DRAWS)])
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high


def _examples(
    dataset: Dataset, rows: Tensor, answers: Answers, references: Sequence[Sequence[str]], borrowed: Sequence[str]
) -> list[Block]:
    step = max(1, len(rows) // SHOWN)
    pictures = [
        Picture(
            picture(dataset, int(rows[place])),
            answers.texts[place] or "(nothing)",
            [Remark("people: ", references[place][0]), Remark("nearest: ", borrowed[place], "quiet")],
        )
        for place in range(0, len(rows), step)[:SHOWN]
    ]
    return [Pictures(pictures, look="gallery")]


def evidence_of(network: Captioner, answers: Answers, dataset: Dataset, execution: Execution) -> list[Prediction]:
    """Each caption with the probability of every word; of the first ones also where the network looked."""
    followed = follow_answers(network, dataset, answers, execution)
    found = predictions_of(answers, dataset, followed)
    make = Answered(dataset, execution)
    for row in range(min(EXPLAINED, len(dataset))):
        with torch.inference_mode():
            memory = network.encode(make(torch.tensor([row])).inputs)
        moved = _without_places(network, memory, answers.hypotheses[row][0].tokens)
        blocks = _pictures(dataset, row, network, found[row], followed[row].attention, moved)
        found[row] = replace(found[row], evidence=blocks)
    return found


def _without_places(network: Captioner, memory: Memory, tokens: Sequence[int]) -> Tensor:
    """By how many bits the caption is less probable without each place of the picture, (rows, columns)."""
    places = memory.values.shape[1]

    def variants() -> Memory:
        inside = ~torch.eye(places, dtype=torch.bool, device=memory.values.device)
        values = memory.values.expand(places, -1, -1) * inside[:, :, None]
        mean = values.sum(1) / max(1, places - 1)
        return Memory(values, inside, tuple(torch.tanh(layer(mean)) for layer in network.start))

    with torch.inference_mode():
        return torch.tensor(leave_out(network.decoder, variants, memory, tokens)).view(network.side)


def _pictures(
    dataset: Dataset, row: int, network: Captioner, said: Prediction, attention: Tensor | None, moved: Tensor
) -> list[Block]:
    """The picture under what each word looked at, and under what the whole caption needs."""
    image = dataset.task.inputs.picture(dataset, row)
    assert image is not None
    shown = _enlarge(image.float())
    needed = Picture(
        as_png(_light(shown, moved.clamp(min=0))), "what the caption needs", [Remark("each place left out in turn")]
    )
    blocks: list[Block] = [Pictures([Picture(as_png(shown), said.input), needed], look="figures")]
    if attention is not None:
        words = [
            Picture(
                as_png(_light(shown, weights.view(network.side))),
                one.token,
                [Remark("", one.token), Remark("", percent(one.probability), "quiet")],
            )
            for one, weights in zip(said.tokens, attention, strict=True)
        ]
        blocks.append(Pictures(words, "Where the network looked for each word", look="gallery"))
    return blocks


def _enlarge(image: Tensor) -> Tensor:
    scale = max(1, -(-SIDE // max(image.shape[1:])))
    return F.interpolate(image[None], scale_factor=scale, mode="nearest")[0]


def _light(image: Tensor, weights: Tensor) -> Tensor:
    """The picture, dark where the weights (rows, columns) are small."""
    most = float(weights.max())
    shares = weights / most if most > 0 else weights
    wide = F.interpolate(shares[None, None], size=image.shape[1:], mode="bicubic", align_corners=False)[0]
    lit: Tensor = image * (DARK + (1 - DARK) * wide.clamp(0, 1))
    return lit
