"""A small desk to act at: one contract with two pools and a fortnight of slots, and short ways to say what is done.

The pools are those of 廿日市市: ``card`` with 6 places a band and ``application`` with 2; bands of 30 minutes from 8:30
to 17:00, the last one begins at 16:30. Tuesday 3 November 2026 is a holiday.
"""

from __future__ import annotations

import datetime as dt
import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from madoguchi.domain.booking import availability, capacity
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Attendee, Booking, Claim, Event, Pool, PoolProcedure, Slot, WeekPattern
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.services import change, reserve, slots
from madoguchi.domain.procedures.models import Procedure
from madoguchi.domain.procedures.services import ensure_procedures
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, SYSTEM, Actor
from madoguchi.ground.kit.clock import JST

WEDNESDAY = dt.date(2026, 11, 4)
THURSDAY = dt.date(2026, 11, 5)
FRIDAY = dt.date(2026, 11, 6)
SATURDAY = dt.date(2026, 11, 7)
_keys = itertools.count(1)


def at(hour: int, minute: int = 0, day: dt.date = WEDNESDAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), JST)


def person(number: int = 1) -> Person:
    return Person({"name": f"山田 {number}郎", "kana": "ヤマダ タロウ", "birth_date": f"1980-01-{number % 28 + 1:02d}"})


def contact(number: int = 1, *, email: bool = True) -> Contact:
    values = {"phone": f"+8190{number:08d}"}
    if email:
        values["email"] = f"taro{number}@example.jp"
    return Contact(values)


