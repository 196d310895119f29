"""Files of runs are damaged in every way that disks and people have: no verb ends in a traceback or believes them.

`python -m tests.damage --damages 1000` damages one file of a finished or interrupted run at a time, and carries out
every verb that reads runs. A verb has to end with one sentence, or with what it says about the undamaged run: the same
weights and figures. What a damage may change, such as curves that lack their beginning, has to be said.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # for `python -m tests.damage`

import made_files

PLAIN = ["--threads", "1", "--precision", "float32", "--memory-format", "contiguous", "--allocator", "default"]
RUN, OTHER = "runs/run", "runs/other"
TOLD = ('"problem"', "damaged", "missing", "no checkpoint", "left out", "began again")
CLOCKS = ("seconds", "problem", "warnings", "left_out", "steps", "epochs", "url", "path", "run", "updates", "remarks")
"""Entries of answers that are about time or place, or say what was damaged."""


@dataclass(frozen=True)
class Scene:
    """A system's runs as they were written: `finished`, `stopped`, and another one that files are swapped with."""

    name: str
    folder: Path
    given: str
    naming: tuple[str, ...] = ()

    def verbs(self, kind: str) -> dict[str, list[str]]:
        """The command lines that read a run."""
        resume = {"resume": ["resume", RUN, "--json", *self.naming]}
        listed = {"runs": ["runs", "--json"], "compare": ["compare", RUN, OTHER, "--json"]}
        if kind == "stopped":
            return {**listed, **resume}
        used = {
            "evaluate": ["evaluate", RUN, "--json", *self.naming],
            "predict": ["predict", RUN, self.given, "--json", *self.naming],
            "open": ["open", RUN, self.given, "--json", *self.naming],
            "diagnose": ["diagnose", RUN, "--json", *self.naming],
            "export": ["export", RUN, "--to", "safetensors", "--out", "exported.safetensors", "--json", *self.naming],
        }
        return {**listed, **used, **resume}  # resume last, as it mends


@dataclass
class Outcome:
    """What came of it."""

    damages: int = 0
    verbs: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a verb came to: exit code, what was printed, the weights that it left."""

    code: int
    output: str
    errors: str
    weights: dict[str, bytes]

    @property
    def told(self) -> bool:
        """Whether the damage was said."""
        return any(word in self.output + self.errors for word in TOLD)

    @property
    def figures(self) -> Any:
        """The JSON that was printed, without times."""
        return timeless(json.loads(self.output)) if self.output.strip() else None


def timeless(value: Any) -> Any:
    """Plain JSON without what depends on the clock or tells the damage."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key not in CLOCKS}
    return [timeless(item) for item in value] if isinstance(value, list) else repr(value)


def carry_out(words: Sequence[str]) -> Answer:
    """Carries out one command line."""
    from glasswork.cli import main

    Path("exported.safetensors").unlink(missing_ok=True)
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main(words)
    weights = {"resume": Path(RUN, "model", "model.safetensors"), "export": Path("exported.safetensors")}.get(words[0])
    left = tensors_of(weights) if code == 0 and weights is not None else {}
    return Answer(code, output.getvalue(), errors.getvalue(), left)


def tensors_of(path: Path) -> dict[str, bytes]:
    """The bytes of each tensor in a file: safetensors may write the words beside them in any order."""
    from safetensors.numpy import load_file

    return {name: array.tobytes() for name, array in load_file(path).items()}


def make_scenes(folder: Path) -> list[Scene]:
    """Small runs of several systems."""
    import glasswork as gw

    table = made_files.write_table(folder / "table.csv", "class")
    series, text = made_files.write_series(folder / "series.csv"), made_files.write_text(folder / "text.txt")
    pictures = made_files.write_npz(folder / "pictures.npz", "class")
    sentences = made_files.write_sentences(folder / "sentences.conll")
    network = made_files.write_network(folder)
    asked: list[tuple[str, str, Path, str, list[str], tuple[str, ...]]] = [
        ("table", "mlp", table, str(table), [], ()),
        ("pictures", "linear", pictures, str(pictures), [], ()),
        ("series", "forecast", series, str(series), ["--target", "demand"], ()),
        ("text", "char-rnn", text, str(text), ["--hidden-size", "4"], ()),
        ("sentences", "tagger", sentences, str(sentences), ["--hidden-size", "4"], ()),
        ("own", "own", pictures, str(pictures), [], ("--network", network)),
    ]
    made = []
    for name, preset, data, given, words, naming in asked:
        for kind, seed in (("finished", 0), ("stopped", 0), ("other", 1), ("onward", 0)):
            out = folder / name / kind
            if kind == "onward" and name != "table":
                continue
            what = ["--from", str(folder / name / "finished")] if kind == "onward" else [preset, "--data", str(data)]
            words_ = ["train", *what, *words, *PLAIN, "--epochs", "2", "--seed", str(seed), "--out", str(out), *naming]
            if kind == "stopped":
                options = {"threads": 1, "precision": "float32", "memory_format": "contiguous", "allocator": "default"}
                fields: dict[str, Any] = {words[0].strip("-").replace("-", "_"): words[1]} if words else {}
                own = {"network": naming[1]} if naming else {}
                steps = gw.steps(preset, data=data, epochs=2, seed=0, out=str(out), **own, **options, **fields)  # type: ignore[arg-type]
                for step in steps:
                    if step.number == 1:
                        break
                steps.close()  # type: ignore[attr-defined]
                continue
            code = carry_out_quietly(words_)
            assert code == 0, words_
        made.append(Scene(name, folder / name, given, naming))
    return made


