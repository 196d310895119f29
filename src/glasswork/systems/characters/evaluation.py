"""How well a network foretells a text: bits per character, over lanes that each begin a little early."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from glasswork.data.bptt import Stretches
from glasswork.data.dataset import Dataset
from glasswork.execution import Execution
from glasswork.networks.recurrent import State
from glasswork.systems.characters.network import CharacterNetwork

LANES, LEAST = 128, 2000
"""Lanes side by side, of at least so many characters each."""
WARMING = 200
"""Characters before a lane that are read without being counted, so that its first ones are foretold from something."""
CHUNK = 200


def measured(network: CharacterNetwork, dataset: Dataset, rows: Tensor, execution: Execution) -> dict[str, float]:
    """How well the network foretells every character of some rows but the first.

    The text is divided into lanes that are read side by side; each begins `WARMING` characters early, with an empty
    state, so that the figure is that of one reading from beginning to end but for what lies farther back.

    Returns:
        `loss`: mean of -log p in nats; `bits_per_character`: the same in bits; `perplexity`: exp(loss); `accuracy`: the
        share of characters that were the most probable one.
    """
    network.eval()
    text = Stretches(dataset, rows)
    count = len(text) - 1  # characters that are foretold
    lanes = max(1, min(LANES, count // LEAST))
    length = -(-count // lanes)
    ends = torch.clamp(torch.arange(1, lanes + 1) * length, max=count)
    begins = torch.arange(lanes) * length
    total, right = torch.zeros((), dtype=torch.float64), 0
    state: State | None = None
    with torch.inference_mode():
        for start in range(-WARMING if lanes > 1 else 0, length, CHUNK):
            places = begins[:, None] + torch.arange(start, min(start + CHUNK, length))
            tokens = text.at(torch.cat([places, places[:, -1:] + 1], 1).clamp(0, count)).to(execution.device)
            with execution.arithmetic():
                scores, state = network.advance(tokens[:, :-1], state)
            if start < 0:  # the first lane has nothing before it: its state is emptied again
                state = tuple(
                    part.index_fill(1, torch.zeros(1, dtype=torch.int64, device=part.device), 0) for part in state
                )
                continue
            counted = (places < ends[:, None]).to(execution.device)
            losses = functional.cross_entropy(scores.float().transpose(1, 2), tokens[:, 1:], reduction="none")
            total += losses[counted].double().sum().cpu()
            right += int((scores.argmax(2) == tokens[:, 1:])[counted].sum())
    loss = float(total) / count
    return {
        "loss": loss,
        "bits_per_character": loss / math.log(2),
        "perplexity": math.exp(min(loss, 700.0)),
        "accuracy": right / count,
    }


def following(network: CharacterNetwork, dataset: Dataset, row: int, execution: Execution) -> Tensor:
    """The probabilities of the character after a row, (characters,), on the CPU."""
    network.eval()
    text, state = Stretches(dataset, torch.tensor([row])), None
    scores = torch.zeros(0)
    with torch.inference_mode(), execution.arithmetic():
        # What lies farther back than this is forgotten by any of these networks.
        for start in range(max(0, len(text) - 5 * CHUNK), len(text), CHUNK):
            tokens = text.at(torch.arange(start, min(start + CHUNK, len(text))))[None].to(execution.device)
            scores, state = network.advance(tokens, state)
    chances = scores[0, -1].float().softmax(0).cpu()
    return chances
