"""Synthetic calls of the demo, told as a telephone system would tell them, one batch a day. Deterministic; every number is invented."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from typing import Any

from madoguchi.domain.calls.enums import CallbackEnd, TryOutcome
from madoguchi.domain.calls.models import Callback
from madoguchi.domain.calls.services import callbacks
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.calendar import Day
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.voice.events import CallEvent, Kind

PROVIDER = "demo"
BY_HOUR = {8: 6, 9: 13, 10: 15, 11: 12, 12: 8, 13: 11, 14: 11, 15: 10, 16: 8, 17: 4}
BY_WEEKDAY = (1.35, 1.1, 0.95, 0.9, 0.95, 0.6, 0.6)
CLOSED_CALLS = 0.05
REGULARS = 400
"""How many people call at all, so that some call again."""
CHOICES = ("book", "change", "confirm", "bring", "pickup", "other")
LANGUAGES = ("ja", "en", "vi", "zh-hans", "pt")
Step = tuple[Kind, float, str, dict[str, Any]]


def make_calls(contract: Contract, *, per_day: int, since: dt.datetime, now: dt.datetime) -> int:
    """Put the calls between ``since`` and ``now`` on record, ``per_day`` on an ordinary open day; how many."""
    dice = random.Random(f"calls of {contract.code}")  # noqa: S311
    first, last = since.date(), now.date()
    with contract_scope(contract):
        days = calendar_of(contract, first, last).days(contract.profile.sites[0].code, "phone", first, last)
        staff = Assignment.objects.filter(contract=contract, role__in=(Role.OPERATOR, Role.SUPERVISOR)).order_by("-role", "user_id")
        people = [assignment.user for assignment in staff.select_related("user")]
    agents = [f"user:{user.pk}" for user in people]
    callers = [f"+81{dice.choice('789')}0{dice.randint(10_000_000, 99_999_999)}" for _ in range(REGULARS)]
    languages = [code for code in LANGUAGES if code in contract.profile.languages]
    count = 0
    for day in days:
        told: list[CallEvent] = []
        for at, state in _moments(dice, day, per_day):
            call = f"demo-{at:%Y%m%d}-{len(told)}"
            steps = _steps(dice, state, _load(at, day), agents, languages)
            caller = "" if dice.random() < 0.06 else dice.choice(callers)
            events = list(_events(contract, call, at, steps, caller))
            if events[-1].at < now:
                told += events
                count += 1
        if told:
            evening = min(now, max(event.at for event in told))
            record_events(contract, told, by=SYSTEM, now=evening)
            _call_back(contract, dice, people[0], evening)
    return count


def _call_back(contract: Contract, dice: random.Random, user: User, until: dt.datetime) -> None:
    """What was asked for more than two hours ago is done: most were reached, some only by a message, after which nobody answered."""
    by = Actor(ActorKind.CALL_CENTRE, Channel.PHONE, f"user:{user.pk}", str(user))
    with contract_scope(contract):
        owed = list(Callback.objects.filter(ended_at=None, asked_at__lt=until - dt.timedelta(hours=2)))
    for callback in owed:
        at = callback.asked_at + dt.timedelta(minutes=dice.randint(12, 110))
        if dice.random() < 0.85:
            callbacks.tried(contract, callback.pk, outcome=TryOutcome.REACHED, user=user, by=by, now=at)
            continue
        for outcome in (TryOutcome.NO_ANSWER, TryOutcome.MESSAGE):
            callbacks.tried(contract, callback.pk, outcome=outcome, user=user, by=by, now=at)
            at += dt.timedelta(minutes=8)
        callbacks.end(contract, callback.pk, outcome=CallbackEnd.GIVEN_UP, by=by, now=at)


def _moments(dice: random.Random, day: Day, usual: int) -> list[tuple[dt.datetime, str]]:
    """(when, state) of the calls of a day, in order: by the hour while open, a few while closed."""
    found: list[tuple[dt.datetime, str]] = []
    spans = [(dt.datetime.combine(day.date, a, JST), dt.datetime.combine(day.date, b, JST)) for a, b in day.intervals]
    if spans:
        wanted = round(usual * BY_WEEKDAY[day.date.weekday()] * dice.uniform(0.85, 1.15))
        hours = [h for h in BY_HOUR if any(a.hour <= h and dt.datetime.combine(day.date, dt.time(h), JST) < b for a, b in spans)]
        while len(found) < wanted:
            hour = dice.choices(hours, [BY_HOUR[h] for h in hours])[0]
            at = dt.datetime.combine(day.date, dt.time(hour), JST) + dt.timedelta(seconds=dice.randint(0, 3599))
            if any(a <= at < b for a, b in spans):
                found.append((at, "open"))
    for _ in range(round(usual * CLOSED_CALLS) or 1):
        at = dt.datetime.combine(day.date, dt.time(dice.choice((7, 18, 19, 20))), JST) + dt.timedelta(seconds=dice.randint(0, 3599))
        if not any(a <= at < b for a, b in spans):
            found.append((at, "closed" if spans else "holiday"))
    return sorted(found)


def _load(at: dt.datetime, day: Day) -> float:
    """How busy the centre is, from 0 to 1: Mondays and the late morning are the worst."""
    return min(1.0, BY_HOUR.get(at.hour, 5) / 15 * BY_WEEKDAY[day.date.weekday()] * 0.8)


def _steps(dice: random.Random, state: str, load: float, agents: Sequence[str], languages: Sequence[str]) -> list[Step]:
    """What happens to one call, in seconds from its start."""
    steps: list[Step] = [("offered", 0, "", {"state": state})]
    if state != "open":
        steps.append(("announced", 0.4, "", {"prompt": "closed", "language": "ja"}))
        return [*steps, ("ended", dice.uniform(4, 24), "", {"by": dice.choice(("caller", "system"))})]
    if dice.random() < 0.03:
        return [*steps, ("ended", dice.uniform(1, 14), "", {"by": "caller"})]
    language = dice.choices(languages, [92, *[8 / max(1, len(languages) - 1)] * (len(languages) - 1)])[0]
    choice = dice.choices(CHOICES, [38, 14, 12, 12, 10, 14])[0]
    at = dice.uniform(9, 22)
    steps.append(("menu", at, "", {"key": str(CHOICES.index(choice) + 1), "choice": choice, "language": language}))
    steps.append(("queued", at + 0.3, "", {"position": 1}))
    start = at = at + 0.3
    wait = dice.expovariate(1 / (5 + 34 * load**2))
    patience = dice.expovariate(1 / 240)
    if wait > 175 or dice.random() < 0.02 * load:
        at = start + min(wait, 180)
        why = "max_wait" if wait > 175 else "queue_full"
        steps.append(("overflowed", at, "", {"why": why}))
        if dice.random() < 0.5:
            steps.append(("callback_requested", at + 11, "", {}))
        return [*steps, ("ended", at + dice.uniform(15, 30), "", {"by": "caller"})]
    if patience < wait or dice.random() < 0.01 + 0.02 * load:
        at = start + max(2.0, min(patience, wait))
        return [*steps, ("abandoned", at, "", {}), ("ended", at, "", {"by": "caller"})]
    if wait > 60 and dice.random() < 0.25:
        return [*steps, ("callback_requested", start + wait, "", {}), ("ended", start + wait + 8, "", {"by": "caller"})]
    agent = dice.choice(agents)
    if dice.random() < 0.05:
        missed = dice.choice(agents)
        steps += [("ringing", at, missed, {}), ("not_answered", at + 15, missed, {"why": "timeout"})]
        at += 15
        wait += 15
    at = max(at, start + wait - 4)
    steps.append(("ringing", at, agent, {}))
    at += dice.uniform(1.5, 6)
    steps.append(("answered", at, agent, {}))
    talk = min(1500.0, dice.lognormvariate(5.2, 0.55))
    if dice.random() < 0.12:
        held = at + talk * 0.4
        steps += [("held", held, agent, {}), ("resumed", held + dice.uniform(15, 70), agent, {})]
        talk += 70
    if dice.random() < 0.03 and len(agents) > 1:
        other = next(one for one in agents if one != agent)
        steps.append(("transferred", at + talk * 0.8, agent, {"to": other, "mode": "attended"}))
    return [*steps, ("ended", at + talk, "", {"by": dice.choices(("caller", "operator"), [85, 15])[0]})]


def _events(contract: Contract, call: str, at: dt.datetime, steps: Sequence[Step], caller: str) -> Iterator[CallEvent]:
    for kind, seconds, agent, data in steps:
        offered = kind == "offered"
        yield CallEvent(
            PROVIDER, call, kind, at + dt.timedelta(seconds=seconds), contract=contract.code, caller=caller if offered else "",
            withheld=offered and not caller, agent=agent, data=data,
        )  # fmt: skip
