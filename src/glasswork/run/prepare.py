"""The one way from a request to a network that is ready to learn: read, split, fit, derive, network, begin, stages."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from glasswork.catalogue import make_system, row_of
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import (
    EnoughMemory,
    Execution,
    choose_device,
    require_memory,
    seed_everything,
    usable_cores,
)
from glasswork.recipe.base import ProcessRecipe
from glasswork.run.request import Request
from glasswork.systems.learning import Learning
from glasswork.systems.networks import check_outputs
from glasswork.systems.own_data import OwnData
from glasswork.systems.process import Process
from glasswork.systems.start import Start
from glasswork.systems.system import Context, System, read_data, read_split
from glasswork.training.autotune import Choice, choose_execution
from glasswork.training.fit import several_examples, timed
from glasswork.training.memory import estimate_memory, short_of_memory
from glasswork.training.stage import Clock, Stage

FINISHING_SECONDS = 0.6
REPEATED = ("layers", "ensemble_size")
"""Fields of recipes that say how many equal parts a network has."""
MANY = 20


@dataclass(frozen=True)
class Former:
    """What an earlier run fixes for one that repeats or continues it.

    Attributes:
        execution: how its arithmetic was carried out.
        progress: before each of its steps, for a run with the same schedule; None: the clock is its own.
        resumed: what is known of the same run's earlier sittings; None: it is another run, which is repeated.
    """

    execution: Execution
    progress: Sequence[float] | None
    resumed: "Resumed | None" = None


@dataclass(frozen=True)
class Resumed:
    """What a run has written down about itself.

    Attributes:
        recipe: with nothing left open.
        own: its data; None: it learns from no data set.
        seconds: how long its steps may take; None: the recipe bounds their number.
        remarks: about the weights that it began with.
        fresh: whether not one step of it is kept.
        place: where its data is now; None: where it was.
        changes: sentences about what differs from the sitting before.
    """

    recipe: ProcessRecipe
    own: OwnData | None
    seconds: float | None
    remarks: tuple[str, ...]
    fresh: bool
    place: str | None = None
    changes: tuple[str, ...] = ()


def prepare_process(
    request: Request, *, former: Former | None = None, spent: float | None = None, start: Start | None = None
) -> Process:
    """Makes what is asked for ready to be carried out, whether or not it learns from a data set.

    Args:
        request: what is asked for.
        former: the run that is repeated or resumed.
        spent: seconds of a budget that are gone already.
        start: the run whose model the training begins with.

    Raises:
        GlassworkError: for a recipe, data or a machine that does not fit.
    """
    row = row_of(request.system)
    if row.data:
        return prepare(request, former=former, spent=spent, start=start)
    began, kind = time.monotonic(), row.process_class()
    resumed = None if former is None else former.resumed
    recipe = kind.resolve(request.recipe if resumed is None else resumed.recipe)
    execution = kind.choose_execution(recipe, request.machine) if former is None else former.execution
    execution.apply()
    process = kind(recipe, execution)
    if resumed is not None:
        process.remarks = resumed.remarks
    spent = None if spent is None else time.monotonic() - began + spent
    process.clock = _clock(recipe.budget, process.total, former, spent, process.finishing_seconds)
    return process


def read(request: Request) -> Dataset:
    """All examples of what is asked for.

    Raises:
        GlassworkError: if no data is named, or it cannot be read.
    """
    return read_data(make_system(request.system, request.recipe, request.network))


def read_and_split(request: Request) -> tuple[Dataset, Splits]:
    """The same, and which rows train, validate and test."""
    return read_split(make_system(request.system, request.recipe, request.network))


def resolve(request: Request, dataset: Dataset, splits: Splits) -> Request:
    """The request with what its recipe leaves open derived from the data.

    Raises:
        GlassworkError: if recipe and data do not fit.
    """
    system = make_system(request.system, request.recipe, request.network)
    return replace(request, recipe=system.resolve(_fit(system, dataset, splits), splits))


def prepare(
    request: Request,
    dataset: Dataset | None = None,
    splits: Splits | None = None,
    *,
    execution: Execution | None = None,
    derive: bool = True,
    former: Former | None = None,
    spent: float | None = None,
    start: Start | None = None,
) -> Learning:
    """Makes what is asked for ready to learn.

    Args:
        request: what is asked for.
        dataset: all examples; they are fitted on the training rows if they are not yet. None: the recipe's data, and
            the memory that learning takes is estimated.
        splits: which of them train, validate and test; None together with `dataset`.
        execution: how the arithmetic is carried out, in a process that is left as it is; None: precision, layout and
            allocator are measured once and kept, as far as the machine leaves them open.
        derive: whether the recipe leaves something open, which is derived from the data.
        former: the run that is repeated or resumed.
        spent: seconds of a budget that are gone already, such as the start of the process; None: the budget is for the
            steps alone.
        start: the run whose model the training begins with; None: the network begins as the system says.

    Raises:
        GlassworkError: for data, a network or a machine that does not fit.
    """
    began = time.monotonic()
    resumed = former.resumed if former is not None else None
    device = choose_device(request.machine.device) if execution is None and resumed is None else ""
    draft = make_system(request.system, request.recipe, request.network)
    estimate = dataset is None
    if dataset is None or splits is None:
        dataset, splits = _read(draft, resumed, start)
    if start is None:
        dataset = _fit(draft, dataset, splits)
    system = _resolve(request, draft, dataset, splits, resumed, derive)
    system.objective(dataset.task).require()
    _require_repeated(request, system, dataset)
    network = _network(system, dataset)
    plain = Context(dataset, splits, Execution())
    remarks = resumed.remarks if resumed is not None else ()
    if start is not None:
        start.load(network)
        remarks = start.remarks
    elif resumed is None or resumed.fresh:
        remarks = system.begin(network, plain)
    memory, warnings = None, resumed.changes if resumed is not None else ()
    if execution is None and resumed is None:
        execution = Execution(device, request.machine.threads or usable_cores())
        torch.set_num_threads(execution.threads)
        with several_examples():
            if estimate:
                memory = estimate_memory(system.stages(network, plain)[-1], dataset, device)
                warnings = (short,) if (short := short_of_memory(memory)) else ()
            if former is None:
                choice = _measure(request, system, network, plain, execution)
                execution = choice.execution
                warnings += (choice.warning,) if choice.warning else ()
    if former is not None:
        execution = former.execution
        execution.apply()
    assert execution is not None
    execution.place(network)
    context = Context(dataset, splits, execution)
    stages = system.stages(network, context)
    spent = None if spent is None else time.monotonic() - began + spent
    clock = _clock(system.recipe.budget, stages[-1].total, former, spent)
    return Learning(system, network, context, timed(stages, clock), clock.seconds, memory, warnings, remarks, start)


def _read(draft: System, resumed: Resumed | None, start: Start | None) -> tuple[Dataset, Splits]:
    """All examples, and which of them train, validate and test."""
    if resumed is not None and resumed.own is not None:
        return resumed.own.read(resumed.place)
    return read_split(draft) if start is None else start.read(draft)


def _fit(system: System, dataset: Dataset, splits: Splits) -> Dataset:
    """The examples under a task with what the training rows say about their scale, if it says nothing yet."""
    return dataset if dataset.task.inputs.fitted else dataset.with_task(system.fit(dataset, splits.training))


def _resolve(
    request: Request, draft: System, dataset: Dataset, splits: Splits, resumed: Resumed | None, derive: bool
) -> System:
    """The system with nothing left open in its recipe."""
    if resumed is not None:
        recipe = resumed.recipe
    elif derive:
        recipe = draft.resolve(dataset, splits)
    else:
        return draft
    return make_system(request.system, recipe, request.network)


def _require_repeated(request: Request, system: System, dataset: Dataset) -> None:
    """Refuses very many layers or members whose weights do not fit into the memory, before they are made one by one."""
    for field in REPEATED:
        count = getattr(system.recipe, field, 1)
        if count <= MANY:
            continue
        recipes = (system.recipe.model_copy(update={field: number}) for number in (MANY, MANY + 1))
        with torch.device("meta"):
            made = [make_system(request.system, one, request.network).network(dataset.task) for one in recipes]
        less, more = (sum(parameter.nbytes for parameter in network.parameters()) for network in made)
        what = f"the weights of a network with {field} = {count:,}"
        require_memory(less + (count - MANY) * (more - less), what, f"choose a smaller --{field.replace('_', '-')}")


def _network(system: System, dataset: Dataset) -> nn.Module:
    """The freshly initialised network, which fits the data and has something to learn."""
    seed_everything(system.recipe.seed)
    with EnoughMemory("the weights of the network", "choose a smaller network, such as by --hidden or --size"):
        network = system.network(dataset.task)
    check_outputs(network, dataset.task)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise GlassworkError("The network has no weights to train")
    return network


def _measure(request: Request, system: System, network: nn.Module, plain: Context, execution: Execution) -> Choice:
    """How the arithmetic is carried out: what was asked for, or what a few steps each way showed to be the fastest."""

    def make_stage(network: nn.Module, execution: Execution) -> Stage:
        return system.stages(network, Context(plain.dataset, plain.splits, execution))[-1]

    machine = system.restrict(request.machine, network)
    device = choose_device(machine.device)
    return choose_execution(machine, Execution(device, execution.threads), network, make_stage)


def _clock(
    budget: float | None,
    total: int | None,
    former: Former | None,
    spent: float | None,
    finishing: float = FINISHING_SECONDS,
) -> Clock:
    """The clock of all stages together.

    Args:
        budget: seconds for the whole command; None: the number of steps alone bounds it.
        total: how many steps there are at most.
        former: the run that is repeated or resumed.
        spent: seconds of the budget that are gone; None: the budget is for the steps alone.
        finishing: seconds of it that what comes after the steps takes.
    """
    if former is not None and former.progress is not None:
        return Clock(recorded=former.progress)
    if budget is None:
        assert total is not None
        return Clock(total)
    seconds = budget if spent is None else budget - spent - finishing
    if former is not None and former.resumed is not None:
        assert former.resumed.seconds is not None
        seconds = former.resumed.seconds
    if seconds <= 0:
        raise GlassworkError(
            f"A budget of {budget:g} s ends before the first step: starting, reading and finishing "
            f"take {budget - seconds:.1f} s"
        )
    return Clock(total, seconds)
