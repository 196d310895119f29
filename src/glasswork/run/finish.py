"""What a run leaves: the model with its best weights, the figures, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.activity import doing
from glasswork.catalogue import preset as preset_of
from glasswork.execution import Execution
from glasswork.files import write_atomically
from glasswork.own_code import is_own
from glasswork.report import sections
from glasswork.report.figures import main_metric, name_figure
from glasswork.report.report import Report, Score, Section
from glasswork.report.sections import Epoch, Layer, Setting
from glasswork.run.carry_out import Run
from glasswork.run.folder import FORMAT, RESULT
from glasswork.run.start import write_seen
from glasswork.show.html import draw_section, to_html
from glasswork.systems.attempts import Attempts
from glasswork.systems.process import Outcome, Trained
from glasswork.tensor_files import write_tensors

CURVE_POINTS = 400
LEFT_OUT = "left_out.txt"
"""Tracebacks of what could not be made."""


def finish(run: Run) -> dict[str, Any]:
    """Ends the process and writes model, result and report.

    Returns:
        What `result.json` holds: `run`, `preset`, `seconds`, `steps`, `epochs`, and what the process says: of learning
        `best_epoch`, `validation`, `test`, and `pictures`, the names of their files, if there are any.
    """
    try:
        with doing(f"writing the report of {run.folder.name}"):
            return _finish(run)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(run.stopped) from None
    finally:
        run.folder.unlock()


def _finish(run: Run) -> dict[str, Any]:
    state, attempts = run.last_state(), Attempts()
    model = run.process.complete(state)
    if model is not None:
        _write_model(run, model)
    outcome = run.process.finish(state, run.folder.path, attempts)
    run.outcome = outcome
    lines = list(run.folder.steps())
    recipe = run.process.recipe
    parts, files = _draw(outcome, attempts)
    result = {
        "format": FORMAT,
        "run": run.folder.name,
        "preset": run.request.preset,
        "data": recipe.data,
        "seed": recipe.seed,
        "seconds": round(run.seconds, 3),
        "steps": state["number"] if state else 0,
        "epochs": lines[-1]["epoch"] if lines else 0,
        "best_epoch": None,
        "validation": {},
        "test": {},
        "measured_on": "test",
        **({"pictures": list(files)} if files else {}),
        **outcome.result,
    }
    if run.notes:
        result["warnings"] = [*run.notes, *result.get("warnings", ())]
    for name, content in files.items():
        write_atomically(run.folder.path / name, content)
    report, page = _draw_report(_report(run, outcome, model, parts, result, lines, attempts), result, attempts)
    (run.folder.path / LEFT_OUT).unlink(missing_ok=True)  # of an earlier time
    if attempts.left_out:
        result["left_out"] = attempts.left_out
        write_atomically(run.folder.path / LEFT_OUT, "\n".join(attempts.details).encode("utf-8", "backslashreplace"))
    run.folder.write("report.json", report.to_json())
    write_atomically(run.folder.path / "report.html", page.encode("utf-8", "xmlcharrefreplace"))
    run.folder.write(RESULT, result)
    return result


def _draw_report(report: Report, result: Mapping[str, Any], attempts: Attempts) -> tuple[Report, str]:
    """The report and its page, without the sections that cannot be drawn, and with notes about what was left out."""
    whole = Attempts()
    page = whole.make("the page is", lambda: to_html(report), "")
    if not attempts.left_out and not whole.left_out:
        return report, page
    drawn = [
        section
        for section in report.sections[1:]
        if attempts.make(f"the section '{section.title}' is", partial(_is_drawn, section), False)
    ]
    notes = sections.warnings([*result.get("warnings", ()), *attempts.left_out])
    report = replace(report, sections=[notes, *drawn])
    return report, to_html(report)


def _is_drawn(section: Section) -> bool:
    draw_section(section)
    return True


def _draw(outcome: Outcome, attempts: Attempts) -> tuple[list[Section], dict[str, bytes]]:
    """The sections of the report that only this run has, and its files; what draws takes a while to import."""
    parts, files = list(outcome.findings.sections), dict(outcome.findings.files)
    if outcome.findings.figures:
        from glasswork.show.png import curves_png

        for name, charts in outcome.findings.figures.items():
            if picture := attempts.make(f"the picture {name} is", partial(curves_png, charts), b""):
                files[name] = picture
    if outcome.plane is not None:
        from glasswork.run.region_pictures import draw_plane

        nothing: tuple[list[Section], dict[str, bytes]] = ([], {})
        drawn, pictures = attempts.make("the pictures of the plane are", partial(draw_plane, outcome.plane), nothing)
        parts, files = [*drawn, *parts], {**files, **pictures}
    return parts, files


def _write_model(run: Run, model: Trained) -> None:
    folder = run.folder.model
    folder.mkdir(exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.network.state_dict().items()}
    digest = write_tensors(folder / "model.safetensors", FORMAT, weights, {})
    seen = write_seen(run.folder.path, run.process.trained_on)
    description = {
        "weights": digest,
        "seen": seen,
        "system": run.request.system,
        "preset": run.request.preset,
        "task": model.task.to_json(),
        "images": model.task.inputs.image_shape,
        "recipe": _used(run),
        "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
    }
    run.folder.write("model/model.json", description)


def _report(
    run: Run,
    outcome: Outcome,
    model: Trained | None,
    parts: Sequence[Section],
    result: Mapping[str, Any],
    lines: list[dict[str, Any]],
    attempts: Attempts,
) -> Report:
    summary, score = run.process.summary, outcome.findings.score
    data: list[tuple[str, str | int]] = [
        ("source", summary.source),
        ("inputs", summary.inputs),
        ("target", summary.target),
    ]
    data += [(f"{name} {summary.unit}", count) for name, count in summary.counts.items()]
    layers: list[Layer] = []
    parameters = 0
    if model is not None:
        parameters = sum(parameter.numel() for parameter in model.network.parameters())
        layers = attempts.make("the table of layers is", lambda: _layers(model, run.process.execution), layers)
    measured = {
        result.get("measured_on", "test").capitalize(): result.get("test", {}),
        "Validation": result.get("validation", {}),
    }
    return Report(
        f"{run.request.preset} on {summary.source}",
        [
            sections.warnings(result.get("warnings", ())),
            attempts.make(
                "the learning curves are",
                lambda: sections.learning_curves(
                    _epochs(lines), _thin(lines), result.get("best_epoch"), score, _main_of(lines, score)
                ),
                Section("How it learned", "", []),
            ),
            *parts,
            sections.data(data, list(summary.class_counts.items())),
            sections.network(layers, parameters),
            sections.recipe(_recipe(run)),
            sections.machine(_timing(result, lines, summary.unit), _machine(run)),
            sections.next_steps(run.next_commands()),
        ],
        headline=score,
        verdict=score.verdict(),
        opening=[sections.metrics(score, measured)],
    )


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
                judged[main] if (main := main_metric(judged)) != "loss" else None,
                steps[-1]["learning_rate"],
            )
        )
    return result


def _main_of(lines: Sequence[Mapping[str, Any]], score: Score) -> str:
    """Name of the metric that is drawn over the epochs, if it is another than the score's; else empty."""
    judged: Mapping[str, float] = next((line["validation"] for line in lines if "validation" in line), {})
    name = main_metric(judged)
    return "" if name == "loss" or name_figure(name) == score.metric else name


