"""Searches for the recipe with the best validation score, with optuna."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from torch import nn

from glasswork.catalogue import OWN, make_system, name_system
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, usable_cores
from glasswork.own_code import is_own, name_loss, name_network
from glasswork.recipe.base import Recipe, seconds
from glasswork.recipe.search import Search, searches
from glasswork.report.blocks import Cell, Commands, Curves, Facts, Line, Table, Text
from glasswork.report.figures import figure, main_metric, write_figure
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import duration, number, percent
from glasswork.run.carry_out import begin_run
from glasswork.run.finish import finish
from glasswork.run.folder import RUNS
from glasswork.run.prepare import prepare as prepare_learning
from glasswork.run.prepare import read_and_split, resolve
from glasswork.run.request import Request, make_request
from glasswork.run.suggest import suggest
from glasswork.stopping import SIGNALS
from glasswork.studies import optuna_study as studies
from glasswork.studies.options import TuneOptions
from glasswork.studies.optuna_study import FAILED, FINISHED, PRUNED, STOPPED, TrialResult
from glasswork.studies.settings import Setting, write_value
from glasswork.studies.study import Asked, Progress, Running
from glasswork.studies.trained import Member, make_member, require_one_stage
from glasswork.systems.learning import Learning
from glasswork.systems.supervised.recipe import SupervisedRecipe
from glasswork.training.fit import minimise
from glasswork.training.stage import Judgement, Step
from glasswork.training.watchers import Interruption

if TYPE_CHECKING:
    import optuna

USUAL_TRIALS = 50
FINISHING_SECONDS = 1.5
SLOWER = 1.15
NOTED_SECONDS = 60.0
WARM_UP = 0.25
POLLING_SECONDS = 0.2
PATIENT_SECONDS = 20.0
WORK = "from glasswork.studies.tune import work; work()"
TIME_OVER = "the time was up"
MOST_SHOWN = 10
"""Trials in a terminal's table."""


@dataclass(frozen=True)
class Tuned:
    """What a search found so far.

    Attributes:
        preset, data: what is trained, on what.
        judge: the figure on the validation examples that trials are compared by.
        smaller_is_better: whether a smaller figure is the better one.
        study: file or address of the study.
        trials: all of them, also those of earlier sittings.
        best: number of the best finished trial; None where none has finished.
        best_so_far: number of each trial that finished, and the best figure until then.
        importance: of each field searched, the share of the differences between trials that goes back to it
            (PED-ANOVA, Watanabe, Bansal and Hutter 2023); empty where too few have finished.
        ranges: what was searched, in words.
        command: trains the best recipe; empty if there is none.
        result: of the run of the best recipe; None: it was not trained yet.
    """

    preset: str
    data: str | None
    judge: str
    smaller_is_better: bool
    study: str
    trials: Sequence[TrialResult]
    best: int | None
    best_so_far: Sequence[tuple[int, float]]
    importance: Mapping[str, float]
    ranges: Mapping[str, str]
    command: str
    result: Mapping[str, Any] | None = None

    def counts(self) -> dict[str, int]:
        """How many trials ended in which way."""
        return {state: sum(one.state == state for one in self.trials) for state in (FINISHED, PRUNED, FAILED, STOPPED)}

    def best_trial(self) -> TrialResult | None:
        """The best finished trial."""
        return next((one for one in self.trials if one.number == self.best), None)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        found = asdict(self)
        result = found.pop("result")
        return {**found, "counts": self.counts(), **({} if result is None else {"result": result})}

    def ranking(self) -> list[TrialResult]:
        """The finished trials, the best first."""
        sign = 1 if self.smaller_is_better else -1
        return sorted((one for one in self.trials if one.state == FINISHED), key=lambda one: sign * (one.figure or 0.0))

    def write(self, value: float | None) -> str:
        """A figure of the validation for people."""
        if value is None:
            return ""
        return percent(value).replace("\u202f", " ") if figure(self.judge).share else f"{value:.4g}"

    def beginning(self, wanted: int | None) -> str:
        """What is searched, before the first trial, of which so many are wanted."""
        there = len(self.trials) - self.counts()[STOPPED]
        trials = "as many trials as fit in the time" if wanted is None else f"{wanted} trials"
        had = f", {there} of them there already" if there else ""
        lines = [f"{self.preset} on {self.data}: {trials}{had}, judged by validation {self.judge}"]
        lines += [f"  {name}: {words}" for name, words in self.ranges.items()]
        return "\n".join([*lines, f"study: {self.study}"])

    def line(self, trial: TrialResult) -> str:
        """A trial that has ended, in a line."""
        judged = "" if trial.figure is None else f"  validation {self.judge} {self.write(trial.figure)}"
        after = f" after epoch {trial.epochs}" if trial.state in {PRUNED, STOPPED} else ""
        why = f": {trial.reason}" if trial.reason else ""
        return f"trial {trial.number} {trial.state}{after}{judged}  {_values(trial)}{why}"

    def report(self) -> Report:
        """The trials, what mattered among them, and the run of the best recipe."""
        best, result = self.best_trial(), self.result
        assert best is not None and result is not None
        name = main_metric(result["test"])
        value = result["test"].get(name, math.nan)
        searched = [*((_spaced(key), words) for key, words in self.ranges.items()), ("study", self.study)]
        title = f"{self.preset} on {self.data}, searched"
        return Report(
            title,
            [
                *_sections(self),
                Section("What was searched", "", [Facts(searched)]),
                Section("The best recipe", "", [Commands([(self.command, "trains the best recipe")])]),
            ],
            headline=Headline(
                percent(value) if figure(name).share else number(value), f"{result['measured_on']} {name}"
            ),
            verdict=f"Trial {best.number} was the best of {len(self.trials)}, with a validation {self.judge} of "
            f"{self.write(best.figure)}: {_values(best)}. Its recipe was then trained as {result['run']}. The search "
            "was judged by validation examples alone; the test examples were used once, for the figure above.",
            summary=_summary(self, result),
            footer="Drawn by Glasswork from the study of the search and the run of its best recipe.",
        )


