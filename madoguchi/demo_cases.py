"""Synthetic cases of the counter for the demo, worked through by the same deeds as real ones: the last days, and today in every stage."""

from __future__ import annotations

import datetime as dt
import itertools
import random

from madoguchi.demo_walk import Walker
from madoguchi.domain.booking.enums import State as BookingState
from madoguchi.domain.booking.models import Attendee
from madoguchi.domain.cases.enums import End, Pause, State
from madoguchi.domain.cases.hands import hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.queries.flows import offered_flows, worked
from madoguchi.domain.cases.services import flows, work
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST

DAYS = 6
PER_DAY = 8
LANGUAGES = ["ja", "ja", "ja", "ja", "ja", "en", "vi", "pt"]


class _Counter:
    """One contract's counter: its hands, its dice, and a clock that goes on with every step."""

    def __init__(self, contract: Contract, now: dt.datetime) -> None:
        self.contract, self.limit = contract, now
        self.dice = random.Random(f"cases-{contract.code}")  # noqa: S311
        people = {a.role: a.user for a in Assignment.objects.filter(contract=contract).select_related("user").order_by("-pk")}
        self.hands = {role: hand_of(people[role], role) for role in (Role.COUNTER, Role.SUPERVISOR, Role.MANAGER, Role.CITY)}
        self.keys = (f"demo-case-{n}" for n in itertools.count(1))
        self.walker = Walker(contract, clerk=self.hands[Role.COUNTER], city=self.hands[Role.CITY], dice=self.dice, keys=self.keys)

    def open(self, flow: str, procedure: str, at: dt.datetime, attendee: Attendee | None = None) -> Case:
        """Open a case at a site that serves the procedure, of a booked person or a walk-in."""
        sites = [site.code for site in self.contract.profile.sites if procedure in site.services]
        visit = work.Visit(self.dice.choice(sites), self.dice.choice([code for code in LANGUAGES if code in self.contract.profile.languages]))
        if attendee is not None:
            visit = work.Visit(attendee.booking.site.code, booking=attendee.booking.code, position=attendee.position)
        return work.open_case(self.contract, flow, procedure, visit, key=next(self.keys), hand=self.hands[Role.COUNTER], now=at)

    def go(self, case: Case, at: dt.datetime, *, until: str = "") -> tuple[Case, dt.datetime]:
        """Work a case on until its end, a step or the demo's present."""
        return self.walker.go(case, at, limit=self.limit, until=until)


def fill(contract: Contract, now: dt.datetime) -> str:
    """Some days of cases, today's in every stage, and a change of a flow that waits for the city; what was made, in words."""
    with contract_scope(contract):
        counter = _Counter(contract, now)
        offered = [(one.flow.code, code) for one in offered_flows(contract, now.date()) for code in one.flow.procedures if _served(contract, code)]
        days = business_days(contract, now.date() - dt.timedelta(days=DAYS * 3), now.date() - dt.timedelta(days=1))[-DAYS:]
        made = sum(_day(counter, offered, day) for day in days) + _today(counter, offered)
        changed = offered_flows(contract, now.date())[0].flow
        words = {changed.steps[0].code: {"help": f"{changed.steps[0].help}番号札の番号も確かめます。"}}
        flows.propose(
            contract, changed.code, words, valid_from=now.date() + dt.timedelta(days=7), note="番号札の運用に合わせて説明を足す。",
            by=counter.hands[Role.MANAGER].by, now=now - dt.timedelta(hours=3),
        )  # fmt: skip
    return f"案件 {made} 件"


def _served(contract: Contract, procedure: str) -> bool:
    return any(procedure in site.services for site in contract.profile.sites)


def _day(counter: _Counter, offered: list[tuple[str, str]], day: dt.date) -> int:
    booked = _arrived(day)
    main = dict(reversed([(procedure, flow) for flow, procedure in offered]))
    for n in range(PER_DAY):
        at = dt.datetime.combine(day, dt.time(9 + n % 7, counter.dice.randint(0, 55)), JST)
        if n % 2 and booked:
            attendee = booked.pop()
            case = counter.open(main[attendee.procedure.code], attendee.procedure.code, at, attendee)
        else:
            case = counter.open(*counter.dice.choice(offered), at)
        counter.go(case, at)
    return PER_DAY


def _arrived(day: dt.date) -> list[Attendee]:
    start = dt.datetime.combine(day, dt.time(), JST)
    found = Attendee.objects.filter(
        booking__state=BookingState.BOOKED, booking__arrived_at__isnull=False, starts_at__gte=start, starts_at__lt=start + dt.timedelta(days=1)
    )
    return list(found.select_related("booking", "booking__site", "procedure").order_by("starts_at", "id")[: PER_DAY // 2])


def _today(counter: _Counter, offered: list[tuple[str, str]]) -> int:
    """One in hand, one with nobody, some with the city, one interrupted, one sent home, one given up, one done."""
    now, contract, clerk = counter.limit, counter.contract, counter.hands[Role.COUNTER]
    examined = [(flow, code) for flow, code in offered if flow in ("issuance_at_delivery", "pin_reset", "certificate", "application_without_id")]

    def early(minutes: int) -> dt.datetime:
        return now - dt.timedelta(minutes=minutes)

    for minutes in (55, 30, 18):
        flow = counter.dice.choice(examined)
        counter.go(counter.open(*flow, early(minutes)), early(minutes), until="examine")
    counter.open(*examined[0], early(4))
    paused = counter.open(*examined[-1], early(90))
    work.interrupt(
        contract, paused.pk, Pause.DOCUMENTS, text="足りない書類を取りに戻る。午後に来る予定。", version=1, key=next(counter.keys), hand=clerk, now=early(84)
    )  # fmt: skip
    home, at = counter.go(counter.open(*examined[0], early(120)), early(120), until="documents")
    if home.step == "documents" and home.state == State.ACTIVE:
        step = worked(contract, home.flow).step("documents")
        work.finish_step(
            contract, home.pk, "missing", ticked=[item.code for item in step.items[2:]], missing=[item.code for item in step.items[:2]],
            version=home.moves, key=next(counter.keys), hand=clerk, now=at,
        )  # fmt: skip
    left = counter.open(*offered[-1], early(70))
    work.end(contract, left.pk, End.GIVEN_UP, text="次の予定があるため。", version=1, key=next(counter.keys), hand=clerk, now=early(66))
    done = counter.open(*offered[0], early(200))
    counter.go(done, early(200))
    return 8
