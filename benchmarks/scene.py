"""The contract that is measured: made in an empty database by ``python -m benchmarks.scene``, which prints what it made as JSON.

Pools: ``rush`` (320 slots of 30 places in each of some months), ``wide`` (1,000 slots), ``hot`` (slots with room for a whole
slice, one is used at a time) and ``age`` (slots of one place). Procedures tell the pools apart.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

CODE = "bench"
SITE = "main"
ROOM = 32_000
RUSH_MONTHS = 3
RUSH_PLACES = 30
PROCEDURES = {"rush": "card_pickup", "wide": "cert_renewal", "hot": "pin_reset", "age": "other"}


@dataclass(frozen=True)
class Month:
    """One month of a pool: first and last date, and the starting times of its slots, as ISO texts."""

    first: str
    last: str
    starts: list[str]


@dataclass(frozen=True)
class Scene:
    """What was made. ``key`` is the secret of an API key without a limit per minute."""

    contract: int
    key: str
    rush: list[Month]
    wide: list[str]
    hot: list[str]
    age: Month

    @staticmethod
    def read(text: str) -> Scene:
        """From the JSON that this module prints."""
        raw = json.loads(text)
        raw["rush"] = [Month(**m) for m in raw["rush"]]
        raw["age"] = Month(**raw["age"])
        return Scene(**raw)


def months_after(today: dt.date) -> Iterator[dt.date]:
    """First days of the months after the present one."""
    day = today.replace(day=1)
    while True:
        day = (day + dt.timedelta(days=32)).replace(day=1)
        yield day


def half_hours(first: dt.date, days: int, zone: dt.tzinfo) -> list[dt.datetime]:
    """16 half hours from 9:00 on each of the first ``days`` days of a month."""
    return [
        dt.datetime.combine(first + dt.timedelta(days=d), dt.time(9 + h // 2, 30 * (h % 2)), zone)
        for d in range(days)
        for h in range(16)
    ]


def build() -> Scene:
    """Migrate the database and make contract, procedures, pools, slots and key."""
    import django

    django.setup()
    from django.core.management import call_command

    from madoguchi.domain.booking.models import Pool, PoolProcedure, Slot
    from madoguchi.domain.booking.services.setup import count_anew
    from madoguchi.domain.procedures.models import Procedure
    from madoguchi.domain.procedures.services import ensure_procedures
    from madoguchi.ground.accounts.keys import SCOPES, make_key
    from madoguchi.ground.contracts.models import Site
    from madoguchi.ground.contracts.services import sync_profiles
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM
    from madoguchi.ground.privacy.sealing import ensure_keys

    call_command("migrate", verbosity=0, stdout=sys.stderr)
    now = clock.now()
    (contract,) = sync_profiles()
    ensure_keys(contract, now=now)
    key = make_key(contract, name="benchmarks", scopes=list(SCOPES), per_minute=0, by=SYSTEM, now=now)
    coming = months_after(now.date())
    rush_months = [next(coming) for _ in range(RUSH_MONTHS)]
    wide_months = [next(coming) for _ in range(3)]
    hot_month, age_month = next(coming), next(coming)
    wide = [t for m in wide_months for t in half_hours(m, 21, clock.JST)][:1000]
    hot = half_hours(hot_month, 28, clock.JST)
    age = half_hours(age_month, 28, clock.JST)
    rush = {m: half_hours(m, 20, clock.JST) for m in rush_months}
    plan = {
        "rush": (RUSH_PLACES, [t for m in rush_months for t in rush[m]]),
        "wide": (ROOM, wide),
        "hot": (ROOM, hot),
        "age": (1, age),
    }
    with contract_scope(contract):
        ensure_procedures(contract, now=now)
        site = Site.objects.get(code=SITE)
        for code, (places, starts) in plan.items():
            pool = Pool.objects.create(contract=contract, site=site, code=code, name=code, band_minutes=30)
            procedure = Procedure.objects.get(code=PROCEDURES[code])
            PoolProcedure.objects.create(contract=contract, pool=pool, procedure=procedure)
            Slot.objects.bulk_create(
                Slot(
                    contract=contract, pool=pool, starts_at=t, ends_at=t + dt.timedelta(minutes=30), planned=places,
                    capacity=places,
                )
                for t in starts
            )  # fmt: skip
    count_anew()

    def month(first: dt.date, starts: list[dt.datetime]) -> Month:
        last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
        return Month(first.isoformat(), last.isoformat(), [t.isoformat() for t in starts])

    return Scene(
        contract.pk, key, [month(m, t) for m, t in rush.items()], [t.isoformat() for t in wide],
        [t.isoformat() for t in hot], month(age_month, age),
    )  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault(
        "DJANGO_SETTINGS_MODULE", f"config.settings.{os.environ.get('MADOGUCHI_MODE', 'development')}"
    )
    print(json.dumps(asdict(build())))
