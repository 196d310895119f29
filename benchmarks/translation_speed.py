"""Training and beam search of the translator, against the loops one would write by hand.

    python benchmarks/translation_speed.py --data translation-en-es --rounds 5 --threads 1

Training by hand is the same network, loss, optimizer and batches, with a packed bidirectional LSTM and a decoder loop
that looks at the text, scores all tokens and adds to the loss one token at a time. Beam search by hand calls the same
search for one sentence at a time. Asked: 1.5 times the tokens per second by hand, and 5 times the sentences per second
one at a time, of 100 sentences. Both ways alternate; figures are medians, and first steps are not timed.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from machine import describe_machine, describe_versions
from torch import Tensor, nn

from glasswork.catalogue import make_system
from glasswork.data.batches import Batch
from glasswork.data.sequence_batches import Answered
from glasswork.execution import Execution
from glasswork.networks.decoding import Beam, beam_search
from glasswork.run.prepare import read_and_split
from glasswork.run.request import make_request
from glasswork.systems.sequences import encoder_decoder_of
from glasswork.systems.system import Context
from glasswork.training.stage import Moment

STEPS = 6
SENTENCES = 100


class ByHand(nn.Module):
    """What a careful person writes: nn.LSTM, packed rows, Luong's attention, a loop over the tokens."""

    def __init__(self, source: int, target: int, embedding: int, units: int, dropout: float) -> None:
        super().__init__()
        self.source, self.target = (
            nn.Embedding(source + 1, embedding, padding_idx=source),
            nn.Embedding(target, embedding),
        )
        self.encoder = nn.LSTM(embedding, units // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.LSTM(embedding, units, batch_first=True)
        self.bridge, self.key = nn.Linear(units, 2 * units), nn.Linear(units, units, bias=False)
        self.combine, self.output = nn.Linear(2 * units, units), nn.Linear(units, target)
        self.dropout = nn.Dropout(dropout)

    def forward(self, texts: Tensor, previous: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of the tokens."""
        inside, end = texts >= 0, self.target.num_embeddings - 1
        vectors = self.dropout(self.source(texts.masked_fill(~inside, self.source.padding_idx or 0)))
        lengths = inside.sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        read, (last, _) = self.encoder(packed)
        values, _ = nn.utils.rnn.pad_packed_sequence(read, batch_first=True)
        hidden, cell = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1))).chunk(2, 1)
        state = hidden[None].contiguous(), cell[None].contiguous()
        keys, losses = self.key(values), []
        for time_ in range(previous.shape[1]):
            token = previous[:, time_].masked_fill(previous[:, time_] < 0, end)
            out, state = self.decoder(self.dropout(self.target(token))[:, None], state)
            weights = (out @ keys.transpose(1, 2)).masked_fill(~inside[:, None], -torch.inf).softmax(2)
            attended = torch.tanh(self.combine(torch.cat([weights @ values, out], 2)))
            scores = self.output(self.dropout(attended))[:, 0]
            losses.append(
                F.cross_entropy(scores, targets[:, time_], ignore_index=-100, reduction="sum", label_smoothing=0.1)
            )
        return torch.stack(losses).sum() / (targets != -100).sum()


def steps_per_second(step: Callable[[Batch], Tensor], network: nn.Module, batches: list[Batch]) -> float:
    """Tokens of targets per second over some steps of AdamW."""
    optimizer = torch.optim.AdamW(network.parameters(), 0.001, fused=True)
    network.train()
    began, tokens = 0.0, 0
    for number, batch in enumerate(batches):
        if number == 1:  # the first one is not timed
            began = time.perf_counter()
        optimizer.zero_grad()
        step(batch).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        tokens += int((batch.targets != -100).sum()) if number else 0
    return tokens / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vocabulary", type=int, default=4000)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    request = make_request("translate", {"data": arguments.data, "vocabulary": arguments.vocabulary})
    dataset, splits = read_and_split(request)
    system = make_system("translate", make_system("translate", request.recipe).resolve(dataset, splits))
    network, execution = encoder_decoder_of(system.network(dataset.task)), Execution("cpu", arguments.threads)
    stage = system.stages(network, Context(dataset, splits, execution))[-1]
    recipe = request.recipe.model_copy()
    source, target = network.embedding.num_embeddings, network.decoder.tokens
    by_hand = ByHand(source, target, 256, 256, 0.3)
    count = lambda one: sum(each.numel() for each in one.parameters())  # noqa: E731
    batches = [stage.batches.batch(0, number) for number in range(STEPS + 1)]
    ways: dict[str, Callable[[], float]] = {
        "ours": lambda: steps_per_second(lambda b: stage.loss(network, b, {}, Moment(0, 0, 0.0))[0], network, batches),
        "by hand": lambda: steps_per_second(lambda b: by_hand(b.inputs, b.further[0], b.targets), by_hand, batches),
    }
    trained = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            trained[name].append(way())
    rows = splits.test[:SENTENCES]
    beam = Beam(recipe.beam, 60, recipe.length_penalty, recipe.coverage_penalty)
    make, searched = Answered(dataset, execution), {"together": [], "one at a time": []}
    network.eval()
    for _ in range(arguments.rounds):
        for name, parts in (("together", [rows]), ("one at a time", list(rows.split(1)))):
            began = time.perf_counter()
            for part in parts:
                with torch.inference_mode():
                    beam_search(network.decoder, network.encode(make(part).inputs), beam)
            searched[name].append(len(rows) / (time.perf_counter() - began))
    medians = {name: statistics.median(values) for name, values in {**trained, **searched}.items()}
    print(json.dumps({"tokens per second": trained, "sentences per second": searched}, indent=1))
    print(f"parameters: {count(network):,}, by hand {count(by_hand):,}")
    print(f"training: {medians['ours'] / medians['by hand']:.2f} times the tokens by hand")
    print(f"beam search: {medians['together'] / medians['one at a time']:.2f} times the sentences one at a time")
    print(describe_machine(), describe_versions("python", ["torch"]))


if __name__ == "__main__":
    main()
