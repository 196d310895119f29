"""Watching a game and playing it: in a terminal's characters, with a person's keys, and as a video."""

import io
import os
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from glasswork.errors import GlassworkError
from glasswork.files import write_new
from glasswork.systems.play.environments import Array
from glasswork.systems.play.episodes import Episode, as_states
from glasswork.systems.play.player import Player

KEYS = {
    "w": "up",
    "a": "left",
    "s": "down",
    "d": "right",
    "A": "left",
    "D": "right",
    "W": "up",
    "S": "down",
    " ": "fire",
}
"""What a key asks for; a capital letter fires as well."""
ARROWS = {"\x1b[A": "w", "\x1b[B": "s", "\x1b[C": "d", "\x1b[D": "a"}
TAKE_OVER, QUIT = "o", "q"
HELD = 0.25
"""Seconds that a key counts as held: a terminal tells when it is pressed, not when it is let go."""
ENDINGS = (".mp4", ".gif", ".png")
WIDTH, HEIGHT = 80, 44
"""Of the picture in a terminal: characters across, and half characters down."""


@dataclass
class Pressed:
    """The keys of a person.

    From a terminal they come as they are pressed; from a file or a pipe one for each action, which is repeatable.

    Attributes:
        source: where they are read; None: nobody plays.
        playing: whether the person plays, and not the network.
        quit: whether the person wants no more.
    """

    source: TextIO | None
    playing: bool = False
    quit: bool = False
    _last: str = ""
    _until: float = 0.0

    @property
    def live(self) -> bool:
        """Whether the keys come from a terminal."""
        return self.source is not None and self.source.isatty()

    def next(self) -> str:
        """The key that counts for the next action; empty: none."""
        if self.source is None:
            return ""
        key = self._pressed() if self.live else self.source.read(1)
        if not self.live and not key:
            self.source, self.playing = None, False  # the network goes on
        if key == QUIT:
            self.quit = True
        elif key == TAKE_OVER:
            self.playing = not self.playing
            return self.next() if not self.live else ""
        elif key:
            self._last, self._until = key, time.monotonic() + HELD
            return key
        return self._last if self.live and time.monotonic() < self._until else ""

    def _pressed(self) -> str:
        assert self.source is not None
        descriptor = self.source.fileno()
        if not select.select([descriptor], [], [], 0)[0]:
            return ""
        read = os.read(descriptor, 32).decode("utf-8", "replace")
        return ARROWS.get(read[:3], read[:1])


def action_of(key: str, actions: Sequence[str]) -> int:
    """The action that a key asks for, by its place; the one that does nothing for any other key."""
    wanted = KEYS.get(key, "")
    fired = f"{wanted}fire" if key.isupper() else wanted
    for name in (fired, wanted):
        found = [place for place, action in enumerate(actions) if name and name in (action, action.split()[-1])]
        if found:
            return found[0]
    return next((place for place, action in enumerate(actions) if action in {"noop", "nothing"}), 0)


@dataclass
class Watched:
    """Episodes that were watched.

    Attributes:
        returns: of each, as far as it was played.
        lengths: actions of each.
        taken: how many of the actions a person took.
        pictures: what was seen after each action; empty if it is not recorded.
    """

    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    taken: int = 0
    pictures: list[Array] = field(default_factory=list)


def watch(player: Player, episodes: int, seed: int, keys: Pressed, screen: TextIO | None, record: bool) -> Watched:
    """Plays episodes, by the network or by a person.

    Args:
        player: whose network plays.
        episodes: how many.
        seed: what is random in them depends on it.
        keys: a person's.
        screen: where the game is drawn, at its own speed; None: nowhere, as fast as it goes.
        record: whether the pictures are kept.
    """
    found = Watched()
    for number in range(episodes):
        episode = player.episode(seed, number)
        while not episode.over:
            began = time.monotonic()
            values = player.values(as_states([episode]))[0]
            key = keys.next()
            if keys.quit:
                break
            action = action_of(key, player.actions) if keys.playing else episode.choose(values)
            found.taken += keys.playing
            episode.act(action)
            if record:
                found.pictures.append(episode.game.picture())
            if screen is not None:
                screen.write(_drawn(player, episode, values, action, keys.playing))
                screen.flush()
                time.sleep(max(0.0, 1 / episode.game.fps - (time.monotonic() - began)))
        found.returns.append(episode.total)
        found.lengths.append(episode.length)
        if keys.quit:
            break
    return found


def _drawn(player: Player, episode: Episode, values: Array, action: int, person: bool) -> str:
    """The game as coloured half characters, and below it who plays and what each action is worth."""
    who = "you play: w a s d or arrows, space fires" if person else "the network plays"
    worth = "  ".join(
        f"\x1b[1m{name} {value:.2f}\x1b[0m" if place == action else f"{name} {value:.2f}"
        for place, (name, value) in enumerate(zip(player.actions, values.tolist(), strict=True))
    )
    head = f"return {episode.total:g}   {who}; o takes over or gives back, q ends"
    return f"\x1b[H{draw_in_characters(episode.game.picture())}\n{head}\x1b[K\n{worth}\x1b[K\n"


def draw_in_characters(picture: Array) -> str:
    """A picture, uint8 (height, width, 3), of which each character shows two points, one above the other."""
    down = np.linspace(0, picture.shape[0] - 1, HEIGHT).astype(int)
    across = np.linspace(0, picture.shape[1] - 1, WIDTH).astype(int)
    small = picture[down][:, across].tolist()
    lines = []
    for above, below in zip(small[::2], small[1::2], strict=True):
        points = zip(above, below, strict=True)
        cells = [f"\x1b[38;2;{a};{b};{c}m\x1b[48;2;{d};{e};{f}m▀" for (a, b, c), (d, e, f) in points]
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)


@contextmanager
def raw_keys(source: TextIO, screen: TextIO | None) -> Iterator[None]:
    """A terminal that hands out keys as they are pressed, on a clean screen; anything else as it is."""
    if not source.isatty():
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(source)
    try:
        tty.setcbreak(source)
        if screen is not None:
            screen.write("\x1b[2J\x1b[?25l")
        yield
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
        if screen is not None:
            screen.write("\x1b[?25h\n")


def write_video(path: Path, pictures: Sequence[Array], fps: int) -> str:
    """Writes a video (.mp4), or an animated picture (.gif, .png).

    Returns:
        A sentence if it is not in the format that was asked for; else empty.

    Raises:
        GlassworkError: if nothing was played, or the file exists or cannot be written.
    """
    if not pictures:
        raise GlassworkError("There is nothing to record: not one action was taken")
    if path.suffix.lower() != ".mp4":
        write_new(path, _animated(path.suffix.lower(), pictures, fps))
        return ""
    try:
        import av  # noqa: F401
    except ImportError:
        instead = path.with_suffix(".gif")
        write_new(instead, _animated(".gif", pictures, fps))
        return f"written as {instead}: a video needs PyAV, pip install 'glasswork[video]'"
    write_new(path, _encoded(pictures, fps))
    return ""


def _animated(ending: str, pictures: Sequence[Array], fps: int) -> bytes:
    from PIL import Image

    held, [first, *others] = io.BytesIO(), [Image.fromarray(picture) for picture in pictures]
    kind = "GIF" if ending == ".gif" else "PNG"
    first.save(held, kind, save_all=True, append_images=others, duration=round(1000 / fps), loop=0)
    return held.getvalue()


def _encoded(pictures: Sequence[Array], fps: int) -> bytes:
    import av

    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as container:
        height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
        stream = container.add_stream("h264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return held.getvalue()
