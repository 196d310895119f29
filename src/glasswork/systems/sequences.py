"""What all systems share that answer with a sequence of tokens: their outputs, references, predictions and evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.data.batches import Batch
from glasswork.data.collate import IGNORED
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import END, TokenSequence
from glasswork.data.prediction import Alternative, Prediction, TokenSaid
from glasswork.data.sequence_batches import Answered, before
from glasswork.data.tokenize import join, spell
from glasswork.execution import Execution
from glasswork.networks.decoding import Beam, Decoder, Followed, Hypothesis, Memory, beam_search, follow
from glasswork.networks.decoding import log_probabilities_of as token_log_probabilities
from glasswork.networks.encoder_decoder import EncoderDecoder, sample_previous
from glasswork.objectives.losses import Objective
from glasswork.systems.decoder_recipe import DecoderRecipe
from glasswork.systems.evaluation import EVALUATION_ROWS, parts_by_length
from glasswork.training.stage import Moment

RUNNERS_UP = 3
AT_ONCE = 16
"""Answers that are followed token by token together: what is said at each is of the size of the vocabulary."""


@dataclass(frozen=True)
class Answers:
    """What a network answers to some inputs.

    Attributes:
        hypotheses: of each input, the best first.
        texts: the best of each, as people read it.
        loss: mean -log p of the tokens of the true answers, their ends included, in nats.
    """

    hypotheses: Sequence[Sequence[Hypothesis]]
    texts: Sequence[str]
    loss: float


def references_of(dataset: Dataset, rows: Tensor) -> list[list[str]]:
    """The true answers of each row as they were written, from the column `references`, a line each."""
    column, offsets = dataset.columns["references"], dataset.offsets["references"]
    begins, ends = offsets[rows].tolist(), offsets[rows + 1].tolist()
    return [
        column[begin:end].numpy().tobytes().decode(errors="surrogateescape").split("\n")
        for begin, end in zip(begins, ends, strict=True)
    ]


def answer(
    network: EncoderDecoder, dataset: Dataset, rows: Tensor, execution: Execution, beam: Beam, loss: bool = True
) -> Answers:
    """What the network answers to some rows, found by beam search, inputs of similar length together.

    Args:
        network: put into evaluation mode.
        dataset: all examples, with the network's task.
        rows: which of them, int64.
        execution: how the arithmetic is carried out.
        beam: how answers are searched for.
        loss: whether to measure the loss of the true answers, if they are known.
    """
    network.eval()
    make = Answered(dataset, execution)
    found: list[list[Hypothesis]] = [[] for _ in range(len(rows))]
    total, count = 0.0, 0
    for places in _parts(dataset, rows):
        batch = make(rows[places])
        with torch.inference_mode(), execution.arithmetic():
            memory = network.encode(batch.inputs)
            if loss and make.known:
                known = batch.targets != IGNORED
                said = network.decoder.score(network.decoder.read(memory, batch.further[0])[known])
                total += float(functional.cross_entropy(said.float(), batch.targets[known], reduction="sum"))
                count += int(known.sum())
            hypotheses = beam_search(network.decoder, memory, beam)
        for place, each in zip(places.tolist(), hypotheses, strict=True):
            found[place] = each
    vocabulary = TokenSequence.of(dataset.task).vocabulary
    return Answers(found, [join(each[0].tokens, vocabulary) for each in found], total / max(1, count))


def token_loss(network: EncoderDecoder, batch: Batch, previous: Tensor, objective: Objective) -> Tensor:
    """The mean loss over the tokens of a batch's answers; nothing is computed for what stands behind their ends.

    Args:
        network: that is trained.
        batch: of inputs, with the answers as targets.
        previous: the token before each, int64 (batch, times), -1 before the first.
        objective: what is minimised.
    """
    read = network.decoder.read(network.encode(batch.inputs), previous)
    known = batch.targets != IGNORED
    return objective(network.decoder.score(read[known]).float(), batch.targets[known])


def sampled_loss(
    recipe: DecoderRecipe, network: nn.Module, batch: Batch, moment: Moment, objective: Objective
) -> Tensor:
    """The same while training: some of the tokens before each are the network's own, if the recipe asks for it."""
    writer, (previous,) = encoder_decoder_of(network), batch.further
    share = recipe.scheduled_sampling * moment.progress
    return token_loss(writer, batch, sample_previous(writer, batch.inputs, previous, share), objective)


def beam_of(recipe: DecoderRecipe, longest: int, width: int | None = None) -> Beam:
    """How a recipe searches for answers of at most `longest` tokens; `width` in place of its own."""
    return Beam(width or recipe.beam, longest, recipe.length_penalty, recipe.coverage_penalty)


def loss_on(network: EncoderDecoder, dataset: Dataset, rows: Tensor, execution: Execution) -> float:
    """Mean -log p of the tokens of the true answers to some rows, their ends included, in nats."""
    network.eval()
    make, total, count = Answered(dataset, execution), 0.0, 0
    for places in _parts(dataset, rows):
        batch = make(rows[places])
        with torch.inference_mode(), execution.arithmetic():
            tokens = int((batch.targets != IGNORED).sum())
            mean = token_loss(network, batch, batch.further[0], Objective("cross-entropy"))
        total, count = total + tokens * float(mean), count + tokens
    return total / max(1, count)


