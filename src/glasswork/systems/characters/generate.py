"""Writing with a character model: how a character is chosen, texts that go on from a prompt, samples in training."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch import nn

from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Text
from glasswork.data.vocabulary import Vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import mixed
from glasswork.systems.characters.incremental import Array, Memory, Stepper
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.training.fit import fit
from glasswork.training.stage import Stage, Step, Tree

UNKNOWN = 0
"""The token that is never written."""
Tokens = npt.NDArray[np.int64]
LENGTH = 300


@dataclass(frozen=True)
class Choice:
    """How the next token is chosen.

    Attributes:
        temperature: T in p_k ~ exp(s_k / T): below 1 the probable become more probable; 0 takes the most probable.
        top_k: only this many of the most probable are drawn from; None: all.
        top_p: only the fewest that have at least this probability together (nucleus sampling, Holtzman et al. 2020).
        beam: how many texts are followed side by side, of which the most probable is taken; None: it is drawn.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    beam: int | None = None


def draw(scores: Array, choice: Choice, uniform: npt.NDArray[np.float64]) -> Tokens:
    """One token per lane.

    Args:
        scores: (lanes, tokens); they are left as they are.
        choice: how.
        uniform: (lanes,), random numbers from 0 to 1.
    """
    if choice.temperature == 0:
        best: Tokens = scores.argmax(1)
        return best
    scaled = scores / np.float32(choice.temperature)
    chances = np.exp(scaled - scaled.max(1, keepdims=True))
    if choice.top_k is not None and choice.top_k < chances.shape[1]:
        least = np.partition(chances, -choice.top_k, axis=1)[:, -choice.top_k, None]
        chances = np.where(chances >= least, chances, 0)
    if choice.top_p is not None and choice.top_p < 1:
        ordered = -np.sort(-chances, axis=1)
        sums = ordered.cumsum(1)
        last = (sums < choice.top_p * sums[:, -1:]).sum(1)
        chances = np.where(chances >= ordered[np.arange(len(ordered)), last][:, None], chances, 0)
    sums = chances.cumsum(1, dtype=np.float64)
    chosen: Tokens
    if len(sums) == 1:  # one search is quicker than comparing with every token
        chosen = sums[0].searchsorted(uniform * sums[0, -1], "right")
    else:
        chosen = (sums <= uniform[:, None] * sums[:, -1:]).sum(1)
    return chosen


def draw_tokens(stepper: Stepper, prompt: Tokens, choice: Choice, seed: int, lanes: int = 1) -> Iterator[Tokens]:
    """Goes on with a prompt for ever, in some lanes at the same time: a token for each lane, (lanes,), at a time.

    Args:
        stepper: the network.
        prompt: at least one token.
        choice: how each is chosen.
        seed: what is drawn depends on it and on nothing else.
        lanes: how many texts.
    """
    generator = np.random.default_rng(seed)
    scores, memory = read(stepper, prompt, lanes)
    while True:
        tokens = draw(scores, choice, generator.random(lanes))
        yield tokens
        scores, memory = stepper.step(tokens, memory)


def read(stepper: Stepper, prompt: Tokens, lanes: int = 1) -> tuple[Array, Memory]:
    """Scores and state after a prompt of at least one token."""
    memory = stepper.beginning(lanes)
    for token in prompt:
        scores, memory = stepper.step(np.full(lanes, token), memory)
    return scores, memory


def beam_search(stepper: Stepper, prompt: Tokens, length: int, beam: int) -> Tokens:
    """The most probable text of some length that a beam finds, (length,).

    At every step each of the `beam` texts is followed by every token, and the most probable of all these are kept.

    Args:
        stepper: the network.
        prompt: at least one token.
        length: tokens to add.
        beam: texts side by side; 1 takes the most probable token each time.
    """
    scores, memory = read(stepper, prompt)
    texts, sums = np.zeros((1, 0), np.int64), np.zeros(1)
    for _ in range(length):
        highest = scores.max(1, keepdims=True)
        logs = scores - highest - np.log(np.exp(scores - highest).sum(1, keepdims=True))
        together = (sums[:, None] + logs).ravel()
        best = np.argsort(-together, kind="stable")[:beam]
        lanes, tokens = np.divmod(best, scores.shape[1])
        texts, sums = np.concatenate([texts[lanes], tokens[:, None]], 1), together[best]
        scores, memory = stepper.step(tokens, [part[lanes] for part in memory])
    found: Tokens = texts[0]
    return found


