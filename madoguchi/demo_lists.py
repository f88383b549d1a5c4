"""Synthetic work lists of the demo: the city's files of some weeks, worked through by the counter's staff. Deterministic; every number is invented."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.worklists.files import Wanted
from madoguchi.domain.worklists.models import Batch
from madoguchi.domain.worklists.services import claim_next, defer, end, import_entries
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import WorkList
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

FILE = 160
DAYS = 12
SHARES = (0.72, 0.2, 0.05, 0.03)


def fill(contract: Contract, now: dt.datetime) -> str:
    """Each list of the contract: two files, about two thirds done on the last business days, some put off. Inside ``contract_scope``."""
    done = 0
    for terms in contract.profile.work_lists:
        if not Batch.objects.filter(worklist=terms.code).exists():
            done += _fill(contract, terms, now)
    return f"作業リスト {done} 件"


def _fill(contract: Contract, terms: WorkList, now: dt.datetime) -> int:
    dice = random.Random(f"{contract.code} {terms.code}")  # noqa: S311
    people = {a.role: a.user for a in Assignment.objects.filter(contract=contract).select_related("user")}
    city, worker = people[Role.CITY], people[Role.COUNTER]
    by_city = Actor(ActorKind.CITY, Channel.COUNTER, f"user:{city.pk}", str(city))
    by = Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{worker.pk}", str(worker))
    today = now.astimezone(JST).date()
    days = [day for day in business_days(contract, today - dt.timedelta(days=30), today) if day < today][-DAYS:]
    if len(days) < DAYS:
        return 0
    for number, day in enumerate((days[0], days[DAYS // 2]), 1):
        begun = dt.datetime.combine(day, dt.time(9), JST)
        due = day + dt.timedelta(days=21)
        wanted = [Wanted(n + 2, f"{day:%y%m}-{number}{n:04}", due) for n in range(FILE)]
        import_entries(contract, terms.code, wanted, name=f"送付先最新化_{day:%Y%m%d}.csv", by=by_city, now=begun)
    done = 0
    for day in days:
        at = dt.datetime.combine(day, dt.time(13), JST)
        for _ in range(dice.randint(12, 22)):
            entry = claim_next(contract, terms.code, user=worker, by=by, now=at)
            if entry is None:
                break
            at += dt.timedelta(seconds=dice.randint(50, 160))
            if terms.reasons and dice.random() < 0.05:
                reason = dice.choice(terms.reasons).code
                defer(contract, entry.pk, reason=reason, again_on=day + dt.timedelta(days=dice.randint(2, 9)), user=worker, by=by, now=at)
                continue
            result = dice.choices(terms.results, SHARES[: len(terms.results)])[0].code
            end(contract, entry.pk, result=result, user=worker, by=by, now=at)
            done += 1
    return done
