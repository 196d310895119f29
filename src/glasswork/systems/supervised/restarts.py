"""Random restarts: one recipe from several first weights, of which the best is kept (Kovashka, "random restarts")."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from glasswork.data.batches import Batches
from glasswork.errors import GlassworkError
from glasswork.execution import seed_everything
from glasswork.objectives.losses import Objective
from glasswork.stopping import promptly
from glasswork.training.ensemble.batches import losses_on
from glasswork.training.ensemble.network import StackedNetwork, layers_of
from glasswork.training.ensemble.stacking import StackedStep, fit_stacked, why_not_stacked
from glasswork.training.fit import best_of, best_tree, fit
from glasswork.training.stage import Best, Clock, Judgement, Stage, Step, Tree

Weights = Mapping[str, Tensor]
Figures = Mapping[str, Mapping[str, float]]
"""Named metrics by what they were measured on: `training`, `validation` and `test`, as far as there are such rows."""


@dataclass(frozen=True)
class Restarts:
    """How often to start, and which network to keep.

    Attributes:
        count: how many networks; the i-th starts from the run's seed + i.
        select: `validation` or `training`: where the loss of the one that is kept is least. The training loss is that
            of the weights which a member ends with, on all training rows, with nothing drawn at random.
        patience: of each member, as in the recipe.
        make: a freshly initialised network.
        loss: what is minimised.
        training: the training rows, as they are, not augmented.
        held_out: the validation rows; None if there are none.
        figures: measures a network on every part of the data.
    """

    count: int
    select: str
    patience: int | None
    make: Callable[[], nn.Module]
    loss: Objective
    training: Batches
    held_out: Batches | None
    figures: Callable[[nn.Module], Figures]


@dataclass(frozen=True)
class Outcome:
    """What became of one member.

    Attributes:
        seed: what it started from.
        epochs: how many it made.
        figures: of the weights that it ended with; empty where it was given up.
        problem: why it was given up, in one sentence; empty where it was not.
    """

    seed: int
    epochs: int
    figures: Figures
    problem: str = ""

    def loss(self, part: str) -> float | None:
        """The loss on a part of the data; None where it was not measured."""
        return self.figures.get(part, {}).get("loss")

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain JSON types."""
        return {
            "seed": self.seed,
            "training_loss": self.loss("training"),
            "validation_loss": self.loss("validation"),
            "epochs": self.epochs,
            "test": dict(self.figures.get("test", {})),
            **({"problem": self.problem} if self.problem else {}),
        }


def fit_restarts(stage: Stage, start: Tree | None, restarts: Restarts) -> Iterator[Step]:
    """Trains several networks as the stage says, all at the same time where they can be stacked, else in turn.

    A step's loss, penalty and gradient norm are means over the members that made it; its judgement and best are those
    of the member that leads so far. The stage's own network ends with the weights of the one that is kept.

    Args:
        stage: of a run that starts once.
        start: the state of a former step, to go on after it.
        restarts: how often to start, and which network to keep.

    Raises:
        GlassworkError: where none of them has a finite loss, or the recorded progress of a run whose members took turns
            is to be repeated.
    """
    reason = why_not_stacked([stage], [restarts.loss])
    return _in_turn(stage, start, restarts, reason) if reason else _together(stage, start, restarts)


def _member(stage: Stage, restarts: Restarts, place: int) -> Stage:
    """The stage of a run that starts once, from the seed of this member."""
    seed = stage.seed + place
    seed_everything(seed)
    network = stage.execution.place(restarts.make())
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return replace(stage, network=network, parameters=parameters, batches=stage.batches.reseeded(seed), seed=seed)


def _together(stage: Stage, start: Tree | None, restarts: Restarts) -> Iterator[Step]:
    with promptly():
        stages = [_member(stage, restarts, place) for place in range(restarts.count)]
    losses = [restarts.loss] * restarts.count
    judged = None if restarts.held_out is None else [restarts.held_out] * restarts.count
    race = _Race(stage, stages, restarts, start)
    inner = None if start is None else start["restarts"]["stack"]
    for made in fit_stacked(stages, losses, inner, restarts.patience, judged):
        judgement = race.follow(made)
        yield Step(
            stage=stage.name,
            number=made.number,
            epoch=made.epoch,
            epoch_ended=made.epoch_ended,
            last=made.last,
            progress=made.progress,
            examples=made.examples,
            loss=_mean(made.loss, made),
            penalty=None if made.penalty is None else _mean(made.penalty, made),
            learning_rate=made.learning_rates[0],
            gradient_norm=None if made.gradient_norm is None else _mean(made.gradient_norm, made),
            judgement=judgement,
            best=race.best,
            elapsed=made.elapsed,
            state=lambda made=made: race.state(made),  # type: ignore[misc]
        )


