"""Text at stages of training (Kolter's and Kovashka's poetry slide): samples written at a few moments of a run."""

from collections.abc import Iterator

from glasswork.data.kinds.task import Task
from glasswork.execution import mixed
from glasswork.systems.characters.decoding import Choice
from glasswork.systems.characters.generate import write
from glasswork.training.fit import fit
from glasswork.training.stage import Stage
from glasswork.training.step import Step, Tree

LENGTH = 300
CHOICE = Choice(temperature=0.7)


def sampled(stage: Stage, start: Tree | None, task: Task, prompt: str, moments: int) -> Iterator[Step]:
    """Fits, and lets the network write a sample at some moments, more of them early; the steps' state keeps them.

    Network, random generators and steps are left as they are.

    Args:
        stage: of the character model.
        start: the state of a former step; its samples are kept.
        task: of the text.
        prompt: what each sample goes on from; empty: the most usual beginning, a line break where there is one.
        moments: how many; 0: none.
    """
    samples: list[Tree] = list(start["samples"]) if start is not None else []
    for step in fit(stage, start):
        if moments and _due(step, samples, moments):
            words = write(stage.network, task, prompt, LENGTH, CHOICE, mixed(stage.seed, step.number))
            samples = [*samples, _sample(step, prompt + "".join(words))]
        kept = samples

        def state(step: Step = step, kept: list[Tree] = kept) -> Tree:
            return {**step.state(), "samples": kept}

        yield step._replace(state=state)


def _sample(step: Step, words: str) -> Tree:
    return {
        "step": step.number,
        "epoch": step.epoch,
        "progress": step.progress,
        "loss": float(step.loss),
        "text": words,
    }


def _due(step: Step, samples: list[Tree], moments: int) -> bool:
    """Whether the next moment has come: the first step, the last, and between them at shares (k / moments)^2."""
    if step.last or not samples:
        return True
    before = int((moments - 1) * samples[-1]["progress"] ** 0.5)
    return int((moments - 1) * step.progress**0.5) > before