def _thin(lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, float]]:
    """Means over equal stretches of steps, so that a long run draws as fast as a short one."""
    stretch = max(1, len(lines) // CURVE_POINTS)
    parts = [lines[start : start + stretch] for start in range(0, len(lines), stretch)]
    return [(part[-1]["step"], sum(line["loss"] for line in part) / len(part)) for part in parts]


def _used(run: Run) -> dict[str, Any]:
    """The resolved recipe's fields; a network of the user's own under the name that it was given, not the copy's."""
    used, asked = run.process.recipe.model_dump(), run.request.recipe.model_dump()
    if is_own(str(used.get("network"))):
        used["network"] = asked["network"]
    return {key: value for key, value in used.items() if value is not None}


def _recipe(run: Run) -> list[Setting]:
    preset, used, rows = preset_of(run.request.preset), run.process.recipe, []
    for name, field in type(used).model_fields.items():
        value = getattr(used, name)
        if name in run.request.asked:
            origin = "asked"
        elif value != getattr(run.request.recipe, name):
            origin = "derived"
        else:
            origin = "preset" if name in preset.values or name == "data" else "default"
        shown = ", ".join(str(part) for part in value) if isinstance(value, tuple) else value
        rows.append(Setting(name, shown, origin, field.description or ""))  # type: ignore[arg-type]
    return rows


def _machine(run: Run) -> list[tuple[str, Any]]:
    execution, environment = run.process.execution, run.folder.read("environment.json")
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


def _layers(model: Trained, execution: Execution) -> list[Layer]:
    """The layers in the order of a forward pass; once one with parameters comes again, only those not yet named."""
    rows: list[Layer] = []
    handles = []
    known, again = set[str](), False

    def noted(name: str) -> Any:
        def note(module: nn.Module, inputs: object, output: object) -> None:
            nonlocal again
            output = output[0] if isinstance(output, tuple) and output else output  # what a recurrent layer shows
            again = again or (name in known and any(True for _ in module.parameters(recurse=False)))
            if isinstance(output, Tensor) and not (again and name in known):
                known.add(name)
                shape = " x ".join(str(size) for size in output.shape[1:])
                count = sum(parameter.numel() for parameter in module.parameters(recurse=False))
                rows.append(Layer(f"{name} ({type(module).__name__})", shape, count))

        return note

    network = model.network
    for name, module in network.named_modules():
        if name and not list(module.children()) and not isinstance(module, nn.Identity):
            handles.append(module.register_forward_hook(noted(name)))
    try:
        with torch.no_grad():
            network.eval()(model.task.inputs.zeros(1).to(execution.device))
    finally:
        for handle in handles:
            handle.remove()
    return rows
