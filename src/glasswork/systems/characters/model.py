"""The model of a character run: continues a text, and shows what its units track in one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glasswork.errors import GlassworkError
from glasswork.glassbox.sequences.following import Following, find_followers, signals
from glasswork.glassbox.sequences.reading import Reading, UnitReading, read_through
from glasswork.glassbox.sequences.unrolled import GateSaturation, gate_saturation
from glasswork.record import Record
from glasswork.systems.characters.generate import Choice, write
from glasswork.systems.characters.network import CharacterNetwork
from glasswork.systems.model import Model

CHARACTERS = 4000
LEAST = 20
COLOURED = 1200
"""Characters of the text that are coloured by a unit."""


class CharacterModel(Model):
    """A model of the characters of a text."""

    def write(
        self,
        prompt: str = "",
        length: int = 2000,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beam: int | None = None,
        seed: int = 0,
    ) -> Iterator[str]:
        """Goes on with a text, and hands out each character as it is drawn.

        Args:
            prompt: what the model reads first; empty: the beginning of a line.
            length: how many characters.
            temperature: T in p_k ~ exp(s_k / T): lower is surer; 0 takes the most probable character each time.
            top_k: draws from this many of the most probable characters only.
            top_p: draws from the fewest characters that have this probability together (Holtzman et al. 2020).
            beam: takes the most probable of so many texts that are followed side by side, instead of drawing.
            seed: what is drawn depends on it.

        Raises:
            GlassworkError: for characters in the prompt that it does not know.
        """
        return write(self.network, self.task, prompt, length, Choice(temperature, top_k, top_p, beam), seed)


@dataclass(frozen=True)
class Tracked:
    """A model and a text.

    Attributes:
        reading: everything the network did with the text.
        following: the units that follow each signal best.
        gates: how often they stand open or shut.
    """

    reading: Reading
    following: Sequence[Following]
    gates: Sequence[GateSaturation]

    def coloured(self, unit: str | None = None) -> list[UnitReading]:
        """The text by one unit, or by the one that follows each signal best, each unit once.

        Args:
            unit: such as `1.17` for unit 17 of layer 1, or `1.17c` for its memory.

        Raises:
            GlassworkError: where that is no unit of the network.
        """
        if unit is not None:
            part = "c" if unit.endswith("c") else "h"
            layer, _, number = unit.removesuffix("c").partition(".")
            if not (layer.isdecimal() and number.isdecimal()):
                raise GlassworkError(
                    f"A unit is written as 1.17 (layer 1, unit 17; 1.17c for its memory), not '{unit}'"
                )
            return [self._cut(self.reading.unit(int(layer), int(number), part))]
        best: dict[tuple[int, int, str], tuple[str, ...]] = {}
        for one in self.following:
            place = (one.units[0].layer, one.units[0].unit, one.units[0].part)
            best[place] = (*best.get(place, ()), one.signal)
        return [replace(self._cut(self.reading.unit(*place)), follows=signals) for place, signals in best.items()]

    def findings(self, unit: str | None = None) -> list[Record]:
        """All of it in the order in which it is to be read."""
        return [*self.coloured(unit), self.reading.next_characters(), *self.following, *self.gates]

    def _cut(self, found: UnitReading) -> UnitReading:
        return replace(found, text=found.text[:COLOURED], values=found.values[:COLOURED])


def track(model: Model, source: str | Path, characters: int = CHARACTERS) -> Tracked:
    """Reads the beginning of a text with a trained character model and looks at every unit and gate.

    Args:
        model: of char-rnn.
        source: a text file, or a folder of them.
        characters: how many are read.

    Raises:
        GlassworkError: for another kind of model, or a text that is missing or too short.
    """
    network = model.network
    if not isinstance(network, CharacterNetwork):
        raise GlassworkError(f"{model.run} is not a character model: train one with glasswork train char-rnn")
    if characters < LEAST:
        raise GlassworkError(f"--characters {characters} has to be at least {LEAST}")
    part = next(iter(model.system.inputs([Path(source)], model.task)))
    tokens = part.dataset.columns["inputs"][:characters].long().cpu()
    if len(tokens) < LEAST:
        raise GlassworkError(f"{source} has {len(tokens)} characters; at least {LEAST} are needed")
    classes = model.task.target.names
    text = "".join(classes[number] for number in tokens.tolist())
    network = network.cpu().float().eval()
    reading = read_through(network.recurrent, network.embedding(tokens[None]), network.output, text, classes)
    return Tracked(reading, find_followers(reading.layers, signals(text)), gate_saturation(reading.layers))
