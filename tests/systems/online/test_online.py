"""The online delta rule: the slide's arithmetic, XOR learnt, the user's own table, and every way to stop and go on."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import nn

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.data.splits import split
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, seed_everything
from glasswork.glassbox.expressions import evaluate
from glasswork.glassbox.regions import CELLS, plane_of, region
from glasswork.report.report import Report
from glasswork.run.request import make_request
from glasswork.show.html import to_html
from glasswork.systems.online.system import exclusive_or
from glasswork.systems.online.update import OnlineUpdate
from glasswork.systems.system import Context, System
from glasswork.textbook import delta_rules
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from glasswork.training.delta_rule import FEW_WEIGHTS, learner, outputs, sigmoid, update
from glasswork.training.online import UPDATES, online, training_examples, worked_out
from glasswork.training.stage import START, Clock, Stage
from made_data import PLAIN, broken_off, mistake, require_same, resume, said, train, write_table

CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def drawn(seed: int, *sides: int) -> torch.Tensor:
    return torch.randn(sides, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


sizes = some.integers(1, 5)


@given(seed=some.integers(0, 10**6), features=sizes, units=sizes, outputs=sizes, rate=some.floats(0.01, 5))
def test_an_update_is_the_textbook_s_and_a_step_down_autograd_s_gradient(
    seed: int, features: int, units: int, outputs: int, rate: float
) -> None:
    x, t = drawn(seed, features), drawn(seed + 1, outputs).sigmoid()
    hidden, output = drawn(seed + 2, units, features + 1), drawn(seed + 3, outputs, units + 1)
    made = update(hidden.tolist(), output.tolist(), [1.0, *x.tolist()], t.tolist(), rate)
    book = delta_rules.online_update(x, t, hidden, output, learning_rate=rate)
    ours = [made.z[1:], made.y, made.output_delta, made.hidden_delta, made.hidden, made.output]
    theirs = [book.z, book.y, book.output_delta, book.hidden_delta, book.hidden_weights, book.output_weights]
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(torch.tensor(own, dtype=torch.float64), other, **CLOSE)
    weights = [hidden.clone().requires_grad_(), output.clone().requires_grad_()]
    z = (weights[0][:, 1:] @ x + weights[0][:, 0]).sigmoid()
    y = (weights[1][:, 1:] @ z + weights[1][:, 0]).sigmoid()
    gradients = torch.autograd.grad((y - t).square().sum() / 2, weights)
    for own, weight, gradient in zip((made.hidden, made.output), weights, gradients, strict=True):
        wanted = (weight - rate * gradient).detach()
        torch.testing.assert_close(torch.tensor(own, dtype=torch.float64), wanted, **CLOSE)


def test_the_sigmoid_never_overflows() -> None:
    assert (sigmoid(-1e4), sigmoid(0), sigmoid(1e4)) == (0, 0.5, 1)
    assert sigmoid(-700) > 0
    assert math.isnan(sigmoid(math.nan))


def made_stage(network: nn.Module | None = None, clock: Clock | None = None, **values: object) -> tuple[System, Stage]:
    """The stage of a run on XOR."""
    system = make_system("online", make_request("xor", values).recipe)
    examples = system.read("xor")
    splits = split(examples, 0, 0, 0)
    examples = examples.with_task(system.fit(examples, splits.training))
    seed_everything(system.recipe.seed)
    made = network or system.network(examples.task)
    [stage] = system.stages(made, Context(examples, splits, Execution()))
    return system, replace(stage, clock=clock or Clock(10))


@given(seed=some.integers(0, 10**6), count=some.integers(1, 6), rate=some.floats(0.01, 5), units=some.integers(1, 20))
def test_a_learner_of_any_width_makes_the_updates_one_by_one(seed: int, count: int, rate: float, units: int) -> None:
    """Two epochs over three inputs and two outputs, in an order of their own; below and above `FEW_WEIGHTS`."""
    inputs, targets = drawn(seed, count, 3), drawn(seed + 1, count, 2).sigmoid()
    hidden, output = drawn(seed + 2, units, 4).tolist(), drawn(seed + 3, 2, units + 1).tolist()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    learning, error = learner(hidden, output, inputs, targets, rate), 0.5
    assert learning.weights() == (hidden, output)
    expected = error
    for _ in range(2):
        largest = 0.0
        for place in order:
            met, t = (hidden, output), targets[place].tolist()
            made = update(*met, [1.0, *inputs[place].tolist()], t, rate)
            hidden, output = made.hidden, made.output
            misses = [y_k - t_k for y_k, t_k in zip(made.y, t, strict=True)]
            expected += sum(miss * miss / 2 for miss in misses)
            largest = max([largest, *map(abs, misses)])
        error, found = learning.learn(order, error)
        assert (error, found) == (pytest.approx(expected, rel=1e-10), pytest.approx(largest, rel=1e-10))
        for rows, wanted in zip((*learning.met(), *learning.weights()), (*met, hidden, output), strict=True):
            torch.testing.assert_close(torch.tensor(rows), torch.tensor(wanted), **CLOSE)
    answers = [outputs(hidden, output, [1.0, *x])[1] for x in inputs.tolist()]
    left = (torch.tensor(answers, dtype=torch.float64) - targets).abs().max().item()
    assert learning.largest_miss() == pytest.approx(left, rel=1e-10)


def test_widths_on_both_sides_of_the_change() -> None:
    """The test before this one, and those of whole runs, try networks for numbers and networks for arrays."""
    assert 4 * 3 + 2 * 4 <= FEW_WEIGHTS < 4 * 20 + 2 * 21
    assert 3 * 4 + 5 <= FEW_WEIGHTS < 3 * 20 + 21


@pytest.mark.parametrize("units", [3, 20])
def test_epochs_follow_the_slide_example_by_example(units: int) -> None:
    """Two epochs in the set's own order, made with the textbook's rule in tensors."""
    _, stage = made_stage(hidden=units, seed=5)
    hidden, output = (
        torch.cat([layer.bias[:, None], layer.weight], 1).detach().double()
        for layer in stage.network.modules()
        if isinstance(layer, nn.Linear)
    )
    (step,) = online(stage, tolerance=0.1, epochs=2)
    errors = []
    for _ in range(2):
        for x, t in zip(*training_examples(stage), strict=True):
            made = delta_rules.online_update(x, t, hidden, output, learning_rate=2.0)
            hidden, output = made.hidden_weights, made.output_weights
            errors.append(made.error)
    carried = step.state()["carried"]
    torch.testing.assert_close(carried["hidden"], hidden, **CLOSE)
    torch.testing.assert_close(carried["output"], output, **CLOSE)
    torch.testing.assert_close(step.loss, torch.stack(errors).mean(), **CLOSE)
    assert (step.epoch, step.examples, step.last) == (2, 8, True)


def test_the_first_update_is_the_gradient_of_the_system_s_own_loss() -> None:
    """What `Stage.loss` says of the first example alone, through autograd, is what the rule follows."""
    _, stage = made_stage()
    batch = stage.batches.collate(stage.batches.sampler.items[:1], None)
    loss, _ = stage.loss(stage.network, batch, {}, START)
    parameters = list(stage.network.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    wanted = [(weight - 2.0 * gradient).detach() for weight, gradient in zip(parameters, gradients, strict=True)]
    (step,) = online(stage, tolerance=0.1, epochs=1)
    first, _ = worked_out(step.state())
    made = update(first.hidden, first.output, [1.0, 0.0, 0.0], [0.0], 2.0)
    found = [[row[1:] for row in made.hidden], [row[0] for row in made.hidden]]
    found += [[row[1:] for row in made.output], [row[0] for row in made.output]]
    for own, other in zip(found, wanted, strict=True):
        assert_same_numbers(own, other)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of XOR, which tests only read."""
    folder = tmp_path_factory.mktemp("learnt")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train("xor", out="run")
    return folder / "run"