def carry_out_quietly(words: Sequence[str]) -> int:
    """Carries out one command line; its exit code."""
    from glasswork.cli import main

    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = main(words)
    if code:
        print(errors.getvalue(), file=sys.stderr)
    return code


def lay_out(scene: Scene, kind: str) -> None:
    """Puts the undamaged runs where the verbs look for them."""
    for name, source in ((RUN, kind), (OTHER, "other")):
        shutil.rmtree(name, ignore_errors=True)
        shutil.copytree(scene.folder / source, name)


# What disks and people do to a file: each says in words what it did, or does nothing and says None.


def flip(path: Path, scene: Scene, draw: random.Random) -> str | None:
    data = bytearray(path.read_bytes())
    if not data:
        return None
    place = draw.randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    return f"bit {place} flipped"


def cut(path: Path, scene: Scene, draw: random.Random) -> str | None:
    data = path.read_bytes()
    kept = draw.randrange(len(data)) if data else 0
    path.write_bytes(data[:kept])
    return f"cut after {kept} bytes"


def cut_lines(path: Path, scene: Scene, draw: random.Random) -> str | None:
    lines = path.read_bytes().splitlines(keepends=True)
    if len(lines) < 2:
        return None
    place = draw.randrange(len(lines))
    change = draw.choice(("left out", "twice", "first"))
    lines[place : place + 1] = {"left out": [], "twice": [lines[place]] * 2, "first": []}[change]
    path.write_bytes(b"".join(lines))
    return f"line {place + 1} {change}"


def zero(path: Path, scene: Scene, draw: random.Random) -> str | None:
    data = bytearray(path.read_bytes())
    if not data:
        return None
    start = draw.randrange(0, len(data), 4096)
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    path.write_bytes(data)
    return f"page at {start} zeroed"


def empty(path: Path, scene: Scene, draw: random.Random) -> str | None:
    path.write_bytes(b"")
    return "emptied"


def delete(path: Path, scene: Scene, draw: random.Random) -> str | None:
    path.unlink()
    return "deleted"


def swap(path: Path, scene: Scene, draw: random.Random) -> str | None:
    """With the same file of another run, or with another file of the same run."""
    inside = path.relative_to(RUN)
    same = [Path(OTHER, inside)] if Path(OTHER, inside).is_file() else []
    others = [one for one in files() if one.suffix == path.suffix and one != path]
    if not same + others:
        return None
    other = draw.choice(same + others)
    if other.read_bytes() == path.read_bytes():
        return None
    shutil.copyfile(other, path)
    return f"replaced by {other}"


VALUES = (None, [], {}, "word", "", -1, 10**30, 1.5, float("nan"), True, [[[]]], "\x1b[31m", "NaN")


def retype(path: Path, scene: Scene, draw: random.Random, edited: bool = False) -> str | None:
    """One value of a JSON or TOML file becomes another one; `edited`: with the digest that accepts it."""
    import tomllib

    import tomli_w

    if path.suffix not in {".json", ".toml"}:
        return None
    text = path.read_text(encoding="utf-8")
    table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    places = [(table, key) for key in table]
    for owner, key in places:
        inner = owner[key]
        if isinstance(inner, (dict, list)):
            places += [(inner, one) for one in (inner if isinstance(inner, dict) else range(len(inner)))]
    owner, key = draw.choice([place for place in places if place[1] != "digest"])
    value = draw.choice([one for one in VALUES if one is not None or path.suffix == ".json"])
    owner[key] = value
    if edited:
        table["digest"] = "edited"
    path.write_text(json.dumps(table) if path.suffix == ".json" else tomli_w.dumps(table), encoding="utf-8")
    return f"{key} became {value!r}"


def edit(path: Path, scene: Scene, draw: random.Random) -> str | None:
    return retype(path, scene, draw, edited=True)


DAMAGES: tuple[Callable[[Path, Scene, random.Random], str | None], ...] = (
    flip,
    flip,
    cut,
    cut_lines,
    zero,
    empty,
    delete,
    swap,
    swap,
    retype,
    edit,
)


def files() -> list[Path]:
    """The files of the run."""
    return sorted(path for path in Path(RUN).rglob("*") if path.is_file() and path.name != ".lock")


def entries() -> list[Path]:
    """The entries of the cache."""
    return sorted(Path(os.environ["GLASSWORK_CACHE"]).glob("*.safetensors"))


