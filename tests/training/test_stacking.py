"""Each member of a stack goes the way that `fit` goes with it alone; it stops alone, and goes on from a state."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.data.augmentation import parse
from glasswork.data.batches import Batch, Batches
from glasswork.data.collate import Rows, rows_of, shuffled_batches
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import TARGETS, Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, seed_everything
from glasswork.networks.dense import Dense, Linear
from glasswork.networks.lenet import LeNet
from glasswork.objectives.losses import LOSSES, Objective
from glasswork.training.checkpoints import flatten, load_checkpoint, save_checkpoint
from glasswork.training.ensemble.stacking import StackedStep, fit_stacked, why_not_stacked
from glasswork.training.fit import fit
from glasswork.training.stage import Carry, Clock, Judgement, Moment, Stage, Step

ROWS, FEATURES, OUTPUTS = 44, 3, 3
CROSS_ENTROPY = Objective("cross-entropy")
TRAINED = ("identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "maxout")


def problem(target: str = "class") -> Dataset:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, FEATURES, generator=generator)
    sums = inputs @ torch.randn(FEATURES, OUTPUTS, generator=generator) + 0.3 * torch.randn(
        ROWS, OUTPUTS, generator=generator
    )
    targets = {"class": sums.argmax(1), "classes": (sums > 0).to(torch.uint8), "number": sums}[target]
    task = Task(Table((FEATURES,), ("x", "y", "z")), TARGETS[target](("a", "b", "c")))
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    return Dataset(columns, task, "made")


def member(
    seed: int,
    target: str = "class",
    loss: Objective = CROSS_ENTROPY,
    rows: Tensor | None = None,
    hidden: Sequence[int] = (5,),
    activation: str = "tanh",
    dropout: float = 0.0,
    double: bool = True,
    batch_size: int = 10,
    steps: int = 200,
    validation: Tensor | None = None,
    own_scaling: bool = False,
    **values: Any,
) -> Stage:
    """A stage as a run alone with this seed has it."""
    dataset, training = problem(target), torch.arange(30) if rows is None else rows
    dataset = dataset.with_task(dataset.task.fit(dataset, training if own_scaling else torch.arange(ROWS)))
    seed_everything(seed)
    network: nn.Module = Dense(FEATURES, hidden, OUTPUTS, activation, dropout) if hidden else Linear(FEATURES, OUTPUTS)
    dtype = torch.float64 if double else torch.float32
    network.to(dtype)

    def mean_loss(network: nn.Module, batch: Batch, state: Carry, moment: Moment) -> tuple[Tensor, Carry]:
        scores = network(batch.inputs.to(dtype))
        weights = None if loss.class_weights is None else loss.class_weights.to(dtype)
        return LOSSES[loss.name](scores, batch.targets, class_weights=weights, smoothing=loss.smoothing), state

    def judge(network: nn.Module) -> Judgement:
        assert validation is not None
        batch = Rows(dataset, Execution())(validation)
        with torch.no_grad():
            found = LOSSES[loss.name](network(batch.inputs.to(dtype)), batch.targets, smoothing=loss.smoothing)
        return Judgement(float(found), {})

    settings = {"learning_rate": 0.02, "optimizer": "adamw", "schedule": "one-cycle", **values}
    return Stage(
        "train",
        network,
        list(network.parameters()),
        shuffled_batches(dataset, training, batch_size, seed, Execution()),
        mean_loss,
        judge if validation is not None else None,
        Clock(steps),
        Execution(),
        seed,
        **settings,
    )


def weights_of(stage: Stage) -> Tensor:
    return torch.cat([parameter.detach().flatten().double() for parameter in stage.network.parameters()])


def require_equal(
    stacked: Sequence[Stage], alone: Sequence[Stage], steps: Sequence[StackedStep], within: float
) -> None:
    """Trains `alone` one after the other and compares them with what the stack did."""
    for place, stage in enumerate(alone):
        for step, ours in zip(fit(stage), steps, strict=True):
            assert_same_numbers(ours.loss[place], step.loss, within, least=1)
            for one, other in ((ours.penalty, step.penalty), (ours.gradient_norm, step.gradient_norm)):
                assert (one is None) == (other is None)
                if one is not None and other is not None:
                    assert_same_numbers(one[place], other, within, least=1)
            assert (step.number, step.epoch, step.epoch_ended, step.last, step.progress) == (
                (ours.number, ours.epoch, ours.epoch_ended, ours.last, ours.progress)
            )
        assert_same_numbers(weights_of(stacked[place]), weights_of(stage), within, least=1)


KINDS = ("class", "classes", "number")

combinations = st.fixed_dictionaries(
    {
        "hidden": st.lists(st.integers(2, 6), max_size=3),
        "activation": st.sampled_from(TRAINED),
        "optimizer": st.sampled_from(["sgd", "momentum", "adam", "adamw"]),
        "schedule": st.sampled_from(["one-cycle", "cosine", "step", "constant"]),
        "penalty": st.sampled_from(["none", "l1", "l2", "max-norm"]),
        "gradient_clip": st.sampled_from([None, 0.1, 1.0]),
        "batch_size": st.sampled_from([7, 10, 64]),
        "dropout": st.sampled_from([0.0, 0.0, 0.4]),
    }
)


# Not at random: where a gradient is 0 but for roundings, Adam makes a step of it, and no two ways of adding up agree.
@settings(max_examples=10, derandomize=True)
@given(
    shared=combinations,
    kind=st.sampled_from([(target, loss) for target in KINDS for loss in TARGETS[target].losses]),
    own=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 2), st.booleans()), min_size=1, max_size=3),
    weighted=st.booleans(),
)
def test_each_member_equals_fit_alone(
    shared: dict[str, Any], kind: tuple[str, str], own: list[tuple[int, int, bool]], weighted: bool
) -> None:
    """To 1e-10 after every one of 200 steps in float64, whatever they share and wherever they differ."""
    target, name = kind
    stages, losses = [], []
    for seed, fewer, other in own:
        smoothing = 0.1 * other if name in {"cross-entropy", "binary-cross-entropy"} else 0.0
        table = torch.tensor([1.0, 2.0, 0.5 + other]) if weighted and target == "class" else None
        loss = Objective(name, smoothing, table)
        decay = 0.1 if other and shared["optimizer"] == "adamw" else 0.0
        values: dict[str, Any] = {
            "rows": torch.arange(fewer, 30 + other),
            "own_scaling": other,
            "learning_rate": 0.02 if other else 0.01,
            "strength": 0.0 if shared["penalty"] == "none" else 0.01 + seed / 100,
            "weight_decay": decay,
        }
        losses.append(loss)
        stages.append([member(seed, target, loss, **shared, **values) for _ in range(2)])
    stacked, alone = ([pair[side] for pair in stages] for side in range(2))
    if why_not_stacked(stacked, losses) == "the stages differ in how many batches make an epoch":
        stacked, alone, losses = stacked[:1], alone[:1], losses[:1]
    assert why_not_stacked(stacked, losses) is None
    require_equal(stacked, alone, list(fit_stacked(stacked, losses)), 1e-10)


@pytest.mark.parametrize("hidden", [(), (16, 16)])
@pytest.mark.parametrize("batch_size", [10, 64])
def test_float32_stays_near_for_ten_steps(hidden: tuple[int, ...], batch_size: int) -> None:
    def stages() -> list[Stage]:
        options: dict[str, Any] = {
            "hidden": hidden,
            "double": False,
            "steps": 10,
            "batch_size": batch_size,
            "activation": "relu",
        }
        return [member(seed, **options) for seed in range(8)]

    stacked = stages()
    require_equal(stacked, stages(), list(fit_stacked(stacked, [CROSS_ENTROPY] * 8)), 1e-4)


def test_augmented_images_are_each_member_s_own() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (ROWS, 1, 6, 6), generator=generator, dtype=torch.uint8)
    columns = {"inputs": images, "targets": torch.arange(ROWS) % OUTPUTS}
    dataset = Dataset(columns, Task(Images((1, 6, 6)), OneClass(("a", "b", "c"))), "made")
    dataset = dataset.with_task(dataset.task.fit(dataset, torch.arange(ROWS)))

    def stages() -> list[Stage]:
        made = []
        for seed, count in ((0, 30), (5, 29), (9, 30)):
            stage = member(seed, steps=12)
            seed_everything(seed)
            network = Dense(36, (5,), OUTPUTS, "relu").double()
            batches = shuffled_batches(
                dataset, torch.arange(count), 10, seed, Execution(), parse(("flip", "rotation:20"))
            )
            made.append(replace(stage, network=network, parameters=list(network.parameters()), batches=batches))
        return made

    stacked = stages()
    require_equal(stacked, stages(), list(fit_stacked(stacked, [CROSS_ENTROPY] * 3)), 1e-10)


JUDGED = torch.arange(32, 44)


def judged(count: int, **options: Any) -> list[Stage]:
    """Stages that learn too fast to learn for long, so that some soon find nothing better."""
    options = {"validation": JUDGED, "learning_rate": 0.1, "hidden": (12,), "steps": 120, **options}
    return [member(seed, rows=torch.arange(30 - seed % 2), **options) for seed in range(count)]


def held_out(stages: Sequence[Stage]) -> list[Batches]:
    dataset = problem()
    schemas = [rows_of(stage.batches).scaling.task for stage in stages]
    return [shuffled_batches(dataset.with_task(task), JUDGED, 1, 0, Execution()) for task in schemas]


def stopped(stage: Stage, patience: int) -> Step:
    """The last step that the stage makes alone under early stopping."""
    for step in fit(stage):
        if step.best is not None and step.best.stale >= patience:
            break
    return step


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("schedule", ["one-cycle", "constant"])
def test_members_stop_one_by_one_and_keep_their_best_weights(together: bool, schedule: str) -> None:
    stages, alone = judged(6, schedule=schedule), judged(6, schedule=schedule)
    losses, patience = [CROSS_ENTROPY] * 6, 4
    judges = held_out(stages) if together else None
    steps = list(fit_stacked(stages, losses, patience=patience, held_out=judges))
    ends = [stopped(stage, patience) for stage in alone]
    assert len({step.number for step in ends}) > 1
    made = [sum(place in step.members for step in steps) for place in range(6)]
    assert made == [step.number for step in ends]
    assert steps[-1].last
    assert len(steps) == max(made)
    best = steps[-1].best
    assert best is not None
    for place, step in enumerate(ends):
        assert step.best is not None
        assert (int(best.epochs[place]), int(best.stale[place])) == (step.best.epoch, step.best.stale)
        assert float(best.errors[place]) == pytest.approx(step.best.judgement.error, abs=1e-10)
        for name, weight in step.best.weights.items():
            torch.testing.assert_close(best.weights[name][place], weight, atol=1e-10, rtol=0)
        torch.testing.assert_close(weights_of(stages[place]), weights_of(alone[place]), atol=1e-10, rtol=0)
        errors = [float(one.errors[place]) for one in steps if one.errors is not None and place in one.members]
        assert min(errors) == float(best.errors[place])
    first_end = min(made)
    assert steps[first_end].loss.isnan().any()
    assert not steps[first_end - 1].loss.isnan().any()


@pytest.mark.parametrize("share", [0.0, 0.33, 0.8, 1.0])
def test_a_stack_goes_on_from_a_state_bit_by_bit(share: float, tmp_path: Path) -> None:
    """Through a checkpoint on disk."""
    options: dict[str, Any] = {"dropout": 0.2, "double": False, "schedule": "constant"}

    def steps(stages: list[Stage], start: Any = None) -> Iterator[StackedStep]:
        return fit_stacked(stages, [CROSS_ENTROPY] * 6, start, 5, held_out(stages))

    whole = list(steps(judged(6, **options)))
    after = 1 + round(share * (len(whole) - 2))
    assert (len(whole[after].members) < 6) == (share >= 0.8)
    path = next(save_checkpoint(tmp_path, step.state()) for step in steps(judged(6, **options)) if step.number == after)
    again = judged(6, **options)
    rest = list(steps(again, load_checkpoint(path)))
    for one, other in zip(whole[after:], rest, strict=True):
        assert one.members == other.members
        assert torch.equal(one.loss.nan_to_num(), other.loss.nan_to_num())
        assert (one.errors is None) == (other.errors is None)
    states = []
    for step in (whole[-1], rest[-1]):
        tensors: dict[str, Tensor] = {}
        tree = {key: value for key, value in step.state().items() if key != "elapsed"}
        states.append(
            (flatten(tree, "", tensors), {name: tensor.numpy().tobytes() for name, tensor in tensors.items()})
        )
    assert states[0] == states[1]


def test_a_member_that_diverges_stops_and_the_others_go_on() -> None:
    def stages() -> list[Stage]:
        rates = (0.01, 1e30, 0.01)
        options: dict[str, Any] = {"optimizer": "sgd", "activation": "relu", "schedule": "constant", "steps": 20}
        return [member(seed, learning_rate=rate, **options) for seed, rate in enumerate(rates)]

    stacked, losses = stages(), [Objective("squared-error")] * 3
    steps = list(fit_stacked(stacked, losses))
    assert steps[-1].diverged == (1,)
    assert steps[-1].running == (0, 2)
    assert len(steps) == 20
    fresh = stages()
    loss = Objective("squared-error")
    for place in (0, 2):
        alone = member(
            place, loss=loss, learning_rate=0.01, optimizer="sgd", activation="relu", schedule="constant", steps=20
        )
        for _ in fit(alone):
            pass
        torch.testing.assert_close(weights_of(stacked[place]), weights_of(alone), atol=1e-10, rtol=0)
    with pytest.raises(GlassworkError, match="every one of the 1 networks"):
        list(fit_stacked(fresh[1:2], losses[:1]))


def test_what_cannot_be_stacked_is_told() -> None:
    loss = Objective("cross-entropy")
    first = member(0)
    assert why_not_stacked([first, member(1)], [loss, loss]) is None
    cases = {
        "differ in architecture": member(1, hidden=(6,)),
        "differ in optimizer": member(1, optimizer="sgd"),
        "differ in penalty": member(1, penalty="l2"),
        "differ in how many batches": member(1, rows=torch.arange(31)),
        "differ in how long": member(1, steps=100),
        "hold no examples out": member(1, validation=JUDGED),
        "not trained": replace(member(1), parameters=list(member(1).network.parameters())[:2]),
    }
    for words, other in cases.items():
        reason = why_not_stacked([first, other], [loss, loss])
        assert reason is not None
        assert words in reason
    assert why_not_stacked([first, member(1)], [loss, Objective("hinge")]) == "the stages differ in their loss"
    lenet = replace(first, network=LeNet((1, 12, 12), 3))
    with pytest.raises(GlassworkError, match="only the networks linear and dense can be stacked"):
        next(fit_stacked([lenet], [loss]))
    threshold = replace(first, network=Dense(FEATURES, (5,), OUTPUTS, "threshold"))
    assert why_not_stacked([threshold], [loss]) is not None