@dataclass(frozen=True)
class Plan:
    """What a process needs to know to take part in a search.

    Attributes:
        preset: its name.
        values: fields of recipe and machine that the user fixed.
        study: path or address of the study; None: a file under runs/ named after the search.
        judge: what trials are compared by.
        trials: how many the study shall have in the end; None: as many as fit in the time.
        end: when the whole command has to be over, in seconds as of `time.time()`; None: never.
        execution: how every trial's arithmetic is carried out; None: still to be chosen.
        system: of the user's own, which every process has to import; None: one of ours.
    """

    preset: str
    values: Mapping[str, Any]
    study: str | None = None
    judge: str = "loss"
    trials: int | None = USUAL_TRIALS
    end: float | None = None
    execution: Mapping[str, Any] | None = None
    system: str | None = None


@dataclass
class Tuning:
    """A search made ready; `search` carries it out, `result` says what came out.

    Attributes:
        plan: with the study and the numerics that were chosen.
        order: the recipe as asked for.
        recipe: with nothing left open.
        dataset: all of them.
        splits: which of them train and judge; the test examples are not looked at.
        execution: of every trial.
        ranges: the fields that are searched, and where.
        study: optuna's.
        smaller_is_better: of two figures of the judge.
        preparing: seconds that reading the data and choosing the arithmetic took, as they will for the last run.
        interrupted: whether the search was stopped.
    """

    plan: Plan
    order: Request
    recipe: Recipe
    dataset: Dataset
    splits: Splits
    execution: Execution
    ranges: Mapping[str, Search]
    study: "optuna.Study"
    smaller_is_better: bool
    preparing: float
    interrupted: bool = False
    _watched: Interruption = field(default_factory=Interruption)
    _half: float = math.inf
    _noted: float = 0.0

    @property
    def address(self) -> str:
        """File or address of the study."""
        assert self.plan.study is not None
        return self.plan.study

    def search(self, workers: int = 1) -> Iterator[TrialResult]:
        """Carries trials out until there are as many as planned, or the time is up, or it is stopped.

        Yields:
            Every trial that has ended.
        """
        if self.plan.end is not None:
            self._half = time.time() + (self.plan.end - time.time() - self.preparing - FINISHING_SECONDS) / 2
        with Interruption() as self._watched:
            yield from self._here() if workers == 1 else self._elsewhere(workers)
        self.interrupted = self._watched.wished

    def _here(self) -> Iterator[TrialResult]:
        self.execution.apply()
        parent = os.getppid()  # another one: ours is gone, and nothing waits for us
        while self._more() and not self._watched.wished and os.getppid() == parent:
            trial = studies.begin_trial(self.study, self.recipe.seed)
            wanted = self.plan.trials
            enough = wanted is not None and studies.count_trials(self.study, trial.number) >= wanted
            if enough or self._watched.wished:
                studies.give_back(self.study, trial.number)
                return
            self._carry_out(trial, parent)
            found = self.study.get_trials(deepcopy=False)[trial.number]
            yield studies.result_of(found, studies.state_of(found))

    def _elsewhere(self, workers: int) -> Iterator[TrialResult]:
        known = {trial.number for trial in studies.results(self.study)}
        with Workers(asdict(self.plan), workers) as running:
            going = True
            while going:
                going = running.wait(self._watched.wished)
                for trial in studies.results(self.study):
                    if trial.number not in known:
                        known.add(trial.number)
                        yield trial

    def _more(self) -> bool:
        wanted = self.plan.trials is None or studies.count_trials(self.study) < self.plan.trials
        return wanted and time.time() < self._latest()

    def _latest(self) -> float:
        """When trials have to end so that a run of the best recipe still fits; without a budget they never have to."""
        if self.plan.end is None:
            return math.inf
        best = self.best()
        if best is None:  # a run takes as long as the first trial
            return self._half
        return self.plan.end - self.preparing - FINISHING_SECONDS - SLOWER * best.seconds

    def _carry_out(self, trial: "optuna.Trial", parent: int) -> None:
        latest, values = self._latest(), studies.suggest(trial, self.ranges)
        began = self._noted = time.monotonic()
        last, ended, reason = None, "COMPLETE", ""
        try:
            member = make_member(
                replace(self.order, recipe=self._recipe(values)), self.dataset, self.splits, self.execution
            )
            stage = replace(member.stage, judge=self._judge(member))
            for step in minimise([stage], None, member.learning.recipe.patience):
                last = step
                ended, reason = self._verdict(trial, step, latest, os.getppid() != parent)
                if ended != "COMPLETE":
                    break
        except GlassworkError as error:
            ended, reason = "FAIL", str(error)
        told = {
            "values": values,
            "epochs": last.epoch if last else 0,
            "steps": last.number if last else 0,
            "seconds": round(time.monotonic() - began, 3),
            "reason": reason,
            "stopped": ended == "STOPPED",
        }
        trial.set_user_attr("told", told)  # at once, for each writing waits for the disk
        if ended == "COMPLETE":
            assert last is not None and last.best is not None
            self.study.tell(trial, last.best.judgement.metrics[self.plan.judge])
            return
        self.study.tell(trial, state=self._state("PRUNED" if ended == "PRUNED" else "FAIL"))
        if ended == "STOPPED":
            self.study.enqueue_trial(trial.params)  # the next sitting begins with it

    def _verdict(self, trial: "optuna.Trial", step: Step, latest: float, alone: bool) -> tuple[str, str]:
        """Whether a trial goes on after a step (`COMPLETE`), or how and why it ends."""
        if step.judgement is not None:
            assert step.best is not None
            value = step.best.judgement.metrics[self.plan.judge]
            if not math.isfinite(value):
                return "FAIL", f"the validation {self.plan.judge} is not a finite number after epoch {step.epoch}"
            trial.report(value, step.epoch)
            if not step.last and trial.should_prune():
                return "PRUNED", ""
        if time.monotonic() - self._noted > NOTED_SECONDS:
            self._noted = time.monotonic()
            trial.set_user_attr("process", studies.process())
        if step.last:
            return "COMPLETE", ""
        if self._watched.wished or alone:
            return "STOPPED", "the search was stopped"
        return ("STOPPED", TIME_OVER) if time.time() >= latest else ("COMPLETE", "")

    def _recipe(self, values: Mapping[str, Any]) -> Recipe:
        return self.recipe.model_copy(update=dict(values))

    def _judge(self, member: Member) -> Callable[[nn.Module], Judgement]:
        """The run's own judge, which says what weights are kept, with figures that all trials have in common.

        The loss on the validation examples is that without label smoothing: with more of it any loss is higher.
        """
        own, plain = member.stage.judge, member.learning.system
        assert own is not None
        smoothed = isinstance(member.learning.recipe, SupervisedRecipe) and member.learning.recipe.label_smoothing > 0
        if smoothed:
            plain = make_system(self.order.system, member.learning.recipe.model_copy(update={"label_smoothing": 0.0}))

        def judge(network: nn.Module) -> Judgement:
            judgement = own(network)
            if not smoothed:
                return judgement
            return Judgement(judgement.error, plain.judge(network, member.learning.context).values)

        return judge

    def _state(self, name: str) -> Any:
        return studies.import_optuna().trial.TrialState[name]

    def best(self) -> TrialResult | None:
        """The best trial that has finished."""
        trials = studies.results(self.study)
        number, _ = best_of(trials, self.smaller_is_better)
        return next((trial for trial in trials if trial.number == number), None)

    def result(self) -> Tuned:
        """What the study says so far."""
        trials = studies.results(self.study)
        best, curve = best_of(trials, self.smaller_is_better)
        found = Tuned(
            preset=self.plan.preset,
            data=self.recipe.data,
            judge=self.plan.judge,
            smaller_is_better=self.smaller_is_better,
            study=self.address,
            trials=trials,
            best=best,
            best_so_far=curve,
            importance=studies.importance(self.study),
            ranges={name: studies.range_in_words(search) for name, search in self.ranges.items()},
            command="",
        )
        winner = found.best_trial()
        if winner is None:
            return found
        return replace(found, command=Setting(self._order(winner.values), {}, "").command)

    def winner(self) -> Request:
        """The order for a run of the best recipe, within what is left of the budget.

        Raises:
            GlassworkError: where no trial has finished, with the reason.
        """
        best = self.best()
        if best is None:
            reasons = [trial.reason for trial in studies.results(self.study) if trial.reason]
            why = f": {reasons[-1]}" if reasons else ""
            if self.plan.end is not None and reasons and all(one == TIME_OVER for one in reasons):
                why = ": the budget is too short for one trial and the final run; allow more time or fewer --epochs"
            raise GlassworkError(f"No trial has finished, so there is no best recipe{why}")
        limits: dict[str, Any] = {}
        if self.plan.end is not None:
            # The recipe's own epochs and patience stay, so that the budget changes nothing where the time is enough.
            kept = {"epochs": self.recipe.epochs, "patience": self.recipe.patience}
            limits = {key: value for key, value in kept.items() if value is not None}
            limits["budget"] = max(1.0, round(self.plan.end - time.time(), 1))
        arithmetic = {key: getattr(self.execution, key) for key in ("precision", "memory_format", "allocator")}
        return self._order({**best.values, **limits, **arithmetic})

    def _order(self, values: Mapping[str, Any]) -> Request:
        return make_request(self.plan.preset, {**self.plan.values, **values})


