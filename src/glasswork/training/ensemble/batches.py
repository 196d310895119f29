"""The batches of many networks at once: each member's own rows in its own order, side by side in one tensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.data.batches import Batches
from glasswork.data.collate import Rows, rows_of
from glasswork.data.samplers import Shuffled
from glasswork.execution import seed_everything
from glasswork.objectives.losses import Objective
from glasswork.training.ensemble.losses import mean_loss, smooth
from glasswork.training.ensemble.network import Layer, StackedNetwork

CHUNK_BYTES = 32 << 20
EVALUATION_BYTES = 16 << 20


@dataclass(frozen=True)
class StackedBatch:
    """What one step of the stack sees.

    Attributes:
        inputs: (members, features, examples).
        wanted: what the outputs should be, smoothed, (members, outputs, examples).
        weights: what each example counts, (members, examples), 0 where a smaller batch is filled up; None: all alike.
        lengths: examples of each member's batch.
    """

    inputs: Tensor
    wanted: Tensor
    weights: Tensor | None
    lengths: tuple[int, ...]


class StackedBatches:
    """Makes batch `index` of epoch `epoch` of some members: the same examples as each member's own batches give.

    Rows are gathered for many batches at a time. Where that could change a result by a rounding, such as which batches
    are gathered together, it depends on the stages alone, never on where training was resumed.

    Args:
        batches: of each member; of equal number per epoch.
        losses: what each member minimises; of one name.
        dtype: type of the networks' weights.
        keep_order: whether the order within a batch matters, as it does for random layers.
    """

    def __init__(
        self, batches: Sequence[Batches], losses: Sequence[Objective], dtype: torch.dtype, keep_order: bool
    ) -> None:
        self.batches = batches
        self.losses = losses
        self.weighted = any(loss.class_weights is not None for loss in losses)
        self.dtype = dtype
        self.count = len(batches[0])
        self.rows, self.collates = [each.sampler.items for each in batches], [rows_of(each) for each in batches]
        self.augmented = any(each.augmentation is not None for each in self.collates)
        self.constant = self.count == 1 and not self.augmented and not keep_order
        sizes = torch.tensor([len(rows) for rows in self.rows])
        edges = torch.arange(self.count + 1)[:, None] * sizes // self.count  # (batches + 1, members)
        self.starts, self.ends = edges[:-1], edges[1:]
        self.lengths: list[list[int]] = (self.ends - self.starts).tolist()
        self.widths = torch.tensor([max(lengths) for lengths in self.lengths])
        self.ragged = bool((sizes != sizes[0]).any())
        first = self.collates[0]
        row = first.inputs[0].numel() + len(first.scaling.task.target.names)
        bytes_of_batch = int(self.widths.max()) * len(batches) * row * dtype.itemsize
        self.together = 1 if self.augmented else max(1, min(self.count, CHUNK_BYTES // max(1, bytes_of_batch)))
        before = [0, *self.widths.cumsum(0).tolist()]
        self._parts = [
            slice(before[index] - before[first], before[index + 1] - before[first])
            for index in range(self.count)
            for first in [index // self.together * self.together]
        ]
        self._chunk: tuple[object, StackedBatch] | None = None

    def batch(self, epoch: int, index: int, members: Sequence[int]) -> StackedBatch:
        """One batch of each of `members`, in that order."""
        first = index // self.together * self.together
        key = (None if self.constant else (epoch, first), tuple(members))
        if self._chunk is None or self._chunk[0] != key:
            self._chunk = (key, self._gather(epoch, first, members))
        chunk = self._chunk[1]
        part, lengths = self._parts[index], self.lengths[index]
        weights = None if chunk.weights is None else chunk.weights[:, part]
        return StackedBatch(
            chunk.inputs[:, :, part],
            chunk.wanted[:, :, part],
            None if weights is None else weights / weights.sum(1, keepdim=True),
            tuple([lengths[member] for member in members]) if self.ragged else (lengths[0],) * len(members),
        )

    def _gather(self, epoch: int, first: int, members: Sequence[int]) -> StackedBatch:
        """The batches from `first` on that are gathered together, one after the other."""
        tables, items = [self.collates[member] for member in members], [self.rows[member] for member in members]
        kept = torch.ones(len(members), 1, dtype=torch.bool)
        if self.augmented:
            inputs, targets, kept = self._augment(epoch, first, members)
        elif self.constant and _all_the_same(tables, items):
            inputs, targets = _columns(tables[:1], items[0][None])
            inputs = inputs.to(self.dtype).contiguous().expand(len(members), -1, -1)
            targets = targets.expand(len(members), *targets.shape[1:])
        else:
            places, kept = self._places(first, members)
            if not self.constant:
                orders = [self._order(member, epoch) for member in members]
                places = [order[place] for order, place in zip(orders, places, strict=True)]
            rows = torch.stack([one[place] for one, place in zip(items, places, strict=True)])
            inputs, targets = _columns(tables, rows)
        wanted = wanted_outputs(targets, len(tables[0].scaling.task.target.names), self.dtype)
        weights = self._weights(targets, kept, members)
        wanted = _smooth(wanted, [self.losses[member] for member in members])
        # One table under all members is left as it is; else every member's examples lie in one piece.
        inputs = inputs if inputs.stride(0) == 0 else inputs.to(self.dtype).contiguous()
        return StackedBatch(inputs, wanted, weights, ())

    def _places(self, first: int, members: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Where in each member's order the batches from `first` on lie, and which of these places count."""
        here = torch.arange(first, min(first + self.together, self.count))
        batch = here.repeat_interleave(self.widths[here])
        offset = torch.arange(len(batch)) - (self.widths[here].cumsum(0) - self.widths[here])[batch - first]
        if not self.ragged:
            return [self.starts[batch, 0] + offset] * len(members), torch.ones(len(members), 1, dtype=torch.bool)
        places = self.starts[batch][:, list(members)].t() + offset
        ends = self.ends[batch][:, list(members)].t()
        return list(torch.minimum(places, ends - 1)), places < ends

    def _order(self, member: int, epoch: int) -> Tensor:
        sampler = self.batches[member].sampler
        assert isinstance(sampler, Shuffled)
        return sampler.order(epoch)

    def _augment(self, epoch: int, index: int, members: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Member by member, as each has its own draws."""
        parts = [self.batches[member].batch(epoch, index) for member in members]
        width = int(self.widths[index])
        inputs = torch.stack([_fill(part.inputs.flatten(1).t(), 1, width) for part in parts])
        targets = torch.stack([_fill(part.targets, 0, width) for part in parts])
        return inputs, targets, torch.arange(width) < torch.tensor([[len(part)] for part in parts])

    def _weights(self, targets: Tensor, kept: Tensor, members: Sequence[int]) -> Tensor | None:
        if not self.weighted:
            return kept.to(targets.device, self.dtype) if self.ragged else None
        tables = [self.losses[member].class_weights for member in members]
        rows = [
            torch.ones_like(row, dtype=self.dtype) if table is None else table.to(row.device, self.dtype)[row]
            for table, row in zip(tables, targets, strict=True)
        ]
        return torch.stack(rows) * kept.to(targets.device)


def wanted_outputs(targets: Tensor, outputs: int, dtype: torch.dtype) -> Tensor:
    """Targets (members, examples, ...) as what each output should be, (members, outputs, examples)."""
    wanted = F.one_hot(targets, outputs) if targets.dim() == 2 else targets
    return wanted.transpose(1, 2).to(dtype).contiguous()


def drawn_masks(
    layers: Sequence[Layer], lengths: Sequence[int], seeds: Sequence[int], epoch: int, index: int, like: Tensor
) -> list[Tensor | None]:
    """What dropout multiplies each layer's units by, (members, units, examples): as each member alone draws it.

    Args:
        layers: the architecture.
        lengths: examples of each member's batch.
        seeds: of each member.
        epoch: from 0.
        index: of the batch, from 0.
        like: of the type that the masks have, (members, features, examples).
    """
    shapes = [(len(lengths), layer.units, like.shape[2]) for layer in layers]
    masks = [like.new_zeros(shape) if layer.dropout else None for layer, shape in zip(layers, shapes, strict=True)]
    for member, (length, seed) in enumerate(zip(lengths, seeds, strict=True)):
        seed_everything(seed, epoch, index)
        for layer, mask in zip(layers, masks, strict=True):
            if mask is not None:
                drawn = like.new_empty(length, layer.units).bernoulli_(1 - layer.dropout)
                mask[member, :, :length] = drawn.t()
    for layer, mask in zip(layers, masks, strict=True):
        if mask is not None:
            mask.div_(1 - layer.dropout)
    return masks


def losses_on(network: StackedNetwork, batches: Sequence[Batches], losses: Sequence[Objective]) -> Tensor:
    """Mean loss of each network on all rows of its own `batches`, float64 (members,), with nothing drawn at random.

    Args:
        network: the networks, not changed.
        batches: one for each network; only its items, columns and scaling are used.
        losses: one for each network; examples all count alike.
    """
    dtype, device = network.weights[0].dtype, network.weights[0].device
    tables, items = [rows_of(each) for each in batches], [each.sampler.items for each in batches]
    shared = _all_the_same(tables, items)
    sizes = torch.tensor([len(rows) for rows in items])
    widest = max(tables[0].inputs[0].numel(), *(layer.outputs for layer in network.layers))
    piece = max(1, EVALUATION_BYTES // (len(batches) * widest * dtype.itemsize))
    total = torch.zeros(len(batches), dtype=torch.float64, device=device)
    for start in range(0, int(sizes.max()), piece):
        places = torch.arange(start, min(start + piece, int(sizes.max())))
        some = 1 if shared else len(batches)
        rows = torch.stack([one[places.clamp(max=len(one) - 1)] for one in items[:some]])
        inputs, targets = _columns(tables[:some], rows)
        inputs, targets = (column.expand(len(batches), *column.shape[1:]) for column in (inputs, targets))
        wanted = _smooth(wanted_outputs(targets, network.layers[-1].outputs, dtype), losses)
        weights = (places < sizes[:, None]).to(device, dtype)
        total += mean_loss(losses[0].name, network.scores(inputs.to(dtype)), wanted, weights)[0]
    return total / sizes.to(device)


def _smooth(wanted: Tensor, losses: Sequence[Objective]) -> Tensor:
    """The outputs wanted, under each member's label smoothing."""
    if not any(loss.smoothing for loss in losses):
        return wanted
    return smooth(losses[0].name, wanted, wanted.new_tensor([loss.smoothing for loss in losses]))


def _all_the_same(tables: Sequence[Rows], items: Sequence[Tensor]) -> bool:
    """Whether all members take the same rows of the same table."""
    return all(_same_table(one, tables[0]) and rows is items[0] for one, rows in zip(tables, items, strict=True))


def _same_table(one: Rows, other: Rows) -> bool:
    """Whether two take rows of the same columns, scaled alike."""
    return (
        one.inputs is other.inputs
        and one.targets is other.targets
        and one.margin == other.margin
        and one.scaling.task == other.scaling.task
    )


def _columns(tables: Sequence[Rows], rows: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled inputs, (members, features, examples), and targets, (members, examples, ...), of rows (members, examples).

    Members that share a table are looked up together.
    """
    groups: list[list[int]] = []
    for place, one in enumerate(tables):
        group = next((group for group in groups if _same_table(one, tables[group[0]])), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    parts = [tables[group[0]](rows[group].flatten()) for group in groups]
    count = rows.shape[1]
    inputs = [part.inputs.reshape(len(part) // count, count, -1).transpose(1, 2) for part in parts]
    targets = [part.targets.reshape(len(part) // count, count, *part.targets.shape[1:]) for part in parts]
    if len(groups) == 1:
        return inputs[0], targets[0]
    back = torch.tensor([place for group in groups for place in group]).argsort()
    return torch.cat(inputs)[back], torch.cat(targets)[back]


def _fill(column: Tensor, dimension: int, width: int) -> Tensor:
    """The column, lengthened to `width` by its first entries."""
    missing = width - column.shape[dimension]
    return torch.cat([column, column.narrow(dimension, 0, missing)], dimension) if missing else column
