"""Naive Bayes on word counts: how much more often a class has a word, or a pair of words, than the others."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.networks.bidirectional import UNKNOWN

BUCKETS, WEIGHTS = 1 << 20, 1 << 24
"""Into how many numbers neighbours are hashed (Weinberger et al. 2009), and of how many weights, of all classes."""
LEAST = 2
"""In how many training texts a word or a pair has to be; what is in one text alone says nothing without that text."""
STRENGTH = 0.1
"""C of the logistic regression that weighs the ratios, for texts whose features are ones and zeros."""
ITERATIONS = 60
_PRIMES = (1_000_003, 7_919, 104_729)

Loss = Callable[[Tensor, Tensor], Tensor]


class CountedWords(nn.Module):
    """Scores of classes from what a text has: s_c = sum_f w_fc / sqrt(n) + b_c, f those of its words and neighbours.

    w is a mean of naive Bayes and of logistic regression (Wang and Manning 2012), both over log-count ratios

        r_fc = log (P(f | class c) / P(f | any other class)),    w_fc = (g + u_fc) r_fc / 2,

    in which a text counts once for what it has, and one is added to every count; what fewer than two training texts
    have is left out, and n is how many a text has of the others. g is the number under which naive
    Bayes predicts each training text best from the counts of all others; u is what a penalised logistic regression
    learns on the features r. All of it comes from `count`, before and not by training.

    Args:
        tokens: how many different ones, the unknown one included.
        classes: scores.
        neighbours: how many tokens in a row are counted together, at most; up to 3.
    """

    weights: Tensor
    bias: Tensor

    def __init__(self, tokens: int, classes: int, neighbours: int = 2) -> None:
        super().__init__()
        self.tokens, self.neighbours = tokens, neighbours
        self.buckets = min(BUCKETS, 1 << (WEIGHTS // max(1, classes)).bit_length() - 1)
        self.register_buffer("weights", torch.zeros(tokens + self.buckets + 1, classes))
        self.register_buffer("bias", torch.zeros(classes))

    def of_neighbours(self, *tokens: Tensor) -> Tensor:
        """The numbers of neighbours, int64 of the shape of the first ones; different neighbours may share one."""
        mixed = torch.stack([token * prime for token, prime in zip(tokens, _PRIMES, strict=False)]).sum(0)
        return self.tokens + mixed % self.buckets

    def found(self, tokens: Tensor) -> Tensor:
        """The numbers of the words and neighbours in texts, each once: int64 (batch, ...); the last row for none.

        Args:
            tokens: int64 (batch, times), -1 behind the end of a shorter text.
        """
        nothing, known, times = self.tokens + self.buckets, tokens > UNKNOWN, tokens.shape[1]
        parts = [tokens.masked_fill(~known, nothing)]
        inside = known
        for count in range(2, min(self.neighbours, times) + 1):
            inside = inside[:, :-1] & known[:, count - 1 :]
            each = [tokens[:, place : times - count + 1 + place] for place in range(count)]
            parts.append(self.of_neighbours(*each).masked_fill(~inside, nothing))
        found = torch.cat(parts, 1).sort(1).values
        again = functional.pad(found[:, 1:] == found[:, :-1], (1, 0))
        return found.masked_fill(again, nothing)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (batch, classes) of texts, int64 (batch, times)."""
        found = self.found(tokens)
        return _sum(functional.embedding(found, self.weights)) + self.bias

    @torch.no_grad()
    def count(self, texts: Sequence[Tensor], targets: Sequence[Tensor], loss: Loss) -> None:
        """Counts training texts, finds g and b, and weighs the ratios.

        Args:
            texts: batches, int64 (batch, times).
            targets: of each batch, int64 (batch,), or (batch, classes) of zeros and ones.
            loss: the mean over texts, from scores and targets.
        """
        device, classes = self.weights.device, self.weights.shape[1]
        counts = torch.zeros(len(self.weights), classes, device=device)
        totals = torch.zeros(len(self.weights), 1, device=device)  # texts that have it, of whatever class
        features = [self.found(part.to(device)) for part in texts]
        wanted = [_as_labels(part, classes).to(device) for part in targets]
        for found, labels in zip(features, wanted, strict=True):
            totals.index_add_(0, found.flatten(), torch.ones(found.numel(), 1, device=device))
            counts.index_add_(0, found.flatten(), labels.repeat_interleave(found.shape[1], 0))
        kept = (totals >= LEAST).float()
        kept[-1] = 0
        counts, totals = counts * kept, totals * kept
        size = kept.sum().clamp(min=1)
        all_yes, all_no = counts.sum(0), totals.sum() - counts.sum(0)
        ratios = _ratios(counts, totals - counts, all_yes, all_no, size) * kept
        without = []
        for found, labels in zip(features, wanted, strict=True):
            inside = kept[found]  # (batch, k, 1)
            many, own = inside.sum(1), labels[:, None] * inside
            yes = counts[found] - own
            no = totals[found] - counts[found] - (inside - own)
            fewer_yes = (all_yes - labels * many)[:, None]
            fewer_no = (all_no - (1 - labels) * many)[:, None]
            without.append(_sum(_ratios(yes, no, fewer_yes, fewer_no, size) * inside))
        answers = torch.cat(list(targets)).to(device)
        scale, bias = _calibrate(torch.cat(without), answers, loss)
        weighed, moved = _weigh(features, ratios, answers, loss)
        self.weights.copy_((scale * ratios + weighed) / 2)
        self.bias.copy_((bias + moved) / 2)


