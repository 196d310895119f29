"""The loop on problems whose answer is known in closed form, and the watchers around it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from closeness import assert_same_numbers
from glasswork.data.batches import Batch
from glasswork.data.collate import shuffled_batches
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.objectives.losses import squared_error
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from glasswork.training.fit import best_of, fit
from glasswork.training.stage import Carry, Clock, Judgement, Moment, Stage
from glasswork.training.watchers import interruptible, logged, saved, stopped_early

ROWS, FEATURES = 24, 3


def problem() -> Dataset:
    """Noisy linear data, already of mean 0 and deviation 1, so that scaling changes nothing."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(ROWS, FEATURES, generator=generator)
    inputs = (inputs - inputs.mean(0)) / inputs.std(0, correction=0)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(ROWS, 1, generator=generator)
    targets = (targets - targets.mean(0)) / targets.std(0, correction=0)
    task = Task(Table((FEATURES,), features=("a", "b", "c")), Numbers(("y",)))
    columns = {"inputs": inputs, "targets": targets, "fingerprints": fingerprints(inputs)}
    dataset = Dataset(columns, task, "made")
    return dataset.with_task(dataset.task.fit(dataset, torch.arange(ROWS)))


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(FEATURES, 1)


def mean_loss(network: nn.Module, batch: Batch, state: Carry, moment: Moment) -> tuple[Tensor, Carry]:
    return squared_error(network(batch.inputs), batch.targets), state


def stage(network: nn.Module, steps: int, batch_size: int = ROWS, **settings: object) -> Stage:
    batches = shuffled_batches(problem(), torch.arange(ROWS), batch_size, 0, Execution())
    values = {"learning_rate": 0.5, "optimizer": "sgd", "schedule": "constant", **settings}
    judge = values.pop("judge", None)
    parameters = list(network.parameters())
    return Stage("train", network, parameters, batches, mean_loss, judge, Clock(steps), Execution(), 0, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_least_squares_reach_the_closed_form(optimizer: str) -> None:
    network, dataset = linear(), problem()
    rate = {"sgd": 0.5, "momentum": 0.1}.get(optimizer, 0.05)
    for _ in fit(stage(network, 600, optimizer=optimizer, learning_rate=rate, schedule="cosine")):
        pass
    inputs, targets = dataset.columns["inputs"], dataset.columns["targets"]
    answer = torch.linalg.lstsq(inputs, targets).solution
    torch.testing.assert_close(network.weight.detach(), answer.t(), atol=1e-4, rtol=0)
    torch.testing.assert_close(network.bias.detach(), torch.zeros(1), atol=1e-4, rtol=0)


def test_ridge_regression_reaches_the_closed_form() -> None:
    """Mean loss 1/2 |Xw - t|^2 / N plus lambda |w|^2 is least where (X'X / N + 2 lambda) w = X't / N."""
    network, dataset, strength = linear(), problem(), 0.3
    for _ in fit(stage(network, 400, penalty="l2", strength=strength)):
        pass
    inputs, targets = dataset.columns["inputs"], dataset.columns["targets"]
    left = inputs.t() @ inputs / ROWS + 2 * strength * torch.eye(FEATURES)
    answer = torch.linalg.solve(left, inputs.t() @ targets / ROWS)
    torch.testing.assert_close(network.weight.detach(), answer.t(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "gradient"),
    [("l2", lambda weight, strength: 2 * strength * weight), ("l1", lambda weight, strength: strength * weight.sign())],
)
def test_the_penalty_s_gradient_is_the_slide_s(name: str, gradient: Callable[[Tensor, float], Tensor]) -> None:
    """Of two runs of one step, with penalty and without, the updates differ by rate x gradient; biases do not."""
    strength, rate, ends = 0.25, 0.5, []
    for chosen in (name, "none"):
        network = linear()
        start = network.weight.detach().clone()
        step = next(fit(stage(network, 1, learning_rate=rate, penalty=chosen, strength=strength)))
        ends.append((network.weight.detach().double(), network.bias.detach(), step.penalty))
    (with_it, bias, penalty), (without, plain_bias, _) = ends
    assert_same_numbers(without - with_it, rate * gradient(start.double(), strength))
    assert torch.equal(bias, plain_bias)
    expected = strength * (start.square() if name == "l2" else start.abs()).sum()
    assert_same_numbers(penalty, expected)


def test_a_clipped_gradient_is_as_long_as_allowed() -> None:
    network = linear()
    before = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    step = next(fit(stage(network, 1, gradient_clip=0.01, learning_rate=1.0)))
    after = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    assert step.gradient_norm is not None
    assert step.gradient_norm > 0.01
    torch.testing.assert_close((after - before).norm(), torch.tensor(0.01), rtol=1e-3, atol=0)


def test_steps_tell_where_they_are() -> None:
    steps = list(fit(stage(linear(), 7, batch_size=8)))
    assert [step.number for step in steps] == list(range(1, 8))
    assert [step.epoch for step in steps] == [1, 1, 1, 2, 2, 2, 3]
    assert [step.epoch_ended for step in steps] == [False, False, True] * 2 + [False]
    assert [step.last for step in steps] == [False] * 6 + [True]
    assert [step.progress for step in steps] == [number / 7 for number in range(7)]
    assert all(not step.loss.requires_grad for step in steps)
    assert steps[-1].loss < steps[0].loss


def test_the_best_weights_are_those_of_the_best_judgement() -> None:
    errors = iter([3.0, 1.0, 2.0, 1.0, 0.5, 4.0])
    network, seen = linear(), []

    def judge(judged: nn.Module) -> Judgement:
        assert not judged.training
        seen.append(network.weight.detach().clone())
        return Judgement(next(errors), {})

    steps = list(fit(stage(network, 6, judge=judge)))
    assert [step.best.epoch for step in steps if step.best] == [1, 2, 2, 2, 5, 5]
    assert [step.best.stale for step in steps if step.best] == [0, 0, 1, 2, 0, 1]
    assert steps[-1].best is not None
    assert torch.equal(steps[-1].best.weights["weight"], seen[4])
    assert network.training


def test_patience_counts_only_after_the_peak() -> None:
    def judge(judged: nn.Module) -> Judgement:
        return Judgement(1.0, {})

    steps = list(fit(stage(linear(), 8, judge=judge, schedule="one-cycle")))
    assert [step.best.stale for step in steps if step.best] == [0, 0, 1, 2, 3, 4, 5, 6]


def test_early_stopping_stops_after_its_patience() -> None:
    errors = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])

    def judge(judged: nn.Module) -> Judgement:
        return Judgement(next(errors), {})

    made = [step.number for step in stopped_early(fit(stage(linear(), 6, judge=judge)), patience=2)]
    assert made == [1, 2, 3, 4]


