"""Predictions that are sequences of tokens as reports: the answer, others, every token, and why."""

from collections.abc import Sequence

from glasswork.data.prediction import Prediction
from glasswork.report.blocks import Block, Cell, Curves, Pictures, ShadedText, Table, Text
from glasswork.report.report import Report, Section
from glasswork.report.words import percent

MOST_SHOWN = 100
"""Inputs with a section of their own on a page."""
_SCORE = 3  # digits behind the point
_BEST = 5  # answers that are shown
_START, _SPACE = "START", "(space)"


def sequences_report(run: str, predictions: Sequence[Prediction]) -> Report:
    """Answers of several tokens: of one input with all that shows why, of several a line each; a page has all.

    Args:
        run: whose model was asked.
        predictions: of which those with a problem have no answer.
    """
    answered = [one for one in predictions if not one.problem]
    alone = len(predictions) == 1
    summary: list[Block] = [_lines(predictions)]
    if alone and answered:
        summary = [Text(str(answered[0].answer)), *_written(blocks_of(answered[0]))]
    sections = [Section(str(one.answer) or "(nothing)", one.input, blocks_of(one)) for one in answered[:MOST_SHOWN]]
    if not alone:
        sections.insert(0, Section("Answers", "A line for each input, in the order they were given.", summary))
    return Report(
        f"What {run} answers", sections, summary=summary, footer="Drawn by Glasswork from the network's answers."
    )


def blocks_of(one: Prediction) -> list[Block]:
    """The best answers, the best one token by token from START to END with runners-up, and what shows why."""
    blocks: list[Block] = []
    if len(one.alternatives) > 1:
        rows = [(each.text, f"{each.score:.{_SCORE}f}") for each in one.alternatives[:_BEST]]
        blocks.append(Table(("answer", "score"), rows, noun="answers", look="listing"))
    before = [_START, *(_visible(said.token) for said in one.tokens)]
    tokens = [
        (
            after,
            _visible(said.token),
            percent(said.probability),
            ", ".join(f"{_visible(other)} {percent(chance)}" for other, chance in said.others),
        )
        for after, said in zip(before, one.tokens, strict=False)
    ]
    blocks.append(Table(("after", "token", "probability", "others"), tokens, noun="tokens", look="words"))
    if one.moved:
        most = max((abs(value) for _, value in one.moved), default=0.0) or 1.0
        blocks.append(ShadedText([(piece, value / most) for piece, value in one.moved]))
        ranked = sorted(one.moved, key=lambda pair: -abs(pair[1]))[:5]
        named = ", ".join(f"{piece.strip()} {value:+.2g}" for piece, value in ranked if value)
        blocks.append(Text(f"Bits by which the answer is less probable without each word: {named}."))
    return [*blocks, *one.evidence]


def _written(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that a terminal can show, and how to see the others."""
    shown: list[Block] = []
    for block in blocks:
        if isinstance(block, (Table, Curves)) and block.caption:  # a terminal shows these without
            shown.append(Text(f"{block.caption}:"))
        shown += [] if isinstance(block, Pictures) else [block]
    pictures = any(isinstance(block, Pictures) for block in blocks)
    return [*shown, Text("Add --out page.html to see why in pictures.")] if pictures else shown


def _visible(token: str) -> str:
    return token if token.strip() else _SPACE


def _lines(predictions: Sequence[Prediction]) -> Table:
    problem = ["problem"] if any(one.problem for one in predictions) else []
    rows: list[list[Cell]] = []
    for one in predictions:
        sure = "" if one.probability is None else percent(one.probability)
        rows.append([one.input, str(one.answer), sure, *([one.problem or ""] if problem else [])])
    return Table(("input", "answer", "probability", *problem), rows, noun="answers", look="words")
