"""The doctor against 40 planted bugs on five networks each, and 40 healthy twins: what it names first.

    python benchmarks/doctor.py                      # everything, in two minutes on one thread
    python benchmarks/doctor.py --networks dense --bugs dead-layer rate-too-high --verbose

A bug counts as found if its cause is named first on every network. A twin is what looks like the bug and is none (a
body frozen on purpose, a network with dropout, classes of unequal frequency); where there is nothing that looks alike,
the sound network with another seed. It counts as a false alarm if anything at all is found on any network.

The rules were developed with `--seed 0` on the dense, the convolutional and the recurrent network; the residual
network, the attention network and the other seeds were held out.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine
from torch import Tensor, nn

from glasswork.glassbox.diagnose.diagnose import Diagnosis, diagnose
from glasswork.glassbox.diagnose.training import Loss, Training

CLASSES, EXAMPLES, HELD_OUT, BATCH, UNITS = 4, 192, 64, 32, 24
DEVELOPED_ON = ("dense", "convolutional", "recurrent")


@dataclass(frozen=True)
class Options:
    """What a network is built of; every network reads the same ones."""

    activation: Callable[[Tensor], Tensor] = torch.relu  # of hidden layers and branch; bodies keep to ReLU
    dropout: float = 0.0
    gated: bool = False
    deep: int = 1
    detached: bool = False
    outputs: int = CLASSES
    end: Callable[[Tensor], Tensor] = torch.positive


class Network(nn.Module):
    """A body of its own kind to (N, UNITS), hidden layers, a residual branch, a layer of scores."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options
        self.body()
        self.hidden = nn.ModuleList(nn.Linear(UNITS, UNITS) for _ in range(options.deep))
        self.gate = nn.Linear(UNITS, UNITS) if options.gated else None
        self.branch = nn.Linear(UNITS, UNITS)
        self.branch_out = nn.Linear(UNITS, UNITS)
        self.dropout = nn.Dropout(options.dropout)
        self.scores = nn.Linear(UNITS, options.outputs)

    def body(self) -> None:
        """Makes the layers that tell the networks apart."""
        raise NotImplementedError

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, outputs)."""
        units = self.features(x)
        if self.options.detached:
            units = units.detach()
        for layer in self.hidden:
            units = self.options.activation(layer(units))
        if self.gate is not None:
            units = units * torch.sigmoid(self.gate(units))
        units = units + self.branch_out(self.options.activation(self.branch(units)))
        answer: Tensor = self.options.end(self.scores(self.dropout(units)))
        return answer


class DenseNetwork(Network):
    """Two layers on a table of 16 features."""

    shape = (16,)

    def body(self) -> None:
        """Makes the layers."""
        self.first, self.second = nn.Linear(16, UNITS), nn.Linear(UNITS, UNITS)

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        return torch.relu(self.second(torch.relu(self.first(x))))


class ConvolutionalNetwork(Network):
    """Two convolutions on pictures of two channels."""

    shape = (2, 8, 8)

    def body(self) -> None:
        """Makes the layers."""
        self.first, self.second = nn.Conv2d(2, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.joined = nn.Linear(128, UNITS)

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        maps = F.max_pool2d(torch.relu(self.first(x)), 2)
        return torch.relu(self.joined(torch.relu(self.second(maps)).flatten(1)))


class ResidualNetwork(Network):
    """Two residual blocks with batch normalisation on pictures of two channels."""

    shape = (2, 8, 8)

    def body(self) -> None:
        """Makes the layers."""
        self.first = nn.Conv2d(2, 8, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1)])
            for _ in range(2)
        )
        self.joined = nn.Linear(128, UNITS)

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        maps = torch.relu(self.first(x))
        for into, norm, out in self.blocks:  # type: ignore[misc]
            maps = maps + out(torch.relu(norm(into(maps))))
        return torch.relu(self.joined(F.max_pool2d(maps, 2).flatten(1)))


class RecurrentNetwork(Network):
    """An LSTM on sequences of 8 steps."""

    shape = (8, 6)

    def body(self) -> None:
        """Makes the layers."""
        self.recurrent = nn.LSTM(6, UNITS, batch_first=True)

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        return self.recurrent(x)[0].mean(1)  # type: ignore[no-any-return]


class AttentionNetwork(Network):
    """One layer of attention with two heads on sequences of 8 steps."""

    shape = (8, 6)

    def body(self) -> None:
        """Makes the layers."""
        self.embed, self.places = nn.Linear(6, UNITS), nn.Parameter(0.1 * torch.randn(8, UNITS))
        self.asked, self.output = nn.Linear(UNITS, 3 * UNITS), nn.Linear(UNITS, UNITS)

    def features(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, UNITS)."""
        tokens = self.embed(x) + self.places
        parts = self.asked(tokens).reshape(len(x), 8, 3, 2, UNITS // 2).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return torch.relu((tokens + self.output(mixed)).mean(1))


NETWORKS: dict[str, type[Network]] = {
    "dense": DenseNetwork,
    "convolutional": ConvolutionalNetwork,
    "residual": ResidualNetwork,
    "recurrent": RecurrentNetwork,
    "attention": AttentionNetwork,
}


@dataclass
class Case:
    """A network and its training, to be spoilt."""

    make: type[Network]
    options: Options
    network: Network
    inputs: Tensor
    targets: Tensor
    held_inputs: Tensor
    held_targets: Tensor
    loss: Loss
    rate: float = 3e-3
    sorted_by_class: bool = False
    evaluates_in_training_mode: bool = False
    optimised: Callable[[nn.Module], Iterator[nn.Parameter]] = nn.Module.parameters

    def rebuild(self, **changes: object) -> None:
        """The same network with other options."""
        self.options = dataclasses.replace(self.options, **changes)  # type: ignore[arg-type]
        self.network = self.make(self.options)

    def training(self) -> Training:
        """What surrounds the network."""
        order = torch.randperm(len(self.inputs))
        if self.sorted_by_class:
            order = self.targets.argsort(stable=True)
        batches = [(self.inputs[rows], self.targets[rows]) for rows in order.split(BATCH)]
        network, trains = self.network, self.evaluates_in_training_mode

        def evaluate(inputs: Tensor) -> Tensor:
            answer: Tensor = network.train(trains)(inputs)
            return answer

        return Training(
            targets=self.targets,
            loss=self.loss,
            batches=batches,
            optimizer=torch.optim.Adam(self.optimised(network), self.rate),
            held_out=(self.held_inputs, self.held_targets),
            evaluate=evaluate,
        )

    def diagnosis(self) -> Diagnosis:
        """What the doctor says."""
        training = self.training()
        self.network.train()
        return diagnose(self.network, self.inputs, lambda outputs: self.loss(outputs, self.targets), training=training)


def sound_case(name: str, seed: int) -> Case:
    """A network that learns a small problem: one prototype for each class, and noise."""
    torch.manual_seed(seed)
    make = NETWORKS[name]
    prototypes = torch.randn(CLASSES, *make.shape)  # type: ignore[attr-defined]
    targets = torch.randint(CLASSES, (EXAMPLES + HELD_OUT,))
    inputs = prototypes[targets] + torch.randn(len(targets), *make.shape)  # type: ignore[attr-defined]
    inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    options = Options()
    return Case(
        make, options, make(options), inputs[:EXAMPLES], targets[:EXAMPLES], inputs[EXAMPLES:], targets[EXAMPLES:],
        F.cross_entropy,
    )  # fmt: skip


def matrices(case: Case) -> list[nn.Parameter]:
    """Weights of two axes and more."""
    return [weight for weight in case.network.parameters() if weight.dim() >= 2]


def features_of(inputs: Tensor) -> Tensor:
    """The same numbers with the features, channels or numbers of a step as the last axis."""
    return inputs.movedim(1, -1) if inputs.dim() == 4 else inputs


def scale(weights: list[nn.Parameter], factor: float) -> None:
    """Multiplies weights."""
    for weight in weights:
        weight.mul_(factor)


Change = Callable[[Case], None]


def dead_layer(case: Case) -> None:
    """A whole layer that never answers."""
    case.network.hidden[0].bias.fill_(-100)  # type: ignore[operator, union-attr]


def dead_branch(case: Case) -> None:
    """A residual branch that never answers."""
    case.network.branch.bias.fill_(-100)


def half_dead(case: Case) -> None:
    """More than half of a layer that never answers."""
    case.network.hidden[0].bias[: UNITS // 2 + 2] = -100  # type: ignore[index]


def saturated(activation: Callable[[Tensor], Tensor]) -> Change:
    """A layer at the limits of its activation."""

    def change(case: Case) -> None:
        case.rebuild(activation=activation)
        case.network.hidden[0].weight.mul_(3000)  # type: ignore[operator, union-attr]

    return change


def saturated_gates(case: Case) -> None:
    """Gates that are open or shut whatever they are given."""
    if isinstance(case.network, RecurrentNetwork):
        case.network.recurrent.weight_ih_l0.mul_(100)
    else:
        case.rebuild(gated=True)
        assert case.network.gate is not None
        case.network.gate.bias.copy_(torch.where(torch.arange(UNITS) % 2 == 0, 20.0, -20.0))


def vanishing(case: Case) -> None:
    """Eight sigmoid layers."""
    case.rebuild(activation=torch.sigmoid, deep=8)


def exploding(case: Case) -> None:
    """Sixteen linear layers, each of which makes what it is given three times as large."""
    case.rebuild(activation=nn.Identity(), deep=16)
    scale([layer.weight for layer in case.network.hidden], 6)  # type: ignore[misc]


def identical(case: Case) -> None:
    """All weights of a layer have one value."""
    for weight in matrices(case):
        weight.fill_(0.05)
    for name, weight in case.network.named_parameters():
        if "bias" in name:
            weight.zero_()


def constant_output(case: Case) -> None:
    """The first layer says nothing."""
    scale([weight for weight in matrices(case) if weight.dim() >= 2][:1], 1e-7)
    if isinstance(case.network, AttentionNetwork):  # its first one holds the places
        case.network.embed.weight.mul_(1e-7)


def relabel(change: Callable[[Tensor], Tensor]) -> Change:
    """Other targets."""

    def changed(case: Case) -> None:
        case.targets = change(case.targets)

    return changed


def contradicting(case: Case) -> None:
    """The same inputs in two classes."""
    case.inputs = torch.cat([case.inputs[:160], case.inputs[:32]])
    case.targets = torch.cat([case.targets[:160], (case.targets[:32] + 1) % CLASSES])


def both(case: Case, change: Callable[[Tensor], Tensor]) -> None:
    """Changes inputs and held-out inputs alike."""
    case.inputs, case.held_inputs = change(case.inputs), change(case.held_inputs)


def constant_features(case: Case) -> None:
    """Half of the features have one value."""

    def change(inputs: Tensor) -> Tensor:
        changed = inputs.clone()
        view = features_of(changed)
        view[..., : view.shape[-1] // 2] = 0.5
        return changed

    both(case, change)


def duplicated_features(case: Case) -> None:
    """Half of the features repeat the others."""

    def change(inputs: Tensor) -> Tensor:
        changed = inputs.clone()
        view = features_of(changed)
        view[..., view.shape[-1] // 2 :] = view[..., : view.shape[-1] // 2]
        return changed

    both(case, change)


def one_unscaled(case: Case) -> None:
    """The first feature is 1,000 times as large."""

    def change(inputs: Tensor) -> Tensor:
        changed = inputs.clone()
        features_of(changed)[..., 0] *= 1000
        return changed

    both(case, change)


def all_equal(case: Case) -> None:
    """One input, again and again."""
    case.inputs = case.inputs[:1].expand_as(case.inputs).clone()


def nan_inputs(case: Case) -> None:
    """One number that is none."""
    case.inputs[5].view(-1)[3] = float("nan")


def nan_weights(case: Case) -> None:
    """One weight that is no number."""
    case.network.scores.weight[0, 0] = float("nan")


def frozen(case: Case) -> None:
    """A layer without gradients that the optimiser holds."""
    case.network.hidden.requires_grad_(False)


def frozen_on_purpose(case: Case) -> None:
    """A layer without gradients that is left out of the optimiser."""
    frozen(case)
    case.optimised = lambda network: (weight for weight in network.parameters() if weight.requires_grad)


def not_optimised(case: Case) -> None:
    """Only the last layer is given to the optimiser."""
    case.optimised = lambda network: network.scores.parameters()  # type: ignore[operator, union-attr, return-value]


def unused(case: Case) -> None:
    """A layer that forward does not use."""
    case.network.register_module("spare", nn.Linear(3, 3))


def leaked(case: Case) -> None:
    """Half of the held-out examples are training examples."""
    case.held_inputs[:32], case.held_targets[:32] = case.inputs[:32], case.targets[:32]


def wrong_axis(case: Case) -> None:
    """Softmax over the examples."""
    case.loss = lambda outputs, targets: F.nll_loss(outputs.log_softmax(0), targets)


def right_axis(case: Case) -> None:
    """The cross-entropy, written out."""
    case.loss = lambda outputs, targets: F.nll_loss(outputs.log_softmax(1), targets)


def numbers(case: Case) -> None:
    """Regression: a number to predict, that of the class with a little noise."""
    case.rebuild(outputs=1)
    case.targets = case.targets - 1.5 + 0.1 * torch.randn(len(case.targets))
    case.held_targets = case.held_targets - 1.5 + 0.1 * torch.randn(len(case.held_targets))


def stretched(case: Case) -> None:
    """Outputs (N, 1) less targets (N,) are (N, N)."""
    numbers(case)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square().mean()

    case.loss = loss


def paired(case: Case) -> None:
    """The squared error as it should be."""
    numbers(case)
    case.loss = lambda outputs, targets: (outputs[:, 0] - targets).square().mean()


def set_field(**changes: object) -> Change:
    """Another setting of the training."""

    def change(case: Case) -> None:
        for name, value in changes.items():
            setattr(case, name, value)

    return change


def built(**changes: object) -> Change:
    """Another network."""
    return lambda case: case.rebuild(**changes)


def training_mode(case: Case) -> None:
    """Dropout goes on at evaluation."""
    case.rebuild(dropout=0.3)
    case.evaluates_in_training_mode = True


def trained(case: Case) -> None:
    """Trained well, so that nothing is left to learn."""
    optimizer = torch.optim.Adam(case.network.parameters(), 3e-3)
    for _ in range(60):
        with torch.enable_grad():
            optimizer.zero_grad()
            case.loss(case.network(case.inputs), case.targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def a_few_wrong_labels(case: Case) -> None:
    """One label in ten drawn at random."""
    case.targets = torch.where(torch.rand(EXAMPLES) < 0.1, torch.randint(CLASSES, (EXAMPLES,)), case.targets)


def rare_class(case: Case) -> None:
    """Classes of unequal frequency."""
    keep = (case.targets == 0) | (torch.rand(EXAMPLES) < 0.3)
    case.inputs, case.targets = case.inputs[keep], case.targets[keep]


def one_constant_feature(case: Case) -> None:
    """The last feature is always 0."""
    if len(case.inputs.shape) == 4:
        return
    both(case, lambda inputs: torch.cat([inputs[..., :-1], torch.zeros_like(inputs[..., :1])], -1))


def nothing(case: Case) -> None:
    """The sound network."""


@dataclass(frozen=True)
class Bug:
    """What is planted, what the doctor must say first, and what looks alike and is sound."""

    kind: str
    plant: Change
    twin: Change = nothing


BUGS: dict[str, Bug] = {
    "dead-layer": Bug("dead-layer", dead_layer),
    "dead-residual-branch": Bug("dead-layer", dead_branch, trained),
    "dead-units": Bug("dead-units", half_dead, built(deep=3)),
    "saturated-sigmoid": Bug("saturated", saturated(torch.sigmoid), built(activation=torch.sigmoid)),
    "saturated-tanh": Bug("saturated", saturated(torch.tanh), built(activation=torch.tanh)),
    "saturated-hardtanh": Bug("saturated", saturated(F.hardtanh), built(activation=F.hardtanh)),
    "saturated-gates": Bug("saturated", saturated_gates, built(gated=True)),
    "vanishing": Bug("vanishing", vanishing, built(activation=F.gelu, deep=2)),
    "exploding": Bug("exploding", exploding, built(activation=nn.Identity(), deep=2)),
    "weights-10-times": Bug("large-weights", lambda case: scale(matrices(case), 10), lambda c: scale(matrices(c), 1.5)),
    "identical-units": Bug("identical-units", identical),
    "constant-output": Bug("constant-output", constant_output, lambda c: scale([c.network.scores.weight], 0.1)),
    "zero-weights": Bug("zero-weights", lambda c: scale([c.network.hidden[0].weight], 0)),  # type: ignore[list-item]
    "softmax-before-loss": Bug(
        "softmax-before-loss", built(end=lambda o: o.softmax(1)), built(end=lambda o: o.log_softmax(1))
    ),
    "relu-before-loss": Bug("activated-output", built(end=torch.relu), built(activation=F.leaky_relu)),
    "shifted-labels": Bug("shifted-labels", relabel(lambda t: t.roll(1)), relabel(lambda t: (t + 1) % CLASSES)),
    "random-labels": Bug("unrelated-labels", relabel(lambda t: t[torch.randperm(len(t))]), a_few_wrong_labels),
    "contradicting-labels": Bug("contradicting-labels", contradicting, a_few_wrong_labels),
    "one-class": Bug("one-class", relabel(torch.zeros_like), rare_class),
    "constant-features": Bug("constant-features", constant_features, one_constant_feature),
    "one-feature-unscaled": Bug("unscaled-inputs", one_unscaled, lambda c: both(c, lambda x: x * 2 + 1)),
    "inputs-unscaled": Bug(
        "unscaled-inputs", lambda c: both(c, lambda x: x * 60 + 120), lambda c: both(c, lambda x: x * 0.3 + 0.5)
    ),
    "duplicated-features": Bug("duplicated-features", duplicated_features),
    "equal-inputs": Bug("equal-inputs", all_equal),
    "nan-in-inputs": Bug("not-finite-inputs", nan_inputs),
    "nan-in-weights": Bug("not-finite-weights", nan_weights),
    "rate-too-high": Bug("rate-too-high", set_field(rate=3.0), set_field(rate=6e-3)),
    "rate-too-low": Bug("rate-too-low", set_field(rate=1e-7), set_field(rate=1e-3)),
    "frozen-by-mistake": Bug("frozen", frozen, frozen_on_purpose),
    "not-in-the-optimiser": Bug("not-optimised", not_optimised, frozen_on_purpose),
    "unused-parameters": Bug("unused", unused),
    "detached": Bug("detached", built(detached=True), frozen_on_purpose),
    "not-shuffled": Bug("no-shuffling", set_field(sorted_by_class=True), rare_class),
    "training-mode-at-evaluation": Bug("training-mode", training_mode, built(dropout=0.3)),
    "leaked-split": Bug("leaked-split", leaked),
    "wrong-axis": Bug("wrong-axis", wrong_axis, right_axis),
    "wrong-sign": Bug("wrong-sign", set_field(loss=lambda o, t: -F.cross_entropy(o, t)), right_axis),
    "summed-loss": Bug("summed-loss", set_field(loss=lambda o, t: F.cross_entropy(o, t, reduction="sum")), right_axis),
    "too-much-dropout": Bug("noisy-output", built(dropout=0.97), built(dropout=0.5)),
    "stretched-targets": Bug("unpaired-loss", stretched, paired),
}


def look(name: str, network: str, seed: int, healthy: bool = False) -> Diagnosis:
    """The doctor's words on a bug, or on its healthy twin."""
    place = list(BUGS).index(name)
    case = sound_case(network, 1000 * seed + 2 * place + healthy)
    change = BUGS[name].twin if healthy else BUGS[name].plant
    with torch.no_grad():
        change(case)
    return case.diagnosis()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--bugs", nargs="+", choices=BUGS, default=list(BUGS), metavar="BUG")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="print what was said where it was not the planted cause")
    parser.add_argument("--out", type=Path, help="write the table here, as Markdown")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    lines = ["| planted | named first as | on networks | alarms on healthy twins |", "|---|---|---|---|"]
    found, right, alarms = 0, 0, 0
    for bug in options.bugs:
        kind, named, rung = BUGS[bug].kind, 0, 0
        for network in options.networks:
            said = [one.kind for one in look(bug, network, options.seed).findings]
            named += said[:1] == [kind]
            if said[:1] != [kind] and options.verbose:
                print(f"{bug} on {network}: {said}")
            said = list(look(bug, network, options.seed, healthy=True).sentences)
            if not said[0].startswith("Nothing found"):
                rung += 1
                if options.verbose:
                    print(f"twin of {bug} on {network}: {said}")
        lines.append(f"| {bug} | `{kind}` | {named} of {len(options.networks)} | {rung or '–'} |")
        found, right, alarms = found + (named == len(options.networks)), right + named, alarms + bool(rung)
    count = len(options.bugs)
    lines += [
        "",
        f"Named first on every network: {found} of {count} bugs; {right} of {count * len(options.networks)} cases. "
        f"Healthy twins with a false alarm on any network: {alarms} of {count}. Seed {options.seed}; "
        f"networks: {', '.join(options.networks)}; {time.perf_counter() - began:.0f} s on one thread.",
        "",
        describe_machine(),
    ]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