def problem_of(verb: str, kind: str, accepted: bool, now: Answer, before: Answer) -> str:
    """What is wrong with an answer; empty: nothing."""
    if now.code not in {0, 2}:
        return f"exit code {now.code}: {now.errors}"
    if now.code == 2:
        sentences = [line for line in now.errors.splitlines() if line.startswith("glasswork: ")]
        return "" if len(sentences) == 1 and not now.output else f"not one sentence: {now.errors}"
    if accepted:  # a person said so
        return ""
    if now.weights != before.weights:
        return "other weights"
    if verb in {"runs", "compare"}:
        mine, whole = ({run["run"]: run for run in json.loads(one.output)["runs"]} for one in (now, before))
        for name, run in mine.items():
            if run.get("problem") or (
                not run.get("result", run.get("finished")) and not Path(RUN, "result.json").exists()
            ):
                continue  # damaged; or unfinished, as far as anybody can see
            if verb == "compare" and now.told:  # fields that differ are those of the runs that can be read
                run, whole[name] = ({**one, "differing": {}} for one in (run, whole[name]))
            if timeless(run) != timeless(whole[name]):
                return f"other figures: {run} instead of {whole[name]}"
        lacking = whole.keys() - mine.keys()
        return "" if not lacking or not Path(RUN, "recipe.toml").is_file() else f"{lacking} not listed"
    if now.figures != before.figures:
        return f"other figures: {now.output[:2000]} instead of {before.output[:2000]}"
    return ""


@contextlib.contextmanager
def place_for_it() -> Iterator[Path]:
    """A folder of its own, with a cache of its own."""
    before, kept = Path.cwd(), os.environ.get("GLASSWORK_CACHE")
    folder = Path(tempfile.mkdtemp(prefix="damage"))
    os.environ["GLASSWORK_CACHE"] = str(folder / "cache")
    try:
        os.chdir(folder)
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)
        if kept is None:
            del os.environ["GLASSWORK_CACHE"]
        else:
            os.environ["GLASSWORK_CACHE"] = kept


def damage(damages: int | None, seconds: float | None, seed: int, verbose: bool = False) -> Outcome:
    """Damages one file after another until there were so many, or the time is over.

    Args:
        damages: how many; None: as many as the time allows.
        seconds: how long; None: no limit.
        seed: of the draws.
        verbose: print each failure as it comes.
    """
    outcome, draw = Outcome(), random.Random(seed)
    with place_for_it() as folder:
        scenes = make_scenes(folder)
        whole: dict[tuple[str, str, str], Answer] = {}
        shutil.copytree(folder / "cache", folder / "cache-kept")
        began = time.monotonic()
        while (damages is None or outcome.damages < damages) and (
            seconds is None or time.monotonic() - began < seconds
        ):
            scene = draw.choice(scenes)
            kinds = ("finished", "finished", "stopped", *(["onward"] if scene.name == "table" else []))
            damage_one(scene, draw.choice(kinds), draw, whole, outcome, verbose)
    return outcome


def damage_one(
    scene: Scene,
    kind: str,
    draw: random.Random,
    whole: dict[tuple[str, str, str], Answer],
    outcome: Outcome,
    verbose: bool,
) -> None:
    """Damages one file of one run, and carries out every verb."""
    for verb, words in scene.verbs(kind).items():
        if (scene.name, kind, verb) not in whole:
            lay_out(scene, kind)
            whole[scene.name, kind, verb] = answer = carry_out(words)
            assert answer.code == 0, (words, answer)
    lay_out(scene, kind)
    path = draw.choice(files() if draw.random() < 0.95 else entries())
    change = draw.choice(DAMAGES if path.is_relative_to(RUN) else (flip, cut, zero, empty))
    said = change(path, scene, draw)
    if said is None:
        return
    outcome.damages += 1
    described = f"{scene.name} {kind}: {path}: {said}"
    for verb, words in scene.verbs(kind).items():
        before = whole[scene.name, kind, verb]
        try:
            now = carry_out(words)
            problem = problem_of(verb, kind, change is edit, now, before)
        except Exception as error:
            now, problem = None, "".join(traceback.format_exception(error))
        told = "traceback" if now is None else "refused" if now.code else "said" if now.told else "the same"
        outcome.verbs[verb, told] += 1
        if problem:
            outcome.failures[f"{verb} after {described}"] = problem
            if verbose:
                print(f"{verb} after {described}\n{problem}", flush=True)
    if not path.is_relative_to(RUN):
        shutil.rmtree(os.environ["GLASSWORK_CACHE"])
        shutil.copytree(Path("cache-kept"), os.environ["GLASSWORK_CACHE"])


def main() -> int:
    """The command: how many files were damaged, what the verbs said, and where they were deceived."""
    parser = argparse.ArgumentParser(prog="python -m tests.damage", description=__doc__)
    parser.add_argument("--damages", type=int, default=None, help="files to damage")
    parser.add_argument("--seconds", type=float, default=None, help="stop after this time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    limit = options.damages or (None if options.seconds else 200)
    outcome = damage(limit, options.seconds, options.seed, verbose=True)
    for (verb, told), count in sorted(outcome.verbs.items()):
        print(f"{verb:10} {told:10} {count}")
    carried = sum(outcome.verbs.values())
    print(f"{outcome.damages} damages, {carried} command lines, {len(outcome.failures)} failures")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
