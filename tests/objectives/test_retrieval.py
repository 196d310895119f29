"""Retrieval and verification: against scikit-learn and against counting."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from torch import Tensor

from closeness import assert_same_numbers
from glasswork.objectives.retrieval import BINS, nearest, principal_plane, recall, verification


def points(seed: int, count: int, size: int = 3) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


seeds = some.integers(0, 2**31 - 1)
labels = some.lists(some.integers(0, 3), min_size=2, max_size=30).map(torch.tensor)


@given(seeds, some.integers(1, 700), some.integers(1, 9))
def test_the_nearest_are_those_of_sorting_all(seed: int, queries: int, count: int) -> None:
    asked, gallery = points(seed, queries), points(seed + 1, 7)
    found = nearest(asked, gallery, count)
    distances, order = torch.cdist(asked, gallery).sort(1)
    assert found.places.tolist() == order[:, :count].tolist()
    assert_same_numbers(found.distances, distances[:, :count].square(), least=1)


def test_a_query_does_not_find_itself() -> None:
    gallery = torch.tensor([[0.0], [1.0], [3.0]])
    found = nearest(gallery, gallery, 5, own=torch.arange(3))
    assert found.places.tolist() == [[1, 2], [0, 2], [1, 0]]


def test_equally_near_ones_come_in_the_gallery_s_order() -> None:
    assert nearest(torch.zeros(1, 2), torch.ones(6, 2), 6).places.tolist() == [[0, 1, 2, 3, 4, 5]]


@given(seeds, labels, some.integers(1, 4))
def test_recall_counts_queries_with_something_to_be_found(seed: int, classes: Tensor, count: int) -> None:
    embeddings, kinds = points(seed, len(classes)), classes.tolist()
    found = recall(embeddings, classes, counts=(1, count))
    distances = torch.cdist(embeddings, embeddings)
    hits = []
    for query in range(len(kinds)):
        others = sorted((place for place in range(len(kinds)) if place != query), key=lambda p: distances[query, p])
        if any(kinds[place] == kinds[query] for place in others):
            hits.append(any(kinds[place] == kinds[query] for place in others[:count]))
    assert found.queries == len(hits)
    if hits:
        assert found.shares[count] == pytest.approx(sum(hits) / len(hits))
        assert found.shares[1] == pytest.approx(found.right / found.queries)
    else:
        assert math.isnan(found.shares[count])


def test_recall_in_another_gallery() -> None:
    queries, gallery = torch.tensor([[0.0], [5.0], [9.0]]), torch.tensor([[0.1], [1.0], [6.0]])
    found = recall(queries, torch.tensor([0, 1, 7]), gallery, torch.tensor([0, 1, 2]), counts=(1, 2))
    assert (found.shares, found.queries, found.right) == ({1: 0.5, 2: 1.0}, 2, 1)


@given(seeds, some.lists(some.integers(0, 3), min_size=4, max_size=60).map(torch.tensor))
def test_the_roc_curve_is_scikit_learn_s(seed: int, classes: Tensor) -> None:
    embeddings = torch.nn.functional.normalize(points(seed, len(classes)), dim=1)
    first, second = torch.triu_indices(len(classes), len(classes), 1)
    same = classes[first] == classes[second]
    found = verification(embeddings, classes, 0.1)
    assert (found.same, found.different) == (int(same.sum()), int((~same).sum()))
    if found.same == 0 or found.different == 0:
        assert math.isnan(found.area) and found.curve == ()
        return
    distances = (embeddings[first] - embeddings[second]).square().sum(1).double()
    assert found.area == pytest.approx(roc_auc_score(same, -distances), abs=0.005)
    step = 4.1 / BINS
    accepted = [(distances <= found.threshold + shift)[~same].double().mean() for shift in (-step, step)]
    assert accepted[0] <= 0.1
    true = [float((distances <= found.threshold + shift)[same].double().mean()) for shift in (-step, step)]
    assert true[0] - 1e-9 <= found.true_accepts <= true[1] + 1e-9
    shares = [true for _, true in found.curve]
    assert shares == sorted(shares) and found.curve[-1] == (1.0, 1.0)


def test_verification_of_more_pairs_than_one_chunk() -> None:
    classes = torch.arange(1200) % 3
    embeddings = torch.nn.functional.one_hot(classes, 3).float()
    found = verification(embeddings, classes)
    assert (found.area, found.true_accepts) == (1.0, 1.0)
    assert found.same == 3 * (400 * 399 // 2) and found.same + found.different == 1200 * 1199 // 2


def test_verification_by_chance() -> None:
    found = verification(torch.ones(50, 4), torch.arange(50) % 5)
    assert (found.area, found.true_accepts) == (0.5, 0.0)


@given(seeds, some.integers(3, 40))
def test_the_plane_is_that_of_principal_components(seed: int, count: int) -> None:
    embeddings = points(seed, count, 5)
    wanted = PCA(2).fit_transform(embeddings.double().numpy())
    found = principal_plane(embeddings)
    torch.testing.assert_close(found.abs(), torch.from_numpy(wanted).abs(), rtol=1e-4, atol=1e-4)
