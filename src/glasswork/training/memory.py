"""Estimates the memory of training from one step, and compares the speed of batch sizes."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch
from glasswork.data.dataset import Dataset
from glasswork.errors import GlassworkError
from glasswork.execution import memory_bytes
from glasswork.training.optimizers import Optimizer
from glasswork.training.stage import START, Stage, only_trained

GIGABYTE = 2**30
LOOKED_AT = 16
FIRST, GREATEST = 16, 8192
TIMED_STEPS = 3
LONGEST_STEP = 3.0
COMFORTABLE_SHARE = 0.8
# What the allocator keeps of freed pieces and matrix products take as scratch comes on top of the tensors.
ALLOCATED = 1.15


@dataclass(frozen=True)
class Memory:
    """Bytes that a training needs in addition to the program itself.

    Attributes:
        data: the columns of all examples, as they lie in memory.
        weights: the network's parameters and buffers, and the copy of the best ones where a validation keeps one.
        gradients: of the parameters that are trained.
        moments: what the optimizer keeps per parameter.
        activations: of a batch: its inputs (of the step before too, and while they are scaled), what the forward pass
            keeps for the backward pass, the two widest errors on the way back, and what the allocator adds to all that.
        per_example: the part of `activations` that one example more adds.
        dataset: of the batch that `activations` are for.
        device: where all this lies.
        machine: all memory there.
        free: what of it is free now.
    """

    data: int
    weights: int
    gradients: int
    moments: int
    activations: int
    per_example: float
    examples: int
    device: str
    machine: int
    free: int

    @property
    def total(self) -> int:
        """All parts together."""
        return self.data + self.weights + self.gradients + self.moments + self.activations

    @property
    def largest_batch(self) -> int | None:
        """How many examples a batch may have to stay within four fifths of what is free; None if unknown."""
        if not self.free or not self.per_example:
            return None
        without = self.total - self.per_example * self.examples
        return max(0, int((COMFORTABLE_SHARE * self.free - without) / self.per_example))

    def to_json(self) -> dict[str, Any]:
        """The parts and their sum as plain JSON types, in bytes."""
        return {**asdict(self), "total": self.total, "largest_batch": self.largest_batch}


def estimate_memory(stage: Stage, dataset: Dataset, device: str | None = None) -> Memory:
    """How much memory a stage will need, from what the forward pass of a few examples keeps for the backward pass.

    The tensors that autograd saves are counted, each once, by `torch.autograd.graph.saved_tensors_hooks`; what a batch
    of the stage keeps follows from two small ones, as it grows evenly with the examples. No gradient is computed, and
    network, optimizer and random generators stay as they are.

    Args:
        stage: what will be minimised.
        dataset: all examples of the run.
        device: where it will be carried out; None: where the stage is.
    """
    device = device or stage.execution.device
    trained = sum(parameter.nbytes for parameter in stage.parameters)
    state = sum(tensor.nbytes for tensor in _tensors(stage.network))
    examples_in_batch = stage.batches.size
    activations, per_example = _activations(stage, examples_in_batch)
    machine, free = memory_bytes(device)
    return Memory(
        data=sum(column.nbytes for column in dataset.columns.values()),
        weights=state * (1 if stage.judge is None else 2),
        gradients=trained,
        moments=trained * len(Optimizer(stage.optimizer, [], stage.momentum, stage.weight_decay).moments),
        activations=activations,
        per_example=per_example,
        examples=examples_in_batch,
        device=device,
        machine=machine,
        free=free,
    )


def short_of_memory(memory: Memory) -> str:
    """A warning where more is needed than is free now; empty where it fits. Data may stay on disk and does not count.

    Raises:
        GlassworkError: where more is needed than the device has, saying what is there and the batch that fits.
    """
    needed, fitting = memory.total - memory.data, memory.largest_batch
    if not memory.free or needed <= memory.free:
        return ""
    what = f"a batch of {memory.examples:,} examples needs about {worded_bytes(needed)}, and {memory.device} has "
    advice = f"try --batch-size {fitting} or less" if fitting else "it takes a smaller network"
    if needed > memory.machine:
        raise GlassworkError(f"{what[:1].upper()}{what[1:]}{worded_bytes(memory.machine)} in all: {advice}")
    return f"{what}{worded_bytes(memory.free)} free now: {advice}, or make room first"


def worded_bytes(count: float) -> str:
    """Bytes for people: 3.1 GB, 120 MB."""
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{max(1, round(count / 2**20))} MB"


@dataclass(frozen=True)
class BatchSpeed:
    """How fast a batch size goes.

    Attributes:
        batch_size: examples per step.
        examples_per_second: of whole steps: gathering, forward, loss, backward, update.
        milliseconds: of one step, the shortest of a few.
        memory: bytes that a training with it needs in addition to the program itself.
    """

    batch_size: int
    examples_per_second: float
    milliseconds: float
    memory: int


def batch_speeds(stage: Stage, dataset: Dataset) -> Iterator[BatchSpeed]:
    """Measures steps of 16, 32, 64, ... examples, to the number of training examples or what the memory holds.

    The weights of the stage's network are put back afterwards.

    Args:
        stage: what will be minimised; its own batch size does not matter.
        dataset: all examples of the run.
    """
    before = {name: tensor.detach().clone() for name, tensor in stage.network.state_dict().items()}
    size, took = FIRST, 0.0
    try:
        while size <= min(stage.batches.most, GREATEST) and took < LONGEST_STEP / 2:
            memory = estimate_memory(replace(stage, batches=stage.batches.resized(size)), dataset)
            if memory.free and memory.total - memory.data > COMFORTABLE_SHARE * memory.free:
                return
            took = _seconds_per_step(stage, size)
            yield BatchSpeed(size, size / took, 1000 * took, memory.total)
            size *= 2
    finally:
        stage.network.load_state_dict(before)


def _seconds_per_step(stage: Stage, size: int) -> float:
    optimizer = Optimizer(stage.optimizer, stage.parameters, stage.momentum, stage.weight_decay)
    stage.network.train()
    shortest = float("inf")
    for turn in range(TIMED_STEPS + 1):
        began = time.perf_counter()
        batch = stage.batches.sample(size, turn)
        with only_trained(stage), stage.execution.arithmetic():
            loss, _ = stage.loss(stage.network, batch, {}, START)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(0.0)
        loss.item()  # an accelerator works behind our back until a number is asked for
        took = time.perf_counter() - began
        if turn > 0:
            shortest = min(shortest, took)
        if took > LONGEST_STEP:
            return min(shortest, took)
    return shortest


def _activations(stage: Stage, count: int) -> tuple[int, float]:
    """Bytes for a batch of `count` examples, and for each of them."""
    large = min(count, LOOKED_AT, stage.batches.most)
    small = max(1, large // 2)
    if small == large:
        return _kept(stage, stage.batches.sample(large)), 0.0
    more, less = _kept(stage, stage.batches.sample(large)), _kept(stage, stage.batches.sample(small))
    per_example = (more - less) / (large - small)
    return round(more + (count - large) * per_example), per_example


def _kept(stage: Stage, batch: Batch) -> int:
    """Bytes of a batch's inputs, of what its forward pass saves, and of the two widest errors on the way back."""
    network = stage.network
    known = {tensor.untyped_storage().data_ptr() for tensor in _tensors(network)}
    buffers = [(buffer, buffer.detach().clone()) for buffer in network.buffers()]
    saved: dict[int, Tensor] = {}

    def save(tensor: Tensor) -> Tensor:
        # Held, so that no address is given out twice; detached, or the tensor would keep the graph that keeps it.
        held = saved[tensor.untyped_storage().data_ptr()] = tensor.detach()
        return held

    training = network.training
    network.train()
    devices = [stage.execution.device] if torch.device(stage.execution.device).type == "cuda" else []
    hooks = torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor)
    with torch.random.fork_rng(devices), only_trained(stage), hooks:
        loss, _ = stage.loss(network, batch, {}, START)
    del loss
    network.train(training)
    with torch.no_grad():
        for buffer, value in buffers:
            buffer.copy_(value)
    inputs = batch.inputs.untyped_storage().nbytes()
    known.add(batch.inputs.untyped_storage().data_ptr())
    sizes = [tensor.untyped_storage().nbytes() for place, tensor in saved.items() if place not in known]
    return round(ALLOCATED * (3 * inputs + sum(sizes) + 2 * max(sizes, default=0)))


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
