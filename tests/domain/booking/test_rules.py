"""Decisions of booking: fitting a party, the difference of places, signs, the window, codes."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.domain.booking import rules
from madoguchi.domain.booking.rules import Bands, FewRule, Mark, Need, Refusal, WindowRule
from madoguchi.ground.kit.clock import JST

BAND = 1800


def bands(free: Sequence[int], *, first_id: int = 1, gaps: Sequence[int] = (), taken: int = 0) -> Bands:
    """Bands of half an hour from second 0; a gap of one band follows each index in ``gaps``."""
    made, at = Bands(), 0
    for i, places in enumerate(free):
        made.add(first_id + i, at, at + BAND, places + taken, taken, False)
        at += BAND * (2 if i in gaps else 1)
    return made


def placed(visits: Sequence[rules.Visit] | None) -> list[tuple[int, ...]] | None:
    return None if visits is None else [visit.slots for visit in visits]


ONE, TWO = Need(1, 1), Need(1, 2)


@pytest.mark.req("BOOK-05")
@pytest.mark.parametrize(
    ("free", "needs", "spread", "expected"),
    [
        ([1], [ONE], 0, [(1,)]),
        ([0], [ONE], 0, None),
        ([], [ONE], 0, None),
        ([3], [ONE, ONE, ONE], 0, [(1,), (1,), (1,)]),
        ([2, 1], [ONE, ONE, ONE], 0, None),
        ([2, 1], [ONE, ONE, ONE], 1, [(1,), (1,), (2,)]),
        ([1, 0, 1], [ONE, ONE], 1, None),
        ([1, 0, 1], [ONE, ONE], 2, [(1,), (3,)]),
        ([0, 5], [ONE], 2, None),
        ([1, 1], [TWO], 0, [(1, 2)]),
        ([1, 0], [TWO], 0, None),
        ([1], [TWO], 2, None),
        ([1, 1, 1], [TWO, ONE], 1, [(2, 3), (1,)]),
        ([1, 1, 1], [ONE, TWO], 1, [(1,), (2, 3)]),
        ([2, 2, 0], [ONE, TWO], 0, [(1,), (1, 2)]),
        ([1, 2, 1], [TWO, TWO], 1, [(1, 2), (2, 3)]),
        ([1, 1, 1, 1, 1], [TWO, ONE, TWO], 3, [(1, 2), (3,), (4, 5)]),
    ],
)
def test_a_party_fits_or_not(
    free: list[int], needs: list[Need], spread: int, expected: list[tuple[int, ...]] | None
) -> None:
    assert placed(rules.fit({1: bands(free)}, needs, 0, spread=spread)) == expected


def test_nobody_is_placed_across_a_gap_of_time() -> None:
    split = {1: bands([1, 1, 1], gaps=[0])}
    assert rules.fit(split, [TWO], 0, spread=2) is None
    assert rules.fit(split, [ONE, ONE], 0, spread=2) is None
    assert placed(rules.fit(split, [TWO], 2 * BAND, spread=0)) == [(2, 3)]


def test_people_of_one_party_may_need_different_pools() -> None:
    grid = {1: bands([1]), 2: bands([1, 1], first_id=11)}
    needs = [Need(1, 1), Need(2, 2)]
    visits = rules.fit(grid, needs, 0, spread=0)
    assert visits is not None
    assert [(v.slots, v.starts, v.ends) for v in visits] == [((1,), 0, BAND), ((11, 12), 0, 2 * BAND)]
    assert rules.fit(grid, [Need(1, 1), Need(3, 1)], 0, spread=0) is None


def test_freed_places_count_and_over_ignores_what_is_taken_but_not_what_is_not_there() -> None:
    full = {1: bands([0, 0], taken=3)}
    assert rules.fit(full, [ONE], 0, spread=0) is None
    assert placed(rules.fit(full, [ONE, ONE], 0, spread=0, freed={1: 2})) == [(1,), (1,)]
    assert placed(rules.fit(full, [ONE] * 3, 0, spread=0, over=True)) == [(1,), (1,), (1,)]
    assert rules.fit(full, [ONE], 2 * BAND, spread=0, over=True) is None
    assert rules.fit(full, [Need(1, 3)], 0, spread=0, over=True) is None


@pytest.mark.req("BOOK-02")
def test_a_closed_slot_is_no_slot_for_new_visits() -> None:
    grid = Bands()
    grid.add(1, 0, BAND, 5, 0, False)
    grid.add(2, BAND, 2 * BAND, 5, 2, True)
    assert rules.fit({1: grid}, [ONE], BAND, spread=0) is None
    assert rules.fit({1: grid}, [ONE], BAND, spread=0, over=True) is None
    assert rules.fit({1: grid}, [TWO], 0, spread=0, over=True) is None
    assert rules.starts_of({1: grid}, [ONE]) == [0]


def _possible(grid: dict[int, Bands], needs: Sequence[Need], start: int, spread: int) -> bool:
    """Every placement tried: the plain meaning of the rule, written without regard to time."""
    options = []
    for need in needs:
        pool = grid[need.pool]
        if start not in pool.index:
            return False
        first = pool.index[start]
        here = []
        for begin in range(first, min(first + spread, len(pool.ids) - 1) + 1):
            between = range(first + 1, begin + 1)
            run = range(begin, begin + need.bands)
            if run.stop > len(pool.ids):
                continue
            if all(pool.starts[b] == pool.ends[b - 1] for b in [*between, *run[1:]]):
                here.append(tuple((need.pool, b) for b in run))
        options.append(here)
    for choice in itertools.product(*options):
        if not any(grid[run[0][0]].starts[run[0][1]] == start for run in choice):
            continue
        used = Counter(band for run in choice for band in run)
        if all(n <= grid[pool].free[b] for (pool, b), n in used.items()):
            return True
    return False


_grids = st.dictionaries(
    st.sampled_from([1, 2]),
    st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.sets(st.integers(0, 5), max_size=1)),
    min_size=2,
    max_size=2,
).map(lambda d: {pool: bands(free, first_id=pool * 100, gaps=sorted(gaps)) for pool, (free, gaps) in d.items()})
_needs = st.lists(st.builds(Need, st.sampled_from([1, 1, 2]), st.sampled_from([1, 1, 2, 3])), min_size=1, max_size=4)


@pytest.mark.req("BOOK-05")
@settings(max_examples=400, deadline=None)
@given(grid=_grids, needs=_needs, start=st.integers(0, 3).map(lambda n: n * BAND), spread=st.integers(0, 3))
def test_fit_finds_a_placement_exactly_when_there_is_one(
    grid: dict[int, Bands], needs: list[Need], start: int, spread: int
) -> None:
    visits = rules.fit(grid, needs, start, spread=spread)
    assert (visits is not None) == _possible(grid, needs, start, spread)
    if visits is None:
        return
    used: Counter[int] = Counter()
    for need, visit in zip(needs, visits, strict=True):
        pool = grid[need.pool]
        index = [pool.ids.index(slot) for slot in visit.slots]
        assert len(index) == need.bands
        assert index == list(range(index[0], index[0] + need.bands))
        assert all(pool.starts[b] == pool.ends[b - 1] for b in index[1:])
        assert 0 <= index[0] - pool.index[start] <= spread
        assert (visit.starts, visit.ends) == (pool.starts[index[0]], pool.ends[index[-1]])
        used.update(visit.slots)
    for pool in grid.values():
        assert all(used[slot] <= free for slot, free in zip(pool.ids, pool.free, strict=True))
    assert min(visit.starts for visit in visits) == start


def test_a_large_party_is_refused_quickly() -> None:
    grid = {1: bands([10] * 12)}
    needs = [Need(1, 1 + i % 3) for i in range(20)]
    assert rules.fit(grid, [*needs, *needs], 0, spread=2) is None
    assert rules.fit({1: bands([40] * 12)}, needs, 0, spread=2) is not None


_claims = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), max_size=12)


@given(before=_claims, after=st.lists(st.integers(1, 5), max_size=12), share=st.integers(0, 4))
def test_a_shift_carries_one_placement_into_the_other_and_counts_only_the_difference(
    before: list[tuple[int, int]], after: list[int], share: int
) -> None:
    shift = rules.shift(before, after, share)
    assert 0 not in shift.change.values()
    counted = Counter(before)
    for key, n in shift.change.items():
        counted[key] += n
    assert all(n >= 0 for n in counted.values())
    assert +counted == Counter((slot, one) for slot, shares in shift.shares.items() for one in shares)
    assert Counter({slot: len(shares) for slot, shares in shift.shares.items()}) == Counter(after)
    net: Counter[int] = Counter()
    for (slot, _), n in shift.change.items():
        net[slot] += n
    moved = Counter(after)
    moved.subtract(Counter(slot for slot, _ in before))
    assert {slot: n for slot, n in net.items() if n} == {slot: n for slot, n in moved.items() if n}


@given(kept=st.lists(st.integers(0, 20), min_size=4, max_size=4), planned=st.integers(0, 40))
def test_contingents_are_trimmed_to_the_plan_and_never_grow(kept: list[int], planned: int) -> None:
    fitting = rules.trim(kept, planned)
    assert sum(fitting) == min(sum(kept), planned)
    assert all(0 <= a <= b for a, b in zip(fitting, kept, strict=True))
    assert max(fitting) - min(f for f, k in zip(fitting, kept, strict=True) if f < k) <= 1 if fitting != kept else True


def test_what_is_kept_for_others_is_not_free_until_it_opens() -> None:
    grid = bands([5, 5])
    grid.parts[0] = rules.Parts(kept=(1, 2, 0, 0), used=(0, 1, 0, 0), opens=(100, 100, 0, 0))
    assert grid.seen_by(1, 99).free == [4, 5]  # one of the two places of the telephone is left
    assert grid.seen_by(2, 99).free == [4, 5]  # the web's own place is not the telephone's
    assert grid.seen_by(3, 99).free == [3, 5]
    assert grid.seen_by(3, 100).free == [5, 5]
    assert bands([5]).seen_by(0, 0).free == [5]
    grid = bands([1])
    grid.parts[0] = rules.Parts(kept=(0, 3, 0, 0), used=(2, 0, 0, 0), opens=(0, 100, 0, 0))
    assert grid.seen_by(1, 99).free == [0]
    assert rules.fit({1: grid.seen_by(1, 99)}, [Need(1, 1)] * 2, 0, spread=0, freed={grid.ids[0]: 2}) is not None


@pytest.mark.parametrize(
    ("minutes", "band", "expected"),
    [(30, 30, 1), (1, 30, 1), (31, 30, 2), (45, 30, 2), (60, 30, 2), (61, 30, 3), (15, 20, 1), (0, 30, 1)],
)
def test_a_procedure_takes_whole_bands(minutes: int, band: int, expected: int) -> None:
    assert rules.bands_needed(minutes, band) == expected


@pytest.mark.req("BOOK-03")
@pytest.mark.parametrize(
    ("count", "share", "left", "planned", "expected"),
    [
        (2, 0.2, 0, 10, Mark.FULL),
        (2, 0.2, -1, 10, Mark.FULL),
        (2, 0.2, 1, 10, Mark.FEW),
        (2, 0.2, 2, 10, Mark.FEW),
        (2, 0.2, 3, 10, Mark.MANY),
        (2, 0.3, 3, 10, Mark.FEW),
        (2, 0.2, 2, 2, Mark.MANY),
        (2, 0.2, 1, 2, Mark.FEW),
        (0, 0.0, 1, 10, Mark.MANY),
        (0, 0.5, 5, 10, Mark.FEW),
        (1, 0.0, 1, 1, Mark.MANY),
    ],
)
def test_few_left(count: int, share: float, left: int, planned: int, expected: Mark) -> None:
    assert FewRule(count, share).mark(left, planned) is expected


@pytest.mark.req("BOOK-03")
@given(count=st.integers(0, 20), share=st.floats(0, 1), planned=st.integers(0, 50), left=st.integers(-5, 50))
def test_the_sign_follows_the_profile_and_only_worsens_as_places_go(
    count: int, share: float, planned: int, left: int
) -> None:
    from madoguchi.ground.contracts.profile.booking import FewLeft

    rule = FewRule(count, share)
    order = [Mark.FULL, Mark.FEW, Mark.MANY]
    assert order.index(rule.mark(left, planned)) <= order.index(rule.mark(left + 1, planned))
    assert (rule.mark(left, planned) is Mark.FEW) == FewLeft(count=count, share=share).applies(left, planned)
    assert rules.SIGNS[Mark.MANY] + rules.SIGNS[Mark.FEW] + rules.SIGNS[Mark.FULL] + rules.SIGNS[Mark.NONE] == "○△×−"


def moment(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=JST)


@pytest.mark.req("BOOK-11")
@pytest.mark.parametrize(
    ("visit", "now", "latest", "staff", "expected"),
    [
        (moment(5, 10), moment(2, 9), moment(4, 17), False, None),
        (moment(5, 10), moment(4, 17), moment(4, 17), False, None),
        (moment(5, 10), moment(4, 17, 1), moment(4, 17), False, Refusal.TOO_LATE),
        (moment(5, 10), moment(5, 10), moment(5, 10), True, Refusal.PAST),
        (moment(5, 10), moment(5, 9, 59), moment(5, 10), True, None),
        (moment(12, 10), moment(2, 9), moment(11, 17), False, None),
        (moment(13, 10), moment(2, 9), moment(12, 17), False, Refusal.NOT_OPEN_YET),
        (moment(13, 10), moment(2, 9), moment(12, 17), True, None),
        (moment(12, 10), moment(2, 7, 59), moment(11, 17), False, Refusal.NOT_OPEN_YET),
        (moment(12, 10), moment(2, 8), moment(11, 17), False, None),
    ],
)
def test_the_window(
    visit: dt.datetime, now: dt.datetime, latest: dt.datetime, staff: bool, expected: Refusal | None
) -> None:
    window = WindowRule(open_days_ahead=10, opens_at=dt.time(8, 0))
    assert rules.may_book(visit, now=now, window=window, latest=latest, staff=staff) == expected


@given(seconds=st.integers(0, 3 * 86400), ahead=st.integers(1, 400))
def test_the_last_day_moves_on_by_one_day_at_the_opening_hour(seconds: int, ahead: int) -> None:
    now = moment(2, 0) + dt.timedelta(seconds=seconds)
    window = WindowRule(ahead, dt.time(8, 0))
    expected = now.date() + dt.timedelta(days=ahead if now.hour >= 8 else ahead - 1)
    assert window.last_day(now) == expected


def test_a_code_has_eight_clear_signs_and_forty_bits() -> None:
    codes = [rules.new_code() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert all(len(code) == 8 and set(code) <= set(rules.ALPHABET) for code in codes)
    assert len(set(rules.ALPHABET)) == 32
    assert not set("IO01") & set(rules.ALPHABET)
    assert all(len({code[i] for code in codes}) == 32 for i in range(8))


@given(code=st.text(rules.ALPHABET, min_size=8, max_size=8), style=st.integers(0, 5))
def test_a_code_is_read_however_it_is_written(code: str, style: int) -> None:
    shown = rules.show_code(code)
    wide = shown.translate({0x21 + i: 0xFF01 + i for i in range(94)})
    written = [shown, shown.lower(), f" {shown} ", shown.replace("-", " "), wide, shown.replace("-", "ー")][style]
    assert rules.read_code(written) == code


def test_the_end_of_a_hold() -> None:
    assert rules.hold_deadline(moment(2, 9), 10) == moment(2, 9, 10)
