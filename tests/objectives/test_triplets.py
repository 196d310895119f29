"""Mining and the triplet loss: against plain loops over all triplets, and against the slide's formula."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor

from glasswork.errors import GlassworkError
from glasswork.objectives.triplets import MINING, squared_distances, triplet_loss
from glasswork.textbook.losses import Triplet

every_mining = pytest.mark.parametrize("mining", MINING)
batches = some.builds(
    lambda seed, classes: (points(seed, len(classes)), torch.tensor(classes)),
    some.integers(0, 2**31 - 1),
    some.lists(some.integers(0, 3), min_size=2, max_size=9),
)
Batch = tuple[Tensor, Tensor]


def points(seed: int, count: int) -> Tensor:
    drawn = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


def every_triplet(classes: Tensor) -> list[tuple[int, int, int]]:
    kinds, places = classes.tolist(), range(len(classes))
    return [(a, p, n) for a in places for p in places for n in places if a != p and kinds[a] == kinds[p] != kinds[n]]


def mined(mining: str, embeddings: Tensor, classes: Tensor) -> list[tuple[int, int, int]]:
    found = MINING[mining](squared_distances(embeddings, embeddings), classes)
    return list(zip(found.anchor.tolist(), found.positive.tolist(), found.negative.tolist(), strict=True))


@given(batches)
def test_all_triplets(batch: Batch) -> None:
    assert sorted(mined("all", *batch)) == every_triplet(batch[1])


@given(batches)
def test_batch_hard_takes_the_farthest_positive_and_the_nearest_negative(batch: Batch) -> None:
    distances, triplets = torch.cdist(batch[0], batch[0]).square(), every_triplet(batch[1])
    found = mined("batch-hard", *batch)
    assert [anchor for anchor, _, _ in found] == sorted({a for a, _, _ in triplets})
    for anchor, positive, negative in found:
        of_it = [(p, n) for a, p, n in triplets if a == anchor]
        assert distances[anchor, positive] == max(distances[anchor, p] for p, _ in of_it)
        assert distances[anchor, negative] == min(distances[anchor, n] for _, n in of_it)


@given(batches)
def test_semi_hard_takes_the_nearest_negative_beyond_the_positive(batch: Batch) -> None:
    distances, triplets = torch.cdist(batch[0], batch[0]).square(), every_triplet(batch[1])
    found = mined("semi-hard", *batch)
    assert sorted({(a, p) for a, p, _ in found}) == sorted({(a, p) for a, p, _ in triplets})
    assert len(found) == len({(a, p) for a, p, _ in triplets})
    for anchor, positive, negative in found:
        others = [float(distances[anchor, n]) for a, p, n in triplets if (a, p) == (anchor, positive)]
        beyond = [distance for distance in others if distance > distances[anchor, positive] + 1e-9]
        assert float(distances[anchor, negative]) == pytest.approx(min(beyond) if beyond else max(others))


@every_mining
@given(batch=batches)
def test_the_loss_is_the_slide_s(mining: str, batch: Batch) -> None:
    embeddings, classes = batch
    places = torch.tensor(mined(mining, embeddings, classes), dtype=torch.int64).reshape(-1, 3)
    losses = Triplet(alpha=0.2, reduction="none").forward(*embeddings[places].unbind(1))
    counted = losses[losses > 0] if mining == "all" else losses
    wanted = float(counted.mean()) if len(counted) else 0.0
    assert float(triplet_loss(embeddings, classes, mining, 0.2)) == pytest.approx(wanted, abs=1e-12)


@every_mining
def test_the_gradient_is_the_slide_s(mining: str) -> None:
    embeddings, classes = points(3, 12).requires_grad_(), torch.arange(12) % 4
    triplet_loss(embeddings, classes, mining, 0.2).backward()  # type: ignore[no-untyped-call]
    places = torch.tensor(mined(mining, embeddings.detach(), classes))
    parts = embeddings.detach()[places].unbind(1)
    losses = Triplet(alpha=0.2, reduction="none").forward(*parts)
    count = int((losses > 0).sum()) if mining == "all" else len(losses)
    wanted = torch.zeros_like(embeddings)
    for place, gradient in zip(
        places.T, Triplet(alpha=0.2).backward(torch.tensor(1 / count, dtype=torch.float64), *parts), strict=True
    ):
        wanted.index_add_(0, place, gradient)
    torch.testing.assert_close(embeddings.grad, wanted)


def test_the_soft_margin_goes_on_where_a_margin_is_satisfied() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]])
    classes = torch.tensor([0, 0, 1, 1])
    assert float(triplet_loss(embeddings, classes, "batch-hard", 0.2)) == 0
    soft = float(triplet_loss(embeddings, classes, "batch-hard", 0.0))
    assert soft == pytest.approx(torch.log1p(torch.tensor(-4.0).exp()).item())


@every_mining
@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_gradients_are_finite_where_all_embeddings_are_one(mining: str, margin: float) -> None:
    raw = torch.ones(6, 4, requires_grad=True)
    loss = triplet_loss(torch.nn.functional.normalize(raw, dim=1), torch.arange(6) % 3, mining, margin)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(margin or 0.6931, abs=1e-3)
    assert raw.grad is not None and raw.grad.isfinite().all()


@every_mining
@pytest.mark.parametrize("classes", [[0, 0, 0], [0, 1, 2]])
def test_without_a_triplet_there_is_nothing_to_learn(mining: str, classes: list[int]) -> None:
    embeddings = points(0, 3).requires_grad_()
    loss = triplet_loss(embeddings, torch.tensor(classes), mining, 0.2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert embeddings.grad is not None and not embeddings.grad.any()


def test_an_unknown_mining_is_named() -> None:
    with pytest.raises(GlassworkError, match="no mining 'hard': choose from semi-hard"):
        triplet_loss(points(0, 2), torch.tensor([0, 1]), "hard", 0.2)
