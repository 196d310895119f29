"""Area under the curve, peaks, lesions and FROC, against scikit-learn and worked examples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import roc_auc_score

from glasswork.errors import GlassworkError
from glasswork.objectives.froc import Found, area_under_roc, froc, lesions, matched, peaks, smoothed


@given(some.lists(some.tuples(some.integers(0, 5), some.booleans()), min_size=2, max_size=40))
def test_area_is_scikit_learns(pairs: list[tuple[int, bool]]) -> None:
    scores, truth = torch.tensor([float(s) for s, _ in pairs]), torch.tensor([t for _, t in pairs])
    if 0 < int(truth.sum()) < len(truth):
        assert area_under_roc(scores, truth) == pytest.approx(roc_auc_score(truth.numpy(), scores.numpy()))
    else:
        with pytest.raises(GlassworkError, match="both kinds"):
            area_under_roc(scores, truth)


def test_peaks_are_far_from_each_other_and_highest_first() -> None:
    map_ = torch.zeros(20, 20)
    map_[3, 4], map_[3, 6], map_[15, 15], map_[0, 19] = 0.9, 0.8, 0.95, 0.4
    assert [(peak.row, peak.column) for peak in peaks(map_)] == [(15, 15), (3, 4)]
    assert [(peak.row, peak.column) for peak in peaks(map_, radius=1)] == [(15, 15), (3, 4), (3, 6)]


def test_smoothing_leaves_a_plain_map_alone_also_at_its_border() -> None:
    torch.testing.assert_close(smoothed(torch.full((4, 5), 0.7)), torch.full((4, 5), 0.7))
    spot = torch.zeros(5, 5)
    spot[2, 2] = 9
    assert float(smoothed(spot).max()) == 1


def regions() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    mask = np.zeros((200, 200), bool)
    mask[10:60, 10:60] = True
    mask[64:110, 10:60] = True
    mask[150:160, 150:160] = True
    mask[20:30, 20:30] = False
    return mask


def test_regions_within_75_micrometres_are_one_lesion_and_small_ones_do_not_count() -> None:
    plain = lesions(regions(), None)
    assert (plain.count, len(plain.isolated)) == (3, 0)
    joined = lesions(regions(), 10.0)  # a gap of 4 cells is 40 micrometres, and of 10 cells a side is 100 + 75
    assert (joined.count, len(joined.isolated)) == (2, 1)
    assert joined.labels[25, 25] == joined.labels[15, 15] != 0
    apart = lesions(regions(), 20.0)  # now 80 micrometres
    assert apart.count == 3 and apart.labels[62, 30] == 0


def test_finds_within_a_lesion_are_one_hit_and_those_on_isolated_cells_count_neither_way() -> None:
    truth = lesions(regions(), 10.0)
    found = matched([(20, 40, 0.7), (90, 30, 0.9), (155, 155, 0.8), (5, 190, 0.6)], truth)
    assert found == Found((0.9,), (0.6,))


def test_froc_by_hand() -> None:
    """Two pictures, three lesions; at 0.8: 1 of 3 and no false one; at 0.6: 2 of 3 and 1/2; at 0.3: 3 of 3 and 3/2."""
    found = froc([Found((0.9, 0.6), (0.7, 0.4)), Found((0.3,), (0.35,))])
    false, share = zip(*found.curve, strict=True)
    assert false == pytest.approx((0, 0, 0.5, 0.5, 1, 1.5, 1.5))
    assert share == pytest.approx((0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1))
    assert found.sensitivity == pytest.approx((1 / 3, 2 / 3, 2 / 3, 1, 1, 1))
    assert found.mean == pytest.approx((1 / 3 + 4 / 3 + 3) / 6)
    assert (found.lesions, found.pictures) == (3, 2)


def test_a_lesion_never_found_stays_unfound() -> None:
    assert froc([Found((0.9, 0.0), ())]).sensitivity == (0.5,) * 6
    with pytest.raises(GlassworkError, match="lesion"):
        froc([Found((), (0.5,))])
