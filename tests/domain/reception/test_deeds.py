"""Tickets from coming to going: every visitor has one outcome, every finished procedure is a fact."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.booking.models import Booking, WalkIn
from madoguchi.domain.notices.models import Message
from madoguchi.domain.reception import near, queries
from madoguchi.domain.reception.enums import Outcome, Stay
from madoguchi.domain.reception.erasers import erase_addresses
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import NumberBlock, Period, Summons, Ticket, Window
from madoguchi.domain.reception.services import day, terminals, tickets, windows
from madoguchi.domain.reception.services.day import close_forgotten
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog.models import Fact
from tests.web.staff_site import book

from .conftest import Counter


def facts(kind: str) -> list[Fact]:
    return list(Fact.objects.filter(kind=kind).order_by("id"))


@pytest.mark.req("DESK-01", "DESK-07")
def test_a_visit_from_the_door_to_the_end(counter: Counter) -> None:
    counter.open()
    ticket = counter.come("card_pickup", "pin_reset", needs=("sign", "nonsense"), language="en")
    assert (ticket.shown, ticket.group, ticket.needs, ticket.state) == ("A001", "card", ["sign"], Stay.WAIT)
    counter.later(7)
    assert counter.deed(windows.call_next) == ticket
    counter.later(1)
    counter.deed(windows.recall)
    counter.deed(windows.begin)
    counter.later(10)
    assert counter.deed(windows.finish, procedures=["card_pickup"]).closed_at is None
    counter.later(4)
    done = counter.deed(windows.finish, procedures=["pin_reset"])
    assert (done.outcome, done.state, done.overran) == (Outcome.SERVED, "", False)
    told = [(f.procedure, f.wait_seconds, f.handle_seconds, f.quantity, f.language, f.outcome, f.channel) for f in facts("reception.served")]
    assert told == [("card_pickup", 420, 600, 1, "en", "walk_in", "counter"), ("pin_reset", None, 240, 1, "en", "walk_in", "counter")]
    walk_in = WalkIn.objects.get()
    assert (walk_in.people, walk_in.outcome, walk_in.language) == ({"card_pickup": 1, "pin_reset": 1}, WalkInOutcome.SERVED, "en")
    assert list(Summons.objects.values_list("again", flat=True)) == [False, True]
    stays = list(Period.objects.filter(ticket=ticket).values_list("kind", "ended_at"))
    assert [kind for kind, _ in stays] == ["wait", "walk", "serve", "serve"]
    assert all(ended for _, ended in stays)


@pytest.mark.req("DESK-01", "BOOK-15")
def test_a_booked_family_is_marked_as_arrived_and_goes_before_who_came_a_little_earlier(counter: Counter) -> None:
    ten = counter.now.replace(day=10, hour=10)
    family = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花子", "ヤマダ ハナコ", "1982-03-04"))
    code = book(counter.contract, ten, names=family, now=counter.now).code
    with pytest.raises(ReceptionRefused, match="11月10日"):
        counter.come(booking=code, parts={})
    counter.now = ten - dt.timedelta(minutes=40)
    long_before = counter.come()
    counter.later(32)
    just_before = counter.come()
    counter.later(1)
    ticket = counter.come(booking=code, parts={})
    assert (ticket.people, ticket.procedures, ticket.counts) == (2, ["card_pickup"], [2])
    assert Booking.objects.get(code=code).arrived_at == counter.now
    assert counter.come(booking=code, parts={}) == ticket
    counter.open()
    order = []
    for _ in range(3):
        order.append(counter.deed(windows.call_next))
        counter.deed(windows.begin)
        counter.deed(windows.finish, procedures=["card_pickup"])
    assert order == [ticket, long_before, just_before]
    assert facts("reception.served")[0].outcome == "booked"
    assert WalkIn.objects.count() == 2


@pytest.mark.req("DESK-01")
def test_who_does_not_answer_comes_back_and_is_gone_after_the_second_time(counter: Counter) -> None:
    counter.open()
    first, second = counter.come(), counter.come()
    counter.deed(windows.call_next)
    counter.deed(windows.missed)
    assert counter.deed(windows.call_next) == second
    counter.deed(windows.missed)
    assert counter.deed(windows.call_next) == first
    gone = counter.deed(windows.missed)
    assert gone.outcome == Outcome.MISSED
    assert WalkIn.objects.get().outcome == WalkInOutcome.LEFT


@pytest.mark.req("DESK-01")
def test_hold_hand_on_and_call_out_of_turn(counter: Counter) -> None:
    counter.open()
    counter.open(4, ("apply",), who=1)
    ticket = counter.come("card_pickup", "card_application")
    counter.deed(windows.call_next)
    counter.deed(windows.begin)
    counter.deed(windows.hold)
    other = counter.come()
    assert counter.deed(windows.call_next) == other
    with pytest.raises(ReceptionRefused, match="先にその方を"):
        counter.deed(windows.call_this, ticket=ticket.pk)
    counter.deed(windows.begin)
    counter.deed(windows.end_visit, outcome=Outcome.REFERRED)
    counter.deed(windows.call_this, ticket=ticket.pk)
    counter.deed(windows.begin)
    counter.deed(windows.finish, procedures=["card_pickup"])
    counter.deed(windows.redirect, group="apply")
    assert counter.deed(windows.call_next, 4, who=1) == ticket
    counter.deed(windows.begin, 4, who=1)
    assert counter.deed(windows.finish, 4, who=1, procedures=["card_application"]).outcome == Outcome.SERVED
    assert [fact.procedure for fact in facts("reception.served")] == ["card_pickup", "card_application"]


@pytest.mark.req("DESK-01")
def test_a_deed_sent_twice_is_done_once(counter: Counter) -> None:
    one, again = counter.come(key="same"), counter.come(key="same")
    assert one == again
    assert Ticket.objects.count() == 1
    counter.come()
    counter.open()
    called = counter.deed(windows.call_next, key="next")
    assert counter.deed(windows.call_next, key="next") == called
    assert Summons.objects.count() == 1
    with pytest.raises(ReceptionRefused, match="開き直して"):
        counter.deed(windows.begin, key="next")


@pytest.mark.req("DESK-01")
@pytest.mark.parametrize("verb", ["recall", "missed", "begin", "hold"])
def test_nothing_is_done_to_nobody(counter: Counter, verb: str) -> None:
    with pytest.raises(ReceptionRefused, match="まだ開いていません"):
        counter.deed(getattr(windows, verb))
    counter.open()
    with pytest.raises(ReceptionRefused, match="方はいません"):
        counter.deed(getattr(windows, verb))
    with pytest.raises(ReceptionRefused, match="いまあなたが開けていません"):
        counter.deed(getattr(windows, verb), who=1)
    assert counter.deed(windows.call_next) is None


@pytest.mark.req("DESK-01")
def test_a_person_sits_at_one_window_and_leaves_it_only_when_it_is_empty(counter: Counter) -> None:
    counter.open(1)
    counter.open(2)
    assert [window.is_open for window in Window.objects.order_by("number")] == [False, True]
    counter.come()
    counter.deed(windows.call_next, 2)
    with pytest.raises(ReceptionRefused, match="終えてから"):
        counter.deed(windows.close_window, 2)
    counter.deed(windows.missed, 2)
    counter.deed(windows.close_window, 2)
    assert not Window.objects.filter(staff__isnull=False).exists()


@pytest.mark.req("DESK-01")
def test_the_database_refuses_a_second_place_and_a_second_party(counter: Counter) -> None:
    counter.open()
    one, two = counter.come(), counter.come()
    counter.deed(windows.call_next)
    window = Window.objects.get()
    at_window = {"contract": counter.contract, "group": "card", "window": window, "staff": counter.staff[0], "started_at": counter.now}
    for ticket, name in ((one, "ticket_is_at_one_place"), (two, "ticket_is_at_one_place")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Period.objects.create(ticket=ticket, kind=Stay.SERVE, **at_window)
    Period.objects.filter(ticket=two).update(ended_at=counter.now)
    with pytest.raises(IntegrityError, match="window_has_one_party"), transaction.atomic():
        Period.objects.create(ticket=two, kind=Stay.SERVE, **at_window)
    with pytest.raises(IntegrityError, match="ticket_ends_once"), transaction.atomic():
        Ticket.objects.filter(pk=one.pk).update(closed_at=counter.now)


@pytest.mark.req("DESK-01")
def test_numbers_of_devices_never_meet(counter: Counter) -> None:
    by = counter.actor(counter.staff[0])
    assert counter.come().number == 1
    block = tickets.reserve_block(counter.contract, site="main", letter="A", device="tablet-1", by=by, now=counter.now)
    assert (block.first, block.last) == (21, 40)
    numbers = [counter.come().number for _ in range(20)]
    assert numbers == [*range(2, 21), 41]
    assert counter.come(device="tablet-1").number == 21
    with pytest.raises(IntegrityError, match="number_blocks_apart"), transaction.atomic():
        NumberBlock.objects.create(contract=counter.contract, site=block.site, day=block.day, letter="A", first=40, last=45)


@pytest.mark.req("CAL-06", "BOOK-15", "DESK-01")
def test_closing_the_day_gives_everybody_one_outcome_and_records_the_overrun(counter: Counter) -> None:
    came = book(counter.contract, counter.now.replace(day=10, hour=10), now=counter.now).code
    absent = book(counter.contract, counter.now.replace(day=10, hour=11), phone="090-2222-3333", now=counter.now).code
    counter.now = counter.now.replace(day=10, hour=9, minute=50)
    counter.open()
    counter.come(booking=came, parts={})
    counter.deed(windows.call_next)
    counter.deed(windows.begin)
    counter.now = counter.now.replace(hour=16, minute=50)
    waiting = counter.come()
    counter.now = counter.now.replace(hour=17, minute=45)
    by = counter.actor(counter.staff[0])
    with pytest.raises(ReceptionRefused, match="A001"):
        day.close_day(counter.contract, site="main", no_shows=True, key="c1", by=by, now=counter.now)
    late = counter.deed(windows.finish, procedures=["card_pickup"])
    assert late.overran
    (fact,) = facts("reception.overrun")
    assert fact.handle_seconds is not None
    assert fact.handle_seconds > 0
    closed = day.close_day(counter.contract, site="main", no_shows=True, key="c2", by=by, now=counter.now)
    assert (closed.tickets, closed.no_shows) == (1, 1)
    assert day.close_day(counter.contract, site="main", no_shows=True, key="c2", by=by, now=counter.now).tickets == 0
    waiting.refresh_from_db()
    assert waiting.outcome == Outcome.LEFT
    assert Booking.objects.get(code=absent).no_show
    assert not Ticket.objects.filter(closed_at=None).exists()
    assert not Window.objects.filter(staff__isnull=False).exists()


@pytest.mark.req("DESK-01")
def test_a_forgotten_day_is_closed_in_the_night(counter: Counter) -> None:
    counter.open()
    counter.come()
    counter.come()
    counter.deed(windows.call_next)
    counter.deed(windows.begin)
    counter.later(60 * 20)
    assert close_forgotten(counter.contract, by=SYSTEM, now=counter.now) == 2
    assert set(Ticket.objects.values_list("outcome", flat=True)) == {Outcome.LEFT}
    assert not Window.objects.get().is_open


@pytest.mark.req("DESK-01", "SEC-03")
def test_one_mail_when_near_to_a_sealed_address_that_goes_with_the_ticket(counter: Counter) -> None:
    counter.open()
    ones = [counter.come() for _ in range(6)]
    last = ones[5]
    with pytest.raises(ReceptionRefused, match="メールアドレス"):
        tickets.wish_mail(counter.contract, last.token, "nobody", by=SYSTEM, now=counter.now)
    tickets.wish_mail(counter.contract, last.token, "near@example.jp", by=SYSTEM, now=counter.now)
    with connection.cursor() as cursor:
        cursor.execute("select address from reception_ticket where id = %s", [last.pk])
        assert b"example" not in bytes(cursor.fetchone()[0])
    for step in range(3):
        counter.deed(windows.call_next)
        assert Message.objects.filter(kind="near").count() == (1 if step == 2 else 0)
        counter.deed(windows.begin)
        counter.deed(windows.finish, procedures=["card_pickup"])
    recipient = near.resolve(counter.contract, last.pk, "en", "near", medium="mail", detail={})
    assert recipient is not None
    assert (recipient.address, recipient.context["number"]) == ("near@example.jp", "A006")
    counter.later(24 * 60)
    assert erase_addresses(counter.contract, counter.now) == 1
    assert near.resolve(counter.contract, last.pk, "en", "near", medium="mail", detail={}) is None


@pytest.mark.req("DESK-01")
def test_who_lacks_documents_goes_without_a_ticket_and_is_counted(counter: Counter) -> None:
    by = counter.actor(counter.staff[0])
    for _ in range(2):
        tickets.turn_away(
            counter.contract, site="main", parts={"card_pickup": 1}, outcome=WalkInOutcome.BOOKED, key="t", by=by, now=counter.now
        )
    assert WalkIn.objects.get().outcome == WalkInOutcome.BOOKED
    assert not Ticket.objects.exists()


@pytest.mark.req("DESK-01")
def test_the_place_in_the_queue_is_honest(counter: Counter) -> None:
    ticket = counter.come()
    queue = queries.Queue(counter.contract, "main", counter.now)
    assert (queue.place(ticket).before, queue.place(ticket).wait) == (0, None)
    counter.open()
    other = counter.come()
    queue = queries.Queue(counter.contract, "main", counter.now)
    wait = queue.place(other).wait
    assert wait is not None
    assert (wait.low, wait.high) == (10, 30)
    rows = queries.group_rows(queue, counter.now)
    assert [(row.group.letter, row.waiting, row.windows) for row in rows] == [("A", 2, 1), ("B", 0, 0)]


@pytest.mark.req("DESK-01")
def test_a_link_of_a_screen_can_be_taken_back(counter: Counter) -> None:
    from madoguchi.domain.reception.enums import TerminalKind

    by = counter.actor(counter.staff[0])
    made = terminals.add_terminal(counter.contract, site="main", kind=TerminalKind.DISPLAY, name="待合", by=by, now=counter.now)
    token = terminals.terminal_path(counter.contract, made).split("/")[4]
    assert terminals.open_terminal(counter.contract, made.pk, token, TerminalKind.DISPLAY) == made
    assert terminals.open_terminal(counter.contract, made.pk, token, TerminalKind.MACHINE) is None
    assert terminals.open_terminal(counter.contract, made.pk, "0" * 32, TerminalKind.DISPLAY) is None
    terminals.revoke_terminal(counter.contract, made.pk, by=by, now=counter.now)
    assert terminals.open_terminal(counter.contract, made.pk, token, TerminalKind.DISPLAY) is None


@pytest.mark.req("DESK-01")
def test_the_display_speaks_fresh_calls_only(counter: Counter) -> None:
    counter.open()
    counter.come()
    counter.deed(windows.call_next)
    site = Window.objects.select_related("site").get().site
    fresh = queries.display_state(counter.contract, site, counter.now + dt.timedelta(seconds=10))
    stale = queries.display_state(counter.contract, site, counter.now + dt.timedelta(seconds=20))
    assert [(c["number"], c["window"], c["spoken"]) for c in fresh["calls"]] == [("A001", 1, True)]
    assert not stale["calls"][0]["spoken"]
    assert fresh["groups"] == [{"letter": "A", "waiting": 0}, {"letter": "B", "waiting": 0}]
