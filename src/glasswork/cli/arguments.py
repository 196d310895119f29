"""The command line's words: every field of a recipe is a flag with its sentence as help.

Built on argparse, out of the recipe's fields: with tyro `--help` took 0.49 s here against 0.3 s, and 0.4 s is promised.
"""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, Literal, NoReturn, get_args, get_origin

from glasswork import catalogue
from glasswork.cli.verbs import VERBS, verb_called
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine, Options


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
    top = Parser(
        prog="glasswork",
        description="A deep-learning workbench with the lid off.",
        epilog="Begin with: glasswork train lenet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for verb, sentence in VERBS.items():
        parser = verbs.add_parser(verb, help=sentence, description=sentence, allow_abbrev=False)
        if verb == asked:
            verb_called(verb).fill(parser, arguments)
            parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, no more")
    if asked is not None and asked not in VERBS:
        near = difflib.get_close_matches(asked, VERBS, 1)
        raise GlassworkError(f"There is no verb '{asked}': " + (f"did you mean '{near[0]}'?" if near else "see --help"))
    if asked == "graph":  # argparse takes what has a space in it for no flag, so that -x*y can be an expression
        arguments = [f" {word}" if word[:1] == "-" and word[:2] != "--" else word for word in arguments]
    options, unknown = top.parse_known_args(arguments)
    if unknown:
        raise GlassworkError(_unknown(unknown[0], verbs.choices[options.verb] if options.verb else top))
    if options.verb is None:
        top.print_help()
        raise SystemExit(0)
    return options


def asked_values(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of recipe and machine that were given, for a verb that takes them."""
    recipes: list[type[Options]] = [*(row.recipe for row in catalogue.SYSTEMS.values()), Machine]
    fields = {name for options_class in recipes for name in options_class.model_fields}
    given = vars(options)
    return {key: given[key] for key in fields if given.get(key) is not None}


def add_run(parser: argparse.ArgumentParser) -> None:
    """Adds the run that a verb works on."""
    parser.add_argument("run", metavar="RUN", help="the run's folder, or its name under runs/")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds where the model shall answer."""
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="cpu, cuda, cuda:1, mps")


def add_out(parser: argparse.ArgumentParser, sentence: str) -> None:
    """Adds the file that findings are written to."""
    parser.add_argument("--out", metavar="FILE", help=sentence)


def add_fields(
    group: Any, options: type[Options], preset: dict[str, Any], several: bool = False, leave_out: Sequence[str] = ()
) -> None:
    """Adds a flag for every field, with its sentence as help and the preset's value as default.

    Args:
        group: of the parser.
        options: whose fields.
        preset: values that differ from the fields' defaults.
        several: a flag may be given several values, and is a list then even of one.
        leave_out: fields that get no flag.
    """
    for name, field in options.model_fields.items():
        if name in leave_out:
            continue
        default = preset.get(name, field.default)
        words = ",".join(map(str, default)) if isinstance(default, tuple) else default
        shown = "" if words in (None, "", False) else f" (default: {words})"
        sentence = f"{field.description}{shown}".replace("%", "%%")
        flag, choices = f"--{name.replace('_', '-')}", _choices(field.annotation)
        if field.annotation is bool:
            group.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=None, help=sentence)
        else:
            metavar, count = None if choices else _metavar(name, field.annotation), "+" if several else None
            group.add_argument(flag, dest=name, choices=choices, nargs=count, metavar=metavar, help=sentence)


def _choices(annotation: Any) -> list[str] | None:
    options = [annotation, *get_args(annotation)]
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
    near = difflib.get_close_matches(flag, parser._option_string_actions, 1)
    return f"there is no recipe key or flag '{flag}': " + (f"did you mean '{near[0]}'?" if near else "see --help")
