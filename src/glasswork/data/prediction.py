"""A prediction: what a model says about one input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from glasswork.errors import printable
from glasswork.report.blocks import Block


class TokenSaid(NamedTuple):
    """A token of an answer.

    Attributes:
        token: as it is written.
        probability: given the input and all tokens before it.
        others: what else could have stood there, most probable first, with their probabilities.
    """

    token: str
    probability: float
    others: tuple[tuple[str, float], ...]


class Alternative(NamedTuple):
    """An answer that was searched for.

    Attributes:
        text: as it is written.
        score: what answers are ordered by.
    """

    text: str
    score: float


class BoxFound(NamedTuple):
    """A box around something.

    Attributes:
        name: its class.
        score: how sure the model is, from 0 to 1.
        left, top, right, bottom: in pixels of the picture, counted from 0 at its outer edge.
    """

    name: str
    score: float
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Prediction:
    """What a model says about one input.

    Attributes:
        input: where the input came from, with what cannot be shown written out.
        answer: the class, the classes, the number or the numbers.
        probability: of the answered class; None where the answer is not one class.
        probabilities: of every class, most probable first; empty for numbers.
        problem: why there is no answer, in one sentence; None if there is one.
        figures: what else was measured on the input, by name.
        words: of a sentence that is answered word by word, its words.
        frames: of a clip that is answered frame by frame, how many it has.
        spread: of numbers, by how much each differs from one example to another; what its digits are chosen by.
        path: the same as it is on the disk.
        moved: each token with its leave-one-out effect on the prediction; empty if not computed.
        tokens: of an answer that is written token by token, with their probabilities and what else could have stood.
        alternatives: the best answers that a search has found, the best first, with this one.
        painting: of a picture that is answered, its PNG.
        boxes: of a picture in which things are found, the boxes around them, the surest first; else None.
        evidence: what shows why, for the page.
    """

    input: str
    answer: str | tuple[str, ...] | float | tuple[float, ...]
    probability: float | None
    probabilities: Mapping[str, float]
    problem: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    words: Sequence[str] = ()
    moved: Sequence[tuple[str, float]] = ()
    frames: int = 0
    spread: Sequence[float] = ()
    tokens: Sequence[TokenSaid] = ()
    alternatives: Sequence[Alternative] = ()
    painting: bytes = field(default=b"", compare=False, repr=False)
    boxes: Sequence[BoxFound] | None = None
    evidence: Sequence[Block] = field(default=(), compare=False, repr=False)
    path: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", self.path or self.input)
        object.__setattr__(self, "input", printable(self.input))
        if self.problem is not None:
            object.__setattr__(self, "problem", printable(self.problem))

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON types."""
        answer = list(self.answer) if isinstance(self.answer, tuple) else self.answer
        return {
            "input": self.input,
            "answer": answer,
            "probability": self.probability,
            "probabilities": dict(self.probabilities),
            **({"problem": self.problem} if self.problem else {}),
            **self.figures,
            **({"words": list(self.words)} if self.words else {}),
            **({"frames": self.frames} if self.frames else {}),
            **({"moved": [list(pair) for pair in self.moved]} if self.moved else {}),
            **({"tokens": [one._asdict() for one in self.tokens]} if self.tokens else {}),
            **({"boxes": [one._asdict() for one in self.boxes]} if self.boxes is not None else {}),
            **({"alternatives": [one._asdict() for one in self.alternatives]} if self.alternatives else {}),
        }
