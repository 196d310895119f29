"""Chooses precision, memory layout and allocator by measuring a few real steps of each before the run."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from glasswork.execution import Execution, Layout, Precision, fast_bfloat16, keep_memory
from glasswork.recipe.base import Machine
from glasswork.training.fit import minimise
from glasswork.training.stage import Stage

TIMED_STEPS = 4
CLEAR_GAIN = 1.05
CAREFUL_RATE = 1e-5

MakeStage = Callable[[nn.Module, Execution], Stage]


def choose_execution(machine: Machine, execution: Execution, network: nn.Module, make_stage: MakeStage) -> Execution:
    """The fastest way to carry out the run's own training steps; what the user asked for is not tried otherwise.

    Args:
        machine: what was asked for; `auto` where it is to be measured.
        execution: device and threads, as decided.
        network: the network, which is left untouched: each way trains a copy.
        make_stage: the run's stage for a network and a way, with a clock that does not run out.

    Returns:
        `execution` with precision, memory format and allocator, and what was measured. A way has to be 5 % faster than
        the plain one to be chosen.
    """
    formats: list[Layout] = [machine.memory_format] if machine.memory_format != "auto" else ["contiguous"]
    if machine.memory_format == "auto" and any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        formats.append("channels-last")
    precisions: list[Precision] = [machine.precision] if machine.precision != "auto" else ["float32"]
    if machine.precision == "auto" and fast_bfloat16(execution.device):
        precisions.append("bfloat16")
    ways = [
        replace(execution, precision=precision, memory_format=layout, allocator="default")
        for precision in precisions
        for layout in formats
    ]
    milliseconds = _measure(ways, network, make_stage) if len(ways) > 1 else [0.0]
    place = min(range(len(ways)), key=milliseconds.__getitem__)
    if milliseconds[place] * CLEAR_GAIN > milliseconds[0]:
        place = 0
    best, measured = ways[place], list(zip(map(_words, ways), milliseconds, strict=True)) if len(ways) > 1 else []
    kept = replace(best, allocator="keep")
    if machine.allocator == "keep":
        best = kept
    elif machine.allocator == "auto" and len(ways) > 1 and torch.device(execution.device).type == "cpu":
        # On its own and last: memory that is kept would speed up the steps of the other ways as well.
        [faster] = _measure([kept], network, make_stage)
        measured.append((_words(kept), faster))
        best = kept if faster * CLEAR_GAIN < milliseconds[place] else best
    keep_memory(best.allocator == "keep")
    return replace(best, measured=tuple(measured))


def _measure(ways: list[Execution], network: nn.Module, make_stage: MakeStage) -> list[float]:
    """Milliseconds of the shortest of a few training steps, for each way; the ways take turns.

    Ways that are clearly slow after two turns are not tried further.
    """
    runs = []
    for way in ways:
        stage = make_stage(way.place(copy.deepcopy(network)), way)
        # Small steps take as long as large ones, and of a rate that diverges the run itself shall tell.
        careful = min(stage.learning_rate, CAREFUL_RATE)
        plain = replace(stage, judge=None, learning_rate=careful, minimise=None)
        runs.append((way, minimise([plain])))
    shortest = [float("inf")] * len(ways)
    for turn in range(TIMED_STEPS + 1):
        for place, (way, steps) in enumerate(runs):
            if turn >= 2 and shortest[place] > 1.5 * min(shortest):
                continue
            keep_memory(way.allocator == "keep")
            started = time.perf_counter()
            next(steps)
            if turn > 0:
                shortest[place] = min(shortest[place], time.perf_counter() - started)
    return [round(1000 * seconds, 3) for seconds in shortest]


def _words(way: Execution) -> str:
    return f"{way.precision}, {way.memory_format}" + (", memory kept" if way.allocator == "keep" else "")
