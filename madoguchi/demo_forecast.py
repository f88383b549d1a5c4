"""The demo's cohorts: what expires in the months around now, where a contract forecasts with it. Deterministic; all invented."""

from __future__ import annotations

import datetime as dt
import random

from madoguchi.domain.forecast.rules import month_after, month_of
from madoguchi.domain.forecast.services import replace_cohorts
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST

USUAL = {"certificate": 1_150, "card": 420}


def fill(contract: Contract, now: dt.datetime, by: Actor) -> None:
    """Counts from half a year ago to a year ahead, highest in spring. Inside ``contract_scope``."""
    dice = random.Random(f"cohorts {contract.code}")  # noqa: S311
    this = month_of(now.astimezone(JST).date())
    counts = {}
    for kind in dict.fromkeys(one.kind for one in contract.profile.forecast.cohorts):
        for n in range(-6, 13):
            month = month_after(this, n)
            counts[kind, month] = round(USUAL[kind] * dice.uniform(0.85, 1.15) * (1.3 if month.month in (2, 3, 4) else 1.0))
    replace_cohorts(contract, counts, by=by, now=now)
