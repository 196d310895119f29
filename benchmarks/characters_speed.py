"""Characters per second of the character model, in training and in writing, against the loops one would write by hand.

    python benchmarks/characters_speed.py --data shakespeare/train.txt --rounds 5 --keras PEERS/bin/python

Two layers of 256 LSTM units, batch 64, sequences of 100. Training by hand is `nn.LSTM` in float32 with the state
carried on, one-hot characters, a fused Adam and clipping; ours runs as it chooses for itself. Writing by hand calls
`nn.LSTM` for one character at a time. Keras 3 has the same layers, stateful. Asked: 3.3 times (where the processor has
AMX; else 1.1) and 10 times the characters by hand, 5 times Keras's, and an equal loss after equal characters within the
spread of the seeds. Everything alternates in processes of its own; first steps are not timed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine, describe_versions
from torch import Tensor, nn

UNITS, LAYERS, LANES, TIMES = 256, 2, 64, 100
RATE, CLIP = 0.002, 1.0
TEMPERATURE = 0.7
TAIL = 50  # steps at the end whose mean loss is compared


class ByHand(nn.Module):
    """What a careful person writes."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.characters = characters
        self.lstm = nn.LSTM(characters, UNITS, LAYERS, batch_first=True)
        self.output = nn.Linear(UNITS, characters)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Scores of every next character, and the state to go on with."""
        read, state = self.lstm(F.one_hot(tokens, self.characters).float(), state)
        return self.output(read), state


def read_tokens(path: Path) -> tuple[Tensor, int]:
    """The numbers of a text's characters, and how many different ones there are."""
    text = path.read_text(encoding="utf-8")
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    return torch.tensor([numbers[character] for character in text]), len(numbers)


