"""docs/lectures.md is up to date, and complete: slides without a test are on its list."""

from importlib import import_module

import pytest
from slides import DECKS, PAGE, STILL_TO_COME, Slide, as_markdown, slides_of


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
    assert not {one.title for one in slides_of(deck)} & set(STILL_TO_COME[deck])
