import json
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import sample

from glasswork.errors import GlassworkError
from glasswork.show.report import (
    CalibrationBin,
    Confusion,
    EpochPoint,
    LabelRow,
    LayerRow,
    Mistake,
    RecipeRow,
    Report,
)
from glasswork.show.report_page import to_html
from glasswork.show.sections import Chart, Part, Photograph

NAN = math.nan
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """A page taken apart; every tag must be closed by its own kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def headings(self) -> list[str]:
        names = ["How it learned", "What it gets wrong", "Can its confidence be trusted?", "The data", "The network"]
        names += ["Before you trust it", "The recipe", "Machine and time", "What to do next"]
        return sorted((name for name in names if name in self.words), key=self.words.index)


SAMPLE = sample()
BARE = Report(title="bare", headline_metric="accuracy", headline_value=0.5)
DEGENERATE = {
    "bare": BARE,
    "undefined": replace(BARE, headline_value=NAN, headline_low=NAN, headline_high=NAN, baseline_value=0.1),
    "one epoch": replace(BARE, epochs=[EpochPoint(1, 0.7)], best_epoch=1, steps=[(1, 0.7)]),
    "diverged": replace(BARE, epochs=[EpochPoint(1, NAN, math.inf, NAN, 0.1), EpochPoint(2, NAN, NAN, NAN, 0.1)]),
    "constant": replace(BARE, epochs=[EpochPoint(epoch, 0.0, 0.0, 1.0, 0.0) for epoch in range(5)]),
    "one class": replace(BARE, confusion=Confusion(["only"], [[7]]), class_counts=[("only", 7)]),
    "nothing tested": replace(BARE, confusion=Confusion(["a", "b"], [[0, 0], [0, 0]])),
    "long names": replace(BARE, confusion=Confusion(["x" * 300, "y " * 200], [[1, 2], [3, 4]])),
    "empty bins": replace(BARE, calibration=[CalibrationBin(0.0, 1.0, 0, NAN, NAN)], expected_calibration_error=NAN),
    "rare label": replace(BARE, per_label=[LabelRow("unicorn", 0, NAN, NAN, NAN)]),
    "regression": replace(BARE, headline_in_percent=False, predictions=[(1.0, 1.5), (NAN, 2.0), (3.0, math.inf)]),
    "broken picture": replace(BARE, mistakes=[Mistake(b"\x89PNG", "short.png", "a", "b", NAN)]),
    "hundred classes": replace(
        BARE,
        confusion=Confusion(
            [f"class {i}" for i in range(100)], [[int(i == j) for i in range(100)] for j in range(100)]
        ),
        class_counts=[(f"class {index}", index) for index in range(100)],
        network=[LayerRow(f"layer {index}", "64", 10) for index in range(200)],
    ),
}


@pytest.mark.parametrize("report", [SAMPLE, *DEGENERATE.values()], ids=["sample", *DEGENERATE])
def test_every_report_gives_a_whole_page_and_comes_back_from_json(report):
    page = Page(to_html(report))
    assert report.title in page.words
    assert "nan" not in page.text.split()
    stored = json.dumps(report.to_json(), allow_nan=False)
    again = Report.from_json(json.loads(stored))
    assert json.dumps(again.to_json(), allow_nan=False) == stored
    assert to_html(again) == to_html(report)


def test_what_comes_back_from_json_equals_what_was_written():
    once = Report.from_json(SAMPLE.to_json())
    assert Report.from_json(json.loads(json.dumps(once.to_json()))) == once
    assert once.mistakes[0].png == SAMPLE.mistakes[0].png
    assert once.steps == tuple(SAMPLE.steps)


def test_a_report_of_another_format_is_refused():
    with pytest.raises(GlassworkError, match="format 99"):
        Report.from_json({**BARE.to_json(), "format": 99})


def test_the_page_answers_in_the_order_a_reader_asks():
    page = Page(to_html(SAMPLE))
    assert page.headings() == [
        "Before you trust it",
        "How it learned",
        "What it gets wrong",
        "Can its confidence be trusted?",
        "The data",
        "The network",
        "The recipe",
        "Machine and time",
        "What to do next",
    ]
    assert page.text.index("98.7 %") < page.text.index("Before you trust it")


def test_a_section_with_nothing_to_show_is_left_out():
    assert Page(to_html(BARE)).headings() == []


def test_the_page_needs_no_other_file():
    page = to_html(SAMPLE)
    sources = [value or "" for _, tags in Page(page).tags for name, value in tags.items() if name in ("src", "href")]
    assert sources and all(source.startswith("data:") for source in sources)
    assert not re.search(r"@import|url\(|<script|<iframe", page)
    assert page.count("://") == page.count('xmlns="http://www.w3.org/2000/svg"') > 0


def test_every_picture_of_a_mistake_is_on_the_page():
    page = Page(to_html(SAMPLE))
    assert sum(tag == "img" for tag, _ in page.tags) == len(SAMPLE.mistakes) > 0


hostile = st.text(min_size=1, max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "&lt;", "]]>", "\ud800", "\0"]
)


@settings(max_examples=40, deadline=None)
@given(hostile, hostile)
def test_nothing_the_user_wrote_becomes_part_of_the_page(first, second):
    def page(one: str, other: str) -> Page:
        text = to_html(
            Report(
                title=one,
                headline_metric=other,
                headline_value=0.5,
                headline_count=one,
                baseline_name=one,
                baseline_value=0.1,
                test_metrics={f"{one} ": 0.1},
                data=[(one, other)],
                class_counts=[(one, 1), (other, 2)],
                warnings=[one],
                epochs=[EpochPoint(1, 0.1, 0.2, 0.3, 0.4)],
                confusion=Confusion([one, other], [[1, 1], [1, 1]]),
                mistakes=[
                    Mistake(b"x", one, other, one, 0.5),
                    Mistake(b"", "long enough to be wordy", one, other, 0.5),
                ],
                per_label=[LabelRow(one, 1, 0.1, 0.2, 0.3)],
                recipe=[RecipeRow(one, other, "asked", one)],
                machine=[(one, other)],
                timing=[(other, one)],
                next_commands=[(one, other)],
                network=[LayerRow(one, other, 3)],
            )
        )
        text.encode("utf-8")
        return Page(text)

    tags = [tag for tag, _ in page(first, second).tags]
    assert tags == [tag for tag, _ in page("plain", "words").tags]


@pytest.mark.parametrize(
    ("low", "high", "higher", "words"),
    [
        (0.6, 0.8, True, "clearly learned"),
        (0.4, 0.8, True, "cannot tell"),
        (0.2, 0.4, True, "worse than that"),
        (0.6, 0.8, False, "worse than that"),
        (0.2, 0.4, False, "clearly learned"),
    ],
)
def test_the_verdict_compares_the_interval_with_the_baseline(low, high, higher, words):
    report = replace(
        BARE, headline_low=low, headline_high=high, baseline_value=0.5, headline_higher_is_better=higher, title="t"
    )
    assert words in Page(to_html(report)).text


def test_the_verdict_counts_what_is_wrong():
    assert "about 13 wrong in every 1,000" in Page(to_html(SAMPLE)).text
    perfect = replace(BARE, headline_value=1.0, headline_count="10 of 10 test images")
    assert "Not one was wrong" in Page(to_html(perfect)).text


def test_a_class_that_was_never_answered_is_named():
    report = replace(BARE, confusion=Confusion(["cat", "dog"], [[3, 0], [2, 0]]))
    assert "Never given as an answer: dog." in Page(to_html(report)).text


def test_settings_left_at_their_default_are_folded_away_below_the_chosen_ones():
    page = to_html(SAMPLE)
    folded = page[page.index("<details>") :]
    assert "time_budget" in folded and "momentum" not in folded
    rows = [replace(row, origin="default") for row in SAMPLE.recipe]
    assert "<details>" not in to_html(replace(SAMPLE, recipe=rows))


def test_a_page_is_drawn_at_once():
    report = SAMPLE
    took = []
    for _ in range(5):
        start = time.perf_counter()
        to_html(report)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1


def test_drawing_needs_the_standard_library_only():
    heavy = "{'torch', 'numpy', 'matplotlib', 'PIL'}"
    code = f"import sys, glasswork.show.report_page; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_parts_are_drawn_with_charts_rows_and_pictures_and_come_back_from_json():
    gif = b"GIF89a" + (40).to_bytes(2, "little") + (30).to_bytes(2, "little")
    part = Part(
        "Restarts",
        "Each dot is one.",
        charts=[Chart("spread", [("validation", [(1, 0.5), (2, 0.25)])], across="restart")],
        head=("restart", "loss"),
        rows=[(1, 0.5), (2, None)],
        pictures=[Photograph(gif, "regions <1>")],
        note="The winner & the rest.",
    )
    report = replace(BARE, parts=[part])
    page = to_html(report)
    assert "<h2>Restarts</h2>" in page
    for words in (
        "Each dot is one.",
        "spread",
        "data:image/gif;base64,",
        "regions &lt;1&gt;",
        "The winner &amp; the rest.",
    ):
        assert words in page
    assert to_html(Report.from_json(json.loads(json.dumps(report.to_json())))) == page
