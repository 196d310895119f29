"""Moves modules to the rooms of design.md and rewrites the imports of them; nothing else changes."""

import ast
import re
import subprocess
from pathlib import Path

MOVES = {
    "device": "execution",
    "recipes": "recipe",
    "experiments": "studies",
    "notebook": "show.notebook",
    "glassbox.record": "record",
    # systems: a folder each
    "recipes.supervised": "systems.supervised.recipe",
    "systems.supervised": "systems.supervised.system",
    "systems.restarts": "systems.supervised.restarts",
    "systems.restart_findings": "systems.supervised.restarts_report",
    "recipes.online": "systems.online.recipe",
    "systems.online": "systems.online.system",
    "systems.online_update": "systems.online.update",
    "recipes.function": "systems.function.recipe",
    "systems.function": "systems.function.system",
    "recipes.heatmap": "systems.heatmap.recipe",
    "systems.heatmap": "systems.heatmap.system",
    "experiments.heatmap": "systems.heatmap.heat_map",
    "data.annotations": "systems.heatmap.annotations",
    "recipes.transfer": "systems.transfer.recipe",
    "systems.transfer": "systems.transfer.system",
    "networks.transferred": "systems.transfer.network",
    "data.features": "systems.transfer.features",
    "recipes.embed": "systems.embed.recipe",
    "systems.embed": "systems.embed.system",
    "systems.embed_findings": "systems.embed.report",
    "networks.embedding": "systems.embed.network",
    "recipes.characters": "systems.characters.recipe",
    "systems.characters": "systems.characters.system",
    "systems.characters_findings": "systems.characters.report",
    "systems.characters_measured": "systems.characters.evaluation",
    "systems.characters_stages": "systems.characters.sampling",
    "systems.writing": "systems.characters.generate",
    "networks.characters": "systems.characters.network",
    "recipes.sentiment": "systems.sentiment.recipe",
    "systems.sentiment": "systems.sentiment.system",
    "systems.counted_findings": "systems.sentiment.report",
    "systems.moved": "systems.sentiment.word_attribution",
    "networks.text_classifier": "systems.sentiment.network",
    "networks.counted_words": "systems.sentiment.naive_bayes",
    "recipes.tagger": "systems.tagger.recipe",
    "systems.tagger": "systems.tagger.system",
    "systems.tagger_measured": "systems.tagger.report",
    "networks.tagger": "systems.tagger.network",
    "recipes.video": "systems.video.recipe",
    "systems.video": "systems.video.system",
    "systems.video_measured": "systems.video.report",
    "networks.video": "systems.video.network",
    "recipes.forecast": "systems.forecast.recipe",
    "systems.forecast": "systems.forecast.system",
    "systems.forecast_findings": "systems.forecast.report",
    "systems.forecast_measured": "systems.forecast.evaluation",
    "systems.forecast_baselines": "systems.forecast.baselines",
    "systems.forecasting": "systems.forecast.generate",
    "networks.forecaster": "systems.forecast.network",
    "systems.neighbours": "systems.retrieval",
    "systems.questions": "systems.targets",
    "systems.published": "systems.pretrained",
    "systems.each_time": "systems.sequence_metrics",
    # networks
    "networks.stepping": "networks.incremental",
    "networks.many_to_one": "networks.sequence_classifier",
    "networks.patches": "networks.patchnet",
    # data
    "data.readers": "data.formats",
    "data.readers.cells": "data.formats.tables.cells",
    "data.readers.dates": "data.formats.tables.dates",
    "data.readers.describing": "data.formats.tables.infer",
    "data.readers.encoding": "data.formats.tables.encode",
    "data.readers.parquet": "data.formats.tables.parquet",
    "data.readers.table": "data.formats.tables.table",
    "data.columns": "data.formats.tables.features",
    "data.preparation": "data.formats.tables.scaling",
    "data.readers.series": "data.formats.series.series",
    "data.readers.timed": "data.formats.series.time_index",
    "data.seasons": "data.formats.series.seasons",
    "data.timing": "data.formats.series.calendar",
    "data.series": "data.formats.series.kind",
    "data.slides": "data.formats.whole_slide",
    "data.decoding": "data.formats.decoding",
    "data.frames": "data.formats.video",
    "data.readers.tagged": "data.formats.conll",
    "data.pieces": "data.tokenize",
    "data.lanes": "data.bptt",
    "data.given": "data.array_inputs",
    "data.matching": "data.align",
    "data.unseen": "data.heldout_classes",
    "data.names": "data.builtin",
    "data.name_groups": "data.filename_groups",
    "data.shifted": "data.shifts",
    "data.points": "data.toy",
    "data.examples": "data.dataset",
    # training
    "training.in_turn": "training.staged",
    "training.faults": "training.nonfinite",
    "training.measure": "training.autotune",
    "training.probe": "training.memory",
    "training.clocks": "training.clock",
    "training.stacking": "training.ensemble.stacking",
    "training.stacked_batches": "training.ensemble.batches",
    "training.stacked_losses": "training.ensemble.losses",
    "training.stacked_members": "training.ensemble.members",
    "training.stacked_network": "training.ensemble.network",
    "training.stacked_optimizer": "training.ensemble.optimizer",
    # glass box
    "glassbox.undisturbed": "glassbox.inspect",
    "glassbox.values": "glassbox.tensor_summary",
    "glassbox.trace": "glassbox.trace.trace",
    "glassbox.recorder": "glassbox.trace.recorder",
    "glassbox.explain": "glassbox.trace.explain",
    "glassbox.opening": "glassbox.trace.opening",
    "glassbox.deltas": "glassbox.trace.deltas",
    "glassbox.recognise": "glassbox.trace.recognise",
    "glassbox.known": "glassbox.trace.torch_calls.known",
    "glassbox.known_arithmetic": "glassbox.trace.torch_calls.arithmetic",
    "glassbox.known_choices": "glassbox.trace.torch_calls.choices",
    "glassbox.known_layers": "glassbox.trace.torch_calls.layers",
    "glassbox.known_sequences": "glassbox.trace.torch_calls.sequences",
    "glassbox.known_shapes": "glassbox.trace.torch_calls.shapes",
    "glassbox.known_statistics": "glassbox.trace.torch_calls.statistics",
    "glassbox.features": "glassbox.features.features",
    "glassbox.feature_pictures": "glassbox.features.feature_pictures",
    "glassbox.layer_features": "glassbox.features.layer_features",
    "glassbox.exciting": "glassbox.features.top_activations",
    "glassbox.deconvolution": "glassbox.features.deconvolution",
    "glassbox.images": "glassbox.features.images",
    "glassbox.attribution": "glassbox.attribution.attribution",
    "glassbox.occlusion": "glassbox.attribution.occlusion",
    "glassbox.leaving_out": "glassbox.attribution.leave_one_out",
    "glassbox.count": "glassbox.cost.count",
    "glassbox.count_formulas": "glassbox.cost.formulas",
    "glassbox.count_network": "glassbox.cost.network",
    "glassbox.receptive_field": "glassbox.cost.receptive_field",
    "glassbox.architecture": "glassbox.cost.architecture",
    "experiments.counted": "run.count_by_name",
    "glassbox.graph": "glassbox.graph.graph",
    "glassbox.expressions": "glassbox.graph.expressions",
    "glassbox.derivatives": "glassbox.graph.derivatives",
    "glassbox.convolve": "glassbox.convolve.convolve",
    "glassbox.convolve_pictures": "glassbox.convolve.pictures",
    "glassbox.kernels": "glassbox.convolve.filters",
    "glassbox.diagnose": "glassbox.diagnose.diagnose",
    "glassbox.symptoms": "glassbox.diagnose.symptoms",
    "glassbox.activity": "glassbox.diagnose.activity",
    "glassbox.heat_map": "glassbox.heatmap.heat_map",
    "glassbox.tiling": "glassbox.heatmap.tiling",
    "glassbox.fully_convolutional": "glassbox.heatmap.fully_convolutional",
    "glassbox.shares": "glassbox.contributions",
    "experiments.units": "systems.characters.units",
    # runs
    "run.frames": "run.region_snapshots",
    "run.choose": "run.request",
    # studies
    "experiments.division": "studies.cv_split",
    "experiments.independent": "studies.recurrence_ablation",
    "experiments.members": "studies.trained",
    "experiments.paired": "studies.intervals",
    "experiments.study": "studies.optuna_study",
    # show
    "show.cells": "show.rnn_colours",
    "show.looking": "show.features_page",
    "show.lines": "show.plots_png",
    "show.parts": "show.sections",
    "show.views": "show.pages",
}

