"""The command line's words: every field of a recipe is a flag with its sentence as help.

Built on argparse, out of the recipe's fields: with tyro `--help` took 0.49 s here against 0.3 s, and 0.4 s is promised.
"""

import argparse
import contextlib
import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

from pydantic_core import PydanticUndefined

from glasswork import catalogue
from glasswork.cli.verbs import VERBS
from glasswork.errors import GlassworkError
from glasswork.own_code import is_own, name_loss, name_network
from glasswork.recipe.base import RENAMED, Machine, Options, ProcessRecipe, Repeatable
from glasswork.run.request import read_toml
from glasswork.studies.study import Argument
from glasswork.systems.supervised.recipe import SupervisedRecipe

SHORT = {"learning_rate": ("--lr",)}
"""Other flags for a field."""
_NEGATIVE_NUMBERS = re.compile(r"-[\d.]\S*,\S*")
"""Such as -999,9999: argparse takes it for a flag unless it has a space in it."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are sentences with the nearest flag."""

    def error(self, message: str) -> NoReturn:
        """Raises the mistake."""
        raise GlassworkError(
            f"{message} (glasswork {self.prog.removeprefix('glasswork').strip()} --help)".replace("  ", " ")
        )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The verb and its options.

    Raises:
        GlassworkError: for an unknown verb or flag, with the nearest one.
        SystemExit: after printing help.
    """
    name, words = arguments[0], list(arguments[1:])
    system = next(iter(_values_of("--system", words)), None)
    for loss in filter(is_own, _values_of("--loss", words)):
        name_loss(loss)
    for network in filter(is_own, _values_of("--network", words)):
        name_network(network)
    own = None if system is None else catalogue.name_system(system).presets[0].name
    if name.startswith("-"):
        raise GlassworkError(f"A verb comes first, and '{name}' is none: glasswork --help lists them")
    if name not in VERBS:
        near = difflib.get_close_matches(name, VERBS, 1)
        raise GlassworkError(f"There is no verb '{name}': " + (f"did you mean '{near[0]}'?" if near else "see --help"))
    verb = VERBS[name]
    parser = Parser(prog=f"glasswork {name}", description=verb.sentence, allow_abbrev=False)
    verb.fill(parser, arguments)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else on standard output")
    parser.add_argument(
        "--system", metavar="FILE.py:CLASS", help="your own system, whose code is run; also needed to use its runs"
    )
    if "--loss" not in parser._option_string_actions:
        parser.add_argument(
            "--loss", metavar="FILE.py:FUNCTION", help="a loss of your own, whose code runs: to use a run of it"
        )
    if "--network" not in parser._option_string_actions:
        parser.add_argument(
            "--network", metavar="FILE.py:CLASS", help="a network of your own, whose code runs: to use a run of it"
        )
    if name == "graph":  # argparse takes what has a space in it for no flag, so that -x*y can be an expression
        words = [f" {word}" if word[:1] == "-" and word[:2] != "--" else word for word in words]
    words = [f" {word}" if _NEGATIVE_NUMBERS.fullmatch(word) else word for word in words]
    options, unknown = parser.parse_known_args(words, argparse.Namespace(verb=name))
    if unknown:
        raise GlassworkError(_unknown(unknown[0], parser))
    if own is not None and "what" in options and not options.what:
        options.what = [own] if isinstance(options.what, list) else own
    return options


def _values_of(wanted: str, words: Sequence[str]) -> list[str]:
    """What a flag that names the user's own code is given, which has to be known before the flags are parsed."""
    found: list[str] = []
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag == wanted:
            found += [value] if equals else takewhile(lambda each: each[:2] != "--", words[place + 1 :])
    return found