def result_of(run: Path) -> dict[str, object]:
    found = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_xor_is_learnt(learnt: Path) -> None:
    result = result_of(learnt)
    assert result["converged"]
    test = result["test"]
    assert test["accuracy"] == 1  # type: ignore[index]
    assert 0 < test["largest_error"] < 0.1  # type: ignore[index,operator]
    assert result["seconds"] < 5  # type: ignore[operator]
    answers = gw.load(learnt).evaluate("xor")
    assert answers == test


def test_nothing_is_passed_off_as_a_test(learnt: Path) -> None:
    result = result_of(learnt)
    assert (result["measured_on"], result["examples"]) == ("training", {"train": 4, "validation": 0, "test": 0})
    assert any("no examples were held out" in warning for warning in result["warnings"])  # type: ignore[attr-defined]
    page = (learnt / "report.html").read_text(encoding="utf-8")
    assert "no examples were held out" in page
    assert "4 of 4 training examples" in page
    assert gw.load(learnt).evaluate() == result["test"]


def test_the_model_answers_a_table(learnt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "asked.csv").write_text("x2,x1\n1,0\n1,1\n", encoding="utf-8")
    assert main(["predict", str(learnt), "asked.csv", "--json"]) == 0
    one, other = said(capsys)["answers"]
    assert one["answer"] > 0.9
    assert other["answer"] < 0.1
    (tmp_path / "known.csv").write_text("x1,x2,t\n0,0,0\n1,1,0\n1,0,1\n", encoding="utf-8")
    assert main(["evaluate", str(learnt), "--data", "known.csv", "--json"]) == 0
    assert said(capsys)["metrics"]["accuracy"] == 1


