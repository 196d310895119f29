"""A trained character model that writes: it goes on with a prompt, one character after the other."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from torch import nn

from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.systems.characters.decoding import Choice, Tokens, beam_search, drawn
from glasswork.systems.characters.incremental import Stepper
from glasswork.systems.characters.network import CharacterNetwork

UNKNOWN = 0
"""The token that is never written."""


def write(network: nn.Module, task: Task, prompt: str, length: int, choice: Choice, seed: int) -> Iterator[str]:
    """What the network goes on with, character by character as it is drawn; a beam gives its text at the end.

    Args:
        network: of characters.
        task: of its text.
        prompt: what it reads first, and does not repeat; empty: the beginning of a line.
        length: how many characters.
        choice: how each is chosen.
        seed: what is drawn depends on it.

    Raises:
        GlassworkError: for a network that does not write, characters that it does not know, or a choice that cannot be.
    """
    stepper, vocabulary, tokens = _ready(network, task, prompt, length, choice)
    if choice.beam is not None:
        return iter(vocabulary.decode(beam_search(stepper, tokens, length, choice.beam).tolist()))
    stepped = drawn(stepper, tokens, choice, seed)
    return (vocabulary.tokens[int(token[0])] for token in islice(stepped, length))


def write_several(
    network: nn.Module, task: Task, prompt: str, length: int, choice: Choice, seed: int, count: int
) -> list[str]:
    """Several texts that are drawn side by side, which takes little longer than one.

    Args:
        network: of characters.
        task: of its text.
        prompt: what each goes on from.
        length: characters of each.
        choice: how each character is chosen; no beam.
        seed: what is drawn depends on it.
        count: how many texts.

    Raises:
        GlassworkError: as for `write`.
    """
    stepper, vocabulary, tokens = _ready(network, task, prompt, length, choice)
    if choice.beam is not None:
        raise GlassworkError("A beam finds one text, the most probable: leave --beam or --samples away")
    if count < 1:
        raise GlassworkError(f"There can be 1 text or more, and not {count}")
    columns = np.stack(list(islice(drawn(stepper, tokens, choice, seed, count), length)))  # (length, texts)
    return [vocabulary.decode(column.tolist()) for column in columns.T]


def _ready(
    network: nn.Module, task: Task, prompt: str, length: int, choice: Choice
) -> tuple[Stepper, Vocabulary, Tokens]:
    """What is needed to write, once all that was asked for is seen to be possible."""
    if not isinstance(network, CharacterNetwork):
        raise GlassworkError("This model does not write: train one that does with glasswork train char-rnn")
    vocabulary = Text.of(task).vocabulary
    unknown = vocabulary.unknown(prompt)
    if unknown:
        raise GlassworkError(f"The prompt has characters that the model was not trained on: {unknown!r}")
    for name, value in (("length", length), ("top_k", choice.top_k), ("beam", choice.beam)):
        if value is not None and value < 1:
            raise GlassworkError(f"{name} = {value} does not fit: it is 1 or more")
    if choice.temperature < 0:
        raise GlassworkError(f"temperature = {choice.temperature:g} does not fit: it is 0 or more")
    if choice.top_p is not None and not 0 < choice.top_p <= 1:
        raise GlassworkError(f"top_p = {choice.top_p:g} does not fit: it is above 0 and at most 1")
    if choice.beam is not None and (choice.top_k, choice.top_p, choice.temperature) != (None, None, 1.0):
        raise GlassworkError("A beam takes the most probable text: leave temperature, top_k and top_p away")
    return Stepper(network, UNKNOWN), vocabulary, vocabulary.encode(prompt or beginning(vocabulary)).astype(np.int64)


def beginning(vocabulary: Vocabulary) -> str:
    """What a text without a prompt goes on from: a line break where there is one, else the first character."""
    return "\n" if "\n" in vocabulary.numbers else vocabulary.tokens[1]
