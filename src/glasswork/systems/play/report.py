"""What a run says of how it played: returns of the test episodes, how it learned, and a game as a picture."""

import math
from collections.abc import Sequence

import numpy as np

from glasswork.report.blocks import Block, Curves, Line
from glasswork.report.report import Score, Section
from glasswork.systems.play.episodes import Episode
from glasswork.systems.play.recipe import PlayRecipe
from glasswork.systems.process import Outcome
from glasswork.systems.system import Findings
from glasswork.training.stage import Best, Tree

NOTHING_LEARNED = "learning never began: more --steps than --learning-starts are needed"


def report_play(
    recipe: PlayRecipe, episodes: Sequence[Episode], best: Best | None, last: Tree | None, warnings: Sequence[str]
) -> Outcome:
    """The figures and sections of a run.

    Args:
        recipe: of the run.
        episodes: of the test.
        best: the best evaluation.
        last: the state of the last step.
        warnings: sentences about the run.
    """
    returns, test = [episode.total for episode in episodes], figures_of(episodes)
    half = 1.96 * test["deviation"] / math.sqrt(len(returns)) if len(returns) > 1 else 0.0
    mean, played = test["mean_return"], 0 if last is None else int(last["played"])
    interval = (mean - half, mean + half) if half else None
    score = Score("mean return", mean, interval=interval, in_percent=False)
    said = [*warnings, *([NOTHING_LEARNED] if last is None or not last["learner"]["updates"] else [])]
    result = {
        "best_epoch": best.epoch if best else None,
        "validation": dict(best.judgement.metrics) if best else {},
        "test": test,
        "measured_on": "test",
        "episodes": len(episodes),
        "played": played,
        "warnings": said,
    }
    return Outcome(Findings(score, _sections(returns, last)), result)


def figures_of(episodes: Sequence[Episode]) -> dict[str, float]:
    """Named figures of some episodes."""
    returns = [episode.total for episode in episodes]
    return {
        "mean_return": float(np.mean(returns)),
        "deviation": float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0,
        "lowest": min(returns),
        "highest": max(returns),
        "mean_length": float(np.mean([episode.length for episode in episodes])),
    }


def _sections(returns: Sequence[float], last: Tree | None) -> list[Section]:
    blocks: list[Block] = []
    if last is not None and last["curve"]:
        points = [(float(played), float(mean)) for played, mean in last["curve"]]
        blocks.append(Curves("Mean return of the last 100 episodes while learning", [Line("return", points)], "steps"))
    ordered = [(float(place), float(value)) for place, value in enumerate(sorted(returns), 1)]
    blocks.append(Curves("Return of each test episode, lowest first", [Line("return", ordered)], "episode"))
    reading = (
        "The return is the sum of the rewards of an episode as the game gives them. While it learns it also takes "
        "random actions, so that it plays better in the test than it did then."
    )
    return [Section("How it played", reading, blocks)]
