"""Reads a text with a network: the activation of each unit at each character, and the expected next characters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.following import HIDDEN, MEMORY
from glasswork.glassbox.sequences.unrolled import UnrolledLayer, unroll
from glasswork.networks.recurrent import Recurrent
from glasswork.record import Record


@dataclass(frozen=True)
class UnitReading(Record):
    """A unit's activation after each character.

    Attributes:
        text: what is read.
        layer, unit: both from 0; units that read from the end come after the others.
        part: `h`, what the unit gives out, or `c`, the hyperbolic tangent of the LSTM's memory.
        values: one for each character.
        follows: the signals that it follows best of all units; empty if not searched.
    """

    text: str
    layer: int
    unit: int
    part: str
    values: tuple[float, ...]
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guess(Record):
    """A character that may come next, and how probable the network takes it to be."""

    character: str
    probability: float


@dataclass(frozen=True)
class NextCharacters(Record):
    """What the network expects after each character of a text.

    Attributes:
        text: what is read.
        guesses: for each character the most probable next ones, most probable first.
        truth: the probability of the character that does come next, for all characters but the last; 0 for one that
            the network does not know.
    """

    text: str
    guesses: tuple[tuple[Guess, ...], ...]
    truth: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """A network and a text, worked out once and then looked at from several sides.

    Attributes:
        text: what was read.
        layers: states and gates, (1, time, units) each.
        scores: of every character of the vocabulary after each character, (time, vocabulary).
        vocabulary: the character of each score.
    """

    text: str
    layers: Sequence[UnrolledLayer]
    scores: Tensor
    vocabulary: Sequence[str]

    def unit(self, layer: int, unit: int, part: str = HIDDEN) -> UnitReading:
        """What a unit does in the text.

        Raises:
            GlassworkError: for a layer, unit or part that the network does not have.
        """
        if part not in (HIDDEN, MEMORY):
            raise GlassworkError(f"A unit's activation is 'h' or, of an LSTM, its memory 'c'; not '{part}'.")
        of_layer = [one for one in self.layers if one.layer == layer]
        states = [one.hidden if part == HIDDEN else one.memory for one in of_layer]
        if any(each is None for each in states):
            raise GlassworkError("Only an LSTM has a memory 'c'; ask for 'h', what the unit gives out.")
        columns = torch.cat([each for each in states if each is not None], 2)[0] if states else torch.empty(0, 0)
        if not 0 <= unit < columns.shape[1]:
            layers, units = max(one.layer for one in self.layers) + 1, sum(one.hidden.shape[2] for one in of_layer)
            raise GlassworkError(
                f"Layer {layer} has units 0 to {units - 1}, and no unit {unit}."
                if of_layer
                else f"The network has layers 0 to {layers - 1}, and no layer {layer}."
            )
        values = columns[:, unit] if part == HIDDEN else columns[:, unit].tanh()
        return UnitReading(self.text, layer, unit, part, tuple(values.tolist()))

    def next_characters(self, most: int = 5) -> NextCharacters:
        """The `most` most probable characters after each one, and how probable the true one was."""
        probabilities = self.scores.double().softmax(1)
        best = probabilities.topk(min(most, len(self.vocabulary)), 1)
        guesses = tuple(
            tuple(Guess(self.vocabulary[place], share) for place, share in zip(places, shares, strict=True))
            for places, shares in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        )
        place_of = {character: place for place, character in enumerate(self.vocabulary)}
        places = [place_of.get(character) for character in self.text[1:]]
        truth = tuple(
            float(row[place]) if place is not None else 0.0 for row, place in zip(probabilities, places, strict=False)
        )
        return NextCharacters(self.text, guesses, truth)


@torch.no_grad()
def read_through(
    recurrent: Recurrent,
    inputs: Tensor,
    output: Callable[[Tensor], Tensor],
    text: str,
    vocabulary: Sequence[str],
) -> Reading:
    """Reads a text with a character model, remembering everything.

    Args:
        recurrent: the network's recurrent part.
        inputs: what it reads for the text, (1, time, features): one-hot rows or embeddings.
        output: scores (1, time, vocabulary) out of the top layer's states (1, time, units x directions).
        text: the characters, one for each time.
        vocabulary: the character of each score.

    Raises:
        GlassworkError: where text, inputs, scores and vocabulary are not of one length.
    """
    if inputs.shape[:2] != (1, len(text)):
        raise GlassworkError(
            f"The inputs of {len(text)} characters are (1, {len(text)}, features), not {tuple(inputs.shape)}."
        )
    if not text:
        raise GlassworkError("There is nothing to read: the text is empty.")
    layers = unroll(recurrent, inputs)
    top = torch.cat([one.hidden for one in layers if one.layer == layers[-1].layer], 2)
    scores = output(top)
    if scores.shape != (1, len(text), len(vocabulary)):
        raise GlassworkError(
            f"The scores of {len(text)} characters over a vocabulary of {len(vocabulary)} are "
            f"(1, {len(text)}, {len(vocabulary)}), not {tuple(scores.shape)}."
        )
    return Reading(text, layers, scores[0], tuple(vocabulary))
