"""Weights are set in three places, the beginning, the steps and the completion; whatever looks at them leaves them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_exports import made
from torch import Tensor, nn

from glasswork.catalogue import make_system
from glasswork.data.splits import split
from glasswork.execution import Execution
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.request import make_request
from glasswork.systems.system import Context
from required import every_family, sample_of


def numbers(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def require_equal(one: dict[str, Tensor], network: nn.Module) -> None:
    other = network.state_dict()
    assert list(one) == list(other)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@every_family
def test_looking_at_a_network_leaves_its_weights(preset: str, tmp_path: Path) -> None:
    network, dataset, system = made(preset, tmp_path)
    splits = split(dataset, 0.2, 0.2, 0)
    execution = Execution()
    context = Context(dataset, splits, execution)
    fresh, trained = numbers(network), [parameter.requires_grad for parameter in network.parameters()]
    drawn = torch.get_rng_state()
    [*_, stage] = system.stages(network, context)
    require_equal(fresh, network)
    assert [parameter.requires_grad for parameter in network.parameters()] == trained
    assert torch.equal(torch.get_rng_state(), drawn)
    system.complete(network, context)
    completed = numbers(network)
    system.complete(network, context)
    require_equal(completed, network)
    judged = system.judge(network, context)
    assert stage.judge is not None and stage.judge(network).metrics == judged.values
    require_equal(completed, network)
    assert judged.main in judged.values and judged.error == judged.error
    evaluation = system.evaluate(network, dataset, splits.test, execution)
    require_equal(completed, network)
    system.predict(network, replace(dataset, names=["one"] * len(dataset)), execution)
    require_equal(completed, network)
    system.report(network, evaluation, context, None)
    require_equal(completed, network)


@pytest.mark.parametrize("preset", ["embed", "forecast", "sentiment"])
def test_what_is_trained_in_memory_is_complete(preset: str, tmp_path: Path) -> None:
    _, options = sample_of(preset, tmp_path)
    asked = make_request(preset, options)
    dataset = make_system(asked.system, asked.recipe).read(options["data"])
    splits = split(dataset, 0.2, 0.2, 0)
    fitted = fit_in_memory(asked, dataset, splits)
    before = numbers(fitted.network)
    fresh = fitted.system.network(fitted.dataset.task).state_dict()
    set_at_the_end = [name for name in ("means", "margins", "share") if name in before]
    assert set_at_the_end and not any(torch.equal(before[name], fresh[name]) for name in set_at_the_end)
    fitted.system.complete(fitted.network, Context(fitted.dataset, splits, Execution()))
    require_equal(before, fitted.network)
