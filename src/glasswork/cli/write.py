"""`glasswork write`: a character model goes on with a text."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence

import glasswork as gw
from glasswork.cli.arguments import add_run
from glasswork.errors import GlassworkError


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("--prompt", default="", metavar="TEXT", help="what it goes on from (default: an empty line)")
    parser.add_argument("--length", type=int, default=2000, metavar="WHOLE", help="characters to write (default: 2000)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=None,
        metavar="NUMBER",
        help="below 1 the probable become more probable; 0: always the most probable one (default: 1)",
    )
    parser.add_argument("--top-k", type=int, metavar="WHOLE", help="draw from this many of the most probable only")
    described = "draw from the fewest characters that have this probability together (nucleus sampling)"
    parser.add_argument("--top-p", type=float, metavar="NUMBER", help=described)
    described = "instead of drawing, the most probable text of so many that are followed side by side"
    parser.add_argument("--beam", type=int, metavar="WHOLE", help=described)
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="another seed, another text (default: 0)")
    parser.add_argument("--samples", type=int, default=1, metavar="WHOLE", help="texts to write (default: 1)")


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.systems.characters.decoding import Choice
    from glasswork.systems.characters.generate import write, write_several

    if options.seed < 0:
        raise GlassworkError(f"A seed is a whole number from 0 on, and not {options.seed}")
    model = gw.load(options.run, device="cpu")
    temperature = 1.0 if options.temperature is None else options.temperature
    choice = Choice(temperature, options.top_k, options.top_p, options.beam)
    asked = (model.network, model.schema, options.prompt, options.length, choice, options.seed)
    if options.samples != 1:
        texts = write_several(*asked, options.samples)
    elif options.json:
        texts = ["".join(write(*asked))]
    else:
        _stream(write(*asked), options.prompt)
        return 0
    if options.json:
        print(json.dumps({"run": model.run, "prompt": options.prompt, "seed": options.seed, "texts": texts}))
    else:
        print("\n\n".join(f"--- {number} ---\n{options.prompt}{text}" for number, text in enumerate(texts, 1)))
    return 0


def _stream(characters: Iterator[str], prompt: str) -> None:
    """Prints characters as they come."""
    sys.stdout.write(prompt)
    for character in characters:
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")
