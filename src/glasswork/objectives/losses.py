"""The lecture's losses: L = 1/N sum_i L_i over the scores s of a network and the targets y (or t).

Each is computed in the type of its scores: under mixed precision, bring scores to float32 first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork import own_code
from glasswork.errors import GlassworkError


class Loss(Protocol):
    """A loss: the mean over the examples of a batch.

    `scores` are the network's raw outputs, (batch, outputs); `targets` int64 (batch,) for one class each, or uint8 or
    float (batch, outputs) for labels and numbers. `class_weights` (outputs,) turns the mean into
    sum_i w_(y_i) L_i / sum_i w_(y_i), for targets that are one class. `smoothing` moves that share of the target from
    the right answer to all of them alike.
    """

    def __call__(
        self, scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0
    ) -> Tensor:
        """The loss, a scalar."""
        ...


def cross_entropy(
    scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Softmax loss L_i = -log P(Y = y_i | X = x_i), P(Y = k | X = x_i) = e^(s_k) / sum_j e^(s_j) (Kovashka).

    With smoothing e (Szegedy et al. 2016) the target is 1 - e for the right class plus e / outputs for each.
    """
    if class_weights is None:
        return F.cross_entropy(scores, targets, label_smoothing=smoothing)
    # Not F.cross_entropy's own weights: under smoothing it weighs the terms within an example, not the example.
    losses = F.cross_entropy(scores, targets, label_smoothing=smoothing, reduction="none")
    return mean_over_examples(losses, targets, class_weights)


def hinge(scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Multi-class hinge loss L_i = sum_(j != y_i) max(0, s_j - s_(y_i) + 1) (Kovashka; Weston and Watkins 1999).

    The slide's sum over classes; PyTorch's `multi_margin_loss` divides it by their number.

    Raises:
        GlassworkError: smoothing is asked for; a margin has no target to smooth.
    """
    refuse_smoothing("hinge", smoothing)
    right = scores.gather(1, targets[:, None])  # (batch, 1)
    # The sum over all j has one term too many, j = y_i, which is always 1.
    losses = (scores - right + 1).clamp(min=0).sum(1) - 1
    return mean_over_examples(losses, targets, class_weights)


def binary_cross_entropy(
    scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """One yes or no per output: L_i = -sum_k [t_k log y_k + (1 - t_k) log(1 - y_k)], y_k = sigma(s_k) (Bishop 5.2).

    Summed over the outputs, as the other losses are, so that the error of an output is y_k - t_k. One class per
    example is read as t = (0, .., 1, .., 0). With smoothing e, t becomes (1 - e) t + e / 2.
    """
    wanted = as_outputs(scores, targets)
    if smoothing:
        wanted = wanted * (1 - smoothing) + smoothing / 2
    losses = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none").sum(1)
    return mean_over_examples(losses, targets, class_weights)


def squared_error(
    scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """E_n = 1/2 sum_k (y_k - t_k)^2 with the identity at the outputs, y = s: the error of an output is y_k - t_k.

    One class per example is read as t = (0, .., 1, .., 0).

    Raises:
        GlassworkError: smoothing is asked for.
    """
    refuse_smoothing("squared-error", smoothing)
    losses = (scores - as_outputs(scores, targets)).square().sum(1) / 2
    return mean_over_examples(losses, targets, class_weights)


def pinball(scores: Tensor, targets: Tensor, *, class_weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Quantile loss L = max(tau (t - q), (tau - 1) (t - q)), least where P(t < q) = tau (Koenker and Bassett 1978).

    The K quantiles of each number are evenly spread: tau_k = k / (K + 1). The mean is over examples, numbers and
    quantiles.

    Args:
        scores: the quantiles q_k, (batch, numbers, K).
        targets: t, (batch, numbers).
        class_weights: none.
        smoothing: none.

    Raises:
        GlassworkError: smoothing is asked for.
    """
    refuse_smoothing("pinball", smoothing)
    taus = quantile_levels(scores.shape[-1]).to(scores)
    over = targets[..., None] - scores
    return torch.maximum(taus * over, (taus - 1) * over).mean()


def quantile_levels(count: int) -> Tensor:
    """tau_k = k / (K + 1) of K evenly spread quantiles, float64 (K,)."""
    return torch.arange(1, count + 1, dtype=torch.float64) / (count + 1)


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "hinge": hinge,
    "binary-cross-entropy": binary_cross_entropy,
    "squared-error": squared_error,
    "pinball": pinball,
}