@dataclass
class Desk:
    """The contract and what one does with it. Every method enters the contract itself."""

    contract: Contract
    now: dt.datetime

    def set_up(self, first: dt.date, last: dt.date) -> None:
        with contract_scope(self.contract):
            ensure_procedures(self.contract, now=self.now)
            procedures = {p.code: p for p in Procedure.objects.all()}
            for plan in self.contract.profile.pools:
                site = Site.objects.get(code=plan.site)
                pool = Pool.objects.create(
                    contract=self.contract,
                    site=site,
                    code=plan.code,
                    name=plan.name or "",
                    band_minutes=plan.band_minutes,
                )
                PoolProcedure.objects.bulk_create(
                    PoolProcedure(contract=self.contract, pool=pool, procedure=procedures[code]) for code in plan.procedures
                )
                WeekPattern.objects.bulk_create(
                    WeekPattern(
                        contract=self.contract,
                        pool=pool,
                        weekday=weekday,
                        starts=dt.time(8, 30),
                        ends=dt.time(17, 15),
                        capacity=plan.capacity,
                        valid_from=first,
                    )
                    for weekday in range(5)
                )
            slots.rebuild(self.contract, list(Pool.objects.all()), first, last, by=SYSTEM, now=self.now)
        availability.forget()

    def pool(self, code: str = "card") -> Pool:
        with contract_scope(self.contract):
            return Pool.objects.get(code=code)

    def slot(self, moment: dt.datetime, pool: str = "card") -> Slot:
        with contract_scope(self.contract):
            return Slot.objects.get(pool__code=pool, starts_at=moment)

    def taken(self, moment: dt.datetime, pool: str = "card") -> int:
        return self.slot(moment, pool).taken

    def wanted(
        self,
        moment: dt.datetime,
        codes: Sequence[str],
        *,
        hold: bool = False,
        key: str | None = None,
        over: bool = False,
        email: bool = True,
        number: int = 1,
    ) -> reserve.Reservation:
        return reserve.Reservation(
            site="main",
            starts_at=moment,
            people=[(code, None if hold else person(number + i)) for i, code in enumerate(codes)],
            contact=None if hold else contact(number, email=email),
            language="ja",
            key=key or f"test-key-{next(_keys)}",
            over=over,
        )

    def reserve(
        self,
        moment: dt.datetime,
        people: int | Sequence[str] = 1,
        *,
        by: Actor = CITIZEN_WEB,
        now: dt.datetime | None = None,
        hold: bool = False,
        **more: Any,
    ) -> reserve.Reserved:
        codes = ["card_pickup"] * people if isinstance(people, int) else list(people)
        return reserve.reserve(
            self.contract, self.wanted(moment, codes, hold=hold, **more), by=by, now=now or self.now, hold=hold
        )

    def confirm(self, code: str, people: int = 1, *, now: dt.datetime | None = None, email: bool = True) -> Booking:
        return reserve.confirm_hold(
            self.contract,
            code,
            people=[person(i) for i in range(1, people + 1)],
            contact=contact(zlib.crc32(code.encode()) % 10**8, email=email),
            language="ja",
            by=CITIZEN_WEB,
            now=now or self.now,
        )

    def booking(self, code: str) -> Booking:
        with contract_scope(self.contract):
            return Booking.objects.select_related("site").get(code=code)

    def attendees(self, code: str) -> list[Attendee]:
        with contract_scope(self.contract):
            rows = (
                Attendee.objects.filter(booking__code=code).select_related("procedure", "booking").order_by("position")
            )
            return list(rows)

    def events(self, code: str) -> list[Event]:
        with contract_scope(self.contract):
            return list(Event.objects.filter(booking__code=code).order_by("pk"))

    def claims(self, code: str) -> list[int]:
        with contract_scope(self.contract):
            rows = Claim.objects.filter(attendee__booking__code=code).order_by("attendee__position", "slot__starts_at")
            return list(rows.values_list("slot_id", flat=True))

    def members(self, code: str) -> list[change.Member]:
        return [change.Member(a.pk, a.procedure.code) for a in self.attendees(code)]

    def move(
        self,
        code: str,
        moment: dt.datetime,
        *,
        by: Actor = CITIZEN_WEB,
        now: dt.datetime | None = None,
        **more: Any,
    ) -> Booking:
        return change.revise(
            self.contract, code, members=self.members(code), starts_at=moment, by=by, now=now or self.now, **more
        )

    def cancel(self, code: str, *, by: Actor = CITIZEN_WEB, now: dt.datetime | None = None) -> Booking:
        return change.cancel(self.contract, code, by=by, now=now or self.now)

    def faults(self) -> list[str]:
        return [str(fault) for fault in capacity.verify(self.contract)]

    def snapshot(self) -> list[tuple[Any, ...]]:
        """Every row of the tables that a deed may touch, to show that nothing changed."""
        tables = (
            "booking_slot", "booking_booking", "booking_attendee", "booking_claim", "booking_event", "booking_affected",
            "booking_dayplan", "booking_weekpattern", "booking_rest", "booking_waiting", "booking_offer", "booking_contingent",
            "contracts_calendaroverride", "notices_message", "worklog_fact",
            "audit_entry", "audit_head",
        )  # fmt: skip
        with contract_scope(self.contract), connection.cursor() as cursor:
            found = []
            for table in tables:
                cursor.execute(
                    f"select '{table}', t::text from {table} t where contract_id = %s order by 2", [self.contract.pk]
                )
                found += cursor.fetchall()
            return found

    def audit(self) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "select action, target from audit_entry where contract_id = %s order by id", [self.contract.pk]
            )
            return cursor.fetchall()

    def facts(self) -> list[tuple[str, str, int, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "select kind, procedure, quantity, ref from worklog_fact where contract_id = %s order by id",
                [self.contract.pk],
            )
            return cursor.fetchall()

    def mails(self) -> list[tuple[str, str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "select kind, ref, state from notices_message where contract_id = %s order by id", [self.contract.pk]
            )
            return cursor.fetchall()

    def live(self) -> list[str]:
        with contract_scope(self.contract):
            return list(Booking.objects.filter(state=State.BOOKED).order_by("pk").values_list("code", flat=True))
