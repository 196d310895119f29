"""Chooses precision, memory layout and allocator by measuring a few real steps of each."""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from glasswork.execution import Execution, Layout, Precision, fast_bfloat16, keep_memory
from glasswork.recipe.base import Machine
from glasswork.training.fit import minimise
from glasswork.training.kept_choice import KeptChoice
from glasswork.training.stage import Stage, Step

ROUNDS = 3
STEPS_PER_ROUND = 2
CLEAR_GAIN = 1.1
KEEPING_GAIN = 1.05  # the allocator changes no figure
CAREFUL_RATE = 1e-5

MakeStage = Callable[[nn.Module, Execution], Stage]


class Choice(NamedTuple):
    """How the arithmetic is carried out.

    Attributes:
        execution: what was chosen.
        warning: why nothing was measured, in a sentence; empty if it was, or need not be.
    """

    execution: Execution
    warning: str = ""


def choose_execution(machine: Machine, execution: Execution, network: nn.Module, make_stage: MakeStage) -> Choice:
    """The fastest way to carry out the run's own training steps; what the user asked for is not tried otherwise.

    What was measured is kept for this machine, version and shape of the network and used again, so that the same
    command always computes the same. If it cannot be kept, the plain way is taken.

    Args:
        machine: what was asked for; `auto` where it is to be measured.
        execution: device and threads, as decided.
        network: the network, which is left untouched: each way trains a copy.
        make_stage: the run's stage for a network and a way, with a clock that does not run out.

    Returns:
        `execution` with precision, memory format and allocator, and what was measured.
    """
    ways = _ways(machine, execution, network)
    if len(ways) == 1:
        choice = Choice(replace(ways[0], allocator="keep" if machine.allocator == "keep" else "default"))
    else:
        choice = _kept_or_measured(machine, ways, network, make_stage)
    keep_memory(choice.execution.allocator == "keep")
    return choice


def _ways(machine: Machine, execution: Execution, network: nn.Module) -> list[Execution]:
    """The ways to choose from, the plain one first."""
    formats: list[Layout] = [machine.memory_format] if machine.memory_format != "auto" else ["contiguous"]
    if machine.memory_format == "auto" and any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        formats.append("channels-last")
    precisions: list[Precision] = [machine.precision] if machine.precision != "auto" else ["float32"]
    if machine.precision == "auto" and fast_bfloat16(execution.device):
        precisions.append("bfloat16")
    return [
        replace(execution, precision=precision, memory_format=layout, allocator="default")
        for precision in precisions
        for layout in formats
    ]


def _kept_or_measured(machine: Machine, ways: list[Execution], network: nn.Module, make_stage: MakeStage) -> Choice:
    try:
        kept = KeptChoice(ways, make_stage(network, ways[0]), machine.allocator)
        known = None if machine.measure else kept.read(ways[0])
        if known is not None:
            return Choice(known)
        kept.make_room()
    except OSError as error:
        return _plain(machine, ways, error)
    chosen = _fastest(machine, ways, network, make_stage)
    try:
        return Choice(kept.write(chosen, again=machine.measure))
    except OSError as error:
        return _plain(machine, ways, error)


def _plain(machine: Machine, ways: list[Execution], error: OSError) -> Choice:
    return Choice(
        replace(ways[0], allocator="keep" if machine.allocator == "keep" else "default"),
        f"The folder of the cache cannot be written ({error.strerror or error}), so what is measured could not be kept "
        "for the next run: the plain arithmetic is used.",
    )


def _fastest(machine: Machine, ways: list[Execution], network: nn.Module, make_stage: MakeStage) -> Execution:
    """The plain way, unless another is faster in every round by a clear margin."""
    rounds = _measure(ways, network, make_stage)
    faster = [place for place in range(1, len(ways)) if _faster(rounds, place)]
    place = min(faster, key=lambda place: min(rounds[place]), default=0)
    milliseconds = [_milliseconds(each) for each in rounds]
    best, measured = ways[place], list(zip(map(_words, ways), milliseconds, strict=True))
    if machine.allocator == "keep":
        best = replace(best, allocator="keep")
    elif machine.allocator == "auto" and torch.device(best.device).type == "cpu":
        # On its own and last: memory that is kept would speed up the steps of the other ways as well.
        kept = replace(best, allocator="keep")
        keeping = _milliseconds(_measure([kept], network, make_stage)[0])
        measured.append((_words(kept), keeping))
        best = kept if keeping * KEEPING_GAIN < milliseconds[place] else best
    return replace(best, measured=tuple(measured))


def _measure(ways: list[Execution], network: nn.Module, make_stage: MakeStage) -> list[list[float]]:
    """Seconds of the shortest training step of each round, for each way; the ways take turns.

    The first way makes every round. Another one is not tried further after a round in which it was not clearly faster.
    """
    steps = [_steps_of(way, network, make_stage) for way in ways]
    rounds: list[list[float]] = [[] for _ in ways]
    for turn in range(ROUNDS):
        tried = [place for place in range(len(ways)) if place == 0 or _faster(rounds, place)]
        shortest = dict.fromkeys(tried, float("inf"))
        for number in range(STEPS_PER_ROUND + (turn == 0)):
            for place in tried:
                keep_memory(ways[place].allocator == "keep")
                started = time.perf_counter()
                next(steps[place])
                if turn > 0 or number > 0:  # the very first step is slower than the others
                    shortest[place] = min(shortest[place], time.perf_counter() - started)
        for place in tried:
            rounds[place].append(shortest[place])
    return rounds


def _steps_of(way: Execution, network: nn.Module, make_stage: MakeStage) -> Iterator[Step]:
    """The training steps of a copy of the network."""
    stage = make_stage(way.place(copy.deepcopy(network)), way)
    # Small steps take as long as large ones, and of a rate that diverges the run itself shall tell.
    careful = min(stage.learning_rate, CAREFUL_RATE)
    return minimise([replace(stage, judge=None, learning_rate=careful, minimise=None)])


def _faster(rounds: list[list[float]], place: int) -> bool:
    """Whether a way was clearly faster than the first one in each round that it made."""
    return all(own * CLEAR_GAIN < plain for own, plain in zip(rounds[place], rounds[0], strict=False))


def _milliseconds(seconds: Sequence[float]) -> float:
    return round(1000 * min(seconds), 3)


def _words(way: Execution) -> str:
    return f"{way.precision}, {way.memory_format}" + (", memory kept" if way.allocator == "keep" else "")
