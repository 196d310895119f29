"""How good translations are, beside a dictionary and beside what needs no search; and some of them to read."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.formats.labelled_texts import text_of
from glasswork.objectives.metrics import share_interval
from glasswork.objectives.translations import References, bleu, chrf, exact_match, word_error_rate
from glasswork.report.blocks import Block, HeatMap, Table
from glasswork.report.report import Score, Section
from glasswork.report.words import number
from glasswork.systems.sequences import Answers, references_of
from glasswork.systems.translate.dictionary import BASELINE, Dictionary

LEAST_WORDS = 4
"""Of a right answer, on average: BLEU counts runs of up to four words."""
_SHOWN = 12
_PERCENT = {"exact_match": True, "bleu": False}


def figures_of(texts: Sequence[str], references: References) -> dict[str, float]:
    """Named figures of answers: BLEU only if right answers have the words for it."""
    words = [len(known[0].split()) for known in references]
    enough = sum(words) >= LEAST_WORDS * len(words)
    return {
        **({"bleu": bleu(texts, references)} if enough else {}),
        "chrf": chrf(texts, references),
        "exact_match": exact_match(texts, references),
        "word_error_rate": word_error_rate(texts, references),
    }


def main_figure(figures: Mapping[str, float]) -> str:
    """The figure that people ask for first."""
    return "bleu" if "bleu" in figures else "exact_match"


def by_dictionary(dataset: Dataset, training: Tensor, rows: Tensor) -> list[str]:
    """The texts at some rows word by word, out of a dictionary learned on the training rows."""
    known = references_of(dataset, training)
    texts = [text_of(dataset, row) for row in training.tolist()]
    dictionary = Dictionary(texts, [right[0] for right in known])
    return dictionary.translate([text_of(dataset, row) for row in rows.tolist()])


def score_of(figures: Mapping[str, float], baseline: Mapping[str, float], count: int, where: str) -> Score:
    """The main figure beside that of the dictionary."""
    name = main_figure(figures)
    value, right = figures[name], round(figures["exact_match"] * count)
    shared = name == "exact_match"
    return Score(
        "exact match" if shared else "BLEU",
        value,
        f"{right:,} of {count:,} {where} texts" if shared else "",
        share_interval(right, count) if shared else None,
        in_percent=shared,
        baseline=f"{BASELINE}, learned by co-occurrence,",
        baseline_value=baseline.get(name),
    )


def compare_figures(each: Mapping[str, Mapping[str, float]]) -> Section:
    """The figures of each way to answer, side by side."""
    names = list(next(iter(each.values())))
    head = ("", *("BLEU" if name == "bleu" else name.replace("_", " ") for name in names))
    rows = [(way, *(number(figures[name]) for name in names)) for way, figures in each.items()]
    return Section(
        "Compared with less",
        "The same texts answered by beam search, by the most probable token each time, and by a dictionary that knows "
        "for each word the one that comes together with it most. BLEU and chrF go up to 100, the others are shares.",
        [Table(head, rows, noun="ways")],
    )


def read_answers(dataset: Dataset, rows: Tensor, answers: Answers, attention: HeatMap | None) -> Section:
    """Some texts with their right answers and what was answered, and where attention lay in the first one."""
    some = rows[:_SHOWN]
    known = references_of(dataset, some)
    lines = [
        (text_of(dataset, row), right[0], said)
        for row, right, said in zip(some.tolist(), known, answers.texts, strict=False)
    ]
    blocks: list[Block] = [Table(("text", "right answer", "answered"), lines, noun="texts", look="words")]
    blocks += [attention] if attention is not None else []
    return Section("Answers to read", "The first texts that were held out.", blocks)