def tune(options: TuneOptions, asked: Asked) -> Running[Tuned]:
    """Searches a recipe's fields by the validation examples, and trains a run of the best recipe.

    Raises:
        GlassworkError: for a recipe, data, a study or a judge that do not fit, or without optuna.
        KeyboardInterrupt: on Ctrl-C, once what was found is kept.
    """
    if options.workers < 1:
        raise GlassworkError(f"workers has to be at least 1, not {options.workers}")
    tuning = prepare(_plan(options, asked))
    wanted = tuning.plan.trials
    found = tuning.result()
    yield Progress(0, wanted or math.inf, found.beginning(wanted), found)
    for done, trial in enumerate(tuning.search(options.workers), 1):
        yield Progress(done, wanted or math.inf, found.line(trial))
    found = tuning.result()
    if tuning.interrupted:
        kept = sum(count for state, count in found.counts().items() if state != STOPPED)
        raise KeyboardInterrupt(
            f"stopped: {kept} trials are kept in {tuning.address}; run the same command to continue"
        )
    run = begin_run(tuning.winner())
    yield Progress(words=f"training the best recipe as {run.folder.name}", so_far=found)
    for step in run.steps():
        yield Progress(step.progress, so_far=found, step=step)
    if run.interrupted:
        raise KeyboardInterrupt(f"stopped and saved: continue with glasswork resume {run.folder.name}")
    return replace(found, result=finish(run))


