"""Statistics of answers: intervals against published values, and what must hold for all data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.survey.rules import LEAST, groups_of, mean_score, shown_groups, t_quantile, wilson

pytestmark = pytest.mark.req("REP-06")
COUNTS = st.dictionaries(st.sampled_from([1, 2, 3, 4, 5]), st.integers(0, 400))


def test_wilson_is_what_newcombe_published() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    for count, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):
        found = wilson(count, of)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_quantiles_are_those_of_the_tables() -> None:
    for freedom, value in ((4, 2.776), (5, 2.571), (9, 2.262), (29, 2.045), (100, 1.984), (10_000, 1.960)):
        assert t_quantile(freedom) == pytest.approx(value, abs=0.0015)
    with pytest.raises(ValueError, match="degrees"):
        t_quantile(3)


def test_a_mean_by_hand() -> None:
    found = mean_score({5: 4, 4: 3, 3: 2, 1: 1})
    assert found is not None
    assert found.value == 3.9
    half = 2.2622 * math.sqrt((4 * 1.1**2 + 3 * 0.1**2 + 2 * 0.9**2 + 2.9**2) / 9 / 10)
    assert found.low == pytest.approx(3.9 - half, abs=0.001)
    assert found.high == pytest.approx(min(5, 3.9 + half), abs=0.001)


@given(of=st.integers(1, 10_000), part=st.floats(0, 1))
def test_a_share_lies_in_its_interval_and_mirrors_its_rest(of: int, part: float) -> None:
    count = round(of * part)
    found, rest = wilson(count, of), wilson(of - count, of)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low == pytest.approx(1 - rest.high)
    assert wilson(count * 4, of * 4).high - wilson(count * 4, of * 4).low < found.high - found.low


@given(counts=COUNTS)
def test_a_mean_lies_in_its_interval_and_few_answers_have_none(counts: dict[int, int]) -> None:
    found = mean_score(counts)
    assert (found is None) == (sum(counts.values()) < LEAST)
    if found is not None:
        assert 1 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 5


@given(counts=st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 30)))
def test_nothing_small_is_shown_nor_follows_by_subtraction(counts: dict[str, int]) -> None:
    shown = shown_groups(counts)
    assert all(counts[name] >= LEAST for name in shown)
    hidden = sum(counts.values()) - sum(counts[name] for name in shown)
    assert hidden == 0 or hidden >= LEAST or not shown
    if all(n >= LEAST or n == 0 for n in counts.values()):
        assert shown == {name for name, n in counts.items() if n}


def test_groups_are_found_by_words_of_any_width() -> None:
    groups = [("waiting", ("待ち", "wait")), ("manner", ("親切",)), ("none", ())]
    assert groups_of("ＷＡＩＴ was long。職員は親切", groups) == ["waiting", "manner"]
    assert groups_of("特になし", groups) == []