def updates_of(run: Path) -> tuple[OnlineUpdate, OnlineUpdate]:
    updates = result_of(run)["updates"]
    assert isinstance(updates, dict)
    assert list(updates) == ["first", "last"]
    first, last = (OnlineUpdate.from_json(updates[name]) for name in ("first", "last"))
    assert (first.to_json(), last.to_json()) == (updates["first"], updates["last"])
    return first, last


def test_the_first_and_the_last_update_are_those_of_the_run(learnt: Path) -> None:
    first, last = updates_of(learnt)
    result = result_of(learnt)
    assert (first.epoch, first.example, first.x, first.t) == (1, "(0, 0)", (0.0, 0.0), (0.0,))
    assert (last.epoch, last.example, last.x, last.t) == (result["epochs"], "(1, 1)", (1.0, 1.0), (0.0,))
    _, stage = made_stage()
    begun = [layer for layer in stage.network.modules() if isinstance(layer, nn.Linear)]
    for layer, rows in zip(begun, (first.hidden_before, first.output_before), strict=True):
        assert torch.tensor(rows).tolist() == torch.cat([layer.bias[:, None], layer.weight], 1).tolist()
    ended = [layer for layer in gw.load(learnt).network.modules() if isinstance(layer, nn.Linear)]
    for layer, rows in zip(ended, (last.hidden_after, last.output_after), strict=True):
        assert torch.tensor(rows).tolist() == torch.cat([layer.bias[:, None], layer.weight], 1).tolist()


@pytest.mark.parametrize("which", [0, 1])
def test_every_line_of_an_update_is_worked_out(which: int, learnt: Path) -> None:
    made = updates_of(learnt)[which]
    found = {symbol: [line.value for line in made.lines if line.symbol == symbol] for symbol in ("z_j", "y_k")}
    assert found == {"z_j": list(made.z), "y_k": list(made.y)}
    assert [line.value for line in made.lines if line.symbol == "delta_k"] == list(made.delta_k)
    assert [line.value for line in made.lines if line.symbol == "delta_j"] == list(made.delta_j)
    assert [line.value for line in made.lines if line.symbol == "w_kj"] == list(made.output_after[0])
    hidden = [weight for row in made.hidden_after for weight in row]
    assert [line.value for line in made.lines if line.symbol == "w_ji"] == hidden[:6]
    for line in made.lines:
        assert evaluate(line.numbers) == pytest.approx(line.value, rel=0.01, abs=2e-3), line
    x, t = torch.tensor(made.x, dtype=torch.float64), torch.tensor(made.t, dtype=torch.float64)
    before = [torch.tensor(rows, dtype=torch.float64) for rows in (made.hidden_before, made.output_before)]
    book = delta_rules.online_update(x, t, *before, learning_rate=made.learning_rate)
    torch.testing.assert_close(torch.tensor(made.delta_k, dtype=torch.float64), book.output_delta, **CLOSE)
    torch.testing.assert_close(torch.tensor(made.delta_j, dtype=torch.float64), book.hidden_delta, **CLOSE)


