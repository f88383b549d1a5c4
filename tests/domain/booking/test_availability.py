"""What is free: signs by day and time, several pools, the window, and the snapshot of bytes."""

from __future__ import annotations

import datetime as dt
import json
import time

import pytest

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.availability import DayMark, Unknown
from madoguchi.domain.booking.rules import Mark
from madoguchi.domain.booking.services import slots
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor

from .desk import FRIDAY, SATURDAY, THURSDAY, WEDNESDAY, Desk, at

pytestmark = pytest.mark.req("BOOK-03")


def marks(
    desk: Desk, codes: list[str], first: dt.date = WEDNESDAY, last: dt.date = WEDNESDAY, by: Actor = CITIZEN_WEB
) -> list[DayMark]:
    availability.forget()
    plan = availability.site_plan(desk.contract, "main")
    return availability.day_marks(desk.contract, plan, codes, first, last, by=by, now=desk.now)


def sign(desk: Desk, moment: dt.datetime, codes: list[str]) -> tuple[str, int]:
    day = marks(desk, codes, moment.date(), moment.date())[0]
    slot = next(s for s in day.slots if s.starts_at == moment)
    return (slot.mark, slot.left)


def test_signs_of_days(desk: Desk) -> None:
    days = marks(desk, ["card_pickup"], dt.date(2026, 11, 2), SATURDAY)
    assert [(d.date.day, d.mark) for d in days] == [
        (2, Mark.NONE), (3, Mark.NONE), (4, Mark.MANY), (5, Mark.MANY), (6, Mark.MANY), (7, Mark.NONE),
    ]  # fmt: skip
    assert (days[2].left, len(days[2].slots)) == (17 * 6, 17)


def test_signs_of_a_time_as_it_fills(desk: Desk) -> None:
    seen = [sign(desk, at(10), ["card_pickup"])]
    for _ in range(6):
        desk.reserve(at(10), 1)
        seen.append(sign(desk, at(10), ["card_pickup"]))
    assert seen == [("o", 6), ("o", 5), ("o", 4), ("o", 3), ("t", 2), ("t", 1), ("x", 0)]


def test_a_party_needs_room_for_all_of_it(desk: Desk) -> None:
    for minute in (0, 30):
        desk.reserve(at(10, minute), 5)
    desk.reserve(at(11), 5)
    assert sign(desk, at(10), ["card_pickup"] * 3) == ("t", 1)
    assert sign(desk, at(10), ["card_pickup"] * 4) == ("x", 0)
    assert sign(desk, at(11), ["card_pickup"] * 5)[0] == "t"


def test_the_scarcest_pool_decides(desk: Desk) -> None:
    assert sign(desk, at(10), ["card_pickup", "other"]) == ("o", 2)
    desk.reserve(at(10), ["other"])
    assert sign(desk, at(10), ["card_pickup", "other"]) == ("t", 1)
    for moment in (at(10), at(10, 30), at(11)):
        desk.reserve(moment, ["other"])
    assert sign(desk, at(10), ["card_pickup", "other"]) == ("t", 0)
    for moment in (at(10, 30), at(11)):
        desk.reserve(moment, ["other"])
    assert sign(desk, at(10), ["card_pickup", "other"]) == ("x", 0)
    assert sign(desk, at(10), ["card_pickup"]) == ("o", 6)


def test_a_long_procedure_is_not_offered_at_the_last_band(desk: Desk) -> None:
    Procedure.objects.filter(code="pin_reset").update(minutes=60)
    assert sign(desk, at(16, 30), ["pin_reset"]) == ("x", 0)
    assert sign(desk, at(16), ["pin_reset"]) == ("o", 6)


def test_a_closed_day_has_nothing_rather_than_being_full(desk: Desk, official: Actor) -> None:
    slots.set_day(desk.contract, desk.pool(), THURSDAY, [], reason="台風", by=official, now=desk.now)
    day = marks(desk, ["card_pickup"], THURSDAY, THURSDAY)[0]
    assert (day.mark, day.left, day.slots) == (Mark.NONE, 0, ())
    assert marks(desk, ["other"], THURSDAY, THURSDAY)[0].mark is Mark.MANY


def test_a_day_is_few_when_its_times_are_and_full_when_all_are(desk: Desk, official: Actor) -> None:
    plan = [(dt.time(9), dt.time(9, 30), 1), (dt.time(9, 30), dt.time(10), 3), (dt.time(10), dt.time(10, 30), 3)]
    slots.set_day(desk.contract, desk.pool(), FRIDAY, plan, reason="少", by=official, now=desk.now)
    assert marks(desk, ["card_pickup"], FRIDAY, FRIDAY)[0].mark is Mark.MANY
    desk.reserve(at(9, day=FRIDAY), 1)
    desk.reserve(at(9, 30, FRIDAY), 3)
    assert marks(desk, ["card_pickup"], FRIDAY, FRIDAY)[0].mark is Mark.FEW
    desk.reserve(at(10, day=FRIDAY), 3)
    day = marks(desk, ["card_pickup"], FRIDAY, FRIDAY)[0]
    assert (day.mark, day.left, len(day.slots)) == (Mark.FULL, 0, 3)


