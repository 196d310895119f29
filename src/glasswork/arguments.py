"""The command line's words: every field of a recipe is a flag with its sentence as help.

Built on argparse, out of the recipe's fields: with tyro `--help` took 0.49 s here against 0.3 s, and 0.4 s is promised.
"""

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, Literal, NoReturn, get_args, get_origin

from glasswork import catalogue
from glasswork.errors import GlassworkError
from glasswork.recipes.base import Machine, Options
from glasswork.recipes.supervised import SupervisedRecipe

SENTENCES = {
    "train": "train a network on your data: glasswork train lenet --data photos/",
    "resume": "go on with a run that was stopped or killed",
    "evaluate": "measure a trained model on examples with known answers",
    "predict": "ask a trained model about files, folders or tables",
    "runs": "list the runs under runs/",
    "compare": "put runs side by side: recipe, figures, time",
    "systems": "list what can be trained; systems show NAME prints a recipe",
    "open": "open a trained model on one input: every operation, every error, in numbers",
    "diagnose": "look for dead units, vanishing gradients and other faults of a trained model",
    "graph": 'draw the computation graph of an expression: glasswork graph "(x+y)*z" x=-2 y=5 z=-4',
    "count": "count a network's parameters, multiply-adds, memory and receptive field",
    "convolve": "convolve an image with a filter, one cell worked out in numbers",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are sentences with the nearest flag."""

    def error(self, message: str) -> NoReturn:
        """Raises the mistake."""
        raise GlassworkError(
            f"{message} (glasswork {self.prog.removeprefix('glasswork').strip()} --help)".replace("  ", " ")
        )


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The verb and its options; `values` holds the fields of recipe and machine that were given.

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
    for verb, sentence in SENTENCES.items():
        parser = verbs.add_parser(verb, help=sentence, description=sentence, allow_abbrev=False)
        if verb == asked:
            _fill(verb, parser, arguments)
    if asked is not None and asked not in SENTENCES:
        near = difflib.get_close_matches(asked, SENTENCES, 1)
        raise GlassworkError(f"There is no verb '{asked}': " + (f"did you mean '{near[0]}'?" if near else "see --help"))
    if asked == "graph":  # argparse takes what has a space in it for no flag, so that -x*y can be an expression
        arguments = [f" {word}" if word[:1] == "-" and word[:2] != "--" else word for word in arguments]
    options, unknown = top.parse_known_args(arguments)
    if unknown:
        raise GlassworkError(_unknown(unknown[0], verbs.choices[options.verb] if options.verb else top))
    if options.verb is None:
        top.print_help()
        raise SystemExit(0)
    recipes: list[type[Options]] = [*catalogue.RECIPES.values(), Machine]
    fields = {name for options_class in recipes for name in options_class.model_fields}
    given = vars(options)
    trains = options.verb == "train"
    options.values = {key: given[key] for key in fields if given.get(key) is not None} if trains else {}
    return options


def _fill(verb: str, parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    """The arguments of one verb; only the one that is asked for is built."""
    if verb == "train":
        _fill_train(parser, arguments)
    elif verb in FILLED:
        FILLED[verb](parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")


def _fill_train(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    name = next((word for word in arguments[1:] if word in catalogue.PRESETS), None)
    recipe = catalogue.RECIPES[catalogue.PRESETS[name].system] if name else SupervisedRecipe
    presets = ", ".join(catalogue.PRESETS)
    parser.add_argument("what", nargs="?", metavar="PRESET", help=f"{presets}, or a recipe.toml; absent: what fits")
    defaults = {"data": catalogue.PRESETS[name].data, **catalogue.PRESETS[name].values} if name else {}
    _add_fields(parser.add_argument_group("the recipe: what is minimised, and how"), recipe, dict(defaults))
    _add_fields(parser.add_argument_group("the machine: where and how it runs"), Machine, {})


def _fill_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's folder, or its name under runs/")


def _fill_evaluate(parser: argparse.ArgumentParser) -> None:
    _fill_run(parser)
    parser.add_argument("--data", metavar="DATA", help="a path or a name; absent: the run's own test examples")
    _add_device(parser)


def _fill_predict(parser: argparse.ArgumentParser) -> None:
    _fill_run(parser)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="image files, folders of images, .csv tables")
    parser.add_argument("--csv", metavar="FILE", help="write the answers as CSV: class and probabilities")
    _add_device(parser)


def _fill_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")


def _fill_systems(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["show"], help="show: print the recipe of a preset as TOML")
    parser.add_argument("preset", nargs="?", default="lenet", metavar="PRESET", help="which one to show")


def _fill_open(parser: argparse.ArgumentParser) -> None:
    _fill_run(parser)
    parser.add_argument("input", metavar="INPUT", help="an image file, or a .csv table whose first row is taken")
    parser.add_argument("--target", metavar="ANSWER", help="what it should have answered; absent: what it answers")
    parser.add_argument(
        "--learning-rate", type=float, default=0.01, metavar="NUMBER", help="eta of the one step that is tried"
    )
    parser.add_argument("--parts", action="store_true", help="also the kernels that each operation is made of")
    parser.add_argument("--features", action="store_true", help="instead: filters, feature maps, deconvolution")
    parser.add_argument(
        "--attribution", action="store_true", help="instead: saliency, integrated gradients, occlusion, Grad-CAM"
    )
    described = "instead: what excites one unit most, and what drives it here"
    parser.add_argument("--unit", metavar="LAYER:UNIT", help=described)
    parser.add_argument("--landscape", action="store_true", help="instead: the loss along two random directions")
    _add_out(parser, "write the page here (.html); absent: print a tree")
    _add_device(parser)


def _fill_diagnose(parser: argparse.ArgumentParser) -> None:
    _fill_run(parser)
    parser.add_argument("--data", metavar="DATA", help="a path or a name; absent: the run's own validation examples")
    _add_out(parser, "write the page here (.html)")
    _add_device(parser)


def _fill_graph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("expression", metavar="EXPRESSION", help="of + - * / ** and the usual functions")
    parser.add_argument("assignments", nargs="*", metavar="NAME=NUMBER", help="the value of each name in it")
    _add_out(parser, "write the page here (.html), or the drawing (.svg)")


def _fill_count(parser: argparse.ArgumentParser) -> None:
    described = 'a preset, a run, or a written-out architecture such as "32x32x3 conv5x5x64 pool2 fc10"'
    parser.add_argument("what", metavar="WHAT", help=described)
    parser.add_argument("--size", type=int, metavar="WHOLE", help="side of the square images, for a preset")


def _fill_convolve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    named = "sobel-x, sobel-y, gradient, gaussian, sharpen, emboss, laplacian, box"
    parser.add_argument(
        "--kernel", default="sobel-x", metavar="KERNEL", help=f'{named}, or numbers: "1 0 -1; 2 0 -2; 1 0 -1"'
    )
    parser.add_argument("--stride", type=int, default=1, metavar="WHOLE", help="how far the filter moves (default: 1)")
    parser.add_argument("--padding", default="same", metavar="WORDS", help="same, valid, or zeros on each side")
    _add_out(parser, "write the picture (.png) or the page (.html) here; absent: print one cell worked out")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="cpu, cuda, cuda:1, mps")


def _add_out(parser: argparse.ArgumentParser, sentence: str) -> None:
    parser.add_argument("--out", metavar="FILE", help=sentence)


FILLED = {
    "resume": _fill_run,
    "evaluate": _fill_evaluate,
    "predict": _fill_predict,
    "compare": _fill_compare,
    "systems": _fill_systems,
    "open": _fill_open,
    "diagnose": _fill_diagnose,
    "graph": _fill_graph,
    "count": _fill_count,
    "convolve": _fill_convolve,
}


def _add_fields(group: Any, options: type[Options], preset: dict[str, Any]) -> None:
    for name, field in options.model_fields.items():
        default = preset.get(name, field.default)
        words = ",".join(map(str, default)) if isinstance(default, tuple) else default
        shown = "" if words in (None, "", False) else f" (default: {words})"
        sentence = f"{field.description}{shown}".replace("%", "%%")
        flag, choices = f"--{name.replace('_', '-')}", _choices(field.annotation)
        if field.annotation is bool:
            group.add_argument(flag, dest=name, action=argparse.BooleanOptionalAction, default=None, help=sentence)
        else:
            metavar = None if choices else _metavar(name, field.annotation)
            group.add_argument(flag, dest=name, choices=choices, metavar=metavar, help=sentence)


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
