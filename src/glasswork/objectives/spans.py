"""F1 of labelled spans by the rule of CoNLL (Tjong Kim Sang and De Meulder 2003; the program conlleval)."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

OUTSIDE = "O"
_SCHEME = re.compile(r"[BIESLU]-.+")
_SAME = {"U": "S", "L": "E"}  # of BILOU, as IOBES calls them

Span = tuple[str, int, int]
"""What it is, its first token, and the one behind its last."""


@dataclass(frozen=True)
class LabelF1:
    """How one kind of span fares.

    Attributes:
        label: the kind.
        count: true spans.
        precision: share of the found spans that are true; 0 where none was found.
        recall: share of the true spans that were found; 0 if there is none.
        f1: 2 precision recall / (precision + recall); 0 where both are.
    """

    label: str
    count: int
    precision: float
    recall: float
    f1: float


def marks_spans(labels: Sequence[str]) -> bool:
    """Whether all labels are O or of a scheme such as B-PER and I-PER (IOB, IOB2, IOBES, BILOU)."""
    return any(label != OUTSIDE for label in labels) and all(
        label == OUTSIDE or _SCHEME.fullmatch(label) for label in labels
    )


def spans(labels: Sequence[str], schemed: bool) -> list[Span]:
    """The spans of a sentence, in order.

    Args:
        labels: of each token.
        schemed: whether they are of a scheme; else every token is a span of its own label.
    """
    if not schemed:
        return [(label, place, place + 1) for place, label in enumerate(labels)]
    found: list[Span] = []
    begun: tuple[str, int] | None = None
    before = "O"
    for place, label in enumerate([*labels, OUTSIDE]):
        mark, kind = ("O", "") if label == OUTSIDE else (_SAME.get(label[0], label[0]), label[2:])
        goes_on = begun is not None and begun[0] == kind and mark in "IE" and before in "BI"
        if begun is not None and not goes_on:
            found.append((*begun, place))
            begun = None
        if mark != "O" and begun is None:
            begun = kind, place
        before = mark
    return found


def span_f1(truths: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], schemed: bool) -> list[LabelF1]:
    """The F1 of all spans together, under the label `all`, then of each kind in the order of its frequency.

    A span counts as found where kind, beginning and end are right.

    Args:
        truths: labels of each sentence.
        answers: the same sentences as they were answered.
        schemed: as for `spans`.
    """
    true, said, both = Counter[str](), Counter[str](), Counter[str]()
    for truth, answer in zip(truths, answers, strict=True):
        one, other = set(spans(truth, schemed)), set(spans(answer, schemed))
        true.update(kind for kind, _, _ in one)
        said.update(kind for kind, _, _ in other)
        both.update(kind for kind, _, _ in one & other)
    kinds = sorted(true | said, key=lambda kind: (-true[kind], kind))
    whole = _f1("all", true.total(), said.total(), both.total())
    return [whole, *(_f1(kind, true[kind], said[kind], both[kind]) for kind in kinds)]


def measure_labels(
    truths: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], names: Sequence[str], loss: float
) -> dict[str, float]:
    """`loss`; `accuracy` over all tokens; `f1` of all spans by CoNLL's rule, and `macro_f1`, the mean over kinds.

    Args:
        truths: labels of each sentence.
        answers: the same sentences as they were answered.
        names: of all labels, which say whether they are of a scheme.
        loss: mean over the tokens.
    """
    whole, *kinds = span_f1(truths, answers, marks_spans(names))
    right = sum(
        one == other
        for truth, answer in zip(truths, answers, strict=True)
        for one, other in zip(truth, answer, strict=True)
    )
    return {
        "loss": loss,
        "accuracy": right / max(1, sum(map(len, truths))),
        "f1": whole.f1,
        "macro_f1": sum(one.f1 for one in kinds) / max(1, len(kinds)),
    }


def _f1(label: str, true: int, said: int, both: int) -> LabelF1:
    precision, recall = both / said if said else 0.0, both / true if true else 0.0
    return LabelF1(label, true, precision, recall, 2 * both / (true + said) if true + said else 0.0)
