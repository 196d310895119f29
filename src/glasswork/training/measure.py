"""Choosing precision, memory layout and allocator by measurement: a few real steps each way, before the run."""

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from glasswork.device import Layout, Numerics, Precision, fast_bfloat16, keep_memory
from glasswork.recipes.base import Machine
from glasswork.training.fit import fit
from glasswork.training.stage import Stage

TIMED_STEPS = 4
CLEAR_GAIN = 1.05

MakeStage = Callable[[nn.Module, Numerics], Stage]


def choose_numerics(machine: Machine, numerics: Numerics, network: nn.Module, make_stage: MakeStage) -> Numerics:
    """The fastest way to carry out the run's own training steps; what the user asked for is not tried otherwise.

    Args:
        machine: what was asked for; `auto` where it is to be measured.
        numerics: device and threads, as decided.
        network: the network, which is left untouched: each way trains a copy.
        make_stage: the run's stage for a network and a way, with a clock that does not run out.

    Returns:
        `numerics` with precision, memory format and allocator, and what was measured. A way has to be 5 % faster than
        the plain one to be chosen.
    """
    formats: list[Layout] = [machine.memory_format] if machine.memory_format != "auto" else ["contiguous"]
    if machine.memory_format == "auto" and any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        formats.append("channels-last")
    precisions: list[Precision] = [machine.precision] if machine.precision != "auto" else ["float32"]
    if machine.precision == "auto" and fast_bfloat16(numerics.device):
        precisions.append("bfloat16")
    ways = [
        replace(numerics, precision=precision, memory_format=layout, allocator="default")
        for precision in precisions
        for layout in formats
    ]
    measured: list[tuple[str, float]] = []
    best = _fastest(ways, network, make_stage, measured)
    if machine.allocator == "keep":
        best = replace(best, allocator="keep")
    elif machine.allocator == "auto" and len(ways) > 1 and torch.device(numerics.device).type == "cpu":
        best = _fastest([best, replace(best, allocator="keep")], network, make_stage, measured)
    keep_memory(best.allocator == "keep")
    return replace(best, measured=tuple(dict(measured).items()))


def _fastest(
    ways: list[Numerics], network: nn.Module, make_stage: MakeStage, measured: list[tuple[str, float]]
) -> Numerics:
    """The way with the shortest step; the first unless another is clearly faster. One way alone is not timed."""
    if len(ways) == 1:
        return ways[0]
    runs = []
    for way in ways:
        stage = make_stage(way.place(copy.deepcopy(network)), way)
        runs.append((way, fit(replace(stage, judge=None))))
    shortest = [float("inf")] * len(ways)
    for turn in range(TIMED_STEPS + 1):
        for i, (way, steps) in enumerate(runs):
            if turn >= 2 and shortest[i] > 1.5 * min(shortest):
                continue
            keep_memory(way.allocator == "keep")
            started = time.perf_counter()
            next(steps)
            if turn > 0:
                shortest[i] = min(shortest[i], time.perf_counter() - started)
    for (way, steps), seconds in zip(runs, shortest, strict=True):
        steps.close()  # type: ignore[attr-defined]
        measured.append((_words(way), round(1000 * seconds, 3)))
    fastest = min(range(len(ways)), key=lambda i: shortest[i])
    return ways[fastest] if shortest[fastest] * CLEAR_GAIN < shortest[0] else ways[0]


def _words(way: Numerics) -> str:
    return f"{way.precision}, {way.memory_format}" + (", memory kept" if way.allocator == "keep" else "")
