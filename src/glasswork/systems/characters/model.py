"""A character model's own verb: it goes on with a text."""

from collections.abc import Iterator

from glasswork.systems.characters.decoding import Choice
from glasswork.systems.characters.generate import write
from glasswork.systems.model import Model


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