def _plan(options: TuneOptions, asked: Asked) -> Plan:
    values = dict(asked.values)
    preset = asked.preset or suggest(values).preset
    budget = values.pop("budget", None)
    if options.workers > 1:
        values.setdefault("threads", max(1, usable_cores() // options.workers))
    end = None if budget is None else time.time() - asked.spent + _in_seconds(budget)
    trials = options.trials if options.trials is not None or budget is not None else USUAL_TRIALS
    own = OWN[preset].name if preset in OWN else None
    return Plan(preset, values, options.study, options.judge, trials, end, system=own)


def _in_seconds(budget: object) -> float:
    try:
        found = seconds(budget)
    except ValueError as error:
        raise GlassworkError(f"budget = {budget!r} does not fit: {error}") from None
    assert isinstance(found, float | int)
    return float(found)


def prepare(plan: Plan) -> Tuning:
    """Makes a search ready: data read, arithmetic and study chosen.

    Raises:
        GlassworkError: for a recipe, data, a study or a judge that do not fit, or without optuna.
    """
    studies.import_optuna()
    began = time.monotonic()
    if plan.trials is not None and plan.trials < 1:
        raise GlassworkError(f"trials has to be at least 1, not {plan.trials}")
    asked = make_request(plan.preset, plan.values)
    dataset, splits = read_and_split(asked)
    if len(splits.validation) == 0:
        raise GlassworkError("Trials are compared on validation examples, and none are held out: add --validation")
    recipe = resolve(asked, dataset, splits).learning
    known = None if plan.execution is None else Execution(**{**plan.execution, "measured": ()})
    learning = prepare_learning(replace(asked, recipe=recipe), dataset, splits, execution=known, derive=False)
    require_one_stage(learning)
    execution = learning.execution
    smaller = _smaller_is_better(plan.judge, learning)
    ranges = {name: search for name, search in searches(recipe).items() if name not in asked.asked}
    if not ranges:
        raise GlassworkError(
            f"Every field of {plan.preset} with a range is fixed: leave at least one of them to the search"
        )
    prints = dataset.columns["fingerprints"]
    fixed = {name: value for name, value in asked.asked.items() if name != "data"}
    identity = studies.Identity(
        plan.preset, {**fixed, "data": asked.recipe.data}, plan.judge, f"{len(dataset)} {int(prints.sum()):x}"
    )
    address = plan.study or str(RUNS / f"tune-{plan.preset}-{identity.key()}.db")
    preparing = time.monotonic() - began
    assert recipe.epochs is not None
    study = studies.open_study(address, identity, smaller, max(1, round(WARM_UP * recipe.epochs)))
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(studies.as_it_stands(recipe, ranges))
    plan = replace(plan, study=address, execution=asdict(execution))
    return Tuning(plan, asked, recipe, dataset, splits, execution, ranges, study, smaller, preparing)


def _smaller_is_better(judge: str, learning: Learning) -> bool:
    """Of two values of the figure that trials are compared by.

    Raises:
        GlassworkError: for a figure that the system does not measure.
    """
    metrics = learning.system.judge(learning.network, learning.context)
    if judge not in metrics.values:
        raise GlassworkError(f"There is no metric '{judge}': choose from {', '.join(metrics.values)}")
    return not (metrics.higher_is_better if judge == metrics.main else figure(judge).higher_is_better)


def best_of(trials: Sequence[TrialResult], smaller_is_better: bool) -> tuple[int | None, list[tuple[int, float]]]:
    """The number of the best finished trial, and the best figure after each that finished."""
    sign = 1 if smaller_is_better else -1
    best: TrialResult | None = None
    curve = []
    for trial in trials:
        if trial.state != FINISHED or trial.figure is None:
            continue
        if best is None or best.figure is None or sign * trial.figure < sign * best.figure:
            best = trial
        assert best.figure is not None
        curve.append((trial.number, best.figure))
    return (best.number if best else None), curve


class Workers:
    """Processes that carry out trials of one study; a context manager that leaves none behind."""

    def __init__(self, plan: Mapping[str, Any], count: int) -> None:
        self._plan = json.dumps(plan)
        self._count = count
        self._running: list[tuple[subprocess.Popen[str], IO[str]]] = []
        self._told = False

    def __enter__(self) -> "Workers":
        for _ in range(self._count):
            said = tempfile.TemporaryFile("w+", encoding="utf-8")
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", WORK],  # -P: nothing is imported out of the current folder
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
                start_new_session=True,  # Ctrl-C is for the first process, which tells the others
            )
            self._running.append((process, said))
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(self._plan)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell()
        until = time.monotonic() + PATIENT_SECONDS
        for process, said in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.close()

    def wait(self, stop: bool) -> bool:
        """Waits a moment; whether any process still works.

        Raises:
            GlassworkError: where one of them has failed, with what it said.
        """
        time.sleep(POLLING_SECONDS)
        if stop:
            self._tell()
        codes = [process.poll() for process, _ in self._running]
        for (_, said), code in zip(self._running, codes, strict=True):
            if code in {-number for number in SIGNALS} and not self._told:
                raise GlassworkError(
                    f"A worker of the search was ended by {signal.Signals(-code).name}: what it found is kept; run the "
                    "same command to continue"
                )
            if code and not self._told:
                said.seek(0)
                lines = said.read().strip().splitlines()
                raise GlassworkError(f"A worker of the search has failed: {lines[-1] if lines else f'code {code}'}")
        return any(code is None for code in codes)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            for process, _ in self._running:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)  # which ends it at once before the search has begun


