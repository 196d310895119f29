"""Why a network heard what it heard: where each word lies, how sure it is of it, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from glasswork.data.log_mel import HOP
from glasswork.data.pictures import encode_png
from glasswork.data.vocabulary import Vocabulary
from glasswork.networks.ctc_decoding import CTCDecoder
from glasswork.networks.decoding import Memory
from glasswork.objectives.ctc import align_tokens
from glasswork.report.blocks import Block, Curves, Line, Picture, Pictures, Table
from glasswork.report.words import percent
from glasswork.systems.sequences import leave_out
from glasswork.systems.speech.network import SpeechNetwork, memory_of, without_stretches

STRETCH, MOST_STRETCHES = 0.1, 60
"""Seconds that are left out at once at least, and how often at most."""
HEIGHT, LABELS, WIDEST = 300, 30, 1200
STRONGEST = 3
COLOURS = ((13, 17, 60), (120, 40, 120), (235, 110, 60), (255, 245, 190))
"""Of the quietest to the loudest sound in a spectrogram."""


@dataclass(frozen=True)
class Word:
    """A word that was heard.

    Attributes:
        text: the word.
        begin: seconds from the start.
        end: the same.
        probability: the mean of those of its characters at the moment where each is surest.
    """

    text: str
    begin: float
    end: float
    probability: float


def words_in_time(memory: Memory, tokens: Sequence[int], vocabulary: Vocabulary, moment: float) -> list[Word]:
    """The words of an answer on its most probable alignment.

    Args:
        memory: log probabilities of one sound, (1, moments, tokens).
        tokens: of the answer.
        vocabulary: of the tokens, which are characters.
        moment: seconds from one moment to the next.
    """
    values = memory.values[0].float().cpu()
    places = align_tokens(values, tokens)
    found = []
    pairs = zip(tokens, places, strict=True) if places else ()
    for blank, group in groupby(pairs, key=lambda pair: vocabulary.tokens[pair[0]] == " "):
        if blank:
            continue
        characters = list(group)
        chances = [float(values[first : last + 1, token].max().exp()) for token, (first, last) in characters]
        begin, end = characters[0][1][0] * moment, (characters[-1][1][1] + 1) * moment
        text = "".join(vocabulary.tokens[token] for token, _ in characters)
        found.append(Word(text, begin, end, sum(chances) / len(chances)))
    return found


def explain(network: SpeechNetwork, features: Tensor, tokens: Sequence[int], vocabulary: Vocabulary) -> list[Block]:
    """The sound as a picture with the words where they were heard, and what the answer rests on.

    Args:
        network: in evaluation mode.
        features: of one sound, as a batch holds them, (frames, bands + 1).
        tokens: of the answer.
        vocabulary: of the tokens.
    """
    features = features[features[:, -1] > 0]
    seconds, moment = len(features) * HOP, network.subsampling * HOP
    with torch.inference_mode():
        memory = network.encode(features[None])
        length = max(round(STRETCH / HOP), -(-len(features) // MOST_STRETCHES))
        bits = _without(network, features, memory, tokens, length)
    words = words_in_time(memory, tokens, vocabulary, moment)
    blocks: list[Block] = [
        Pictures(
            [Picture(spectrogram(features[:, :-1], words), "")],
            "The sound: time from left to right, pitch upwards, louder is brighter; a line where each word begins",
            look="alone",
        )
    ]
    if words:
        rows = [
            (f"{number} {one.text}", f"{one.begin:.2f}", f"{one.end:.2f}", percent(one.probability))
            for number, one in enumerate(words, 1)
        ]
        head = ("word", "from, seconds", "to, seconds", "probability of a character")
        blocks.append(Table(head, rows, "Where each word was heard", "words", "numbers"))
    if len(bits) > 1:
        points = [((place + 0.5) * length * HOP, value) for place, value in enumerate(bits)]
        chart = Curves(
            f"Bits by which the answer is less probable without {length * HOP:.2g} s of the sound",
            [Line("bits", points)],
            across="seconds",
            marks=[(one.text, one.begin) for one in words],
            logarithmic=False,
            wide=True,
        )
        ranked = sorted(range(len(bits)), key=lambda place: -bits[place])[:STRONGEST]
        strongest = [
            (f"{place * length * HOP:.2f} to {min(seconds, (place + 1) * length * HOP):.2f}", round(bits[place], 2))
            for place in ranked
        ]
        blocks += [chart, Table(("seconds", "bits"), strongest, "What the answer rests on most", "stretches")]
    return blocks


def _without(
    network: SpeechNetwork, features: Tensor, memory: Memory, tokens: Sequence[int], length: int
) -> tuple[float, ...]:
    """How many bits less probable the answer is without each stretch of the sound."""
    variants = memory_of(network(without_stretches(features, length)))
    return leave_out(CTCDecoder(), lambda: variants, memory, tokens)


def spectrogram(features: Tensor, words: Sequence[Word]) -> bytes:
    """Features (frames, bands) as a picture with a line where each word begins and its number below, PNG."""
    from PIL import Image, ImageDraw, ImageFont

    scale = torch.tensor(COLOURS, dtype=torch.float32)
    values = features.T.flip(0).cpu().float()
    low, high = values.quantile(0.02), values.quantile(0.99)
    shares = ((values - low) / (high - low).clamp(min=1e-6)).clamp(0, 1) * (len(COLOURS) - 1)
    below = shares.long().clamp(max=len(COLOURS) - 2)
    part = (shares - below)[:, :, None]
    pixels = scale[below] * (1 - part) + scale[below + 1] * part
    image = Image.fromarray(pixels.to(torch.uint8).numpy())
    width = max(WIDEST // 2, min(WIDEST, 4 * len(features)))
    across = width / (len(features) * HOP)
    page = Image.new("RGB", (width, HEIGHT + LABELS), "white")
    page.paste(image.resize((width, HEIGHT)), (0, 0))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(0.7 * LABELS)
    for number, one in enumerate(words, 1):
        place = round(one.begin * across)
        draw.line([(place, 0), (place, HEIGHT)], "white", 2)
        draw.line([(place, HEIGHT), (place, HEIGHT + LABELS)], (90, 90, 90), 1)
        draw.text((place + 4, HEIGHT), str(number), (30, 30, 30), font)  # words in any script would need its fonts
    return encode_png(page)
