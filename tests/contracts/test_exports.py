"""Every preset's network leaves as an ONNX file that answers as the system does, and as weights that load again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open

from closeness import assert_same_numbers
from glasswork.catalogue import make_system
from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import new_inputs
from glasswork.data.kinds.task import Task
from glasswork.data.ragged import pad
from glasswork.data.splits import split
from glasswork.execution import Execution, seed_everything
from glasswork.own_code import is_own, name_network
from glasswork.run.request import make_request
from glasswork.systems.export import export
from glasswork.systems.system import System
from required import every_family, sample_of


def made(preset: str, folder: Path) -> tuple[torch.nn.Module, Dataset, System]:
    """A preset's network, fresh, for the system's own sample."""
    _, options = sample_of(preset, folder)
    asked = make_request(preset, options)
    if is_own(options.get("network")):
        name_network(options["network"])
    draft = make_system(asked.system, asked.recipe)
    dataset = draft.read(options["data"])
    splits = split(dataset, 0.2, 0.2, 0)
    dataset = dataset.with_task(draft.fit(dataset, splits.training))
    system = make_system(asked.system, draft.resolve(dataset, splits))
    seed_everything(0)
    return system.network(dataset.task).eval(), dataset, system


def require_onnx(
    network: torch.nn.Module, task: Task, system: System, dataset: Dataset, raw: torch.Tensor, folder: Path
) -> None:
    """It is written, and onnxruntime answers as the model does, in batches of any size."""
    found = export(network, task, system, raw, folder / "model.onnx", "onnx")
    assert found.checked == len(raw) and found.difference < 1e-4
    labelled = task.inputs.tag == "texts"
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    for rows in (raw[:1], raw):
        answered = session.run(None, {found.input.name: rows.numpy().astype(found.input.dtype)})[-1]
        if task.target.tag == "next":
            assert_same_numbers(answered, network(rows).softmax(1), 1e-4)
            shorter = session.run(None, {found.input.name: rows[:, :3].numpy()})[-1]
            assert_same_numbers(shorter, answered[:, :, :3], 1e-4)
            continue
        if task.target.tag in {"token sequence", "boxes"}:
            given = Scaling(task, Execution()).inputs(rows) if task.inputs.image_shape else rows
            assert_same_numbers(answered, network(given).softmax(1), 1e-4)
            continue
        if task.target.tag == "class per step":
            scaling = Scaling(task, Execution())
            for part in (rows, rows[:, :3]):
                answered = session.run(None, {found.input.name: part.numpy()})[-1]
                assert_same_numbers(answered, network(scaling.inputs(part)).softmax(1), 1e-4)
            continue
        if task.target.tag == "painting":
            assert_same_numbers(answered, network(Scaling(task, Execution()).inputs(rows)), 1e-4)
            continue
        if task.target.tag == "ahead":
            assert_same_numbers(answered, network(rows), 1e-4)
            continue
        asked = dataset.take(torch.arange(len(rows))) if labelled else new_inputs(rows, task, ["one"] * len(rows))
        said = system.predict(network, replace(asked, names=["one"] * len(rows)), Execution())
        for row, answer in zip(answered.tolist(), said, strict=True):
            if task.target.tag == "number":
                assert row == pytest.approx(np.atleast_1d(answer.answer), rel=1e-4, abs=1e-4)
            else:
                assert row == pytest.approx([answer.probabilities[name] for name in task.target.names], abs=1e-4)


@every_family
def test_every_preset_is_exported(preset: str, tmp_path: Path) -> None:
    network, dataset, system = made(preset, tmp_path)
    raw, task = system.batch(dataset, torch.arange(min(5, len(dataset))), Execution()).inputs, dataset.task
    if task.inputs.tag == "sequence":
        raw = pad(dataset.columns["inputs"], dataset.offsets["inputs"], torch.arange(5))[0]
    elif task.inputs.tag not in {"text", "texts", "series", "audio"}:
        raw = dataset.columns["inputs"][:5]
    require_onnx(network, task, system, dataset, raw, tmp_path)
    for to, name in (("safetensors", "model.safetensors"), ("state-dict", "model.pt")):
        assert export(network, task, system, raw, tmp_path / name, to).difference == 0
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert Task.from_json(json.loads(file.metadata()["glasswork.task"]), system.takes, system.answers) == task
        for name, tensor in network.state_dict().items():
            assert torch.equal(file.get_tensor(name), tensor) and torch.equal(weights[name], tensor)