ROOT = Path("src/glasswork")


def expand(moves: dict[str, str]) -> dict[str, str]:
    """Every module of the tree that moves: modules of moved packages too."""
    result = {}
    for file in ROOT.rglob("*.py"):
        parts = list(file.relative_to(ROOT).with_suffix("").parts)
        old = ".".join(parts).removesuffix(".__init__")
        for count in range(len(parts), 0, -1):
            prefix = ".".join(parts[:count])
            is_package = (ROOT / Path(*parts[:count])).is_dir()
            if prefix in moves and (prefix == old or is_package):
                result[old] = moves[prefix] + old[len(prefix) :]
                break
    return {old: new for old, new in result.items() if old != new}


def rewritten(text: str, moved: dict[str, str]) -> str:
    """The text with imports of moved modules rewritten."""
    edits = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("glasswork"):
            continue
        package = (node.module or "").removeprefix("glasswork").removeprefix(".")
        kept, apart = [], []
        for alias in node.names:
            inside = f"{package}.{alias.name}".removeprefix(".")
            if inside in moved:
                room, _, name = moved[inside].rpartition(".")
                said = alias.asname or alias.name
                source = f"glasswork.{room}" if room else "glasswork"
                apart.append(f"from {source} import {name}" + (f" as {said}" if said != name else ""))
            else:
                kept.append(alias.name + (f" as {alias.asname}" if alias.asname else ""))
        if apart:
            whole = [f"from {node.module} import {', '.join(kept)}"] if kept else []
            edits.append((node.lineno, node.end_lineno, node.col_offset, whole + apart))
    lines = text.splitlines(keepends=True)
    for first, last, indent, statements in sorted(edits, reverse=True):
        lines[first - 1 : last] = [" " * indent + statement + "\n" for statement in statements]
    text = "".join(lines)
    names = sorted(moved, key=len, reverse=True)
    pattern = re.compile(r"\bglasswork\.(" + "|".join(map(re.escape, names)) + r")\b(?!\()")
    return pattern.sub(lambda found: f"glasswork.{moved[found[1]]}", text)


def main() -> None:
    """Moves everything."""
    moved = expand(MOVES)
    packages = {old for old in moved if (ROOT / old.replace(".", "/")).is_dir()}
    files = [file for room in ("src", "tests", "benchmarks") for file in Path(room).rglob("*.py")]
    for file in files:
        text = file.read_text(encoding="utf-8")
        new = rewritten(text, moved)
        if new != text:
            file.write_text(new, encoding="utf-8")
    # First aside, so that a package may take the name of one of its modules.
    for old in sorted(moved, key=lambda name: -name.count(".")):
        source = ROOT / (old.replace(".", "/") + ("/__init__.py" if old in packages else ".py"))
        aside = ROOT.parent / "aside" / (moved[old].replace(".", "/") + ("/__init__.py" if old in packages else ".py"))
        aside.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", str(source), str(aside)], check=True)
    for file in sorted((ROOT.parent / "aside").rglob("*.py")):
        target = ROOT / file.relative_to(ROOT.parent / "aside")
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "mv", str(file), str(target)], check=True)
    for folder in ROOT.rglob("*"):
        if folder.is_dir() and folder.name != "__pycache__" and list(folder.glob("*.py")):
            if not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text("")


if __name__ == "__main__":
    main()
