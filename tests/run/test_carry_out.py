"""A run knows only its process: one without data or network is logged, stopped, resumed and finished like others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from glasswork.data.fingerprint import Fingerprint
from glasswork.data.summary import Summary
from glasswork.execution import Execution
from glasswork.report.report import Score
from glasswork.run.carry_out import Run
from glasswork.run.finish import finish
from glasswork.run.folder import RunFolder
from glasswork.run.request import make_request
from glasswork.systems.attempts import Attempts
from glasswork.systems.process import Outcome
from glasswork.systems.system import Findings
from glasswork.training.checkpoints import checkpoints, load_checkpoint
from glasswork.training.stage import Step, Tree

STEPS = 6


class Halving:
    """Halves a number, step by step."""

    recipe = make_request("mlp", {}).recipe
    execution = Execution()
    summary = Summary("nowhere", {}, "a number", "half of it", {}, 1.0, 0, ())
    memory, seconds, remarks, fingerprint = None, None, (), Fingerprint(0, "", "", "")

    def next_commands(self, run: str) -> list[tuple[str, str]]:
        return [(f"glasswork compare {run} OTHER", "compares")]

    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        number, value = (0, torch.ones(())) if start is None else (start["number"], start["network"]["value"])
        for made in range(number + 1, STEPS + 1):
            value = value / 2
            tree = {"stage": "halve", "number": made, "elapsed": 0.0, "network": {"value": value}, "best": None}
            yield Step(
                stage="halve",
                number=made,
                epoch=made,
                epoch_ended=True,
                last=made == STEPS,
                progress=(made - 1) / STEPS,
                examples=1,
                loss=value,
                penalty=None,
                learning_rate=0.5,
                gradient_norm=None,
                judgement=None,
                best=None,
                elapsed=0.0,
                state=lambda tree=tree: tree,
            )

    def complete(self, last: Tree | None) -> None:
        return None

    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        assert last is not None
        value = float(last["network"]["value"])
        score = Score("value", value, in_percent=False)
        return Outcome(Findings(score, files={"value.txt": f"{value}".encode()}), {"value": value})


def made(name: str, state: Tree | None = None) -> Run:
    folder = RunFolder(Path(name)) if state is not None else RunFolder.create(name, "mlp")
    folder.key = "halving"
    if state is None:
        folder.write("environment.json", {"processor": "", "system": "", "python": "", "packages": {}})
    return Run(folder, make_request("mlp", {}), Halving(), state)


def test_a_process_without_data_or_network_is_carried_out(tmp_path: Path) -> None:
    run = made("whole")
    assert [float(step.loss) for step in run.steps()] == [0.5**number for number in range(1, STEPS + 1)]
    assert not run.interrupted
    result = finish(run)
    assert (result["value"], result["steps"], result["epochs"]) == (0.5**STEPS, STEPS, STEPS)
    written = json.loads(Path("whole/result.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in written.items() if key not in {"digest", "run_key"}} == result
    assert Path("whole/value.txt").read_text(encoding="utf-8") == f"{0.5**STEPS}"
    assert not Path("whole/model").exists()
    assert "glasswork compare whole OTHER" in Path("whole/report.html").read_text(encoding="utf-8")


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    whole = made("whole")
    for _ in whole.steps():
        pass
    whole.folder.unlock()
    stopped = made("stopped")
    steps = stopped.steps()
    for _ in range(4):
        next(steps)
    steps.close()
    assert stopped.last is not None and stopped.last.number == 4
    stopped.folder.unlock()
    again = made("stopped", load_checkpoint(checkpoints(Path("stopped/checkpoints"))[-1]))
    assert [step.number for step in again.steps()] == [5, 6]
    assert Path("stopped/steps.jsonl").read_bytes() == Path("whole/steps.jsonl").read_bytes()