def work() -> None:
    """What such a process does: the plan comes as JSON on standard input."""
    try:
        plan = Plan(**json.loads(sys.stdin.read()))
        if plan.system is not None:
            name_system(plan.system)
        if is_own(network := str(plan.values.get("network"))):
            name_network(network)
        if is_own(loss := str(plan.values.get("loss"))):
            name_loss(loss)
        for _ in prepare(plan).search():
            pass
    except GlassworkError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _summary(found: Tuned, result: Mapping[str, Any]) -> list[Table | Text | Commands]:
    keys = list(found.ranges)
    rows: list[list[Cell]] = [
        [trial.number, found.write(trial.figure), *_in_ranges(found, trial)] for trial in found.ranking()[:MOST_SHOWN]
    ]
    counts = ", ".join(f"{count} {state}" for state, count in found.counts().items() if count)
    said = [f"{len(found.trials)} trials: {counts}."]
    if found.importance:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found.importance.items())
        said.append(f"importance of the fields: {shares}")
    main = write_figure(result["test"])
    said.append(f"{result['measured_on']} {main}  of the best recipe, trained as {result['run']}")
    said.append(f"study: {found.study}   report: {result['run']}/report.html")
    head = ["trial", f"validation {found.judge}", *map(_spaced, keys)]
    return [Table(head, rows), *map(Text, said), Commands([(found.command, "")])]


