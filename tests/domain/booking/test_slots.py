"""Plans of slots: patterns, single days, the calendar; previews that never lie.

Bookings that break are listed and told, never cancelled.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from madoguchi.domain.booking.enums import EventKind, State
from madoguchi.domain.booking.models import Affected, DayPlan, Pool, Slot, WeekPattern
from madoguchi.domain.booking.rules import Refusal
from madoguchi.domain.booking.services import setup, slots
from madoguchi.domain.booking.services.slots import CalendarChange, Pattern
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit.queries import verify as verify_audit
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

from .desk import FRIDAY, SATURDAY, THURSDAY, WEDNESDAY, Desk, at
from .test_reserve import refused

pytestmark = pytest.mark.req("BOOK-02", "CAL-05")


def closing(day: dt.date, reason: str = "台風", intervals: tuple[tuple[dt.time, dt.time], ...] = ()) -> CalendarChange:
    return CalendarChange(day, "closed", "", "counter", intervals, None, reason)


def starts(pool: str, day: dt.date) -> list[str]:
    rows = Slot.objects.filter(pool__code=pool, starts_at__date=day, closed=False).order_by("starts_at")
    return [f"{slot.starts_at.astimezone(JST):%H:%M}" for slot in rows]


def test_a_weekday_has_the_bands_of_its_pattern_and_a_holiday_none(desk: Desk) -> None:
    assert starts("card", WEDNESDAY) == [f"{h:02d}:{m:02d}" for h in range(8, 17) for m in (0, 30)][1:]
    assert starts("card", dt.date(2026, 11, 3)) == []
    assert starts("card", SATURDAY) == []
    slot = desk.slot(at(10), "application")
    assert (slot.planned, slot.capacity, slot.taken, slot.closed) == (2, 2, 0, False)


def test_slots_of_today_that_began_are_left_alone(desk: Desk, official: Actor) -> None:
    today = dt.date(2026, 11, 2)
    assert starts("card", today)[0] == "09:30"
    done = desk.reserve(at(10, day=today), by=official)
    effect = slots.set_day(
        desk.contract,
        desk.pool(),
        today,
        [(dt.time(15), dt.time(15, 30), 1)],
        reason="会議",
        by=official,
        now=at(12, day=today),
    )
    assert effect.broken == []
    assert desk.slot(at(10, day=today)).taken == 1
    assert desk.slot(at(12, day=today)).closed is False
    assert desk.slot(at(12, 30, today)).closed is True
    assert desk.booking(done.code).state == State.BOOKED


def test_new_patterns_apply_from_their_day(desk: Desk, official: Actor) -> None:
    effect = slots.set_patterns(
        desk.contract,
        desk.pool(),
        [Pattern(day, dt.time(9), dt.time(12), 3) for day in (2, 3)],
        valid_from=THURSDAY,
        by=official,
        now=desk.now,
    )
    assert desk.slot(at(10)).planned == 6
    assert starts("card", THURSDAY) == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    assert desk.slot(at(10, day=THURSDAY)).planned == 3
    assert starts("card", FRIDAY) == []
    assert starts("application", FRIDAY) != []
    assert effect.broken == []
    assert {row[0].code for row in effect.closed + effect.opened} == {"card"}
    assert (desk.pool(), at(10, day=THURSDAY), 6, 3) in effect.changed
    assert [a for a, _ in desk.audit()] == ["slots.pattern"]
    beyond = slots.horizon(desk.contract, desk.now)
    assert beyond == dt.date(2026, 11, 2) + dt.timedelta(days=95)
    assert starts("card", dt.date(2027, 2, 4))[0] == "09:00"
    assert Slot.objects.filter(starts_at__date__gt=beyond).count() == 0


def test_patterns_may_be_replaced_again_and_history_stays(desk: Desk, official: Actor) -> None:
    for capacity in (3, 4):
        slots.set_patterns(
            desk.contract,
            desk.pool(),
            [Pattern(3, dt.time(9), dt.time(12), capacity)],
            valid_from=THURSDAY,
            by=official,
            now=desk.now,
        )
    rows = list(WeekPattern.objects.filter(pool=desk.pool(), valid_from=THURSDAY))
    assert [(r.capacity, r.valid_to) for r in rows] == [(4, None)]
    assert WeekPattern.objects.filter(pool=desk.pool(), valid_to=WEDNESDAY).count() == 5
    assert desk.slot(at(10, day=THURSDAY)).planned == 4


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (Pattern(3, dt.time(12), dt.time(9), 3), "終了時刻は開始時刻より後にしてください。"),
        (Pattern(3, dt.time(9), dt.time(12), 501), "受付可能人数は0から500までの数にしてください。"),
        (Pattern(3, dt.time(9), dt.time(12), -1), "受付可能人数は0から500までの数にしてください。"),
    ],
)
def test_nonsense_in_a_pattern_is_refused_with_a_sentence(
    desk: Desk, official: Actor, pattern: Pattern, message: str
) -> None:
    before = desk.snapshot()
    with pytest.raises(ValidationError, match=message), contract_scope(desk.contract):
        slots.set_patterns(desk.contract, desk.pool(), [pattern], valid_from=THURSDAY, by=official, now=desk.now)
    assert desk.snapshot() == before


def test_longer_hours_alone_open_no_places_where_no_pattern_plans_any(desk: Desk, official: Actor) -> None:
    evening = CalendarChange(
        THURSDAY, "open", "", "counter", ((dt.time(17, 15), dt.time(19)),), dt.time(18, 30), "夜間開庁"
    )
    assert slots.change_calendar(desk.contract, evening, by=official, now=desk.now).opened == []
    rows = [Pattern(3, dt.time(8, 30), dt.time(19), 6)]
    slots.set_patterns(desk.contract, desk.pool(), rows, valid_from=THURSDAY, by=official, now=desk.now)
    assert starts("card", THURSDAY)[-2:] == ["18:00", "18:30"]
    assert starts("card", dt.date(2026, 11, 12))[-1] == "16:30"


def test_an_extra_evening_as_a_day_plan(desk: Desk, official: Actor) -> None:
    day = [(dt.time(h), dt.time(h, 30), 6) for h in range(9, 17)]
    evening = [(dt.time(17, 30), dt.time(18), 4), (dt.time(18), dt.time(18, 30), 4)]
    done = desk.reserve(at(9, day=THURSDAY))
    effect = slots.set_day(
        desk.contract, desk.pool(), THURSDAY, [*day, *evening], reason="夜間開庁", by=official, now=desk.now
    )
    assert [row[1:] for row in effect.opened] == [(at(17, 30, THURSDAY), 4), (at(18, day=THURSDAY), 4)]
    assert effect.broken == []
    booked = desk.reserve(at(18, day=THURSDAY), 4)
    assert desk.booking(booked.code).starts_at == at(18, day=THURSDAY)
    with refused(Refusal.FULL):
        desk.reserve(at(18, day=THURSDAY))
    assert desk.booking(done.code).state == State.BOOKED
    effect = slots.withdraw_day(desk.contract, desk.pool(), THURSDAY, by=official, now=desk.now)
    assert [b.code for b in effect.broken] == [booked.code]
    assert starts("card", THURSDAY) == starts("card", WEDNESDAY)
    plan = DayPlan.objects.get(pool=desk.pool())
    assert (plan.withdrawn_at, plan.created_by, plan.reason) == (desk.now, "市 太郎", "夜間開庁")


def test_a_saturday_opening(desk: Desk, official: Actor) -> None:
    slots.set_day(
        desk.contract,
        desk.pool(),
        SATURDAY,
        [(dt.time(10), dt.time(10, 30), 2)],
        reason="休日開庁",
        by=official,
        now=desk.now,
    )
    assert starts("card", SATURDAY) == ["10:00"]
    assert desk.booking(desk.reserve(at(10, day=SATURDAY), 2).code).people == 2


def test_a_typhoon_lists_and_tells_bookings_and_cancels_none(desk: Desk, official: Actor) -> None:
    with_mail = desk.reserve(at(10, day=THURSDAY), 2)
    without = desk.reserve(at(11, day=THURSDAY), ["other"], email=False)
    held = desk.reserve(at(14, day=THURSDAY), 1, hold=True)
    cancelled = desk.reserve(at(15, day=THURSDAY), 1)
    desk.cancel(cancelled.code)
    next_day = desk.reserve(at(10, day=FRIDAY), 1)
    effect = slots.change_calendar(desk.contract, closing(THURSDAY), by=official, now=desk.now)
    assert [b.code for b in effect.broken] == [with_mail.code, without.code]
    assert len(effect.closed) == 34
    assert starts("card", THURSDAY) == starts("application", THURSDAY) == []
    assert [desk.booking(d.code).state for d in (with_mail, without, held, next_day)] == [
        State.BOOKED, State.BOOKED, State.HELD, State.BOOKED,
    ]  # fmt: skip
    rows = list(Affected.objects.order_by("pk"))
    assert [(r.booking_id, r.created_by, r.settled_at, r.notified_at) for r in rows] == [
        (with_mail.id, "市 太郎", None, desk.now),
        (without.id, "市 太郎", None, None),
    ]
    assert rows[0].slots == [desk.slot(at(10, day=THURSDAY)).pk]
    assert [m[:2] for m in desk.mails() if m[0] == "affected"] == [("affected", f"booking:{with_mail.id}")]
    assert desk.events(with_mail.code)[-1].kind == EventKind.AFFECTED
    with refused(Refusal.FULL):
        desk.reserve(at(10, day=THURSDAY))
    assert desk.taken(at(10, day=THURSDAY)) == 2
    assert desk.faults() == []
    assert verify_audit(desk.contract) == []


def test_closing_twice_lists_once_and_a_move_settles(desk: Desk, official: Actor, citizen: Actor) -> None:
    done = desk.reserve(at(10, day=THURSDAY))
    slots.change_calendar(desk.contract, closing(THURSDAY), by=official, now=desk.now)
    again = slots.change_calendar(desk.contract, closing(THURSDAY, "停電"), by=official, now=desk.now)
    assert again.broken == []
    assert again.nothing
    assert Affected.objects.count() == 1
    desk.move(done.code, at(10, day=FRIDAY))
    row = Affected.objects.get()
    assert (row.settled_at, row.outcome) == (desk.now, "moved")
    assert desk.taken(at(10, day=THURSDAY)) == 0
    assert desk.faults() == []


def test_an_affected_booking_is_settled_by_a_person(desk: Desk, official: Actor, operator: Actor) -> None:
    done = desk.reserve(at(10, day=THURSDAY), email=False)
    slots.change_calendar(desk.contract, closing(THURSDAY), by=official, now=desk.now)
    row = Affected.objects.get()
    later = desk.now + dt.timedelta(hours=1)
    slots.settle(desk.contract, row.pk, outcome="電話で連絡済み", by=operator, now=later)
    row.refresh_from_db()
    assert (row.settled_at, row.outcome) == (later, "電話で連絡済み")
    event = desk.events(done.code)[-1]
    assert (event.kind, event.actor_label) == (EventKind.SETTLED, "電話 花子")
    with pytest.raises(Affected.DoesNotExist):
        slots.settle(desk.contract, row.pk, outcome="もう一度", by=operator, now=later)


def test_reopening_gives_the_day_back_with_its_bookings(desk: Desk, official: Actor) -> None:
    done = desk.reserve(at(10, day=THURSDAY), 2)
    slots.change_calendar(desk.contract, closing(THURSDAY), by=official, now=desk.now)
    override = CalendarOverride.objects.get()
    effect = slots.withdraw_calendar_change(desk.contract, override.pk, by=official, now=desk.now)
    assert len(effect.opened) == 34
    slot = desk.slot(at(10, day=THURSDAY))
    assert (slot.closed, slot.planned, slot.capacity, slot.taken) == (False, 6, 6, 2)
    assert desk.booking(done.code).state == State.BOOKED
    with pytest.raises(CalendarOverride.DoesNotExist):
        slots.withdraw_calendar_change(desk.contract, override.pk, by=official, now=desk.now)


def test_closing_from_midday_breaks_only_the_afternoon(desk: Desk, official: Actor) -> None:
    morning, afternoon = desk.reserve(at(10, day=THURSDAY)), desk.reserve(at(14, day=THURSDAY))
    effect = slots.change_calendar(
        desk.contract, closing(THURSDAY, "停電", ((dt.time(12), dt.time(17, 15)),)), by=official, now=desk.now
    )
    assert [b.code for b in effect.broken] == [afternoon.code]
    assert starts("card", THURSDAY)[-1] == "11:30"
    assert desk.booking(morning.code).state == State.BOOKED


def test_a_visit_over_two_bands_breaks_when_its_second_band_closes(desk: Desk, official: Actor) -> None:
    Procedure.objects.filter(code="pin_reset").update(minutes=60)
    from madoguchi.domain.booking import availability

    availability.forget()
    done = desk.reserve(at(11, 30, THURSDAY), ["pin_reset"])
    effect = slots.change_calendar(
        desk.contract, closing(THURSDAY, "停電", ((dt.time(12), dt.time(17, 15)),)), by=official, now=desk.now
    )
    assert [b.code for b in effect.broken] == [done.code]


def test_a_cut_concerns_the_latest_bookings_and_heals_as_people_cancel(desk: Desk, official: Actor) -> None:
    codes = [desk.reserve(at(10, day=THURSDAY), 2, now=desk.now + dt.timedelta(minutes=n)).code for n in range(3)]
    pool = desk.pool()
    cut = [(dt.time(10), dt.time(10, 30), 3)]
    effect = slots.set_day(desk.contract, pool, THURSDAY, cut, reason="欠員", by=official, now=desk.now)
    assert sorted(b.code for b in effect.broken) == sorted(codes[1:])
    slot = desk.slot(at(10, day=THURSDAY))
    assert (slot.planned, slot.capacity, slot.taken) == (3, 6, 6)
    for code, left in ((codes[2], (3, 4, 4)), (codes[1], (3, 3, 2))):
        desk.cancel(code)
        slot = desk.slot(at(10, day=THURSDAY))
        assert (slot.planned, slot.capacity, slot.taken) == left
    assert [a.outcome for a in Affected.objects.all()] == ["cancelled", "cancelled"]
    desk.reserve(at(10, day=THURSDAY), 1)
    with refused(Refusal.FULL):
        desk.reserve(at(10, day=THURSDAY), 1)
    assert desk.faults() == []


@pytest.mark.parametrize("kind", ["close", "cut", "evening", "patterns", "withdraw"])
def test_a_preview_is_the_deed_and_leaves_nothing(desk: Desk, official: Actor, kind: str) -> None:
    pool = desk.pool()
    for hour in (10, 11):
        desk.reserve(at(hour, day=THURSDAY), 4)
    if kind == "withdraw":
        slots.set_day(
            desk.contract, pool, THURSDAY, [(dt.time(20), dt.time(20, 30), 3)], reason="夜", by=official, now=desk.now
        )
    deeds = {
        "close": lambda: slots.change_calendar(desk.contract, closing(THURSDAY), by=official, now=desk.now),
        "cut": lambda: slots.set_day(
            desk.contract, pool, THURSDAY, [(dt.time(10), dt.time(10, 30), 1)], reason="欠員", by=official, now=desk.now
        ),
        "evening": lambda: slots.set_day(
            desk.contract, pool, THURSDAY, [(dt.time(18), dt.time(18, 30), 4)], reason="夜間", by=official, now=desk.now
        ),
        "patterns": lambda: slots.set_patterns(
            desk.contract,
            pool,
            [Pattern(3, dt.time(9), dt.time(10), 2)],
            valid_from=THURSDAY,
            by=official,
            now=desk.now,
        ),
        "withdraw": lambda: slots.withdraw_day(desk.contract, pool, THURSDAY, by=official, now=desk.now),
    }
    before = desk.snapshot()
    shown = slots.preview(desk.contract, deeds[kind])
    assert desk.snapshot() == before
    done = deeds[kind]()
    for name in ("opened", "changed", "closed"):
        assert getattr(shown, name) == getattr(done, name)
    assert [b.code for b in shown.broken] == [b.code for b in done.broken]
    assert not done.nothing
    assert desk.snapshot() != before


def test_a_rebuild_without_a_change_changes_nothing(desk: Desk, official: Actor) -> None:
    desk.reserve(at(10))
    before = desk.snapshot()
    with contract_scope(desk.contract):
        effect = slots.rebuild(
            desk.contract,
            list(Pool.objects.all()),
            dt.date(2026, 11, 2),
            dt.date(2026, 11, 15),
            by=official,
            now=desk.now,
        )
    assert effect.nothing
    assert desk.snapshot() == before


def test_bands_at_both_midnights_are_kept(desk: Desk, official: Actor) -> None:
    whole = [(dt.time(0), dt.time(0, 30), 1), (dt.time(23, 30), dt.time.max, 1)]
    slots.set_day(desk.contract, desk.pool(), SATURDAY, whole, reason="夜通し", by=official, now=desk.now)
    again = slots.set_day(desk.contract, desk.pool(), SATURDAY, whole, reason="夜通し", by=official, now=desk.now)
    assert again.nothing
    rows = Slot.objects.filter(
        pool=desk.pool(), starts_at__gte=at(0, day=SATURDAY), starts_at__lt=at(0, day=SATURDAY) + dt.timedelta(days=1)
    )
    assert [(s.starts_at, s.ends_at) for s in rows.order_by("starts_at")] == [
        (at(0, day=SATURDAY), at(0, 30, SATURDAY)),
        (at(23, 30, SATURDAY), at(0, day=SATURDAY) + dt.timedelta(days=1)),
    ]


def test_the_horizon_is_extended_once_a_day(contracts: dict[str, Contract], now: dt.datetime, official: Actor) -> None:
    contract = contracts["hatsukaichi"]
    setup.set_up(contract, now=now)
    with contract_scope(contract):
        count = Slot.objects.count()
        assert Slot.objects.latest("starts_at").starts_at.astimezone(JST).date() == dt.date(2027, 2, 5)
        setup.set_up(contract, now=now)
        assert Slot.objects.count() == count
        assert slots.extend(contract, by=official, now=now).nothing
        tomorrow = slots.extend(contract, by=official, now=now + dt.timedelta(days=3))
    assert {row[1].date() for row in tomorrow.opened} == {dt.date(2027, 2, 8)}
    assert len(tomorrow.opened) == 34


def test_what_staff_changed_survives_a_second_set_up(
    contracts: dict[str, Contract], now: dt.datetime, official: Actor
) -> None:
    contract = contracts["nagaoka"]
    setup.set_up(contract, now=now)
    with contract_scope(contract):
        pool = Pool.objects.first()
        assert pool is not None
        slots.set_patterns(
            contract, pool, [Pattern(2, dt.time(9), dt.time(12), 1)], valid_from=WEDNESDAY, by=official, now=now
        )
        rows = list(WeekPattern.objects.order_by("pk").values_list())
        setup.set_up(contract, now=now)
        assert list(WeekPattern.objects.order_by("pk").values_list()) == rows


@pytest.mark.parametrize("code", ["izunokuni", "hatsukaichi", "izumi", "nagaoka", "urasoe"])
def test_every_slot_lies_within_the_opening_hours(contracts: dict[str, Contract], now: dt.datetime, code: str) -> None:
    from madoguchi.ground.contracts.queries import calendar_of

    contract = contracts[code]
    setup.set_up(contract, now=now)
    channels = {p.code: p.channel for p in contract.profile.pools}
    with contract_scope(contract):
        first, last = now.date(), slots.horizon(contract, now)
        calendar = calendar_of(contract, first, last)
        seen = 0
        for pool in Pool.objects.select_related("site"):
            days = {d.date: d for d in calendar.days(pool.site.code, channels[pool.code], first, last)}
            for slot in Slot.objects.filter(pool=pool):
                begin, end = slot.starts_at.astimezone(JST), slot.ends_at.astimezone(JST)
                day = days[begin.date()]
                assert day.covers(begin.time(), end.time()), (pool.code, begin)
                assert day.last_reception is None or begin.time() <= day.last_reception
                assert end - begin == dt.timedelta(minutes=pool.band_minutes)
                seen += 1
    assert seen > 100
