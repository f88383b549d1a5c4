"""A living day at the counters of the demo: since three hours parties come, are called and served by the same deeds as real ones; some still wait."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator

from madoguchi.demo_walk import Walker
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.cases.enums import State as CaseState
from madoguchi.domain.cases.hands import hand_at, hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.reception.enums import Need, Outcome, Stay, TerminalKind
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Period, Ticket
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.domain.reception.services.terminals import add_terminal
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import WindowGroup
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

SINCE = dt.timedelta(hours=3)
PER_WINDOW = 9
"""Parties without a booking for each open window in that time."""
SEATED = (Role.COUNTER, Role.SUPERVISOR, Role.MANAGER)
LANGUAGES = ("ja", "ja", "ja", "ja", "ja", "ja", "ja", "en", "vi", "zh-hans")


def live(contract: Contract, now: dt.datetime) -> int:
    """Fill today at every site with window groups (inside ``contract_scope``); how many tickets."""
    terms = contract.profile.reception
    if terms is None:
        return 0
    dice = random.Random(f"counter of {contract.code}")  # noqa: S311
    people = {one.role: one.user for one in Assignment.objects.filter(contract=contract, role__in=SEATED).select_related("user")}
    staff = [people[role] for role in SEATED if role in people]
    sites = [site.code for site in contract.profile.sites if terms.groups_at(site.code)]
    midnight = dt.datetime.combine(now.date(), dt.time(), JST)
    begin = max(midnight, now - SINCE)
    keys = (f"demo-{n}" for n in itertools.count())
    for place, site in enumerate(sites):
        for kind, name in ((TerminalKind.MACHINE, "入口の受付機"), (TerminalKind.DISPLAY, "待合の画面")):
            add_terminal(contract, site=site, kind=kind, name=name, by=_actor(staff[1]), now=begin)
        seats = _seats(terms.groups_at(site), staff[place::len(sites)])
        _run(contract, site, seats, begin, now, dice, keys)
    return Ticket.objects.filter(day=now.date()).count()


def _actor(user: User) -> Actor:
    return Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{user.pk}", str(user))


def _seats(groups: tuple[WindowGroup, ...], staff: list[User]) -> dict[int, tuple[User, list[str]]]:
    """Who sits where: each at a first window of a group; with fewer people than groups the last serves the rest."""
    found: dict[int, tuple[User, list[str]]] = {}
    for n, user in enumerate(staff):
        group = groups[n % len(groups)]
        codes = [one.code for one in groups[n:]] if user is staff[-1] and n < len(groups) else [group.code]
        number = next((number for number in group.windows if number not in found), None)
        if number is not None:
            found[number] = (user, codes)
    return found


def _run(
    contract: Contract, site: str, seats: dict[int, tuple[User, list[str]]], begin: dt.datetime, now: dt.datetime, dice: random.Random,
    keys: Iterator[str],
) -> None:  # fmt: skip
    for number, (user, codes) in seats.items():
        windows.open_window(contract, site=site, number=number, groups=codes, user=user, key=next(keys), by=_actor(user), now=begin)
    clerk = next(iter(seats.values()))[0]
    coming = sorted([*_bookings(site, begin, now, dice), *_walk_ins(contract, site, seats, begin, now, dice)], key=lambda one: one[0])
    until: dict[int, dt.datetime] = {}
    at = begin
    while at <= now:
        while coming and coming[0][0] <= at:
            moment, booking, parts = coming.pop(0)
            needs = [dice.choice(Need.values)] if dice.random() < 0.08 else []
            language = dice.choice(LANGUAGES)
            try:
                tickets.issue(
                    contract, site=site, parts=parts, booking=booking, needs=needs, key=next(keys), by=_actor(clerk), now=moment,
                    language=language if language in contract.profile.languages else "ja",
                )  # fmt: skip
            except ReceptionRefused:
                continue
        for number, (user, _codes) in seats.items():
            _work(contract, site, number, user, at, until, dice, keys)
        at += dt.timedelta(minutes=1)


def _bookings(site: str, begin: dt.datetime, now: dt.datetime, dice: random.Random) -> Iterator[tuple[dt.datetime, str, dict[str, int]]]:
    soon = Booking.objects.filter(
        site__code=site, state=State.BOOKED, no_show=False, starts_at__gte=begin, starts_at__lte=now + dt.timedelta(minutes=15)
    )
    for code, starts_at in soon.order_by("starts_at", "pk").values_list("code", "starts_at")[:12]:
        came = starts_at - dt.timedelta(minutes=dice.randint(2, 14))
        if begin <= came <= now:
            yield came, code, {}


def _walk_ins(
    contract: Contract, site: str, seats: dict[int, tuple[User, list[str]]], begin: dt.datetime, now: dt.datetime, dice: random.Random
) -> Iterator[tuple[dt.datetime, str, dict[str, int]]]:
    terms = contract.profile.reception
    assert terms is not None
    span = (now - begin).total_seconds()
    for _user, codes in seats.values():
        offered = [code for group in codes for code in terms.group(site, group).procedures]
        for n in range(PER_WINDOW):
            share = n / (PER_WINDOW - 3) if n < PER_WINDOW - 3 else 1 - dice.random() * 0.12
            chosen = dice.choices(offered, [5 if code in ("card_pickup", "cert_renewal") else 2 for code in offered], k=dice.choice((1, 1, 1, 2)))
            yield begin + dt.timedelta(seconds=span * share), "", {code: dice.choice((1, 1, 1, 2)) for code in dict.fromkeys(chosen)}


def _work(
    contract: Contract, site: str, number: int, user: User, at: dt.datetime, until: dict[int, dt.datetime], dice: random.Random,
    keys: Iterator[str],
) -> None:  # fmt: skip
    """What one window does in one minute."""
    own = {"site": site, "number": number, "user": user, "by": _actor(user), "now": at}
    party = Period.objects.filter(ended_at=None, window__site__code=site, window__number=number, kind__in=(Stay.WALK, Stay.SERVE)).first()
    if party is None:
        windows.call_next(contract, key=next(keys), **own)  # type: ignore[arg-type]
        until[number] = at + dt.timedelta(minutes=1)
    elif at >= until[number] and party.kind == Stay.WALK:
        if dice.random() < 0.06:
            windows.missed(contract, key=next(keys), **own)  # type: ignore[arg-type]
        else:
            windows.begin(contract, key=next(keys), **own)  # type: ignore[arg-type]
            until[number] = at + dt.timedelta(minutes=dice.randint(7, 16))
    elif at >= until[number]:
        left = [code for code, _ in Ticket.objects.get(pk=party.ticket_id).left]
        if dice.random() < 0.05:
            windows.end_visit(contract, outcome=Outcome.REFERRED, key=next(keys), **own)  # type: ignore[arg-type]
        elif dice.random() < 0.04:
            windows.hold(contract, key=next(keys), **own)  # type: ignore[arg-type]
        else:
            _finish_cases(contract, party, left[:1], at, dice, keys)
            windows.finish(contract, procedures=left[:1], key=next(keys), **own)  # type: ignore[arg-type]
            until[number] = at + dt.timedelta(minutes=dice.randint(4, 9))


def _finish_cases(contract: Contract, party: Period, procedures: list[str], at: dt.datetime, dice: random.Random, keys: Iterator[str]) -> None:
    """The cases of these procedures are worked to their ends, within the time that the party sat at the window."""
    city = Assignment.objects.filter(contract=contract, role=Role.CITY).select_related("user").order_by("pk")[0].user
    assert party.staff is not None
    walker = Walker(contract, clerk=hand_at(contract, party.staff, _actor(party.staff)), city=hand_of(city, Role.CITY), dice=dice, keys=keys, odd=0.03)
    moment = party.started_at
    found = Case.objects.select_related("flow").filter(ticket=party.ticket_id, procedure__code__in=procedures, state=CaseState.ACTIVE).order_by("id")
    for case in found:
        _, moment = walker.go(case, moment, limit=at, seconds=(25, 90), hurry=True)
