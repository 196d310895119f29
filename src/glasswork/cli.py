"""The verbs: parse, call the public face, print; no logic."""

import base64
import contextlib
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import glasswork as gw
from glasswork import catalogue
from glasswork.arguments import parse
from glasswork.errors import GlassworkError
from glasswork.files import write_new

if TYPE_CHECKING:
    from glasswork.glassbox.record import Record
    from glasswork.model import Model
    from glasswork.run.training import Training

MISTAKE, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command line; the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C.

    Args:
        arguments: the words after `glasswork`; absent: those of the process, whose budget then began with the process.
    """
    began = time.monotonic()
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        options.began = began if arguments is not None else None
        return VERBS[options.verb](options)
    except GlassworkError as error:
        print(f"glasswork: {str(error).removesuffix('.')}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(f"glasswork: the system refused{where}: {error.strerror or error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        print("glasswork: stopped", file=sys.stderr)
        return INTERRUPTED


def entry() -> NoReturn:
    """Carries out the process's command line and ends the process.

    Without taking the interpreter down: that takes 0.9 s once torch is loaded, and everything is on disk by now.
    """
    code = main()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _train(options: Namespace) -> int:
    from glasswork.device import process_seconds
    from glasswork.run.choose import ordered
    from glasswork.run.training import prepare
    from glasswork.show.progress import console_for_people

    what, console = options.what, console_for_people()
    if what and what.endswith(".toml"):
        order = catalogue.read_order(Path(what), options.values)
    else:
        order = ordered(what, options.values)
        if not (what or options.json or options.values.get("network")) and options.values.get("data"):
            console.print(f"{order.preset} is what fits this data: {catalogue.preset(order.preset).sentence}")
    spent = process_seconds() if options.began is None else time.monotonic() - options.began
    training = prepare(order, spent=spent)
    return _carry_out(training, options)


def _resume(options: Namespace) -> int:
    from glasswork.run.folder import RunFolder
    from glasswork.run.training import reopen

    return _carry_out(reopen(RunFolder.find(options.run)), options)


def _carry_out(training: "Training", options: Namespace) -> int:
    from glasswork.run.finish import finish, next_commands
    from glasswork.show.progress import console_for_people, shown
    from glasswork.show.terminal import print_numerics, print_result, print_summary

    console = console_for_people()
    if not options.json:
        print_summary(console, training.order.preset, training.summary)
        print_numerics(console, training.numerics)
    for _ in training.steps() if options.json else shown(training.steps(), console):
        pass
    if training.interrupted:
        at = f"after step {training.last.number}" if training.last else "before the first step"
        print(f"stopped {at} and saved: go on with glasswork resume {training.folder.name}", file=sys.stderr)
        return INTERRUPTED
    result = finish(training)
    if options.json:
        print(json.dumps(result))
    else:
        print_result(_console_for_results(), result, next_commands(training.folder))
    return 0


def _evaluate(options: Namespace) -> int:
    from glasswork.show.terminal import print_table

    model = gw.load(options.run, device=options.device)
    metrics = model.evaluate(options.data)
    if options.json:
        print(json.dumps({"run": model.run, "data": options.data, "metrics": metrics}))
    else:
        print_table(_console_for_results(), ("metric", "value"), list(metrics.items()))
    return 0


def _predict(options: Namespace) -> int:
    from glasswork.model import write_answers
    from glasswork.show.terminal import print_table

    model = gw.load(options.run, device=options.device)
    answers = model.predict(options.inputs)
    answers = answers if isinstance(answers, list) else [answers]
    problems = [answer.problem for answer in answers if answer.problem]
    if len(problems) == len(answers):
        raise GlassworkError(problems[0])
    for problem in problems:
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    if options.csv:
        write_answers(Path(options.csv), answers)
    if options.json:
        print(json.dumps({"run": model.run, "answers": [answer.to_json() for answer in answers]}))
    elif options.csv:
        print(f"{len(answers):,} answers in {options.csv}")
    else:
        rows = []
        for answer in answers:
            said = ", ".join(map(str, answer.answer)) if isinstance(answer.answer, tuple) else answer.answer
            runners = [f"{name} {chance:.1%}" for name, chance in list(answer.probabilities.items())[1:3]]
            sure = "" if answer.probability is None else f"{answer.probability:.1%}"
            rows.append((answer.input, said, sure, ", ".join(runners)))
        print_table(_console_for_results(), ("input", "answer", "probability", "next"), rows)
    return 0


def _runs(options: Namespace) -> int:
    from glasswork.run.folder import list_runs
    from glasswork.show.terminal import print_runs

    found = [(folder.name, folder.read("result.json")) for folder in list_runs()]
    if options.json:
        print(json.dumps({"runs": [{"run": name, "result": result} for name, result in found]}))
    elif not found:
        print("there are no runs here yet: glasswork train makes one")
    else:
        print_runs(_console_for_results(), found)
    return 0


def _compare(options: Namespace) -> int:
    from glasswork.experiments.compare import compare
    from glasswork.show.terminal import print_table

    runs = compare(options.runs)
    if options.json:
        print(json.dumps({"runs": [run.to_json() for run in runs]}))
        return 0
    figures = list(dict.fromkeys(name for run in runs for name in run.test))
    rows: list[list[object]] = [[key, *(_shown(run.differing[key]) for run in runs)] for key in runs[0].differing]
    rows += [[f"test {name}", *(run.test.get(name, "-") for run in runs)] for name in figures]
    rows += [["best epoch", *(run.best_epoch or "-" for run in runs)], ["seconds", *(run.seconds for run in runs)]]
    print_table(_console_for_results(), ("", *(run.run for run in runs)), rows)
    return 0


def _shown(value: object) -> object:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _systems(options: Namespace) -> int:
    from glasswork.recipes.toml import written_out
    from glasswork.show.terminal import print_table

    if options.action == "show":
        chosen = catalogue.order(options.preset, {})
        if options.json:
            print(json.dumps({"preset": options.preset, **chosen.recipe.model_dump()}))
        else:
            print(written_out(options.preset, catalogue.preset(options.preset).sentence, chosen.recipe), end="")
    elif options.json:
        print(json.dumps({"systems": [{"preset": p.name, "sentence": p.sentence} for p in gw.presets()]}))
    else:
        print_table(_console_for_results(), ("preset", ""), [(p.name, p.sentence) for p in gw.presets()])
    return 0


def _open(options: Namespace) -> int:
    model = gw.load(options.run, device=options.device)
    if options.features or options.attribution or options.landscape or options.unit:
        return _look(model, options)
    trace = model.open(options.input, options.target, learning_rate=options.learning_rate, parts=options.parts)
    from glasswork.show.trace import trace_page, trace_text

    page, text = partial(trace_page, classes=model.classes), partial(trace_text, classes=model.classes)
    return _shown_or_written(options, trace, text, {".html": page})


def _look(model: "Model", options: Namespace) -> int:
    """Features, attribution, one unit, the landscape: pictures on one page."""
    from glasswork.show.looking import looking_page

    if not (options.out or options.json):
        raise GlassworkError(
            "--features, --attribution, --unit and --landscape are pictures: name a page with --out look.html"
        )
    records: list[Record] = []
    if options.features:
        records += model.features(options.input)
    if options.attribution:
        records += model.attributions(options.input, options.target)
    if options.unit:
        layer, _, number = options.unit.rpartition(":")
        if not (layer and number.isdecimal()):
            raise GlassworkError(
                f"A unit is named by its layer and number, such as convolution_2:5, and not by {options.unit}"
            )
        records += model.unit(options.input, layer, int(number))
    if options.landscape:
        records.append(model.landscape())
    if options.out:
        title = f"{Path(model.run).name} on {Path(options.input).name}"
        _write_page(options.out, {".html": lambda: looking_page(title, records, model.classes)})
    if options.json:
        found = [{"finding": type(record).__name__, **record.to_json()} for record in records]
        print(json.dumps({"run": model.run, "input": options.input, "found": found}))
    return 0


def _diagnose(options: Namespace) -> int:
    from glasswork.show.diagnosis import diagnosis_page, diagnosis_text

    model = gw.load(options.run, device=options.device)
    title = Path(model.run).name
    return _shown_or_written(
        options, model.diagnose(options.data), diagnosis_text, {".html": lambda found: diagnosis_page(found, title)}
    )


def _graph(options: Namespace) -> int:
    from glasswork.glassbox.expressions import read_values
    from glasswork.show.graph import graph_page, graph_svg, graph_text

    found = gw.graph(options.expression, **read_values(options.assignments))
    return _shown_or_written(options, found, graph_text, {".html": graph_page, ".svg": graph_svg})


def _count(options: Namespace) -> int:
    from glasswork.show.count import count_text

    return _shown_or_written(options, gw.count(options.what, options.size), count_text, {})


def _convolve(options: Namespace) -> int:
    from glasswork.show.convolve import convolve_page, convolve_text

    padding = int(options.padding) if options.padding.isdecimal() else options.padding
    found = gw.convolve(options.image, options.kernel, options.stride, padding)
    return _shown_or_written(
        options, found, convolve_text, {".html": convolve_page, ".png": lambda one: base64.b64decode(one.result)}
    )


def _shown_or_written(
    options: Namespace, found: "Record", text: Callable[[Any], str], writers: dict[str, Callable[[Any], str | bytes]]
) -> int:
    """The findings where they are asked for: as JSON, in a file, or as text."""
    if getattr(options, "out", None):
        _write_page(options.out, {suffix: partial(writer, found) for suffix, writer in writers.items()})
    if options.json:
        print(json.dumps(found.to_json()))
    elif not getattr(options, "out", None):
        print(text(found).rstrip("\n"))
    return 0


def _write_page(name: str, writers: dict[str, Callable[[], str | bytes]]) -> None:
    """Writes a new file of the kind that its name's ending asks for.

    Raises:
        GlassworkError: for another ending, or where the file exists or cannot be written.
    """
    path = Path(name)
    if path.suffix.lower() not in writers:
        raise GlassworkError(f"--out writes {' or '.join(writers)}, and {name} ends in neither")
    write_new(path, writers[path.suffix.lower()]())
    print(f"written to {path}", file=sys.stderr)


def _console_for_results() -> Any:
    from rich.console import Console

    return Console(highlight=False)


VERBS: dict[str, Callable[[Namespace], int]] = {
    "train": _train,
    "resume": _resume,
    "evaluate": _evaluate,
    "predict": _predict,
    "runs": _runs,
    "compare": _compare,
    "systems": _systems,
    "open": _open,
    "diagnose": _diagnose,
    "graph": _graph,
    "count": _count,
    "convolve": _convolve,
}