def _mean(values: Tensor, made: StackedStep) -> Tensor:
    return values.mean() if len(made.members) == len(values) else values.nanmean()


class _Race:
    """Which member of a stack leads, and what it has reached."""

    def __init__(self, stage: Stage, stages: Sequence[Stage], restarts: Restarts, start: Tree | None) -> None:
        self.stage, self.stages, self.restarts = stage, stages, restarts
        self.best = None if start is None else best_of(start)
        former = None if start is None else start["restarts"]
        self.leader: int = former["leader"] if former else 0
        self.epochs: list[int] = list(former["epochs"]) if former else [0] * restarts.count
        nothing = torch.zeros(restarts.count, device=stage.execution.device)
        self.sums: Tensor = former["sums"] if former else nothing
        self.recent: Tensor = former["recent"] if former else nothing + math.inf

    def follow(self, made: StackedStep) -> Judgement | None:
        """Takes a step into account; after an epoch, what the leader is judged to be now."""
        if self.restarts.select == "training":
            self.sums = self.sums + made.loss.nan_to_num()
        if not (made.epoch_ended or made.last):
            return None
        places = list(made.members)
        self.recent = self.recent.clone()
        self.recent[places] = self.sums[places] / self._batches(made)
        self.sums = torch.zeros_like(self.sums)
        for place in places:
            self.epochs[place] = made.epoch
        self.leader = self._leading(made)
        return self._judge(made)

    def _batches(self, made: StackedStep) -> int:
        """How many batches of the epoch have been seen."""
        return (made.number - 1) % len(self.stage.batches) + 1

    def _leading(self, made: StackedStep) -> int:
        errors: Tensor
        if self.restarts.select == "validation":
            assert made.best is not None
            errors = made.best.errors.clone()
        elif made.last:
            errors = self._training_losses(made)
        else:
            errors = self.recent.clone()
        errors[list(made.diverged)] = math.inf
        return int(errors.nan_to_num(math.inf).argmin())

    def _training_losses(self, made: StackedStep) -> Tensor:
        """Of the weights that the members end with, on all training rows."""
        count, layers = self.restarts.count, layers_of(self.stage.network)
        assert layers is not None
        kept = made.best.weights if made.best is not None else made.state()["networks"]
        with torch.no_grad():
            batches, losses = [self.restarts.training] * count, [self.restarts.loss] * count
            return losses_on(StackedNetwork(layers, kept), batches, losses).cpu()

    def _judge(self, made: StackedStep) -> Judgement | None:
        """The leader's judgement; at the end the stage's network is given the weights that it ends with."""
        network, leader = self.stage.network, self.leader
        if made.best is None:
            if made.last:
                network.load_state_dict(self.stages[leader].network.state_dict())
            return None
        judge, epoch, error = self.stage.judge, int(made.best.epochs[leader]), float(made.best.errors[leader])
        assert judge is not None
        new = self.best is None or epoch == made.epoch or self.best.judgement.error != error
        if new or made.last:
            network.load_state_dict({name: tensor[leader] for name, tensor in made.best.weights.items()})
        if self.best is None or new:
            weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
            # Both ways of adding up the same losses may differ in the last digit; the members were told apart by one.
            self.best = Best(replace(judge(network), error=error), epoch, weights)
        now = leader in made.members and epoch != made.epoch
        return judge(self.stages[leader].network) if now else self.best.judgement

    def state(self, made: StackedStep) -> Tree:
        """As that of a run that starts once, and the stack's."""
        stack = made.state()
        return {
            **state_of(stack["stage"], made.number, made.elapsed, self.best),
            "network": {name: tensor[self.leader].clone() for name, tensor in stack["networks"].items()},
            "restarts": {
                "stack": stack,
                "leader": self.leader,
                "epochs": list(self.epochs),
                "sums": self.sums,
                "recent": self.recent,
                "reason": None,
            },
        }


def state_of(stage: str, number: int, elapsed: float, best: Best | None) -> Tree:
    """The part of a step's state that every run has, as `fit` writes it."""
    return {
        "stage": stage,
        "number": number,
        "elapsed": elapsed,
        "best": best_tree(best),
    }


def _in_turn(stage: Stage, start: Tree | None, restarts: Restarts, reason: str) -> Iterator[Step]:
    """One member after the other, each as a run alone; epochs and steps are counted on."""
    if stage.clock.recorded is not None:
        raise GlassworkError(
            f"Restarts that were trained one after the other ({reason}) cannot be repeated by --replay: "
            "bound them by --epochs instead of --budget, to make every run reproducible"
        )
    turns = _Turns(stage, restarts, reason, start)
    while turns.place < restarts.count:
        yield from turns.member()


