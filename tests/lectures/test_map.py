"""docs/lectures.md is up to date, and complete: slides without a test are on its list."""

import re
import shlex
from importlib import import_module

import pytest
from slides import DECKS, LONGER, PAGE, Slide, as_markdown, slides_of

from glasswork.catalogue import PRESETS
from glasswork.cli.verbs import VERBS


def test_the_page_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run python tests/lectures/make_map.py"


@pytest.mark.parametrize("deck", DECKS)
def test_every_test_of_a_deck_has_a_slide_and_looks_at_what_it_shows(deck: str) -> None:
    for name in DECKS[deck]:
        for test, value in vars(import_module(name)).items():
            if test.startswith("test_"):
                assert isinstance(value.slide, Slide), test
                arguments = value.__code__.co_varnames[: value.__code__.co_argcount]
                assert {"shown", "names"} & set(arguments), test


@pytest.mark.parametrize("deck", DECKS)
def test_the_page_names_every_slide(deck: str) -> None:
    assert len(slides_of(deck)) > 20


def test_every_verb_and_preset_stands_on_the_page() -> None:
    words = set(re.findall(r"[\w-]+", PAGE.read_text(encoding="utf-8")))
    assert not set(VERBS) - words
    assert not set(PRESETS) - words


def test_the_pages_that_are_named_are_there() -> None:
    pages = {page for rows in LONGER.values() for _, _, page in rows}
    assert not [page for page in pages if not (PAGE.parent / f"{page}.md").is_file()]


@pytest.mark.parametrize("row", [row for rows in LONGER.values() for row in rows], ids=lambda row: row[0])
def test_the_commands_there_begin_with_a_verb(row: tuple[str, str, str]) -> None:
    assert shlex.split(row[1])[0].removesuffix(";") in VERBS
