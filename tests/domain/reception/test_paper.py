"""Paper: the pack of the evening with its numbers, and the sheets entered afterwards."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from madoguchi.domain.booking.models import Booking, WalkIn
from madoguchi.domain.reception import erasers, pack
from madoguchi.domain.reception.enums import Outcome, Source
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import NumberBlock, Pack, Ticket
from madoguchi.domain.reception.services import packs, paper
from madoguchi.domain.reception.services.paper import Sheet, SheetsRefused
from madoguchi.domain.reception.services.tickets import PAPER, PAPER_FIRST
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.worklog.models import Fact
from tests.web.staff_site import book

from .conftest import Counter

pytestmark = pytest.mark.req("SEC-06")


def evening(counter: Counter, hour: int = 18) -> dt.datetime:
    """Monday 9 November 2026, the evening before a day with a booking."""
    book(counter.contract, counter.now.replace(day=10, hour=10), now=counter.now)
    counter.now = counter.now.replace(day=9, hour=hour)
    return counter.now


def made(counter: Counter) -> Pack:
    evening(counter)
    assert packs.make_due(counter.contract, now=counter.now) == 1
    return Pack.objects.get()


def test_the_pack_is_made_once_in_the_evening_for_the_next_open_day(counter: Counter) -> None:
    evening(counter, hour=8)
    assert packs.make_due(counter.contract, now=counter.now) == 0
    counter.now = counter.now.replace(hour=18)
    assert packs.make_due(counter.contract, now=counter.now) == 1
    assert packs.make_due(counter.contract, now=counter.now) == 0
    one = Pack.objects.get()
    assert (one.day, one.bookings, one.opened_at) == (dt.date(2026, 11, 10), 1, None)
    counter.now = counter.now.replace(day=13)
    packs.make_due(counter.contract, now=counter.now)
    assert Pack.objects.order_by("-day").values_list("day", flat=True)[0] == dt.date(2026, 11, 16), "the weekend is passed over"


def test_the_pack_holds_what_the_counter_needs_and_no_telephone_sealed(counter: Counter) -> None:
    one = made(counter)
    with connection.cursor() as cursor:
        cursor.execute("select content from reception_pack")
        assert "山田".encode() not in bytes(cursor.fetchone()[0])
    found, content = packs.open_pack(counter.contract, one.pk, by=counter.actor(counter.staff[0]), now=counter.now)
    assert (found.opens, found.opened_by) == (1, counter.staff[0].name)
    assert content["bookings"][0]["time"] == "10:00"
    assert content["bookings"][0]["people"][0]["name"] == "山田 太郎"
    assert "1234" not in str(content)
    assert [row["first"] for row in content["numbers"]] == [PAPER_FIRST] * 2
    assert any("交付通知書" in text for text in content["procedures"][0]["documents"])
    assert ["受託者 業務責任者（夜間・休日も）", "000-000-0000"] in content["calls"]
    entry = Entry.objects.filter(action="booking.listed").latest("id")
    assert (entry.detail["date"], entry.detail["bookings"]) == ("2026-11-10", [Booking.objects.get().pk])


def test_a_pack_made_anew_keeps_its_numbers_and_is_unopened_again(counter: Counter) -> None:
    one = made(counter)
    by = counter.actor(counter.staff[0])
    packs.open_pack(counter.contract, one.pk, by=by, now=counter.now)
    blocks = list(NumberBlock.objects.filter(device=PAPER).values_list("first", "last"))
    again = packs.make_pack(counter.contract, site="main", day=one.day, by=by, now=counter.now)
    assert (again.pk, again.opened_at) == (one.pk, None)
    assert list(NumberBlock.objects.filter(device=PAPER).values_list("first", "last")) == blocks
    with pytest.raises(ReceptionRefused, match="過ぎた日"):
        packs.make_pack(counter.contract, site="main", day=one.day - dt.timedelta(days=5), by=by, now=counter.now)


def test_a_pack_that_fails_says_so_and_is_tried_again(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    evening(counter)

    def broken(*args: object) -> dict[str, object]:
        raise ValueError("broken")

    monkeypatch.setattr(packs, "contents", broken)
    assert packs.make_due(counter.contract, now=counter.now) == 0
    assert Pack.objects.get().problem == packs.FAILED
    monkeypatch.setattr(packs, "contents", pack.contents)
    assert packs.make_due(counter.contract, now=counter.now) == 1
    assert Pack.objects.get().problem == ""


@pytest.mark.req("SEC-03")
def test_the_pack_goes_when_its_day_is_over(counter: Counter) -> None:
    one = made(counter)
    by = counter.actor(counter.staff[0])
    counter.now = counter.now.replace(day=10, hour=23)
    assert erasers.erase_packs(counter.contract, counter.now) == 0
    counter.later(120)
    assert erasers.erase_packs(counter.contract, counter.now) == 1
    with pytest.raises(ReceptionRefused, match="消去"):
        packs.open_pack(counter.contract, one.pk, by=by, now=counter.now)


def sheet(number: int = PAPER_FIRST, **values: object) -> Sheet:
    usual = {
        "letter": "A", "number": number, "came": dt.time(9, 10), "begun": dt.time(9, 20), "ended": dt.time(9, 40),
        "parts": {"card_pickup": 2}, "outcome": Outcome.SERVED,
    }  # fmt: skip
    return Sheet(**{**usual, **values})  # type: ignore[arg-type]


def enter(counter: Counter, *sheets: Sheet, key: str = "p1", day: dt.date = dt.date(2026, 11, 10)) -> list[Ticket]:
    by = counter.actor(counter.staff[0])
    return paper.enter_sheets(counter.contract, site="main", day=day, sheets=sheets, key=key, by=by, now=counter.now)


def test_sheets_become_visits_at_the_time_they_happened(counter: Counter) -> None:
    made(counter)
    code = Booking.objects.get().code
    counter.now = counter.now.replace(day=11, hour=9)
    gone = sheet(PAPER_FIRST + 1, begun=None, ended=dt.time(9, 50), outcome=Outcome.LEFT, parts={"pin_reset": 1})
    booked = sheet(PAPER_FIRST + 2, came=dt.time(9, 55), begun=dt.time(10, 0), ended=dt.time(10, 20), booking=code, parts={})
    assert [one.shown for one in enter(counter, sheet(), gone, booked)] == ["A801", "A802", "A803"]
    assert enter(counter, sheet(), gone, booked) == [], "sent twice"
    assert set(Ticket.objects.values_list("source", "entered_at")) == {(Source.PAPER, counter.now)}
    fact = Fact.objects.filter(kind="reception.served").earliest("at")
    ten = counter.now.replace(day=10)
    assert (fact.at, fact.wait_seconds, fact.handle_seconds, fact.quantity) == (ten + dt.timedelta(minutes=40), 600, 1200, 2)
    assert Booking.objects.get().arrived_at == ten + dt.timedelta(minutes=55)
    assert sorted(WalkIn.objects.values_list("outcome", flat=True)) == ["left", "served"]


def test_a_wrong_sheet_is_named_and_nothing_is_entered(counter: Counter) -> None:
    made(counter)
    counter.now = counter.now.replace(day=11, hour=9)
    enter(counter, sheet())
    wrong = {
        "すでに記録": sheet(),
        "2回": sheet(PAPER_FIRST + 2),
        "渡した番号ではありません": sheet(5),
        "この英字": sheet(PAPER_FIRST + 3, letter="Z"),
        "順になる": sheet(PAPER_FIRST + 4, ended=dt.time(9, 5)),
        "番号を確かめて": sheet(0),
        "見つからない": sheet(PAPER_FIRST + 5, booking="NNNNNNNN"),
        "手続きを選んで": sheet(PAPER_FIRST + 6, parts={}),
    }
    good = sheet(PAPER_FIRST + 2)
    with pytest.raises(SheetsRefused) as refused:
        enter(counter, good, *wrong.values(), key="p2")
    assert list(refused.value.problems) == list(range(1, 9))
    for text, problem in zip(wrong, refused.value.problems.values(), strict=True):
        assert text in problem
    assert Ticket.objects.count() == 1
    assert [one.shown for one in enter(counter, good, key="p2")] == ["A803"]


def test_sheets_have_a_day_that_can_be(counter: Counter) -> None:
    made(counter)
    for day in (counter.now.date() + dt.timedelta(days=1), counter.now.date() - dt.timedelta(days=40)):
        with pytest.raises(ReceptionRefused, match="日にち"):
            enter(counter, sheet(), day=day)
    with pytest.raises(ReceptionRefused, match="1行以上"):
        enter(counter, day=counter.now.date())