def follow_answers(network: EncoderDecoder, dataset: Dataset, answers: Answers, execution: Execution) -> list[Followed]:
    """What the decoder says at every token of the best answer to each row of a dataset."""
    network.eval()
    make, found = Answered(dataset, execution), list[Followed]()
    for rows in torch.split(torch.arange(len(dataset)), AT_ONCE):
        with torch.inference_mode():
            memory = network.encode(make(rows).inputs)
        found += follow(network.decoder, memory, [answers.hypotheses[row][0].tokens for row in rows.tolist()])
    return found


def _parts(dataset: Dataset, rows: Tensor) -> Sequence[Tensor]:
    """Places of rows that are looked at together."""
    if "inputs" in dataset.offsets:
        return parts_by_length(dataset, rows)
    return torch.split(torch.arange(len(rows)), EVALUATION_ROWS)


def predictions_of(
    answers: Answers, dataset: Dataset, followed: Sequence[Followed], **evidence: Sequence[Sequence[object]]
) -> list[Prediction]:
    """Each answer with the probability of every token and its runners-up, and the other hypotheses.

    Args:
        answers: to all rows of the dataset.
        dataset: the inputs.
        followed: what the decoder said at each token of each best answer.
        evidence: further fields of `Prediction`, a value for each row.
    """
    target, found = TokenSequence.of(dataset.task), []
    for row, (hypotheses, text) in enumerate(zip(answers.hypotheses, answers.texts, strict=True)):
        best = hypotheses[0]
        others = [Alternative(join(one.tokens, target.vocabulary), one.score) for one in hypotheses]
        tokens = read_tokens(followed[row], best.tokens, target)
        probability = float(torch.tensor(best.log_probability).exp())
        more = {name: values[row] for name, values in evidence.items()}
        found.append(
            Prediction(dataset.name(row), text, probability, {}, tokens=tokens, alternatives=others, **more)  # type: ignore[arg-type]
        )
    return found


def read_tokens(followed: Followed, tokens: Sequence[int], target: TokenSequence) -> tuple[TokenSaid, ...]:
    """Every token of an answer with its probability, and what else could have stood there."""
    said = followed.log_probabilities.exp()
    top = said.topk(min(RUNNERS_UP + 1, said.shape[1]), 1)
    found = []
    for place, number in enumerate([*tokens, target.end]):
        others = [
            (written(other, target), chance)
            for other, chance in zip(top.indices[place].tolist(), top.values[place].tolist(), strict=True)
            if other != number
        ]
        found.append(TokenSaid(written(number, target), float(said[place, number]), tuple(others[:RUNNERS_UP])))
    return tuple(found)


def written(number: int, target: TokenSequence) -> str:
    """A token of an answer as people read it, `END` for what ends it."""
    return END if number == target.end else spell(number, target.vocabulary)


def leave_out(
    decoder: Decoder, variants: Callable[[], Memory], whole: Memory, tokens: Sequence[int]
) -> tuple[float, ...]:
    """How many bits less probable an answer is without each part of its input.

    Args:
        decoder: that gave the answer.
        variants: makes what the encoder reads of the input without each part in turn, a row each.
        whole: what it reads of the whole input, one row.
        tokens: of the answer.
    """
    parts = variants()
    sure = float(token_log_probabilities(follow(decoder, whole, [tokens])[0], tokens).sum())
    without: list[Followed] = []
    for rows in torch.split(torch.arange(len(parts.values)), AT_ONCE):
        without += follow(decoder, parts.select(rows.to(parts.values.device)), [tokens] * len(rows))
    bits = torch.log(torch.tensor(2.0)).item()
    return tuple((sure - float(token_log_probabilities(each, tokens).sum())) / bits for each in without)


def open_with_answer(
    network: EncoderDecoder, batch: Batch, task: Task, target: str | float | None, beam: Beam
) -> tuple[tuple[Tensor, ...], Tensor]:
    """What a network takes of the first example of a batch when it is opened, and the answer that it is opened on.

    Args:
        network: that is opened.
        batch: of inputs.
        task: of the network.
        target: what it should have answered; None: its own answer.
        beam: how its own answer is searched for.
    """
    inputs, tokens = batch.inputs[:1], None if target is None else task.target.parse(target)
    if tokens is None:
        with torch.inference_mode():
            best = beam_search(network.decoder, network.encode(inputs), beam)[0][0]
        tokens = torch.tensor([[*best.tokens, network.decoder.tokens - 1]])
    tokens = tokens.to(inputs.device)
    return (inputs, before(tokens)), tokens


def encoder_decoder_of(network: nn.Module) -> EncoderDecoder:
    """The network as one that answers with sequences."""
    assert isinstance(network, EncoderDecoder)
    return network
