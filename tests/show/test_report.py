import io
import json
import math
import re
import subprocess
import sys
import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from sample import every_block, recipe, sample

from glasswork.errors import GlassworkError
from glasswork.report import sections
from glasswork.report.blocks import Bin, Block, Curves, Line, Picture, Pictures, Table, Text
from glasswork.report.report import Headline, Report, Score, Section
from glasswork.report.sections import Epoch, LabelFigures, Layer, Mistake, Setting
from glasswork.show.html import to_html
from glasswork.show.terminal import print_blocks

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
SCORE = Score("accuracy", 0.5)


def page_of(*parts: Section, score: Score = SCORE) -> Report:
    return Report("bare", parts, headline=score, verdict=score.verdict())


def learned(epochs: list[Epoch], best: int | None = None, steps: list[tuple[int, float]] | None = None) -> Section:
    return sections.learning_curves(epochs, steps or [], best, SCORE)


BARE = page_of()
DEGENERATE = {
    "bare": BARE,
    "undefined": page_of(score=Score("accuracy", NAN, interval=(NAN, NAN), baseline_value=0.1)),
    "one epoch": page_of(learned([Epoch(1, 0.7)], 1, [(1, 0.7)])),
    "diverged": page_of(learned([Epoch(1, NAN, math.inf, NAN, 0.1), Epoch(2, NAN, NAN, NAN, 0.1)])),
    "constant": page_of(learned([Epoch(epoch, 0.0, 0.0, 1.0, 0.0) for epoch in range(5)])),
    "one class": page_of(sections.mistakes((["only"], [[7]])), sections.data([], [("only", 7)])),
    "nothing tested": page_of(sections.mistakes((["a", "b"], [[0, 0], [0, 0]]))),
    "long names": page_of(sections.mistakes((["x" * 300, "y " * 200], [[1, 2], [3, 4]]))),
    "empty bins": page_of(sections.calibration([Bin(0.0, 1.0, 0, NAN, NAN)], NAN)),
    "rare label": page_of(sections.mistakes(labels=[LabelFigures("unicorn", 0, NAN, NAN, NAN)])),
    "regression": page_of(
        sections.mistakes(numbers=[(1.0, 1.5), (NAN, 2.0), (3.0, math.inf)]),
        score=Score("error", 0.5, in_percent=False),
    ),
    "broken picture": page_of(sections.mistakes(examples=[Mistake(b"\x89PNG", "short.png", "a", "b", NAN)])),
    "hundred classes": page_of(
        sections.mistakes(
            ([f"class {i}" for i in range(100)], [[int(i == j) for i in range(100)] for j in range(100)])
        ),
        sections.data([], [(f"class {index}", index) for index in range(100)]),
        sections.network([Layer(f"layer {index}", "64", 10) for index in range(200)], None),
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
    assert Report.from_json(once.to_json()).sections == once.sections
    assert [section.title for section in once.sections] == [section.title for section in SAMPLE.sections]
    [gallery] = [block for one in once.sections for block in one.blocks if isinstance(block, Pictures)]
    assert gallery.pictures[0].data.startswith(b"\x89PNG")


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
    [gallery] = [block for one in SAMPLE.sections for block in one.blocks if isinstance(block, Pictures)]
    assert sum(tag == "img" for tag, _ in page.tags) == len(gallery.pictures) > 0


hostile = st.text(min_size=1, max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x>', "&lt;", "]]>", "\ud800", "\0"]
)


@settings(max_examples=40, deadline=None)
@given(hostile, hostile)
def test_nothing_the_user_wrote_becomes_part_of_the_page(first, second):
    def page(one: str, other: str) -> Page:
        report = Report(
            one,
            [
                Section(one, other, every_block(one, other)),
                sections.warnings([one]),
                sections.learning_curves([Epoch(1, 0.1, 0.2, 0.3, 0.4)], [], None, Score(other, 0.5)),
                sections.mistakes(
                    ([one, other], [[1, 1], [1, 1]]),
                    labels=[LabelFigures(one, 1, 0.1, 0.2, 0.3)],
                    examples=[Mistake(b"", one, other, one, 0.9)],
                ),
                sections.recipe([Setting(one, other, "asked", one)]),
                sections.network([Layer(one, other, 3)], None),
            ],
            headline=Headline(one[:5], other, one),
            verdict=other,
            opening=[Table([one], [(other,)])],
            footer=one,
        )
        text = to_html(report)
        text.encode("utf-8")
        return Page(text)

    tags = [tag for tag, _ in page(first, second).tags]
    assert tags == [tag for tag, _ in page("plain", "words").tags]


@pytest.mark.parametrize(
    ("low", "high", "higher", "words"),
    [
        (0.6, 0.8, True, "clearly learned"),
        (0.4, 0.8, True, "cannot distinguish"),
        (0.2, 0.4, True, "worse than that"),
        (0.6, 0.8, False, "worse than that"),
        (0.2, 0.4, False, "clearly learned"),
    ],
)
def test_the_verdict_compares_the_interval_with_the_baseline(low, high, higher, words):
    assert words in Score("f1", 0.5, interval=(low, high), baseline_value=0.5, higher_is_better=higher).verdict()


def test_nothing_is_clear_without_an_interval():
    verdict = Score("mean_absolute_error", 494.8, baseline_value=513.9, higher_is_better=False).verdict()
    assert "better than that" in verdict and "clearly" not in verdict


def test_the_verdict_counts_what_is_wrong():
    assert "about 13 wrong in every 1,000" in Page(to_html(SAMPLE)).text
    assert "None was wrong" in Score("accuracy", 1.0, "10 of 10 test images").verdict()


def test_a_class_that_was_never_answered_is_named():
    report = page_of(sections.mistakes((["cat", "dog"], [[3, 0], [2, 0]])))
    assert "Never predicted: dog." in Page(to_html(report)).text


def test_settings_left_at_their_default_are_folded_away_below_the_chosen_ones():
    page = to_html(SAMPLE)
    folded = page[page.index("<details>") :]
    assert "time_budget" in folded and "momentum" not in folded
    rows = [replace(row, origin="default") for row in recipe()]
    assert "<details>" not in to_html(page_of(sections.recipe(rows)))


def test_a_page_is_drawn_at_once():
    report = SAMPLE
    took = []
    for _ in range(5):
        start = time.perf_counter()
        to_html(report)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.1


def test_drawing_needs_neither_arrays_nor_pictures():
    heavy = "{'torch', 'numpy', 'matplotlib', 'PIL'}"
    code = f"import sys, glasswork.show.html; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sections_are_drawn_with_charts_rows_and_pictures_and_come_back_from_json():
    gif = b"GIF89a" + (40).to_bytes(2, "little") + (30).to_bytes(2, "little")
    section = Section(
        "Restarts",
        "Each dot is one.",
        [
            Curves("spread", [Line("validation", [(1.0, 0.5), (2.0, 0.25)])], "restart"),
            Table(("restart", "loss"), [(1, 0.5), (2, None)]),
            Pictures([Picture(gif, "regions <1>")]),
            Text("The winner & the rest."),
        ],
    )
    report = page_of(section)
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


def test_there_is_a_sample_of_every_block():
    assert {type(block) for block in every_block()} == set(get_args(Block))


@pytest.mark.parametrize("block", every_block(), ids=lambda block: block.tag)
def test_every_block_is_drawn_on_a_page_and_on_a_terminal_and_comes_back_from_json(block):
    section = Section("title", "", [block])
    page = to_html(page_of(section))
    assert "title" in Page(page).words and "one" in page
    again = Section.from_json(json.loads(json.dumps(section.to_json(), allow_nan=False)))
    assert type(again.blocks[0]) is type(block)
    assert to_html(page_of(again)) == page
    file = io.StringIO()
    print_blocks(Console(file=file, width=100), [block])
    assert file.getvalue().strip()


def test_the_metric_over_the_epochs_bears_its_own_name() -> None:
    score = Score("mean absolute error", 1.2, in_percent=False, higher_is_better=False)
    section = sections.learning_curves(
        [Epoch(1, 0.1, 0.2, 0.97, 0.4), Epoch(2, 0.1, 0.2, 0.98, 0.4)], [], 2, score, "r2"
    )
    [drawn] = [block for block in section.blocks if block.caption.startswith("Validation")]
    assert drawn.caption == "Validation r2" and not drawn.in_percent
