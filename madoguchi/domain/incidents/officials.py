"""What the mail about an incident says. No personal data, none of the words of the report: they are read on its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from madoguchi.domain.notices.recipients import Recipient
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

from . import rules
from .enums import Kind, Seriousness
from .models import Incident
from .queries import people_of, site_name


def resolve(
    contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
) -> Recipient | None:
    """The person ``detail["user"]``, while still in a role of the call ``detail["call"]``; nobody once a later call has become needless."""
    incident = Incident.objects.select_related("reported_by").filter(pk=record_id).first()
    number = int(detail["call"])
    user = next((one for _, one in people_of(contract, rules.called(contract.profile.incidents, number)) if one.pk == detail["user"]), None)
    if incident is None or user is None or (number and incident.acknowledged_at is not None):
        return None
    happened, reported = (moment.astimezone(JST) for moment in (incident.happened_at, incident.reported_at))
    context = {
        "city": contract.profile.city.name,
        "kind": str(Kind(incident.kind).label),
        "seriousness": str(Seriousness(incident.seriousness).label),
        "site": site_name(contract, incident.site),
        "happened": f"{dates.show(happened.date())} {happened:%H:%M}",
        "reported": f"{dates.show(reported.date())} {reported:%H:%M}",
        "who": str(incident.reported_by),
        "label": incident.label,
        "again": f"まだ確認されていないため、もう一度お知らせします（{number + 1}回目）。" if number else "",
        "link": f"{settings.PUBLIC_URL}/staff/{contract.code}/incidents/{incident.pk}/",
    }
    return Recipient(user.email, context)
