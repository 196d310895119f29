"""Words counted rather than learnt: how much more often a class has a word, or two in a row, than the others do."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswork.networks.text_classifier import UNKNOWN

BUCKETS = 1 << 17
"""Into how many numbers pairs of neighbours are hashed (Weinberger et al. 2009)."""
LEAST = 2
"""In how many training texts a word or a pair has to be; what is in one text alone says nothing without that text."""
_FIRST, _SECOND = 1_000_003, 7_919

Loss = Callable[[Tensor, Tensor], Tensor]


class CountedWords(nn.Module):
    """Scores of classes from what a text has: s_c = g sum_f r_fc / sqrt(n) + b_c over its n different words and pairs f.

    r_fc = log (P(f | class c) / P(f | any other)) is a log-count ratio (Wang and Manning 2012, equation 2, one class
    against the rest, counts of texts, each with one added). Ratios are counted once, and g and b are found by
    predicting each training text from the counts of all others, so that nothing here is trained by gradients.

    Args:
        tokens: how many different ones, the unknown one included.
        classes: scores.
    """

    ratios: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, tokens: int, classes: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.register_buffer("ratios", torch.zeros(tokens + BUCKETS + 1, classes))
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("bias", torch.zeros(classes))

    def found(self, tokens: Tensor) -> Tensor:
        """The numbers of the words and pairs in texts, each once: int64 (batch, 2 times - 1); the last row for none.

        Args:
            tokens: int64 (batch, times), -1 behind the end of a shorter text.
        """
        nothing, known = self.tokens + BUCKETS, tokens > UNKNOWN
        pairs = self.tokens + (tokens[:, :-1] * _FIRST + tokens[:, 1:] * _SECOND) % BUCKETS
        both = [tokens.masked_fill(~known, nothing), pairs.masked_fill(~(known[:, :-1] & known[:, 1:]), nothing)]
        found = torch.cat(both, 1).sort(1).values
        again = functional.pad(found[:, 1:] == found[:, :-1], (1, 0))
        return found.masked_fill(again, nothing)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (batch, classes) of texts, int64 (batch, times)."""
        found = self.found(tokens)
        return self.scale * self._summed(functional.embedding(found, self.ratios)) + self.bias

    @torch.no_grad()
    def count(self, texts: Sequence[Tensor], targets: Sequence[Tensor], loss: Loss) -> None:
        """Counts training texts, then finds g and b.

        Args:
            texts: batches, int64 (batch, times).
            targets: of each batch, int64 (batch,), or (batch, classes) of zeros and ones.
            loss: of scores and targets, least where g and b are right.
        """
        device, classes = self.ratios.device, self.ratios.shape[1]
        counts = torch.zeros(len(self.ratios), classes, device=device)
        totals = torch.zeros(len(self.ratios), 1, device=device)  # texts that have it, of whatever class
        wanted = [_as_labels(part, classes).to(device) for part in targets]
        for part, labels in zip(texts, wanted, strict=True):
            found = self.found(part.to(device))
            totals.index_add_(0, found.flatten(), torch.ones(found.numel(), 1, device=device))
            counts.index_add_(0, found.flatten(), labels.repeat_interleave(found.shape[1], 0))
        kept = totals >= LEAST
        kept[-1] = False
        counts, totals = counts * kept, totals * kept
        size = kept.sum()
        sums = counts.sum(0), totals.sum() - counts.sum(0)
        self.ratios.copy_(_ratios(counts, totals - counts, *sums, size) * kept)
        without = []
        for part, labels in zip(texts, wanted, strict=True):
            found = self.found(part.to(device))
            inside = kept[found]  # (batch, k, 1)
            many, own = inside.sum(1), labels[:, None] * inside
            yes = counts[found] - own
            no = totals[found] - counts[found] - (inside - own)
            fewer = sums[0] - labels * many, sums[1] - (1 - labels) * many
            without.append(self._summed(_ratios(yes, no, *(one[:, None] for one in fewer), size) * inside))
        self._calibrate(torch.cat(without), torch.cat(list(targets)).to(device), loss)

    def _calibrate(self, scores: Tensor, targets: Tensor, loss: Loss) -> None:
        """Finds the g and b under which scores of texts, each without its own counts, say the targets best."""
        scale = torch.ones((), device=scores.device, requires_grad=True)
        bias = torch.zeros(scores.shape[1], device=scores.device, requires_grad=True)
        optimizer = torch.optim.LBFGS([scale, bias], max_iter=100, line_search_fn="strong_wolfe")

        def objective() -> Tensor:
            optimizer.zero_grad()
            with torch.enable_grad():
                value = loss(scale * scores + bias, targets)
            value.backward()  # type: ignore[no-untyped-call]
            return value

        optimizer.step(objective)  # type: ignore[no-untyped-call]
        self.scale.copy_(scale.clamp(min=0))
        self.bias.copy_(bias)

    def _summed(self, ratios: Tensor) -> Tensor:
        """Ratios (batch, k, classes), zeros where nothing is, to sum_f r_f / sqrt(n)."""
        many = (ratios != 0).any(2).sum(1).clamp(min=1)
        return ratios.sum(1) / many[:, None].sqrt()

    def extra_repr(self) -> str:
        """The numbers of tokens, buckets and classes."""
        return f"{self.tokens}, {BUCKETS}, {self.ratios.shape[1]}"


def _ratios(yes: Tensor, no: Tensor, all_yes: Tensor, all_no: Tensor, size: Tensor) -> Tensor:
    """log (P(f | class) / P(f | others)), one being added to every count of `size` features."""
    return ((yes + 1) / (all_yes + size)).log() - ((no + 1) / (all_no + size)).log()


def _as_labels(targets: Tensor, classes: int) -> Tensor:
    return (functional.one_hot(targets, classes) if targets.dim() == 1 else targets).float()