def test_the_updates_are_shown_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("xor", out="run", json=False)
    printed = capsys.readouterr()
    assert "no examples were held out" in " ".join(printed.err.split())
    assert "the first update: epoch 1, example (0, 0)" in printed.out
    assert "the last update: epoch" in printed.out
    first, _ = updates_of(Path("run"))
    for line in first.lines:
        assert line.numbers in printed.out
    assert "delta_k = y_k (1 - y_k) (y_k - t_k) = " in printed.out
    assert "delta_j = z_j (1 - z_j) sum_k w_kj delta_k = " in printed.out
    assert "w_kj = w_kj - eta delta_k z_j = " in printed.out
    assert "training accuracy 100.0 %" in printed.out
    assert "converged after" in printed.out
    assert "glasswork predict run FILE.csv" in printed.out


def test_the_report_shows_the_updates_and_the_surface(learnt: Path) -> None:
    page = (learnt / "report.html").read_text(encoding="utf-8")
    for words in (
        "Worked out in numbers",
        "The first update: epoch 1",
        "The last update: epoch",
        "Predictions over the plane",
    ):
        assert words in page
    report = Report.from_json(json.loads((learnt / "report.json").read_text(encoding="utf-8")))
    assert to_html(report) == page
    titles = [section.title for section in report.sections]
    own = titles[titles.index("How it learned") + 1 : titles.index("Worked out in numbers")]
    assert own == ["Predictions over the plane", "What each hidden unit computes"]
    assert result_of(learnt)["pictures"] == ["region.png", "region.gif", "units.png"]
    model = gw.load(learnt)
    plane = plane_of(exclusive_or().with_task(model.task), torch.arange(4), "squared-error", model.execution)
    assert plane is not None
    surface = region(model.network, plane)
    assert (surface.inputs, surface.line, len(surface.values)) == (("x1", "x2"), 0.5, 1)
    assert set(surface.points) == {(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)}
    for first, second, wanted in surface.points:
        row, column = (
            int((value - low) / (high - low) * CELLS)
            for value, low, high in zip((second, first), plane.low, plane.high, strict=True)
        )
        assert abs(surface.values[0][row][column] - wanted) < 0.4


def test_a_run_that_has_converged_goes_no_further(tmp_path: Path) -> None:
    run = train("xor", out="run")
    before = (run / "steps.jsonl").read_bytes(), (run / "model/model.safetensors").read_bytes()
    result = result_of(run)
    resume(run)
    assert ((run / "steps.jsonl").read_bytes(), (run / "model/model.safetensors").read_bytes()) == before
    assert {**result_of(run), "seconds": 0, "digest": ""} == {**result, "seconds": 0, "digest": ""}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": "shuffled", "seed": 3},
        {"hidden": 4, "epochs": 250, "tolerance": 0.001},
        {"hidden": 20, "epochs": 250, "tolerance": 0.001},
    ],
)
@pytest.mark.parametrize("after", [1, 2])
def test_goes_on_bit_for_bit(options: dict[str, object], after: int, tmp_path: Path) -> None:
    gw.train("xor", out="whole", **{**PLAIN, **options})  # type: ignore[arg-type]
    require_same(Path("whole"), resume(broken_off("xor", after, **options)))
    whole, resumed = result_of(Path("whole")), result_of(Path("stopped"))
    assert whole["updates"] == resumed["updates"]


def test_a_step_is_some_whole_epochs(tmp_path: Path) -> None:
    each = UPDATES // 4
    steps = list(gw.steps("xor", out="run", epochs=2 * each + 7, tolerance=1e-6, **PLAIN))  # type: ignore[arg-type]
    assert [step.epoch for step in steps] == [each, 2 * each, 2 * each + 7]
    assert [step.examples for step in steps] == [4 * each, 4 * each, 28]
    assert [step.last for step in steps] == [False, False, True]
    result = result_of(Path("run"))
    assert (result["converged"], result["epochs"]) == (False, 2 * each + 7)
    assert "try another --seed" in result["remarks"][0]  # type: ignore[index]


