"""F1 of spans by CoNLL's rule: hand examples, and a reference that goes by conlleval's two questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.objectives.spans import marks_spans, span_f1, spans

LABELS = ["O", "B-P", "I-P", "E-P", "S-P", "B-L", "I-L", "E-L", "S-L"]


def starts(before: tuple[str, str], now: tuple[str, str]) -> bool:
    """conlleval's startOfChunk."""
    pairs = {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("E", "B"), ("O", "E")}
    pairs |= {("S", mark) for mark in "BIE"}
    return now[0] == "S" or (before[0], now[0]) in pairs or (now[0] != "O" and before[1] != now[1])


def ends(before: tuple[str, str], now: tuple[str, str]) -> bool:
    """conlleval's endOfChunk."""
    if before[0] == "O":
        return False
    stops = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("B", "S"), ("I", "S")}
    return before[0] in "ES" or (before[0], now[0]) in stops or before[1] != now[1]


def reference(labels: list[str]) -> list[tuple[str, int, int]]:
    found, begun, before = [], 0, ("O", "")
    for place, label in enumerate([*labels, "O"]):
        now = (label[0], label[2:])
        if ends(before, now):
            found.append((before[1], begun, place))
        if starts(before, now):
            begun = place
        before = now
    return found


@given(some.lists(some.sampled_from(LABELS), max_size=12))
def test_spans_are_those_of_conlleval(labels: list[str]) -> None:
    assert spans(labels, True) == reference(labels)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),
        ("I-PER I-PER B-PER O", [("PER", 0, 2), ("PER", 2, 3)]),
        ("I-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-PER L-PER U-LOC O", [("PER", 0, 2), ("LOC", 2, 3)]),
        ("O O", []),
    ],
)
def test_hand_examples_of_the_schemes(labels: str, expected: list[tuple[str, int, int]]) -> None:
    assert spans(labels.split(), True) == expected


def test_a_span_counts_where_kind_and_both_ends_are_right() -> None:
    truth = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"]]
    answer = [["B-PER", "O", "O", "B-LOC"], ["B-PER", "B-PER"]]
    whole, person, place = span_f1(truth, answer, True)
    assert (whole.label, whole.count, whole.precision, whole.recall) == ("all", 3, 0.5, pytest.approx(2 / 3))
    assert whole.f1 == pytest.approx(4 / 7)
    assert (person.label, person.precision, person.recall, person.f1) == ("PER", pytest.approx(1 / 3), 0.5, 0.4)
    assert (place.label, place.f1) == ("LOC", 1.0)


def test_labels_of_no_scheme_are_spans_of_one_word_and_f1_is_accuracy() -> None:
    assert not marks_spans(["NN", "B-ADJ"]) and not marks_spans(["O"]) and marks_spans(["O", "B-PER"])
    whole = span_f1([["NN", "VB", "NN"]], [["NN", "NN", "NN"]], False)
    assert whole[0].f1 == pytest.approx(2 / 3)
    assert [(one.label, one.count) for one in whole[1:]] == [("NN", 2), ("VB", 1)]
    assert whole[2].f1 == 0


@given(some.lists(some.tuples(*[some.lists(some.sampled_from(LABELS), min_size=4, max_size=4)] * 2), min_size=1))
def test_f1_counts_what_a_loop_counts(pairs: list[tuple[list[str], list[str]]]) -> None:
    truths, answers = [truth for truth, _ in pairs], [answer for _, answer in pairs]
    true = [(place, *span) for place, row in enumerate(truths) for span in reference(row)]
    said = [(place, *span) for place, row in enumerate(answers) for span in reference(row)]
    both = sum(span in true for span in said)
    found = span_f1(truths, answers, True)[0]
    assert found.f1 == pytest.approx(2 * both / (len(true) + len(said)) if true or said else 0)
