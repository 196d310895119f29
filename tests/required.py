"""What tests of systems have in common: a preset's own sample, and what answers and traces have to be like."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from glasswork.catalogue import PRESETS, SYSTEMS, make_system
from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from glasswork.run.request import make_request
from glasswork.systems.networks import NETWORKS
from glasswork.systems.sample import Sample
from made_data import said


def is_deep(preset: str) -> bool:
    """Whether a preset's network was made for photographs, and takes its time."""
    entry = NETWORKS.get(str(PRESETS[preset].values.get("network")))
    return entry is not None and entry.side is not None


WITH_DATA = [name for name, preset in PRESETS.items() if SYSTEMS[preset.system].data]
"""Presets of systems that learn from a data set."""
FAMILIES = ("alexnet", "vgg11", "resnet18", "efficientnet-lite0")
"""One deep network of each family; the others differ from it in how many layers they have."""


def _presets(deep: Collection[str]) -> list[ParameterSet]:
    """All presets whose networks are small, and some of the deep ones among the slow tests."""
    return [
        pytest.param(name, marks=(pytest.mark.slow, pytest.mark.timeout(1200)) if is_deep(name) else ())
        for name in WITH_DATA
        if not is_deep(name) or name in deep
    ]


every_preset = pytest.mark.parametrize("preset", _presets(deep=PRESETS))
every_family = pytest.mark.parametrize("preset", _presets(deep=FAMILIES))


def sample_of(preset: str, folder: Path, **changes: object) -> tuple[Sample, Mapping[str, Any]]:
    """A preset's sample, and the options of a run that learns from it."""
    asked = make_request(preset, {})
    sample = make_system(asked.system, asked.recipe).sample(folder)
    return sample, {"data": sample.data, **sample.options, **changes}


def require_open(run: Path, asked: str | Path, target: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """It opens: every operation that carries weights is known, and the textbook's gradients are torch's."""
    wanted = [] if target is None else ["--target", target]
    assert main(["open", str(run), str(asked), *wanted, "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert not trace.differing and (target is None or trace.descent is not None)
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
    assert main(["count", str(run), "--json"]) == 0
    assert said(capsys)["parameters"] == sum(math.prod(step.values.shape) for step in trace.weights)


def require_answer(answer: dict[str, object], target: str, classes: tuple[str, ...]) -> None:
    chances = answer["probabilities"]
    assert isinstance(chances, dict)
    if target == "number":
        assert isinstance(answer["answer"], float)
        assert (answer["probability"], chances) == (None, {})
        return
    assert set(chances) == set(classes)
    assert list(chances.values()) == sorted(chances.values(), reverse=True)
    if target == "class":
        assert answer["answer"] == next(iter(chances))
        assert answer["probability"] == max(chances.values())
        assert sum(chances.values()) == pytest.approx(1)
    else:
        assert answer["answer"] == [name for name, chance in chances.items() if chance > 0.5]
