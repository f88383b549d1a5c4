"""Many days at once: bands edited together, a week copied onto others; all days or none, nobody cancelled."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Affected, DayPlan, Slot
from madoguchi.domain.booking.services import slots, weeks
from madoguchi.domain.booking.services.slots import Bands
from madoguchi.domain.booking.services.weeks import MOST_PLACES, Act, Chosen, PlanError, altered, touch
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from .desk import FRIDAY, THURSDAY, WEDNESDAY, Desk, at

pytestmark = pytest.mark.req("BOOK-02", "CAL-05")
MONDAY = dt.date(2026, 11, 9)
HOLIDAY = dt.date(2026, 11, 3)
ALL = frozenset({"card", "application"})
MORNING = (dt.time(9), dt.time(10))


def open_bands(day: dt.date, pool: str = "card") -> dict[str, int]:
    rows = Slot.objects.filter(pool__code=pool, starts_at__date=day, closed=False).order_by("starts_at")
    return {f"{slot.starts_at:%H:%M}": slot.planned for slot in rows_in_japan(rows)}


def rows_in_japan(rows):  # type: ignore[no-untyped-def]
    for slot in rows:
        slot.starts_at = slot.starts_at.astimezone(at(0).tzinfo)
        yield slot


def edit(desk: Desk, act: Act, by: Actor, places: int = 0, **chosen: object) -> weeks.WeeksEffect:
    values = {"pools": frozenset({"card"}), "first": WEDNESDAY, "last": FRIDAY, **chosen}
    return weeks.edit_bands(desk.contract, Chosen(**values), act, places=places, reason="停電", by=by, now=desk.now)  # type: ignore[arg-type]


def test_bands_of_many_days_get_other_places(desk: Desk, official: Actor) -> None:
    effect = edit(desk, Act.SET, official, 3, pools=ALL, weekdays=frozenset({2, 4}), span=MORNING)
    assert open_bands(WEDNESDAY)["09:00"] == open_bands(FRIDAY, "application")["09:30"] == 3
    assert open_bands(WEDNESDAY)["10:00"] == open_bands(THURSDAY)["09:00"] == 6
    assert (len(effect.changed), effect.days, effect.replaced, effect.later) == (8, 4, 0, 0)
    edit(desk, Act.ADD, official, 2, span=MORNING)
    assert [open_bands(day)["09:30"] for day in (WEDNESDAY, THURSDAY, FRIDAY)] == [5, 8, 5]
    assert [a for a, _ in desk.audit()] == ["slots.edited", "slots.edited"]
    assert desk.faults() == [] and verify_audit(desk.contract) == []


def test_closing_lists_everybody_with_the_reason_and_cancels_nobody(desk: Desk, official: Actor) -> None:
    done = [desk.reserve(at(9, day=day), email=n > 1) for n, day in enumerate((WEDNESDAY, THURSDAY, FRIDAY), 1)]
    free = desk.reserve(at(11, day=THURSDAY), number=9)
    effect = edit(desk, Act.CLOSE, official, span=MORNING)
    assert {b.code for b in effect.broken} == {d.code for d in done}
    rows = {row.booking.code: row for row in Affected.objects.select_related("booking")}
    assert set(rows) == {d.code for d in done}
    assert {row.reason for row in rows.values()} == {"停電"}
    assert rows[done[0].code].notified_at is None
    assert rows[done[1].code].notified_at == desk.now
    assert all(desk.booking(d.code).state == State.BOOKED for d in [*done, free])
    assert "09:00" not in open_bands(WEDNESDAY) and "10:00" in open_bands(WEDNESDAY)
    assert desk.slot(at(9)).taken == 1
    assert desk.faults() == []


def test_reopening_brings_back_the_usual_bands_and_the_patterns(desk: Desk, official: Actor) -> None:
    usual = {day: open_bands(day) for day in (WEDNESDAY, THURSDAY)}
    edit(desk, Act.CLOSE, official, span=(dt.time(9, 10), dt.time(9, 40)))
    assert set(usual[WEDNESDAY]) - set(open_bands(WEDNESDAY)) == {"09:00", "09:30"}
    edit(desk, Act.REOPEN, official, last=WEDNESDAY)
    assert open_bands(WEDNESDAY) == usual[WEDNESDAY]
    assert "09:00" not in open_bands(THURSDAY)
    assert set(DayPlan.objects.filter(withdrawn_at=None).values_list("date", flat=True)) == {THURSDAY, FRIDAY}


def test_a_week_is_copied_and_holidays_are_passed_over(desk: Desk, official: Actor) -> None:
    slots.set_day(
        desk.contract, desk.pool(), dt.date(2026, 11, 10), [(dt.time(9), dt.time(9, 30), 2), (dt.time(18), dt.time(18, 30), 1)],
        reason="夜間", by=official, now=desk.now,
    )  # fmt: skip
    targets = [dt.date(2026, 11, 17), dt.date(2026, 11, 23)]

    def copy(**more: bool) -> weeks.WeeksEffect:
        return weeks.copy_week(
            desk.contract, {"card"}, MONDAY, targets, reason="研修", by=official, now=desk.now, **more
        )

    effect = copy()
    assert open_bands(dt.date(2026, 11, 17)) == {"09:00": 2}
    assert open_bands(dt.date(2026, 11, 24)) == {"09:00": 2}
    assert open_bands(dt.date(2026, 11, 23)) == {}
    assert [(p.code, d, r) for p, d, r in effect.passed] == [("card", dt.date(2026, 11, 23), "祝日（勤労感謝の日）")]
    effect = copy(beyond_hours=True)
    assert open_bands(dt.date(2026, 11, 17)) == {"09:00": 2, "18:00": 1}
    assert len(open_bands(dt.date(2026, 11, 23))) == 17
    assert (effect.days, effect.replaced, effect.passed) == (3, 2, [])
    assert DayPlan.objects.filter(withdrawn_at=None, date__gt=targets[0]).count() == 2


def test_a_holiday_of_the_source_week_says_nothing(desk: Desk, official: Actor) -> None:
    effect = weeks.copy_week(
        desk.contract, ALL, HOLIDAY, [MONDAY], reason="研修", by=official, now=desk.now
    )
    assert (effect.days, effect.nothing) == (0, True)
    assert open_bands(dt.date(2026, 11, 10))["09:00"] == 6
    assert DayPlan.objects.count() == 0


def test_days_far_ahead_get_their_slots_when_their_time_comes(desk: Desk, official: Actor) -> None:
    far = dt.date(2027, 3, 3)
    slots.extend(desk.contract, by=official, now=desk.now)
    effect = edit(desk, Act.CLOSE, official, first=far, last=far + dt.timedelta(days=1), span=MORNING)
    assert (effect.days, effect.later, effect.nothing) == (2, 2, True)
    slots.extend(desk.contract, by=official, now=desk.now + dt.timedelta(days=40))
    assert min(open_bands(far)) == "08:30" and "09:00" not in open_bands(far)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"pools": frozenset()}, "枠の組を1つ以上"),
        ({"last": dt.date(2026, 11, 1)}, "曜日の日がありません"),
        ({"first": THURSDAY, "weekdays": frozenset({0})}, "曜日の日がありません"),
        ({"first": dt.date(2026, 11, 1)}, "過ぎた日は変更できません"),
        ({"last": dt.date(2029, 1, 1)}, "1年以内"),
    ],
)
def test_what_cannot_be_done_is_said(desk: Desk, official: Actor, chosen: dict[str, object], message: str) -> None:
    before = desk.snapshot()
    with pytest.raises(PlanError, match=message), contract_scope(desk.contract):
        edit(desk, Act.CLOSE, official, **chosen)
    assert desk.snapshot() == before


def test_too_many_days_are_refused_before_anything_is_read(
    desk: Desk, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weeks, "MOST_DAYS", 5)
    with pytest.raises(PlanError, match=r"5日分まで.*いまは6日分"):
        edit(desk, Act.CLOSE, official, pools=ALL)


def test_the_preview_is_the_deed_and_leaves_nothing(desk: Desk, official: Actor) -> None:
    desk.reserve(at(9))
    before = desk.snapshot()
    shown = slots.preview(desk.contract, lambda: edit(desk, Act.CLOSE, official, pools=ALL))
    assert desk.snapshot() == before
    done, stays = slots.attempt(
        desk.contract, lambda: edit(desk, Act.CLOSE, official, pools=ALL), wanted=lambda e: e.signature == shown.signature
    )
    assert stays and done.signature == shown.signature and len(done.broken) == 1


def test_what_changed_since_the_preview_is_not_done(desk: Desk, official: Actor) -> None:
    shown = slots.preview(desk.contract, lambda: edit(desk, Act.CLOSE, official))
    desk.reserve(at(9))
    before = desk.snapshot()
    now_shown, stays = slots.attempt(
        desk.contract, lambda: edit(desk, Act.CLOSE, official), wanted=lambda e: e.signature == shown.signature
    )
    assert not stays and len(now_shown.broken) == 1
    assert desk.snapshot() == before


times = st.integers(0, 47).map(lambda n: dt.time(n // 2, n % 2 * 30))


@st.composite
def days(draw: st.DrawFn) -> Bands:
    marks = sorted(draw(st.sets(times, max_size=12)))
    return [(a, b, draw(st.integers(0, MOST_PLACES))) for a, b in zip(marks[::2], marks[1::2], strict=False)]


@given(days(), days(), st.tuples(times, times).map(sorted).map(tuple), st.sampled_from(Act), st.integers(-600, 600))
def test_a_changed_day_is_a_day(bands: Bands, usual: Bands, span: weeks.Span, act: Act, places: int) -> None:
    """No overlap, places within bounds, bands outside the span untouched; closing then reopening the usual day is no change."""
    after = altered(bands, usual, span, act, places)
    assert after == sorted(after)
    assert all(not touch(a, b) for n, a in enumerate(after) for b in after[n + 1 :])
    assert all(0 <= n <= MOST_PLACES for _, _, n in after)
    outside = [band for band in bands if not touch(band, span)]
    assert [band for band in after if band in outside] == outside
    assert altered(altered(usual, usual, span, Act.CLOSE, 0), usual, span, Act.REOPEN, 0) == usual


def test_half_a_year_costs_no_more_statements_than_a_week(desk: Desk, official: Actor) -> None:
    """Slots and plans go in bulk; only bookings that break cost statements of their own (2 s for 546 days and 400 bookings)."""
    cost = []
    for first, length in ((WEDNESDAY, 7), (MONDAY + dt.timedelta(days=7), 182)):
        with CaptureQueriesContext(connection) as statements:
            edit(desk, Act.SET, official, 1, pools=ALL, first=first, last=first + dt.timedelta(days=length - 1))
        cost.append(len(statements))
    assert cost[1] <= cost[0] + 2