def test_a_wish_to_stop_ends_after_the_step() -> None:
    wishes = iter([False, False, True])
    assert [step.number for step in interruptible(fit(stage(linear(), 9)), lambda: next(wishes))] == [1, 2, 3]


def test_a_loss_that_is_not_finite_is_explained_before_the_update() -> None:
    network = nn.Sequential(linear(), nn.Linear(1, 1))
    with torch.no_grad():
        network[0].weight.fill_(3e38)
    before = network[1].weight.detach().clone()
    with pytest.raises(GlassworkError, match=r"batch 1 of epoch 1 \(stage train\): layer '0' \(Linear\)"):
        next(fit(stage(network, 3)))
    assert torch.equal(network[1].weight, before)
    with torch.no_grad():
        network[1].bias.fill_(float("nan"))
    with pytest.raises(GlassworkError, match=r"the weights '1\.bias' hold inf or nan"):
        next(fit(stage(network, 3)))


def test_random_layers_draw_from_seed_epoch_and_batch() -> None:
    def drawn(seed: int, start: int) -> list[float]:
        network = nn.Sequential(nn.Dropout(0.5), linear())
        torch.manual_seed(start)
        return [step.loss.item() for step in fit(replace(stage(network, 4, batch_size=12), seed=seed))]

    assert drawn(0, 1) == drawn(0, 2)
    assert drawn(0, 1) != drawn(1, 1)


def test_the_log_is_never_behind_a_checkpoint(tmp_path: Path) -> None:
    """With one batch in a hundred ending an epoch, a checkpoint falls between two writings of the log."""
    steps = saved(
        logged(fit(stage(linear(), 20, batch_size=1)), tmp_path, ""), lambda: tmp_path / "checkpoints", every=0.0
    )
    between = 0
    for step in steps:
        lines = (tmp_path / "steps.jsonl").read_text(encoding="utf-8").splitlines()
        newest = load_checkpoint(checkpoints(tmp_path / "checkpoints")[-1])["number"]
        assert [json.loads(line)["step"] for line in lines] == list(range(1, len(lines) + 1))
        assert newest <= len(lines)
        between += newest == step.number < 20
    assert between > 0


def test_a_checkpoint_is_what_to_go_on_from(tmp_path: Path) -> None:
    network = linear()
    whole = [step.loss.item() for step in fit(stage(network, 9, batch_size=8, optimizer="adam"))]
    steps = saved(fit(stage(linear(), 9, batch_size=8, optimizer="adam")), lambda: tmp_path)
    for step in steps:
        if step.number == 4:
            break
    steps.close()  # type: ignore[attr-defined]
    state = load_checkpoint(checkpoints(tmp_path)[-1])
    assert best_of(state) is None
    other = linear()
    rest = [step.loss.item() for step in fit(stage(other, 9, batch_size=8, optimizer="adam"), start=state)]
    assert rest == whole[4:]
    assert torch.equal(other.weight, network.weight)


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    network = linear()
    steps = saved(fit(stage(network, 9)), lambda: tmp_path, every=0.0)
    next(steps)
    with torch.no_grad():
        network.weight[0, 0] = float("inf")
    with pytest.raises(GlassworkError):
        next(steps)
    state = load_checkpoint(checkpoints(tmp_path)[-1])
    assert state["number"] == 1
    assert torch.isfinite(state["network"]["weight"]).all()
