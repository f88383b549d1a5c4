"""Waiting for an earlier time: a fair line, offers that are kept and run out, and the booking untouched until the answer."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.booking import availability, rules
from madoguchi.domain.booking.enums import Answer, State, WaitingEnd
from madoguchi.domain.booking.models import Booking, Offer, Rest, Waiting
from madoguchi.domain.booking.queries import waiting as reads
from madoguchi.domain.booking.rules import DayPart, Refusal
from madoguchi.domain.booking.services import change, reserve, slots, waiting
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, SYSTEM, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

from .desk import FRIDAY, THURSDAY, WEDNESDAY, Desk, at
from .test_reserve import refused

pytestmark = [pytest.mark.req("BOOK-06"), pytest.mark.req("BOOK-16")]

MONDAY = dt.date(2026, 11, 9)
OPERATOR = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, "user:1", "受付 花子")


def fill(desk: Desk, day: dt.date) -> list[str]:
    """Take every place of a day with a party of four and one of two per band; the codes in order of time."""
    codes = []
    for n in range(17):
        moment = at(8, 30, day) + dt.timedelta(minutes=30 * n)
        for people in (4, 2):
            asked = desk.wanted(moment, ["card_pickup"] * people, over=True)
            codes.append(reserve.reserve(desk.contract, asked, by=SYSTEM, now=desk.now).code)
    availability.forget()
    return codes


def wait(desk: Desk, code: str, *, day: dt.date = WEDNESDAY, parts: tuple[DayPart, ...] = (), by: Actor = CITIZEN_WEB) -> None:
    waiting.wait(desk.contract, code, from_date=day, parts=parts, by=by, now=desk.now)


def tick(desk: Desk, now: dt.datetime | None = None) -> int:
    return waiting.make_offers(desk.contract, now=now or desk.now)


def offer_of(desk: Desk, code: str) -> Offer | None:
    with contract_scope(desk.contract):
        return Offer.objects.filter(waiting__booking__code=code).order_by("-pk").first()


def outcome(desk: Desk, code: str) -> str:
    with contract_scope(desk.contract):
        return Waiting.objects.filter(booking__code=code).order_by("-pk")[0].outcome


@pytest.fixture
def full_week(desk: Desk) -> dict[str, str]:
    """Wednesday to Friday are full; somebody with a place on Monday waits. Codes by name."""
    every = {day: fill(desk, day) for day in (WEDNESDAY, THURSDAY, FRIDAY)}
    late = desk.reserve(at(10, day=MONDAY)).code
    wait(desk, late)
    assert tick(desk) == 0
    return {"late": late, "thursday_single": every[THURSDAY][1], "thursday_four": every[THURSDAY][0]}


def test_a_place_given_back_is_offered_before_the_public_sees_it(desk: Desk, full_week: dict[str, str]) -> None:
    desk.cancel(full_week["thursday_single"])
    assert desk.taken(at(8, 30, THURSDAY)) == 6
    with refused(Refusal.FULL):
        desk.reserve(at(8, 30, THURSDAY))
    assert tick(desk) == 1
    offer = offer_of(desk, full_week["late"])
    assert offer is not None
    assert (offer.starts_at, offer.answer) == (at(8, 30, THURSDAY), "")
    assert offer.expires_at == rules.offer_deadline(desk.now, 180, offer.expires_at + dt.timedelta(days=1))
    assert desk.booking(full_week["late"]).starts_at == at(10, day=MONDAY)
    assert desk.mails()[-1][0] == "offer"
    assert tick(desk) == 0  # one open offer a party
    later = desk.now + change.FIRST_PICK
    reserve.release_expired(desk.contract, now=later)
    assert desk.taken(at(8, 30, THURSDAY)) == 5  # two were given back, one is kept for the offer
    assert desk.faults() == []


def test_accepting_moves_the_booking_in_one_step(desk: Desk, full_week: dict[str, str]) -> None:
    desk.cancel(full_week["thursday_single"])
    tick(desk)
    code = full_week["late"]
    done = waiting.accept(desk.contract, code, by=CITIZEN_WEB, now=desk.now)
    assert done.starts_at == at(8, 30, THURSDAY)
    assert [(a.starts_at, a.ends_at) for a in desk.attendees(code)] == [(at(8, 30, THURSDAY), at(9, 0, THURSDAY))]
    assert desk.events(code)[-1].kind == "moved"
    assert desk.taken(at(10, day=MONDAY)) == 0  # nobody waits any more, so the old place is free at once
    assert outcome(desk, code) == WaitingEnd.ACCEPTED
    with contract_scope(desk.contract):
        assert not Booking.objects.filter(state=State.HELD).exists()
    with refused(Refusal.OFFER_GONE):
        waiting.accept(desk.contract, code, by=CITIZEN_WEB, now=desk.now)
    assert desk.faults() == []


def test_the_line_is_asked_in_order_and_a_place_goes_to_the_first_it_suits(desk: Desk, full_week: dict[str, str]) -> None:
    family = desk.reserve(at(11, day=MONDAY), 3).code
    second = desk.reserve(at(12, day=MONDAY)).code
    evening = desk.reserve(at(13, day=MONDAY)).code
    wait(desk, evening, parts=(DayPart.EVENING,))
    wait(desk, family)
    wait(desk, second)
    with contract_scope(desk.contract):
        assert [row.code for row in reads.line()] == [full_week["late"], evening, family, second]
    desk.cancel(full_week["thursday_single"])
    assert tick(desk) == 2
    assert offer_of(desk, family) is None
    assert offer_of(desk, evening) is None
    waiting.decline(desk.contract, full_week["late"], by=CITIZEN_WEB, now=desk.now)
    assert tick(desk) == 0  # the same time is not offered again, and three people do not fit
    desk.cancel(full_week["thursday_four"])
    # Four places of the family of four, one that was declined: three people fit now.
    assert tick(desk) == 1
    offer = offer_of(desk, family)
    assert offer is not None
    assert offer.starts_at == at(8, 30, THURSDAY)
    assert desk.faults() == []


def test_an_offer_runs_out_and_goes_to_the_next(desk: Desk, full_week: dict[str, str]) -> None:
    first, second = full_week["late"], desk.reserve(at(12, day=MONDAY), 2).code
    desk.cancel(full_week["thursday_single"])
    tick(desk)
    wait(desk, second)
    offer = offer_of(desk, first)
    assert offer is not None
    later = offer.expires_at.astimezone(JST)
    assert tick(desk, later) == 1
    offer = offer_of(desk, first)
    assert offer is not None
    assert offer.answer == Answer.MISSED
    taken = offer_of(desk, second)
    assert taken is not None
    assert taken.starts_at == at(8, 30, THURSDAY)
    with refused(Refusal.OFFER_GONE):
        waiting.accept(desk.contract, first, by=CITIZEN_WEB, now=later)
    assert desk.booking(first).starts_at == at(10, day=MONDAY)
    assert desk.faults() == []


def test_who_never_answers_leaves_the_line(desk: Desk, full_week: dict[str, str]) -> None:
    code, now = full_week["late"], desk.now
    most = desk.contract.profile.booking.waiting.most_missed
    for n in range(most):
        moment = at(9, 0, FRIDAY) + dt.timedelta(minutes=30 * n)
        with contract_scope(desk.contract):
            single = Booking.objects.get(starts_at=moment, people=2).code
        desk.cancel(single, now=now)
        assert tick(desk, now) == 1
        offer = offer_of(desk, code)
        assert offer is not None
        now = offer.expires_at.astimezone(JST)
        tick(desk, now)
    assert outcome(desk, code) == WaitingEnd.MISSED


def test_a_change_of_the_party_or_its_time_withdraws_the_offer(desk: Desk, full_week: dict[str, str]) -> None:
    code = full_week["late"]
    desk.cancel(full_week["thursday_single"])
    tick(desk)
    members = [*desk.members(code), change.Member(None, "card_pickup")]
    change.revise(desk.contract, code, members=members, starts_at=at(10, day=MONDAY), by=CITIZEN_WEB, now=desk.now)
    with refused(Refusal.OFFER_GONE):
        waiting.accept(desk.contract, code, by=CITIZEN_WEB, now=desk.now)
    assert tick(desk) == 0
    offer = offer_of(desk, code)
    assert offer is not None
    assert offer.answer == Answer.WITHDRAWN
    desk.cancel(code)
    tick(desk)
    assert outcome(desk, code) == WaitingEnd.OVER
    assert desk.faults() == []


def test_stopping_gives_the_kept_place_to_the_next(desk: Desk, full_week: dict[str, str]) -> None:
    other = desk.reserve(at(12, day=MONDAY), 2).code
    desk.cancel(full_week["thursday_single"])
    tick(desk)
    wait(desk, other)
    waiting.stop(desk.contract, full_week["late"], by=CITIZEN_WEB, now=desk.now)
    waiting.stop(desk.contract, full_week["late"], by=CITIZEN_WEB, now=desk.now)
    assert outcome(desk, full_week["late"]) == WaitingEnd.STOPPED
    assert tick(desk) == 1
    assert offer_of(desk, other) is not None
    assert desk.faults() == []


def test_new_wishes_keep_the_place_in_the_line(desk: Desk, full_week: dict[str, str]) -> None:
    other = desk.reserve(at(12, day=MONDAY)).code
    desk.now += dt.timedelta(minutes=1)
    wait(desk, other)
    wait(desk, full_week["late"], day=FRIDAY, parts=(DayPart.AFTERNOON, DayPart.MORNING))
    with contract_scope(desk.contract):
        rows = reads.line()
        mine = reads.wait_of(desk.booking(full_week["late"]).pk)
        theirs = reads.wait_of(desk.booking(other).pk)
    assert [row.code for row in rows] == [full_week["late"], other]
    assert mine is not None
    assert theirs is not None
    assert (mine.place, mine.parts, mine.from_date) == (1, (DayPart.MORNING, DayPart.AFTERNOON), FRIDAY)
    assert theirs.place == 2
    desk.cancel(full_week["thursday_single"])
    tick(desk)
    assert offer_of(desk, full_week["late"]) is None  # Thursday does not suit any more
    assert offer_of(desk, other) is not None


def test_only_an_earlier_day_can_be_waited_for(desk: Desk) -> None:
    code = desk.reserve(at(10, day=THURSDAY)).code
    with refused(Refusal.NOT_EARLIER):
        wait(desk, code, day=THURSDAY)
    wait(desk, code, day=WEDNESDAY)
    assert tick(desk) == 1  # Wednesday has room already
    held = desk.reserve(at(10, day=THURSDAY), hold=True).code
    with refused(Refusal.NOT_LIVE):
        wait(desk, held)


def test_new_places_are_offered_too_and_a_closed_slot_is_not(desk: Desk, full_week: dict[str, str]) -> None:
    bands = [(dt.time(9), dt.time(9, 30), 7)]
    slots.set_day(desk.contract, desk.pool(), THURSDAY, bands, reason="増設", by=SYSTEM, now=desk.now)
    assert tick(desk) == 1
    offer = offer_of(desk, full_week["late"])
    assert offer is not None
    assert offer.starts_at == at(9, 0, THURSDAY)
    assert desk.faults() == []


def test_an_operator_may_wait_and_answer_for_a_resident_without_mail(desk: Desk, full_week: dict[str, str]) -> None:
    code = desk.reserve(at(14, day=MONDAY), by=OPERATOR, email=False).code
    wait(desk, code, by=OPERATOR)
    desk.cancel(full_week["thursday_single"])
    assert tick(desk) == 2
    with contract_scope(desk.contract):
        row = reads.line()[1]
        assert (row.code, row.call, row.channel) == (code, True, "電話")
    assert [kind for kind, ref, _ in desk.mails() if ref == f"booking:{desk.booking(code).pk}"] == []
    waiting.accept(desk.contract, code, by=OPERATOR, now=desk.now)
    assert desk.events(code)[-1].channel == "phone"


def test_places_rest_for_the_time_of_the_contract_also_when_nobody_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    code = desk.reserve(at(10), 2).code
    desk.cancel(code)
    assert desk.taken(at(10)) == 0
    booking = desk.contract.profile.booking.model_copy(update={"rest_minutes": 30})
    monkeypatch.setattr(Contract, "profile", desk.contract.profile.model_copy(update={"booking": booking}))
    code = desk.reserve(at(10), 2).code
    desk.move(code, at(11))
    assert (desk.taken(at(10)), desk.taken(at(11))) == (2, 2)
    with contract_scope(desk.contract):
        assert Rest.objects.get().places == 2
    assert desk.faults() == []
    reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(minutes=29))
    assert desk.taken(at(10)) == 2
    reserve.release_expired(desk.contract, now=desk.now + dt.timedelta(minutes=30))
    assert desk.taken(at(10)) == 0
    assert desk.faults() == []


MOMENTS = st.datetimes(dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 30)).map(lambda moment: moment.replace(tzinfo=JST))


@given(now=MOMENTS, minutes=st.integers(1, 2880), ahead=st.integers(0, 20_000))
def test_an_offer_gives_daytime_to_answer_and_ends_before_it_is_too_late(now: dt.datetime, minutes: int, ahead: int) -> None:
    latest = now + dt.timedelta(minutes=ahead)
    deadline = rules.offer_deadline(now, minutes, latest)
    awake = sum(1 for n in range(ahead) if 8 <= (now + dt.timedelta(minutes=n + 0.5)).hour < 20)
    if deadline is None:
        assert awake <= min(minutes, rules.SHORTEST_OFFER)
        return
    assert now < deadline <= latest
    length = round((deadline - now).total_seconds() / 60)
    given_time = sum(1 for n in range(length) if 8 <= (now + dt.timedelta(minutes=n + 0.5)).hour < 20)
    assert given_time == pytest.approx(min(minutes, awake), abs=1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((20, 9, 0), (20, 12, 0)),
        ((20, 19, 0), (21, 10, 0)),
        ((20, 23, 30), (21, 11, 0)),
        ((20, 5, 0), (20, 11, 0)),
    ],
)
def test_an_offer_of_the_night_waits_for_the_morning(now: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    begin, end = (dt.datetime(2026, 11, d, h, m, tzinfo=JST) for d, h, m in (now, expected))
    assert rules.offer_deadline(begin, 180, begin + dt.timedelta(days=5)) == end
    assert rules.offer_deadline(begin, 180, end - dt.timedelta(minutes=60)) == end - dt.timedelta(minutes=60)
    assert rules.offer_deadline(begin, 180, begin + dt.timedelta(minutes=20)) is None
