"""Exports a network to other formats; each file is read back and compared before it is kept."""

import copy
import io
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Port
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.files import write_new
from glasswork.objectives.losses import Objective
from glasswork.systems.system import System

Format = Literal["onnx", "safetensors", "state-dict"]
ENDINGS: dict[str, str] = {"onnx": ".onnx", "safetensors": ".safetensors", "state-dict": ".pt"}
CHECKED_ROWS = 32
TOLERANCE = 1e-4
"""The greatest difference accepted, as a share of the greatest number compared, or of 1 where that is less."""
LARGEST = 2**31 - 2**24
"""Bytes of weights that fit into one ONNX file, which a protocol buffer limits to 2 GiB."""


@dataclass(frozen=True)
class Exported:
    """A file that was written, read back and compared.

    Attributes:
        path: the file.
        to: its format.
        bytes: its size.
        input: what it is given.
        outputs: what it answers.
        scaled: whether the file itself scales raw inputs; else its user has to.
        checked: on how many inputs it was compared with the model.
        difference: the greatest difference of an output.
        reader: what read it.
    """

    path: str
    to: str
    bytes: int
    input: Port
    outputs: Sequence[Port]
    scaled: bool
    checked: int
    difference: float
    reader: str

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)


class Complete(nn.Module):
    """From raw inputs to scores and probabilities: scaling, network and reading of its outputs as one module.

    Args:
        network: in evaluation mode, on the processor.
        task: what its inputs and outputs mean.
        objective: what it was trained with, by which its outputs read as probabilities.
    """

    def __init__(self, network: nn.Module, task: Task, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self.task = task
        self.scaling = Scaling(task, Execution())
        self.objective = objective

    def forward(self, raw: Tensor) -> tuple[Tensor, ...]:
        """For raw (batch, ...): scores and probabilities, each (batch, classes); or numbers in their own units."""
        outputs = self.scaling.answers(self.network(self.scaling.inputs(raw)).float())
        return self.task.target.answers(outputs, self.objective.name)


def raw_inputs(system: System, dataset: Dataset, rows: Tensor) -> Tensor:
    """What an exported file is given for some rows: pictures and frames as they are, texts and series as batches."""
    raw = dataset.task.inputs.raw(dataset, rows)
    return system.batch(dataset, rows, Execution()).inputs if raw is None else raw


def export(network: nn.Module, task: Task, system: System, raw: Tensor, path: str | Path, to: str) -> Exported:
    """Writes a trained network in a format that others read.

    `onnx` is complete: raw inputs in, scores and probabilities out, for batches of any size. `safetensors` and
    `state-dict` hold the weights alone, under the names of the module; the former has task and recipe beside them.

    Args:
        network: the network; left as it is.
        task: what its inputs and outputs mean.
        system: what it was trained under.
        raw: real inputs in raw units, (examples, ...), on which the file is compared with the network.
        path: a file that is not there yet.
        to: a key of `ENDINGS`.

    Raises:
        GlassworkError: for an unknown format, a missing package, a file that exists, or a network that cannot be
            exported or answers differently afterwards; then nothing is written.
    """
    if to not in ENDINGS:
        raise GlassworkError(f"There is no format '{to}': export to {', '.join(ENDINGS)}")
    if Path(path).exists():
        raise GlassworkError(f"{path} already exists: choose another name or move it away")
    if not len(raw):
        raise GlassworkError("An exported file is checked on real inputs, and there are none: give some with --data")
    raw = raw[:CHECKED_ROWS].cpu().to(getattr(torch, task.inputs.port().dtype))
    complete = Complete(copy.deepcopy(network).cpu().eval(), task, system.objective(task)).eval().requires_grad_(False)
    with torch.no_grad():
        expected = complete(raw)
    if to == "onnx":
        content, reader, difference = _onnx(complete, system, raw, expected)
    else:
        content, reader, difference = _weights(complete, system, raw, expected, to)
    write_new(path, content)
    ports = task.inputs.port(), task.target.ports()
    return Exported(str(path), to, len(content), *ports, to == "onnx", len(raw), difference, reader)


def _onnx(complete: Complete, system: System, raw: Tensor, expected: Sequence[Tensor]) -> tuple[bytes, str, float]:
    """The file's content, what read it, and the greatest difference from the network."""
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch.onnx needs it and says so in three sentences
    except ImportError as error:
        raise GlassworkError(
            f"Exporting to ONNX needs {error.name}, which is not installed: pip install 'glasswork[export]'"
        ) from None
    if sum(tensor.nbytes for tensor in complete.state_dict().values()) > LARGEST:
        raise GlassworkError("An ONNX file holds at most 2 GiB of weights: use --to safetensors for this network")
    given, answered = complete.task.inputs.port(), complete.task.target.ports()
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        # The exporter puts a loop of its own in their place, but after a first export torch would take the remembered
        # kernel, which is unrolled over the times of one example.
        operator._dispatch_cache.clear()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own use of what torch is about to remove
            program = torch.onnx.export(
                complete,
                (raw[:2] if len(raw) > 1 else torch.cat([raw, raw]),),  # one example alone reads as a fixed size
                dynamo=True,
                verbose=False,
                input_names=[given.name],
                output_names=[port.name for port in answered],
                dynamic_shapes={
                    "raw": {i: torch.export.Dim(d) for i, d in enumerate(given.shape) if isinstance(d, str)}
                },
            )
    except Exception as error:  # whatever the network's own code runs into while it is traced
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
        raise GlassworkError(
            f"The network cannot be exported to ONNX with batches of any size: {reason}; use --to safetensors"
        ) from error
    assert program is not None
    model = program.model_proto
    sizes = zip(given.shape, model.graph.input[0].type.tensor_type.shape.dim, strict=True)
    if fixed := [f"{name} = {size.dim_value}" for name, size in sizes if isinstance(name, str) and not size.dim_param]:
        raise GlassworkError(
            "The network cannot be exported to ONNX with inputs of any size: torch's exporter wrote "
            f"{', '.join(fixed)} into its operations; use --to safetensors"
        )
    model.graph.input[0].doc_string = given.meaning
    for output, port in zip(model.graph.output, answered, strict=True):
        output.doc_string = port.meaning
    onnx.helper.set_model_props(model, describe_model(complete.task, system))
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    parts = [session.run(None, {given.name: part.numpy()}) for part in torch.split(raw, _sizes(len(raw)))]
    answers = [torch.from_numpy(np.concatenate(output)) for output in zip(*parts, strict=True)]
    return content, f"onnxruntime {onnxruntime.__version__}", _difference(answers, expected)


def _sizes(rows: int) -> list[int]:
    """One, two, and all that are left: sizes of batches that a file for any of them has to answer."""
    return [1, *([min(2, rows - 1)] if rows > 1 else []), *([rows - 3] if rows > 3 else [])]


def _weights(
    complete: Complete, system: System, raw: Tensor, expected: Sequence[Tensor], to: str
) -> tuple[bytes, str, float]:
    """The same for a file of weights alone, which is read into a network whose weights were wiped out before."""
    tensors = {name: tensor.contiguous().clone() for name, tensor in complete.network.state_dict().items()}
    if to == "safetensors":
        content = safetensors.torch.save(tensors, {"format": "pt", **describe_model(complete.task, system)})
        again, reader = safetensors.torch.load(content), f"safetensors {safetensors.__version__}"
    else:
        file = io.BytesIO()
        torch.save(tensors, file)
        content = file.getvalue()
        again = torch.load(io.BytesIO(content), weights_only=True)
        reader = f"torch {torch.__version__}, weights only"
    with torch.no_grad():
        for tensor in complete.network.state_dict().values():
            tensor.zero_()
        complete.network.load_state_dict(again, strict=True)
        answers = complete(raw)
    return content, reader, _difference(answers, expected)


def _difference(answers: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The greatest difference; a number that is none on one side alone is one without end.

    Raises:
        GlassworkError: where it is more than arithmetic in another order explains.
    """
    greatest = 0.0
    for ours, theirs in zip(expected, answers, strict=True):
        apart = torch.where(ours == theirs, 0.0, (ours - theirs).abs())
        apart[ours.isnan() & theirs.isnan()] = 0.0
        difference = float(apart.nan_to_num(nan=torch.inf).max())
        largest = float(ours.nan_to_num(0.0, 0.0, 0.0).abs().max())
        if difference > TOLERANCE * max(1.0, largest):
            raise GlassworkError(
                f"The exported network answers differently from the model, by {difference:.2g} at most: "
                "nothing was written; please report this network"
            )
        greatest = max(greatest, difference)
    return greatest


def describe_model(task: Task, system: System) -> dict[str, str]:
    """What goes beside the weights as JSON texts: classes, task (with the scaling), recipe, inputs and outputs."""
    recipe = {key: value for key, value in system.recipe.model_dump().items() if value is not None}
    return {
        "glasswork.classes": json.dumps(task.target.names),
        "glasswork.task": json.dumps(task.to_json()),
        "glasswork.recipe": json.dumps(recipe),
        "glasswork.input": json.dumps(asdict(task.inputs.port())),
    }