def _sections(found: Tuned) -> list[Section]:
    which = "least" if found.smaller_is_better else "greatest"
    line = Line(found.judge, [(float(number), figure) for number, figure in found.best_so_far])
    assert found.best is not None
    best = Curves(
        f"Validation {found.judge}",
        [line],
        "trial",
        marks=[(f"best trial: {found.best}", found.best)],
        in_percent=figure(found.judge).share,
    )
    importance = [(key, f"{100 * share:.1f} %") for key, share in found.importance.items()]
    others = [one for one in found.trials if one.state != FINISHED]
    head = ["trial", f"validation {found.judge}", "ended", "epochs", "time", *map(_spaced, found.ranges)]
    trials = [_row(found, trial) for trial in [*found.ranking(), *others]]
    return [
        Section(
            "The best so far",
            f"The {which} validation {found.judge} after each trial that finished.",
            [best],
        ),
        Section(
            "What mattered",
            "For each searched number, its share of the differences between good and other trials "
            "(PED-ANOVA, Watanabe, Bansal and Hutter 2023). You can leave unimportant numbers at their defaults.",
            [Table(["searched", "share"], importance)] if importance else [],
        ),
        Section(
            "Every trial",
            "Finished trials, best first, then the others. A pruned trial was worse than the median of the others at "
            "the same epoch.",
            [Table(head, trials, noun="trials")],
        ),
    ]


def _row(found: Tuned, trial: TrialResult) -> list[Cell]:
    ended = f"{trial.state}: {trial.reason}" if trial.reason else trial.state
    return [
        trial.number,
        found.write(trial.figure) or None,
        ended,
        trial.epochs,
        duration(trial.seconds),
        *_in_ranges(found, trial),
    ]


def _in_ranges(found: Tuned, trial: TrialResult) -> list[str]:
    """The value of each searched field."""
    values = [trial.values.get(key) for key in found.ranges]
    return ["-" if value is None else write_value(value) for value in values]


def _values(trial: TrialResult) -> str:
    """Fields and values of a trial."""
    return ", ".join(f"{_spaced(name)} {write_value(value)}" for name, value in trial.values.items())


def _spaced(name: str) -> str:
    return name.replace("_", " ")
