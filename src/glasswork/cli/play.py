"""The verb `play`: a trained network plays its game, records it, and lets a person take over."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import glasswork as gw
from glasswork.cli.arguments import add_device, add_run
from glasswork.cli.output import console_for_results, refuse_existing
from glasswork.errors import GlassworkError


def fill_play(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the arguments of `play`."""
    add_run(parser)
    parser.add_argument("--episodes", type=int, default=1, metavar="WHOLE", help="episodes to play (default: 1)")
    described = (
        "you play from the start: w a s d or the arrow keys, space fires, a capital letter does both, o gives back"
    )
    parser.add_argument("--take-over", action="store_true", help=described)
    parser.add_argument("--seed", type=int, default=0, metavar="WHOLE", help="random seed of the episodes (default: 0)")
    parser.add_argument("--out", metavar="FILE", help="record the episodes here (.mp4, .gif or .png)")
    parser.add_argument("--no-view", action="store_true", help="draw nothing, and play as fast as it goes")
    add_device(parser)


def run_play(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    from glasswork.show.terminal import print_table
    from glasswork.systems.play.player import Player
    from glasswork.systems.play.watching import ENDINGS, Pressed, raw_keys, watch, write_video

    if options.episodes < 1 or options.seed < 0:
        raise GlassworkError("--episodes has to be at least 1, and --seed a whole number from 0 on")
    refuse_existing(options.out, ENDINGS)
    player = gw.load(options.run, device=options.device)
    if not isinstance(player, Player):
        raise GlassworkError(f"{options.run} does not play: train what does with glasswork train cartpole or atari")
    seen = sys.stdout.isatty() and not (options.json or options.no_view)
    keys = Pressed(sys.stdin if options.take_over or (seen and sys.stdin.isatty()) else None, options.take_over)
    screen = getattr(sys.stdout, "plain", sys.stdout) if seen else None  # whose codes are ours, and stay as they are
    with raw_keys(sys.stdin, screen):
        found = watch(player, options.episodes, options.seed, keys, screen, bool(options.out))
    if options.out:
        instead = write_video(Path(options.out), found.pictures, player.episode(0).game.fps)
        print(instead or f"written to {options.out}", file=sys.stderr)
    if options.json:
        mean = sum(found.returns) / len(found.returns)
        told = {"returns": found.returns, "mean_return": mean, "lengths": found.lengths, "taken_over": found.taken}
        print(json.dumps({"run": player.run, **told}))
    else:
        rows = list(enumerate(zip(found.returns, found.lengths, strict=True), 1))
        print_table(console_for_results(), ("episode", "return", "actions"), [(number, *pair) for number, pair in rows])
    return 0