def train_by_hand(arguments: argparse.Namespace) -> dict[str, float]:
    """The plain loop over lanes of contiguous text."""
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    tokens, characters = read_tokens(arguments.data)
    length = len(tokens) // LANES
    lanes = tokens[: LANES * length].view(LANES, length)
    network = ByHand(characters)
    optimizer = torch.optim.Adam(network.parameters(), RATE, fused=True)
    state, losses, place = None, [], 0
    for step in range(arguments.warm_up + arguments.steps):
        if step == arguments.warm_up:
            began = time.perf_counter()
        if place + TIMES >= length:
            state, place = None, 0
        inputs, targets = lanes[:, place : place + TIMES], lanes[:, place + 1 : place + TIMES + 1]
        place += TIMES
        scores, state = network(inputs, state)
        state = (state[0].detach(), state[1].detach())
        loss = F.cross_entropy(scores.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - began
    return {"speed": arguments.steps * LANES * TIMES / seconds, "loss": statistics.mean(losses[-TAIL:])}


def train_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """Our run through its Python face, in the arithmetic that it finds to be the fastest here."""
    import glasswork

    total, losses, began = arguments.warm_up + arguments.steps, [], 0.0
    options = {"hidden_size": UNITS, "layers": LAYERS, "batch_size": LANES, "bptt_length": TIMES, "learning_rate": RATE}
    options |= {"optimizer": "adam", "schedule": "constant", "gradient_clip": CLIP, "threads": arguments.threads}
    options |= {"seed": arguments.seed, "validation": 0, "test": 0.001, "samples": 0, "epochs": 1000}
    with tempfile.TemporaryDirectory() as folder:
        steps = glasswork.steps("char-rnn", data=str(arguments.data), out=f"{folder}/run", **options)
        for step in islice(steps, total):
            losses.append(float(step.loss))
            if step.number == arguments.warm_up:
                began = time.perf_counter()
        seconds = time.perf_counter() - began
        steps.close()
    return {"speed": arguments.steps * LANES * TIMES / seconds, "loss": statistics.mean(losses[-TAIL:])}


def write_by_hand(arguments: argparse.Namespace) -> dict[str, float]:
    """One character at a time through `nn.LSTM`."""
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    network = ByHand(read_tokens(arguments.data)[1]).eval()
    token, state = torch.zeros(arguments.texts, 1, dtype=torch.int64), None
    with torch.inference_mode():
        for place in range(arguments.written // 10 + arguments.written):
            if place == arguments.written // 10:
                began = time.perf_counter()
            scores, state = network(token, state)
            token = torch.multinomial(torch.softmax(scores[:, -1] / TEMPERATURE, 1), 1)
    return {"speed": arguments.written * arguments.texts / (time.perf_counter() - began)}


def write_ours(arguments: argparse.Namespace) -> dict[str, float]:
    """A network of the same size as `glasswork write` runs it."""
    import numpy as np

    from glasswork.systems.characters.generate import Choice, draw_tokens
    from glasswork.systems.characters.incremental import Stepper
    from glasswork.systems.characters.network import CharacterNetwork

    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    stepper = Stepper(CharacterNetwork("lstm", read_tokens(arguments.data)[1], UNITS, LAYERS))
    stepped = draw_tokens(stepper, np.array([1]), Choice(TEMPERATURE), arguments.seed, arguments.texts)
    for _ in islice(stepped, arguments.written // 10):
        pass
    began = time.perf_counter()
    for _ in islice(stepped, arguments.written):
        pass
    return {"speed": arguments.written * arguments.texts / (time.perf_counter() - began)}


ROLES = {
    "training by hand": train_by_hand,
    "training, ours": train_ours,
    "writing by hand": write_by_hand,
    "writing, ours": write_ours,
}
KERAS = "training, Keras 3"


def run_in_process(role: str, seed: int, texts: int, arguments: argparse.Namespace) -> dict[str, float]:
    """This script again in one role, or Keras's, in a fresh process."""
    if role == KERAS:
        peer = Path(__file__).parent / "peers" / "train_characters_keras.py"
        figures = (arguments.data, arguments.warm_up, arguments.steps, seed)
        command = [arguments.keras, str(peer), *map(str, figures)]
    else:
        own = ["--role", role, "--seed", str(seed), "--texts", str(texts)]
        command = [sys.executable, __file__, *sys.argv[1:], *own]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"'{role}' failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def as_markdown(found: dict[tuple[str, int], list[dict[str, float]]], arguments: argparse.Namespace) -> str:
    """The table."""
    lines = ["| | characters/s | ours / this | loss at the end, by seed |", "|---|---|---|---|"]
    middle = {key: statistics.median(run["speed"] for run in runs) for key, runs in found.items()}
    for (role, texts), speed in middle.items():
        ours = middle[("writing, ours" if role.startswith("writing") else "training, ours", texts)]
        losses = ", ".join(f"{run['loss']:.3f}" for run in found[role, texts][: arguments.seeds] if "loss" in run)
        side = f", {texts} texts side by side" if texts > 1 else ""
        lines.append(f"| {role}{side} | {speed:,.0f} | {ours / speed:.2f} | {losses} |")
    said = f"LSTM {LAYERS} x {UNITS}, batch {LANES}, sequence {TIMES}, {arguments.data.name}, "
    said += f"{arguments.threads} threads; "
    said += (
        f"medians of {arguments.rounds} alternating runs of {arguments.steps} steps or {arguments.written} characters; "
    )
    said += f"the loss is the mean of the last {TAIL} of {arguments.warm_up + arguments.steps} steps."
    versions = [describe_versions(sys.executable, ("torch", "numpy", "glasswork"))]
    if arguments.keras:
        versions.append(describe_versions(arguments.keras, ("keras", "jax")))
    return "\n".join([*lines, "", said, describe_machine(), *versions, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a text in UTF-8")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, help="the rounds take these seeds in turn")
    parser.add_argument("--steps", type=int, default=300, help="timed steps of one training")
    parser.add_argument("--warm-up", type=int, default=20, help="steps before them")
    parser.add_argument("--written", type=int, default=2000, help="timed characters of one text")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--keras", help="a Python that has Keras 3 and JAX")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--role", choices=[*ROLES], help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    if arguments.role:
        print(json.dumps(ROLES[arguments.role](arguments)))
        return
    trained = ["training by hand", "training, ours", *([KERAS] if arguments.keras else [])]
    jobs = [(role, 1) for role in trained]
    jobs += [(role, texts) for texts in (1, 50) for role in ("writing by hand", "writing, ours")]
    found: dict[tuple[str, int], list[dict[str, float]]] = {job: [] for job in jobs}
    for number in range(arguments.rounds):
        for job in jobs:
            found[job].append(run_in_process(job[0], number % arguments.seeds, job[1], arguments))
            print(*job, found[job][-1], file=sys.stderr, flush=True)
    table = as_markdown(found, arguments)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