def class_probabilities(scores: Tensor, loss: str) -> Tensor:
    """What scores of a network trained under a loss say as probabilities of one class; the order of the scores is kept.

    - cross-entropy: the softmax that it was trained with.
    - hinge: the softmax of the scores. The hinge loss only asks for margins, so these are not calibrated: read them
      as an order, not as frequencies.
    - binary-cross-entropy: sigma of each score, divided by their sum.
    - squared-error: the scores estimate the probabilities themselves; here the nearest distribution (Martins and
      Astudillo 2016, "sparsemax").

    Args:
        scores: (batch, classes, ...), raw.
        loss: a name in `LOSSES`.

    Returns:
        (batch, classes, ...), between 0 and 1; they sum to 1 over the classes.
    """
    if loss == "binary-cross-entropy":
        return F.logsigmoid(scores).softmax(1)  # = sigma(s_k) / sum_j sigma(s_j), but never 0 / 0
    if loss == "squared-error":
        return nearest_distribution(scores)
    return scores.softmax(1)


def label_probabilities(scores: Tensor, loss: str) -> Tensor:
    """What scores (batch, labels) say as probabilities of each label on its own.

    - binary-cross-entropy: sigma of each score.
    - squared-error: the scores estimate the probabilities themselves; each is limited to [0, 1].
    """
    return scores.sigmoid() if loss == "binary-cross-entropy" else scores.clamp(0, 1)


def nearest_distribution(scores: Tensor) -> Tensor:
    """The distribution p with the least |p - s|^2: p_k = max(0, s_k - tau), tau such that they sum to 1.

    Args:
        scores: (batch, outputs).

    Returns:
        (batch, outputs), rows sum to 1.
    """
    ordered, _ = scores.sort(1, descending=True)
    counts = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    surplus = ordered.cumsum(1) - 1  # of the greatest one, two, three, .. scores over a sum of 1
    support = (ordered * counts > surplus).sum(1, keepdim=True)  # how many of the greatest stay above 0
    tau = surplus.gather(1, support - 1) / support
    return (scores - tau).clamp(min=0)


def as_outputs(scores: Tensor, targets: Tensor) -> Tensor:
    """The targets t_k of each output, (batch, outputs) in the type of the scores; one class becomes a one-hot row."""
    if targets.dim() == 1:
        return F.one_hot(targets, scores.shape[1]).to(scores.dtype)
    if targets.shape != scores.shape:  # would broadcast to a loss of something else
        raise ValueError(f"targets of shape {tuple(targets.shape)} for scores of shape {tuple(scores.shape)}")
    return targets.to(scores.dtype)


def mean_over_examples(losses: Tensor, targets: Tensor, class_weights: Tensor | None) -> Tensor:
    """1/N sum_i L_i, or sum_i w_(y_i) L_i / sum_i w_(y_i) under class weights; losses (batch,) to a scalar.

    Raises:
        GlassworkError: class weights for targets that are not one class per example.
    """
    if class_weights is None:
        return losses.mean()
    if targets.dim() != 1:
        raise GlassworkError("Class weights need one class per example; leave them out.")
    weights = class_weights[targets]
    return (weights * losses).sum() / weights.sum()


def refuse_smoothing(loss: str, smoothing: float) -> None:
    """Refuses label smoothing where the target of a loss is not a probability.

    Raises:
        GlassworkError: smoothing is not 0.
    """
    if smoothing:
        raise GlassworkError(
            f"The loss {loss} has no label smoothing; leave smoothing at 0, or choose cross-entropy or "
            "binary-cross-entropy."
        )


@dataclass(frozen=True)
class OwnLoss:
    """A loss of the user's own: a scalar from outputs (rows, outputs) and targets as the target's own losses see them.

    Attributes:
        word: `file.py:function`.
    """

    word: str

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch, shape ().

        Raises:
            GlassworkError: if it was not named in this process, fails, or gives no scalar.
        """
        self.require_named()
        try:
            loss = own_code.LOSSES[self.word](outputs, targets)
        except Exception as error:
            raise GlassworkError(f"The loss {self.word} failed: {type(error).__name__}: {error}") from error
        if not isinstance(loss, Tensor) or loss.shape != ():
            found = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise GlassworkError(
                f"The loss {self.word} has to return one number, a tensor of shape (), and not {found}"
            )
        return loss

    def require_named(self) -> None:
        """Raises GlassworkError if it was not named in this process."""
        if self.word not in own_code.LOSSES:
            raise GlassworkError(
                f"This needs a loss of your own, {self.word}, and its code only runs if you name it: add "
                f"--loss {self.word}"
            )


@dataclass(frozen=True)
class Objective:
    """A loss with its settings.

    Attributes:
        name: key of `LOSSES`.
        smoothing: share of the target that is spread over all classes.
        class_weights: (outputs,); None: every class counts alike.
        function: mean loss of outputs and targets, for a loss that is not in `LOSSES`; None: the one of that name.
    """

    name: str
    smoothing: float = 0.0
    class_weights: Tensor | None = None
    function: Callable[[Tensor, Tensor], Tensor] | None = None

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss over the examples of a batch, a scalar."""
        if self.function is not None:
            return self.function(outputs, targets)
        return LOSSES[self.name](outputs, targets, class_weights=self.class_weights, smoothing=self.smoothing)

    def require(self) -> None:
        """Raises GlassworkError for a loss of the user's own that was not named in this process."""
        if isinstance(self.function, OwnLoss):
            self.function.require_named()
