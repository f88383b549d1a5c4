"""Growth: does claiming, rebuilding a calendar or finding a booking become slower when history grows?

``python -m benchmarks.growth 4 5 6`` runs inside the program's settings (``run`` starts it) against the scene's database: it grows
the history of the contract to 10^4, 10^5, … bookings, measures after each step, and prints one JSON object a line. The times are
taken in the process, one client, commits without waiting for the disk, so that a slow disk does not hide growth.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from . import machine, scene

STEP = 250_000
SAMPLE = 50
BORN = dt.date(1980, 1, 2)
SQL = Path(__file__).parent / "sql" / "history.sql"


def _grow(dsn: str, values: dict[str, Any], have: int, upto: int) -> None:
    statements = [s for s in SQL.read_text().split(";\n") if s.strip()]
    with psycopg.connect(dsn, autocommit=True) as c:
        c.execute("set session_replication_role = replica")
        c.execute("set synchronous_commit = off")
        while have < upto:
            part = min(upto, have + STEP)
            with c.transaction():
                for statement in statements:
                    c.execute(statement, {**values, "after": have, "upto": part})
            have = part
        c.execute("vacuum analyze")
        c.execute("checkpoint")


def _times(deed: Callable[[int], object], count: int) -> tuple[float, float]:
    for n in range(10):
        deed(-1 - n)
    taken = []
    for n in range(count):
        start = time.perf_counter()
        deed(n)
        taken.append((time.perf_counter() - start) * 1000)
    taken.sort()
    return round(machine.percentile(taken, 0.5), 3), round(machine.percentile(taken, 0.95), 3)


def main(exponents: list[int]) -> None:
    """Grow and measure; the administrator's URL of the database is in ``BENCH_ADMIN``."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from madoguchi.domain.booking import availability
    from madoguchi.domain.booking.models import Attendee, Booking, Pool
    from madoguchi.domain.booking.party import CONTACT, PERSON, Contact, Person, person_index
    from madoguchi.domain.booking.queries import desk
    from madoguchi.domain.booking.services import reserve
    from madoguchi.domain.procedures.models import Procedure
    from madoguchi.ground.contracts.models import Contract, Site
    from madoguchi.ground.contracts.tenancy import contract_scope
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import CITIZEN_WEB
    from madoguchi.ground.privacy.sealing import keyring

    settings.GROUP_COMMIT = False
    admin = os.environ["BENCH_ADMIN"]
    contract = Contract.objects.get(code=scene.CODE)
    ring = keyring(contract)
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")
    person = Person({"name": "山田 太郎", "kana": "ヤマダ タロウ", "birth_date": "1980-01-02"})
    contact = Contact({"phone": "+819012345678", "email": "t1@example.jp"})
    with contract_scope(contract):
        pool = Pool.objects.get(code="rush")
        values = {
            "contract": contract.pk,
            "pool": pool.pk,
            "site": Site.objects.get(code=scene.SITE).pk,
            "procedure": Procedure.objects.get(code=scene.PROCEDURES["rush"]).pk,
            "person": ring.seal_json(PERSON, person.as_dict()),
            "contact": ring.seal_json(CONTACT, contact.as_dict()),
            "ids": "booking_booking_id_seq",
            "now": now,
        }
        wide = list(
            Pool.objects.raw(
                "select s.id, s.starts_at from booking_slot s join booking_pool p on p.id = s.pool_id where p.code = 'wide'"
            )
        )
    starts = [row.starts_at for row in wide]
    first = starts[0].astimezone(clock.JST).date().replace(day=1)
    last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    have = 0

    def claim(n: int) -> None:
        wanted = reserve.Reservation(
            scene.SITE, starts[n % len(starts)], [(scene.PROCEDURES["wide"], person)], contact, "ja", str(uuid.uuid4())
        )
        reserve.reserve(contract, wanted, by=CITIZEN_WEB, now=now)

    def rebuild(n: int) -> None:
        availability.forget()
        availability.snapshot(contract, scene.SITE, (scene.PROCEDURES["wide"],), first, last, by=CITIZEN_WEB)

    def look_up(field: str) -> Callable[[int], object]:
        def find(n: int) -> object:
            with contract_scope(contract):
                found = desk.find(contract, keys[field][n % SAMPLE], now=now)
                if not found:
                    raise LookupError(f"nothing found by {field}, although it is there")
                return found

        return find

    def phone(n: int) -> str:
        return f"+8190{n:08d}"

    def reading(n: int) -> str:
        return "ヤマダ " + "アイウエオカキクケコ"[n // 10 % 10] + "サシスセソタチツテト"[n % 10]

    def mail(n: int) -> str:
        return f"t{n}@example.jp"

    def sample() -> list[str]:
        """Codes of some bookings spread over the history, which from now on are found by phone, person and mail."""
        with contract_scope(contract):
            last = Booking.objects.filter(code__startswith="G").order_by("-pk").values_list("pk", flat=True)[0]
            pks = [last - n * (upto - 1) // SAMPLE for n in range(SAMPLE)]
            rows = list(Booking.objects.filter(pk__in=pks))
            for n, row in enumerate(rows):
                row.phone_index, row.mail_index = ring.blind("phone", phone(n)), ring.blind("mail", mail(n))
                row.save(update_fields=["phone_index", "mail_index"])
                index = person_index(ring, reading(n), BORN)
                Attendee.objects.filter(booking=row).update(person_index=index)
            return [row.code for row in rows]

    for exponent in exponents:
        upto = 10**exponent
        started = time.monotonic()
        _grow(admin, values, have, upto)
        have = upto
        with psycopg.connect(admin) as c:
            total = (c.execute("select count(*) from booking_booking").fetchone() or [0])[0]
        codes = sample()
        keys = {
            "code": [desk.SearchKey("code", code=code) for code in codes],
            "phone": [desk.SearchKey("phone", phone=phone(n)) for n in range(SAMPLE)],
            "person": [desk.SearchKey("person", reading=reading(n), born=BORN) for n in range(SAMPLE)],
            "mail": [desk.SearchKey("mail", mail=mail(n)) for n in range(SAMPLE)],
        }
        found: dict[str, Any] = {"history": upto, "present": total, "filled_in": round(time.monotonic() - started, 1)}
        found["claim"] = _times(claim, 300)
        found["snapshot rebuild"] = _times(rebuild, 100)
        for field in keys:
            found[f"look-up by {field}"] = _times(look_up(field), 100 if field != "mail" else 15)
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]])
