"""The vanishing gradient in numbers: each kind of recurrent unit before and after it learnt to remember a bracket."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glasswork.data.brackets import bracket_texts
from glasswork.execution import Execution, mixed
from glasswork.glassbox.sequences.vanishing import GradientByLag, gradient_by_lag
from glasswork.networks.sequence_classifier import ManyToOne
from glasswork.record import Record
from glasswork.studies.options import VanishingGradientOptions
from glasswork.studies.study import Progress, Running
from glasswork.studies.why_recurrence import THREADS, bracket_reader, check, trained, training_texts

MEASURED = 64


@dataclass(frozen=True)
class Curve(Record):
    """One network at one time.

    Attributes:
        trained: whether it has been.
        accuracy: on the texts that were measured; chance is a quarter.
        gradient: by lag, of h and of c.
        arriving: by lag, what arrives at all: the norm for h, or of an LSTM the larger one of h and c.
    """

    trained: bool
    accuracy: float
    gradient: GradientByLag
    arriving: tuple[float, ...]


@dataclass(frozen=True)
class VanishingGradient(Record):
    """The curves of all cells.

    Attributes:
        length: characters of each text; the bracket that has to be closed is the first of them.
        units: of every network.
        steps: updates of every trained network; 0 where none was.
        texts: over how many the gradient is averaged.
        seed: of weights and texts.
        curves: cell by cell, each untrained and then trained.
    """

    length: int
    units: int
    steps: int
    texts: int
    seed: int
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Measurement:
    """A measurement made ready; `steps` carries it out."""

    cells: Sequence[str]
    length: int
    units: int
    updates: int
    seed: int

    def steps(self) -> Running[VanishingGradient]:
        """Measures and trains every network."""
        execution = Execution("cpu", THREADS)
        execution.apply()
        texts = training_texts(self.length, self.seed) if self.updates else None
        curves = []
        for place, cell in enumerate(self.cells):
            yield Progress(place, len(self.cells), cell)
            network = bracket_reader(cell, self.units, self.seed)
            curves.append(self._curve(network, False))
            if texts is not None:
                for share in trained(network, texts, self.updates, self.seed, execution):
                    yield Progress(place + share, len(self.cells), cell)
                curves.append(self._curve(network, True))
        yield Progress(1.0)
        return VanishingGradient(self.length, self.units, self.updates, MEASURED, self.seed, tuple(curves))

    def _curve(self, network: ManyToOne, was_trained: bool) -> Curve:
        """Cross-entropy at the end of texts whose open bracket is their first character."""
        generator = torch.Generator().manual_seed(mixed(self.seed, 3))
        texts = bracket_texts(self.length, torch.full((MEASURED,), self.length), generator)
        weight, bias = network.output.weight.detach().double(), network.output.bias.detach().double()

        def loss(last: Tensor) -> Tensor:
            return nn.functional.cross_entropy(last @ weight.T + bias, texts.kinds, reduction="none")

        gradient = gradient_by_lag(network.recurrent, network.one_hot(texts.codes), loss)
        with torch.no_grad():
            right = (network(texts.codes).argmax(1) == texts.kinds).float().mean()
        memory = gradient.memory or gradient.hidden
        arriving = tuple(map(max, gradient.hidden, memory))
        return Curve(was_trained, float(right), gradient, arriving)


def vanishing_gradient(options: VanishingGradientOptions) -> Running[VanishingGradient]:
    """Measures what of an error arrives k characters back, untrained and trained.

    Raises:
        GlassworkError: for a cell that there is not, or numbers with which nothing can be measured.
    """
    measurement = prepare(options.cells, options.length, options.units, options.steps, options.seed)
    return (yield from measurement.steps())


def prepare(
    cells: Sequence[str] = ("rnn", "relu-rnn", "gru", "lstm"),
    length: int = 100,
    units: int = 64,
    updates: int = 1000,
    seed: int = 0,
) -> Measurement:
    """Makes the measurement ready.

    Args:
        cells: names in `networks.recurrent.CELLS`.
        length: characters of each text.
        units: of every network.
        updates: of training, with batches of 64 texts; 0: untrained networks only.
        seed: of weights and texts.

    Raises:
        GlassworkError: for a cell that there is not, or numbers with which nothing can be measured.
    """
    check(cells, {"--length": (length, 2), "--units": (units, 1), "--steps": (updates, 0)})
    return Measurement(tuple(dict.fromkeys(cells)), length, units, updates, seed)