def test_residents_see_the_window_and_staff_see_more(desk: Desk, operator: Actor) -> None:
    first, last = dt.date(2026, 11, 2), dt.date(2026, 11, 13)
    resident = {d.date for d in marks(desk, ["card_pickup"], first, last) if d.slots}
    staff = {d.date for d in marks(desk, ["card_pickup"], first, last, by=operator) if d.slots}
    assert staff - resident == {first}
    earlier = Desk(desk.contract, desk.now - dt.timedelta(days=56))
    seen = {d.date for d in marks(earlier, ["card_pickup"], first, last) if d.slots}
    assert seen == {first, WEDNESDAY, THURSDAY, FRIDAY}


def test_a_range_over_two_months(desk: Desk) -> None:
    days = marks(desk, ["card_pickup"], dt.date(2026, 10, 30), WEDNESDAY)
    assert [d.date for d in days] == [dt.date(2026, 10, 30) + dt.timedelta(days=n) for n in range(6)]
    assert [d.mark for d in days][-1] is Mark.MANY


def test_unknown_places_and_procedures(desk: Desk) -> None:
    with pytest.raises(Unknown, match="「card_renewal」の予約を受け付けていません"):
        marks(desk, ["card_renewal"])
    with pytest.raises(Unknown, match="場所「nowhere」"):
        availability.site_plan(desk.contract, "nowhere")


def test_a_procedure_that_is_not_bookable_is_not_offered(desk: Desk) -> None:
    Procedure.objects.filter(code="other").update(bookable=False)
    with pytest.raises(Unknown):
        marks(desk, ["other"])


def snapshot(desk: Desk, people: int = 1) -> tuple[str, bytes]:
    return availability.snapshot(desk.contract, "main", ("card_pickup",) * people, WEDNESDAY, THURSDAY, by=CITIZEN_WEB)


def test_a_snapshot_is_the_marks_as_bytes_and_keeps_its_etag_until_something_changes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = desk.now
    monkeypatch.setattr(clock, "now", lambda: moment)
    availability.forget()
    etag, body = snapshot(desk)
    told = json.loads(body)
    assert (told["site"], told["procedures"], told["people"]) == ("main", ["card_pickup"], 1)
    assert [d["date"] for d in told["days"]] == ["2026-11-04", "2026-11-05"]
    assert told["days"][0]["slots"][0] == {"starts_at": "2026-11-04T08:30:00+09:00", "mark": "o", "left": 6}
    assert etag.startswith('"') and not etag.startswith("W/")
    time.sleep(2 * availability.REFRESH)
    assert snapshot(desk) == (etag, body)
    moment += dt.timedelta(minutes=1)
    time.sleep(2 * availability.REFRESH)
    assert snapshot(desk) == (etag, body)
    desk.reserve(at(10), 1)
    time.sleep(2 * availability.REFRESH)
    changed, newer = snapshot(desk)
    assert changed != etag
    assert json.loads(newer)["days"][0]["left"] == 17 * 6 - 1
    assert snapshot(desk, 2)[0] != changed
    moment = at(17, 1, dt.date(2026, 11, 3))
    time.sleep(2 * availability.REFRESH)
    assert [d["mark"] for d in json.loads(snapshot(desk)[1])["days"]] == ["-", "o"]


def test_a_commit_is_seen_within_a_second(desk: Desk) -> None:
    plan = availability.site_plan(desk.contract, "main")
    availability.month_grid(desk.contract, plan.id, 2026, 11)
    desk.reserve(at(10), 2)
    begun = time.monotonic()
    pool = desk.pool().pk
    while True:
        grid = availability.month_grid(desk.contract, plan.id, 2026, 11).grid[pool]
        if grid.free[grid.index[int(at(10).timestamp())]] == 4:
            break
        assert time.monotonic() - begun < 1
    assert time.monotonic() - begun < 1


def test_memory_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "KEEP_SNAPSHOTS", 5)
    monkeypatch.setattr(availability, "KEEP_GRIDS", 3)
    for people in range(1, 12):
        snapshot(desk, people)
    for month in range(1, 9):
        availability.month_grid(desk.contract, 1, 2027, month)
    assert len(availability._snapshots) == 5
    assert len(availability._months) == 3
