"""The character network one character at a time, and how the next one is chosen."""

from itertools import islice

import numpy as np
import pytest
import torch

from closeness import assert_same_numbers
from glasswork.execution import seed_everything
from glasswork.networks.recurrent import CELLS
from glasswork.systems.characters.generate import Choice, beam_search, draw, draw_tokens, read
from glasswork.systems.characters.incremental import Stepper
from glasswork.systems.characters.network import CharacterNetwork

CHARACTERS = 11


def network(cell: str = "lstm", embedding: int = 0, layers: int = 3) -> CharacterNetwork:
    seed_everything(1)
    made = CharacterNetwork(cell, CHARACTERS, 16, layers, embedding).eval()
    for name, parameter in made.named_parameters():
        if "bias" in name:  # they begin as zeros, which would hide one that is forgotten
            torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding", [0, 5])
def test_a_step_at_a_time_gives_the_kernel_s_scores(cell: str, embedding: int) -> None:
    made = network(cell, embedding)
    tokens = torch.randint(0, CHARACTERS, (4, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = made(tokens)
    stepper = Stepper(made)
    memory = stepper.beginning(4)
    for time in range(20):
        before = [part.copy() for part in memory]
        kept = memory
        scores, memory = stepper.step(tokens[:, time].numpy(), memory)
        assert_same_numbers(scores, expected[:, :, time])
        assert all(np.array_equal(one, other) for one, other in zip(before, kept, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_a_text_in_two_parts_is_the_whole_text(cell: str) -> None:
    made = network(cell)
    tokens = torch.randint(0, CHARACTERS, (2, 30))
    with torch.no_grad():
        first, state = made.advance(tokens[:, :13])
        second, _ = made.advance(tokens[:, 13:], state)
        whole = made(tokens).transpose(1, 2)
    assert_same_numbers(torch.cat([first, second], 1), whole)


def frequencies(choice: Choice, scores: list[float]) -> np.ndarray:
    draws = 4000
    given = np.tile(np.array(scores, np.float32), (draws, 1))
    tokens = draw(given, choice, np.random.default_rng(0).random(draws))
    alone = draw(given[:1], choice, np.random.default_rng(0).random(draws)[:1])
    assert alone == tokens[:1]
    return np.bincount(tokens, minlength=len(scores)) / draws


def test_what_is_drawn_follows_the_probabilities() -> None:
    scores = [0.0, 1.0, 2.0, -1.0]
    for temperature in (0.5, 1.0, 2.0):
        expected = torch.tensor(scores).div(temperature).softmax(0).numpy()
        np.testing.assert_allclose(frequencies(Choice(temperature), scores), expected, atol=0.03)
    two = torch.tensor([1.0, 2.0]).softmax(0).numpy()
    np.testing.assert_allclose(frequencies(Choice(top_k=2), scores)[[1, 2]], two, atol=0.03)
    assert frequencies(Choice(top_k=2), scores)[[0, 3]].sum() == 0
    # The probabilities are 0.64, 0.24, 0.09, 0.03: the first two have 0.88 together.
    np.testing.assert_allclose(frequencies(Choice(top_p=0.8), scores)[[1, 2]], two, atol=0.03)
    assert frequencies(Choice(top_p=0.8), scores)[[0, 3]].sum() == 0
    assert frequencies(Choice(top_p=0.5), scores)[2] == 1
    assert frequencies(Choice(temperature=0), scores)[2] == 1


def test_lanes_are_texts_of_their_own_and_a_seed_repeats_them() -> None:
    stepper, prompt = Stepper(network()), np.array([3, 1])
    one = np.stack(list(islice(draw_tokens(stepper, prompt, Choice(), 5, lanes=4), 30)))
    again = np.stack(list(islice(draw_tokens(stepper, prompt, Choice(), 5, lanes=4), 30)))
    assert np.array_equal(one, again)
    assert len({tuple(column) for column in one.T}) == 4


def probability(stepper: Stepper, prompt: list[int], text: list[int]) -> float:
    """log p of a text after a prompt, one character after the other."""
    total = 0.0
    for place, token in enumerate(text):
        scores, _ = read(stepper, np.array([*prompt, *text[:place]]))
        total += float(torch.from_numpy(scores[0]).double().log_softmax(0)[token])
    return total


def test_a_wide_beam_finds_the_most_probable_text() -> None:
    stepper, prompt = Stepper(network(layers=1)), [3]
    texts = [[a, b] for a in range(CHARACTERS) for b in range(CHARACTERS)]
    best = max(texts, key=lambda text: probability(stepper, prompt, text))
    assert beam_search(stepper, np.array(prompt), 2, CHARACTERS).tolist() == best
    greedy = [int(token[0]) for token in islice(draw_tokens(stepper, np.array(prompt), Choice(temperature=0), 0), 12)]
    assert beam_search(stepper, np.array(prompt), 12, 1).tolist() == greedy
    wide = beam_search(stepper, np.array(prompt), 12, 8).tolist()
    assert probability(stepper, prompt, wide) >= probability(stepper, prompt, greedy)


def test_a_barred_character_never_comes() -> None:
    made, prompt = network(layers=1), np.array([3])
    free, held = Stepper(made), Stepper(made, barred=4)
    assert 4 in np.stack(list(islice(draw_tokens(free, prompt, Choice(), 0), 200)))
    assert 4 not in np.stack(list(islice(draw_tokens(held, prompt, Choice(), 0), 200)))
    most = int(beam_search(free, prompt, 6, 4)[0])
    assert most not in beam_search(Stepper(made, barred=most), prompt, 6, 4)
