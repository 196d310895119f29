"""Which pictures show the same thing, by their names."""

import pytest

from glasswork.data.folds import groups_by_name, narrow_stem, stem


@pytest.mark.parametrize(
    ("name", "thing", "narrow"),
    [
        ("animals/frog.png", "frog", "frog"),
        ("frog-1.jpg", "frog", "frog"),
        ("Frog2.jpg", "frog", "frog"),
        ("frog_outline.png", "frog", "frog"),
        ("frog-1-0.jpg", "frog", "frog-1"),
        ("fish26 (3).jpg", "fish", "fish26"),
        ("tree frog copy.png", "tree frog", "tree frog"),
        ("00017.png", "00017", "00017"),
    ],
)
def test_what_a_name_says(name: str, thing: str, narrow: str) -> None:
    assert (stem(name), narrow_stem(name)) == (thing, narrow)


def together(names: list[str], least: int) -> tuple[list[set[str]], tuple[int, ...]]:
    groups, apart = groups_by_name(names, [0] * len(names), least)
    parts: dict[int, set[str]] = {}
    for name, number in zip(names, groups.numbers.tolist(), strict=True):
        parts.setdefault(number, set()).add(name)
    return list(parts.values()), apart


def test_views_stay_together_where_things_are_numbered() -> None:
    names = [f"fish{thing}-{view}.png" for thing in range(4) for view in range(3)]
    found, apart = together(names, 3)
    assert sorted(map(len, found)) == [3, 3, 3, 3] and apart == ()
    assert all(len({name.partition("-")[0] for name in part}) == 1 for part in found)


def test_numbered_pictures_are_a_thing_each_where_no_name_says_more() -> None:
    found, apart = together([f"IMG_{number}.jpg" for number in range(6)], 5)
    assert list(map(len, found)) == [1] * 6 and apart == (0,)


def test_classes_are_looked_at_one_by_one() -> None:
    names = [f"{thing}-{view}.png" for thing in ("oak", "elm", "ash") for view in range(2)] + ["a1", "a2", "a3"]
    groups, apart = groups_by_name(names, [0] * 6 + [1] * 3, 3)
    assert apart == (1,)
    assert len(groups.names) == 6
    same, _ = groups_by_name(["frog-1", "frog-2"], [0, 1], 1)
    assert len(same.names) == 2
