"""What a run leaves: the model with its best weights, the figures, the report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from glasswork.catalogue import PRESETS
from glasswork.data.dataset import Schema
from glasswork.run.folder import FORMAT, RunFolder
from glasswork.run.training import Training
from glasswork.show.progress import main_metric
from glasswork.show.report import EpochPoint, LayerRow, RecipeRow, Report
from glasswork.show.report_page import to_html
from glasswork.systems.answers import measured_rows
from glasswork.training.checkpoints import write_atomically

CURVE_POINTS = 400


def finish(training: Training) -> dict[str, Any]:
    """Puts the best weights into the network, measures it on the test examples and writes model, result and report.

    Returns:
        What `result.json` holds: `run`, `preset`, `seconds`, `steps`, `epochs`, `best_epoch`, `validation`, `test`,
        and `pictures`, the names of their files, where there are any.
    """
    try:
        return _finished(training)
    finally:
        training.folder.unlock()


def _finished(training: Training) -> dict[str, Any]:
    best, network = training.best, training.network
    if best is not None:
        network.load_state_dict(dict(best.weights))
    state = training.last.state() if training.last else training.state
    # As `evaluate` will measure it, also where training took bfloat16.
    execution = replace(training.execution, precision="float32")
    found = training.system.findings(network, training.dataset, training.splits, execution, state)
    further = found.pop("result", {})
    files = {**found.pop("files", {}), **_draw(training, found)}
    lines = list(training.folder.steps())
    result = {
        "format": FORMAT,
        "run": training.folder.name,
        "preset": training.order.preset,
        "data": training.recipe.data,
        "seed": training.recipe.seed,
        "seconds": round(training.seconds, 3),
        "steps": len(lines),
        "epochs": lines[-1]["epoch"] if lines else 0,
        "best_epoch": best.epoch if best else None,
        "validation": dict(best.judgement.metrics) if best else {},
        "test": found["test_metrics"],
        "measured_on": measured_rows(training.splits)[0],
        "examples": dict(training.summary.counts),
        "warnings": [*training.summary.warnings, *further.pop("warnings", ())],
        **({"pictures": list(files)} if files else {}),
        **further,
    }
    for name, content in files.items():
        write_atomically(training.folder.path / name, content)
    _write_model(training, network)
    report = _report(training, result, found, lines)
    training.folder.write("report.json", report.to_json())
    write_atomically(training.folder.path / "report.html", to_html(report).encode())
    training.folder.write("result.json", result)
    return result


def _draw(training: Training, found: dict[str, Any]) -> Mapping[str, bytes]:
    """Adds the pictures of a run whose examples lie on a plane to what was found; their files."""
    if training.plane() is None:
        return {}
    from glasswork.run.pictures import pictures  # here, as what draws takes a while to import

    drawn = pictures(training)
    found["parts"] = [*found.get("parts", ()), *drawn.parts]
    return drawn.files


def _write_model(training: Training, network: nn.Module) -> None:
    folder = training.folder.model
    folder.mkdir(exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in network.state_dict().items()}
    write_atomically(folder / "model.safetensors", save(weights, {"format": str(FORMAT)}))
    description = {
        "format": FORMAT,
        "system": training.order.system,
        "preset": training.order.preset,
        "schema": training.dataset.schema.to_json(),
        "recipe": {k: v for k, v in training.recipe.model_dump().items() if v is not None},
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }
    write_atomically(folder / "model.json", (json.dumps(description, indent=1) + "\n").encode())


def _report(
    training: Training, result: Mapping[str, Any], found: Mapping[str, Any], lines: list[dict[str, Any]]
) -> Report:
    summary = training.summary
    data: list[tuple[str, str | int]] = [
        ("source", summary.source),
        ("inputs", summary.inputs),
        ("target", summary.target),
    ]
    data += [(f"{name} {summary.unit}", count) for name, count in summary.counts.items()]
    layers, parameters = _layers(training)
    return Report(
        title=f"{training.order.preset} on {summary.source}",
        **found,
        validation_metrics=result["validation"],
        data=data,
        class_counts=list(summary.class_counts.items()),
        measured_on=result["measured_on"].capitalize(),
        warnings=result["warnings"],
        epochs=_epochs(lines),
        steps=_thinned(lines),
        best_epoch=result["best_epoch"],
        recipe=_recipe(training),
        machine=_machine(training),
        timing=_timing(result, lines, summary.unit),
        next_commands=next_commands(training.folder),
        network=layers,
        parameters=parameters,
    )


def next_commands(folder: RunFolder) -> list[tuple[str, str]]:
    """What to try after a run."""
    task = Schema.from_json(folder.read("model/model.json")["schema"]).task
    further, file, what = task.target.further, task.inputs.file, task.inputs.asked
    return [
        *([(f"glasswork {further[0]} {folder.name} {further[1]}", further[2])] if further else ()),
        (f"glasswork predict {folder.name} {file}", f"asks the model about {what} of your own"),
        (f"glasswork evaluate {folder.name} --data PATH", "measures the model on other examples with known answers"),
        (f"glasswork compare {folder.name} OTHER", "puts two runs side by side: recipe, figures, time"),
    ]


def _epochs(lines: Sequence[Mapping[str, Any]]) -> list[EpochPoint]:
    points: dict[int, list[Mapping[str, Any]]] = {}
    for line in lines:
        points.setdefault(line["epoch"], []).append(line)
    result = []
    for epoch, steps in points.items():
        judged: Mapping[str, float] = next((line["validation"] for line in reversed(steps) if "validation" in line), {})
        examples = sum(line["examples"] for line in steps)
        result.append(
            EpochPoint(
                epoch,
                sum(line["loss"] * line["examples"] for line in steps) / examples,
                judged.get("loss"),
                (main_metric(judged) or (None, None))[1],
                steps[-1]["learning_rate"],
            )
        )
    return result


def _thinned(lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Means over equal stretches of steps, so that a long run draws as fast as a short one."""
    stretch = max(1, len(lines) // CURVE_POINTS)
    parts = [lines[start : start + stretch] for start in range(0, len(lines), stretch)]
    return [(part[-1]["step"], sum(line["loss"] for line in part) / len(part)) for part in parts]


def _recipe(training: Training) -> list[RecipeRow]:
    preset, rows = PRESETS[training.order.preset], []
    for name, field in type(training.recipe).model_fields.items():
        value = getattr(training.recipe, name)
        if name in training.order.asked:
            origin = "asked"
        elif value != getattr(training.order.recipe, name):
            origin = "derived"
        else:
            origin = "preset" if name in preset.values or name == "data" else "default"
        shown = ", ".join(str(part) for part in value) if isinstance(value, tuple) else value
        rows.append(RecipeRow(name, shown, origin, field.description or ""))  # type: ignore[arg-type]
    return rows


def _machine(training: Training) -> list[tuple[str, Any]]:
    execution, environment = training.execution, training.folder.read("environment.json")
    rows = [
        ("processor", environment["processor"]),
        ("device", execution.device),
        ("threads", execution.threads),
        ("precision", execution.precision),
        ("memory format", execution.memory_format),
        ("allocator", execution.allocator),
        ("system", environment["system"]),
        ("python", environment["python"]),
        *((name, version) for name, version in environment["packages"].items()),
    ]
    return rows + [(f"measured: {way}", f"{milliseconds:g} ms per step") for way, milliseconds in execution.measured]


def _timing(result: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], unit: str) -> list[tuple[str, Any]]:
    examples = sum(line["examples"] for line in lines)
    rows: list[tuple[str, Any]] = [("seconds of training", result["seconds"]), ("steps", result["steps"])]
    if result["seconds"]:
        rows.append((f"{unit} per second", round(examples / result["seconds"])))
    return rows + [("how it ended", remark) for remark in result.get("remarks", ())]


def _layers(training: Training) -> tuple[list[LayerRow], int]:
    """The layers with parameters or a change of shape, in the order of a forward pass."""
    rows: list[LayerRow] = []
    handles = []

    def noted(name: str) -> Any:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            output = output[0] if isinstance(output, tuple) and output else output  # what a recurrent layer shows
            if isinstance(output, Tensor):
                shape = " x ".join(str(size) for size in output.shape[1:])
                count = sum(parameter.numel() for parameter in module.parameters(recurse=False))
                rows.append(LayerRow(f"{name} ({type(module).__name__})", shape, count))

        return note

    network = training.network
    for name, module in network.named_modules():
        if name and not list(module.children()) and not isinstance(module, nn.Identity):
            handles.append(module.register_forward_hook(noted(name)))
    try:
        with torch.no_grad():
            network.eval()(training.dataset.schema.zeros(1).to(training.execution.device))
    finally:
        for handle in handles:
            handle.remove()
    return rows, sum(parameter.numel() for parameter in network.parameters())
