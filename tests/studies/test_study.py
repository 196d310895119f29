"""Every study is options, a generator of progress and a finding; the verbs and the public face know them all."""

import importlib
import inspect
from collections.abc import Iterator
from typing import get_args, get_type_hints

import pytest

import glasswork as gw
from glasswork.cli.studies import Watched
from glasswork.cli.verbs import VERBS
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Options
from glasswork.report.report import Report
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
    assert (name in VERBS) == STUDIES[name].verb
    for key, field in study.options_class.model_fields.items():
        assert field.description, key
    assert study.outputs["out"].endings


@pytest.mark.parametrize("name", STUDIES)
def test_every_finding_has_what_its_study_writes(name: str) -> None:
    study = STUDIES[name]
    module, function = study.function.split(".")
    begins = getattr(importlib.import_module(f"glasswork.studies.{module}"), function)
    *_, found = get_args(get_type_hints(begins)["return"])
    endings = {ending for output in study.outputs.values() for ending in output.endings}
    assert endings <= {".html", ".json", ".png", ".csv"}
    for kind in get_args(found) or (found,):
        assert get_type_hints(kind.report)["return"] is Report
        assert callable(kind.to_json)
        assert (hasattr(kind, "png") and hasattr(kind, "require_picture")) or ".png" not in endings
        assert hasattr(kind, "to_csv") or ".csv" not in endings


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
