"""Calls of several windows in one statement: what they write is what single calls write, and whatever is not as usual is left undone."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.reception.enums import Stay
from madoguchi.domain.reception.models import Deed, Period, Summons, Ticket, Window
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.domain.reception.services.calls import Call, call_together
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.accounts.standing import Standing, standing_of
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.audit.queries import verify
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, ActorKind
from madoguchi.ground.kit.actors import Channel as Way

from .crowd import Outcome as Crowd
from .crowd import run

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("races")]
LANE, NEAR = 3, 2
BY = Actor(ActorKind.COUNTER, Way.COUNTER, "user:1")


@dataclass
class Counter:
    """A counter with members of staff who sit at windows 1, 2, …"""

    contract: Contract
    staff: list[User]
    standings: list[Standing]
    now: dt.datetime

    def by(self, n: int) -> Actor:
        return Actor(ActorKind.COUNTER, Way.COUNTER, f"user:{self.staff[n].pk}")

    def call(self, n: int, key: str, **other: Any) -> Call:
        return replace(Call("main", n + 1, key, self.standings[n], NEAR, self.now), **other)

    def together(self, *calls: Call) -> list[str]:
        return call_together(self.contract.pk, list(calls), lane=LANE)

    def alone(self, n: int, key: str) -> Ticket | None:
        own = {"site": "main", "number": n + 1, "user": self.staff[n], "by": self.by(n), "now": self.now}
        return windows.call_next(self.contract, key=key, **own)  # type: ignore[arg-type]

    def party(self, n: int, *, after: float, parts: dict[str, int] | None = None) -> Ticket:
        at = self.now - dt.timedelta(minutes=30) + dt.timedelta(seconds=after)
        return tickets.issue(self.contract, site="main", parts=parts or {"card_pickup": 1}, key=f"party{n}", by=self.by(0), now=at)

    def written(self) -> list[int]:
        with contract_scope(self.contract):
            return [model.objects.count() for model in (Deed, Period, Summons)] + [Entry.objects.count()]


def signed_in(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), "allauth.account.auth_backends.AuthenticationBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    assert store.session_key
    return store.session_key


def seated(contract: Contract, now: dt.datetime, count: int) -> Counter:
    availability.forget()
    set_up(contract, now=now)
    at, staff, standings = now + dt.timedelta(hours=1), [], []
    for n in range(count):
        user = User.objects.create_user(f"w{n}@example.jp", "a-long-password", name=f"窓口 {n}")
        Assignment.objects.create(user=user, contract=contract, role=Role.COUNTER)
        TOTP.activate(user, generate_totp_secret())
        windows.open_window(contract, site="main", number=n + 1, groups=["card"], user=user, key=f"open{n}", by=BY, now=now)
        standing = standing_of(signed_in(user), contract)
        assert standing is not None
        staff.append(user)
        standings.append(standing)
    return Counter(contract, staff, standings, at)


@pytest.fixture
def counter(contracts: dict[str, Contract], now: dt.datetime) -> Counter:
    return seated(contracts["hatsukaichi"], now, 4)


@pytest.mark.req("DESK-01")
def test_a_call_in_a_group_writes_what_a_single_one_writes(counter: Counter) -> None:
    first, second, third = (counter.party(n, after=n) for n in range(3))
    assert counter.together(counter.call(1, "k1"), counter.call(0, "k0")) == [first.shown, second.shown], "in the order in which they came"
    assert counter.alone(2, "k2") == third
    with contract_scope(counter.contract):
        entries = {entry.target: entry for entry in Entry.objects.filter(action="ticket.called")}
        for n, ticket, window in ((1, first, 1), (0, second, 0), (2, third, 2)):
            ticket.refresh_from_db()
            wait, walk = Period.objects.filter(ticket=ticket).order_by("id")
            assert (ticket.state, wait.kind, wait.ended_at, walk.kind) == (Stay.WALK, Stay.WAIT, counter.now, Stay.WALK)
            assert (walk.started_at, walk.ended_at, walk.group, walk.staff_id) == (counter.now, None, "card", counter.staff[n].pk)
            assert walk.window is not None
            assert walk.window.number == window + 1
            summons = Summons.objects.get(ticket=ticket)
            assert (summons.window_id, summons.site_id, summons.at, summons.again) == (walk.window_id, ticket.site_id, counter.now, False)
            deed = Deed.objects.get(key=f"k{n}")
            assert (deed.verb, deed.ticket_id, deed.at) == ("call", ticket.pk, counter.now)
            entry = entries[f"ticket:{ticket.pk}"]
            assert (entry.actor_kind, entry.channel, entry.actor, entry.at) == ("counter", "counter", f"user:{counter.staff[n].pk}", counter.now)
            assert entry.detail == {"window": n + 1, "number": ticket.shown}
        assert [entries[f"ticket:{one.pk}"].lane for one in (first, second, third)] == [LANE, LANE, 0]
    assert verify(counter.contract) == []


@pytest.mark.req("DESK-01")
def test_sent_again_or_from_a_busy_window_or_with_nobody_there_it_is_left_to_the_single_call(counter: Counter) -> None:
    ticket, other = counter.party(0, after=0), counter.party(1, after=1)
    assert counter.together(counter.call(0, "k0")) == [ticket.shown]
    before = counter.written()
    assert counter.together(counter.call(0, "k0")) == [""], "done before"
    assert counter.together(counter.call(0, "other")) == [""], "a party is at the window"
    assert counter.together(counter.call(1, "k0")) == [""], "a key used by somebody else"
    assert counter.together(counter.call(1, "mine", number=1)) == [""], "a window of somebody else"
    assert counter.together(counter.call(1, "mine", number=88)) == [""], "a window that is not open"
    assert counter.together(counter.call(1, "mine", site="nowhere")) == [""]
    assert counter.written() == before
    assert counter.alone(0, "k0") == ticket, "the single call answers with the same ticket"
    assert counter.together(counter.call(1, "k1"), counter.call(2, "k2"), counter.call(3, "k3")) == [other.shown, "", ""], "one party for three windows"
    assert counter.alone(2, "k2") is None


@pytest.mark.req("DESK-01")
def test_windows_of_different_groups_get_the_earliest_of_their_own(counter: Counter) -> None:
    contract = counter.contract
    assert contract.profile.reception is not None
    groups = [group.code for group in contract.profile.reception.groups_at("main")]
    assert len(groups) > 1
    with contract_scope(contract):
        Window.objects.filter(number=2).update(groups=groups)
    late, early = counter.party(0, after=9), counter.party(1, after=1)
    elsewhere = next(code for code in groups if code != "card")
    with contract_scope(contract):
        moved = counter.party(2, after=0)
        Ticket.objects.filter(pk=moved.pk).update(group=elsewhere, rank_at=counter.now - dt.timedelta(hours=1))
    calls = counter.call(0, "a"), counter.call(1, "b"), counter.call(2, "c")
    assert counter.together(*calls) == [early.shown, moved.shown, late.shown]


@pytest.mark.req("DESK-01")
def test_numbers_above_a_thousand_are_shown_as_printed(counter: Counter) -> None:
    ticket = counter.party(0, after=0)
    with contract_scope(counter.contract):
        Ticket.objects.filter(pk=ticket.pk).update(number=1234)
        ticket.refresh_from_db()
    assert counter.together(counter.call(0, "k")) == [ticket.shown]
    assert "1234" in ticket.shown


@pytest.mark.req("DESK-01")
@pytest.mark.parametrize("place", [1, 2, 3, 4, 5])
def test_who_wishes_to_be_told_when_near_is_left_to_the_single_call(counter: Counter, place: int) -> None:
    """Two windows call; the next two after them are near."""
    parties = [counter.party(n, after=n) for n in range(6)]
    with contract_scope(counter.contract):
        Ticket.objects.filter(pk=parties[place - 1].pk).update(address=b"sealed")
    called = counter.together(counter.call(0, "a"), counter.call(1, "b"))
    assert called == (["", ""] if place <= 4 else [parties[0].shown, parties[1].shown])
    with contract_scope(counter.contract):
        Ticket.objects.filter(pk=parties[place - 1].pk).update(told_at=counter.now)
    if place <= 4:
        assert counter.together(counter.call(0, "a"), counter.call(1, "b")) == [parties[0].shown, parties[1].shown], "told already"


@pytest.mark.req("DESK-01")
def test_a_window_that_somebody_holds_makes_no_other_wait(counter: Counter) -> None:
    first, _ = (counter.party(n, after=n) for n in range(2))
    held, over = threading.Event(), threading.Event()

    def hold(crowd: Crowd) -> None:
        with contract_scope(counter.contract):
            Window.objects.select_for_update().get(number=1)
            held.set()
            assert over.wait(20)

    def press(crowd: Crowd) -> None:
        assert held.wait(20)
        try:
            assert counter.together(counter.call(0, "a"), counter.call(1, "b")) == ["", first.shown]
        finally:
            over.set()

    assert run([hold, press]).failures == []


def _role(user: User, contract: Contract) -> None:
    Assignment.objects.filter(user=user, contract=contract).update(role=Role.AUDITOR)


CHANGES: dict[str, Callable[[User, Contract], object]] = {
    "switched off": lambda user, contract: User.objects.filter(pk=user.pk).update(is_active=False),
    "another password": lambda user, contract: (user.set_password("another-password"), user.save()),
    "another role": _role,
    "taken off the contract": lambda user, contract: Assignment.objects.filter(user=user, contract=contract).delete(),
    "without a second factor": lambda user, contract: Authenticator.objects.filter(user=user).delete(),
    "signed out": lambda user, contract: connection.cursor().execute("delete from django_session"),
    "a session that ran out": lambda user, contract: connection.cursor().execute("update django_session set expire_date = now()"),
    "the contract closed": lambda user, contract: Contract.objects.filter(pk=contract.pk).update(closed_at=dt.datetime.now(dt.UTC)),
    "the contract not active": lambda user, contract: Contract.objects.filter(pk=contract.pk).update(active=False),
}


@pytest.mark.req("DESK-01", "SEC-01")
@pytest.mark.parametrize("change", CHANGES)
def test_who_was_locked_out_is_out_with_the_next_statement(counter: Counter, change: str) -> None:
    tickets_there = [counter.party(n, after=n) for n in range(2)]
    assert counter.together(counter.call(0, "before")) == [tickets_there[0].shown]
    with contract_scope(counter.contract):
        Period.objects.filter(ended_at=None, kind=Stay.WALK).update(ended_at=counter.now)
    before = counter.written()
    CHANGES[change](counter.staff[0], counter.contract)
    assert counter.together(counter.call(0, "after")) == [""]
    assert counter.written() == before


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize("change", [name for name in CHANGES if name not in ("a session that ran out",)])
def test_there_is_no_standing_for_who_may_not_enter(counter: Counter, change: str) -> None:
    CHANGES[change](counter.staff[0], counter.contract)
    found = standing_of(counter.standings[0].session, counter.contract)
    assert found is None or (change == "another role" and found.role is Role.AUDITOR)


@pytest.mark.req("DESK-01")
def test_groups_and_single_calls_at_once_call_nobody_twice(contracts: dict[str, Contract], now: dt.datetime) -> None:
    """Eight windows in groups of two to four, mixed anew each turn, four windows that call alone: 120 parties, each called once."""
    counter = seated(contracts["hatsukaichi"], now, 12)
    parties = {counter.party(n, after=n / 10).pk for n in range(120)}
    groups = [range(0, 2), range(2, 5), range(5, 8)]
    called: list[int] = []
    noting = threading.Lock()

    def leave(numbers: list[int]) -> None:
        """The parties of these windows go, so that they are free again."""
        with contract_scope(counter.contract):
            there = Period.objects.filter(ended_at=None, kind=Stay.WALK, window__number__in=numbers)
            pks = list(there.values_list("ticket_id", flat=True))
            there.update(ended_at=counter.now)
            Ticket.objects.filter(pk__in=pks).update(state="", closed_at=counter.now, outcome="left")
        with noting:
            called.extend(pks)

    def in_groups(crowd: Crowd, seats: range) -> None:
        for turn in range(200):
            calls = [counter.call(n, f"{n}-{turn}") for n in seats]
            shown = call_together(counter.contract.pk, calls[turn % 2 :] + calls[: turn % 2], lane=1 + seats.start)
            leave([n + 1 for n in seats])
            if not any(shown):
                return

    def alone(crowd: Crowd, n: int) -> None:
        for turn in range(200):
            if counter.alone(n, f"{n}-{turn}") is None:
                return
            leave([n + 1])

    works: list[Callable[[Crowd], None]] = [lambda crowd, seats=seats: in_groups(crowd, seats) for seats in groups]  # type: ignore[misc]
    works += [lambda crowd, n=n: alone(crowd, n) for n in range(8, 12)]  # type: ignore[misc]
    assert run(works).failures == []
    assert sorted(called) == sorted(parties)
    with contract_scope(counter.contract):
        assert Summons.objects.count() == len(parties)
        assert Deed.objects.filter(verb="call", ticket__isnull=False).count() == len(parties)
        assert Entry.objects.filter(action="ticket.called").count() == len(parties)
    assert verify(counter.contract) == []
