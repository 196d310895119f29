"""What a network hears in recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.audio import Audio
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.spoken_batches import Spoken
from glasswork.data.tokenize import join
from glasswork.data.vocabulary import Vocabulary
from glasswork.execution import Execution
from glasswork.networks.ctc_decoding import best_path
from glasswork.networks.decoding import Beam, Hypothesis, beam_search
from glasswork.objectives.ctc import ctc_losses
from glasswork.objectives.edits import Errors, character_errors, error_rate, word_errors
from glasswork.systems.evaluation import parts_by_length
from glasswork.systems.sequences import Answers, references_of
from glasswork.systems.speech.network import SpeechNetwork, memory_of

SECONDS_AT_ONCE = 200


@dataclass(frozen=True)
class Transcribed(Answers):
    """Transcripts of recordings, of the best path too.

    Attributes:
        greedy: the text of the best path of each.
    """

    greedy: Sequence[str]


def transcribe(network: SpeechNetwork, dataset: Dataset, rows: Tensor, execution: Execution, width: int) -> Transcribed:
    """What a network hears in some rows; the loss is that of the true transcripts that fit, if they are known.

    Args:
        network: put into evaluation mode.
        dataset: all examples, with the network's task.
        rows: which of them, int64.
        execution: how the arithmetic is carried out.
        width: of the beam; 1: the best path.
    """
    network.eval()
    make, known = Spoken(dataset, execution), "targets" in dataset.offsets
    vocabulary = TokenSequence.of(dataset.task).vocabulary
    found: list[Sequence[Hypothesis]] = [()] * len(rows)
    greedy: list[Hypothesis] = [Hypothesis((), 0.0, 0.0)] * len(rows)
    total, count = 0.0, 0
    for places in parts_by_length(dataset, rows, SECONDS_AT_ONCE * Audio.of(dataset.task).rate):
        batch = make(rows[places])
        with torch.inference_mode():
            with execution.arithmetic():
                scores = network(batch.inputs)
            if known:
                losses, counts, fits = ctc_losses(scores, batch.targets)
                total, count = total + float(losses[fits].sum()), count + int(counts[fits].sum())
            memory = memory_of(scores)
            paths = best_path(memory.values)
            searched: Sequence[Sequence[Hypothesis]] = [[path] for path in paths]
            if width > 1:
                beam = Beam(width, longest=memory.values.shape[1], length_penalty=0.0)
                searched = beam_search(network.decoder(), memory, beam)
        for place, path, each in zip(places.tolist(), paths, searched, strict=True):
            greedy[place], found[place] = path, _different(each, vocabulary) or [path]
    texts = [written(each[0].tokens, vocabulary) for each in found]
    return Transcribed(found, texts, total / max(1, count), [written(one.tokens, vocabulary) for one in greedy])


def _different(hypotheses: Sequence[Hypothesis], vocabulary: Vocabulary) -> list[Hypothesis]:
    """Those that say something that none before them says."""
    texts: dict[str, Hypothesis] = {}
    for one in hypotheses:
        texts.setdefault(written(one.tokens, vocabulary), one)
    return list(texts.values())


def written(tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    """A text without spaces at its ends or several in a row."""
    return " ".join(join(tokens, vocabulary).split())


def errors_of(texts: Sequence[str], dataset: Dataset, rows: Tensor) -> tuple[list[Errors], list[Errors]]:
    """The errors of texts in words and in characters, row by row."""
    truths = [lines[0] for lines in references_of(dataset, rows)]
    return word_errors(truths, texts), character_errors(truths, texts)


def measure(texts: Sequence[str], dataset: Dataset, rows: Tensor) -> dict[str, float]:
    """Word and character error rate of texts."""
    words, characters = errors_of(texts, dataset, rows)
    return {"wer": error_rate(words), "cer": error_rate(characters)}
