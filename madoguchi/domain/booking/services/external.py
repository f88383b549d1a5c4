"""Take in the bookings of a city's own site, all or nothing; take them out again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.worklog import services as worklog

from ..errors import ImportRefused
from ..external import Visit
from ..models import ExternalVisit
from ..queries.external import Comparison, compare


@transaction.atomic
def import_visits(contract: Contract, visits: Sequence[Visit], *, by: Actor, now: dt.datetime) -> Comparison:
    """Write visits under the city's numbers: new ones are added, changed ones updated, missing ones stay. The same visits
    again change nothing. Imports of a contract wait for each other.

    Raises :class:`ImportRefused` for a contract whose reservations are ours, a number that comes twice, or a procedure or
    site that does not exist.
    """
    if contract.profile.booking.mode != "external":
        raise ImportRefused("この契約の予約は、このシステムで受け付けています。市の予約は取り込めません。")
    if len({visit.reference for visit in visits}) != len(visits):
        raise ImportRefused("同じ市の予約番号が2回出てきます。1つの予約は1回だけ送ってください。")
    with contract_scope(contract):
        Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)
        found = compare(visits)
        procedures = dict(Procedure.objects.values_list("code", "pk"))
        sites = dict(Site.objects.values_list("code", "pk"))
        wanted = [*found.added, *(after for _, after in found.changed)]
        gone = {v.procedure for v in wanted} - procedures.keys() | {v.site for v in wanted} - sites.keys()
        if gone:
            raise ImportRefused(f"「{'、'.join(sorted(gone))}」は今はありません。手続きと場所を確かめてください。")
        ExternalVisit.objects.bulk_create(
            [
                ExternalVisit(
                    contract=contract,
                    reference=visit.reference,
                    starts_at=visit.starts_at,
                    procedure_id=procedures[visit.procedure],
                    site_id=sites[visit.site],
                    people=visit.people,
                    state=visit.state,
                    actor_kind=visit.actor,
                    channel=visit.channel,
                    imported_at=now,
                    changed_at=now,
                )
                for visit in wanted
            ],
            update_conflicts=True,
            unique_fields=["contract", "reference"],
            update_fields=["starts_at", "procedure", "site", "people", "state", "actor_kind", "channel", "changed_at"],
            batch_size=1000,
        )
        if wanted:
            worklog.note(contract, "external.imported", by=by, now=now, ref=f"contract:{contract.code}", quantity=len(wanted))
        audit.record(
            contract, "external.imported", f"contract:{contract.code}", by=by, now=now, added=len(found.added),
            changed=[before.reference for before, _ in found.changed][:200], changed_count=len(found.changed),
            unchanged=found.unchanged,
        )  # fmt: skip
        return found


def record_visits_export(contract: Contract, *, form: str, rows: int, first: dt.date, last: dt.date, by: Actor, now: dt.datetime) -> None:
    """Write that the city's bookings of these days were taken out (no personal data)."""
    with contract_scope(contract):
        audit.record(
            contract, "external.exported", f"contract:{contract.code}", by=by, now=now, form=form, rows=rows, first=first, last=last
        )