def test_the_order_is_the_set_s_own_or_drawn_from_seed_and_epoch(tmp_path: Path) -> None:
    def ends(**options: object) -> tuple[str, str]:
        run = gw.train("xor", epochs=50, **{**PLAIN, **options}).run  # type: ignore[arg-type]
        first, last = updates_of(Path(run))
        return first.example, last.example

    assert ends() == ("(0, 0)", "(1, 1)")
    drawn_orders = {ends(order="shuffled", seed=seed) for seed in range(6)}
    assert len(drawn_orders) > 2
    assert ends(order="shuffled", seed=2) == ends(order="shuffled", seed=2)


def test_a_budget_ends_the_run_and_is_repeated_exactly(tmp_path: Path) -> None:
    gw.train("xor", out="first", budget=0.9, tolerance=1e-9, **PLAIN)  # type: ignore[arg-type]
    result = result_of(Path("first"))
    assert not result["converged"]
    assert 0 < result["seconds"] < 0.9  # type: ignore[operator]
    gw.train(replay="first", out="second")
    require_same(Path("first"), Path("second"))


def test_a_replay_of_fewer_epochs_ends_with_them(tmp_path: Path) -> None:
    gw.train("xor", out="first", epochs=350, tolerance=1e-9, **PLAIN)  # type: ignore[arg-type]
    gw.train(replay="first", epochs=120, out="second")
    assert result_of(Path("second"))["epochs"] == 120


def write(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


AND = ("0,0,0", "0,1,0", "1,0,0", "1,1,1")


def test_the_user_s_own_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "mine.csv", "a,b,both", *AND)
    train("xor", data=data, target="both", out="run")
    result = said(capsys)
    assert (result["converged"], result["test"]["accuracy"]) == (True, 1)
    first, _ = updates_of(Path("run"))
    assert (first.example, first.x, first.t) == ("row 1", (0.0, 0.0), (0.0,))
    assert main(["predict", "run", str(data), "--json"]) == 0
    assert [round(answer["answer"]) for answer in said(capsys)["answers"]] == [0, 0, 0, 1]


def test_several_targets_have_a_unit_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "mine.csv", "a,b,both,any", "0,0,0,0", "0,1,0,1", "1,0,0,1", "1,1,1,1")
    train("xor", data=data, target="both,any", out="run", hidden=3)
    result = said(capsys)
    assert result["test"]["exact_match"] == 1
    first, _ = updates_of(Path("run"))
    assert (len(first.y), len(first.delta_k), len(first.delta_j), len(first.output_after)) == (2, 2, 3, 2)
    assert main(["predict", "run", str(data), "--json"]) == 0
    assert [sorted(answer["answer"]) for answer in said(capsys)["answers"]] == [[], ["any"], ["any"], ["any", "both"]]


def test_numbers_between_0_and_1_are_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "mine.csv", "a,share", "0,0.2", "1,0.7", "0.5,0.45")
    train("xor", data=data, target="share", out="run")
    result = said(capsys)
    assert result["converged"]
    assert result["test"]["largest_error"] < 0.1
    assert "accuracy" not in result["test"]


@pytest.mark.parametrize(("asked", "inputs"), [(None, "standard"), ("none", "none")])
def test_wide_inputs_are_scaled_unless_it_is_refused(asked: str | None, inputs: str, tmp_path: Path) -> None:
    data = write(tmp_path / "mine.csv", "a,t", "100,0", "300,1")
    options = {} if asked is None else {"scaling": asked}
    model = gw.train("xor", data=data, target="t", out="run", epochs=5, **PLAIN, **options)  # type: ignore[arg-type]
    first, _ = updates_of(Path("run"))
    assert first.x == ((-1.0,) if inputs == "standard" else (100.0,))
    assert model.system.recipe.model_dump()["scaling"] == inputs
    assert model.evaluate() == result_of(Path("run"))["test"]


