"""What a run leaves: the model with its best weights, the figures, the report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from glasswork.catalogue import PRESETS
from glasswork.data.dataset import InputKind
from glasswork.report import sections
from glasswork.report.blocks import Curves
from glasswork.report.report import Report, Score
from glasswork.report.sections import Epoch, Layer, Setting
from glasswork.report.words import main_metric
from glasswork.run.folder import FORMAT, RunFolder
from glasswork.run.training import Training
from glasswork.show.html import to_html
from glasswork.systems.answers import measured_rows
from glasswork.training.checkpoints import write_atomically

CURVE_POINTS = 400
WRONG: dict[str, Any] = {"confusion": None, "predictions": (), "per_label": (), "mistakes": ()}
"""What a system says about wrong answers, in the order of `sections.mistakes`, and what stands for nothing said."""

ASKED: dict[InputKind, tuple[str, str]] = {
    "image": ("FILE.png", "pictures, a folder or a table"),
    "vector": ("FILE.csv", "the rows of a table"),
    "text": ("FILE.txt", "a text"),
    "sequence": ("FILE", "a sequence"),
    "series": ("FILE.csv", "series"),
}
"""What a model of each kind of input is asked about."""


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
    files = {**found.pop("files", {}), **_draw_figures(found.pop("figures", {})), **_draw(training, found)}
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


def _draw_figures(figures: Mapping[str, Sequence[Curves]]) -> dict[str, bytes]:
    """Charts as files of their own, by name."""
    if not figures:
        return {}
    from glasswork.show.png import curves_png  # here, as what draws takes a while to import

    return {name: curves_png(blocks) for name, blocks in figures.items()}


def _draw(training: Training, found: dict[str, Any]) -> Mapping[str, bytes]:
    """Adds the pictures of a run whose examples lie on a plane to what was found; their files."""
    if training.plane() is None:
        return {}
    from glasswork.run.pictures import pictures  # here, as what draws takes a while to import

    drawn = pictures(training)
    found["parts"] = [*found.get("parts", ()), *drawn.sections]
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
    score, best = _score(found), result["best_epoch"]
    splits = {result["measured_on"].capitalize(): result["test"], "Validation": result["validation"]}
    parts = [
        sections.warnings(result["warnings"]),
        sections.learning_curves(_epochs(lines), _thinned(lines), best, score),
        *found.get("parts", ()),
        sections.worked(found.get("worked", ())),
        sections.mistakes(*(found.get(name, usual) for name, usual in WRONG.items())),
        sections.calibration(found.get("calibration", ()), found.get("expected_calibration_error")),
        sections.data(data, list(summary.class_counts.items())),
        sections.network(layers, parameters),
        sections.recipe(_recipe(training)),
        sections.machine(_timing(result, lines, summary.unit), _machine(training)),
        sections.next_steps(next_commands(training.folder)),
    ]
    return Report(
        f"{training.order.preset} on {summary.source}",
        parts,
        headline=score,
        verdict=score.verdict(),
        opening=[sections.metrics(score, splits)],
    )


def _score(found: Mapping[str, Any]) -> Score:
    return Score(
        found["headline_metric"],
        found["headline_value"],
        found.get("headline_count", ""),
        found.get("headline_low"),
        found.get("headline_high"),
        found.get("headline_in_percent", True),
        found.get("headline_higher_is_better", True),
        found.get("baseline_name", ""),
        found.get("baseline_value"),
    )


def next_commands(folder: RunFolder) -> list[tuple[str, str]]:
    """What to try after a run."""
    schema = folder.read("model/model.json")["schema"]
    file, what = ASKED[schema["inputs"]]
    further = {
        "next": (f"glasswork write {folder.name} --prompt TEXT", "goes on with a text, character by character"),
        "ahead": (f"glasswork forecast {folder.name} --out forecast.html", "goes on with the series after their end"),
    }
    return [
        *([further[schema["target"]]] if schema["target"] in further else ()),
        (f"glasswork predict {folder.name} {file}", f"asks the model about {what} of your own"),
        (f"glasswork evaluate {folder.name} --data PATH", "measures the model on other examples with known answers"),
        (f"glasswork compare {folder.name} OTHER", "puts two runs side by side: recipe, figures, time"),
    ]


def _epochs(lines: Sequence[Mapping[str, Any]]) -> list[Epoch]:
    points: dict[int, list[Mapping[str, Any]]] = {}
    for line in lines:
        points.setdefault(line["epoch"], []).append(line)
    result = []
    for epoch, steps in points.items():
        judged: Mapping[str, float] = next((line["validation"] for line in reversed(steps) if "validation" in line), {})
        examples = sum(line["examples"] for line in steps)
        result.append(
            Epoch(
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


def _recipe(training: Training) -> list[Setting]:
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
        rows.append(Setting(name, shown, origin, field.description or ""))  # type: ignore[arg-type]
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


def _layers(training: Training) -> tuple[list[Layer], int]:
    """The layers with parameters or a change of shape, in the order of a forward pass."""
    rows: list[Layer] = []
    handles = []

    def noted(name: str) -> Any:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            output = output[0] if isinstance(output, tuple) and output else output  # what a recurrent layer shows
            if isinstance(output, Tensor):
                shape = " x ".join(str(size) for size in output.shape[1:])
                count = sum(parameter.numel() for parameter in module.parameters(recurse=False))
                rows.append(Layer(f"{name} ({type(module).__name__})", shape, count))

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
