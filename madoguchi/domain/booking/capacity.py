"""The proof that what is taken equals the rows, for every slot, with the first wrong row by name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM

from .models import Claim, Proof, Slot


@dataclass(frozen=True)
class Fault:
    """One wrong row."""

    kind: str
    row: int
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.row}: {self.detail}"


_CHECKS = {
    "slot": """
        with c as (select slot_id, count(*) n,
                     array[count(*) filter (where share = 1), count(*) filter (where share = 2),
                           count(*) filter (where share = 3), count(*) filter (where share = 4)] part
                   from (select slot_id, share from booking_claim where contract_id = %(contract)s
                         union all
                         select slot_id, share from booking_rest r, generate_series(1, r.places) where r.contract_id = %(contract)s) x
                   group by slot_id)
        select s.id, format('taken %%s, claims and rests %%s, at %%s', s.taken, coalesce(c.n, 0),
                            to_char(s.starts_at at time zone 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI'))
        from booking_slot s left join c on c.slot_id = s.id
        where s.contract_id = %(contract)s
          and (s.taken <> coalesce(c.n, 0) or s.used is not null and s.used::bigint[] <> coalesce(c.part, '{0,0,0,0}'))
        order by s.id limit 50""",
    "claim": """
        select c.id, format('belongs to booking %%s which is %%s', b.code, b.state)
        from booking_claim c join booking_attendee a on a.id = c.attendee_id join booking_booking b on b.id = a.booking_id
        where c.contract_id = %(contract)s and b.state not in ('held', 'booked') order by c.id limit 50""",
    "attendee": """
        select a.id, format('of live booking %%s claims no slot', b.code)
        from booking_attendee a join booking_booking b on b.id = a.booking_id
        where a.contract_id = %(contract)s and b.state in ('held', 'booked')
          and not exists (select 1 from booking_claim c where c.contract_id = a.contract_id and c.attendee_id = a.id)
        order by a.id limit 50""",
    "booking": """
        select b.id, format('says %%s people, has %%s', b.people, count(a.id))
        from booking_booking b left join booking_attendee a on a.contract_id = b.contract_id and a.booking_id = b.id
        where b.contract_id = %(contract)s and b.state in ('held', 'booked') group by b.id having b.people <> count(a.id) order by b.id limit 50""",
}


def verify(contract: Contract) -> list[Fault]:
    """Every wrong row (at most 50 of each kind); an empty list is the proof."""
    faults = []
    with contract_scope(contract), connection.cursor() as cursor:
        for kind, sql in _CHECKS.items():
            cursor.execute(sql, {"contract": contract.pk})
            faults += [Fault(kind, row, detail) for row, detail in cursor.fetchall()]
    return faults


def prove(contract: Contract, *, now: dt.datetime) -> Proof:
    """Verify and keep the result; runs every night. A fault is shown to staff until the next clean proof."""
    with contract_scope(contract):
        faults = verify(contract)
        proof: Any = Proof.objects.create(
            contract=contract,
            at=now,
            slots=Slot.objects.count(),
            claims=Claim.objects.count(),
            faults=[str(fault) for fault in faults],
        )
        audit.record(contract, "capacity.proved", f"proof:{proof.pk}", by=SYSTEM, now=now, faults=len(faults))
    return proof