def test_held_out_examples_decide_as_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    options = {"data": data, "epochs": 30, "validation": 0.2, "test": 0.2, "learning_rate": 0.5}
    train("xor", out="run", **options)
    result = said(capsys)
    assert (result["measured_on"], result["examples"]["test"]) == ("test", 12)
    lines = [json.loads(line) for line in Path("run/steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, len(lines) + 1))
    losses = [line["validation"]["loss"] for line in lines]
    assert result["best_epoch"] == 1 + losses.index(min(losses))
    assert result["validation"]["loss"] == min(losses)
    best = load_checkpoint(checkpoints(Path("run/checkpoints"))[-1])["best"]["weights"]
    kept = gw.load("run").network.state_dict()
    assert all(torch.equal(kept[name], weight) for name, weight in best.items())


def test_a_wide_network_shows_a_part_and_says_so(tmp_path: Path) -> None:
    gw.train("xor", hidden=400, epochs=1, out="run", **PLAIN)  # type: ignore[arg-type]
    first, _ = updates_of(Path("run"))
    assert not first.whole
    assert (len(first.hidden_before), len(first.z), len(first.output_after[0])) == (30, 400, 401)
    assert len(first.lines) == 6 + 1 + 1 + 6 + 6 + 6


REFUSED = {
    "batch": ({"batch_size": 8}, "updates the weights after every single example"),
    "optimizer": ({"optimizer": "adam"}, "optimizer = 'adam' does not fit"),
    "momentum": ({"momentum": 0.9}, "keeps nothing of the last update"),
    "weight decay": ({"weight_decay": 0.1}, "does not shrink the weights"),
    "schedule": ({"schedule": "cosine"}, "schedule = 'cosine' does not fit"),
    "penalty": ({"penalty": "l2"}, "penalty = 'l2' does not fit"),
    "strength": ({"strength": 0.1}, "has no penalty"),
    "clip": ({"gradient_clip": 1.0}, "takes every gradient as it is"),
    "patience": ({"patience": 3}, "no examples are held out: add --validation"),
    "no units": ({"hidden": 0}, "hidden = 0 does not fit"),
    "tolerance": ({"tolerance": 1.0}, "tolerance = 1.0 does not fit"),
    "augmentation": ({"augment": "flip"}, "There is no recipe key 'augment'"),
    "precision": ({"precision": "bfloat16"}, "double precision"),
    "layout": ({"memory_format": "channels-last"}, "double precision"),
    "images": ({"data": "digits"}, "learns from columns of numbers, and digits holds images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    options, sentence = REFUSED[name]
    with pytest.raises(GlassworkError) as refused:
        gw.train("xor", out="run", **options)  # type: ignore[arg-type]
    assert sentence in str(refused.value)
    assert not Path("run").exists()


def test_targets_beyond_a_sigmoid_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "mine.csv", "a,price", "0,120.5", "1,90.25")
    sentence = mistake(capsys, "train", "xor", "--data", data, "--target", "price", "--out", "run")
    assert "go from 90.25 to 120.5, and a sigmoid only gives numbers from 0 to 1" in sentence


def test_an_error_that_is_no_number_stops_before_the_network_is_touched() -> None:
    _, stage = made_stage()
    layer = next(layer for layer in stage.network.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        layer.weight.fill_(math.inf)
    with pytest.raises(GlassworkError, match="not a finite number in epoch 1 "):
        next(online(stage, tolerance=0.1, epochs=5))
    assert layer.weight.isinf().all()


@pytest.mark.parametrize("seed", [2, 5, 10])
def test_converged_means_small_errors_under_the_weights_that_are_kept(seed: int) -> None:
    """With so long steps, an example learnt early in an epoch is forgotten again by its end."""
    _, stage = made_stage(clock=Clock(10**9), seed=seed, learning_rate=20, hidden=3)
    *_, last = online(stage, tolerance=0.6, epochs=600)
    carried = last.state()["carried"]
    hidden, output = carried["hidden"].tolist(), carried["output"].tolist()
    inputs, targets = training_examples(stage)
    errors = [
        abs(outputs(hidden, output, [1.0, *x])[1][0] - t)
        for x, (t,) in zip(inputs.tolist(), targets.tolist(), strict=True)
    ]
    assert carried["converged"] == (max(errors) < 0.6)
    assert carried["converged"] or last.epoch == 600