def asked_values(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of recipe and machine that were given, in the order of the recipe's fields."""
    rows = (*catalogue.SYSTEMS.values(), *catalogue.OWN.values())
    recipes: list[type[Options]] = [*(row.recipe for row in rows), Machine]
    fields = dict.fromkeys(name for options_class in recipes for name in options_class.model_fields)
    given = vars(options)
    return {key: given[key] for key in fields if given.get(key) is not None}


def add_run(parser: argparse.ArgumentParser) -> None:
    """Adds the run that a verb works on."""
    parser.add_argument("run", metavar="RUN", help="the run's folder, or its name under runs/")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds where the model shall answer."""
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE", help="cpu, cuda, cuda:1 or mps (default: the fastest available)"
    )


def add_out(parser: argparse.ArgumentParser, sentence: str) -> None:
    """Adds the file that findings are written to."""
    parser.add_argument("--out", metavar="FILE", help=sentence)


def recipe_of(words: Sequence[str]) -> tuple[type[ProcessRecipe], dict[str, Any]]:
    """The recipe whose fields are flags: of the preset that is named, or that a recipe's file names.

    Returns:
        The recipe, and the values of the preset that differ from its defaults.
    """
    known = {**catalogue.PRESETS, **catalogue.OWN, **catalogue.ALIASES}
    name = _named_in_file(words) or next((word for word in words if word in known), next(iter(catalogue.OWN), None))
    if name is None:
        return SupervisedRecipe, {}
    preset = catalogue.preset(name)
    return catalogue.recipe_of(name), {"data": preset.data, **preset.values}


def _named_in_file(words: Sequence[str]) -> str | None:
    """The preset that a recipe's file names, or that of the run to train on from; mistakes are told later."""
    files = [Path(word) for word in words if word.endswith(".toml")]
    for flag, run in pairwise([*words, ""]):
        run = flag.partition("=")[2] if flag.startswith("--from=") else run
        if flag.partition("=")[0] == "--from" and run:
            files += [Path(run, "recipe.toml"), Path("runs", run, "recipe.toml")]
    for file in files:
        with contextlib.suppress(GlassworkError):
            name = read_toml(file).get("preset")
            return name if name in catalogue.PRESETS else None
    return None


def add_options(parser: argparse.ArgumentParser, options: type[Options]) -> None:
    """Adds a flag or a positional argument for each option of a study, with its sentence as help."""
    for name, field in options.model_fields.items():
        place = next((mark for mark in field.metadata if isinstance(mark, Argument)), Argument())
        if place.hidden:
            continue
        kinds = {field.annotation, *get_args(field.annotation)}
        sentence = f"{field.description}{_default(field.default)}".replace("%", "%%")
        if bool in kinds:
            parser.add_argument(_flag(name), dest=name, action="store_true", default=None, help=sentence)
            continue
        kind = int if int in kinds else float if float in kinds else str
        settings: dict[str, Any] = {
            "type": kind,
            "choices": place.choices or None,
            "metavar": None if place.choices else place.metavar or _metavar(name, field.annotation),
            "nargs": "+" if any(get_origin(one) is tuple for one in kinds) else None,
            "help": sentence,
        }
        if place.positional:
            parser.add_argument(name, **settings)
        else:
            parser.add_argument(_flag(name), dest=name, **settings)


def add_fields(
    group: Any, options: type[Options], preset: dict[str, Any], fields: Iterable[str], several: bool = False
) -> None:
    """Adds a flag for each field, with its sentence as help and the preset's value as default.

    Args:
        group: of the parser.
        options: whose fields.
        preset: values that differ from the fields' defaults.
        fields: those that get a flag.
        several: a flag may be given several values, and is a list then even of one.
    """
    for name in fields:
        field = options.model_fields[name]
        if field.annotation is type(None):  # such as the data of what learns from none
            continue
        default = preset.get(name, field.default)
        sentence = f"{field.description}{_default(default, ',')}".replace("%", "%%")
        flag, choices = _flag(name), _choices(field.annotation)
        if bool in {field.annotation, *get_args(field.annotation)}:
            group.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=None, help=sentence)
        else:
            metavar, count = None if choices else _metavar(name, field.annotation), "+" if several else None
            settings: dict[str, Any] = {"choices": choices, "nargs": count, "metavar": metavar, "help": sentence}
            mark = next((mark for mark in field.metadata if isinstance(mark, Repeatable)), None)
            if mark is not None and not several:
                settings |= {"action": "append", "metavar": mark.metavar}
            group.add_argument(flag, *SHORT.get(name, ()), dest=name, **settings)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _default(value: Any, between: str = " ") -> str:
    words = between.join(map(str, value)) if isinstance(value, tuple) else value
    return "" if words in (None, "", False, PydanticUndefined) else f" (default: {words})"


def _choices(annotation: Any) -> list[str] | None:
    options = [annotation, *get_args(annotation)]
    if str in options or any(get_origin(option) is Annotated for option in options):
        return None
    return next((list(get_args(option)) for option in options if get_origin(option) is Literal), None)


def _metavar(name: str, annotation: Any) -> str:
    kinds = {annotation, *get_args(annotation)}
    if name == "budget":
        return "TIME"
    if float in kinds:
        return "NUMBER"
    return "WHOLE" if int in kinds else "WORDS" if "tuple" in str(annotation) else "TEXT"


def _unknown(word: str, parser: argparse.ArgumentParser) -> str:
    if not word.startswith("-"):
        return f"'{word}' is one word too many (glasswork --help)"
    flag = word.split("=")[0]
    renamed = "--" + RENAMED.get(flag.removeprefix("--").replace("-", "_"), "").replace("_", "-")
    if renamed in parser._option_string_actions:
        return f"{flag} is now called {renamed}"
    near = difflib.get_close_matches(flag, parser._option_string_actions, 1)
    return f"there is no recipe key or flag '{flag}': " + (f"did you mean '{near[0]}'?" if near else "see --help")