class _Turns:
    """The members that had their turn, and the one whose turn it is."""

    def __init__(self, stage: Stage, restarts: Restarts, reason: str, start: Tree | None) -> None:
        self.stage, self.restarts, self.reason = stage, restarts, reason
        former = None if start is None else start["restarts"]
        self.done: list[dict[str, Any]] = list(former["done"]) if former else []
        self.current: Tree | None = former["current"] if former else None
        self.leader: int = former["leader"] if former else 0
        self.best = None if start is None else best_of(start)
        self.kept: Weights = start["network"] if start is not None else {}

    @property
    def place(self) -> int:
        """Whose turn it is."""
        return len(self.done)

    def member(self) -> Iterator[Step]:
        """The steps of the member whose turn it is."""
        place, count = self.place, self.restarts.count
        number, epochs = (sum(one[key] for one in self.done) for key in ("steps", "epochs"))
        elapsed = sum(one["elapsed"] for one in self.done)
        clock = self.stage.clock
        seconds = None if clock.seconds is None else clock.seconds / count
        member = replace(_member(self.stage, self.restarts, place), clock=Clock(clock.total, seconds))
        latest: Step | None = None
        try:
            for step in fit(member, self.current):
                latest, self.current = step, None
                patience, stale = self.restarts.patience, step.best.stale if step.best else 0
                ended = step.last or (patience is not None and stale >= patience)
                self._compare(member, step, place, epochs, ended)
                yield step._replace(
                    number=number + step.number,
                    epoch=epochs + step.epoch,
                    last=ended and place + 1 == count,
                    progress=(place + step.progress) / count,
                    best=self.best,
                    elapsed=elapsed + step.elapsed,
                    state=lambda step=step, ended=ended: self._state(step, ended, number, elapsed),  # type: ignore[misc]
                )
                if ended:
                    return
        except GlassworkError as error:
            self.current = None
            made = {"steps": 0, "epochs": 0, "elapsed": 0.0}
            if latest is not None:
                made = {"steps": latest.number, "epochs": latest.epoch, "elapsed": latest.elapsed}
            self.done.append({"seed": member.seed, **made, "figures": {}, "problem": str(error)})
            if not self._finished(self.place):
                if self.place == count:
                    raise
                self.best = None

    def _compare(self, member: Stage, step: Step, place: int, epochs: int, ended: bool) -> None:
        """Puts the member in front where it is better than those before it."""
        weights: Weights = step.best.weights if step.best else member.network.state_dict()
        if ended:
            member.network.load_state_dict(dict(weights))
            figures = self.restarts.figures(member.network)
            self.done.append(
                {
                    "seed": member.seed,
                    "steps": step.number,
                    "epochs": step.epoch,
                    "elapsed": step.elapsed,
                    "figures": {part: dict(metrics) for part, metrics in figures.items()},
                    "problem": "",
                }
            )
        if self._finished(place) and not (ended and self._better()):
            return
        self.leader, self.kept = place, weights
        if step.best is not None:
            self.best = replace(step.best, epoch=epochs + step.best.epoch, stale=0)
        if ended:
            self.stage.network.load_state_dict(dict(weights))

    def _finished(self, place: int) -> bool:
        """Whether a member before this one came to its end, rather than being given up."""
        return any(not one["problem"] for one in self.done[:place])

    def _better(self) -> bool:
        """Whether the member that has just ended is better than the one that leads."""
        part = self.restarts.select
        losses = [one["figures"][part]["loss"] for one in (self.done[self.leader], self.done[-1])]
        return bool(losses[1] < losses[0])

    def _state(self, step: Step, ended: bool, number: int, elapsed: float) -> Tree:
        return {
            **state_of(step.stage, number + step.number, elapsed + step.elapsed, self.best),
            "network": dict(self.kept),
            "restarts": {
                "done": list(self.done),
                "current": None if ended else step.state(),
                "leader": self.leader,
                "reason": self.reason,
            },
        }


def outcomes(state: Tree, seed: int, spare: nn.Module, figures: Callable[[nn.Module], Figures]) -> list[Outcome]:
    """What became of every member.

    Args:
        state: of the last step.
        seed: of the run.
        spare: a network whose weights may be overwritten.
        figures: measures a network on every part of the data.
    """
    former = state["restarts"]
    if former["reason"] is not None:
        return [Outcome(one["seed"], one["epochs"], one["figures"], one["problem"]) for one in former["done"]]
    stack = former["stack"]
    kept = stack["best"]["weights"] if stack["best"] else stack["networks"]
    found = []
    for place, epochs in enumerate(former["epochs"]):
        if place in stack["diverged"]:
            found.append(Outcome(seed + place, epochs, {}, "its loss stopped being a finite number"))
            continue
        spare.load_state_dict({name: tensor[place] for name, tensor in kept.items()})
        found.append(Outcome(seed + place, epochs, figures(spare)))
    return found