def write(network: nn.Module, task: Task, prompt: str, length: int, choice: Choice, seed: int) -> Iterator[str]:
    """Yields the characters that continue the prompt as they are sampled; a beam yields its text at the end.

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
    stepped = draw_tokens(stepper, tokens, choice, seed)
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
        raise GlassworkError("Beam search finds only one text, the most probable: leave out --beam or --samples")
    if count < 1:
        raise GlassworkError(f"--samples has to be at least 1, not {count}")
    columns = np.stack(list(islice(draw_tokens(stepper, tokens, choice, seed, count), length)))  # (length, texts)
    return [vocabulary.decode(column.tolist()) for column in columns.T]


def _ready(
    network: nn.Module, task: Task, prompt: str, length: int, choice: Choice
) -> tuple[Stepper, Vocabulary, Tokens]:
    """What is needed to write, once all that was asked for is seen to be possible."""
    if not isinstance(network, CharacterNetwork):
        raise GlassworkError("This model does not write text: train one with glasswork train char-rnn")
    vocabulary = Text.of(task).vocabulary
    unknown = vocabulary.unknown(prompt)
    if unknown:
        raise GlassworkError(f"The prompt has characters that the model was not trained on: {unknown!r}")
    for name, value in (("length", length), ("top_k", choice.top_k), ("beam", choice.beam)):
        if value is not None and value < 1:
            raise GlassworkError(f"{name} = {value} does not fit: it has to be at least 1")
    if choice.temperature < 0:
        raise GlassworkError(f"temperature = {choice.temperature:g} does not fit: it has to be at least 0")
    if choice.top_p is not None and not 0 < choice.top_p <= 1:
        raise GlassworkError(f"top_p = {choice.top_p:g} does not fit: it has to be above 0 and at most 1")
    if choice.beam is not None and (choice.top_k, choice.top_p, choice.temperature) != (None, None, 1.0):
        raise GlassworkError("Beam search takes the most probable text: leave out temperature, top_k and top_p")
    return Stepper(network, UNKNOWN), vocabulary, vocabulary.encode(prompt or beginning(vocabulary)).astype(np.int64)


def beginning(vocabulary: Vocabulary) -> str:
    """What a text without a prompt starts from: a line break if there is one, else the first character."""
    return "\n" if "\n" in vocabulary.numbers else vocabulary.tokens[1]


CHOICE = Choice(temperature=0.7)


def fit_with_samples(stage: Stage, start: Tree | None, task: Task, prompt: str, moments: int) -> Iterator[Step]:
    """Fits, and lets the network write a sample at some moments, more of them early; the steps' state keeps them.

    Network, random generators and steps are left as they are.

    Args:
        stage: of the character model.
        start: the state of a former step; its samples are kept.
        task: of the text.
        prompt: the beginning of each sample; empty: the most usual one, a line break if there is one.
        moments: how many; 0: none.
    """
    samples: list[Tree] = list(start["samples"]) if start is not None else []
    for step in fit(stage, start):
        if moments and _due(step, samples, moments):
            words = write(stage.network, task, prompt, LENGTH, CHOICE, mixed(stage.seed, step.number))
            samples = [*samples, _sample(step, prompt + "".join(words))]
        kept = samples

        def state(step: Step = step, kept: list[Tree] = kept) -> Tree:
            return {**step.state(), "samples": kept}

        yield step._replace(state=state)


def _sample(step: Step, words: str) -> Tree:
    return {
        "step": step.number,
        "epoch": step.epoch,
        "progress": step.progress,
        "loss": float(step.loss),
        "text": words,
    }


def _due(step: Step, samples: list[Tree], moments: int) -> bool:
    """Whether the next moment has come: the first step, the last, and between them at shares (k / moments)^2."""
    if step.last or not samples:
        return True
    before = int((moments - 1) * samples[-1]["progress"] ** 0.5)
    return int((moments - 1) * step.progress**0.5) > before
