"""Every study is options, a generator of progress and a finding; the verbs and the public face know them all."""

import importlib
import inspect
from collections.abc import Iterator

import pytest

import glasswork as gw
from glasswork.cli.studies import DRAWINGS, Watched
from glasswork.cli.verbs import VERBS
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Options
from glasswork.studies.study import Progress, Running, conclude
from glasswork.studies.table import STUDIES


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_a_generator_with_a_verb_and_a_public_function(name: str) -> None:
    study = STUDIES[name]
    module, function = study.function.split(".")
    begins = getattr(importlib.import_module(f"glasswork.studies.{module}"), function)
    assert inspect.isgeneratorfunction(begins)
    parameters = list(inspect.signature(begins).parameters)
    assert parameters == (["options"] if study.recipe is None else ["options", "asked"])
    assert inspect.getdoc(getattr(gw, function)) and function in gw.__all__
    assert name in VERBS or name == "compare-penalties"
    for key, field in study.options_class.model_fields.items():
        assert field.description, key
    assert study.outputs["out"].endings


def test_every_finding_is_drawn_in_every_file_that_its_study_writes() -> None:
    for drawing in DRAWINGS.values():
        module = importlib.import_module(f"glasswork.show.{drawing.module}")
        for function in (drawing.text, *drawing.files.values(), *drawing.early.values()):
            assert callable(getattr(module, function))
    written = {ending for study in STUDIES.values() for out in study.outputs.values() for ending in out.endings}
    assert written == {ending for drawing in DRAWINGS.values() for ending in drawing.files} | {".json"}


def counting(to: int) -> Running[int]:
    for number in range(to):
        yield Progress(number, to, f"number {number}", number)
    return to


def test_a_study_is_carried_out_to_its_finding() -> None:
    assert conclude(counting(3)) == 3
    watched = Watched(counting(4))
    assert [one.percent for one in watched] == [0, 25, 50, 75]
    assert watched.found == 4 and watched.last == Progress(3, 4, "number 3", 3)


def test_a_study_that_is_left_says_how_far_it_came() -> None:
    watched = Watched(counting(4))
    parts: Iterator[Progress[int]] = iter(watched)
    next(parts), next(parts)
    assert watched.found is None and watched.percent == 25


def test_options_that_a_study_does_not_have_are_refused() -> None:
    with pytest.raises(GlassworkError, match="did you mean 'splits'"):
        gw.transfer("photos", split=3)
    with pytest.raises(GlassworkError, match="did you mean 'cells'"):
        gw.vanishing_gradient(cels=["rnn"])
    with pytest.raises(GlassworkError, match="did you mean 'hidden'"):
        gw.rate("mlp", hiden=3)
    assert STUDIES["rate"].options_class is Options
