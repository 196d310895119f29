"""Why a text was translated as it was: where attention lay, and which words the answer does not come without."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.formats.labelled_texts import text_of
from glasswork.data.kinds.text import PADDING, Texts
from glasswork.data.kinds.token_sequence import END, TokenSequence
from glasswork.data.tokenize import Piece, cutter
from glasswork.execution import Execution
from glasswork.networks.decoding import Followed, Hypothesis
from glasswork.networks.encoder_decoder import EncoderDecoder
from glasswork.report.blocks import HeatMap
from glasswork.systems.sequences import leave_out, written

Moved = tuple[tuple[str, float], ...]


def pieces_of(dataset: Dataset, row: int) -> list[Piece]:
    """The pieces of a text, with their places in it."""
    return cutter(Texts.of(dataset.task).vocabulary)(text_of(dataset, row))


def attention_map(dataset: Dataset, row: int, answer: Hypothesis, followed: Followed) -> HeatMap | None:
    """How much each token of an answer looked at each piece of the text; None: the decoder has no attention."""
    if followed.attention is None:
        return None
    text, target, pieces = text_of(dataset, row), TokenSequence.of(dataset.task), pieces_of(dataset, row)
    columns = [text[piece.start : piece.end] or piece.token for piece in pieces]
    rows = [written(number, target) for number in answer.tokens] + [END]
    shares = followed.attention[:, : len(columns)].tolist()
    return HeatMap("What each token of the answer looked at", ("answer", "text"), rows, columns, shares)


def moved_words(network: EncoderDecoder, dataset: Dataset, row: int, answer: Hypothesis, execution: Execution) -> Moved:
    """Each word of a text, and how many bits less probable the answer is without it; of one word each of its pieces.

    Empty for a text of one piece, without which there is nothing to read.
    """
    text, pieces = text_of(dataset, row), pieces_of(dataset, row)
    groups = _words(text, pieces)
    if len(groups) < 2:
        groups = [[place] for place in range(len(pieces))]
    if len(groups) < 2:
        return ()
    begin, end = dataset.offsets["inputs"][row : row + 2].tolist()
    tokens = dataset.columns["inputs"][begin:end].to(execution.device, torch.int64)
    network.eval()
    with torch.inference_mode():
        whole = network.encode(tokens[None])
        bits = leave_out(network.decoder, lambda: network.encode(_without(tokens, groups)), whole, answer.tokens)
    starts = [pieces[group[0]].start for group in groups]
    stops = [*starts[1:], len(text)]
    return tuple((text[start:stop], value) for start, stop, value in zip(starts, stops, bits, strict=True))


def _words(text: str, pieces: Sequence[Piece]) -> list[list[int]]:
    """The places of the pieces of each word; words are what stands between spaces."""
    spans = [found.span() for found in re.finditer(r"\S+", text)]
    groups: list[list[int]] = [[] for _ in spans]
    for place, piece in enumerate(pieces):
        inside = [number for number, (start, end) in enumerate(spans) if piece.start < end and piece.end > start]
        if inside:
            groups[inside[0]].append(place)
    return [group for group in groups if group]


def _without(tokens: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """A text without each group of its pieces in turn, int64 (groups, times)."""
    rows = []
    for group in groups:
        kept = torch.ones(len(tokens), dtype=torch.bool)
        kept[list(group)] = False
        rows.append(tokens[kept.to(tokens.device)])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PADDING)
