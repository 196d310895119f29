"""Images and rows of numbers with known targets: how they are read, and the usual recipe for learning from them."""

import math
from dataclasses import replace
from pathlib import Path

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.require import require
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.objectives.losses import Objective, OwnLoss, refuse_smoothing
from glasswork.own_code import is_own
from glasswork.recipe.base import USUAL_STRENGTHS, Recipe
from glasswork.systems.networks import NETWORKS
from glasswork.systems.system import Context, System

VARIANCE_OF_SCORES = 10.0
GRADIENT_DESCENT_RATES = {"sgd": 0.1, "momentum": 0.02}
NO_SMOOTHING = ("hinge", "squared-error")


def read_labelled(source: str | Path, options: ReadingOptions, like: Task | None = None) -> Dataset:
    """The examples at a path or under a name.

    Args:
        source: path or name.
        options: how to read it.
        like: of a model that is to answer; its inputs are read as this describes them.

    Raises:
        GlassworkError: for what holds no targets, such as a text.
    """
    dataset = read(source, options if like is None else like.inputs.like(options, like))
    require(dataset, System)
    return dataset


def usual_values(
    recipe: Recipe,
    task: Task,
    examples: int,
    network: str,
    loss: str | None,
    smoothing: float = 0.0,
    class_weights: str = "none",
    augment: tuple[str, ...] | None = (),
) -> dict[str, object]:
    """What the fields of a recipe usually are: epochs, loss, batch size, learning rate and strength.

    Args:
        recipe: names the optimizer and the penalty.
        task: of the examples.
        examples: training examples.
        network: its name.
        loss: the one that is asked for; None: the one that fits the targets.
        smoothing: of the labels.
        class_weights: `none` or `balanced`.
        augment: what is done to the images.

    Raises:
        GlassworkError: for values that do not fit the targets, or each other.
    """
    loss = loss or task.target.losses[0]
    if is_own(loss):
        refuse_smoothing(loss, smoothing)
        if class_weights != "none":
            raise GlassworkError(f"{loss} does not weigh classes: leave out --class-weights, or weigh them in it")
    else:
        task.target.require_loss(loss)
    if loss in NO_SMOOTHING:
        refuse_smoothing(loss, smoothing)
    if augment:
        task.inputs.require_augmentation()
    if class_weights == "balanced":
        task.target.require_balance()
    rate = GRADIENT_DESCENT_RATES.get(recipe.optimizer, 0.001)
    if recipe.optimizer in {"adam", "adamw"} and network in NETWORKS:
        rate = NETWORKS[network].learning_rate
    return {
        "epochs": 20,
        "loss": loss,
        "batch_size": 128 if examples > 8000 else 64 if examples > 1000 else 32,
        "learning_rate": rate,
        "strength": usual_strength(recipe.penalty, task, examples),
    }


def objective_of(loss: str | None, task: Task, smoothing: float = 0.0) -> Objective:
    """The objective that a recipe names; under a loss of the user's own, outputs read as the target's usually do."""
    usual = task.target.losses[0]
    if loss is not None and is_own(loss):
        return Objective(usual, function=OwnLoss(loss))
    return Objective(loss or usual, smoothing)


def usual_strength(penalty: str, task: Task, examples: int) -> float:
    """lambda if it is not given: that of the most probable weights under a prior (Bishop 2006, section 3.3).

    The prior is one under which the scores of standardised inputs of d numbers have the variance v = 10: weights of
    variance v / d, whose negative logarithm over n examples is d / (2 v n) times the sum of squares (l2); or, of the
    same variance, Laplace's distribution and sqrt(2 d / v) / n times the sum of absolutes (l1). Max-norm has no prior.

    Args:
        penalty: its name.
        task: says how many numbers one input has.
        examples: training examples, n.
    """
    inputs = math.prod(task.inputs.shape)
    if penalty == "l2":
        return inputs / (2 * VARIANCE_OF_SCORES * examples)
    if penalty == "l1":
        return math.sqrt(2 * inputs / VARIANCE_OF_SCORES) / examples
    return USUAL_STRENGTHS[penalty]


def weigh_classes(objective: Objective, class_weights: str, context: Context) -> Objective:
    """The objective under which all classes of the training examples count alike, if class weights are `balanced`."""
    if class_weights == "none":
        return objective
    dataset = context.dataset
    counts = dataset.task.target.class_sizes(dataset, context.splits.training)
    assert counts is not None
    weights = (counts.sum() / (counts * len(counts))).float()
    return replace(objective, class_weights=weights.to(context.execution.device))
