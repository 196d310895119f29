"""Decoding: from the scores of a network to a text, one token after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswork.systems.characters.incremental import Array, Memory, Stepper

Tokens = npt.NDArray[np.int64]


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


def drawn(stepper: Stepper, prompt: Tokens, choice: Choice, seed: int, lanes: int = 1) -> Iterator[Tokens]:
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
