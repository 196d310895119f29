"""How well recordings are transcribed, and what needs no learning to compare with."""

from collections import Counter
from collections.abc import Sequence

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.objectives.edits import align_edits, bootstrap_interval, error_rate
from glasswork.report.blocks import Cell, Table
from glasswork.report.report import Score, Section
from glasswork.report.words import percent
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.sequences import references_of
from glasswork.systems.speech.transcribe import Transcribed, errors_of
from glasswork.systems.system import Context, Findings

SHOWN = 12
CONFUSED = 10


def majority(dataset: Dataset, training: Tensor, rows: Tensor) -> tuple[str, float, float]:
    """The constant answer with the fewest wrong words: the most frequent transcript in training, or word; and errors.

    Returns:
        The answer, and its word and character error rate on `rows`.
    """
    texts = [lines[0] for lines in references_of(dataset, training)]
    whole, words = Counter(texts), Counter(word for text in texts for word in text.split())
    ranked = [max(counts, key=lambda text: (counts[text], text)) for counts in (whole, words)]
    found = []
    for text in dict.fromkeys(ranked):
        by_word, by_character = errors_of([text] * len(rows), dataset, rows)
        found.append((error_rate(by_word), error_rate(by_character), text))
    wer, cer, text = min(found)
    return text, wer, cer


def report_speech(context: Context, evaluation: Evaluation[Transcribed], width: int) -> Findings:
    """What is said about transcribed recordings.

    Args:
        context: what was trained on, for the baseline.
        evaluation: the transcripts of the rows that are measured on.
        width: of the beam.
    """
    dataset, rows, where = context.dataset, evaluation.rows, measured_rows(context.splits)[0]
    heard, training = evaluation.outputs, context.splits.training
    words, characters = errors_of(heard.texts, dataset, rows)
    intervals = bootstrap_interval(words), bootstrap_interval(characters)
    answer, base_words, base_characters = majority(dataset, training, rows)
    plain = [error_rate(errors) for errors in errors_of(heard.greedy, dataset, rows)]
    score = Score(
        "wer",
        error_rate(words),
        interval=intervals[0],
        higher_is_better=False,
        baseline=f"always answering '{answer}'",
        baseline_value=base_words,
    )
    lines: list[list[Cell]] = [
        [f"beam search of width {width}", *_shares(score.value, error_rate(characters))],
        ["the best path (greedy)", *_shares(*plain)],
        [f"always '{answer}'", *_shares(base_words, base_characters)],
    ]
    counted = f"{len(rows):,} {where} recordings, {sum(one.length for one in words):,} words"
    sections = [
        Section(
            "Errors",
            f"Words and characters that have to be changed, added or left out, over those of the transcripts: "
            f"{counted}.",
            [Table(("", "word error rate", "character error rate"), lines), _confused(heard.texts, dataset, rows)],
        ),
        Section(
            "Transcripts",
            "From those with the fewest errors to those with the most.",
            [_examples(heard, dataset, rows)],
        ),
    ]
    results = {
        "wer_interval": intervals[0],
        "cer_interval": intervals[1],
        "greedy_wer": plain[0],
        "greedy_cer": plain[1],
        "majority_answer": answer,
        "majority_wer": base_words,
        "majority_cer": base_characters,
    }
    return Findings(score, sections=sections, results=results)


def _shares(*values: float) -> list[str]:
    return [percent(value) for value in values]


def _examples(heard: Transcribed, dataset: Dataset, rows: Tensor) -> Table:
    """Some transcripts beside the true ones."""
    words, _ = errors_of(heard.texts, dataset, rows)
    ranked = sorted(range(len(rows)), key=lambda place: words[place].edits / max(1, words[place].length))
    count = min(SHOWN, len(ranked))
    places = [ranked[step * (len(ranked) - 1) // max(1, count - 1)] for step in range(count)]
    truths = references_of(dataset, rows)
    cells = [
        (dataset.name(int(rows[place])), truths[place][0], heard.texts[place], words[place].edits)
        for place in dict.fromkeys(places)
    ]
    return Table(("recording", "said", "heard", "wrong words"), cells, noun="recordings", look="listing")


def _confused(texts: Sequence[str], dataset: Dataset, rows: Tensor) -> Table:
    """The mistakes in words that come most often."""
    counts = Counter(
        edit
        for truth, said in zip(references_of(dataset, rows), texts, strict=True)
        for edit in align_edits(truth[0].split(), said.split())
        if edit.truth != edit.said
    )
    cells = [
        (edit.truth or "(nothing)", edit.said or "(nothing)", count) for edit, count in counts.most_common(CONFUSED)
    ]
    return Table(("said", "heard", "times"), cells, "Mistakes that come most often", "mistakes", "listing")
