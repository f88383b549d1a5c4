"""A month of one contract's counter, run through the same services as the screens, with a book of its own.

The book counts what the simulation *decides* (who comes, how it ends for each person, which card goes where), never what the program
answers; so it can be held against tickets, cases, cards, facts and figures afterwards.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking, Slot
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.services import reserve
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.calls.services.record import record_events
from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.services import ends, setups, stock
from madoguchi.domain.cases.enums import End, Pause, State
from madoguchi.domain.cases.hands import Hand, hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.queries.flows import worked
from madoguchi.domain.cases.rules import Flow, Line, Step, Way
from madoguchi.domain.cases.services import visits, work
from madoguchi.domain.reception.enums import Outcome
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.services import day as days
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, SYSTEM
from madoguchi.ground.kit.clock import JST
from madoguchi.voice.events import CallEvent

SECOND, MINUTE = dt.timedelta(seconds=1), dt.timedelta(minutes=1)


class Fate(StrEnum):
    """How it ends for one person and procedure."""

    DONE = "done"
    EXAMINED_TWICE = "examined_twice"
    """Done, after the city has asked for more."""
    RETURNS = "returns"
    """Interrupted, and done on another day."""
    SENT_HOME = "sent_home"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    ELSEWHERE = "elsewhere"


WELL = frozenset({Fate.DONE, Fate.EXAMINED_TWICE, Fate.RETURNS})
END_OF = {
    Fate.DONE: End.DONE, Fate.EXAMINED_TWICE: End.DONE, Fate.RETURNS: End.DONE, Fate.SENT_HOME: End.SENT_HOME, Fate.REFUSED: End.REFUSED,
    Fate.GIVEN_UP: End.GIVEN_UP, Fate.ELSEWHERE: End.MOVED,
}  # fmt: skip


ENDS_AS = {"left": (Outcome.LEFT, End.GIVEN_UP), "referred": (Outcome.REFERRED, End.MOVED)}


@dataclass(frozen=True)
class Plan:
    """How much is done in a month: ``done`` persons per procedure who get what they came for, ``setups`` of cards, ``calls`` answered."""

    contract: str
    month: dt.date
    done: Mapping[str, int]
    setups: int
    calls: int
    open_days: int = 31

    def share(self, part: float, open_days: int = 31) -> Plan:
        """A smaller month, on its first open days only."""
        return Plan(
            self.contract, self.month, {code: max(1, round(n * part)) for code, n in self.done.items()}, max(1, round(self.setups * part)),
            max(1, round(self.calls * part)), open_days,
        )  # fmt: skip


NAGAOKA = Plan(
    "nagaoka", dt.date(2026, 11, 1),
    {"card_pickup": 1097, "cert_renewal": 942, "pin_reset": 301, "express_issuance": 73, "card_application": 207}, setups=1085, calls=248,
)  # fmt: skip
"""A month of the annex of the specification (8(5))."""
IZUMI = Plan(
    "izumi", dt.date(2026, 11, 1),
    {"card_pickup": 1556, "cert_renewal": 2444, "pin_reset": 260, "card_application": 220, "card_renewal": 60, "express_issuance": 24, "mynaportal": 40},
    setups=1556, calls=700,
)  # fmt: skip
"""14,000 issuances and 22,000 renewals in nine months (annex of the specification); what the annex does not number is an assumption."""


@dataclass
class Guest:
    """One person with one procedure."""

    procedure: str
    fate: Fate
    card: str = ""


@dataclass
class Party:
    """Who comes together: ``how`` they leave when not served; ``booked`` the code of their reservation; ``goes_on`` a case of an earlier day."""

    site: str
    at: dt.datetime
    guests: list[Guest]
    how: str = "served"
    booked: str = ""
    goes_on: int = 0
    waits_for_city: bool = False


@dataclass
class Book:
    """What the simulation decided."""

    guests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(procedure, end) of cases."""
    opened: Counter[tuple[str, dt.date, str]] = field(default_factory=Counter)
    """(procedure, day, site) of cases opened, without those taken back."""
    visits: Counter[str] = field(default_factory=Counter)
    """Tickets by outcome."""
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(procedure, site) of persons dealt with at windows."""
    waited: int = 0
    """Seconds between ticket and call of parties that were served."""
    heads: int = 0
    no_shows: int = 0
    absent_heads: int = 0
    arrived: int = 0
    examined: int = 0
    cards: dict[str, str] = field(default_factory=dict)
    """Number → where the card must be: ``issued`` or a place such as ``slot``."""
    set_up: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0


class Month:
    """Runs a plan. The contract must be loaded; everything happens in the days of its month."""

    def __init__(self, contract: Contract, plan: Plan) -> None:
        self.contract, self.plan, self.book = contract, plan, Book()
        self.dice = random.Random(f"{plan.contract} {plan.month}")
        self.keys = (f"m{n}" for n in itertools.count(1))
        self.people: dict[str, Hand] = {}
        self.flows: dict[int, Flow] = {}
        self.returning: dict[dt.date, list[Party]] = defaultdict(list)
        self.terms = contract.profile.reception
        assert self.terms is not None
        self.sites = [site.code for site in contract.profile.sites if self.terms.groups_at(site.code)]
        self.last_day = (plan.month.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)

    def who(self, name: str, role: Role = Role.COUNTER) -> Hand:
        """A member of staff, made at the first call."""
        if name not in self.people:
            user = User.objects.create_user(f"{name}.{self.plan.contract}@month.example.jp", None, name=name)
            Assignment.objects.create(user=user, contract=self.contract, role=role)
            self.people[name] = hand_of(user, role)
        return self.people[name]

    def run(self) -> Book:
        """The whole month."""
        before = dt.datetime.combine(self.plan.month - dt.timedelta(days=21), dt.time(7), JST)
        set_up(self.contract, now=before)
        open_days = self._open_days()
        ahead = max(10, round(self.plan.done["card_pickup"] * 0.2))
        self._cards_arrive(ahead, (self.plan.month - dt.timedelta(days=14)))
        parties = self._parties(open_days)
        weekdays = [day for day in open_days if day.weekday() < 5]
        for n, day in enumerate(weekdays):
            share = self.plan.setups * (n + 1) // len(weekdays) - self.plan.setups * n // len(weekdays)
            self._cards_arrive(share, day)
            self.book.set_up += share
        for day in open_days:
            today = [*parties.get(day, []), *self.returning.get(day, [])]
            for site in self.sites:
                self._day(site, day, [party for party in today if party.site == site])
        self._calls(weekdays)
        return self.book

    def _open_days(self) -> dict[dt.date, dict[str, tuple[dt.datetime, dt.datetime]]]:
        """Open days of the plan with the first and last moment of each site that is open."""
        with contract_scope(self.contract):
            calendar = calendar_of(self.contract, self.plan.month, self.last_day)
        found: dict[dt.date, dict[str, tuple[dt.datetime, dt.datetime]]] = {}
        for site in self.sites:
            for day in calendar.days(site, "counter", self.plan.month, self.last_day):
                if day.intervals:
                    spans = [(dt.datetime.combine(day.date, a, JST), dt.datetime.combine(day.date, b, JST)) for a, b in day.intervals]
                    found.setdefault(day.date, {})[site] = (spans[0][0], spans[-1][1])
        return dict(sorted(found.items())[: self.plan.open_days])

    # Cards

    def _cards_arrive(self, count: int, day: dt.date) -> None:
        """Cards are registered, set up by one and checked by another, told of, and put away."""
        if self.contract.profile.cards is None or not count:
            return
        worker, checker = self.who("設定"), self.who("確認", Role.SUPERVISOR)
        at = dt.datetime.combine(day, dt.time(8, 30), JST)
        head = self.contract.profile.cards.number_example.rpartition("-")[0]
        numbers = [f"{head}-{1 + len(self.book.cards) + n:05}" for n in range(count)]
        own = {"user": worker.member, "by": worker.by}
        stock.register_cards(self.contract, [Arrival(number, day) for number in numbers], now=at, **own)  # type: ignore[arg-type]
        batch = setups.open_batch(self.contract, day=day, target=count, now=at, **own)  # type: ignore[arg-type]
        for n, number in enumerate(numbers):
            setups.set_up(self.contract, batch.pk, number=number, now=at + n * SECOND, **own)  # type: ignore[arg-type]
            setups.check(self.contract, number, user=checker.member, by=checker.by, now=at + n * SECOND)
        ends.notify(self.contract, numbers, sent_on=day, now=at + 10 * MINUTE, **own)  # type: ignore[arg-type]
        cabinets = [(c.code, box) for c in self.contract.profile.cards.cabinets for box in range(1, c.boxes + 1) for _ in range(c.slots)]
        for number in numbers:
            cabinet, box = cabinets[len(self.book.cards)]
            stock.put(self.contract, number, cabinet=cabinet, box=box, now=at + 20 * MINUTE, **own)  # type: ignore[arg-type]
            self.book.cards[number] = "slot"

    def _free_card(self) -> str:
        """The card that has waited longest and is nobody's yet."""
        number = next(number for number, place in self.book.cards.items() if place == "slot")
        self.book.cards[number] = "meant"
        return number

    # Who comes

    def _guests(self) -> list[Guest]:
        guests = []
        for code, count in self.plan.done.items():
            fates = self.dice.choices([Fate.DONE, Fate.EXAMINED_TWICE, Fate.RETURNS], [93, 4, 3], k=count)
            odd = [Fate.SENT_HOME, Fate.REFUSED, Fate.GIVEN_UP, Fate.ELSEWHERE]
            guests += [Guest(code, fate) for fate in (*fates, *self.dice.choices(odd, [5, 2, 2, 2], k=max(1, round(count * 0.08))))]
        self.dice.shuffle(guests)
        return guests

    def _parties(self, open_days: Mapping[dt.date, Mapping[str, tuple[dt.datetime, dt.datetime]]]) -> dict[dt.date, list[Party]]:
        """Everybody of the month, on days before the last two so that who returns can."""
        found: dict[dt.date, list[Party]] = defaultdict(list)
        choice = [(day, site) for day, at in list(open_days.items())[:-2] for site in at]
        guests = self._guests()
        while guests:
            first = guests.pop()
            places = [(day, site) for day, site in choice if first.procedure in self._served_at(site)]
            day, site = self.dice.choice(places)
            party = Party(site, self._moment(*open_days[day][site]), [first])
            if guests and self.dice.random() < 0.15 and guests[-1].procedure in self._served_at(site) and Fate.RETURNS not in (first.fate, guests[-1].fate):
                party.guests.append(guests.pop())
            party.waits_for_city = len(party.guests) == 1 and first.fate == Fate.DONE and self.dice.random() < 0.1
            found[day].append(party)
        for _ in range(max(2, sum(self.plan.done.values()) // 40)):
            day, site = self.dice.choice(choice)
            procedure = self.dice.choice([code for code in self.plan.done if code in self._served_at(site)])
            how = self.dice.choice(["left", "referred", "missed", "away", "no_show"])
            found[day].append(Party(site, self._moment(*open_days[day][site]), [Guest(procedure, Fate.DONE)], how))
        for day, parties in found.items():
            for party in parties:
                if party.how == "no_show" or (party.how == "served" and self.dice.random() < 0.5):
                    self._book_for(party, day)
            found[day] = [party for party in parties if party.how != "no_show" or party.booked]
        return found

    def _served_at(self, site: str) -> set[str]:
        assert self.terms is not None
        return {code for group in self.terms.groups_at(site) for code in group.procedures}

    def _moment(self, first: dt.datetime, last: dt.datetime) -> dt.datetime:
        span = int((last - first).total_seconds()) - 5400
        return first + dt.timedelta(seconds=self.dice.randint(0, max(60, span)))

    def _book_for(self, party: Party, day: dt.date) -> None:
        """A reservation made by the party some days before, at a time of its day; who finds none comes without."""
        made = dt.datetime.combine(day - dt.timedelta(days=6), dt.time(self.dice.randint(9, 20)), JST)
        born = dt.date(1940, 1, 1) + dt.timedelta(days=self.dice.randint(0, 20_000))
        people: list[tuple[str, Person | None]] = [
            (guest.procedure, Person({"name": "山田 花子", "kana": "ヤマダ ハナコ", "birth_date": (born + dt.timedelta(days=n)).isoformat(), "who": "self"}))
            for n, guest in enumerate(party.guests)
        ]  # fmt: skip
        contact = Contact({"phone": f"090{self.dice.randint(10_000_000, 99_999_999)}"})
        with contract_scope(self.contract):
            begin = dt.datetime.combine(day, dt.time(), JST)
            starts = sorted(set(Slot.objects.filter(
                pool__site__code=party.site, starts_at__gte=begin, starts_at__lt=begin + dt.timedelta(days=1), closed=False
            ).values_list("starts_at", flat=True)))  # fmt: skip
        for start in self.dice.sample(starts, min(3, len(starts))):
            wanted = reserve.Reservation(party.site, start, people, contact, "ja", next(self.keys))
            try:
                with contract_scope(self.contract):
                    done = reserve.reserve(self.contract, wanted, by=CITIZEN_WEB, now=made)
            except Refused:
                continue
            party.booked, party.at = done.code, start - dt.timedelta(minutes=self.dice.randint(2, 12))
            return

    # One day at one site

    def _day(self, site: str, day: dt.date, parties: Sequence[Party]) -> None:
        assert self.terms is not None
        opening = dt.datetime.combine(day, dt.time(8), JST)
        seats: dict[int, Hand] = {}
        for group in self.terms.groups_at(site):
            for number in group.windows:
                if number not in seats:
                    seats[number] = self.who(f"{site}の{number}番")
                    hand = seats[number]
                    codes = [one.code for one in self.terms.groups_at(site) if number in one.windows]
                    windows.open_window(
                        self.contract, site=site, number=number, groups=codes, user=hand.member, key=next(self.keys), by=hand.by, now=opening
                    )  # fmt: skip
        clock = itertools.count()
        events: list[tuple[dt.datetime, int, str, Any]] = [(party.at, next(clock), "come", party) for party in parties]
        heapq.heapify(events)
        self.known: dict[int, tuple[Party, dt.datetime]] = {}
        self.waiting = 0
        idle = set(seats)
        at = opening
        while events:
            at, _, what, value = heapq.heappop(events)
            if what == "come":
                self._come(site, value, at)
            elif what == "free":
                idle.add(value)
            elif what == "answered":
                number, ticket = value
                if number not in idle:
                    heapq.heappush(events, (at + MINUTE, next(clock), "answered", value))
                    continue
                until = self._after_city(site, number, seats[number], ticket, at)
                idle.discard(number)
                heapq.heappush(events, (until, next(clock), "free", number))
            for number in sorted(idle) if self.waiting else ():
                told = self._call(site, number, seats[number], at)
                if told is not None:
                    until, back = told
                    idle.discard(number)
                    heapq.heappush(events, (until, next(clock), "free", number))
                    if back:
                        heapq.heappush(events, (until + 15 * MINUTE, next(clock), "answered", (number, back)))
        evening = max(at, dt.datetime.combine(day, dt.time(18), JST))
        leader = self.who("確認", Role.SUPERVISOR)
        closed = days.close_day(self.contract, site=site, no_shows=True, key=next(self.keys), by=leader.by, now=evening)
        absent = [party for party in parties if party.how == "no_show"]
        self.book.no_shows += len(absent)
        self.book.absent_heads += sum(len(party.guests) for party in absent)
        assert closed.no_shows == len(absent), (site, day, closed, len(absent))

    def _come(self, site: str, party: Party, at: dt.datetime) -> None:
        if party.how == "no_show":
            return
        clerk, parts = self.who(f"{site}の受付"), Counter(guest.procedure for guest in party.guests)
        if party.how == "away":
            tickets.turn_away(
                self.contract, site=site, parts=parts, outcome=WalkInOutcome.REFERRED, key=next(self.keys), by=clerk.by, now=at
            )  # fmt: skip
            self.book.turned_away += len(party.guests)
            return
        ticket = tickets.issue(
            self.contract, site=site, parts={} if party.booked else parts, people=len(party.guests), booking=party.booked, key=next(self.keys),
            by=clerk.by, now=at,
        )  # fmt: skip
        self.book.heads += len(party.guests)
        self.book.arrived += bool(party.booked)
        self.known[ticket.pk] = (party, at)
        self.waiting += 1

    def _call(self, site: str, number: int, hand: Hand, at: dt.datetime) -> tuple[dt.datetime, int] | None:
        """Call the next party and serve it to its end: until when, and the ticket if it waits for the city. None: nobody waits."""
        own = {"site": site, "number": number, "user": hand.member, "by": hand.by}
        ticket = windows.call_next(self.contract, key=next(self.keys), now=at, **own)  # type: ignore[arg-type]
        if ticket is None:
            return None
        party, came = self.known[ticket.pk]
        self.waiting -= 1
        if party.how == "missed":
            after = windows.missed(self.contract, key=next(self.keys), now=at + 90 * SECOND, **own)  # type: ignore[arg-type]
            self.waiting += after.closed_at is None
            self.book.visits[Outcome.MISSED] += after.closed_at is not None
            return at + 2 * MINUTE, 0
        windows.begin(self.contract, key=next(self.keys), now=at + 40 * SECOND, **own)  # type: ignore[arg-type]
        if party.how in ENDS_AS:
            outcome, end = ENDS_AS[party.how]
            windows.end_visit(self.contract, outcome=outcome, key=next(self.keys), now=at + 3 * MINUTE, **own)  # type: ignore[arg-type]
            self.book.visits[outcome] += 1
            for guest in party.guests:
                self.book.guests[guest.procedure, end] += 1
                self.book.opened[guest.procedure, at.astimezone(JST).date(), site] += 1
            return at + 4 * MINUTE, 0
        self.book.waited += round((at - came).total_seconds())
        return self._serve(site, number, hand, ticket, party, at + 40 * SECOND)

    def _cases(self, ticket: Ticket) -> list[Case]:
        with contract_scope(self.contract):
            return list(Case.objects.select_related("procedure", "flow").filter(ticket=ticket).exclude(state=State.ENDED).order_by("id"))

    def _serve(self, site: str, number: int, hand: Hand, ticket: Ticket, party: Party, at: dt.datetime) -> tuple[dt.datetime, int]:
        own = {"site": site, "number": number, "user": hand.member, "by": hand.by}
        if party.goes_on:
            visits.go_on(self.contract, ticket, party.goes_on, key=next(self.keys), hand=hand, now=at)
        cases = self._cases(ticket)
        assert len(cases) == len(party.guests), (cases, party)
        free = list(party.guests)
        for case in cases:
            guest = next(one for one in free if one.procedure == case.procedure.code)
            free.remove(guest)
            if not party.goes_on:
                self.book.opened[guest.procedure, at.astimezone(JST).date(), site] += 1
            until = "decide" if party.waits_for_city else ""
            at = self._walk(case, guest, hand, party, at, until=until)
            if party.waits_for_city and self._at_city(case):
                windows.hold(self.contract, key=next(self.keys), now=at, **own)  # type: ignore[arg-type]
                return at, ticket.pk
        return self._finish(own, ticket, party, at), 0

    def _finish(self, own: Mapping[str, Any], ticket: Ticket, party: Party, at: dt.datetime) -> dt.datetime:
        for procedure in dict.fromkeys(guest.procedure for guest in party.guests):
            at += 20 * SECOND
            windows.finish(self.contract, procedures=[procedure], key=next(self.keys), now=at, **own)
        for guest in party.guests:
            self.book.served[guest.procedure, own["site"]] += 1
        useful = any(guest.fate in WELL for guest in party.guests)
        self.book.visits[Outcome.SERVED if useful else Outcome.REFERRED] += 1
        return at

    def _at_city(self, case: Case) -> bool:
        fresh = self._fresh(case)
        return fresh.state == State.ACTIVE and self._flow(fresh).step(fresh.step).line is Line.CITY

    def _after_city(self, site: str, number: int, hand: Hand, ticket: int, at: dt.datetime) -> dt.datetime:
        """The city has answered: the party is called again and its case worked to the end."""
        party, _ = self.known[ticket]
        own = {"site": site, "number": number, "user": hand.member, "by": hand.by}
        case = self._fresh(self._of(ticket))
        flow = self._flow(case)
        self._step(case, flow.step(case.step), flow.step(case.step).ways[0], party.guests[0], self.who("市職員", Role.CITY), at)
        called = windows.call_this(self.contract, ticket=ticket, key=next(self.keys), now=at, **own)  # type: ignore[arg-type]
        windows.begin(self.contract, key=next(self.keys), now=at + 30 * SECOND, **own)  # type: ignore[arg-type]
        end = self._walk(case, party.guests[0], hand, party, at + 30 * SECOND)
        return self._finish(own, called, party, end)

    def _of(self, ticket: int) -> Case:
        with contract_scope(self.contract):
            found: Case = Case.objects.get(ticket_id=ticket)
        return found

    # One case

    def _fresh(self, case: Case) -> Case:
        with contract_scope(self.contract):
            found: Case = Case.objects.select_related("flow", "procedure").get(pk=case.pk)
        return found

    def _flow(self, case: Case) -> Flow:
        if case.flow_id not in self.flows:
            self.flows[case.flow_id] = worked(self.contract, case.flow)
        return self.flows[case.flow_id]

    def _walk(self, case: Case, guest: Guest, hand: Hand, party: Party, at: dt.datetime, *, until: str = "") -> dt.datetime:
        """Work a case as its fate wills, until its end; with ``until`` only until it lies with the city."""
        city, again, begun = self.who("市職員", Role.CITY), guest.fate == Fate.EXAMINED_TWICE, False
        while True:
            case = self._fresh(case)
            if case.state != State.ACTIVE:
                break
            flow = self._flow(case)
            step = flow.step(case.step)
            if until and step.line is Line.CITY:
                return at
            at += dt.timedelta(seconds=self.dice.randint(20, 110))
            way = self._way(step, guest, again=again)
            if way is None:
                work.end(self.contract, case.pk, END_OF[guest.fate], version=case.moves, key=next(self.keys), hand=hand, now=at)
                break
            if guest.fate == Fate.RETURNS and not party.goes_on and begun and step.resume:
                self._interrupt(case, guest, hand, party, at)
                return at
            again = again and not step.decides
            case = self._step(case, step, way, guest, city if step.line is Line.CITY else hand, at)
            begun = True
        self.book.guests[guest.procedure, END_OF[guest.fate]] += 1
        return at

    def _way(self, step: Step, guest: Guest, *, again: bool) -> Way | None:
        """The way out of a step that leads to the fate; None: the person gives up here."""
        ends = {way.ends: way for way in step.ways if way.ends}
        if guest.fate in WELL:
            if again and step.decides:
                return next((way for way in step.ways if way.to and way.reasons), step.ways[0])
            return step.ways[0]
        if END_OF[guest.fate] in ends:
            return ends[END_OF[guest.fate]]
        if guest.fate == Fate.GIVEN_UP or step.ways[0].ends == "done":
            guest.fate = Fate.GIVEN_UP
            return None
        return step.ways[0]

    def _step(self, case: Case, step: Step, way: Way, guest: Guest, hand: Hand, at: dt.datetime) -> Case:
        if step.decides:
            self.book.examined += 1
        codes = [item.code for item in step.items]
        missing = codes[:1] if way.ends == "sent_home" else []
        card = ""
        if way.hands_over and self.contract.profile.cards is not None:
            card = self._free_card()
            self.book.cards[card] = "issued"
        return work.finish_step(
            self.contract, case.pk, way.code, ticked=[code for code in codes if code not in missing], missing=missing,
            reason=way.reasons[0].code if way.reasons else "", card=card, version=case.moves, key=next(self.keys), hand=hand, now=at,
        )  # fmt: skip

    def _interrupt(self, case: Case, guest: Guest, hand: Hand, party: Party, at: dt.datetime) -> None:
        """The person comes back on a later open day."""
        work.interrupt(self.contract, case.pk, Pause.DOCUMENTS, version=case.moves, key=next(self.keys), hand=hand, now=at)
        later = [day for day, sites in self._open_days().items() if day > at.astimezone(JST).date() and party.site in sites]
        day = self.dice.choice(later)
        first, last = self._open_days()[day][party.site]
        self.returning[day].append(Party(party.site, self._moment(first, last), [guest], goes_on=case.pk))

    # Calls

    def _calls(self, weekdays: Sequence[dt.date]) -> None:
        """Calls that were answered, and one in twenty that was given up in the queue."""
        told: list[CallEvent] = []
        for n in range(self.plan.calls + max(1, self.plan.calls // 20)):
            day = weekdays[n % len(weekdays)]
            at = dt.datetime.combine(day, dt.time(9), JST) + dt.timedelta(seconds=self.dice.randint(0, 25_000))
            lost = n >= self.plan.calls
            steps: Iterator[tuple[str, float, dict[str, Any]]] = iter(
                [("offered", 0, {"state": "open"}), ("queued", 12, {"position": 1})]
                + ([("abandoned", 80, {}), ("ended", 80, {"by": "caller"})] if lost else [("answered", 20, {}), ("ended", 200, {"by": "caller"})])
            )
            for kind, seconds, data in steps:
                told.append(CallEvent("month", f"call-{n}", kind, at + dt.timedelta(seconds=seconds), contract=self.contract.code,
                                      caller="", withheld=kind == "offered", agent="agent" if kind == "answered" else "", data=data))  # type: ignore[arg-type]  # fmt: skip
            self.book.calls["abandoned" if lost else "answered"] += 1
        record_events(self.contract, told, by=SYSTEM, now=max(event.at for event in told))


def bookings_marked(contract: Contract) -> tuple[int, int]:
    """(arrived, no-shows) that the reservations say."""
    with contract_scope(contract):
        return Booking.objects.filter(arrived_at__isnull=False).count(), Booking.objects.filter(no_show=True).count()