def _sum(weights: Tensor) -> Tensor:
    """Weights (batch, k, classes), zeros where nothing is, to sum_f w_f / sqrt(n)."""
    many = (weights != 0).any(2).sum(1).clamp(min=1)
    return weights.sum(1) / many[:, None].sqrt()


def _calibrate(scores: Tensor, targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """The scale and bias under which scores of texts, each without its own counts, say the targets best.

    The scale has a normal prior of deviation 1: a few texts that are told apart entirely would make it endless.
    """
    scale, bias = scores.new_ones(()), scores.new_zeros(scores.shape[1])
    _minimise([scale, bias], lambda: loss(scale * scores + bias, targets) + scale.square() / (2 * len(scores)))
    if scale > 0:
        return scale.detach(), bias.detach()
    return scores.new_zeros(()), _shares(scores, targets, loss)


def _shares(scores: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    """The bias that says how frequent the classes are, where nothing else is known."""
    bias = scores.new_zeros(scores.shape[1])
    _minimise([bias], lambda: loss(bias.expand(len(targets), -1), targets))
    return bias.detach()


def _weigh(features: Sequence[Tensor], ratios: Tensor, targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """Ratios times the weights that a penalised logistic regression gives them (Wang and Manning 2012, section 2.3)."""
    used = (ratios != 0).any(1).nonzero()[:, 0]
    if not len(used):
        return torch.zeros_like(ratios), _shares(ratios, targets, loss)
    places = torch.full((len(ratios),), -1, device=ratios.device)
    places[used] = torch.arange(len(used), device=used.device)
    columns = [places[found] for found in features]
    many = torch.cat([(part >= 0).sum(1) for part in columns])
    bags = torch.cat([part[part >= 0] for part in columns]), many.cumsum(0) - many
    shares = torch.repeat_interleave(many.float().rsqrt(), many)
    base, bias = ratios[used], ratios.new_zeros(ratios.shape[1])
    weights = torch.zeros_like(base)
    strength = 1 / (2 * STRENGTH * many.float().mean() * len(many))

    def objective() -> Tensor:
        scores = functional.embedding_bag(bags[0], base * weights, bags[1], mode="sum", per_sample_weights=shares)
        return loss(scores + bias, targets) + strength * weights.square().sum()

    _minimise([weights, bias], objective)
    found = torch.zeros_like(ratios)
    found[used] = base * weights.detach()
    return found, bias.detach()


def _minimise(parameters: list[Tensor], objective: Callable[[], Tensor]) -> None:
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.LBFGS(parameters, max_iter=ITERATIONS, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            value = objective()
            value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _ratios(yes: Tensor, no: Tensor, all_yes: Tensor, all_no: Tensor, size: Tensor) -> Tensor:
    """log (P(f | class) / P(f | others)), one being added to every count of `size` features."""
    return ((yes + 1) / (all_yes + size)).log() - ((no + 1) / (all_no + size)).log()


def _as_labels(targets: Tensor, classes: int) -> Tensor:
    return (functional.one_hot(targets, classes) if targets.dim() == 1 else targets).float()
